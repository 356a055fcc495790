"""Certified radii and the curve of the robust error."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lectures_code.attacks import linear_maximiser
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import ErrorCount, ErrorCurve, certified_radii, error, error_curve
from tests.course.risk.cases import STEP, attacked_anew, ball_of, each_kind, layer_of, separate
from tests.course.risk.test_worst_margins import MODEL, X, Y
from tests.oracles import INF, ROUNDING, largest, random_problem, says


@each_kind
@pytest.mark.parametrize("seed", range(8))
def test_no_attack_succeeds_just_inside_and_the_maximiser_does_just_outside(p, in_box, seed):
    model, x, y = random_problem(seed, n=12)
    radii = certified_radii(model, x, y, ball_of(p, in_box, 1.0))
    for i in range(len(x)):
        radius, one = float(radii[i]), (x[i : i + 1], y[i : i + 1])
        clean = float(model.margins(*one))
        assert (radius > 0) == (clean > 0)
        if clean <= 0:
            continue
        inside = ball_of(p, in_box, min(radius, 1e3) * (1 - STEP))
        assert clean - largest(-y[i] * model.theta, x[i], inside) > 0
        if math.isfinite(radius):
            outside = ball_of(p, in_box, radius * (1 + STEP))
            delta = linear_maximiser(model, *one, outside)
            assert outside.contains(delta, one[0], tolerance=1e-12).all()
            assert float(model.margins(one[0] + delta, one[1])) <= 0


@pytest.mark.parametrize("p", [1, 1.5, 2, INF])
def test_of_a_mistake_the_radius_is_minus_the_distance_to_the_boundary(p):
    model, x, y = random_problem(4, n=30)
    radii = certified_radii(model, x, y, NormBall(p, 1.0))
    wrong = radii < 0
    assert 0 < wrong.sum() < len(x)
    for each, label, radius in zip(x[wrong], y[wrong], radii[wrong], strict=True):
        ball = NormBall(p, -float(radius))
        # The nearest correct point is the one that an adversary of the other label would choose.
        to_boundary = linear_maximiser(model, each[None], -label[None], ball)
        margin = label * model(each[None] + to_boundary)
        assert float(margin) == pytest.approx(0, abs=ROUNDING)


def test_in_the_box_a_radius_may_be_infinite_zero_or_minus_infinity():
    # Margin x1 + 2 x2 - c: its least value in the box is -c, at x = 0.
    theta = torch.tensor([1.0, 2.0], dtype=torch.float64)
    x = torch.tensor([[0.25, 0.5]], dtype=torch.float64)  # margin 1.25 - c
    y = torch.ones(1, dtype=torch.float64)

    def radius(c):
        return float(
            certified_radii(LinearClassifier(theta, -c), x, y, NormBall(INF, 1.0).in_box())
        )

    assert radius(-0.125) == INF, "right at every image"
    assert radius(2.0) == -INF, "wrong already"
    assert radius(1.25) == 0, "a tie already"
    # Both pixels at slope 3 up to 0.25, where margin 1.25 - c - 0.75 is left; then one at slope 2.
    assert radius(1.0) == 0.25 / 3
    assert radius(0.5) == 0.25
    assert radius(0.25) == 0.375
    assert radius(0.0) == 0.5, "the last image to fall is the box's corner, by a tie"


@pytest.mark.parametrize("in_box", [False, True])
def test_without_weights_no_perturbation_matters(in_box):
    x, y = torch.full((3, 2), 0.5, dtype=torch.float64), torch.tensor([1.0, -1.0, 1.0]).double()
    blind = LinearClassifier(torch.zeros(2, dtype=torch.float64), 1.0)
    assert certified_radii(blind, x, y, ball_of(INF, in_box, 1.0)).tolist() == [INF, -INF, INF]
    for radius in (0.0, 1e6):
        at_radius = error_curve(blind, x, y, ball_of(INF, in_box, 1.0)).at(radius)
        assert at_radius == ErrorCount(1, 3)
    tied = LinearClassifier(torch.zeros(2, dtype=torch.float64), 0.0)
    assert certified_radii(tied, x, y, ball_of(INF, in_box, 1.0)).tolist() == [0, 0, 0]


def test_radii_are_ordered_like_the_balls():
    """The l1 ball is inside the l2 ball, that inside the l-infinity ball, which the box cuts."""
    model, x, y = random_problem(5, n=40)
    right = model.margins(x, y) > 0
    r1, r2, rinf = (certified_radii(model, x, y, NormBall(p, 1.0))[right] for p in (1, 2, INF))
    boxed = certified_radii(model, x, y, NormBall(INF, 1.0).in_box())[right]
    assert len(r1) > 5
    assert (r1 >= r2).all() and (r2 >= rinf).all()
    assert (boxed >= rinf * (1 - ROUNDING)).all()
    assert (boxed > rinf).any()


@each_kind
def test_radii_do_not_depend_on_the_weights_scale(p, in_box):
    model, x, y = random_problem(6)
    scaled = LinearClassifier(1e-3 * model.theta, 1e-3 * model.intercept)
    torch.testing.assert_close(
        certified_radii(scaled, x, y, ball_of(p, in_box, 1.0)),
        certified_radii(model, x, y, ball_of(p, in_box, 1.0)),
        rtol=1e-10,  # a radius divides a difference of margins, which cancels
        atol=ROUNDING,
    )


@each_kind
@given(seed=st.integers(0, 10**6), radii=st.lists(st.floats(0, 3), min_size=1, max_size=10))
@settings(max_examples=25)
def test_the_curve_is_attacking_anew_at_each_radius(p, in_box, seed, radii):
    model, x, y = random_problem(seed, n=20)
    curve = error_curve(model, x, y, ball_of(p, in_box, 1.0))
    anew = [attacked_anew(model, x, y, ball_of(p, in_box, radius)) for radius in radii]
    assert [curve.at(radius) for radius in radii] == anew
    counts = curve.counts(torch.tensor(radii, dtype=torch.float64))
    assert counts.dtype == torch.int64
    assert counts.tolist() == [count.k for count in anew]


@each_kind
def test_the_curve_starts_at_the_clean_error_and_never_falls(p, in_box):
    model, x, y = random_problem(7, n=50)
    curve = error_curve(model, x, y, ball_of(p, in_box, 1.0))
    assert curve.p == p
    assert curve.at(0) == error(model, x, y)
    counts = curve.counts(torch.linspace(0, 5, 200, dtype=torch.float64).reshape(20, 10))
    assert counts.shape == (20, 10)
    assert (counts.reshape(-1).diff() >= 0).all()
    if not in_box:
        assert curve.at(1e6) == ErrorCount(50, 50)


@given(st.floats(0, 1))
def test_an_example_falls_exactly_at_its_certified_radius(radius):
    curve = ErrorCurve(2.0, torch.tensor([radius], dtype=torch.float64))
    assert curve.at(radius).k == 1
    if radius > 0:
        assert curve.at(math.nextafter(radius, 0)).k == 0


def test_radii_in_single_precision_are_asked_in_it():
    model, x, y = separate(0.1, 0.2, 0.3)
    curve = error_curve(layer_of(model).float(), x.float(), y, NormBall(INF, 1.0))
    assert curve.radii.dtype == torch.float32
    assert [curve.at(float(radius)).k for radius in curve.radii] == [1, 2, 3]


def test_radii_in_the_box_are_for_the_maximum_norm():
    for function in (certified_radii, error_curve):
        with says(
            ValueError, "certified radii in the box need p = inf, got p = 2: leave the box out"
        ):
            function(MODEL, X, Y, NormBall(2, 1.0).in_box())


def test_radii_in_the_box_are_for_examples_in_it():
    with says(ValueError, "x must lie in [0, 1], got values from 0 to 255: divide pixels by 255"):
        certified_radii(MODEL, 255 * X, Y, NormBall(INF, 1.0).in_box())


@pytest.mark.parametrize("radius", [-0.1, math.nan, INF])
def test_a_curve_is_asked_at_radii_only(radius):
    curve = error_curve(MODEL, X, Y, NormBall(2, 1.0))
    text = (
        f"radius must be a finite number >= 0 in pixel units, got {radius!r}: use 0 for no attack"
    )
    with says(ValueError, text):
        curve.at(radius)
