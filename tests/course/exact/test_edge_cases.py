"""The exact optimum for unusual data: scales, shapes, types, memory."""

import math
import tracemalloc
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch

from lectures_code.exact import separate, solution_path, solve
from lectures_code.features import Threshold
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import worst_margins
from tests.course.exact.problems import RADII, TOL, assert_certified, each_p, overlapping, separated
from tests.course.exact.test_solver import scipy_minimum
from tests.oracles import INF


@each_p
def test_one_class_is_separated_by_a_constant(p):
    x, _ = overlapping(n=5)
    for sign in (1.0, -1.0):
        y = torch.full((5,), sign)
        found = solve(x, y, NormBall(p, 7.0))
        assert found.status == "separable" and found.lower_bound == 0
        assert (worst_margins(found.classifier, x, y, found.ball) > 0).all()
        assert separate(x, y, NormBall(p, 0)).radius == INF
    assert solve(x[:1], y[:1], NormBall(p, 0.1)).status == "separable"  # N = 1


@each_p
def test_the_same_examples_with_both_labels_leave_nothing_to_learn(p):
    x, _ = overlapping(n=5)
    x, y = torch.cat([x, x]), torch.tensor([1.0] * 5 + [-1.0] * 5)
    for radius in (0.0, 0.1):
        optimum = solve(x, y, NormBall(p, radius))
        assert optimum.status == "optimal"
        assert optimum.risk == pytest.approx(math.log(2), rel=TOL)
    assert separate(x, y, NormBall(p, 0)).radius == 0


@each_p
def test_constant_and_repeated_pixels_change_nothing(p):
    x, y = overlapping(9)
    optimum = solve(x, y, NormBall(p, RADII[p]))
    constant = torch.tensor([0.0, 1.0, 0.37]).double().expand(len(x), 3)
    wider = solve(torch.cat([x, constant], dim=1), y, NormBall(p, RADII[p]))
    assert_certified(wider, torch.cat([x, constant], dim=1), y)
    assert wider.risk == pytest.approx(optimum.risk, rel=2 * TOL)
    doubled = torch.cat([x, x], dim=1)
    assert_certified(solve(doubled, y, NormBall(p, RADII[p])), doubled, y)


@each_p
def test_radius_0_is_plain_logistic_regression(p):
    x, y = overlapping(2)
    optimum = solve(x, y, NormBall(p, 0.0))
    assert_certified(optimum, x, y)
    assert 0 <= optimum.bound_radius < 1e-9
    plain = scipy_minimum(x, y, NormBall(INF, 0.0))
    assert optimum.risk == pytest.approx(plain, abs=1e-9)


@each_p
def test_fewer_examples_than_pixels(p):
    x, y = overlapping(1, n=8, d=30)
    radius = separate(x, y, NormBall(p, 0)).radius
    assert radius > 0
    assert solve(x, y, NormBall(p, 0.9 * radius)).status == "separable"
    assert_certified(solve(x, y, NormBall(p, 1.1 * radius)), x, y)


@each_p
@pytest.mark.parametrize("size", [1e-6, 1e6])
def test_the_unit_of_the_pixels_does_not_matter(p, size):
    x, y = separated(4)
    assert separate(size * x, y, NormBall(p, 0)).radius == pytest.approx(
        size * separate(x, y, NormBall(p, 0)).radius, rel=1e-8
    )
    x, y = overlapping(4)
    one, other = (solve(s * x, y, NormBall(p, s * RADII[p])) for s in (1.0, size))
    assert_certified(other, size * x, y)
    assert other.risk == pytest.approx(one.risk, rel=TOL)


@each_p
def test_badly_scaled_pixels(p):
    x, y = overlapping(4)
    x = x * torch.logspace(-3, 3, 10, dtype=torch.float64)
    assert_certified(solve(x, y, NormBall(p, 0.1)), x, y)


def test_float32_examples_are_read_as_they_are():
    x, y = overlapping(3)
    narrow = solve(x.float(), y, NormBall(INF, 0.05))
    assert_certified(narrow, x.float().double(), y)
    assert narrow.classifier.theta.dtype == narrow.alpha.dtype == torch.float64
    half = solve(x.half(), y, NormBall(INF, 0.05))
    assert_certified(half, x.half().double(), y)


@each_p
def test_a_limit_of_steps_stops_with_bounds_that_hold(p):
    x, y = overlapping(5)
    ball = NormBall(p, RADII[p])
    stopped, optimum = solve(x, y, ball, max_steps=1), solve(x, y, ball)
    assert stopped.status == "stopped"
    assert stopped.lower_bound <= optimum.risk <= stopped.risk
    assert stopped.relative_gap > TOL


def test_a_gap_below_the_rounding_errors_stops_with_bounds_that_hold():
    x, y = overlapping(5)
    found = solve(x, y, NormBall(INF, 0.05), tol=1e-18)
    assert found.status in ("stopped", "optimal")
    assert abs(found.relative_gap) < TOL


@pytest.mark.parametrize(
    ("ball", "feature"),
    [
        *((NormBall(p, radius / 100), None) for p, radius in RADII.items()),
        (NormBall(INF, RADII[INF] / 100).in_box(), None),
        (NormBall(INF, RADII[INF] / 100).in_box(), Threshold(0.5)),
    ],
)
def test_memory_bounds_what_is_allocated_and_does_not_change_the_answer(ball, feature, tmp_path):
    # 16 MB of examples in a memory-mapped file, 1 MB to work with. The radius is so small that
    # all pixels are used: to copy the working set would take another 16 MB.
    x, y = overlapping(0, n=20_000, d=100)
    stored = np.memmap(tmp_path / "x", np.float64, "w+", shape=x.shape)
    stored[:] = x.numpy()
    mapped = torch.from_numpy(stored)
    tracemalloc.start()
    optimum = solve(mapped, y, ball, feature=feature, memory=2**20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # numpy reports its allocations: the working memory and some ten numbers an example.
    assert peak <= 2**20 + 12 * 8 * len(y)
    assert optimum.status == "optimal"
    assert optimum.risk == pytest.approx(solve(x, y, ball, feature=feature).risk, rel=2 * TOL)


def test_nothing_that_was_passed_in_is_changed():
    x, y = overlapping()
    start = LinearClassifier(torch.ones(10).double(), torch.tensor(1.0).double())
    copies = x.clone(), y.clone(), start.theta.clone()
    optimum = solve(x, y, NormBall(INF, 0.05), start=start)
    assert torch.equal(x, copies[0]) and torch.equal(y, copies[1])
    assert torch.equal(start.theta, copies[2])
    with pytest.raises(FrozenInstanceError):
        optimum.risk = 0.0


@each_p
def test_a_fine_path_is_made_of_the_cold_solutions(p):
    x, y = overlapping(4, n=120, d=15)
    # So fine that each radius is followed from the last; with a leap, which is not.
    radii = [RADII[p] * factor for factor in (*np.linspace(1.0, 1.6, 25), 4.0)]
    path = solution_path(x, y, NormBall(p, 0), radii)
    for radius, found in zip(radii, path, strict=True):
        cold = solve(x, y, NormBall(p, radius))
        assert found.status == cold.status == "optimal"
        # Both lie within a relative gap of 1e-9 of the infimum.
        assert found.risk == pytest.approx(cold.risk, rel=2e-9)
