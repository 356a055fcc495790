"""The lecture's algorithm: the right iterates, and nothing else touched."""

import copy
import itertools

import pytest
import torch
from torch import nn

from lectures_code.attacks import fgsm, pgd
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.proximal import proximal_step
from lectures_code.together import AT_ONCE, train_together
from lectures_code.training import as_module, epoch, gradient_step, initial_classifier, train
from tests.course.training.sets import (
    BALLS,
    FREE_AND_NONE,
    FREE_BALLS,
    ITERATES,
    exactly,
    fixed_zero,
    name,
    network,
    numbers,
    plain_sgd,
    training_set,
)
from tests.oracles import INF, seeded


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "ball", [*BALLS, *(ball.with_radius(0) for ball in FREE_BALLS[:3])], ids=name
)
def test_training_at_the_maximiser_is_plain_descent_on_the_closed_form(ball, seed):
    x, y = training_set(seed)
    start = initial_classifier(6, generator=seeded(seed))
    recipe = {"step_size": 0.5, "batch_size": 5, "n_epochs": 4}  # 23 = 4 batches of 5, one of 3
    expected = plain_sgd(start, x, y, ball, **recipe, generator=seeded(seed))
    trained, _ = train(
        as_module(start), x, y, maximiser=exactly(ball), **recipe, generator=seeded(seed)
    )
    found = numbers(LinearClassifier.of(trained))
    torch.testing.assert_close(found, numbers(expected), rtol=0, atol=ITERATES)
    assert (found - numbers(start)).abs().max() > 0.1, "it went somewhere"


@pytest.mark.parametrize("batch_size", [5, 23, 100])
@pytest.mark.parametrize(
    ("ball", "proximal"),
    [
        *((ball, False) for ball in FREE_AND_NONE),
        *((ball, True) for ball in FREE_AND_NONE if ball.p in (1, 2, INF)),
    ],
    ids=str,
)
def test_training_together_is_training_one_by_one(ball, batch_size, proximal):
    x, y = training_set(7)
    n_runs = 2 * AT_ONCE + 1  # two groups, and one of a single run
    recipe = {"step_size": 1.0, "batch_size": batch_size, "n_epochs": 3}
    starts = [initial_classifier(6, generator=seeded(seed)) for seed in range(n_runs)]
    kept = [numbers(start).clone() for start in starts]
    together = train_together(
        starts,
        x,
        y,
        ball,
        **recipe,
        generators=[seeded(seed) for seed in range(n_runs)],
        proximal=proximal,
    )
    step = proximal_step(ball) if proximal else gradient_step
    assert len(together) == n_runs
    for seed, (start, found) in enumerate(zip(starts, together, strict=True)):
        how = {"maximiser": exactly(ball), "step": step, "generator": seeded(seed)}
        alone, _ = train(as_module(start), x, y, **how, **recipe)
        expected = numbers(LinearClassifier.of(alone))
        torch.testing.assert_close(numbers(found), expected, rtol=0, atol=ITERATES)
        assert torch.equal(numbers(start), kept[seed]), "starts stay as they were"


def test_a_pixel_that_is_always_zero_is_trained_by_the_attack_alone():
    x, y = training_set(0)
    start = initial_classifier(6, generator=seeded(0))
    recipe = {"step_size": 0.5, "batch_size": 5, "n_epochs": 3}

    def weight(ball):
        (found,) = train_together([start], x, y, ball, **recipe, generators=[seeded(0)])
        return float(found.theta[2])

    assert weight(NormBall(INF, 0)) == float(start.theta[2])
    assert abs(weight(NormBall(INF, 0.1))) < abs(float(start.theta[2]))


def test_examples_that_are_all_zero_train_the_intercept():
    x, y = torch.zeros(8, 3, dtype=torch.float64), torch.ones(8, dtype=torch.float64)
    start = LinearClassifier(torch.tensor([0.5, -1.0, 0.25], dtype=torch.float64), 0.0)
    ball, recipe = NormBall(INF, 0.1), {"step_size": 0.5, "batch_size": 3, "n_epochs": 2}
    (found,) = train_together([start], x, y, ball, **recipe, generators=[seeded(0)])
    expected = plain_sgd(start, x, y, ball, **recipe, generator=seeded(0))
    torch.testing.assert_close(numbers(found), numbers(expected), rtol=0, atol=ITERATES)


@pytest.mark.parametrize("k", [1, 3])
def test_a_step_of_a_network_is_torch_s_own_at_the_perturbed_examples(k):
    x, y = training_set(1)
    y = y if k == 1 else torch.arange(len(x)) % 3
    start, ball = network(0, k=k), NormBall(INF, 0.1)
    recipe = {"maximiser": lambda *args: fgsm(*args, ball), "batch_size": 10, "n_epochs": 2}
    trained, _ = train(start, x, y, step_size=0.3, **recipe, generator=seeded(3))
    oracle, draw = copy.deepcopy(start), seeded(3)
    optimiser = torch.optim.SGD(oracle.parameters(), lr=0.3)
    for _ in range(2):
        for batch in torch.randperm(len(x), generator=draw).split(10):
            delta = fgsm(oracle, x[batch], y[batch], ball)
            output = oracle(x[batch] + delta)
            optimiser.zero_grad()
            if k == 1:
                nn.functional.soft_margin_loss(output[:, 0], y[batch]).backward()
            else:
                nn.functional.cross_entropy(output, y[batch]).backward()
            optimiser.step()
    for found, expected in zip(trained.parameters(), oracle.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=ITERATES)


def test_the_perturbation_is_held_fixed_whoever_computes_it():
    """Step 2 differentiates the loss, not the maximiser, even if that can be differentiated."""
    x, y = training_set(2)
    start = as_module(initial_classifier(6, generator=seeded(2)))
    recipe = {"step_size": 0.3, "batch_size": 10, "n_epochs": 1}

    def differentiable(model, x, y):
        return -y[:, None] * 0.5 * model.weight

    def without_graph(*arguments):
        return differentiable(*arguments).detach()

    first, second = (
        train(start, x, y, maximiser=each, **recipe, generator=seeded(0), attack=fixed_zero)[0]
        for each in (differentiable, without_graph)
    )
    assert torch.equal(first.weight, second.weight)


def test_without_a_maximiser_it_is_standard_training():
    x, y = training_set(3)
    start = initial_classifier(6, generator=seeded(3))
    recipe = {"step_size": 0.5, "batch_size": 5, "n_epochs": 3}
    trained, history = train(as_module(start), x, y, **recipe, generator=seeded(0))
    expected = plain_sgd(start, x, y, NormBall(2, 0), **recipe, generator=seeded(0))
    found = numbers(LinearClassifier.of(trained))
    torch.testing.assert_close(found, numbers(expected), rtol=0, atol=ITERATES)
    assert history.risk == history.adversarial_risk
    assert history.error == history.robust_error


def test_a_network_with_several_logits_learns_to_resist_pgd():
    draw = seeded(4)
    y = torch.arange(60) % 3
    centres = 0.5 + 0.35 * torch.eye(3, 6, dtype=torch.float64)
    x = (centres[y] + 0.08 * torch.randn(60, 6, generator=draw, dtype=torch.float64)).clamp(0, 1)
    ball = NormBall(INF, 0.05).in_box()

    def attack(model, x, y):
        return pgd(model, x, y, ball, step_size=0.03, n_steps=3, generator=draw)

    start = network(1, k=3)
    _, history = train(
        start, x, y, maximiser=attack, step_size=0.5, batch_size=10, n_epochs=30, generator=draw
    )
    assert history.n_epochs == 30
    assert history.adversarial_risk[-1] < history.adversarial_risk[0] / 2
    assert history.robust_error[-1].k < history.robust_error[0].k / 4


@pytest.mark.parametrize("mode", [True, False])
def test_training_leaves_everything_it_was_given_as_it_was(mode):
    x, y = training_set(5)
    model = nn.Sequential(network(2), nn.Flatten()).train(mode)
    model[0][0].bias.requires_grad_(False)
    model(x).sum().backward()
    before = copy.deepcopy(model.state_dict())
    grads = [None if v.grad is None else v.grad.clone() for v in model.parameters()]
    kept, state = (x.clone(), y.clone()), torch.get_rng_state()

    recipe = {"step_size": 0.1, "batch_size": 10, "n_epochs": 2, "generator": seeded(0)}
    trained, _ = train(
        model, x, y, maximiser=lambda *args: fgsm(*args, NormBall(INF, 0.1)), **recipe
    )

    assert trained is not model
    assert model.training == mode and not trained.training
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key]), key
    for value, grad in zip(model.parameters(), grads, strict=True):
        assert (value.grad is None) if grad is None else torch.equal(value.grad, grad)
    for mine, theirs in zip(trained.parameters(), model.parameters(), strict=True):
        assert mine.requires_grad == theirs.requires_grad
        assert torch.equal(mine, theirs) == (not theirs.requires_grad), "only the free ones learn"
    assert torch.equal(x, kept[0]) and torch.equal(y, kept[1])
    assert torch.equal(torch.get_rng_state(), state)


def test_training_leaves_no_gradient_on_what_it_returns():
    x, y = training_set(5)
    recipe = {"step_size": 0.1, "batch_size": 10, "n_epochs": 1}
    trained, _ = train(network(2), x, y, **recipe, generator=seeded(0))
    assert all(value.grad is None for value in trained.parameters())


def test_training_together_touches_no_global_random_state():
    x, y = training_set(5)
    start, kept, state = (
        initial_classifier(6, generator=seeded(0)),
        x.clone(),
        torch.get_rng_state(),
    )
    recipe = {"step_size": 0.1, "batch_size": 10, "n_epochs": 1}
    train_together([start], x, y, NormBall(2, 0.1), **recipe, generators=[seeded(0)])
    as_module(start)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(x, kept)


def test_the_history_s_measurements_do_not_change_what_is_learned():
    """Batch norm's running means are learned from batches, not from the evaluation."""
    x, y = training_set(6)
    model = nn.Sequential(nn.BatchNorm1d(6), network(3)).double()
    recipe = {"step_size": 0.1, "batch_size": 10, "n_epochs": 2}

    def trained(**how):
        return train(model, x, y, **recipe, generator=seeded(0), **how)[0].state_dict()

    usual, other = trained(), trained(evaluate_on=(x[:3], y[:3]), attack=fixed_zero)
    for key, value in usual.items():
        assert torch.equal(value, other[key]), key


def test_the_same_seed_gives_the_same_model_and_another_seed_another():
    x, y = training_set(6)
    start = as_module(initial_classifier(6, generator=seeded(0)))

    def trained(seed):
        recipe = {"step_size": 0.5, "batch_size": 5, "n_epochs": 2}
        model, history = train(start, x, y, **recipe, generator=seeded(seed))
        return model.weight, history

    assert torch.equal(trained(1)[0], trained(1)[0])
    assert trained(1)[1] == trained(1)[1]
    assert not torch.equal(trained(1)[0], trained(2)[0])


def test_nobody_watching_sees_no_bar(capfd):
    x, y = training_set(6)
    start = initial_classifier(6, generator=seeded(0))
    recipe = {"step_size": 0.5, "batch_size": 5, "n_epochs": 2}
    train(as_module(start), x, y, **recipe, generator=seeded(0))
    train_together([start], x, y, NormBall(2, 0.1), **recipe, generators=[seeded(0)])
    assert capfd.readouterr() == ("", "")


def test_training_is_its_epochs_and_an_epoch_gives_the_model_after_each_step():
    x, y = training_set(3)
    recipe, start = {"step_size": 0.5, "batch_size": 5}, network(0)
    trained, _ = train(start, x, y, n_epochs=2, generator=seeded(1), **recipe)
    model, draws, seen = copy.deepcopy(start), seeded(1), []
    for _ in range(2):
        for now in epoch(model, x, y, generator=draws, **recipe):
            assert now is model
            seen.append(torch.nn.utils.parameters_to_vector(now.parameters()).detach())
    assert len(seen) == 2 * 5  # batches of 5, 5, 5, 5 and 3
    assert all((first != second).any() for first, second in itertools.pairwise(seen))
    assert torch.equal(seen[-1], torch.nn.utils.parameters_to_vector(trained.parameters()))
