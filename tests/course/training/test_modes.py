"""Training of networks: modes, parameters, modules of other kinds."""

import copy

import pytest
import torch
from torch import nn

from lectures_code.attacks import fgsm
from lectures_code.perturbations import NormBall
from lectures_code.risk import error, risk
from lectures_code.training import as_module, initial_classifier, train
from tests.course.training.sets import (
    ITERATES,
    X,
    Y,
    exactly,
    network,
    seeded,
    training_set,
    with_parts,
)
from tests.course.training.test_refusals import BALL, RECIPE, START
from tests.oracles import INF, says


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
