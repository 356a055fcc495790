"""Answers to the exercises on MNIST: right ones, and wrong ones with what is said."""

import numpy as np
import torch
from scipy.stats import mannwhitneyu

from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import error


def transfer(thetas, intercepts, x, y, epsilon):
    """The package's classifiers."""
    models = [LinearClassifier(*pair) for pair in zip(thetas, intercepts, strict=True)]
    ball = NormBall(torch.inf, epsilon)
    made = [x + model.worst_perturbations(x, y, ball) for model in models]
    return [[error(model, each, y).k for each in made] for model in models]


def one_run_each(first, second):
    """The rank statistic of Mann and Whitney."""
    found = mannwhitneyu(second.numpy(), first.numpy())
    return found.statistic / (len(first) * len(second))


def fewest_pixels(theta, intercept, x, y, epsilon):
    """The package's perturbation, of which each image takes one pixel after the other."""
    model = LinearClassifier(theta, intercept)
    delta = model.worst_perturbations(x, y, NormBall(torch.inf, epsilon).in_box())
    gains = -np.sort((y[:, None] * theta * delta).numpy(), axis=1)
    found = []
    for margin, row in zip(model.margins(x, y).tolist(), gains, strict=True):
        left = margin - np.cumsum([0.0, *row])
        found.append(float(np.argmax(left <= 0)) if (left <= 0).any() else np.inf)
    return found


TEXT = """A writer adds faint ink to a printed cheque. He may darken or lighten each pixel by at
most a fifth of the range from paper to ink, because a clerk looks at the cheque. The scanner
returns values from 0 to 1. He knows the weights. He gains if a 0 is read as a 1. Adding a stroke
or shifting the digit is left out."""

RIGHT = {
    "ex-five-images": [(1, 2, 3, 0.75), torch.tensor([1, 2, 3, 0.75]), [1, 2, 3, 3 / 4]],
    "ex-noise-moves": [(7.84, 0.28, 0.16), [784 * 0.01, 28 * 0.01, 0.28 / 3**0.5]],
    "ex-whose-perturbation": [transfer],
    "ex-one-run-each": [one_run_each],
    "ex-fewest-pixels": [fewest_pixels],
    "ex-cheque-reader": [(TEXT, "ABCDEF"), (TEXT, "f, e, d, c, b, a")],
}

WRONG = {
    "ex-five-images": [
        ((1, 2, 2, 0.75), "A margin of 0"),
        ((0, 1, 2, 0.75), "lost at every radius"),
        ((1, 1, 1, 3), "size of the weights is missing"),
        ((1, 2, 3, 3), "a margin, not a radius"),
        ((1, 1, 2, 1.5), "in the ∞-norm"),
        ((1, 1, 2, 1.28), "in the 2-norm"),
        ((4, 3, 2, 0.75), "not the images that are right"),
        ((1, 2, 3, 0.15), "where the first image falls"),
    ],
    "ex-noise-moves": [
        ((7.84, 7.84, 7.84), "Random is not worst"),
        ((7.84, 0, 0), "These are means"),
        ((7.84, 0.28, 0.28), "less spread out"),
        ((7.84, 0.28, 0.08), "twice as long"),
        ((7.84, 0.08, 0.03), "These are variances"),
        ((0.28, 0.28, 0.16), "in the 2-norm"),
        ((0.01, 0.28, 0.16), "in the ∞-norm"),
        ((39.2, 1.4, 0.81), "The radius is missing"),
    ],
    "ex-cheque-reader": [
        (TEXT, "Which of these points"),
        ("The adversary may change the image.", "at least 30 words"),
        ((TEXT, "BCDEF"), "Without A: would ink"),
        ((TEXT, "ACDEF"), "Without B: what is the largest"),
        ((TEXT, "ABDEF"), "Without C: what comes out"),
        ((TEXT, "ABCEF"), "Without D: can the adversary"),
        ((TEXT, "ABCDF"), "Without E: is it worth"),
        ((TEXT, "ABCDE"), "Without F: could the writer"),
    ],
}
