"""The exact optimum in the pixel box: what other solvers find, and what its proof must bear."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit

from lectures_code.exact import descent, lower_bound, separate, solution_path, solve
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import adversarial_risk, robust_error
from tests.course.exact.problems import assert_certified, interval_optimum, overlapping, separated
from tests.oracles import INF, says

TOL = 1e-9
RADII = (0.05, 0.1, 0.3)


def boxed(radius, **box):
    return NormBall(INF, radius).in_box(**box)


def scipy_minimum(x, y, radius):
    """The least risk over theta = u - v and the intercept by L-BFGS-B, from the worst pixels."""
    x, y = x.numpy(), y.numpy()
    n, d = x.shape

    def risk(z):
        theta, b = z[:d] - z[d:-1], z[-1]
        # The worst image of each example, pixel by pixel: no formula for the margin.
        worst = np.clip(x - radius * y[:, None] * np.sign(theta), 0, 1)
        margins = y * (worst @ theta + b)
        pull = -y * expit(-margins) / n
        slope = pull @ worst
        return np.logaddexp(0, -margins).mean(), np.concatenate([slope, -slope, [pull.sum()]])

    bounds = [(0, None)] * (2 * d) + [(None, None)]
    options = {"maxiter": 20_000, "maxfun": 50_000, "ftol": 0, "gtol": 1e-9}
    draw = np.random.default_rng(0)
    return min(
        minimize(risk, draw.random(2 * d + 1), jac=True, bounds=bounds, options=options).fun
        for _ in range(3)
    )


@pytest.mark.parametrize("radius", RADII)
@pytest.mark.parametrize("seed", range(3))
def test_no_general_solver_finds_less(seed, radius):
    x, y = overlapping(seed)
    optimum = solve(x, y, boxed(radius))
    assert_certified(optimum, x, y)
    assert scipy_minimum(x, y, radius) >= optimum.lower_bound * (1 - 1e-12)


@pytest.mark.parametrize("radius", RADII)
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")
def test_agrees_with_cvxpy_on_primal_and_dual(seed, radius):
    x, y = overlapping(seed + 10, n=50, d=8)
    low, high = (x - radius).clamp(min=0), (x + radius).clamp(max=1)
    primal, dual = interval_optimum(low, high, y)
    found = solve(x, y, boxed(radius))
    assert primal == pytest.approx(found.risk, abs=1e-7)
    assert dual == pytest.approx(found.lower_bound, abs=1e-7)


@given(st.integers(0, 10**6), st.sampled_from(RADII))
def test_the_box_never_costs_more_and_a_wide_box_costs_the_same(seed, radius):
    x, y = overlapping(seed, n=30, d=5)
    free = solve(x, y, NormBall(INF, radius))
    wide = solve(x, y, boxed(radius, low=-radius, high=1 + radius))
    assert solve(x, y, boxed(radius)).lower_bound <= free.risk * (1 + 1e-12)
    assert wide.status == free.status
    if free.status == "optimal":
        assert wide.risk == pytest.approx(free.risk, rel=2 * TOL)


def test_the_minimum_on_one_pixel_is_that_of_a_grid():
    x = torch.tensor([[0.0], [0.3], [0.7], [0.1], [0.4], [0.9]], dtype=torch.float64)
    y = torch.tensor([-1.0, -1.0, -1.0, 1.0, 1.0, 1.0], dtype=torch.float64)
    found = solve(x, y, boxed(0.1))
    assert_certified(found, x, y)
    theta, b = float(found.classifier.theta), float(found.classifier.intercept)
    for t, c in itertools.product(np.linspace(-0.3, 0.3, 31), repeat=2):
        other = LinearClassifier(torch.tensor([theta + t], dtype=torch.float64), b + c)
        assert adversarial_risk(other, x, y, boxed(0.1)) >= found.lower_bound


@pytest.mark.parametrize("seed", range(3))
def test_a_certificate_is_refused_as_soon_as_one_pixel_of_the_means_lies_apart(seed):
    x, y = overlapping(seed)
    ball = boxed(0.1)
    found = solve(x, y, ball)
    assert lower_bound(x, y, ball, found.alpha) == found.lower_bound
    refused = (
        "alpha must make the weighted interval means of the classes overlap in every pixel, by "
        "more than the rounding errors of checking it, got one that does not: the adversary can't "
        "move the weighted class means onto each other within them"
    )
    # An optimum has weights where its means just touch: the smallest loss of radius parts them.
    with says(ValueError, refused):
        lower_bound(x, y, boxed(0.1 * (1 - 1e-7)), found.alpha)
    with says(ValueError, refused):
        lower_bound(x, y, ball, _shifted(found.alpha, y))
    # What is feasible in the box is so without it, and not the other way round.
    lower_bound(x, y, NormBall(INF, 0.1), found.alpha)
    with says(ValueError, refused):
        lower_bound(x, y, ball, solve(x, y, NormBall(INF, 0.1)).alpha)


def _shifted(alpha, y):
    """The weights with a 64th moved from one half of the ones to the other: as balanced as before.

    All steps are in powers of two of a common unit, so that the sums stay exactly equal.
    """
    ones = (y > 0).nonzero()[:, 0]
    moved = alpha.clone()
    giver, taker = ones[alpha[ones].argmax()], ones[alpha[ones].argmin()]
    portion = 2.0 ** math.floor(math.log2(float(alpha[giver]) / 8))
    moved[giver] -= portion
    moved[taker] += portion
    return moved


@pytest.mark.parametrize("memory", [1, 2**28])
def test_memory_does_not_change_the_answer(memory):
    x, y = overlapping()
    found = solve(x, y, boxed(0.1), memory=memory)
    assert found.risk == pytest.approx(solve(x, y, boxed(0.1)).risk, rel=2 * TOL)
    assert lower_bound(x, y, boxed(0.1), found.alpha, memory=memory) == found.lower_bound


@pytest.mark.parametrize("radius", [0.0, 0.1])
def test_radius_zero_and_data_of_one_class_are_those_without_the_box(radius):
    x, y = overlapping()
    ball = boxed(radius)
    if radius == 0:
        box, free = solve(x, y, ball), solve(x, y, NormBall(INF, 0.0))
        assert (box.risk, box.lower_bound, box.ball) == (free.risk, free.lower_bound, ball)
    one = solve(x, torch.ones_like(y), ball)
    assert (one.status, one.lower_bound, one.ball) == ("separable", 0.0, ball)


def test_data_that_no_adversary_in_the_box_can_mix_are_separable():
    x, y = separated()
    found = solve(x, y, boxed(0.1))
    assert found.status == "separable" and found.lower_bound == 0
    assert robust_error(found.classifier, x, y, boxed(0.1)).k == 0


def test_the_start_changes_the_time_and_not_the_answer():
    x, y = overlapping()
    first = solve(x, y, boxed(0.1))
    start = solve(x, y, boxed(0.11)).classifier
    again = solve(x, y, boxed(0.1), start=start)
    assert_certified(again, x, y)
    assert again.risk == pytest.approx(first.risk, rel=2 * TOL)
    assert solve(x, y, boxed(0.1), start=first.classifier).iterations <= 2


def test_too_few_steps_leave_bounds_that_hold():
    x, y = overlapping()
    found = solve(x, y, boxed(0.1), max_steps=1)
    best = solve(x, y, boxed(0.1))
    assert found.status == "stopped"
    assert found.lower_bound <= best.risk and best.lower_bound <= found.risk


def test_examples_must_lie_in_the_box_and_p_be_infinite():
    x, y = overlapping()
    with pytest.raises(ValueError, match=r"^x must lie in \[0, 1\], got values from"):
        solve(2 * x, y, boxed(0.1))
    with says(
        ValueError,
        "p must be inf for the exact optimum in the box, got 2: leave .in_box() out, or use p = "
        "inf",
    ):
        solve(x, y, NormBall(2, 0.1).in_box())


@pytest.mark.parametrize("ball", [NormBall(INF, 0.05), boxed(0.1)], ids=["free", "box"])
def test_a_guess_from_fewer_examples_changes_the_time_and_not_the_answer(ball, monkeypatch):
    x, y = overlapping(3, n=400)
    cold = solve(x, y, ball)
    monkeypatch.setattr(descent, "ENOUGH", 50)
    guessed = solve(x, y, ball)
    assert_certified(guessed, x, y)
    assert guessed.risk == pytest.approx(cold.risk, rel=2 * TOL)
    # Every tenth example of one class only, or separable: there is no guess, and no harm.
    y = y.clone()
    y[::10] = 1.0
    assert_certified(solve(x, y, ball), x, y)


@pytest.mark.parametrize("kind", [NormBall(INF, 0.0), boxed(0.0)], ids=["free", "box"])
def test_the_path_is_continuous_and_no_steeper_than_its_weights(kind):
    x, y = overlapping(6, n=120)
    radii = [0.05 + 0.01 * k for k in range(20)]
    path = solution_path(x, y, kind, radii)
    for near, far in itertools.pairwise(path):
        # The nearer optimum is a classifier at the larger radius, too, and loses at most
        # |theta|_1 of each margin, per unit of radius.
        most = near.risk + 0.01 * float(near.classifier.theta.abs().sum())
        assert near.lower_bound <= far.risk and far.lower_bound <= most
        assert_certified(far, x, y)


def test_the_threshold_in_the_box_has_both_its_proofs():
    x, y = separated(2, n=60)
    found = separate(x, y, boxed(0.0))
    free = separate(x, y, NormBall(INF, 0.0))
    assert found.radius >= free.radius * (1 - 1e-9)
    assert 0 <= found.upper_bound - found.radius <= 1e-9
    assert robust_error(found.classifier, x, y, boxed(found.radius * (1 - 1e-9))).k == 0
    # As wide intervals as the upper bound's let the weights make both means equal.
    lower_bound(x, y, boxed(found.upper_bound), found.alpha)
    assert solve(x, y, boxed(found.radius * 0.999)).status == "separable"
    assert_certified(solve(x, y, boxed(found.radius * 1.01)), x, y)
