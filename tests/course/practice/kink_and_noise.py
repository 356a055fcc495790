"""Answers to the exercises on the kink and the noise: right ones, and wrong ones."""

import numpy as np
import torch
from torch.nn.functional import logsigmoid, softshrink


def soft_step(theta, intercept, x, y, epsilon, step_size):
    """The images' part by autograd, with what the adversary takes held fixed."""
    weights, bias = theta.clone().requires_grad_(), torch.as_tensor(intercept).requires_grad_()
    taken = (epsilon * theta.abs().sum()).requires_grad_()
    loss = -logsigmoid(y * (x @ weights + bias) - taken).mean()
    at_weights, at_bias, at_taken = torch.autograd.grad(loss, (weights, bias, taken))
    shift = float(step_size * epsilon * at_taken)
    return softshrink(theta - step_size * at_weights, shift), intercept - step_size * at_bias


def from_rest(theta, intercept, x, y, epsilon):
    """The nearest subgradient's entries, one by one, in numpy."""
    theta, intercept, x, y = (each.numpy() for each in (theta, intercept, x, y))
    a = 1 / (1 + np.exp(y * (x @ theta + intercept) - epsilon * np.abs(theta).sum()))
    price = epsilon * a.mean()
    entries = [np.mean(a * y)]
    for weight, pull in zip(theta, np.mean((a * y)[:, None] * x, axis=0), strict=True):
        sides = (-1, 1) if weight == 0 else (np.sign(weight),) * 2
        entries.append(pull - np.clip(pull, *sorted(price * side for side in sides)))
    return np.abs(entries).max()


def shrink(v, amount):
    """What is left of v if its projection onto the ball of this radius is taken away."""
    return v - v * min(1.0, amount / float(v.norm()))


RIGHT = {
    "ex-four-weights": [(0.3, 0, 0, 0.1), torch.tensor([0.3, 0.0, -0.0, 0.1])],
    "ex-idle-weights": [(-0.3, 0.1, 156.8, 62.72), [0.1 - 0.4, 0.1, 784 / 5, 784 * 0.2 * 0.4]],
    "ex-soft-step": [soft_step],
    "ex-at-rest": [from_rest],
    "ex-together": [shrink],
    "ex-kink-or-noise": ["BDF", "f, d, b", ["B", "D", "F"]],
}

WRONG = {
    "ex-four-weights": [
        ((0.3, 0.15, -0.02, 0.3), "the subgradient step"),
        ((0.3, -0.05, -0.02, 0.1), "pull stops at 0"),
        ((0.2, 0, 0, 0), "shrink with the step size"),
        ((0.4, 0, 0, 0.2), "not set to 0 move"),
        ((0.3, 0, 0, 0), "may change its sign"),
        ((0.5, -0.1, 0, 0), "begin with v"),
        ((0.7, -0.35, 0, -0.3), "wrong sign"),
        ((0.1, 0.2, 0.01, 0.4), "multiplied by the step size"),
        ((0.3, 0, 0.08, 0.1), "3 of the 4 numbers are right"),
    ],
    "ex-idle-weights": [
        ((0, 0, 0, 0), "does not stop at 0"),
        ((-0.3, 0.1, 784 * 0.4, 784 * 0.16), "length of the jumps"),
        ((-0.3, 0.1, 156.8, 156.8), "times its radius"),
        ((-0.3, -0.7, 156.8, 62.72), "begins on the other side"),
        ((-0.3, 0.1, 0.2, 0.08), "what one weight does"),
        ((0.5, 0.9, 156.8, 62.72), "downhill"),
        ((-0.3, 0.1, 156.8, 62.7), "3 of the 4 numbers are right"),
    ],
    "ex-kink-or-noise": [
        ("ABDF", "about A: what does the step"),
        ("DF", "about B: of which step sizes"),
        ("BCDF", "about C: are the pull"),
        ("BF", "about D: which parts"),
        ("BDEF", "about E: how many weights"),
        ("BD", "about F: how far"),
    ],
}
