"""The proximal step: the model that it minimises, where it rests, the loop it stands in."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from lectures_code.attacks import linear_maximiser
from lectures_code.exact import solve
from lectures_code.logistic import LinearClassifier, psi_prime
from lectures_code.perturbations import NormBall
from lectures_code.proximal import proximal_step
from lectures_code.risk import adversarial_risk, worst_margins
from lectures_code.training import as_module, epoch, gradient_step, initial_classifier, train
from tests.course.training.sets import (
    ITERATES,
    X,
    Y,
    exactly,
    fixed_zero,
    name,
    network,
    numbers,
    training_set,
)
from tests.oracles import INF, ROUNDING, interval, says, seeded

# With radii at which a minimiser exists and, but for p = 2, lies at a kink.
FREE = [NormBall(INF, 0.15), NormBall(2, 0.3), NormBall(1, 0.6)]
BALLS = [*FREE, NormBall(INF, 0.15).in_box()]
each_ball = pytest.mark.parametrize("ball", BALLS, ids=name)
START = initial_classifier(6, generator=seeded(0))


def stepped(start, x, y, ball, step, *, step_size=0.5, n_steps=1):
    """After full-batch steps."""
    model, how = as_module(start), {"step_size": step_size, "batch_size": len(x)}
    for _ in range(n_steps):
        list(epoch(model, x, y, maximiser=exactly(ball), step=step, generator=seeded(0), **how))
    return LinearClassifier.of(model)


def cvxpy_model(start, x, y, ball, step_size):
    """The minimiser of: the loss linearised in the worst margins, and the way from the start."""
    import cvxpy as cp  # slow to import, and needed here alone

    theta, b = cp.Variable(x.shape[1]), cp.Variable()
    worst = []
    for at, label in zip(x, y.tolist(), strict=True):
        if ball in BALLS[3:]:
            ends = [cp.multiply(-label * end, theta) for end in interval(ball, at)]
            taken = cp.sum(cp.maximum(*ends))
        else:
            taken = ball.radius * cp.pnorm(theta, ball.dual_p)
        worst.append(label * (at.numpy() @ theta + b) - taken)
    slopes = psi_prime(worst_margins(start, x, y, ball)).tolist()
    linear = sum(slope * each for slope, each in zip(slopes, worst, strict=True)) / len(x)
    way = cp.sum_squares(theta - start.theta.numpy()) + cp.square(b - float(start.intercept))
    cp.Problem(cp.Minimize(linear + way / (2 * step_size))).solve(solver="CLARABEL")
    return np.append(theta.value, b.value)


@each_ball
@pytest.mark.parametrize("seed", range(3))
def test_a_step_goes_to_the_minimiser_of_its_model(ball, seed):
    x, y = training_set(seed)
    start = initial_classifier(6, generator=seeded(seed))
    found = stepped(start, x, y, ball, proximal_step(ball), step_size=2.0)
    expected = cvxpy_model(start, x, y, ball, 2.0)
    # Clarabel's gap is 1e-8, and the model grows by the square of the way over 4.
    np.testing.assert_allclose(numbers(found).numpy(), expected, rtol=0, atol=2e-4)
    assert (numbers(found) - numbers(start)).abs().max() > 0.05, "it went somewhere"


@pytest.mark.parametrize("ball", BALLS, ids=name)
def test_with_radius_0_training_is_that_by_gradient_steps(ball):
    ball = ball.with_radius(0)
    how = {"step_size": 0.5, "batch_size": 5, "n_epochs": 4, "maximiser": exactly(ball)}
    found, history = train(
        as_module(START), X, Y, step=proximal_step(ball), generator=seeded(0), **how
    )
    expected, same = train(as_module(START), X, Y, generator=seeded(0), **how)
    torch.testing.assert_close(
        numbers(LinearClassifier.of(found)),
        numbers(LinearClassifier.of(expected)),
        rtol=0,
        atol=ITERATES,
    )
    assert history.risk == pytest.approx(same.risk, rel=ITERATES)


def short_step(x, ball):
    """A step size 1 / L: the risk lies below the model that is minimised, within L."""
    moved = x.norm(dim=1).max() + ball.radius * x.shape[1] ** 0.5  # any p: |delta|_2 is less
    return 4 / float(1 + moved**2)  # the loss's second derivative is at most 1/4


@each_ball
@pytest.mark.parametrize("seed", range(3))
def test_at_the_certified_optimum_all_examples_together_leave_it_where_it_is(ball, seed):
    x, y = training_set(seed, n=60)
    optimum = solve(x, y, ball)
    assert optimum.status == "optimal"
    step_size = short_step(x, ball)
    # A step of the length 1 / L lowers the risk by its squared way over 2 / L, and the risk can't
    # fall by more than the certified gap.
    most = (2 * step_size * max(optimum.gap, ROUNDING)) ** 0.5
    found = stepped(optimum.classifier, x, y, ball, proximal_step(ball), step_size=step_size)
    assert float((numbers(found) - numbers(optimum.classifier)).norm()) <= most
    other = LinearClassifier(optimum.classifier.theta * 1.01, optimum.classifier.intercept)
    found = stepped(other, x, y, ball, proximal_step(ball), step_size=step_size)
    assert float((numbers(found) - numbers(other)).norm()) > most, "and only there"


def test_at_an_optimum_with_zeros_a_gradient_step_does_not_rest():
    x, y = training_set(1, n=60)
    ball = FREE[0]
    optimum = solve(x, y, ball).classifier
    assert (optimum.theta == 0).any() and (optimum.theta != 0).any()
    step_size = short_step(x, ball)
    moves = [
        float((numbers(stepped(optimum, x, y, ball, step, step_size=step_size)) - numbers(optimum))
              .norm())
        for step in (proximal_step(ball), gradient_step)
    ]  # fmt: skip
    assert moves[0] < 1e-6 and moves[1] > 1e-2


@each_ball
def test_full_batch_steps_reach_the_certified_optimum(ball):
    x, y = training_set(1, n=60)
    optimum = solve(x, y, ball)
    # Of any convex risk, k proximal steps of size 1 / L leave at most L |start - optimum|^2 / 2k.
    step_size, k = short_step(x, ball), 1500
    found = stepped(START, x, y, ball, proximal_step(ball), step_size=step_size, n_steps=k)
    way = float((numbers(START) - numbers(optimum.classifier)).norm())
    excess = adversarial_risk(found, x, y, ball) - optimum.risk
    assert excess <= way**2 / (2 * k * step_size)
    assert adversarial_risk(START, x, y, ball) - optimum.risk > 5 * way**2 / (2 * k * step_size)


@each_ball
def test_minibatches_and_measurements_are_those_of_gradient_steps(ball):
    seen, left = {}, []
    for step in (gradient_step, proximal_step(ball)):
        batches = seen.setdefault(step, [])

        def maximiser(model, x, y, batches=batches):
            batches.append((x, y))
            return linear_maximiser(model, x, y, ball)

        draws = seeded(1)
        how = {"step_size": 0.5, "batch_size": 5, "n_epochs": 2, "generator": draws}
        model, history = train(as_module(START), X, Y, maximiser=maximiser, step=step, **how)
        risk = adversarial_risk(LinearClassifier.of(model), X, Y, ball)
        assert history.adversarial_risk[-1] == pytest.approx(risk, rel=ROUNDING)
        left.append(draws.get_state())
    assert torch.equal(*left)
    gradient, proximal = seen.values()
    for (x, y), (same_x, same_y) in zip(gradient, proximal, strict=True):
        assert torch.equal(x, same_x) and torch.equal(y, same_y)


def test_weights_that_no_example_asks_for_become_0_and_stay():
    ball, x, y = NormBall(INF, 0.1), *training_set(0)  # pixel 2 is 0 in all of them
    how = {"maximiser": exactly(ball), "step_size": 0.5, "batch_size": 5, "generator": seeded(0)}
    model, weights = as_module(START), []
    for _ in range(10):
        steps = epoch(model, x, y, step=proximal_step(ball), **how)
        weights += [float(now.weight.detach()[0, 2]) for now in steps]
    first = weights.index(0.0)
    assert first > 0 and weights[first:] == [0.0] * (len(weights) - first)
    sizes = np.abs(weights)
    assert (np.diff(sizes[: first + 1]) < 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_both_precisions_are_trained_and_large_weights_are_no_mistake(dtype):
    ball, big = NormBall(INF, 0.1), LinearClassifier(1e4 * START.theta, START.intercept)
    x, y = X.to(dtype), Y.long()
    for start in (START, big):
        model = as_module(start).to(dtype)
        how = {"step_size": 0.5, "batch_size": 5, "n_epochs": 2, "generator": seeded(0)}
        found, _ = train(model, x, y, maximiser=exactly(ball), step=proximal_step(ball), **how)
        assert found.weight.dtype == dtype and not torch.equal(found.weight, model.weight)
        assert found.weight.grad is None and found.weight.requires_grad


def trained(model=None, *, ball=FREE[0], maximiser=None):
    how = {"step_size": 0.5, "batch_size": 5, "n_epochs": 1, "generator": seeded(0)}
    maximiser = maximiser or exactly(ball)
    return train(
        model or as_module(START), X, Y, maximiser=maximiser, step=proximal_step(ball), **how
    )


@pytest.mark.parametrize(
    "maximiser",
    [fixed_zero, exactly(NormBall(INF, 0.16)), exactly(NormBall(2, 0.15)), exactly(BALLS[3])],
    ids=["none", "a larger one", "another norm", "in the box"],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_another_maximum_in_step_1_is_refused(maximiser, dtype):
    text = (
        "^the proximal step needs the exact maximum over its own ball in step 1, got margins that"
    )
    text += (
        r" differ from it by up to \d.*: pass maximiser=functools.partial\(linear_maximiser, ball"
    )
    how = {"step_size": 0.5, "batch_size": 5, "n_epochs": 1, "generator": seeded(0)}
    start, x = as_module(START).to(dtype), X.to(dtype)
    with pytest.raises(ValueError, match=text):
        train(start, x, Y, maximiser=maximiser, step=proximal_step(FREE[0]), **how)
    train(start, x, Y, maximiser=partial(linear_maximiser, ball=FREE[0]),
          step=proximal_step(FREE[0]), **how)  # fmt: skip


def test_other_balls_and_models_are_refused():
    with says(
        ValueError, "p must be 1, 2 or inf to project onto the ball, got 3: use one of these"
    ):
        trained(ball=NormBall(3, 0.1))
    text = "a proximal point in the box needs p = inf, got p = 1: leave the box out"
    with says(ValueError, text):
        trained(ball=NormBall(1, 0.1).in_box())
    with pytest.raises(TypeError, match=r"^a linear classifier is an nn.Linear\(d, 1\), got Seq"):
        trained(network(0), maximiser=fixed_zero)
    text = (
        "the proximal step needs an nn.Linear with weight and bias to train and nothing else, got "
    )
    frozen = as_module(START).requires_grad_(False)
    half = as_module(START)
    half.bias.requires_grad_(False)
    spare = as_module(START)
    spare.more = nn.Parameter(torch.ones(1))
    for model, seen in (
        (half, "weight"),
        (frozen, "nothing to train"),
        (spare, "bias, more, weight"),
        (nn.Linear(6, 1, bias=False).double(), "weight"),
    ):
        with says(TypeError, text + seen + ": use as_module"):
            trained(model)
