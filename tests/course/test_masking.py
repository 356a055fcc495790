"""Checks of attacks: they catch masked gradients, and leave honest models in peace."""

import copy
import itertools
from functools import cache

import pytest
import torch
from torch import nn

from lectures_code.attacks import pgd
from lectures_code.features import MonotoneClassifier, Threshold
from lectures_code.logistic import LinearClassifier, log_odds_of_error, losses
from lectures_code.masking import examine, guessing, loss_curves, meeting_radius
from lectures_code.networks.models import dense_network
from lectures_code.networks.steps import AdamStep
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


@cache
def network(seed, adversary=None):
    """Trained on the images, on attacked ones if there is an adversary; not to be changed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        start = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 1)).double()
    how = {"step_size": 0.5, "batch_size": 40, "n_epochs": 20, "generator": seeded(3)}
    return train(start, X, Y, maximiser=adversary, **how)[0]


def adversary(model, x, y):
    return pgd(model, x, y, BALL.with_radius(0.1), step_size=0.05, n_steps=4)


@BALLS
def test_an_honest_linear_model_raises_no_alarm(ball):
    for report in (examined(as_module(LINEAR), ball), single(scaled(1.0), ball=ball)):
        assert report.alarms == []
        assert report.attack == report.strongest == robust_error(LINEAR, X, Y, ball)
        assert set(report.missed.values()) == {0}


@BALLS
@pytest.mark.parametrize("objective", [losses, log_odds_of_error])
@pytest.mark.parametrize("maximiser", [None, adversary], ids=["ordinary", "adversarial"])
def test_an_honest_network_raises_no_alarm(maximiser, objective, ball):
    for seed in range(3):
        model = network(seed, maximiser)
        report = examined(model, ball, objective=objective)
        assert report.clean.k < 80 and report.attack.k > 150  # there is something to find
        assert report.alarms == []
        assert single(copy.deepcopy(model).float(), ball=ball, objective=objective).alarms == []


def test_a_loss_rounded_to_0_is_caught_though_no_decision_changed():
    model = scaled(30.0)
    assert error(model, X.float(), Y.float()) == error(LINEAR, X, Y)
    report, truth = single(model), robust_error(LINEAR, X, Y, BALL)
    assert report.attack.k < 0.7 * truth.k
    # At the large radius the attack still finds the mistakes of guessing.
    assert set(report.alarms) == {"loss curve", *report.checks}
    found = {report.checks[name] for name in ("margin", "double precision", "scores only")}
    assert found == {report.strongest} == {truth}
    assert report.checks["more steps"].k < truth.k
    assert single(model, objective=lambda output, y: -y * output[:, 0]).alarms == []


def test_thresholds_are_caught_though_the_attack_reports_the_clean_error():
    ball = BALL.in_box()
    truth = robust_error(MonotoneClassifier(Threshold(0.5), LINEAR), X, Y, ball)
    report = examined(stepwise, ball)
    assert report.attack == report.clean == report.far == error(stepwise, X, Y)
    # Steps find more by the luck of their random start alone.
    silent = {"margin", "more steps"}
    assert set(report.alarms) - silent == {"loss curve", "transfer", "scores only", "large radius"}
    assert report.flat == 400 - report.clean.k
    assert report.checks["scores only"] == report.strongest == truth
    assert report.checks["margin"] == report.clean  # no objective helps where gradients are 0


def test_thresholds_as_a_comparison_are_refused():
    with pytest.raises(ValueError, match="in a way that autograd can follow"):
        examined(MonotoneClassifier(Threshold(0.5), LINEAR), BALL.in_box())


def above(z):
    """Thresholds of all pixels but the first: their gradient is 0."""
    return (z[:, 1:] > 0.5).to(z)


def lured(score):
    """A first pixel that leads the attack away from the others: its loss rises, to no avail."""
    return lambda z: score(z) - 0.01 * z[:, 0]


def crowd(z):
    """Six wrong labels. One can win at the upper end; five gain together at the lower end."""
    u = (z[:, 0] - 0.6) / BALL.radius
    return torch.stack([0 * u, -0.5 + 0.55 * u, *[-0.6 - 0.5 * u] * 5], dim=1)


class Saturated(nn.Module):
    """A score whose slope is rounded to 0 in 32 bits, and not in 64."""

    def forward(self, z):
        return lured(lambda z: (150 * (z[:, 1:].mean(dim=1) - 0.5)).tanh())(z)


def grey(d, value=0.6):
    """One image, all pixels alike, many times: guessing makes no mistake."""
    return torch.full((200, d), value, dtype=torch.float64), torch.ones(200, dtype=torch.float64)


def only_more_steps():
    return examined(as_module(LINEAR), step_size=0.008, n_pixels=1)


def only_margin():
    x, y = grey(1)
    return examined(crowd, x=x, y=0 * y.long(), surrogate=crowd)


def only_transfer():
    # No pixel changes anything alone, and all 10 are at the right side of a random start rarely.
    darker = LinearClassifier(torch.ones(11).double(), 0.0)
    score = lured(lambda z: above(z).amax(dim=1) - 0.5)
    x, y = grey(11)
    return examined(score, x=x, y=y, surrogate=darker)


def only_scores():
    score = lured(lambda z: above(z).mean(dim=1) - 0.05)
    x, y = grey(11)
    return examined(score, x=x, y=y, surrogate=score)


def only_double_precision():
    # So many pixels that a random start leaves their mean, and the saturation, where it was.
    x, y = (each.float() for each in grey(201))
    return examined(Saturated(), x=x, y=y, surrogate=Saturated())


def only_large_radius():
    # Within 0.2 no threshold can be crossed, so there is nothing to find.
    y = grey(11)[1] * torch.tensor([1.0, -1.0]).double().repeat(100)
    x = 0.5 + 0.4 * y[:, None].expand(-1, 11)
    score = lured(lambda z: above(z).mean(dim=1) - 0.495)
    return examined(score, x=x, y=y, surrogate=score)


def only_loss_curve():
    # Some losses are rounded to 0. All the mistakes that exist are among the others.
    return single(scaled(20.0))


ONLY = {
    "loss curve": only_loss_curve,
    "more steps": only_more_steps,
    "margin": only_margin,
    "transfer": only_transfer,
    "scores only": only_scores,
    "double precision": only_double_precision,
    "large radius": only_large_radius,
}


@pytest.mark.parametrize("check", ONLY)
def test_each_check_notices_what_no_other_does(check):
    assert ONLY[check]().alarms == [check]


def test_there_is_a_model_for_each_check():
    assert set(ONLY) == {"loss curve", "large radius", *single(scaled(1.0)).checks}


@BALLS
@pytest.mark.parametrize("objective", [losses, log_odds_of_error])
def test_a_loss_curve_is_the_objective_after_each_number_of_steps(objective, ball):
    model, steps = network(0), range(1, 7)
    for seed in (None, 5):

        def attacked(n_steps, step_size=0.05, seed=seed):
            generator = None if seed is None else seeded(seed)
            how = {"step_size": step_size, "n_steps": n_steps, "objective": objective}
            return {**how, "generator": generator}

        start = torch.zeros_like(X) if seed is None else ball.sample(X, generator=seeded(seed))
        deltas = [start, *(pgd(model, X, Y, ball, **attacked(k)) for k in steps)]
        expected = [objective(model(ball.perturbed(X, delta)), Y) for delta in deltas]
        curves = loss_curves(model, X, Y, ball, **attacked(6))
        assert curves.equal(torch.stack(expected).detach())
        assert not curves.requires_grad


def test_the_loss_curve_of_a_linear_model_rises_to_the_worst_loss():
    curves = loss_curves(LINEAR, X, Y, BALL, step_size=0.05, n_steps=4, objective=losses)
    assert (curves.diff(dim=0) > 0).all()
    worst = losses(LINEAR.worst_margins(X, Y, BALL), torch.ones_like(Y))
    # Four steps of 0.05 are 0.2 up to rounding, of sums of 20 numbers of size 1.
    assert (curves[-1] - worst).abs().max() < 1e-12


def test_a_gradient_of_the_wrong_sign_is_caught_by_the_loss_that_falls():
    def reversed_slopes(z):
        return 2 * LINEAR(z).detach() - LINEAR(z)

    report = examined(reversed_slopes)
    assert "loss curve" in report.alarms
    assert report.flat == 400 - report.clean.k
    curves = loss_curves(reversed_slopes, X, Y, BALL, step_size=0.05, n_steps=4)
    assert (curves.diff(dim=0) < 0).all()


def test_a_network_whose_relus_are_all_off_at_an_image_is_caught_there():
    start = dense_network(20, [12], generator=seeded(9)).double()
    how = {"step_size": 0.01, "batch_size": 50, "n_epochs": 15, "generator": seeded(9)}
    model, _ = train(start, X, Y, maximiser=adversary, step=AdamStep(), **how)
    off = (model[:-1](X) == 0).all(dim=1) & (Y * model(X)[:, 0] > 0)
    report = examined(model, objective=log_odds_of_error)
    assert report.flat == off.sum() > 100
    assert {"loss curve", "scores only"} <= set(report.alarms), "and there was something to find"


def test_the_loss_of_a_mistake_need_not_rise():
    y = Y * torch.where(torch.arange(400) < 20, -1.0, 1.0)
    right = y * LINEAR(X) > 0

    def stopped(z):
        """The gradient is 0 where a mistake is made already."""
        return LINEAR(z).where(right, LINEAR(z).detach())

    report = examined(stopped, y=y)
    assert report.clean == ErrorCount(20, 400)
    assert report.flat == 0 and "loss curve" not in report.alarms


def test_a_check_needs_to_find_more_than_one_example_in_a_hundred():
    report = examined(as_module(LINEAR))
    for missed, alarms in ((4, []), (5, ["transfer"])):
        changed = type(report)(**{**vars(report), "missed": {"transfer": missed, "margin": 0}})
        assert changed.alarms == alarms
    for flat, alarms in ((4, []), (5, ["loss curve"])):
        assert type(report)(**{**vars(report), "flat": flat}).alarms == alarms
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
