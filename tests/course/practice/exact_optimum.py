"""Answers to the exercises on the exact optimum: right ones, and wrong ones with what is said."""

from math import log, sqrt

import numpy as np
import torch

from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import certified_radii


def proven(x, y, a, epsilon):
    """The two means, by numpy, and the entropy as a cross-entropy with itself."""
    x, y, a = (each.numpy() for each in (x, y, a))
    ones, zeros = a[y > 0].sum(), a[y < 0].sum()
    if abs(ones - zeros) > 1e-8:
        return 0.0
    means = [np.average(x[y == label], axis=0, weights=a[y == label]) for label in (1, -1)]
    if np.abs(means[0] - means[1]).max() > 2 * epsilon:
        return 0.0
    coins = torch.distributions.Bernoulli(torch.as_tensor(a))
    return float(coins.entropy().mean())


def two_sides(x, y, theta, intercept, a):
    """The package's margins, and means by numpy."""
    radii = certified_radii(LinearClassifier(theta, intercept), x, y, NormBall(torch.inf, 1.0))
    means = [np.average(x[y == k], axis=0, weights=a[y == k]) for k in (1, -1)]
    return min(radii), np.abs(means[0] - means[1]).max() / 2


def mixture_bound(x, y, a, b, epsilon):
    """The least share in closed form: each pixel and each sign sets it a limit."""
    least = 0.0
    for sign in (-1, 1):
        at_a, at_b = (sign * (w * y) @ x - epsilon * w.sum() for w in (a, b))
        limits = at_a / (at_a - at_b)
        least = max(least, float(limits[at_a > 0].max())) if (at_a > 0).any() else least
    mixed = (1 - least) * a + least * b
    return -(mixed * mixed.log() + (1 - mixed) * (1 - mixed).log()).mean()


def entropy(a):
    return -a * log(a) - (1 - a) * log(1 - a)


SQUARE_ROOT = sqrt(1.8)

RIGHT = {
    "ex-three-thresholds": [(1, SQUARE_ROOT, 1.5), torch.tensor([1, 3 / 5**0.5, 1.5])],
    "ex-best-weights": [(2 / 3, entropy(2 / 3)), np.array([0.67, log(3) - 2 / 3 * log(2)])],
    "ex-proven": [proven],
    "ex-two-sides": [two_sides],
    "ex-mixture": [mixture_bound],
    "ex-what-it-proves": ["ADF", "f, d, a", {"A", "D", "F"}],
}

WRONG = {
    "ex-three-thresholds": [
        ((2, 2 * SQUARE_ROOT, 3), "These are the distances"),
        ((1.5, SQUARE_ROOT, 1), "belong to the dual norms"),
        ((1.5, 1.5, 1.5), "the nearest of the ones"),
        ((1.5, 11.25**0.5 / 2, 2.25), "the mean of the ones"),
        ((0.5, SQUARE_ROOT / 2, 0.75), "a quarter of the distance"),
        ((SQUARE_ROOT,) * 3, "another one in each norm"),
        ((1, SQUARE_ROOT, 2), "2 of the 3 numbers are right"),
    ],
    "ex-best-weights": [
        ((0.5, log(2)), "the classes do not"),
        ((0.5, (entropy(0.5) + 2 * entropy(0.25)) / 3), "another one proves more"),
        ((1, 2 * log(2) / 3), "another one proves more"),
        ((2 / 3, 3 * entropy(2 / 3)), "added up the entropies"),
        ((2 / 3, entropy(2 / 3) / log(2)), "in bits"),
        ((1 / 3, entropy(1 / 3)), "weight of the zero"),
        ((2 / 3, 2 * entropy(1 / 3) / 3), "over all three examples"),
    ],
    "ex-what-it-proves": [
        ("DF", "about A: which classifiers"),
        ("ABDF", "about B: how large"),
        ("ACDF", "about C: which step"),
        ("AF", "about D: which of the perturbations"),
        ("ADEF", "about E: which images"),
        ("AD", "about F: which a"),
    ],
}
