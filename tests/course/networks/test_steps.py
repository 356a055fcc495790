"""Adam as a step, and the losses of other methods: against formulas written out, and PyTorch."""

from functools import partial

import pytest
import torch

from lectures_code.attacks import linear_maximiser, pgd
from lectures_code.logistic import LinearClassifier, losses
from lectures_code.networks.models import dense_network
from lectures_code.networks.steps import (
    AdamStep,
    adversarial_loss,
    divergence,
    divergence_maximiser,
    trades_loss,
)
from lectures_code.perturbations import NormBall
from lectures_code.risk import adversarial_objective
from lectures_code.training import as_module, epoch, gradient_step, train
from tests.oracles import INF, seeded

BALL = NormBall(INF, 0.1).in_box()
X = torch.rand(12, 3, generator=seeded(1), dtype=torch.float64)
Y = torch.where(X[:, 0] > 0.5, 1.0, -1.0).double()
RECIPE = {"step_size": 0.05, "batch_size": 5, "n_epochs": 2}


def network(n_outputs=1, seed=3):
    return dense_network(3, [6], generator=seeded(seed), n_outputs=n_outputs).double()


def weights(model):
    return torch.cat([value.detach().reshape(-1) for value in model.parameters()])


def test_adam_on_the_closed_form_takes_the_steps_that_pytorch_takes():
    """Danskin: with the exact maximiser, the step is the one on the adversarial risk itself."""
    start = LinearClassifier(torch.tensor([0.5, -1.0, 0.3], dtype=torch.float64), 0.1)
    model, step = as_module(start), AdamStep()
    theta, intercept = (
        start.theta.clone().requires_grad_(),
        start.intercept.clone().requires_grad_(),
    )
    adam = torch.optim.Adam([theta, intercept])
    for size in (0.1, 0.1, 0.02):
        step(model, X, Y, linear_maximiser(model, X, Y, BALL), size)
        adam.param_groups[0]["lr"] = size
        adam.zero_grad()
        adversarial_objective(theta, intercept, X, Y, BALL).backward()
        adam.step()
    torch.testing.assert_close(model.weight[0], theta)
    torch.testing.assert_close(model.bias[0], intercept)


def test_a_step_leaves_no_gradients_and_starts_anew_for_another_model():
    step, other = AdamStep(), AdamStep()
    step(network(), X, Y, torch.zeros_like(X), 0.1)
    first, second = network(seed=4), network(seed=4)
    step(first, X, Y, torch.zeros_like(X), 0.1)
    other(second, X, Y, torch.zeros_like(X), 0.1)
    assert weights(first).equal(weights(second))
    assert all(value.grad is None for value in first.parameters())


def test_adam_goes_on_from_its_saved_state_as_if_nothing_had_happened():
    model, step = network(), AdamStep()
    assert step.state_dict() == {}
    for _ in range(3):
        step(model, X, Y, torch.zeros_like(X), 0.1)
    resumed, again = network(seed=9), AdamStep()
    resumed.load_state_dict(model.state_dict())
    again.load_state_dict(resumed, step.state_dict())
    fresh, forgetful = network(seed=9), AdamStep()
    fresh.load_state_dict(model.state_dict())
    forgetful.load_state_dict(fresh, {})
    for each, how in ((model, step), (resumed, again), (fresh, forgetful)):
        how(each, X, Y, torch.zeros_like(X), 0.1)
    assert weights(resumed).equal(weights(model))
    assert not weights(fresh).equal(weights(model))


def test_training_takes_any_step_and_any_schedule():
    maximiser = partial(pgd, ball=BALL, step_size=0.05, n_steps=2)
    seen = []

    def size(k):
        seen.append(k)
        return 0.1 / (k + 1)

    trained, history = train(
        network(),
        X,
        Y,
        maximiser=maximiser,
        step=AdamStep(),
        generator=seeded(),
        **{**RECIPE, "step_size": size},
    )
    model, step, generator = network(), AdamStep(), seeded()
    for k in range(2):
        steps = epoch(
            model,
            X,
            Y,
            maximiser=maximiser,
            step=step,
            step_size=0.1 / (k + 1),
            batch_size=5,
            generator=generator,
        )
        assert len(list(steps)) == 3
    assert seen == [0, 1]
    assert weights(trained).equal(weights(model))
    assert history.adversarial_risk[-1] < history.adversarial_risk[0]


def test_the_default_loss_is_that_of_the_gradient_step():
    model, other, delta = network(), network(), torch.full_like(X, 0.05)
    gradient_step(model, X, Y, delta, 0.1)
    loss = adversarial_loss(other, X, Y, delta)
    gradients = torch.autograd.grad(loss, list(other.parameters()))
    moved = weights(other) - 0.1 * torch.cat([each.reshape(-1) for each in gradients])
    torch.testing.assert_close(weights(model), moved)


@pytest.mark.parametrize("n_outputs", [1, 2, 4])
def test_the_divergence_is_that_of_torch_distributions(n_outputs):
    clean, output = torch.randn(2, 7, n_outputs, generator=seeded(), dtype=torch.float64) * 3
    kind = torch.distributions.Bernoulli if n_outputs == 1 else torch.distributions.Categorical
    p, q = (kind(logits=z[:, 0] if n_outputs == 1 else z) for z in (clean, output))
    expected = torch.distributions.kl_divergence(p, q)
    torch.testing.assert_close(divergence(clean, output), expected)
    assert divergence(clean, clean).abs().max() == 0


def test_the_divergence_is_finite_where_probabilities_round_to_0():
    clean, output = torch.tensor([[800.0, -800.0]]), torch.tensor([[-800.0, 800.0]])
    torch.testing.assert_close(divergence(clean, output), torch.tensor([1600.0]))


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_trades_is_clean_loss_and_divergence(n_outputs):
    model, delta = network(n_outputs), torch.full_like(X, 0.05)
    y = Y if n_outputs == 1 else (Y > 0).long()
    clean, moved = model(X), model(X + delta)
    expected = losses(clean, y).mean() + 6 * divergence(clean, moved).mean()
    torch.testing.assert_close(trades_loss(6.0)(model, X, y, delta), expected)


def test_the_maximiser_of_trades_increases_the_divergence_inside_the_set():
    model = network(seed=5)
    how = {"step_size": 0.03, "n_steps": 20, "generator": seeded()}
    delta = divergence_maximiser(model, X, Y, BALL, **how)
    assert BALL.contains(delta, X).all()
    found = divergence(model(X), model(X + delta)).detach()
    # The largest of a few thousand draws, all corners of the cube among them.
    corners = torch.cartesian_prod(*[torch.tensor([-0.1, 0.1], dtype=torch.float64)] * 3)
    drawn = 0.2 * torch.rand(3000, 3, generator=seeded(), dtype=torch.float64) - 0.1
    best = torch.zeros(12, dtype=torch.float64)
    for each in torch.cat([corners, drawn]):
        best = torch.maximum(best, divergence(model(X), model((X + each).clamp(0, 1))).detach())
    assert (found > 0.6 * best).all()
    assert found.mean() > 0.95 * best.mean()


def test_the_maximiser_of_trades_needs_a_generator():
    with pytest.raises(TypeError, match="generator"):
        divergence_maximiser(network(), X, Y, BALL, step_size=0.1, n_steps=1, generator=None)


def test_step_sizes_and_weights_are_positive():
    with pytest.raises(ValueError, match="step_size"):
        AdamStep()(network(), X, Y, torch.zeros_like(X), 0.0)
    with pytest.raises(ValueError, match="beta"):
        trades_loss(0.0)


def test_weights_that_adam_cannot_divide_by_are_refused():
    with pytest.raises(TypeError, match="must be float32 or float64"):
        AdamStep()(network().half(), X.half(), Y, torch.zeros_like(X).half(), 0.1)
