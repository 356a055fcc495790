"""Answers to the exercises on Danskin's theorem: right ones, and wrong ones with what is said."""

from fractions import Fraction

import torch
from torch.autograd import grad
from torch.nn.functional import softplus


def two_gradients(theta, x, y, rule):
    """One graph for both: through the model alone, and through the rule as well."""
    theta = theta.clone().requires_grad_()
    weights = theta.detach().clone().requires_grad_()
    delta = rule(theta, x, y)
    loss = softplus(-y * ((x + delta) * weights).sum(dim=1)).mean()
    through_delta, held = grad(loss, [theta, weights])
    return held, held + through_delta


def kink_slope(values, gradients, v):
    """The largest of the slopes that the top value has; the others are masked."""
    return torch.where(values == values.max(), gradients @ v, -torch.inf).max()


def best_visited(slopes, offsets, theta, step_sizes):
    """Autograd finds the gradient of the line on top."""
    best = torch.inf
    for step_size in [*step_sizes, 0]:
        theta = theta.clone().requires_grad_()
        top = (slopes @ theta + offsets).max()
        best = min(best, top.item())
        theta = (theta - step_size * grad(top, theta)[0]).detach()
    return best


RIGHT = {
    "ex-two-parabolas": [(2, 2, 6), [2.0, 2.0, 6.0], torch.tensor([2, 2, 6])],
    "ex-disc-gradient": [
        (2.5, (0.3, 0.4), 1),
        torch.tensor([2.5, 0.3, 0.4, 1.0]),
        [Fraction(5, 2), Fraction(3, 10), Fraction(2, 5), 1],
    ],
    "ex-held-and-through": [two_gradients],
    "ex-slope-at-kink": [kink_slope],
    "ex-best-visited": [best_visited],
    "ex-envelope-facts": ["BF", "f, b", {"B", "F"}],
}

WRONG = {
    "ex-two-parabolas": [
        ((2, -2, 6), "read from left to right"),
        ((-2, -2, 6), "look at all their slopes"),
        ((0, 0, 6), "in the middle of Δ"),
        ((0, 0, 2), "least value over Δ"),
        ((2, 2, 2), "at the perturbation nearest"),
        ((2, 2, 4), "that at δ = 0"),
        ((1, 1, 3), "a factor that is missing"),
        ((2, 2, 5), "2 of the 3 numbers are right"),
    ],
    "ex-disc-gradient": [
        ((3.5, 0.5, 0.5, 1), "numbers of the square"),
        ((2.5, 0.6, 0.8, 1), "the wrong length"),
        ((5, 0.6, 0.8, 2), "The radius is missing"),
        ((2.5, -0.3, -0.4, 1), "the least value"),
        ((2.5, 0.3, 0.4, 0), "there is a kink"),
        ((2.5, 0.3, 0.4, -1), "the smallest slope"),
        ((2.5, 0.3, 0.4, 0.5), "not for one of length 1"),
        ((2.5, 1), "4 numbers are asked for, got 2"),
    ],
    "ex-envelope-facts": [
        ("ABF", "about A: what does part 2"),
        ("F", "about B: what is the sum"),
        ("BCF", "about C: can the kink"),
        ("BDF", "about D: the square and the disc"),
        ("BEF", "about E: what happens"),
        ("B", "about F: the step may go up"),
    ],
}
