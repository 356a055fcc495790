"""Answers to the exercises on the worst case: right ones, and wrong ones with what is said."""

from fractions import Fraction

import numpy as np
import torch
from torch.nn.functional import softplus


def train(theta, x, y, attack, batches, step_size):
    """Autograd through the model, in place."""
    theta = theta.clone().requires_grad_()
    for batch in batches:
        delta = attack(theta.detach(), x[batch], y[batch])
        softplus(-y[batch] * ((x[batch] + delta) @ theta)).mean().backward()
        with torch.no_grad():
            theta -= step_size * theta.grad
        theta.grad = None
    return theta


def worst_risk(model, x, y, deltas):
    """All pairs at once."""
    margins = y[:, None] * model(x[:, None] + deltas).squeeze(-1)
    return softplus(-margins.min(dim=1).values).mean()


def corner_errors(theta, x, y, epsilon, signs):
    """numpy, and the worst corner itself."""
    theta, x, y, signs = (each.numpy() for each in (theta, x, y, signs))
    worst = x - epsilon * np.outer(y, np.sign(theta))
    return [np.mean(y * ((x + epsilon * signs) @ theta) <= 0), np.mean(y * (worst @ theta) <= 0)]


RIGHT = {
    "ex-delta-box": [
        ((-0.2, 0.2), (-0.2, 0.1)),
        torch.tensor([-0.2, 0.2, -0.2, 0.1]),
        np.array([-0.2, 0.2, -0.2, 1 - 0.9]),
        [Fraction(-1, 5), Fraction(1, 5), Fraction(-1, 5), Fraction(1, 10)],
    ],
    "ex-disc-around-square": [5.6, 0.2 * 28, (5.6,), torch.tensor(5.6), (784 * 0.04) ** 0.5],
    "ex-loop": [train],
    "ex-worst-risk": [worst_risk],
    "ex-random-corners": [corner_errors],
    "ex-near-pairs": ["ACE", "eca", "A, C, E", {"A", "C", "E"}, ["a", "c", "e"]],
}

WRONG = {
    "ex-delta-box": [
        ((-0.2, 0.2, -0.2, 0.2), "The box is missing"),
        ((0.1, 0.5, 0.7, 1.0), "limits of the pixels"),
        ((-0.2, -0.2, 0.2, 0.1), "The order"),
        ((-0.3, 0.7, -0.9, 0.1), "The radius is missing"),
        ((-0.2, 0.2, -0.1, 0.2), "less room in one direction"),
        ((0.0, 0.2, 0.0, 0.1), "may be negative"),
        ((-0.2, 0.2, -0.2, 0.15), "3 of the 4 numbers are right"),
        ((-0.2, 0.2), "4 numbers are asked for, got 2"),
    ],
    "ex-disc-around-square": [
        (0.2 * 784, "the largest 1-norm"),
        (28, "radius 1"),
        (0.2, "nothing without its norm"),
        (0.2 / 28, "norms exchanged"),
        (0.2**2 * 784, "square of a norm"),
        (0.2 * 2**0.5, "in the plane"),
        (5.5, "another one"),
    ],
    "ex-near-pairs": [
        ("CE", "about A: do the two balls"),
        ("ABCE", "about B: how many labels"),
        ("AE", "about C: can one mistake"),
        ("ACDE", "about D: can one mistake"),
        ("AC", "about E: no ball"),
        ("ACEF", "about F: balls can be apart"),
    ],
}
