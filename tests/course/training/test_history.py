"""Training of networks, what is measured of it, when it stops, where it starts."""

import copy
import math

import numpy as np
import pytest
import torch
from scipy.stats import kstest
from torch import nn

from lectures_code.attacks import fgsm
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import ErrorCount, adversarial_risk, error, risk, robust_error
from lectures_code.training import History, as_module, initial_classifier, settled, train
from tests.course.training.sets import (
    ITERATES,
    X,
    Y,
    exactly,
    network,
    numbers,
    training_set,
    with_parts,
)
from tests.course.training.test_objective import BALL, RECIPE, START
from tests.oracles import INF, ROUNDING, random_problem, says, seeded


@pytest.mark.parametrize("elsewhere", [False, True])
def test_the_history_is_what_is_measured_anew_after_each_epoch(elsewhere):
    x, y = training_set(8)
    held_out = training_set(9, n=11) if elsewhere else None
    ball, other = NormBall(INF, 0.1), NormBall(2, 0.2)
    judged_by = other if elsewhere else ball
    start = as_module(initial_classifier(6, generator=seeded(8)))

    attack = exactly(other) if elsewhere else None
    recipe = {"step_size": 0.5, "batch_size": 5, "evaluate_on": held_out, "attack": attack}

    def trained(n_epochs):
        how = {"n_epochs": n_epochs, "generator": seeded(0), **recipe}
        return train(start, x, y, maximiser=exactly(ball), **how)

    _, history = trained(3)
    assert history.n_epochs == 3
    on = held_out or (x, y)
    for epoch in range(4):
        model = LinearClassifier.of(trained(epoch)[0] if epoch else start)
        assert history.risk[epoch] == pytest.approx(risk(model, *on), rel=ROUNDING)
        expected = adversarial_risk(model, *on, judged_by)
        assert history.adversarial_risk[epoch] == pytest.approx(expected, rel=ROUNDING)
        assert history.error[epoch] == error(model, *on)
        assert history.robust_error[epoch] == robust_error(model, *on, judged_by)
    for entries in (history.risk, history.adversarial_risk, history.error, history.robust_error):
        assert len(entries) == 4
    assert isinstance(history.error[0], ErrorCount)


def test_networks_are_measured_in_evaluation_mode():
    x, y = training_set(8)
    model = nn.Sequential(network(4), nn.Dropout(0.999)).train()
    _, history = train(model, x, y, step_size=1e-9, batch_size=23, n_epochs=1, generator=seeded(0))
    model.eval()
    assert history.risk[0] == pytest.approx(risk(model, x, y), rel=ROUNDING)
    assert history.error[0] == error(model, x, y)


def test_the_stopping_criterion_is_asked_after_each_epoch_and_obeyed():
    x, y = training_set(8)
    seen = []

    def stop(history):
        seen.append(history.n_epochs)
        return history.n_epochs == 3

    start = as_module(initial_classifier(6, generator=seeded(0)))
    recipe = {"step_size": 0.5, "batch_size": 5}
    stopped, history = train(start, x, y, **recipe, n_epochs=10, generator=seeded(0), stop=stop)
    assert seen == [1, 2, 3] and history.n_epochs == 3
    short, _ = train(start, x, y, **recipe, n_epochs=3, generator=seeded(0))
    assert torch.equal(stopped.weight, short.weight)
    train(start, x, y, **recipe, n_epochs=2, generator=seeded(0), stop=stop)
    assert seen == [1, 2, 3, 1, 2], "and n_epochs is the most that is run"


def with_risks(*risks):
    return History(adversarial_risk=risks)


def test_settled_looks_at_the_last_relative_decrease():
    stop = settled(0.1)
    assert not stop(with_risks(1.0, 0.875))
    assert stop(with_risks(1.0, 0.9375))
    assert stop(with_risks(1.0, 2.0)), "a rise is no decrease"
    assert not stop(with_risks(1.0, 1.0, 0.5)), "only the last epoch counts"
    assert stop(with_risks(1.0, 0.5, 0.5))
    assert not stop(with_risks(1e-6, 0.8e-6)), "relative to what there is"


def test_training_stops_when_it_has_settled():
    x, y = training_set(8)
    ball, start = NormBall(2, 0.3), as_module(initial_classifier(6, generator=seeded(0)))
    recipe = {"step_size": 0.5, "batch_size": len(x), "n_epochs": 500, "stop": settled(1e-3)}
    _, history = train(start, x, y, maximiser=exactly(ball), **recipe, generator=seeded(0))
    risks = history.adversarial_risk
    falls = [1 - risks[k + 1] / risks[k] for k in range(history.n_epochs)]
    assert 5 < history.n_epochs < 500
    assert falls[-1] < 1e-3 and min(falls[:-1]) >= 1e-3


def test_a_start_is_drawn_as_torch_draws_a_layer():
    d = 400
    start = initial_classifier(d, generator=seeded(0))
    assert start.theta.shape == (d,) and start.intercept.shape == ()
    assert start.theta.dtype == start.intercept.dtype == torch.float64
    drawn = numbers(start).numpy() * math.sqrt(d)
    assert np.abs(drawn).max() <= 1
    assert (
        kstest(drawn, "uniform", args=(-1, 2)).pvalue > 0.01
    )  # of this one seed, once and for all
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = nn.Linear(d, 50)
    theirs = torch.cat([layer.weight.reshape(-1), layer.bias]).detach().numpy() * math.sqrt(d)
    assert kstest(drawn, theirs).pvalue > 0.01
    assert torch.equal(numbers(initial_classifier(d, generator=seeded(0))), numbers(start))
    assert not torch.equal(numbers(initial_classifier(d, generator=seeded(1))), numbers(start))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_module_made_from_a_classifier_is_its_copy(dtype):
    _, x, _ = random_problem(0)
    start = initial_classifier(5, generator=seeded(0))
    classifier = LinearClassifier(start.theta.to(dtype), start.intercept)
    module = as_module(classifier)
    assert isinstance(module, nn.Linear) and module.weight.dtype == module.bias.dtype == dtype
    assert all(value.requires_grad for value in module.parameters())
    torch.testing.assert_close(module(x.to(dtype))[:, 0].detach(), classifier(x.to(dtype)))
    assert torch.equal(numbers(LinearClassifier.of(module)), numbers(classifier))
    kept = numbers(classifier).clone()
    with torch.no_grad():
        module.weight += 1
        module.bias += 1
    assert torch.equal(numbers(classifier), kept)


@pytest.mark.parametrize("mode", [True, False])
def test_the_history_ends_with_what_is_measured_of_the_model_that_is_returned(mode):
    x, y = training_set(5)
    ball, recipe = NormBall(INF, 0.1), {"step_size": 0.1, "batch_size": 10, "n_epochs": 2}

    def attack(model, x, y):
        return fgsm(model, x, y, ball)

    torch.manual_seed(0)  # dropout draws from the global state
    model, history = train(
        with_parts().train(mode), x, y, maximiser=attack, **recipe, generator=seeded(0)
    )
    assert not any(part.training for part in model.modules())
    assert history.risk[-1] == risk(model, x, y)
    assert history.error[-1] == error(model, x, y)
    delta = attack(model, x, y)
    assert history.adversarial_risk[-1] == risk(model, x + delta, y)
    assert history.robust_error[-1] == error(model, x + delta, y)


@pytest.mark.parametrize("mode", [True, False])
def test_steps_are_taken_in_training_mode(mode):
    """Batch norm's averages move, and dropout leaves its marks on the gradients."""
    x, y = training_set(5)
    start, recipe = with_parts().train(mode), {"step_size": 0.1, "batch_size": 23, "n_epochs": 1}
    torch.manual_seed(0)
    trained, _ = train(start, x, y, **recipe, generator=seeded(0))
    assert not torch.equal(trained[1].running_mean, start[1].running_mean)
    oracle = copy.deepcopy(start).train()
    torch.manual_seed(0)
    order = torch.randperm(23, generator=seeded(0))
    nn.functional.soft_margin_loss(oracle(x[order])[:, 0], y[order]).backward()
    for found, expected in zip(trained.parameters(), oracle.parameters(), strict=True):
        torch.testing.assert_close(
            found, expected.detach() - 0.1 * expected.grad, rtol=0, atol=ITERATES
        )


def test_a_parameter_that_is_not_used_keeps_its_values():
    x, y = training_set(5)
    start = as_module(initial_classifier(6, generator=seeded(0)))
    start.spare = nn.Parameter(torch.ones(3, dtype=torch.float64))
    trained, _ = train(start, x, y, **RECIPE, generator=seeded(0))
    assert torch.equal(trained.spare, start.spare)
    assert not torch.equal(trained.weight, start.weight)


@pytest.mark.parametrize("batch_size", [11, 1, 22])
def test_a_last_batch_of_one_example_is_refused_where_the_model_refuses_it(batch_size):
    x, y = training_set(5)
    recipe = {"step_size": 0.1, "batch_size": batch_size, "n_epochs": 1}
    state = torch.get_rng_state()
    with pytest.raises(
        ValueError,
        match=r"^batch_size must leave no batch of one example for this model, "
        rf"got {batch_size} for 23 examples: use another one \(Expected more than 1 value",
    ):
        train(with_parts(), x, y, **recipe, generator=seeded(0))
    assert torch.equal(torch.get_rng_state(), state)
    train(network(0), x, y, **recipe, generator=seeded(0))


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_training_works_where_gradients_are_switched_off(context):
    x, y = training_set(5)
    start = as_module(initial_classifier(6, generator=seeded(0)))
    ball, recipe = NormBall(INF, 0.1), {"step_size": 0.5, "batch_size": 10, "n_epochs": 1}
    usual, _ = train(start, x, y, maximiser=exactly(ball), **recipe, generator=seeded(0))
    with context():
        x, y = x.clone(), y.clone()
        found, _ = train(start, x, y, maximiser=exactly(ball), **recipe, generator=seeded(0))
        assert torch.equal(found.weight, usual.weight)


def test_a_model_whose_outputs_have_no_gradient_is_refused():
    class Undecided(nn.Linear):
        def forward(self, x):
            with torch.no_grad():
                return super().forward(x)

    frozen = as_module(START).requires_grad_(False)
    for model in (frozen, Undecided(6, 1).double()):
        text = "model must have outputs that depend on parameters with requires_grad, got none: "
        with says(ValueError, text + "remove no_grad, inference_mode and detach from it"):
            train(model, X, Y, **RECIPE, generator=seeded(0))


@pytest.mark.filterwarnings("ignore:.*weight_norm.*deprecated")
def test_models_that_can_not_be_copied_are_refused():
    old = nn.utils.weight_norm(nn.Linear(6, 1).double())
    text = (
        "model must be a module that copy.deepcopy can copy, got Linear: use "
        "torch.nn.utils.parametrizations in place of torch.nn.utils.weight_norm and "
        "spectral_norm, and keep neither outputs nor open files in the module"
    )
    with says(TypeError, text):
        train(old, X, Y, **RECIPE, generator=seeded(0))
    new = nn.utils.parametrizations.weight_norm(nn.Linear(6, 1).double())
    train(new, X, Y, **RECIPE, generator=seeded(0))
    text = "model must be an nn.Module, got LinearClassifier: use as_module on a LinearClassifier"
    with says(TypeError, text):
        train(START, X, Y, **RECIPE, generator=seeded(0))


def test_a_model_that_keeps_its_outputs_can_be_trained():
    class Keeping(nn.Linear):
        def forward(self, x):
            self.last = super().forward(x)
            return self.last

    model = Keeping(6, 1).double()
    trained, _ = train(model, X, Y, maximiser=exactly_by_fgsm, **RECIPE, generator=seeded(0))
    assert not torch.equal(trained.weight, model.weight)


def exactly_by_fgsm(model, x, y):
    return fgsm(model, x, y, BALL)


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_compiled_and_parallel_modules_are_trained_like_the_module_itself():
    start = network(0)
    usual, history = train(start, X, Y, **RECIPE, generator=seeded(0))
    for other in (torch.jit.script(start), nn.DataParallel(start)):
        found, same = train(other, X, Y, **RECIPE, generator=seeded(0))
        assert same == history
        for mine, theirs in zip(found.parameters(), usual.parameters(), strict=True):
            assert torch.equal(mine, theirs)
