"""Counts, risk and error, clean and under attack, against enumeration."""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from torch import nn

from lectures_code import risk
from lectures_code.attacks import linear_maximiser
from lectures_code.logistic import psi
from lectures_code.perturbations import NormBall
from tests.course.risk.cases import attacked_anew, ball_of, layer_of, separate
from tests.oracles import INF, ROUNDING, each_ball, largest, random_problem, says, vertices


def test_a_count_shows_itself_and_its_rate():
    assert str(risk.ErrorCount(53, 2115)) == "53 of 2115 (0.0251)"
    assert risk.ErrorCount(1, 4).rate == 0.25
    assert risk.ErrorCount(0, 7).rate == 0


def test_ties_count_as_errors():
    values = torch.tensor([-1.0, -1e-300, -0.0, 0.0, 1e-300, 1.0], dtype=torch.float64)
    assert risk.count_errors(values) == risk.ErrorCount(4, 6)


def test_a_margin_that_is_no_number_is_no_correct_decision():
    assert risk.count_errors(torch.tensor([math.nan, 1.0])) == risk.ErrorCount(1, 2)


def test_a_tie_is_an_error_clean_and_under_attack():
    model, x, y = separate(0.25, 0.0, -0.25)  # dyadic: no rounding
    assert risk.error(model, x, y) == risk.ErrorCount(2, 3)
    assert risk.robust_error(model, x, y, NormBall(INF, 0.25)) == risk.ErrorCount(3, 3)
    assert risk.robust_error(model, x, y, NormBall(INF, 0.25 - 2**-20)) == risk.ErrorCount(2, 3)
    assert risk.error_curve(model, x, y, NormBall(INF, 1.0)).at(0.25) == risk.ErrorCount(3, 3)
    assert risk.error_curve(model, x, y, NormBall(INF, 1.0)).at(0.25 - 2**-20) == risk.ErrorCount(
        2, 3
    )


@pytest.mark.parametrize("seed", range(5))
def test_risk_and_error_of_scores_are_what_numpy_says(seed):
    model, x, y = random_problem(seed, n=30)
    z = y.numpy() * (x.numpy() @ model.theta.numpy() + float(model.intercept))
    assert risk.risk(model, x, y) == pytest.approx(np.logaddexp(0, -z).mean(), rel=ROUNDING)
    assert risk.error(model, x, y) == risk.ErrorCount(int((z <= 0).sum()), 30)


def test_risk_and_error_of_logits_are_what_scipy_says():
    draw = torch.Generator().manual_seed(0)
    z = torch.randn(30, 4, generator=draw, dtype=torch.float64)
    y = torch.randint(4, (30,), generator=draw)
    z[0] = 1.0  # a tie of all classes
    own = z.numpy()[np.arange(30), y.numpy()]
    expected = (logsumexp(z.numpy(), axis=1) - own).mean()
    assert risk.risk(lambda x: x, z, y) == pytest.approx(expected, rel=ROUNDING)
    beaten = [
        any(row[k] >= row[c] for k in range(4) if k != c) for row, c in zip(z, y, strict=True)
    ]
    assert risk.error(lambda x: x, z, y) == risk.ErrorCount(sum(beaten), 30)


def test_risk_and_error_leave_no_graph_behind():
    model, x, y = random_problem(0)
    layer = layer_of(model)
    assert isinstance(risk.risk(layer, x, y), float)
    risk.error(layer, x, y)
    assert all(value.grad is None for value in layer.parameters())


@each_ball
@pytest.mark.parametrize("seed", range(5))
def test_worst_margins_are_those_that_the_oracle_finds(ball, seed):
    model, x, y = random_problem(seed)
    found = risk.worst_margins(model, x, y, ball)
    for i in range(len(x)):
        clean = y[i] * (model.theta @ x[i] + model.intercept)
        expected = float(clean) - float(largest(-y[i] * model.theta, x[i], ball))
        assert float(found[i]) == pytest.approx(expected, rel=ROUNDING, abs=ROUNDING)


@given(st.integers(0, 10**6), st.integers(1, 7), st.floats(0, 2), st.sampled_from([1, INF, "box"]))
@settings(max_examples=40)
def test_worst_margins_are_the_least_over_all_vertices(seed, d, radius, p):
    model, x, y = random_problem(seed, n=3, d=d)
    ball = ball_of(INF if p == "box" else p, p == "box", radius)
    found = risk.worst_margins(model, x, y, ball)
    for i in range(len(x)):
        least = (y[i] * model(x[i] + vertices(ball, x[i]))).min()
        assert float(found[i]) == pytest.approx(float(least), rel=ROUNDING, abs=ROUNDING)


@each_ball
@pytest.mark.parametrize("seed", range(5))
def test_robust_error_is_attacking_exactly_and_counting(ball, seed):
    model, x, y = random_problem(seed, n=40)
    assert risk.robust_error(model, x, y, ball) == attacked_anew(model, x, y, ball)


@each_ball
@pytest.mark.parametrize("seed", range(5))
def test_adversarial_risk_is_the_risk_at_the_exact_maximiser(ball, seed):
    model, x, y = random_problem(seed, n=40)
    expected = risk.risk(model, x + linear_maximiser(model, x, y, ball), y)
    assert risk.adversarial_risk(model, x, y, ball) == pytest.approx(expected, rel=ROUNDING)


@each_ball
def test_a_larger_ball_never_lowers_risk_or_error(ball):
    model, x, y = random_problem(1, n=40)
    balls = [ball.with_radius(radius) for radius in (0, 0.01, 0.1, 0.3, 1, 3)]
    risks = [risk.adversarial_risk(model, x, y, each) for each in balls]
    counts = [risk.robust_error(model, x, y, each).k for each in balls]
    assert risks == sorted(risks) and counts == sorted(counts)
    assert risks[0] == pytest.approx(risk.risk(model, x, y), rel=ROUNDING)
    assert counts[0] == risk.error(model, x, y).k


@pytest.mark.parametrize("p", [1, 2, INF])
def test_the_box_never_helps_the_adversary_and_a_wide_one_does_not_matter(p):
    model, x, y = random_problem(2, n=40)
    ball = NormBall(p, 0.5)
    free = risk.worst_margins(model, x, y, ball)
    assert (risk.worst_margins(model, x, y, ball.in_box()) >= free - ROUNDING).all()
    wide = risk.worst_margins(model, x, y, ball.in_box(-1, 2))
    torch.testing.assert_close(wide, free, rtol=ROUNDING, atol=ROUNDING)


def test_a_layer_is_judged_like_the_classifier_it_computes():
    model, x, y = random_problem(3)
    layer, ball = layer_of(model), NormBall(INF, 0.1)
    assert torch.equal(
        risk.worst_margins(layer, x, y.long(), ball), risk.worst_margins(model, x, y, ball)
    )
    assert not risk.worst_margins(layer, x, y, ball).requires_grad
    assert torch.equal(
        risk.certified_radii(layer, x, y.long(), NormBall(2, 1.0)),
        risk.certified_radii(model, x, y, NormBall(2, 1.0)),
    )
    boxed = risk.certified_radii(layer, x, y.long(), NormBall(INF, 1.0).in_box())
    assert torch.equal(boxed, risk.certified_radii(model, x, y, NormBall(INF, 1.0).in_box()))


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
    expected = risk.count_errors(y * kept(x)[:, 0].detach())
    assert [risk.error(model, x, y) for _ in range(3)] == [expected] * 3
    assert risk.error(model, x[:1], y[:1]).n == 1  # batch norm could not be trained on it
    assert risk.risk(model, x, y) == float(psi(y * kept(x)[:, 0]).mean().detach())
    assert [part.training for part in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in model.state_dict().items():
        assert torch.equal(value, kept.state_dict()[name]), name
    assert all(value.grad is None for value in model.parameters())


MODEL, X, Y = random_problem(9)
BALL = NormBall(INF, 0.1)
OF_LINEAR = {
    "worst_margins": lambda *args: risk.worst_margins(*args, BALL),
    "worst_margins-boxed": lambda *args: risk.worst_margins(*args, BALL.in_box()),
    "adversarial_risk": lambda *args: risk.adversarial_risk(*args, BALL),
    "robust_error": lambda *args: risk.robust_error(*args, BALL),
    "certified_radii": lambda *args: risk.certified_radii(*args, NormBall(2, 1.0)),
    "certified_radii-boxed": lambda *args: risk.certified_radii(*args, NormBall(INF, 1.0).in_box()),
    "error_curve": lambda *args: risk.error_curve(*args, NormBall(2, 1.0)),
}
EACH = {"risk": risk.risk, "error": risk.error, **OF_LINEAR}
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
