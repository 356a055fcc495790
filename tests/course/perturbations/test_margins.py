"""What an adversary takes from the margins of a linear classifier, and perturbed examples."""

import numpy as np
import pytest
import torch

from lectures_code.attacks import linear_maximiser
from lectures_code.logistic import LinearClassifier
from tests.course.perturbations.cases import (
    BOXED,
    ROUNDING,
    each_boxed,
    each_set,
    grid,
    images,
    normal,
    vector,
)
from tests.oracles import largest

MODEL = LinearClassifier(vector(1.0, -0.5, 0.0, 1.0), 0.25)
X, Y = images(40, 4), normal(40, seed=1).sign()


@each_set
def test_what_is_taken_from_the_margins_is_what_the_worst_perturbations_take(ball):
    taken = ball.margin_taken(MODEL.theta, X, Y)
    assert taken.shape == ((40,) if ball in BOXED else ())
    exact = [float(largest(-y * MODEL.theta, x, ball)) for x, y in zip(X, Y, strict=True)]
    np.testing.assert_allclose(taken.expand(40).numpy(), exact, rtol=ROUNDING)
    worst = X + linear_maximiser(MODEL, X, Y, ball)
    torch.testing.assert_close(Y * MODEL(X) - taken, Y * MODEL(worst), rtol=0, atol=ROUNDING)


@each_set
def test_no_point_of_a_fine_grid_takes_more_from_a_margin(ball):
    theta = vector(1.0, -0.5, 0.25)
    for x, y in zip(X[:4, :3], Y[:4], strict=True):
        points, h = grid(ball, x, steps=15)
        most = (-y * torch.as_tensor(points) @ theta).max()
        taken = ball.margin_taken(theta, x[None], y[None]).squeeze()
        # As for the support: rounding the maximiser towards 0 loses at most h in each entry.
        assert most - 1e-11 <= taken <= most + h * theta.abs().sum() + 1e-11


@each_set
def test_what_is_taken_from_the_margins_has_derivatives_in_the_weights(ball):
    theta = normal(4).requires_grad_()
    assert torch.autograd.gradcheck(lambda theta: ball.margin_taken(theta, X[:5], Y[:5]), theta)


@each_set
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_perturbed_examples_are_sums(ball, dtype):
    x, w = images(40, 4, dtype=dtype), normal(40, 4, dtype=dtype)
    delta = ball.maximiser(w, x)
    assert torch.equal(ball.perturbed(x, delta), x + delta) or ball in BOXED
    rounding = torch.finfo(dtype).eps
    torch.testing.assert_close(ball.perturbed(x, delta), x + delta, rtol=0, atol=rounding)


@each_boxed
def test_perturbed_examples_stay_in_the_box_where_rounding_would_leave_it(ball):
    x, w = images(200, 4, dtype=torch.float32), normal(200, 4, dtype=torch.float32)
    box = ball.with_radius(9).in_box(-0.1307 / 0.3081, 0.8693 / 0.3081)
    low, high = (torch.tensor(bound, dtype=torch.float32) for bound in (box.low, box.high))
    x = (low + (high - low) * x).clamp(low, high)
    delta = box.maximiser(w, x)
    assert (x + delta > high).any() or (x + delta < low).any(), "no sum was rounded out of the box"
    perturbed = box.perturbed(x, delta)
    assert perturbed.dtype == torch.float32
    assert ((low <= perturbed) & (perturbed <= high)).all()
