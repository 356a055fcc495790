"""The closed form to differentiate: its gradient, its convexity, what it refuses."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lectures_code.attacks import linear_maximiser
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import adversarial_objective, adversarial_risk
from lectures_code.training import initial_classifier
from tests.course.training.sets import (
    DIFFERENCES,
    ROUNDING,
    X,
    Y,
    each_ball,
    numbers,
    seeded,
    training_set,
)
from tests.course.training.test_refusals import BALL, START
from tests.oracles import random_problem, says


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


def test_the_objective_needs_weights_that_fit():
    with says(ValueError, "theta must have shape (6,), one weight for each feature, got (5,)"):
        adversarial_objective(START.theta[1:], START.intercept, X, Y, BALL)
    text = "x must have the weights' dtype, got torch.float64 with weights in torch.float32: "
    with says(TypeError, text + "use x.to(theta.dtype)"):
        adversarial_objective(START.theta.float(), START.intercept, X, Y, BALL)


def test_the_objective_refuses_bad_labels_and_examples():
    with says(ValueError, "labels must be -1 or +1, got 0 and 1: use 2 * y.long() - 1"):
        adversarial_objective(START.theta, START.intercept, X, (Y + 1) / 2, NormBall(2, 0.1))
    with pytest.raises(ValueError, match=r"^x must be finite, got 138 NaN or infinite entries"):
        adversarial_objective(START.theta, START.intercept, X * math.nan, Y, NormBall(2, 0.1))
