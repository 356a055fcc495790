"""Risk, counts, certified radii and the whole error curve, against enumeration and attacks anew."""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from torch import nn

from lectures_code.attacks import linear_maximiser
from lectures_code.logistic import LinearClassifier, psi
from lectures_code.perturbations import NormBall
from lectures_code.risk import (
    ErrorCount,
    ErrorCurve,
    adversarial_risk,
    certified_radii,
    count_errors,
    error,
    error_curve,
    risk,
    robust_error,
    worst_margins,
)
from tests.oracles import INF, largest, random_problem, says, vertices

# Rounding of a sum of a dozen numbers of size 1 to 10, with a reserve.
ROUNDING = 1e-12
# The oracle for p = 2 in a box minimises numerically; a minimum's value is good to this.
SEARCHED = 1e-7
# A relative step over a certified radius: far above rounding, far below any other radius.
STEP = 1e-9
BALLS = [
    NormBall(INF, 0.2),
    NormBall(2, 0.5),
    NormBall(1, 0.7),
    NormBall(1.5, 0.5),
    NormBall(3, 0.4),
    NormBall(INF, 0.2).in_box(),
    NormBall(2, 0.5).in_box(),
    NormBall(1, 0.7).in_box(),
]
# The norms (and boxes) that certified radii are for.
KINDS = [(1, False), (1.5, False), (2, False), (INF, False), (INF, True)]


def name(ball):
    return f"p={ball.p:g}" + ("-boxed" if hasattr(ball, "low") else "")


def ball_of(p, in_box, radius):
    return NormBall(p, radius).in_box() if in_box else NormBall(p, radius)


def attacked_anew(model, x, y, ball):
    """Attack each example, look at the label that comes out."""
    return error(model, x + linear_maximiser(model, x, y, ball), y)


def separate(*values):
    """A classifier on one pixel whose margins of y = +1 are these values, with x in [0, 1]."""
    model = LinearClassifier(torch.tensor([1.0], dtype=torch.float64), -0.5)
    x = torch.tensor(values, dtype=torch.float64)[:, None] + 0.5
    return model, x, torch.ones(len(values), dtype=torch.float64)


def layer_of(model):
    layer = nn.Linear(len(model.theta), 1).to(model.theta.dtype)
    layer.load_state_dict({"weight": model.theta[None], "bias": model.intercept[None]})
    return layer


each_ball = pytest.mark.parametrize("ball", BALLS, ids=name)
each_kind = pytest.mark.parametrize(("p", "in_box"), KINDS)


# ---------------------------------------------------------------- counts


def test_a_count_shows_itself_and_its_rate():
    assert str(ErrorCount(53, 2115)) == "53 of 2115 (0.0251)"
    assert ErrorCount(1, 4).rate == 0.25
    assert ErrorCount(0, 7).rate == 0


def test_ties_count_as_errors():
    values = torch.tensor([-1.0, -1e-300, -0.0, 0.0, 1e-300, 1.0], dtype=torch.float64)
    assert count_errors(values) == ErrorCount(4, 6)


def test_a_margin_that_is_no_number_is_no_correct_decision():
    assert count_errors(torch.tensor([math.nan, 1.0])) == ErrorCount(1, 2)


def test_a_tie_is_an_error_clean_and_under_attack():
    model, x, y = separate(0.25, 0.0, -0.25)  # dyadic: no rounding
    assert error(model, x, y) == ErrorCount(2, 3)
    assert robust_error(model, x, y, NormBall(INF, 0.25)) == ErrorCount(3, 3)
    assert robust_error(model, x, y, NormBall(INF, 0.25 - 2**-20)) == ErrorCount(2, 3)
    assert error_curve(model, x, y, INF).at(0.25) == ErrorCount(3, 3)
    assert error_curve(model, x, y, INF).at(0.25 - 2**-20) == ErrorCount(2, 3)


@pytest.mark.parametrize("seed", range(5))
def test_risk_and_error_of_scores_are_what_numpy_says(seed):
    model, x, y = random_problem(seed, n=30)
    z = y.numpy() * (x.numpy() @ model.theta.numpy() + float(model.intercept))
    assert risk(model, x, y) == pytest.approx(np.logaddexp(0, -z).mean(), rel=ROUNDING)
    assert error(model, x, y) == ErrorCount(int((z <= 0).sum()), 30)


def test_risk_and_error_of_logits_are_what_scipy_says():
    draw = torch.Generator().manual_seed(0)
    z = torch.randn(30, 4, generator=draw, dtype=torch.float64)
    y = torch.randint(4, (30,), generator=draw)
    z[0] = 1.0  # a tie of all classes
    own = z.numpy()[np.arange(30), y.numpy()]
    expected = (logsumexp(z.numpy(), axis=1) - own).mean()
    assert risk(lambda x: x, z, y) == pytest.approx(expected, rel=ROUNDING)
    beaten = [
        any(row[k] >= row[c] for k in range(4) if k != c) for row, c in zip(z, y, strict=True)
    ]
    assert error(lambda x: x, z, y) == ErrorCount(sum(beaten), 30)


def test_risk_and_error_leave_no_graph_behind():
    model, x, y = random_problem(0)
    layer = layer_of(model)
    assert isinstance(risk(layer, x, y), float)
    error(layer, x, y)
    assert all(value.grad is None for value in layer.parameters())


# ---------------------------------------------------------------- worst margins


@each_ball
@pytest.mark.parametrize("seed", range(5))
def test_worst_margins_are_those_that_the_oracle_finds(ball, seed):
    model, x, y = random_problem(seed)
    found = worst_margins(model, x, y, ball)
    tolerance = SEARCHED if ball.p == 2 and hasattr(ball, "low") else ROUNDING
    for i in range(len(x)):
        clean = y[i] * (model.theta @ x[i] + model.intercept)
        expected = float(clean) - largest(-y[i] * model.theta, x[i], ball)
        assert float(found[i]) == pytest.approx(expected, rel=tolerance, abs=tolerance)


@given(st.integers(0, 10**6), st.integers(1, 7), st.floats(0, 2), st.sampled_from([1, INF, "box"]))
@settings(max_examples=40)
def test_worst_margins_are_the_least_over_all_vertices(seed, d, radius, p):
    model, x, y = random_problem(seed, n=3, d=d)
    ball = ball_of(INF if p == "box" else p, p == "box", radius)
    found = worst_margins(model, x, y, ball)
    for i in range(len(x)):
        least = (y[i] * model(x[i] + vertices(ball, x[i]))).min()
        assert float(found[i]) == pytest.approx(float(least), rel=ROUNDING, abs=ROUNDING)


@each_ball
@pytest.mark.parametrize("seed", range(5))
def test_robust_error_is_attacking_exactly_and_counting(ball, seed):
    model, x, y = random_problem(seed, n=40)
    assert robust_error(model, x, y, ball) == attacked_anew(model, x, y, ball)


@each_ball
@pytest.mark.parametrize("seed", range(5))
def test_adversarial_risk_is_the_risk_at_the_exact_maximiser(ball, seed):
    model, x, y = random_problem(seed, n=40)
    expected = risk(model, x + linear_maximiser(model, x, y, ball), y)
    assert adversarial_risk(model, x, y, ball) == pytest.approx(expected, rel=ROUNDING)


@each_ball
def test_a_larger_ball_never_lowers_risk_or_error(ball):
    model, x, y = random_problem(1, n=40)
    balls = [ball.with_radius(radius) for radius in (0, 0.01, 0.1, 0.3, 1, 3)]
    risks = [adversarial_risk(model, x, y, each) for each in balls]
    counts = [robust_error(model, x, y, each).k for each in balls]
    assert risks == sorted(risks) and counts == sorted(counts)
    assert risks[0] == pytest.approx(risk(model, x, y), rel=ROUNDING)
    assert counts[0] == error(model, x, y).k


@pytest.mark.parametrize("p", [1, 2, INF])
def test_the_box_never_helps_the_adversary_and_a_wide_one_does_not_matter(p):
    model, x, y = random_problem(2, n=40)
    ball = NormBall(p, 0.5)
    free = worst_margins(model, x, y, ball)
    assert (worst_margins(model, x, y, ball.in_box()) >= free - ROUNDING).all()
    wide = worst_margins(model, x, y, ball.in_box(-1, 2))
    torch.testing.assert_close(wide, free, rtol=ROUNDING, atol=ROUNDING)


def test_a_layer_is_judged_like_the_classifier_it_computes():
    model, x, y = random_problem(3)
    layer, ball = layer_of(model), NormBall(INF, 0.1)
    assert torch.equal(worst_margins(layer, x, y.long(), ball), worst_margins(model, x, y, ball))
    assert not worst_margins(layer, x, y, ball).requires_grad
    assert torch.equal(certified_radii(layer, x, y.long(), 2), certified_radii(model, x, y, 2))
    boxed = certified_radii(layer, x, y.long(), INF, in_box=True)
    assert torch.equal(boxed, certified_radii(model, x, y, INF, in_box=True))


# ---------------------------------------------------------------- certified radii


@each_kind
@pytest.mark.parametrize("seed", range(8))
def test_no_attack_succeeds_just_inside_and_the_maximiser_does_just_outside(p, in_box, seed):
    model, x, y = random_problem(seed, n=12)
    radii = certified_radii(model, x, y, p, in_box=in_box)
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
    radii = certified_radii(model, x, y, p)
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
        return float(certified_radii(LinearClassifier(theta, -c), x, y, INF, in_box=True))

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
    assert certified_radii(blind, x, y, INF, in_box=in_box).tolist() == [INF, -INF, INF]
    for radius in (0.0, 1e6):
        at_radius = error_curve(blind, x, y, INF, in_box=in_box).at(radius)
        assert at_radius == ErrorCount(1, 3)
    tied = LinearClassifier(torch.zeros(2, dtype=torch.float64), 0.0)
    assert certified_radii(tied, x, y, INF, in_box=in_box).tolist() == [0, 0, 0]


def test_radii_are_ordered_like_the_balls():
    """The l1 ball is inside the l2 ball, that inside the l-infinity ball, which the box cuts."""
    model, x, y = random_problem(5, n=40)
    right = model.margins(x, y) > 0
    r1, r2, rinf = (certified_radii(model, x, y, p)[right] for p in (1, 2, INF))
    boxed = certified_radii(model, x, y, INF, in_box=True)[right]
    assert len(r1) > 5
    assert (r1 >= r2).all() and (r2 >= rinf).all()
    assert (boxed >= rinf * (1 - ROUNDING)).all()
    assert (boxed > rinf).any()


@each_kind
def test_radii_do_not_depend_on_the_weights_scale(p, in_box):
    model, x, y = random_problem(6)
    scaled = LinearClassifier(1e-3 * model.theta, 1e-3 * model.intercept)
    torch.testing.assert_close(
        certified_radii(scaled, x, y, p, in_box=in_box),
        certified_radii(model, x, y, p, in_box=in_box),
        rtol=1e-10,  # a radius divides a difference of margins, which cancels
        atol=ROUNDING,
    )


# ---------------------------------------------------------------- the whole curve


@each_kind
@given(seed=st.integers(0, 10**6), radii=st.lists(st.floats(0, 3), min_size=1, max_size=10))
@settings(max_examples=25)
def test_the_curve_is_attacking_anew_at_each_radius(p, in_box, seed, radii):
    model, x, y = random_problem(seed, n=20)
    curve = error_curve(model, x, y, p, in_box=in_box)
    anew = [attacked_anew(model, x, y, ball_of(p, in_box, radius)) for radius in radii]
    assert [curve.at(radius) for radius in radii] == anew
    counts = curve.counts(torch.tensor(radii, dtype=torch.float64))
    assert counts.dtype == torch.int64
    assert counts.tolist() == [count.k for count in anew]


@each_kind
def test_the_curve_starts_at_the_clean_error_and_never_falls(p, in_box):
    model, x, y = random_problem(7, n=50)
    curve = error_curve(model, x, y, p, in_box=in_box)
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
    curve = error_curve(layer_of(model).float(), x.float(), y, INF)
    assert curve.radii.dtype == torch.float32
    assert [curve.at(float(radius)).k for radius in curve.radii] == [1, 2, 3]


# ---------------------------------------------------------------- modes of networks


@pytest.mark.parametrize("mode", [True, False])
def test_a_module_is_judged_in_evaluation_mode_and_left_as_it_was(mode):
    torch.manual_seed(0)
    parts = nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 1)
    model = nn.Sequential(*parts).double().train(mode)
    model[2].train(not mode)
    _, x, y = random_problem(3, n=20)
    kept, modes = copy.deepcopy(model), [part.training for part in model.modules()]
    state = torch.get_rng_state()
    kept.eval()
    expected = count_errors(y * kept(x)[:, 0].detach())
    assert [error(model, x, y) for _ in range(3)] == [expected] * 3
    assert error(model, x[:1], y[:1]).n == 1  # batch norm could not be trained on it
    assert risk(model, x, y) == float(psi(y * kept(x)[:, 0]).mean().detach())
    assert [part.training for part in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in model.state_dict().items():
        assert torch.equal(value, kept.state_dict()[name]), name
    assert all(value.grad is None for value in model.parameters())


# ---------------------------------------------------------------- what is refused

MODEL, X, Y = random_problem(9)
BALL = NormBall(INF, 0.1)
OF_LINEAR = {
    "worst_margins": lambda *args: worst_margins(*args, BALL),
    "worst_margins-boxed": lambda *args: worst_margins(*args, BALL.in_box()),
    "adversarial_risk": lambda *args: adversarial_risk(*args, BALL),
    "robust_error": lambda *args: robust_error(*args, BALL),
    "certified_radii": lambda *args: certified_radii(*args, 2),
    "certified_radii-boxed": lambda *args: certified_radii(*args, INF, in_box=True),
    "error_curve": lambda *args: error_curve(*args, 2),
}
EACH = {"risk": risk, "error": error, **OF_LINEAR}
of_linear = pytest.mark.parametrize("function", OF_LINEAR.values(), ids=OF_LINEAR.keys())
each_function = pytest.mark.parametrize("function", EACH.values(), ids=EACH.keys())


@each_function
def test_bad_examples_and_labels_are_refused(function):
    with pytest.raises(ValueError, match=r"^x must hold at least one example and one feature, got"):
        function(MODEL, X[:0], Y[:0])
    with pytest.raises(TypeError, match=r"^x must hold floating-point numbers, got torch.int64: "):
        function(MODEL, (255 * X).long(), Y)
    with pytest.raises(ValueError, match=r"^x must have shape \(n, d\), got \(5,\): use x.reshape"):
        function(MODEL, X[0], Y[:1])
    with pytest.raises(ValueError, match=r"^x must be finite, got 30 NaN or infinite entries: "):
        function(MODEL, X * math.nan, Y)
    with says(ValueError, "labels must be -1 or +1, got 0 and 1: use 2 * y.long() - 1"):
        function(MODEL, X, (Y + 1) / 2)
    with pytest.raises(ValueError, match=r"^y must have shape \(6,\), one label for each example"):
        function(MODEL, X, Y[:5])
    with says(ValueError, "x must have 5 features, one for each weight, got 4"):
        function(MODEL, X[:, 1:], Y)


@of_linear
def test_other_models_have_no_closed_form(function):
    text = (
        "a linear classifier is an nn.Linear(d, 1), got ReLU(): for other models "
        "use attacks.pgd, for several logits the functions in multiclass"
    )
    with says(TypeError, text):
        function(nn.ReLU(), X, Y)


def test_radii_in_the_box_are_for_the_maximum_norm():
    for function in (certified_radii, error_curve):
        with says(ValueError, "certified radii in the box need p = inf, got p = 2: leave it out"):
            function(MODEL, X, Y, 2, in_box=True)
        with pytest.raises(ValueError, match=r"^p must be a number in \[1, inf\], got 0.5: below"):
            function(MODEL, X, Y, 0.5)


def test_radii_in_the_box_are_for_examples_in_it():
    with says(ValueError, "x must lie in [0, 1], got values from 0 to 255: divide pixels by 255"):
        certified_radii(MODEL, 255 * X, Y, INF, in_box=True)


@pytest.mark.parametrize("radius", [-0.1, math.nan, INF])
def test_a_curve_is_asked_at_radii_only(radius):
    curve = error_curve(MODEL, X, Y, 2)
    text = (
        f"radius must be a finite number >= 0 in pixel units, got {radius!r}: use 0 for no attack"
    )
    with says(ValueError, text):
        curve.at(radius)
