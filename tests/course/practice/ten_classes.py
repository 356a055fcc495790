"""Answers to the exercises on several classes: right ones, and wrong ones with what is said."""

from math import exp, log

import numpy as np
import torch
from torch.nn.functional import one_hot

from lectures_code.multiclass import largest_gap_losses, robust_error
from lectures_code.perturbations import NormBall


def lost(weights, biases, x, y, epsilon):
    """The package's count."""
    return robust_error(weights, biases, x, y, NormBall(torch.inf, epsilon)).k


def gap_risk(weights, biases, x, y, epsilon):
    """The package's losses."""
    box = NormBall(torch.inf, epsilon).in_box()
    return largest_gap_losses(weights, biases, x, y, box).mean()


def goes_round(alpha, moved, y):
    """Matrix products in numpy."""
    alpha, moved, own = alpha.numpy(), moved.numpy(), one_hot(y).numpy()
    with_one = np.concatenate([np.ones_like(moved[..., :1]), moved], axis=2)
    leaves = np.einsum("ic,ik,ikj->cj", own, alpha, with_one)
    arrives = np.einsum("ic,icj->cj", alpha, with_one)
    coins = torch.distributions.Bernoulli(torch.tensor(alpha.sum(axis=1)))
    return np.abs(leaves - arrives).max(), coins.entropy().mean()


E = exp(0.5)
ROOT = 2**0.5

RIGHT = {
    "ex-three-gaps": [(0.1, -0.6, 0.2), torch.tensor([0.1, -0.6, 0.2])],
    "ex-two-pulls": [
        (log(1 + 2 * E), log(1 + E + 1 / E), log(1 + E)),
        np.logaddexp.reduce([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, -np.inf]], axis=0),
    ],
    "ex-lost": [lost],
    "ex-gap-risk": [gap_risk],
    "ex-goes-round": [goes_round],
    "ex-still-exact": ["ACD", "d, c, a", {"A", "C", "D"}],
}

WRONG = {
    "ex-three-gaps": [
        ((1.1, -0.6, 0.4 / 6), "moves both logits"),
        ((0.35, -1.35, 0.4 / 3), "of the true class moves"),
        ((-0.4 + 0.25 * ROOT, -1.6 + 0.5 * ROOT, 0.4 / ROOT), "in the 2-norm"),
        ((-0.15, -1.1, 0.4), "in the ∞-norm"),
        ((-0.4, -1.6, 0.2), "without an attack"),
        ((-0.9, -2.6, 0.2), "the gaps to grow"),
        ((0.1, -0.6, 0.4), "is enough"),
        ((0.1, -0.6, 0.3), "2 of the 3 numbers are right"),
    ],
    "ex-two-pulls": [
        ((log(3), log(3), log(2)), "without an attack"),
        ((log(1 + 2 * E), log(3), log(2)), "equally far"),
        ((log(2 * E), log(E + 1 / E), 0.5), "belongs into the sum"),
        ((log(1 + E + 1 / E), log(1 + 2 * E), log(1 + E)), "Look at the order"),
        ((log(1 + 2 * E), log(1 + 2 * E), log(1 + E)), "cannot raise both"),
        ((log(1 + 2 * E), log(1 + E + 1 / E), log(1 + E + 1 / E)), "one class alone"),
    ],
    "ex-still-exact": [
        ("CD", "about A: may a maximum"),
        ("ABCD", "about B: is a bound"),
        ("AD", "about C: what can one"),
        ("AC", "about D: how many gaps"),
        ("ACDE", "about E: on which difference"),
        ("ACDF", "about F: of what"),
    ],
}
