"""Tiny networks of every layer that bounds are known for, and the truth about them."""

import itertools

import numpy as np
import torch
from scipy.optimize import linprog
from torch import nn

from lectures_code.networks.models import dense_network
from lectures_code.perturbations import NormBall
from tests.oracles import INF, seeded

FREE = NormBall(INF, 0.3)
BOX = FREE.in_box()
X = torch.rand(4, 4, generator=seeded(1), dtype=torch.float64)


def drawn(network, seed):
    """With larger weights than at a usual start: many ReLUs are then on both sides of 0."""
    generator = seeded(seed)
    with torch.no_grad():
        for value in network.double().parameters():
            value.uniform_(-1, 1, generator=generator)
    return network


def dense(n_outputs=1, hidden=(4, 3), seed=2):
    return drawn(dense_network(4, hidden, generator=seeded(), n_outputs=n_outputs), seed)


def convolutional(n_outputs=1, seed=3):
    """Strides, padding, groups, dilation, a layer without a bias, a Sequential in a Sequential."""
    layers = (
        nn.Unflatten(1, (1, 2, 2)),
        nn.Conv2d(1, 4, 2, padding=1),
        nn.ReLU(),
        nn.Sequential(nn.Conv2d(4, 4, (2, 1), (1, 2), (0, 1), (2, 1), groups=2, bias=False)),
        nn.Flatten(),
        nn.ReLU(),
        nn.Linear(12, n_outputs),
    )
    return drawn(nn.Sequential(*layers), seed)


def labels(n_outputs, n=4):
    """Labels of both kinds, right or wrong."""
    return 2 * (torch.arange(n) % 2) - 1 if n_outputs == 1 else torch.arange(n) % n_outputs


def least_margin(network, x, y, ball):
    """The smallest margin of one example of a dense network: one linear program a sign pattern.

    Within a pattern of its ReLUs' signs the network is linear; the patterns are all tried.
    """
    low, high = (end[0].numpy() for end in ball.interval(x[None]))
    layers = [layer for layer in network if isinstance(layer, nn.Linear)]
    weights = [layer.weight.detach().numpy() for layer in layers]
    biases = [layer.bias.detach().numpy() for layer in layers]
    sizes = [len(bias) for bias in biases[:-1]]
    found = []
    for pattern in itertools.product([0, 1], repeat=sum(sizes)):
        signs = np.split(np.array(pattern), np.cumsum(sizes)[:-1])
        matrix, shift, rows, bounds = weights[0], biases[0], [], []
        for k, sign in enumerate(signs):
            rows.append((1 - 2 * sign)[:, None] * matrix)  # inputs with the sign that is assumed
            bounds.append((2 * sign - 1) * shift)
            matrix, shift = (
                weights[k + 1] @ (sign[:, None] * matrix),
                (weights[k + 1] @ (sign * shift) + biases[k + 1]),
            )
        for gap, constant in gaps(matrix, shift, y):
            found.append(_value(gap, constant, rows, bounds, low, high))
    return min(found)


def gaps(matrix, shift, y):
    """The gaps between the true label and each other one, as linear functions."""
    if len(shift) == 1:
        return [(y * matrix[0], y * shift[0])]
    others = [k for k in range(len(shift)) if k != y]
    return [(matrix[y] - matrix[k], shift[y] - shift[k]) for k in others]


def _value(gap, constant, rows, bounds, low, high):
    solved = linprog(
        gap,
        A_ub=np.concatenate(rows),
        b_ub=np.concatenate(bounds),
        bounds=np.stack([low, high], axis=1),
        method="highs",
    )
    return solved.fun + constant if solved.status == 0 else np.inf
