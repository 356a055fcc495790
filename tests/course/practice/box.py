"""Answers to the exercises on the box: right ones, and wrong ones with what is said."""

import numpy as np
import torch

from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import certified_radii

BOX = NormBall(torch.inf, 1.0).in_box()


def radius_in_box(theta, intercept, x, y):
    """The package's radii."""
    return certified_radii(LinearClassifier(theta, intercept), x, y, BOX)


def needs_outside(theta, intercept, x, y, epsilon):
    """The package's perturbations."""
    model, ball = LinearClassifier(theta, intercept), NormBall(torch.inf, epsilon)
    free, boxed = (
        model.margins(x + model.worst_perturbations(x, y, each), y) <= 0
        for each in (ball, ball.in_box())
    )
    return free.logical_and(boxed.logical_not())


def means_apart(x, y, a, epsilon):
    """Loops over pixels."""
    apart = []
    for pixel in x.T:
        ends = []
        for label in (-1, 1):
            own, weights = pixel[y == label], a[y == label]
            low = [max(float(value) - epsilon, 0) for value in own]
            high = [min(float(value) + epsilon, 1) for value in own]
            ends.append([np.average(each, weights=weights) for each in (low, high)])
        (low, high), (other_low, other_high) = ends
        apart.append(max(low - other_high, other_low - high, 0))
    return apart


RIGHT = {
    "ex-four-walls": [(1.4, 0.4, 0.7), torch.tensor([1.4, 0.4, 0.7])],
    "ex-here-or-there": [(1 / 4, 1 / 3), [0.25, 0.333]],
    "ex-radius-in-box": [radius_in_box],
    "ex-needs-outside": [needs_outside],
    "ex-means-apart": [means_apart],
    "ex-box-or-not": ["ACE", "e, c, a", {"A", "C", "E"}],
}

WRONG = {
    "ex-four-walls": [
        ((1.4, 1.4, 6.3), "in the other direction"),
        ((0.6, 0.4, 0.7), "in the ∞-norm"),
        ((0.2 * 15**0.5, 0.4, 0.7), "in the 2-norm"),
        ((1.4, 0.4, 0.4), "At a larger radius"),
        ((1.4, 0.2, 0.5), "as far as its wall"),
        ((1.4, 0.6, 0.7), "goes through its wall"),
        ((7, 0.4, 0.7), "The radius is missing"),
        ((0.8, 0.3, 0.6), "The weights are missing"),
    ],
    "ex-here-or-there": [
        ((1 / 2, 2 / 3), "These are twice the radii"),
        ((0.25, 0.25), "In the box the adversary can do less"),
        ((0.5, 0.5), "You took one of the zeros"),
        ((0.25, 0.5), "In the box a mixture"),
        ((1 / 3, 0.25), "needs the smaller radius"),
        ((1 / 3, 1 / 3), "With free pixels"),
    ],
    "ex-box-or-not": [
        ("CE", "about A: is each perturbation"),
        ("ABCE", "about B: must the perturbations"),
        ("AE", "about C: which of the two"),
        ("ACDE", "about D: what was minimised"),
        ("AC", "about E: which values"),
        ("ACEF", "about F: can a classifier"),
    ],
}
