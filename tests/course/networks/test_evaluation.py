"""The ladder of attacks: what it counts, that it notices masked gradients, and what it prints."""

import pytest
import torch
from torch import nn

from lectures_code.attacks import pgd, worst_of
from lectures_code.features import MonotoneClassifier, Threshold
from lectures_code.logistic import LinearClassifier, lack_of_margin, log_odds_of_error, losses
from lectures_code.masking import examine
from lectures_code.networks.bounds import interval_margins
from lectures_code.networks.evaluation import ThreatModel, evaluate
from lectures_code.networks.models import dense_network
from lectures_code.networks.steps import AdamStep
from lectures_code.perturbations import NormBall
from lectures_code.risk import count_errors, error, robust_error
from lectures_code.training import as_module, train
from tests.course.test_masking import BALL, LINEAR, OTHER, X, Y
from tests.oracles import INF, seeded

BOX = BALL.in_box()
HOW = {"step_size": 0.05, "n_steps": 10, "n_restarts": 3, "surrogate": OTHER, "n_pixels": None}
EXAMINED = {"step_size": 0.05, "n_steps": 10, "surrogate": OTHER}


def trained(n_outputs=1, maximiser=None):
    start = dense_network(20, [12], generator=seeded(3), n_outputs=n_outputs).double()
    y = Y if n_outputs == 1 else (Y > 0).long()
    recipe = {"step_size": 0.01, "batch_size": 50, "n_epochs": 15, "generator": seeded()}
    return train(start, X, y, maximiser=maximiser, step=AdamStep(), **recipe)[0], y


def two_logits(model):
    """The same decisions with a logit for each label."""
    return lambda x: torch.stack([-model(x), model(x)], dim=1) / 2


@pytest.mark.parametrize("ball", [BALL, BOX], ids=["free", "boxed"])
def test_on_a_linear_model_every_attack_with_gradients_finds_the_exact_error(ball):
    found = evaluate(as_module(LINEAR), X, Y, ball, **HOW)
    exact = robust_error(LINEAR, X, Y, ball)
    assert found.found == exact
    exactly = ("FGSM", "PGD", "PGD with restarts", "search by pixels")
    assert {found.rungs[name] for name in exactly} == {exact}
    assert found.rungs["clean"] == error(LINEAR, X, Y)
    assert found.rungs["clean"].k <= found.rungs["random"].k < exact.k
    assert found.rungs["transfer"] == error(
        LINEAR, ball.perturbed(X, OTHER.worst_perturbations(X, Y, ball)), Y
    )
    assert found.alarms == []


def test_a_proof_is_the_last_rung_exact_for_a_linear_model_and_above_the_attacks_for_others():
    exact = robust_error(LINEAR, X, Y, BOX)
    found = evaluate(as_module(LINEAR), X, Y, BOX, **HOW, proof=interval_margins)
    assert found.found == found.unproven == exact
    network, y = trained()
    found = evaluate(network, X, y, BOX, **HOW, proof=interval_margins)
    assert found.unproven == count_errors(interval_margins(network, X, y, BOX))
    assert found.found.k <= found.unproven.k
    assert evaluate(network, X, y, BOX, **HOW).unproven is None


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_an_ordinary_network_raises_no_alarm_and_the_strongest_finds_most(n_outputs):
    model, y = trained(n_outputs)
    surrogate = OTHER if n_outputs == 1 else two_logits(OTHER)
    found = evaluate(model, X, y, BOX, **{**HOW, "surrogate": surrogate})
    assert found.alarms == []
    assert found.rungs["clean"] == error(model, X, y)
    assert found.found.k == max(count.k for count in found.rungs.values())
    assert found.found.k > found.rungs["clean"].k
    assert BOX.contains(found.delta, X).all()
    assert error(model, BOX.perturbed(X, found.delta), y) == found.found


def test_masked_gradients_of_both_kinds_raise_alarms():
    stepwise = MonotoneClassifier(Threshold(0.5), LINEAR)
    found = evaluate(lambda z: LINEAR(z.round()), X, Y, BOX, **HOW)
    assert {"loss curve", "transfer", "scores only", "large radius"} <= set(found.alarms)
    assert found.rungs["PGD"] == found.rungs["clean"]
    # Without gradients all of its mistakes are found, and they count.
    exact = robust_error(stepwise, X, Y, BOX)
    assert (
        found.found == found.rungs["search by pixels"] == exact and exact.k > found.rungs["PGD"].k
    )
    confident = as_module(LinearClassifier(30 * LINEAR.theta, 0.0)).float()
    single = {**HOW, "surrogate": as_module(OTHER).float()}
    found = evaluate(confident, X.float(), Y.float(), BOX, **single)
    assert found.alarms == ["loss fades"]
    assert found.found == robust_error(LINEAR, X, Y, BOX)


def test_images_are_searched_by_squares_as_well():
    """Where rounding hides gradients, squares find mistakes, which count and raise an alarm."""
    images = {**HOW, "shape": (4, 5), "n_queries": 150}
    found = evaluate(lambda z: LINEAR(z.round()), X, Y, BOX, **images)
    exact = robust_error(MonotoneClassifier(Threshold(0.5), LINEAR), X, Y, BOX)
    squares = found.rungs["search by squares"]
    assert found.rungs["PGD"].k < squares.k <= exact.k == found.found.k
    assert "squares" in found.alarms
    assert "search by 20 pixels and 150 squares, FGSM" in str(found.card)
    honest = evaluate(as_module(LINEAR), X, Y, BOX, **images)
    assert honest.alarms == [] and honest.rungs["search by squares"].k <= honest.found.k
    assert honest.found == robust_error(LINEAR, X, Y, BOX)
    others = evaluate(as_module(LINEAR), X, Y, BOX, **HOW)
    assert honest.rungs.items() >= others.rungs.items(), "the other rungs are as without"


def test_a_wrong_shape_is_refused_before_anything_is_attacked():
    def model(z):
        raise AssertionError("nobody is asked")

    for call in (evaluate, examine):
        how = HOW if call is evaluate else {"generator": seeded(), **EXAMINED}
        with pytest.raises(ValueError, match="shape must be that of an image of 20 pixels"):
            call(model, X, Y, BOX, **how, shape=(28, 28))


def test_restarts_for_the_hardest_alone_find_what_they_find_for_all_of_these():
    model, y = trained(maximiser=None)
    few = evaluate(model, X, y, BOX, **HOW, n_hardest=20)
    all_of_them = evaluate(model, X, y, BOX, **HOW)
    assert few.rungs["PGD"] == all_of_them.rungs["PGD"]
    assert few.rungs["PGD"].k <= few.rungs["PGD with restarts"].k
    assert "(restarts and search for the 20 of least margin)" in str(few.card)
    assert "least margin" not in str(all_of_them.card)


def test_the_same_seed_gives_the_same_answer_and_the_model_stays_as_it_is():
    model = nn.Sequential(nn.Linear(20, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))
    model.double().train()
    before = [value.clone() for value in model.state_dict().values()]
    state = torch.get_rng_state()
    first, second = (evaluate(model, X, Y, BOX, **HOW, seed=4) for _ in range(2))
    assert first.delta.equal(second.delta)
    assert (first.rungs, first.alarms) == (second.rungs, second.alarms)
    assert all(a.equal(b) for a, b in zip(before, model.state_dict().values(), strict=True))
    assert model.training
    assert torch.get_rng_state().equal(state)
    assert all(value.grad is None for value in model.parameters())


def test_the_worst_of_several_is_the_worst_for_each_example():
    model, y = trained()
    starts = [
        pgd(model, X, y, BOX, step_size=0.1, n_steps=1, generator=seeded(k)) for k in range(5)
    ]
    worst = worst_of(model, X, y, BOX, (each for each in starts))
    values = torch.stack([log_odds_of_error(model(BOX.perturbed(X, each)), y) for each in starts])
    expected = torch.stack(starts)[values.argmax(dim=0), torch.arange(len(X))]
    assert worst.equal(expected)
    by_margin = worst_of(model, X, y, BOX, starts, objective=lack_of_margin)
    assert by_margin.equal(worst), "of one score, both rank alike"
    assert worst_of(model, X, y, BOX, starts, objective=lambda o, y: -losses(o, y)).ne(worst).any()


def test_the_worst_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        worst_of(LINEAR, X, Y, BOX, [])


@pytest.mark.parametrize(
    ("ball", "told"),
    [
        (NormBall(INF, 0.2).in_box(), "norm inf; radius 0.2 (51 of 255); pixels kept in [0, 1]"),
        (
            NormBall(INF, 16).in_box(0, 255),
            "norm inf; radius 16 (16 of 255); pixels kept in [0, 255]",
        ),
        (NormBall(2, 1.5), "norm 2; radius 1.5; pixels unlimited"),
    ],
)
def test_the_card_says_norm_radius_unit_and_box(ball, told):
    assert str(ThreatModel(ball, "exact", 7)) == f"{told}; exact; 7 examples"


def test_the_card_of_an_attack_says_its_settings_and_seeds():
    found = evaluate(as_module(OTHER), X, Y, BOX, **HOW, seed=5)
    assert str(found.card) == (
        "norm inf; radius 0.2 (51 of 255); pixels kept in [0, 1]; lower bound; "
        "PGD, 10 steps of 0.05, 3 restarts, search by 20 pixels, FGSM, transfer; seeds 5; "
        "400 examples"
    )
