"""The exercises on the worst case."""

from collections.abc import Callable
from functools import partial
from itertools import product
from math import exp, log1p
from typing import Any

import torch
from torch import Generator, Tensor, nn

from lectures_code.practice.functions import Function
from lectures_code.practice.numbers import Numbers
from lectures_code.practice.statements import Choices

DELTA_BOX = Numbers(
    "ex-delta-box",
    right=("203dd1706dc9", "63aec7df5887", "203dd1706dc9", "1ac15d8b2f7f"),
    mistakes={
        "46fb20c6e3e6": "The box is missing: some of these perturbations take a pixel out of it.",
        "2059cfbaec6b": "These are limits of the pixels; asked for are those of their changes.",
        "53107a6b0b18": "The order is both limits of the first change, then both of the second.",
        "38598d6dea15": "The radius is missing: this is all that the box alone allows.",
        "9cc0f2d4be37": "The second pixel has less room in one direction: look again in which one.",
        "28497327b787": "A change may be negative, too.",
    },
)

DISC_AROUND_SQUARE = Numbers(
    "ex-disc-around-square",
    right=("1244ef612212",),
    mistakes={
        "77c4fa53cea8": "This is the largest 1-norm in the set; asked for is the largest 2-norm.",
        "361fb87bb3ef": "This is the answer for a set of radius 1; the set has another radius.",
        "3e5a8a3daa8c": "A radius means nothing without its norm: this set reaches farther.",
        "2b7212f0df44": "This answers the question with the two norms exchanged.",
        "f253b60a3780": "This is the square of a norm.",
        "78e731766d6b": "This is the answer in the plane; the image has more pixels.",
    },
)


# ------------------------------------------------------------------------------------ the loop

Attack = Callable[[Tensor, Tensor, Tensor], Tensor]


def _corner(theta: Tensor, x: Tensor, y: Tensor, *, epsilon: float) -> Tensor:
    """The worst perturbation of at most epsilon in each coordinate, for the score x @ theta."""
    return -epsilon * torch.outer(y, theta.sign())


def _loop_instance(generator: Generator) -> tuple[Any, ...]:
    x = torch.randn(12, 3, generator=generator, dtype=torch.float64)
    y = torch.randn(12, generator=generator, dtype=torch.float64).sign()
    theta = torch.randn(3, generator=generator, dtype=torch.float64)
    batches = [*torch.randperm(12, generator=generator).split(4)] * 2
    # Long steps: the attack must follow the changes of theta.
    return theta, x, y, partial(_corner, epsilon=0.3), batches, 2.0


def _loop(
    theta: Tensor,
    x: Tensor,
    y: Tensor,
    attack: Attack,
    batches: list[Tensor],
    step_size: float,
    *,
    sign: int = 1,
    fixed: bool = False,
    direction: int = 1,
    whole: bool = False,
) -> Tensor:
    """The loop with the gradient written out; the keywords make it wrong."""
    first = attack(theta, x, y)
    for chosen in batches:
        batch = torch.arange(len(x)) if whole else chosen
        delta = first[batch] if fixed else attack(theta, x[batch], y[batch])
        at = x[batch] + sign * delta
        weights = torch.sigmoid(-y[batch] * (at @ theta)) * y[batch]
        theta = theta + direction * step_size * weights @ at / len(batch)
    return theta


LOOP = Function(
    "ex-loop",
    oracle=_loop,
    instance=_loop_instance,
    mistakes=(
        ("This is standard training: the examples are not perturbed.", partial(_loop, sign=0)),
        (
            "The perturbations are the first model's: each step needs those of the present one.",
            partial(_loop, fixed=True),
        ),
        ("The perturbation is subtracted: this helps the classifier.", partial(_loop, sign=-1)),
        ("This climbs: the loss is to fall.", partial(_loop, direction=-1)),
        ("Each step takes all examples, not those of its batch.", partial(_loop, whole=True)),
    ),
)


# ------------------------------------------------------------------------------- the worst risk


def _risk_instance(generator: Generator) -> tuple[Any, ...]:
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=2, generator=generator)
    x = torch.randn(5, 2, generator=generator, dtype=torch.float64)
    y = torch.randn(5, generator=generator, dtype=torch.float64).sign()
    return model, x, y, torch.randn(6, 2, generator=generator, dtype=torch.float64)


def _losses(model: nn.Module, x: Tensor, y: Tensor, deltas: Tensor) -> Tensor:
    """The loss of each example (rows) under each perturbation, one at a time."""
    with torch.no_grad():
        rows = [
            [log1p(exp(-float(label) * float(model(point + delta)))) for delta in deltas]
            for point, label in zip(x, y, strict=True)
        ]
    return torch.tensor(rows, dtype=torch.float64)


def _of_losses(reduce: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda model, x, y, deltas: reduce(_losses(model, x, y, deltas))


def _worst_risk(model: nn.Module, x: Tensor, y: Tensor, deltas: Tensor) -> float:
    rows = _losses(model, x, y, deltas).tolist()
    return sum(max(row) for row in rows) / len(rows)


def _clean_risk(model: nn.Module, x: Tensor, y: Tensor, deltas: Tensor) -> Tensor:
    return _losses(model, x, y, torch.zeros_like(deltas[:1])).mean()


WORST_RISK = Function(
    "ex-worst-risk",
    oracle=_worst_risk,
    instance=_risk_instance,
    mistakes=(
        (
            "The maximum stands outside the sum: each example has a perturbation of its own.",
            _of_losses(lambda losses: losses.mean(dim=0).max()),
        ),
        ("This is the mean over perturbations, not the maximum.", _of_losses(torch.mean)),
        (
            "This is the best case: the adversary wants a large loss.",
            _of_losses(lambda losses: losses.min(dim=1).values.mean()),
        ),
        ("A risk is a mean over the examples, not their maximum.", _of_losses(torch.max)),
        (
            "A risk is a mean over the examples, not their sum.",
            _of_losses(lambda losses: losses.max(dim=1).values.sum()),
        ),
        ("This is the risk without an adversary.", _clean_risk),
    ),
)


# ------------------------------------------------------------------------------- random corners


def _corners_instance(generator: Generator) -> tuple[Any, ...]:
    theta = torch.randn(4, generator=generator, dtype=torch.float64)
    x = torch.randn(20, 4, generator=generator, dtype=torch.float64)
    y = (x @ theta).sign()  # right on all points: what is wrong is the adversary's work
    y[:3] *= -1  # but for some
    signs = torch.randint(0, 2, (3, 20, 4), generator=generator).double() * 2 - 1
    return theta, x, y, 0.4, signs


def _corner_errors(
    theta: Tensor, x: Tensor, y: Tensor, epsilon: float, signs: Tensor
) -> tuple[float, float]:
    corners = torch.tensor([*product((-1.0, 1.0), repeat=len(theta))], dtype=torch.float64)
    wrong = 0
    for point, label in zip(x, y, strict=True):
        wrong += any(label * ((point + epsilon * corner) @ theta) <= 0 for corner in corners)
    return _random_error(theta, x, y, epsilon, signs), wrong / len(x)


def _random_error(theta: Tensor, x: Tensor, y: Tensor, epsilon: float, signs: Tensor) -> float:
    return (y * ((x + epsilon * signs) @ theta) <= 0).double().mean().item()


def _wrong_errors(
    random: str = "mean", lost: Callable[[Tensor], Tensor] = lambda theta: theta.abs().sum()
) -> Callable[..., tuple[float, float]]:
    """Both errors, one of them wrong: of another kind, or with another loss of margin."""

    def errors(
        theta: Tensor, x: Tensor, y: Tensor, epsilon: float, signs: Tensor
    ) -> tuple[float, float]:
        moved = y * ((x + epsilon * signs) @ theta) <= 0
        worst_drawn = moved.any(dim=0).double().mean().item()
        worst = (y * (x @ theta) - epsilon * lost(theta) <= 0).double().mean().item()
        clean = (y * (x @ theta) <= 0).double().mean().item()
        mean = moved.double().mean().item()
        return {
            "mean": (mean, worst),
            "clean": (clean, worst),
            "any": (worst_drawn, worst),
            "drawn": (mean, worst_drawn),
        }[random]

    return errors


RANDOM_CORNERS = Function(
    "ex-random-corners",
    oracle=_corner_errors,
    instance=_corners_instance,
    mistakes=(
        (
            "Your second number is the worst of the corners that were drawn, not of all.",
            _wrong_errors("drawn"),
        ),
        (
            "Your first number takes the worst draw of each example; asked for is the mean.",
            _wrong_errors("any"),
        ),
        ("Your first number is the error without a perturbation.", _wrong_errors("clean")),
        (
            "Your second number measures the weights in the 2-norm: which norm is dual to ∞?",
            _wrong_errors(lost=torch.linalg.vector_norm),
        ),
        (
            "Your second number measures the weights in the ∞-norm: which norm is dual to it?",
            _wrong_errors(lost=lambda theta: theta.abs().max()),
        ),
        (
            "Your second number lets the perturbation add to the margin.",
            _wrong_errors(lost=lambda theta: -theta.abs().sum()),
        ),
    ),
)

NEAR_PAIRS = Choices(
    "ex-near-pairs",
    holding=("6be18f06c92c", "96e15c9d692f", "c98febfc6434"),
    again={
        "A": "do the two balls have a point in common, and which label does it get?",
        "B": "how many labels can a model give to one point, however large the model is?",
        "C": "can one mistake belong to two of these pairs?",
        "D": "can one mistake belong to two of these pairs?",
        "E": "no ball of one class then meets one of the other; must the model be of some form?",
        "F": "balls can be apart and still lie so that no line separates the classes.",
    },
)

EXERCISES = (DELTA_BOX, DISC_AROUND_SQUARE, LOOP, WORST_RISK, RANDOM_CORNERS, NEAR_PAIRS)
