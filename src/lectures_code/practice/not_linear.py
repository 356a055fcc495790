"""The exercises on thresholded pixels and on attacks that fail without notice."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Generator, Tensor

from lectures_code.practice.functions import Function
from lectures_code.practice.numbers import Numbers
from lectures_code.practice.statements import Choices

FOUR_PIXELS = Numbers(
    "ex-four-pixels",
    right=("3ccbbe2f71b6", "74e7de18f348", "c8c9540ad80f"),
    mistakes={
        "36744531814f": "The adversary can do something: which pixels can reach the other side?",
        "6e9ace76ee30": "Not every pixel can reach the other side.",
        "a4e0e2fda8fc": "This is the formula for plain pixels: a threshold gives all or nothing.",
        "9bd15b514a3c": "These are the largest margins: the adversary wants small ones.",
        "8653dda3d520": "With the other label the adversary has another aim: choose anew.",
        "cdfaa837c8f5": "With the other label the intercept changes its sign as well.",
        "cc3d7912829b": "These are the margins of a linear classifier: where is the threshold?",
    },
)

STAIRS = Numbers(
    "ex-stairs",
    right=("e8013c3bb57a", "b71f72b98471", "1ba821e9b993", "6d768a15eafc"),
    mistakes={
        "0cee36b195c8": "The margin does not fall evenly: a threshold gives all or nothing.",
        "b62a060c28af": "After the first step the margin is still positive.",
        "41690ae1afe6": "This is where the last pixel crosses; is the image still right before?",
        "a4451844e4b5": "The intercept is missing.",
        "99332f1dbf8f": "A pixel with a negative weight does harm when it rises.",
        "dbb1cdfe43b2": "A light pixel may become dark.",
    },
)


# ------------------------------------------------------------------------ where an image falls


def _falls_instance(generator: Generator) -> tuple[Any, ...]:
    """Images of five pixels, most of them right, some that never fall."""
    theta = torch.randn(5, generator=generator, dtype=torch.float64)
    intercept = torch.randn((), generator=generator, dtype=torch.float64)
    x = torch.rand(8, 5, generator=generator, dtype=torch.float64)
    y = ((x > 0.5).double() @ theta + intercept).sign()
    y[0] *= -1
    return theta, intercept, x, y


def _falls_at(theta: Tensor, intercept: Tensor, x: Tensor, y: Tensor) -> list[float]:
    """Just beyond each distance that occurs, all combinations of the pixels' ends are tried."""
    radii = []
    for point, label in zip(x, y, strict=True):
        for radius in [0.0, *sorted((point - 0.5).abs().tolist())]:
            low, high = (
                ((point + side * (radius + 1e-9)).clamp(0, 1) > 0.5).double() for side in (-1, 1)
            )
            ends = torch.tensor([*product((False, True), repeat=len(theta))])
            scores = torch.where(ends, low, high) @ theta + intercept
            if (label * scores).min() <= 0:
                radii.append(radius)
                break
        else:
            radii.append(1.0)
    return radii


def _wrong_falls(
    *,
    every: bool = False,
    with_intercept: bool = True,
    first: bool = False,
    by_weight: bool = False,
) -> Callable[..., Tensor]:
    """The radii, with something wrong in how the pixels are counted."""

    def radii(theta: Tensor, intercept: Tensor, x: Tensor, y: Tensor) -> Tensor:
        above = x > 0.5
        margins = y * (above.double() @ theta + with_intercept * intercept)
        harmful = ((y[:, None] * theta > 0) == above) | every
        distance = (x - 0.5).abs().where(harmful, 1.0)
        key = -theta.abs().where(harmful, 0.0) if by_weight else distance
        order = key.argsort(dim=1)
        steps, taken = distance.gather(1, order), theta.abs().expand_as(x).gather(1, order)
        steps = steps.cummax(dim=1).values if by_weight else steps
        lost = (taken.cumsum(dim=1) >= margins[:, None]) | first
        return torch.where(margins <= 0, 0.0, steps.where(lost, 1.0).min(dim=1).values)

    return radii


def _linear_radii(theta: Tensor, intercept: Tensor, x: Tensor, y: Tensor) -> Tensor:
    margins = y * ((x > 0.5).double() @ theta + intercept)
    return (margins / theta.abs().sum()).clamp(0, 1)


FALLS_AT = Function(
    "ex-falls-at",
    oracle=_falls_at,
    instance=_falls_instance,
    mistakes=(
        (
            "Pixels that help when they cross are counted as if they did harm.",
            _wrong_falls(every=True),
        ),
        (
            "This is the formula for a score that is linear in the pixels: here the margin falls "
            "in steps.",
            _linear_radii,
        ),
        (
            "This is where the first harmful pixel crosses: one need not be enough.",
            _wrong_falls(first=True),
        ),
        (
            "The largest weights come first here: pixels cross in the order of their distances.",
            _wrong_falls(by_weight=True),
        ),
        ("The intercept is missing.", _wrong_falls(with_intercept=False)),
    ),
)


# --------------------------------------------------------------------------------- scores only


@dataclass(frozen=True)
class Staircase:
    """A score that counts, with a weight for each pixel, how many of the cuts it is above."""

    theta: Tensor
    intercept: float
    cuts: tuple[float, ...] = (-0.1, 0.3, 0.5, 0.8, 1.1)

    def __call__(self, x: Tensor) -> Tensor:
        """Scores, shape (n,), of examples of shape (n, d)."""
        levels = (x[..., None] > torch.tensor(self.cuts)).sum(dim=-1)
        return levels.double() @ self.theta + self.intercept


def _scores_instance(generator: Generator) -> tuple[Any, ...]:
    theta = torch.randn(4, generator=generator, dtype=torch.float64)
    x = torch.rand(6, 4, generator=generator, dtype=torch.float64)
    y = torch.randn(6, generator=generator, dtype=torch.float64).sign()
    return Staircase(theta, float(theta.sum())), x, y, 0.25


def _combined(
    score: Staircase, x: Tensor, y: Tensor, epsilon: float, places: tuple[float, ...] = (-1, 0, 1)
) -> list[float]:
    """The least margin over a grid of the perturbation set, one image at a time."""
    least = []
    for point, label in zip(x, y, strict=True):
        deltas = epsilon * torch.tensor([*product(places, repeat=len(point))]).double()
        least.append(float((label * score((point + deltas).clamp(0, 1))).min()))
    return least


def _ends(
    move: Callable[[Tensor, Tensor, float], list[Tensor]], pick: Callable[[Tensor], Tensor]
) -> Callable[..., Tensor]:
    """Margins of some perturbed images each, of which one is picked."""

    def margins(score: Staircase, x: Tensor, y: Tensor, epsilon: float) -> Tensor:
        return pick(torch.stack([y * score(each) for each in move(x, y, epsilon)]))

    return margins


def _least(values: Tensor) -> Tensor:
    return values.min(dim=0).values


def _all_alike(x: Tensor, y: Tensor, epsilon: float) -> list[Tensor]:
    return [(x + side * epsilon).clamp(0, 1) for side in (-1, 0, 1)]


def _one_pixel(x: Tensor, y: Tensor, epsilon: float) -> list[Tensor]:
    moves = epsilon * torch.eye(x.shape[1], dtype=x.dtype)
    return [(x + side * move).clamp(0, 1) for move in moves for side in (-1, 0, 1)]


def _corners(x: Tensor, y: Tensor, epsilon: float) -> list[Tensor]:
    signs = torch.tensor([*product((-1.0, 1.0), repeat=x.shape[1])], dtype=x.dtype)
    return [x + epsilon * sign for sign in signs]


def _lowest_score(score: Staircase, x: Tensor, y: Tensor, epsilon: float) -> Tensor:
    scores = [score(each.clamp(0, 1)) for each in _corners(x, y, epsilon)]
    return y * _least(torch.stack(scores))


SCORES_ONLY = Function(
    "ex-scores-only",
    oracle=_combined,
    instance=_scores_instance,
    mistakes=(
        ("These are the margins without an attack.", _ends(lambda x, y, epsilon: [x], _least)),
        (
            "All pixels are moved the same way: let each choose its own.",
            _ends(_all_alike, _least),
        ),
        (
            "Only one pixel is moved: keep what is gained, and go on with the next.",
            _ends(_one_pixel, _least),
        ),
        ("The box is missing: pixels leave [0, 1].", _ends(_corners, _least)),
        (
            "These are the largest margins: the adversary wants small ones.",
            _ends(
                lambda x, y, epsilon: [each.clamp(0, 1) for each in _corners(x, y, epsilon)],
                lambda values: values.max(dim=0).values,
            ),
        ),
        (
            "The score is made small for both classes: what is small must be the margin.",
            _lowest_score,
        ),
    ),
)


# --------------------------------------------------------------------------------- what exists


def _caught_instance(generator: Generator) -> tuple[Any, ...]:
    attack = torch.rand(30, generator=generator) < 0.3
    rates = torch.tensor([[0.15], [0.3], [0.4]])
    return attack, torch.rand(3, 30, generator=generator) < rates


def _caught(attack: Tensor, checks: Tensor) -> tuple[int, int]:
    """With sets of the examples' numbers."""
    known = {i for i, wrong in enumerate(attack.tolist()) if wrong}
    found = [{i for i, wrong in enumerate(row) if wrong} for row in checks.tolist()]
    return len(known.union(*found)), max(len(each - known) for each in found)


def _counts(
    exist: Callable[[Tensor, Tensor], Tensor] = lambda a, c: (a | c.any(dim=0)).sum(),
    missed: Callable[[Tensor, Tensor], Tensor] = lambda a, c: (c & ~a).sum(dim=1).max(),
) -> Callable[..., tuple[Tensor, Tensor]]:
    return lambda attack, checks: (exist(attack, checks), missed(attack, checks))


CAUGHT = Function(
    "ex-caught",
    oracle=_caught,
    instance=_caught_instance,
    mistakes=(
        (
            "Your first number is the largest count: different attacks find different images.",
            _counts(lambda a, c: torch.cat([a[None], c]).sum(dim=1).max()),
        ),
        (
            "Your first number counts an image once for each attack that finds it.",
            _counts(lambda a, c: a.sum() + c.sum()),
        ),
        (
            "Your first number leaves out what the attack itself has found.",
            _counts(lambda a, c: c.any(dim=0).sum()),
        ),
        ("Your first number is what the attack finds alone.", _counts(lambda a, c: a.sum())),
        (
            "Your second number is a difference of counts: compare the images, not how many.",
            _counts(missed=lambda a, c: (c.sum(dim=1).max() - a.sum()).clamp(min=0)),
        ),
        (
            "Your second number takes all checks together; asked for is the best one.",
            _counts(missed=lambda a, c: (c.any(dim=0) & ~a).sum()),
        ),
        (
            "Your second number counts what a check finds, and the attack may have found it, too.",
            _counts(missed=lambda a, c: c.sum(dim=1).max()),
        ),
    ),
)

MASKED = Choices(
    "ex-masked",
    holding=("846b851e433e", "9116585588aa", "3d1d3e8a0e21"),
    again={
        "A": "if a step leads nowhere, where do many lead?",
        "B": "what does it prove if another attack finds less?",
        "C": "on what do decisions depend, and on what does the success of an attack?",
        "D": "which image is in the set around every other image?",
        "E": "what needs a finished training: to count mistakes, or to be the best classifier?",
        "F": "whom does a gradient of 0 hinder: the adversary, or one way to look for it?",
    },
)

EXERCISES = (FOUR_PIXELS, STAIRS, FALLS_AT, SCORES_ONLY, CAUGHT, MASKED)
