"""Answers to the exercises on reporting a number: right ones, and wrong ones with what is said."""

import numpy as np
import torch


def attacked(z, gradient, mean, deviation, epsilon):
    """Back to the pixels, and normalised again."""
    pixels = (mean + deviation * z + epsilon * gradient.sign()).clamp(0, 1)
    return (pixels - mean) / deviation


def lack(logits, y):
    """numpy, with the own column deleted."""
    pairs = zip(logits.numpy(), y.numpy(), strict=True)
    return np.array([np.delete(row, label).max() - row[label] for row, label in pairs])


def stored(x, delta, epsilon):
    """The nearest level, and one step back where that is too far."""
    level = torch.round(255 * (x + delta))
    away = (level / 255 - x).abs() > epsilon
    return torch.where(away, level - delta.sign(), level) / 255


LETTER = "Dear authors, " + 30 * "what and why, "

RIGHT = {
    "ex-units": [(51, 0.4, 0.65, 0.06), torch.tensor([51, 0.4, 0.2 / 0.3081, 0.2 * 0.3081])],
    "ex-counted-together": [(0.3, 0.5, 0.6), [3 / 10, 5 / 10, 6 / 10]],
    "ex-normalised": [attacked],
    "ex-objective": [lack],
    "ex-grey-levels": [stored],
    "ex-read-a-number": [(LETTER, "ABCDEF"), (LETTER, {"A", "B", "C", "D", "E", "F"})],
}

WRONG = {
    "ex-units": [
        ((51, 0.2, 0.65, 0.06), "How long is the interval"),
        ((51, 0.1, 0.65, 0.06), "a larger number"),
        ((51, 2 * 0.2 - 1, 0.65, 0.06), "what is added drops out"),
        ((51, 0.4, (0.2 - 0.1307) / 0.3081, 0.06), "the mean drops out"),
        ((51, 0.4, 0.06, 0.65), "on the wrong side"),
        ((0.2 * 256, 0.4, 0.65, 0.06), "How many steps"),
        ((0.2 / 255, 0.4, 0.65, 0.06), "it takes many of them"),
        ((51, 0.4, 0.65, 0.07), "3 of the 4 numbers are right"),
    ],
    "ex-counted-together": [
        ((0.3, 0.3, 0.6), "may fall to another attack"),
        ((0.3, 0.8, 0.6), "is one mistake"),
        ((0.3, 0.1, 0.6), "need not fall to all"),
        ((0.3, (0.3 + 0.3 + 0.2) / 3, 0.6), "A mean over attacks"),
        ((0.3, 0.5, 0.4), "examples that are certified"),
        ((0.2, 0.4, 0.5), "mistakes without one count"),
        ((0.3, 0.5, 0.1), "nothing is known"),
        ((0.3, 0.5, 0.5), "2 of the 3 numbers are right"),
    ],
    "ex-read-a-number": [
        (LETTER, "Which of these points does it make?"),
        ("Which norm?", "at least 30 words"),
        ((LETTER, "BCDEF"), "Without A: what does a radius measure"),
        ((LETTER, "ACDEF"), "Without B: a change of 8"),
        ((LETTER, "ABDEF"), "Without C: what if the examples"),
        ((LETTER, "ABCEF"), "Without D: could you repeat"),
        ((LETTER, "ABCDF"), "Without E: what would a stronger attack"),
        ((LETTER, "ABCDE"), "Without F: when does an attack"),
    ],
}
