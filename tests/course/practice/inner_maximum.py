"""Answers to the exercises on the inner maximum: right ones, and wrong ones with what is said."""

import numpy as np
import torch


def ascent(gradient, x, start, epsilon, step_size, n_steps):
    """The perturbed examples, between the ends of their intervals."""
    lower, upper = (x - epsilon).clamp(min=0), (x + epsilon).clamp(max=1)
    at = x + start
    for _ in range(n_steps):
        at = torch.clamp(at + step_size * torch.sign(gradient(at)), lower, upper)
    return at - x


def random_start(x, epsilon, u):
    """numpy's interpolation between the ends."""
    x, u = x.numpy(), u.numpy()
    return np.maximum(0, x - epsilon) * (1 - u) + np.minimum(1, x + epsilon) * u - x


def best_of_each(values, deltas):
    """One restart after the other, as they come."""
    best, worst = values[0].clone(), deltas[0].clone()
    for value, delta in zip(values[1:], deltas[1:], strict=True):
        better = value > best
        best[better], worst[better] = value[better], delta[better]
    return worst, (best >= 0).sum() / len(best)


RIGHT = {
    "ex-two-steps": [(0.1, -0.15, 0.1, -0.2), torch.tensor([[0.1, -0.15], [0.1, -0.2]])],
    "ex-lucky-starts": [(0.6, 1.2, 0.4, 0.16), [0.1 + 0.5, 3 * 0.4, 0.4, 0.4**2]],
    "ex-ascent": [ascent],
    "ex-random-start": [random_start],
    "ex-best-of-each": [best_of_each],
    "ex-what-attacks-say": ["BDF", "f, d, b", {"B", "D", "F"}],
}

WRONG = {
    "ex-two-steps": [
        ((0.15, -0.15, 0.2, -0.2), "The box is missing"),
        ((0.1, -0.15, 0.1, -0.3), "The radius is missing"),
        ((0.1, -0.15 * 0.8, 0.1, -0.2), "however steep it is"),
        ((-0.15, 0.15, -0.2, 0.2), "downhill"),
        ((1.0, 0.35, 1.0, 0.3), "These are the pixels"),
        ((0.1, -0.2, 0.1, -0.2), "shorter than the radius"),
        ((0.1, -0.15, 0.0, -0.05), "not of the last iterate"),
        ((0.1, -0.15, 0.1, -0.25), "3 of the 4 numbers are right"),
    ],
    "ex-lucky-starts": [
        ((1.2, 1.2, 0.4, 0.16), "Which of the two lines"),
        ((0.1, 1.2, 0.4, 0.16), "the value at the start"),
        ((0.6, 1.2, 0.5, 0.25), "not in the middle"),
        ((0.6, 1.2, 0.6, 0.36), "not those that miss"),
        ((0.6, 1.2, 0.4, 0.8), "two independent draws"),
        ((0.6, 1.2, 0.4, 0.4), "one lucky pixel"),
        ((0.6, 1.2, 0.4, 1 - 0.6**2), "one lucky pixel"),
        ((0.6, 0.6, 0.4, 0.16), "3 of the 4 numbers are right"),
    ],
    "ex-what-attacks-say": [
        ("ABDF", "about A: can a long ascent"),
        ("DF", "about B: can a mistake"),
        ("BCDF", "about C: have you seen starts"),
        ("BF", "about D: which sign"),
        ("BDEF", "about E: where does the second step"),
        ("BD", "about F: which theorem"),
        ("BDFG", "about G: what decides"),
    ],
}
