"""The exact optimum where each pixel of each example has an interval of its own."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lectures_code.attacks import linear_maximiser
from lectures_code.exact import (
    certificate_perturbations,
    lower_bound,
    separate,
    solution_path,
    solve,
)
from lectures_code.features import Threshold
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall, PixelIntervals
from lectures_code.risk import adversarial_risk, certified_radii, robust_error, worst_margins
from tests.course.exact.problems import ROUNDING, TOL, interval_optimum, overlapping
from tests.oracles import INF, says

BALLS = [NormBall(INF, 0.05), NormBall(INF, 0.1).in_box(), NormBall(INF, 0.3).in_box()]


def asymmetric(seed, *, n=50, d=8, largest=0.15):
    """A problem, and intervals that reach further to one side than to the other."""
    x, y = overlapping(seed, n=n, d=d)
    draw = torch.Generator().manual_seed(seed)
    down, up = largest * torch.rand(2, n, d, generator=draw, dtype=torch.float64)
    return x, y, PixelIntervals(x - down, x + up)


def assert_proven(found, x, y, intervals):
    """The risk and the bound are what they are said to be, computed afresh, and meet."""
    assert found.status == "optimal" and found.ball is intervals
    risk = adversarial_risk(found.classifier, x, y, intervals)
    assert found.risk == pytest.approx(risk, rel=ROUNDING)
    assert lower_bound(x, y, intervals, found.alpha) == found.lower_bound
    assert -1e-11 <= found.relative_gap <= TOL


@pytest.mark.parametrize("ball", BALLS, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_the_intervals_of_a_ball_are_the_ball(ball, seed):
    x, y = overlapping(seed)
    intervals = PixelIntervals(*ball.interval(x))
    found, expected = solve(x, y, intervals), solve(x, y, ball)
    assert_proven(found, x, y, intervals)
    assert found.risk == pytest.approx(expected.risk, rel=2 * TOL)
    model = expected.classifier
    margins = worst_margins(model, x, y, ball)
    assert torch.allclose(worst_margins(model, x, y, intervals), margins, rtol=0, atol=1e-13)
    assert robust_error(model, x, y, intervals) == robust_error(model, x, y, ball)
    # What proves a bound for the one proves it for the other.
    assert lower_bound(x, y, intervals, expected.alpha) == expected.lower_bound


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")
def test_cvxpy_finds_the_same_optimum_and_the_same_bound(seed):
    x, y, intervals = asymmetric(seed + 20)
    found = solve(x, y, intervals)
    assert_proven(found, x, y, intervals)
    primal, dual = interval_optimum(intervals.lower, intervals.upper, y)
    assert primal == pytest.approx(found.risk, abs=1e-7)
    assert dual == pytest.approx(found.lower_bound, abs=1e-7)


@given(st.integers(0, 10**6))
def test_no_corner_of_an_examples_intervals_leaves_a_smaller_margin(seed):
    x, y, intervals = asymmetric(seed, n=4, d=4)
    draw = torch.Generator().manual_seed(seed)
    model = LinearClassifier(torch.randn(4, generator=draw, dtype=torch.float64), 0.1)
    bits = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.float64)] * 4)
    low, high = intervals.lower, intervals.upper
    corners = low[:, None] + bits * (high - low)[:, None]
    scores = torch.stack([model(own) for own in corners])
    least = (y[:, None] * scores).amin(dim=1)
    assert torch.allclose(worst_margins(model, x, y, intervals), least, rtol=0, atol=1e-13)
    moved = intervals.perturbed(x, linear_maximiser(model, x, y, intervals))
    assert (low <= moved).all() and (moved <= high).all()
    assert torch.allclose(model.margins(moved, y), least, rtol=0, atol=1e-13)


@pytest.mark.parametrize("seed", range(3))
def test_a_certificate_is_spelled_out_and_refused_in_narrower_intervals(seed):
    x, y, intervals = asymmetric(seed)
    found = solve(x, y, intervals)
    assert found.classifier.theta.any(), "or there would be nothing to refuse"
    alpha = found.alpha
    moved = x + certificate_perturbations(x, y, intervals, alpha)
    assert (moved >= intervals.lower - 1e-15).all() and (moved <= intervals.upper + 1e-15).all()
    assert ((alpha * y) @ moved).abs().max() <= 1e-12 * alpha.sum()
    # An optimum has weights where the means just touch: the smallest loss of room parts them.
    narrower = [x + (1 - 1e-6) * (end - x) for end in (intervals.lower, intervals.upper)]
    with pytest.raises(ValueError, match=r"^alpha must make the weighted interval means"):
        lower_bound(x, y, PixelIntervals(*narrower), alpha)


def test_wider_intervals_never_cost_less():
    x, y, intervals = asymmetric(5)
    wider = PixelIntervals(intervals.lower - 0.01, intervals.upper + 0.02)
    assert solve(x, y, intervals).lower_bound < solve(x, y, wider).risk


def test_thresholds_are_a_case():
    x, y = overlapping(0, n=60, d=6)
    ball, half = NormBall(INF, 0.1).in_box(), Threshold(0.5)
    values = PixelIntervals(*half.interval(x, ball))
    expected = solve(x, y, ball, feature=half)
    found = solve(half(x), y, values)
    assert found.risk == pytest.approx(expected.risk, rel=2 * TOL)
    assert found.lower_bound <= expected.risk and expected.lower_bound <= found.risk


def test_intervals_that_are_points_are_plain_logistic_regression():
    x, y = overlapping(1)
    points = PixelIntervals(x, x.clone())
    found, plain = solve(x, y, points), solve(x, y, NormBall(INF, 0.0))
    assert (found.status, found.risk, found.ball) == (plain.status, plain.risk, points)
    one = solve(x, torch.ones_like(y), points)
    assert (one.status, one.lower_bound, one.ball) == ("separable", 0.0, points)


def test_where_some_pixels_cannot_move_the_bounds_hold_and_need_not_meet():
    x, y, intervals = asymmetric(3)
    lower, upper = intervals.lower.clone(), intervals.upper.clone()
    lower[:, 0] = upper[:, 0] = x[:, 0]
    fixed = PixelIntervals(lower, upper)
    found = solve(x, y, fixed)
    assert found.risk == pytest.approx(
        adversarial_risk(found.classifier, x, y, fixed), rel=ROUNDING
    )
    assert found.lower_bound <= found.risk <= solve(x, y, intervals).risk * (1 + TOL)


def test_float32_memory_and_the_order_of_examples_change_nothing():
    x, y, intervals = asymmetric(2)
    risk = solve(x, y, intervals).risk
    assert solve(x, y, intervals, memory=1).risk == pytest.approx(risk, rel=2 * TOL)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    again = solve(x[order], y[order], intervals.some(order))
    assert again.risk == pytest.approx(risk, rel=2 * TOL)
    single = PixelIntervals(intervals.lower.float(), intervals.upper.float())
    x32 = single.lower / 2 + single.upper / 2
    double = PixelIntervals(single.lower.double(), single.upper.double())
    wide = solve(x32.double(), y, double)
    assert solve(x32, y, single).risk == pytest.approx(wide.risk, rel=2 * TOL)


def test_what_is_no_interval():
    x, y, intervals = asymmetric(0)
    low, high = intervals.lower, intervals.upper
    with says(
        ValueError,
        "lower must be at most upper, got 400 of 400 entries above it: swap the two, or widen the "
        "intervals",
    ):
        PixelIntervals(high, low)
    with pytest.raises(ValueError, match=r"^lower and upper must have one shape"):
        PixelIntervals(low[1:], high)
    with pytest.raises(TypeError, match=r"^upper must be a torch tensor"):
        PixelIntervals(low, 1.0)
    with pytest.raises(ValueError, match=r"^lower must be finite"):
        PixelIntervals(low - INF, high)
    with pytest.raises(ValueError, match=r"^x must be the examples of the intervals"):
        solve(x[1:], y[1:], intervals)
    with pytest.raises(ValueError, match=r"^x must lie in its intervals, got 400 of 400 pixels"):
        solve(x + 1, y, intervals)
    with pytest.raises(ValueError, match=r"^feature must be None for intervals"):
        solve(x, y, intervals, feature=Threshold(0.5))
    for refuse in (
        lambda: separate(x, y, intervals),
        lambda: solution_path(x, y, intervals, [0.1]),
    ):
        with pytest.raises(TypeError, match=r"^ball must be a NormBall, got PixelIntervals"):
            refuse()
    with pytest.raises(ValueError, match=r"^ball must have a radius"):
        certified_radii(LinearClassifier(torch.ones(8).double(), 0.0), x, y, intervals)
