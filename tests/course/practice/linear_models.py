"""Answers to the exercises on linear models: right ones, and wrong ones with what is said."""

import torch
from torch.nn.functional import softplus

from lectures_code.perturbations import NormBall


def own_radius(theta, x, y, radii):
    """Each pixel goes to one end of its interval."""
    lowest, highest = torch.maximum(-radii, -x), torch.minimum(radii, 1 - x)
    return torch.where(y[:, None] * theta > 0, lowest, highest)


def either_ball(theta, x, y, epsilon, rho):
    """The package's balls."""
    sets = NormBall(torch.inf, epsilon), NormBall(2, rho)
    return y * (x @ theta) - torch.stack([ball.support(theta) for ball in sets]).max()


def slope_of_worst_risk(theta, x, y, epsilon):
    """Autograd at the worst perturbation, held fixed."""
    theta = theta.clone().requires_grad_()
    delta = -epsilon * torch.outer(y, theta.detach().sign())
    return torch.autograd.grad(softplus(-y * ((x + delta) @ theta)).mean(), theta)[0]


RIGHT = {
    "ex-two-worst-margins": [(-0.7, -0.5), [0.5 - 1.2, 0.5 - 1.0], torch.tensor([-0.7, -0.5])],
    "ex-three-adversaries": [(1.2, 1.6, 2), torch.tensor([1.2, 1.6, 2.0]), [0.2 * 6, 0.4 * 4, 2]],
    "ex-own-radius": [own_radius],
    "ex-either-ball": [either_ball],
    "ex-slope-of-worst-risk": [slope_of_worst_risk],
    "ex-linear-facts": ["BCF", "f, c, b", {"B", "C", "F"}],
}

WRONG = {
    "ex-two-worst-margins": [
        ((1.7, 1.2), "helps the classifier"),
        ((-1.7, -1.2), "The label is missing"),
        ((-0.7, -0.7), "leave the box"),
        ((-0.7, -0.2), "in the wrong direction"),
        ((-0.1, -0.5), "of the 1-norm ball"),
        ((-0.25, -0.5), "of the 2-norm ball"),
        ((-5.5, -4.5), "a radius of 1"),
        ((0.5, 0.5), "without an adversary"),
        ((-0.7, 0.5), "1 of the 2 numbers are right"),
    ],
    "ex-three-adversaries": [
        ((1.8, 1.6, 2), "changes all pixels"),
        ((1.0, 1.6, 2), "A negative weight"),
        ((0.8, 1.6, 2), "a single pixel"),
        ((1.2, 3.6, 2), "look at the dual"),
        ((1.2, 2, 2), "not of the 2-norm"),
        ((1.2, 1.6, 3.6), "that of the square"),
        ((1.2, 1.6, 10), "square of a norm"),
        ((6, 4, 5), "The radii are missing"),
        ((-1.2, -1.6, -2), "three positive numbers"),
    ],
    "ex-linear-facts": [
        ("ABCF", "about A: what made"),
        ("CF", "about B: where a loss is linear"),
        ("BF", "about C: does one"),
        ("BCDF", "about D: does one"),
        ("BCEF", "about E: is there"),
        ("BC", "about F: what does doubling"),
    ],
}
