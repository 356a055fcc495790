"""Classifiers of thresholded pixels: the worst case by enumeration, and the exact optimum."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lectures_code.attacks import linear_maximiser
from lectures_code.exact import lower_bound, separate, solution_path, solve
from lectures_code.features import MonotoneClassifier, Threshold
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import (
    adversarial_risk,
    certified_radii,
    error_curve,
    robust_error,
    worst_margins,
)
from tests.course.exact.problems import TOL, interval_optimum, overlapping
from tests.oracles import INF, says, seeded

HALF = Threshold(0.5)
SETS = [NormBall(INF, 0.2), NormBall(INF, 0.2).in_box(), NormBall(INF, 0.6).in_box(0.3, 0.9)]
each_set = pytest.mark.parametrize("ball", SETS, ids=["free", "box", "narrow box"])


def classifier(d, seed=0):
    theta = torch.randn(d, generator=seeded(seed), dtype=torch.float64)
    return MonotoneClassifier(HALF, LinearClassifier(theta, 0.1))


def images(n, d, ball, seed=0):
    """Pixels in the ball's box, which is [0, 1] without one."""
    low, high = getattr(ball, "low", 0.0), getattr(ball, "high", 1.0)
    x = low + (high - low) * torch.rand(n, d, generator=seeded(seed), dtype=torch.float64)
    return x, torch.where(torch.rand(n, generator=seeded(seed + 1)) < 0.5, 1.0, -1.0).double()


@each_set
@given(seed=st.integers(0, 10**6))
def test_the_worst_margin_is_that_of_all_images_on_a_grid(ball, seed):
    model, (x, y) = classifier(3, seed), images(4, 3, ball, seed)
    low, high = ball.interval(x)
    grid = torch.linspace(0, 1, 5, dtype=torch.float64)
    # Every feature takes both its values on a grid that holds the ends of each pixel's interval.
    shares = torch.tensor(list(itertools.product(grid, repeat=3)))
    candidates = low[:, None] + shares * (high - low)[:, None]
    scores = model.linear(HALF(candidates.reshape(-1, 3))).reshape(4, -1)
    least = (y[:, None] * scores).min(dim=1).values
    assert torch.allclose(worst_margins(model, x, y, ball), least, rtol=0, atol=1e-12)
    delta = linear_maximiser(model, x, y, ball)
    assert ball.contains(delta, x).all()
    assert torch.equal(model.margins(ball.perturbed(x, delta), y), worst_margins(model, x, y, ball))


@each_set
@given(seed=st.integers(0, 10**6))
def test_a_radius_is_where_the_worst_margin_ceases_to_be_positive(ball, seed):
    model, (x, y) = classifier(5, seed), images(6, 5, ball, seed)
    radii = certified_radii(model, x, y, ball)
    for factor in (1 - 1e-9, 1 + 1e-9):
        for i in radii.isfinite().nonzero()[:, 0].tolist():
            at = ball.with_radius(float(radii[i]) * factor)
            assert (worst_margins(model, x, y, at)[i] > 0) == (factor < 1)
    far = worst_margins(model, x, y, ball.with_radius(9.0))
    assert (far[radii == INF] > 0).all()
    assert (model.margins(x, y)[radii == -INF] < 0).all()


def test_the_error_curve_counts_what_an_attack_at_each_radius_finds():
    ball = SETS[1]
    model, (x, y) = classifier(9), images(200, 9, ball)
    curve = error_curve(model, x, y, ball)
    for radius in (0.0, 0.05, 0.2, 0.37, 0.6):
        assert curve.at(radius) == robust_error(model, x, y, ball.with_radius(radius))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@given(at=st.floats(0.01, 0.99), seed=st.integers(0, 10**6))
def test_a_pixel_crosses_the_threshold_at_its_radius_and_not_at_the_number_before(dtype, at, seed):
    x = torch.rand(40, 1, generator=seeded(seed), dtype=torch.float64).to(dtype)
    x[:8] = at + torch.linspace(-1e-3, 1e-3, 8, dtype=torch.float64)[:, None]
    model = MonotoneClassifier(Threshold(at), LinearClassifier(torch.ones(1).to(dtype), -0.5))
    y = torch.where(model(x) > 0, 1.0, -1.0).to(dtype)
    ball = NormBall(INF, 1.0)
    for each, label, radius in zip(x, y, certified_radii(model, x, y, ball), strict=True):
        for moved, crosses in ((radius, True), (radius.nextafter(-radius), False)):
            within = ball.with_radius(float(moved))
            assert (worst_margins(model, each[None], label[None], within) < 0) == crosses


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_the_curve_is_exact_where_pixels_of_an_image_are_a_radius_from_the_threshold(dtype):
    x = torch.randint(0, 256, (400, 6), generator=seeded(0)).to(dtype) / 255
    linear = LinearClassifier(torch.randn(6, generator=seeded(1)).to(dtype), 0.1)
    model, ball = MonotoneClassifier(HALF, linear), NormBall(INF, 0.3).in_box()
    y = torch.where(model(x) > 0, 1.0, -1.0).to(dtype)
    curve = error_curve(model, x, y, ball)
    for k in range(1, 128):
        radius = abs(k / 255 - 0.5)  # of which 0.1 and 0.3 are two
        assert curve.at(radius) == robust_error(model, x, y, ball.with_radius(radius))


def binary_problem(seed, n=60, d=6):
    """Images whose thresholded pixels overlap under attack; each pixel can be moved in some."""
    x, y = overlapping(seed, n=n, d=d)
    return x.clamp(0.02, 0.98), y


@pytest.mark.parametrize("radius", [0.1, 0.2])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")
def test_cvxpy_finds_the_same_optimum(seed, radius):

    x, y = binary_problem(seed)
    ball = NormBall(INF, radius).in_box()
    least, dual = interval_optimum(*HALF.interval(x, ball), y)
    found = solve(x, y, ball, feature=HALF)
    assert found.status == "optimal" and found.relative_gap <= TOL
    assert dual == pytest.approx(found.lower_bound, abs=1e-7)
    assert least == pytest.approx(found.risk, abs=1e-7)
    assert found.risk == pytest.approx(adversarial_risk(found.classifier, x, y, ball), rel=1e-12)
    assert lower_bound(x, y, ball, found.alpha, feature=HALF) == found.lower_bound


def test_a_certificate_of_the_free_pixels_is_none_of_the_thresholded_ones():
    x, y = binary_problem(0)
    ball = NormBall(INF, 0.1).in_box()
    with says(
        ValueError,
        "alpha must make the weighted interval means of the classes overlap in every pixel, by "
        "more than the rounding errors of checking it, got one that does not: the adversary can't "
        "move the weighted class means onto each other within them",
    ):
        lower_bound(x, y, ball, solve(x, y, ball).alpha, feature=HALF)


def test_the_path_of_thresholds_is_made_of_the_cold_solutions():
    x, y = binary_problem(1)
    radii = [0.25, 0.1, 0.2, 0.15]
    ball = NormBall(INF, 1.0).in_box()
    path = solution_path(x, y, ball, radii, feature=HALF)
    assert [each.ball for each in path] == [ball.with_radius(radius) for radius in radii]
    for each in path:
        cold = solve(x, y, each.ball, feature=HALF)
        assert each.status == cold.status == "optimal"
        assert each.risk == pytest.approx(cold.risk, rel=2 * TOL)


def test_separability_of_thresholds_ends_where_a_pixel_can_cross():
    # One pixel: from 0.2 on the adversary makes the third image look like the ones.
    x = torch.tensor([[0.8], [0.9], [0.3], [0.1]], dtype=torch.float64)
    y = torch.tensor([1.0, 1.0, -1.0, -1.0], dtype=torch.float64)
    for ball in (NormBall(INF, 0), NormBall(INF, 0).in_box()):
        found = separate(x, y, ball, feature=HALF)
        assert found.radius == pytest.approx(0.2, abs=1e-9)
        assert found.radius <= found.upper_bound <= found.radius + 1e-9
        assert solve(x, y, ball.with_radius(0.19), feature=HALF).status == "separable"


def test_no_threshold_and_no_other_norm_is_taken_for_one():
    with says(
        ValueError,
        "at must be a finite number in pixel units, got nan: use 0.5 for the middle of [0, 1]",
    ):
        Threshold(math.nan)
    model, (x, y) = classifier(3), images(4, 3, SETS[0])
    text = "p must be inf for features of pixels, got 2: use NormBall(math.inf, radius)"
    for call in (worst_margins, certified_radii, linear_maximiser):
        with says(ValueError, text):
            call(model, x, y, NormBall(2, 0.1))
    with says(
        ValueError,
        "p must be inf for the exact optimum of features, got 2: leave feature out, or use p = inf",
    ):
        solve(x, y, NormBall(2, 0.1), feature=HALF)
