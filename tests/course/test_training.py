"""The lecture's algorithm: the right gradient, the right iterates, and nothing else touched."""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest
from torch import nn

from lectures_code.attacks import fgsm, linear_maximiser, pgd
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import (
    ErrorCount,
    adversarial_objective,
    adversarial_risk,
    error,
    risk,
    robust_error,
)
from lectures_code.together import train_together
from lectures_code.training import (
    History,
    as_module,
    initial_classifier,
    settled,
    train,
)
from tests.oracles import INF, random_problem, says

# Rounding of a sum of a dozen numbers of size 1 to 10, with a reserve.
ROUNDING = 1e-12
# Some dozens of steps, each with such a rounding: what equal iterates may differ by.
ITERATES = 1e-10
# Central differences with h = 1e-5: an error of h^2 and one of rounding / h, both below this.
DIFFERENCES = 1e-8
FREE_BALLS = [NormBall(INF, 0.1), NormBall(2, 0.3), NormBall(1, 0.4), NormBall(3, 0.2)]
BALLS = [*FREE_BALLS, *(ball.in_box() for ball in FREE_BALLS[:3])]


def name(ball):
    return f"p={ball.p:g},r={ball.radius:g}" + ("-boxed" if hasattr(ball, "low") else "")


each_ball = pytest.mark.parametrize("ball", BALLS, ids=name)
each_free_ball = pytest.mark.parametrize(
    "ball", [*FREE_BALLS, *(ball.with_radius(0) for ball in FREE_BALLS)], ids=name
)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def training_set(seed, *, n=23, d=6):
    """Examples of two overlapping classes in the box, with a pixel that is 0 in all of them."""
    y = torch.ones(n, dtype=torch.float64)
    y[::2] = -1
    noise = torch.randn(n, d, generator=seeded(seed), dtype=torch.float64)
    x = (0.5 + 0.15 * y[:, None] + 0.25 * noise).clamp(0, 1)
    x[:, 2] = 0
    return x, y


def exactly(ball):
    return lambda model, x, y: linear_maximiser(model, x, y, ball)


def network(seed, *, d=6, k=1):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(d, 8), nn.Tanh(), nn.Linear(8, k)).double()


def numbers(classifier):
    return torch.cat([classifier.theta, classifier.intercept[None]])


def plain_sgd(start, x, y, ball, *, step_size, batch_size, n_epochs, generator):
    """Gradient descent on the closed form: no perturbation, no attack, autograd alone."""
    theta, intercept = start.theta, start.intercept
    for _ in range(n_epochs):
        for batch in torch.randperm(len(x), generator=generator).split(batch_size):
            at = theta.clone().requires_grad_(), intercept.clone().requires_grad_()
            objective = adversarial_objective(*at, x[batch], y[batch], ball)
            slopes = torch.autograd.grad(objective, at)
            theta, intercept = (a - step_size * b for a, b in zip(at, slopes, strict=True))
            theta, intercept = theta.detach(), intercept.detach()
    return LinearClassifier(theta, intercept)


# ---------------------------------------------------------------- the gradient (Danskin)


@each_ball
@pytest.mark.parametrize("seed", range(4))
def test_the_gradient_at_the_maximiser_is_the_gradient_of_the_closed_form(ball, seed):
    x, y = training_set(seed)
    start = initial_classifier(6, generator=seeded(seed))
    theta = start.theta.clone().requires_grad_()
    intercept = start.intercept.clone().requires_grad_()
    closed_form = torch.autograd.grad(
        adversarial_objective(theta, intercept, x, y, ball), (theta, intercept)
    )
    delta = linear_maximiser(start, x, y, ball)
    scores = (x + delta) @ theta + intercept
    at_the_maximiser = torch.log1p(torch.exp(-y * scores)).mean()
    lectures = torch.autograd.grad(at_the_maximiser, (theta, intercept))
    torch.testing.assert_close(lectures, closed_form, rtol=ROUNDING, atol=ROUNDING)


@each_ball
@pytest.mark.parametrize("seed", range(4))
def test_the_closed_form_s_gradient_is_the_slope_of_the_adversarial_risk(ball, seed):
    x, y = training_set(seed)
    at = numbers(initial_classifier(6, generator=seeded(seed)))  # random: no ties, no zeros
    point = at.clone().requires_grad_()
    objective = adversarial_objective(point[:-1], point[-1], x, y, ball)
    (gradient,) = torch.autograd.grad(objective, point)

    def value(z):
        return adversarial_risk(LinearClassifier(z[:-1], z[-1]), x, y, ball)

    h = 1e-5
    slopes = [(value(at + h * e) - value(at - h * e)) / (2 * h) for e in torch.eye(7).double()]
    assert gradient.tolist() == pytest.approx(slopes, abs=DIFFERENCES)


@each_ball
@pytest.mark.parametrize("seed", range(4))
def test_the_closed_form_is_the_adversarial_risk(ball, seed):
    model, x, y = random_problem(seed, n=20)
    found = adversarial_objective(model.theta, model.intercept, x, y, ball)
    assert found.shape == ()
    delta = linear_maximiser(model, x, y, ball)
    z = (y * ((x + delta) @ model.theta + model.intercept)).numpy()
    assert float(found) == pytest.approx(np.logaddexp(0, -z).mean(), rel=ROUNDING)
    if not hasattr(ball, "low"):
        clean = (y * (x @ model.theta + model.intercept)).numpy()
        penalty = ball.radius * np.linalg.norm(model.theta.numpy(), ball.dual_p)
        expected = np.logaddexp(0, penalty - clean).mean()
        assert float(found) == pytest.approx(expected, rel=ROUNDING)


COORDINATE = st.floats(-5, 5, allow_subnormal=False)


@each_ball
@given(st.lists(COORDINATE, min_size=14, max_size=14), st.floats(0, 1), st.integers(0, 5))
@settings(max_examples=30)
def test_the_objective_is_convex(ball, values, share, seed):
    x, y = training_set(seed)
    a, b = torch.tensor(values, dtype=torch.float64).reshape(2, 7)

    def objective(z):
        return float(adversarial_objective(z[:-1], z[-1], x, y, ball))

    between = objective(share * a + (1 - share) * b)
    # Values are up to some dozens of nats; support functions in the box keep 1e-12 of that.
    assert between <= share * objective(a) + (1 - share) * objective(b) + 100 * ROUNDING


# ---------------------------------------------------------------- the iterates


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


@each_free_ball
@pytest.mark.parametrize("batch_size", [5, 23, 100])
def test_training_together_is_training_one_by_one(ball, batch_size):
    x, y = training_set(7)
    n_runs = 3
    recipe = {"step_size": 1.0, "batch_size": batch_size, "n_epochs": 3}
    starts = [initial_classifier(6, generator=seeded(seed)) for seed in range(n_runs)]
    kept = [numbers(start).clone() for start in starts]
    together = train_together(
        starts, x, y, ball, **recipe, generators=[seeded(seed) for seed in range(n_runs)]
    )
    assert len(together) == n_runs
    for seed, (start, found) in enumerate(zip(starts, together, strict=True)):
        alone, _ = train(
            as_module(start), x, y, maximiser=exactly(ball), **recipe, generator=seeded(seed)
        )
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
    trained, _ = train(
        start,
        x,
        y,
        maximiser=lambda *args: fgsm(*args, ball),
        step_size=0.3,
        batch_size=10,
        n_epochs=2,
        generator=seeded(3),
    )
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

    with_graph, _ = train(
        start, x, y, maximiser=differentiable, **recipe, generator=seeded(0), attack=fixed_zero
    )
    without, _ = train(
        start,
        x,
        y,
        maximiser=lambda *args: differentiable(*args).detach(),
        **recipe,
        generator=seeded(0),
        attack=fixed_zero,
    )
    assert torch.equal(with_graph.weight, without.weight)


def fixed_zero(model, x, y):
    return torch.zeros_like(x)


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


# ---------------------------------------------------------------- what stays as it was


@pytest.mark.parametrize("mode", [True, False])
def test_training_leaves_everything_it_was_given_as_it_was(mode):
    x, y = training_set(5)
    model = nn.Sequential(network(2), nn.Flatten()).train(mode)
    model[0][0].bias.requires_grad_(False)
    model(x).sum().backward()
    before = copy.deepcopy(model.state_dict())
    grads = [None if v.grad is None else v.grad.clone() for v in model.parameters()]
    kept, state = (x.clone(), y.clone()), torch.get_rng_state()

    trained, _ = train(
        model,
        x,
        y,
        maximiser=lambda *args: fgsm(*args, NormBall(INF, 0.1)),
        step_size=0.1,
        batch_size=10,
        n_epochs=2,
        generator=seeded(0),
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


# ---------------------------------------------------------------- modes of networks


def with_parts(seed=0):
    """A network with dropout and batch norm."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 1)
        return nn.Sequential(*parts).double()


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


# ---------------------------------------------------------------- history, stopping


@pytest.mark.parametrize("elsewhere", [False, True])
def test_the_history_is_what_is_measured_anew_after_each_epoch(elsewhere):
    x, y = training_set(8)
    held_out = training_set(9, n=11) if elsewhere else None
    ball, other = NormBall(INF, 0.1), NormBall(2, 0.2)
    judged_by = other if elsewhere else ball
    start = as_module(initial_classifier(6, generator=seeded(8)))

    def trained(n_epochs):
        return train(
            start,
            x,
            y,
            maximiser=exactly(ball),
            step_size=0.5,
            batch_size=5,
            n_epochs=n_epochs,
            generator=seeded(0),
            evaluate_on=held_out,
            attack=exactly(other) if elsewhere else None,
        )

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
    _, history = train(
        start,
        x,
        y,
        maximiser=exactly(ball),
        step_size=0.5,
        batch_size=len(x),
        n_epochs=500,
        generator=seeded(0),
        stop=settled(1e-3),
    )
    risks = history.adversarial_risk
    falls = [1 - risks[k + 1] / risks[k] for k in range(history.n_epochs)]
    assert 5 < history.n_epochs < 500
    assert falls[-1] < 1e-3 and min(falls[:-1]) >= 1e-3


# ---------------------------------------------------------------- starts


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


# ---------------------------------------------------------------- what is refused

X, Y = training_set(0)
START = initial_classifier(6, generator=seeded(0))
BALL = NormBall(2, 0.1)
RECIPE = {"step_size": 0.5, "batch_size": 5, "n_epochs": 1}


def alone(x=X, y=Y, **changes):
    return train(as_module(START), x, y, **{**RECIPE, **changes}, generator=seeded(0))


def together(x=X, y=Y, *, starts=(START,), n_generators=1, ball=BALL, **changes):
    generators = [seeded(0)] * n_generators
    return train_together(starts, x, y, ball, **{**RECIPE, **changes}, generators=generators)


@pytest.mark.parametrize("function", [alone, together])
class TestBothRefuse:
    @pytest.mark.parametrize("value", [0, -1.0, math.nan, INF])
    def test_steps_of_no_length(self, function, value):
        text = f"step_size must be a finite number > 0, got {value!r}: pass a positive one"
        with says(ValueError, text):
            function(step_size=value)

    @pytest.mark.parametrize("argument", ["batch_size", "n_epochs"])
    @pytest.mark.parametrize("value", [0, -1, 1.5])
    def test_counts_that_are_none(self, function, argument, value):
        with says(ValueError, f"{argument} must be a whole number >= 1, got {value!r}"):
            function(**{argument: value})

    def test_labels_zero_and_one(self, function):
        with says(ValueError, "labels must be -1 or +1, got 0 and 1: use 2 * y.long() - 1"):
            function(y=(Y + 1) / 2)

    def test_labels_of_other_examples(self, function):
        with pytest.raises(ValueError, match=r"^y must have shape \(23,\), one label for each ex"):
            function(y=Y[:-1])

    def test_empty_batches_and_pixels_as_integers(self, function):
        with pytest.raises(ValueError, match=r"^x must hold at least one example and one feature"):
            function(x=X[:0], y=Y[:0])
        with pytest.raises(
            TypeError, match=r"^x must hold floating-point numbers, got torch.uint8"
        ):
            function(x=(255 * X).to(torch.uint8))
        with pytest.raises(ValueError, match=r"^x must have shape \(n, d\), got \(23, 2, 3\): use"):
            function(x=X.reshape(23, 2, 3))


@pytest.mark.parametrize("y", [Y[:-1], torch.cat([Y, Y])])
def test_labels_of_other_examples_are_refused_also_when_measured_elsewhere(y):
    text = f"y must have shape (23,), one label for each example, got {tuple(y.shape)}: "
    with says(ValueError, text + "pass the labels of these examples"):
        alone(y=y, evaluate_on=(X, Y))


@pytest.mark.parametrize("generator", [0, None, torch.manual_seed])
def test_the_generator_must_be_one(generator):
    text = f"generator must be a torch.Generator, got {type(generator).__name__}: "
    text += "use torch.Generator().manual_seed(0)"
    with says(TypeError, text):
        train(as_module(START), X, Y, **RECIPE, generator=generator)
    with says(TypeError, text):
        train_together([START], X, Y, BALL, **RECIPE, generators=[generator])
    with says(TypeError, text):
        initial_classifier(3, generator=generator)


def test_what_is_measured_on_must_fit_what_is_trained_on():
    text = "evaluate_on must be a pair (x, y), got Tensor: "
    with says(TypeError, text + "pass both, or leave it out for the training data"):
        alone(evaluate_on=X)
    text = "evaluate_on must hold examples of the dtype of x, got torch.float32 with x in "
    with says(TypeError, text + "torch.float64: use .to(torch.float64)"):
        alone(evaluate_on=(X.float(), Y))
    with pytest.raises(ValueError, match=r"^y must have shape \(23,\), one label for each"):
        alone(evaluate_on=(X, Y[1:]))
    text = "x must have the model's dtype, got torch.float32 with weight in torch.float64: "
    with says(TypeError, text + "use model.double() or x.float()"):
        alone(X.float(), Y)


def test_the_objective_needs_weights_that_fit():
    with says(ValueError, "theta must have shape (6,), one weight for each feature, got (5,)"):
        adversarial_objective(START.theta[1:], START.intercept, X, Y, BALL)
    text = "x must have the weights' dtype, got torch.float64 with weights in torch.float32: "
    with says(TypeError, text + "use x.to(theta.dtype)"):
        adversarial_objective(START.theta.float(), START.intercept, X, Y, BALL)


def test_training_together_has_no_box():
    text = "train_together needs a ball without the box: use train for the boxed one"
    with says(ValueError, text):
        together(ball=BALL.in_box())


@pytest.mark.parametrize(("n_starts", "n_generators"), [(0, 0), (0, 1), (1, 2), (2, 1)])
def test_training_together_needs_a_generator_for_each_start(n_starts, n_generators):
    text = (
        "train_together needs a generator for each start, "
        f"got {n_starts} starts and {n_generators} generators"
    )
    with says(ValueError, text):
        together(starts=[START] * n_starts, n_generators=n_generators)


@pytest.mark.parametrize("d", [5, 7])
def test_training_together_needs_a_weight_for_each_feature(d):
    other = initial_classifier(d, generator=seeded(0))
    with says(ValueError, f"starts must have 6 weights, one for each feature of x, got {d}"):
        together(starts=[START, other], n_generators=2)


@pytest.mark.parametrize("tolerance", [0, -0.1, math.nan, "1"])
def test_settled_needs_a_tolerance(tolerance):
    text = f"tolerance must be a finite number > 0, got {tolerance!r}: pass a positive one"
    with says(ValueError, text):
        settled(tolerance)


@pytest.mark.parametrize("d", [0, -3, 2.0])
def test_a_start_needs_features(d):
    with says(ValueError, f"d must be a whole number >= 1, got {d!r}"):
        initial_classifier(d, generator=seeded(0))


def test_the_objective_refuses_bad_labels_and_examples():
    with says(ValueError, "labels must be -1 or +1, got 0 and 1: use 2 * y.long() - 1"):
        adversarial_objective(START.theta, START.intercept, X, (Y + 1) / 2, NormBall(2, 0.1))
    with pytest.raises(ValueError, match=r"^x must be finite, got 138 NaN or infinite entries"):
        adversarial_objective(START.theta, START.intercept, X * math.nan, Y, NormBall(2, 0.1))
