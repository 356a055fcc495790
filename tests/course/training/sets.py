"""Sets, models and recipes that the tests of training share."""

import pytest
import torch
from torch import nn

from lectures_code.attacks import linear_maximiser
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import adversarial_objective
from tests.oracles import INF, seeded

# Some dozens of steps, each with such a rounding: what equal iterates may differ by.
ITERATES = 1e-10
# Central differences with h = 1e-5: an error of h^2 and one of rounding / h, both below this.
DIFFERENCES = 1e-8
FREE_BALLS = [NormBall(INF, 0.1), NormBall(2, 0.3), NormBall(1, 0.4), NormBall(3, 0.2)]
FREE_AND_NONE = [*FREE_BALLS, *(ball.with_radius(0) for ball in FREE_BALLS)]
BALLS = [*FREE_BALLS, *(ball.in_box() for ball in FREE_BALLS[:3])]


def name(ball):
    return f"p={ball.p:g},r={ball.radius:g}" + ("-boxed" if hasattr(ball, "low") else "")


each_ball = pytest.mark.parametrize("ball", BALLS, ids=name)


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


def fixed_zero(model, x, y):
    return torch.zeros_like(x)


def with_parts(seed=0):
    """A network with dropout and batch norm."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 1)
        return nn.Sequential(*parts).double()


X, Y = training_set(0)
