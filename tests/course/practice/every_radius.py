"""Answers to the exercises on radii: right ones, and wrong ones with what is said."""

import torch
from torch.nn.functional import logsigmoid

from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import error_curve


def curve(theta, intercept, x, y, radii):
    """The package's curve."""
    ball = NormBall(torch.inf, 1.0)
    return error_curve(LinearClassifier(theta, intercept), x, y, ball).counts(radii)


def last_pixel(x, y):
    """The slopes of the risk at the best constant, by autograd."""
    theta = torch.zeros(x.shape[1], dtype=x.dtype, requires_grad=True)
    taken = torch.zeros((), dtype=x.dtype, requires_grad=True)
    odds = torch.logit((y > 0).double().mean())
    loss = -logsigmoid(y * (x @ theta + odds) - taken).mean()
    slopes, price = torch.autograd.grad(loss, (theta, taken))
    return slopes.abs().argmax(), slopes.abs().max() / price


def which_lasso(theta, intercept, x, y, epsilon):
    """The adversary's part of the risk's gradient, by autograd."""
    taken = (epsilon * theta.abs().sum()).requires_grad_()
    loss = -logsigmoid(y * (x @ theta + intercept) - taken).mean()
    (slope,) = torch.autograd.grad(loss, taken)
    return taken, epsilon * slope


RIGHT = {
    "ex-who-is-ahead": [(2, 1, 0.15, 0.15), torch.tensor([2, 1, 0.15, 0.15])],
    "ex-three-radii": [(0.6, 1, 1.5, 1), [3 / 5, 3 / 3, 3 / 2, 1.0]],
    "ex-whole-curve": [curve],
    "ex-last-pixel": [last_pixel],
    "ex-which-lasso": [which_lasso],
    "ex-best-at-what": ["BDE", "e, d, b", ["B", "D", "E"]],
}

WRONG = {
    "ex-who-is-ahead": [
        ((2, 0, 0.05, 0.05), "lost at every radius"),
        ((2, 1, 0.05, 0.05), "the same number of mistakes"),
        ((2, 1, 0.15, 0.3), "so has what the adversary takes"),
        ((2, 1, 0.15, 0.075), "of margins twice as large"),
        ((2, 3, 0.15, 0.15), "images that are right"),
        ((1, 1, 0.15, 0.15), "3 of the 4 numbers are right"),
    ],
    "ex-three-radii": [
        ((1.5, 1, 0.6, 1), "the adversary's own norm"),
        ((0.6, 3 / 9, 1.5, 1), "has a root"),
        ((1, 1, 1.5, 1), "adds up the weights"),
        ((15, 9, 6, 9), "multiplies margin and norm"),
        ((5, 3, 2, 3), "the norms themselves"),
        ((0.6, 1, 1.5, 3), "3 of the 4 numbers are right"),
    ],
    "ex-best-at-what": [
        ("ABDE", "about A: what is least"),
        ("DE", "about B: what does a larger ball"),
        ("BCDE", "about C: is one count"),
        ("BE", "about D: what can an adversary"),
        ("BD", "about E: how long"),
        ("BDEF", "about F: what has happened"),
    ],
}
