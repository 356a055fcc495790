"""Checks of attacks: they catch masked gradients, and leave honest models in peace."""

import itertools

import pytest
import torch
from torch import nn

from lectures_code.features import MonotoneClassifier, Threshold
from lectures_code.logistic import LinearClassifier, losses
from lectures_code.masking import examine, guessing, meeting_radius
from lectures_code.perturbations import NormBall
from lectures_code.risk import ErrorCount, error, robust_error
from lectures_code.training import as_module, train
from tests.oracles import INF, says, seeded

BALL = NormBall(INF, 0.2)
BALLS = pytest.mark.parametrize("ball", [BALL, BALL.in_box()], ids=["free", "boxed"])


def images(n=400, d=20):
    """Pixels in [0, 1], half of them dark in one class and light in the other."""
    y = 2.0 * (torch.arange(n) % 2).double() - 1
    noise = torch.rand(n, d, generator=seeded(1), dtype=torch.float64)
    side = torch.where(torch.arange(d) < d // 2, 1.0, -1.0).double()
    return (0.5 + 0.15 * y[:, None] * side + 0.6 * (noise - 0.5)).clamp(0, 1), y


X, Y = images()
SIDE = torch.where(torch.arange(20) < 10, 1.0, -1.0).double()
LINEAR = LinearClassifier(SIDE * torch.linspace(0.2, 2, 10).double().repeat(2), 0.0)
OTHER = LinearClassifier(SIDE, 0.0)


def examined(model, ball=BALL, x=X, y=Y, surrogate=OTHER, **how):
    how = {"step_size": 0.05, "n_steps": 20, "objective": losses, **how}
    return examine(model, x, y, ball, surrogate=surrogate, generator=seeded(2), **how)


def scaled(factor, dtype=torch.float32):
    """The linear classifier with all its scores multiplied, as a layer of this dtype."""
    return as_module(LinearClassifier(factor * LINEAR.theta, 0.0)).to(dtype)


def single(model, **how):
    surrogate = as_module(OTHER).float()
    return examined(model, x=X.float(), y=Y.float(), surrogate=surrogate, **how)


def stepwise(z):
    """Thresholds, written so that autograd gives a gradient: 0 everywhere."""
    return LINEAR(z.clamp(0, 1).round())


@BALLS
def test_an_honest_linear_model_raises_no_alarm(ball):
    for report in (examined(as_module(LINEAR), ball), single(scaled(1.0), ball=ball)):
        assert report.alarms == []
        assert report.attack == report.strongest == robust_error(LINEAR, X, Y, ball)
        assert set(report.missed.values()) == {0}


@BALLS
def test_an_honest_network_raises_no_alarm(ball):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        start = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 1)).double()
    how = {"step_size": 0.5, "batch_size": 40, "n_epochs": 20, "generator": seeded(3)}
    network, _ = train(start, X, Y, **how)
    report = examined(network, ball, objective=losses)
    assert report.clean.k < 40 and report.attack.k > 200  # there is something to find
    assert report.alarms == []


def test_a_saturated_loss_is_caught_though_no_decision_changed():
    model = scaled(300.0)
    assert error(model, X.float(), Y.float()) == error(LINEAR, X, Y)
    report, truth = single(model), robust_error(LINEAR, X, Y, BALL)
    assert report.attack.k < truth.k / 2
    # Also in double precision the loss fades, but later.
    assert set(report.alarms) == {
        "margin",
        "transfer",
        "scores only",
        "double precision",
        "large radius",
    }
    assert report.checks["margin"] == report.checks["scores only"] == report.strongest == truth
    assert single(model, objective=lambda output, y: -y * output[:, 0]).alarms == []


def test_thresholds_are_caught_though_the_attack_reports_the_clean_error():
    ball = BALL.in_box()
    truth = robust_error(MonotoneClassifier(Threshold(0.5), LINEAR), X, Y, ball)
    report = examined(stepwise, ball)
    assert report.attack == report.clean == report.far == error(stepwise, X, Y)
    assert {"transfer", "scores only", "large radius"} <= set(report.alarms)
    assert report.checks["scores only"] == report.strongest == truth
    assert report.checks["margin"] == report.clean  # no objective helps where gradients are 0


def test_thresholds_as_a_comparison_are_refused():
    with pytest.raises(ValueError, match="in a way that autograd can follow"):
        examined(MonotoneClassifier(Threshold(0.5), LINEAR), BALL.in_box())


def test_a_check_needs_to_find_more_than_one_example_in_a_hundred():
    report = examined(as_module(LINEAR))
    for missed, alarms in ((4, []), (5, ["transfer"])):
        changed = type(report)(**{**vars(report), "missed": {"transfer": missed, "margin": 0}})
        assert changed.alarms == alarms
    for found, alarms in ((196, []), (195, ["large radius"])):
        changed = type(report)(**{**vars(report), "far": ErrorCount(found, 400)})
        assert report.guessing == ErrorCount(200, 400)
        assert changed.alarms == alarms


def test_at_the_meeting_radius_and_not_below_all_examples_can_be_equal():
    x = X[:5]
    radius = meeting_radius(x)
    ball = NormBall(INF, radius).in_box()
    low, high = ball.interval(x)
    assert (low.max(dim=0).values <= high.min(dim=0).values + 1e-15).all()
    low, high = NormBall(INF, 0.999 * radius).interval(x)
    assert (low.max(dim=0).values > high.min(dim=0).values).any()


def test_guessing_is_the_best_of_all_constant_answers():
    for labels in itertools.product([0, 1, 2], repeat=4):
        y = torch.tensor(labels)
        assert guessing(y) == ErrorCount(min(int((y != k).sum()) for k in range(3)), 4)


def test_several_logits_are_examined_as_one_score_is():
    def logits(z):
        score = LINEAR(z)
        return torch.stack([-score / 2, score / 2], dim=1)

    def other(z):
        return torch.stack([-OTHER(z) / 2, OTHER(z) / 2], dim=1)

    numbered = examined(logits, y=(Y.long() + 1) // 2, surrogate=other)
    assert numbered == examined(LINEAR)


def test_a_model_is_judged_in_evaluation_mode_and_left_in_its_own():
    dropping = nn.Sequential(nn.Dropout(0.5), as_module(LINEAR))
    state = torch.get_rng_state()
    assert examined(dropping) == examined(as_module(LINEAR))
    assert dropping.training and dropping[0].training
    assert torch.get_rng_state().equal(state)


def test_a_radius_of_0_is_refused():
    with says(ValueError, "radius must be > 0 to attack, got 0: use risk.error for clean mistakes"):
        examined(LINEAR, BALL.with_radius(0))
