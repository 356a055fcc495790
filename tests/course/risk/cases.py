"""Balls, classifiers and tolerances that the tests of risk share."""

import pytest
import torch
from torch import nn

from lectures_code.attacks import linear_maximiser
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import error
from tests.oracles import INF

# A relative step over a certified radius: far above rounding, far below any other radius.
STEP = 1e-9
# The norms (and boxes) that certified radii are for.
KINDS = [(1, False), (1.5, False), (2, False), (INF, False), (INF, True)]


def ball_of(p, in_box, radius):
    return NormBall(p, radius).in_box() if in_box else NormBall(p, radius)


def attacked_anew(model, x, y, ball):
    """Attack each example, look at the label that comes out."""
    return error(model, x + linear_maximiser(model, x, y, ball), y)


def separate(*values):
    """A classifier on one pixel whose margins of y = +1 are these values, with x in [0, 1]."""
    model = LinearClassifier(torch.tensor([1.0], dtype=torch.float64), -0.5)
    x = torch.tensor(values, dtype=torch.float64)[:, None] + 0.5
    return model, x, torch.ones(len(values), dtype=torch.float64)


def layer_of(model):
    layer = nn.Linear(len(model.theta), 1).to(model.theta.dtype)
    layer.load_state_dict({"weight": model.theta[None], "bias": model.intercept[None]})
    return layer


each_kind = pytest.mark.parametrize(("p", "in_box"), KINDS)
