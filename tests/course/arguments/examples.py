"""Small arguments with which each function of the package gives an answer."""

import torch

from lectures_code import attacks, masking, mnist, training
from lectures_code.logistic import LinearClassifier
from lectures_code.networks import evaluation
from lectures_code.networks.models import dense_network
from lectures_code.networks.steps import AdamStep
from lectures_code.perturbations import NormBall, PixelIntervals
from tests.oracles import INF, seeded


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


# Six points of overlapping classes: separable neither at radius 0.1 nor by a line through 0. All
# numbers are multiples of 1/64, which the narrowest floating-point type here keeps.
X = (
    torch.tensor([[16, 8], [-16, -8], [40, -4], [-24, 12], [20, 4], [8, 16]], dtype=torch.float64)
    / 64
)
Y = torch.tensor([1, -1, 1, -1, -1, 1])
IN_BOX = (X + 0.5).clamp(0, 1)
LINEAR = LinearClassifier(torch.tensor([1.0, -0.5], dtype=torch.float64), 0.25)
BALL = NormBall(INF, 0.125)
BOX = BALL.in_box()
WITHIN = PixelIntervals(X - 0.125, X + 0.25)
IMAGES = torch.randint(256, (6, 784), generator=seeded()).double() / 255
LAYER = LinearClassifier((randn(784) * 64).round() / 64, 0.25)
WEIGHTS = torch.tensor([[1.0, -0.5], [0.25, 0.5], [-0.75, 1.0]], dtype=torch.float64)
BIASES = torch.tensor([0.25, -0.5, 0.0], dtype=torch.float64)
RECIPE = {"step_size": 0.5, "batch_size": 3, "n_epochs": 1}
PENALTY = NormBall(INF, 0.3)
THETA = 8 * X[0]
ALPHA = torch.full((6,), 0.5, dtype=torch.float64)
# What each example sends to the other of two classes.
FLOW = ALPHA[:, None] * torch.stack([Y, -Y], dim=1).clamp(min=0)


def layer(classifier=LINEAR):
    return training.as_module(classifier)


def data(x=IMAGES, y=Y):
    return mnist.Digits(x, y.double(), x, y.double(), (0, 1), "none", 60_000)


def trained(model, x, y, **changes):
    recipe = {**RECIPE, "maximiser": None, **changes}
    return training.train(model, x, y, generator=seeded(), **recipe)


def exact(model, x, y):
    return attacks.linear_maximiser(model, x, y, BALL)


def examined(model, y, x=X, **changes):
    how = {"step_size": 0.0625, "n_steps": 2, **changes}
    return masking.examine(model, x, y, BALL, surrogate=model, generator=seeded(), **how)


def curves(model, y, x=X, **changes):
    how = {"step_size": 0.0625, "n_steps": 2, **changes}
    return masking.loss_curves(model, x, y, BALL, **how)


def stepped(model, y, x=X, step_size=1.0):
    training.gradient_step(model, x, y, torch.zeros_like(x), step_size)
    return model


def one_epoch(model, y, x=X, **changes):
    how = {"step_size": 1.0, "batch_size": 2, **changes}
    return list(training.epoch(model, x, y, generator=seeded(), **how))[-1]


def network(n_outputs=1, dtype=torch.float64):
    """A small network with weights of its own."""
    made = dense_network(2, [3], generator=seeded(), n_outputs=n_outputs)
    return made.to(dtype)


def evaluated(model, y, x=X, **changes):
    how = {"step_size": 0.0625, "n_steps": 2, "n_restarts": 2, **changes}
    return evaluation.evaluate(model, x, y, BALL, surrogate=model, **how)


def adam_stepped(model, y, x=X, step_size=0.25):
    AdamStep()(model, x, y, torch.zeros_like(x), step_size)
    return model
