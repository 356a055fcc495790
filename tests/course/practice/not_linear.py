"""Answers to the exercises on thresholds and masked gradients: right ones, and wrong ones."""

import numpy as np
import torch

from lectures_code.features import MonotoneClassifier, Threshold
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall


def falls_at(theta, intercept, x, y):
    """Halve the interval in which the exact worst margin changes its sign."""
    model = MonotoneClassifier(Threshold(0.5), LinearClassifier(theta, intercept))
    low, high = torch.zeros(len(x)).double(), torch.ones(len(x)).double()
    for _ in range(20):
        middle = (low + high) / 2
        lost = []
        for i, radius in enumerate(middle.tolist()):
            ball = NormBall(torch.inf, radius).in_box()
            lost.append(bool(model.worst_margins(x[i : i + 1], y[i : i + 1], ball) <= 0))
        lost = torch.tensor(lost)
        low, high = torch.where(lost, low, middle), torch.where(lost, middle, high)
    return high


def least_margins(score, x, y, epsilon):
    """From the lower ends, each pixel that gains by it goes up."""
    low, high = (x - epsilon).clamp(min=0), (x + epsilon).clamp(max=1)
    best = low.clone()
    for j in range(x.shape[1]):
        tried = best.clone()
        tried[:, j] = high[:, j]
        best = torch.where((y * (score(tried) - score(best)) < 0)[:, None], tried, best)
    return y * score(best)


def caught(attack, checks):
    """Numpy."""
    attack, checks = attack.numpy(), checks.numpy()
    return np.logical_or(attack, checks.max(axis=0)).sum(), max((checks > attack).sum(axis=1))


RIGHT = {
    "ex-four-pixels": [(1.5, -1.5, -3.5), np.array([1.5, -1.5, -3.5])],
    "ex-stairs": [(2, 1, -0.5, 0.3), torch.tensor([2, 1, -0.5, 0.3])],
    "ex-falls-at": [falls_at],
    "ex-scores-only": [least_margins],
    "ex-caught": [caught],
    "ex-masked": ["CDE", "e, d, c", {"C", "D", "E"}],
}

WRONG = {
    "ex-four-pixels": [
        ((1.5, 1.5, -1.5), "can do something"),
        ((1.5, -2.5, -4), "Not every pixel"),
        ((1.5, 1.5 - 0.2 * 6.5, -1.5 - 0.2 * 6.5), "all or nothing"),
        ((1.5, 3.5, 1.5), "the largest margins"),
        ((1.5, -1.5, 1.5), "another aim"),
        ((1.5, -1.5, -5.5), "the intercept changes its sign"),
        ((1.05, 1.05 - 1.3, -1.05 - 1.3), "where is the threshold"),
        ((1.5, -1.5, -3), "2 of the 3 numbers are right"),
    ],
    "ex-stairs": [
        ((2 - 0.06 * 4.5, 2 - 0.2 * 4.5, 2 - 0.34 * 4.5, 2 / 4.5), "does not fall evenly"),
        ((2, 1, -0.5, 0.1), "still positive"),
        ((2, 1, -0.5, 0.4), "where the last pixel crosses"),
        ((3, 2, 0.5, 0.4), "The intercept is missing"),
        ((2, 1, 2.5, 0.4), "negative weight does harm"),
        ((2, 1, 1, 0.4), "may become dark"),
        ((2, 1, -0.5, 0.34), "3 of the 4 numbers are right"),
    ],
    "ex-masked": [
        ("ACDE", "about A: if a step"),
        ("BCDE", "about B: what does it prove"),
        ("DE", "about C: on what"),
        ("CE", "about D: which image"),
        ("CD", "about E: what needs"),
        ("CDEF", "about F: whom"),
    ],
}
