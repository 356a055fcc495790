"""Answers to the exercises on what is proven: right ones, and wrong ones with what is said."""

import torch
from scipy.stats import binomtest, norm


def intervals(layers, x, epsilon):
    """Positive and negative weights apart."""
    lower, upper = (x - epsilon).clamp(0, 1), (x + epsilon).clamp(0, 1)
    for i, (weight, bias) in enumerate(layers):
        if i:
            lower, upper = torch.relu(lower), torch.relu(upper)
        plus, minus = weight.clamp(min=0), weight.clamp(max=0)
        lower, upper = (
            plus @ lower + minus @ upper + bias,
            plus @ upper + minus @ lower + bias,
        )
    return lower, upper


def score_below(weight, bias, a, c, x, epsilon):
    """Unit by unit, each adds a slope and a height; the least value is at a corner."""
    slope, height = torch.zeros_like(x), float(c)
    for w, b, coefficient in zip(weight, bias, a, strict=True):
        low = float(w @ x + b - epsilon * w.abs().sum())
        high = float(w @ x + b + epsilon * w.abs().sum())
        if high <= 0:
            continue
        steep, constant = 1.0, 0.0
        if low < 0 and coefficient < 0:
            steep, constant = high / (high - low), -high * low / (high - low)
        elif low < 0:
            steep = float(high + low > 0)
        slope = slope + coefficient * steep * w
        height += float(coefficient * (steep * b + constant))
    return slope @ (x - epsilon * slope.sign()) + height


def voted_radius(k, n, confidence, sigma):
    """scipy's own test of a binomial share."""
    test = binomtest(k, n, alternative="greater")
    least = test.proportion_ci(confidence_level=confidence, method="exact").low
    return max(0.0, norm.ppf(least, scale=sigma))


RIGHT = {
    "ex-two-units": [(-0.25, 0.75), torch.tensor([-0.25, 0.75]), [0.75 - 1, 3 / 4]],
    "ex-line-below": [(0.5, 0.75, 0.25), [1 - 1 / 2, 3 / 4, 3 / 4 - 1 / 2]],
    "ex-intervals": [intervals],
    "ex-score-below": [score_below],
    "ex-votes": [voted_radius],
    "ex-what-is-proven": ["BCEF", "f, e, c, b", {"B", "C", "E", "F"}],
}

WRONG = {
    "ex-two-units": [
        ((0.75, 0.75), "a negative weight"),
        ((1.25, 0.75), "a positive weight"),
        ((2.25, 0.75), "from above"),
        ((-0.75, 0.75), "no negative values"),
        ((-0.25, -0.25), "Is there one input"),
        ((-0.25, 1.25), "the score of the example itself"),
        ((-1, 0), "The constant is missing"),
        ((-0.25, 0.5), "1 of the 2 numbers are right"),
    ],
    "ex-line-below": [
        ((-0.5, 0.25, -0.25), "another lower line"),
        ((0.5, 1.25, 0.75), "would cut the ReLU"),
        ((1, 1.25, 0.25), "a line below the second unit"),
        ((0.25, 1, 0.75), "A line above the first unit"),
        ((0.5, 0.75, 1.25), "the largest value"),
        ((0.5, 0.75, 0.75), "the value at the example"),
        ((0.5, 0, -0.5), "The constant is missing"),
        ((0.5, 0.75, 0), "2 of the 3 numbers are right"),
    ],
    "ex-what-is-proven": [
        ("ABCEF", "about A: what does a bound"),
        ("CEF", "about B: on which sides"),
        ("BEF", "about C: are two lower bounds"),
        ("BCDEF", "about D: what is the least value"),
        ("BCF", "about E: what do intervals lose"),
        ("BCE", "about F: which of the two sets"),
        ("BCEFG", "about G: which of the two sets"),
    ],
}
