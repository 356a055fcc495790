"""The exercises on linear models."""

from collections.abc import Callable
from functools import partial
from itertools import product
from math import cos, exp, hypot, log1p, pi, sin
from typing import Any

import torch
from scipy.optimize import linprog
from torch import Generator, Tensor

from lectures_code.practice.functions import Function
from lectures_code.practice.numbers import Numbers
from lectures_code.practice.statements import Choices

TWO_WORST_MARGINS = Numbers(
    "ex-two-worst-margins",
    right=(
        "bc186588c439",
        "3c3163d773dc",
    ),
    mistakes={
        "be2184849195": "The perturbation adds to the margin here: this helps the classifier.",
        "19d187bdf564": "The label is missing: this is what the adversary of the other label does.",
        "ddd8318dfd10": "The second number lets pixels leave the box.",
        "218dc4efddb0": "The second number measures the room of the pixels in the wrong direction.",
        "a6fdb605d7fc": "The first number is that of the 1-norm ball: which norm is dual to ∞?",
        "8fd41a585f4f": "The first number is that of the 2-norm ball: which norm is dual to ∞?",
        "5c40965c771c": "These are the numbers for a radius of 1.",
        "cc8307873ea7": "This is the margin without an adversary.",
    },
)

THREE_ADVERSARIES = Numbers(
    "ex-three-adversaries",
    right=(
        "658be37c85a7",
        "b838fe9ad966",
        "0cc4d2f649bb",
    ),
    mistakes={
        "1500527119f2": "The first adversary changes all pixels here.",
        "c47e6cf14016": "A negative weight serves the first adversary as well as a positive one.",
        "75ac7b92e4e8": "The first adversary changes a single pixel here.",
        "6b62536cdaa5": "The second number uses the wrong norm of the weights: look at the dual.",
        "9c3b352e056b": "The second adversary has the budget of the 1-norm, not of the 2-norm.",
        "4b831adb88a8": "The third number is that of the square; the set is a ball in the 2-norm.",
        "c43e396b1a66": "The third number has the square of a norm.",
        "702f01bf0697": "The radii are missing.",
        "5713437f910c": "Asked for is how much is taken: three positive numbers.",
    },
)


# ------------------------------------------------------------------------- a radius for each pixel


def _pixels_instance(generator: Generator) -> tuple[Any, ...]:
    theta = torch.randn(4, generator=generator, dtype=torch.float64)
    x = torch.rand(3, 4, generator=generator, dtype=torch.float64)
    y = torch.randn(3, generator=generator, dtype=torch.float64).sign()
    return theta, x, y, 0.6 * torch.rand(4, generator=generator, dtype=torch.float64) + 0.1


def _by_programme(theta: Tensor, x: Tensor, y: Tensor, radii: Tensor) -> Tensor:
    """A linear programme for each image."""
    rows = []
    for image, label in zip(x.tolist(), y.tolist(), strict=True):
        room = zip(image, radii.tolist(), strict=True)
        bounds = [(max(-radius, -value), min(radius, 1 - value)) for value, radius in room]
        rows.append(linprog((label * theta).tolist(), bounds=bounds).x.tolist())
    return torch.tensor(rows, dtype=torch.float64)


def _by_sign(
    theta: Tensor,
    x: Tensor,
    y: Tensor,
    radii: Tensor,
    *,
    sign: int = -1,
    labelled: bool = True,
    boxed: bool = True,
    one_radius: bool = False,
    by_weight: bool = False,
    whole: bool = False,
) -> Tensor:
    """The formula; the keywords make it wrong."""
    size = radii.max() if one_radius else radii
    step = theta / theta.abs().max() if by_weight else theta.sign()
    label = y[:, None] if labelled else torch.ones(len(x), 1, dtype=x.dtype)
    moved = x + sign * label * size * step
    moved = moved.clamp(0, 1) if boxed else moved
    return moved if whole else moved - x


OWN_RADIUS = Function(
    "ex-own-radius",
    oracle=_by_programme,
    instance=_pixels_instance,
    mistakes=(
        ("The box is missing: some pixels leave it.", partial(_by_sign, boxed=False)),
        ("This raises the margin.", partial(_by_sign, sign=1)),
        ("The label is missing: all examples are moved alike.", partial(_by_sign, labelled=False)),
        ("All pixels have the largest radius here.", partial(_by_sign, one_radius=True)),
        (
            "Pixels with small weights are moved less here: does it pay to stop early?",
            partial(_by_sign, by_weight=True),
        ),
        ("These are the perturbed images, not their perturbations.", partial(_by_sign, whole=True)),
    ),
)


# --------------------------------------------------------------------------------- either of two


def _either_instance(generator: Generator) -> tuple[Any, ...]:
    theta = torch.randn(2, generator=generator, dtype=torch.float64)
    x = torch.randn(5, 2, generator=generator, dtype=torch.float64)
    y = torch.randn(5, generator=generator, dtype=torch.float64).sign()
    epsilon = 0.1 + torch.rand((), generator=generator).item()
    return theta, x, y, epsilon, 1.15 * epsilon  # each of the two sets wins at times


def _worst_of_either(
    theta: Tensor, x: Tensor, y: Tensor, epsilon: float, rho: float
) -> list[float]:
    """All corners of the square, and points of the circle: these miss a relative 2e-7 at most."""
    a, b = theta.tolist()
    angles = [2 * pi * k / 5000 for k in range(5000)]
    points = [(epsilon * s, epsilon * t) for s, t in product((-1, 1), repeat=2)]
    points += [(rho * cos(angle), rho * sin(angle)) for angle in angles]
    moves = [a * p + b * q for p, q in points]
    ends = {1.0: min(moves), -1.0: min(-move for move in moves)}
    return [
        label * float(point @ theta) + ends[label]
        for point, label in zip(x, y.tolist(), strict=True)
    ]


def _less(taken: Callable[[Tensor, float, float], Any], sign: int = -1) -> Callable[..., Tensor]:
    """The margins less what is taken."""
    return lambda theta, x, y, epsilon, rho: y * (x @ theta) + sign * taken(theta, epsilon, rho)


def _square(theta: Tensor, epsilon: float, rho: float) -> float:
    return epsilon * sum(abs(weight) for weight in theta.tolist())


def _disc(theta: Tensor, epsilon: float, rho: float) -> float:
    return rho * hypot(*theta.tolist())


def _with_both(reduce: Callable[[float, float], float]) -> Callable[[Tensor, float, float], float]:
    return lambda *at: reduce(_square(*at), _disc(*at))


EITHER_BALL = Function(
    "ex-either-ball",
    oracle=_worst_of_either,
    instance=_either_instance,
    mistakes=(
        ("The disc is missing.", _less(_square)),
        ("The square is missing.", _less(_disc)),
        (
            "This adversary takes both at once; he has to choose one.",
            _less(_with_both(lambda s, d: s + d)),
        ),
        ("This is the smaller damage of the two.", _less(_with_both(min))),
        ("This is the mean of the two.", _less(_with_both(lambda s, d: (s + d) / 2))),
        (
            "The disc's damage is measured in the 1-norm: which norm is dual to 2?",
            _less(lambda theta, epsilon, rho: _square(theta, rho, rho)),
        ),
        ("The damage is added to the margin.", _less(_with_both(max), sign=1)),
        ("This is the margin without an adversary.", _less(_with_both(lambda s, d: 0.0))),
    ),
)


# --------------------------------------------------------------------- the slope of the worst risk


def _slope_instance(generator: Generator) -> tuple[Any, ...]:
    theta = torch.randn(3, generator=generator, dtype=torch.float64)
    theta += 0.1 * theta.sign()  # not at a kink, nor near one
    x = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    y = torch.randn(6, generator=generator, dtype=torch.float64).sign()
    return theta, x, y, 0.3


def _slope_by_corners(theta: Tensor, x: Tensor, y: Tensor, epsilon: float) -> list[float]:
    """Differences of a risk whose maximum is taken over all corners."""
    corners = [
        torch.tensor(c, dtype=x.dtype) for c in product((-epsilon, epsilon), repeat=len(theta))
    ]

    def risk(weights: Tensor) -> float:
        margins = torch.stack([y * ((x + corner) @ weights) for corner in corners])
        worst = margins.min(dim=0).values.tolist()
        return sum(log1p(exp(-margin)) for margin in worst) / len(worst)

    h = 1e-5
    steps = h * torch.eye(len(theta), dtype=theta.dtype)
    return [(risk(theta + step) - risk(theta - step)) / (2 * h) for step in steps]


def _slope_by_formula(
    theta: Tensor,
    x: Tensor,
    y: Tensor,
    epsilon: float,
    *,
    sign: int = 1,
    weighed_at: str = "worst",
    size: Callable[[Tensor], Tensor] = torch.sign,
    outside: bool = False,
    total: bool = False,
) -> Tensor:
    """The gradient written out; the keywords make it wrong."""
    clean = y * (x @ theta)
    margins = {"worst": clean - epsilon * theta.abs().sum(), "clean": clean}[weighed_at]
    alpha = torch.sigmoid(-margins)
    own = -(alpha * y) @ x
    norm = epsilon * size(theta) * (len(x) if outside else alpha.sum())
    return (own + sign * norm) / (1 if total else len(x))


SLOPE_OF_WORST_RISK = Function(
    "ex-slope-of-worst-risk",
    oracle=_slope_by_corners,
    instance=_slope_instance,
    mistakes=(
        (
            "This is the gradient of the clean risk.",
            partial(_slope_by_formula, weighed_at="clean", sign=0),
        ),
        (
            "This is the gradient with a penalty beside the loss; the norm stands inside.",
            partial(_slope_by_formula, weighed_at="clean", outside=True),
        ),
        (
            "The norm is weighed alike for safe and for lost examples.",
            partial(_slope_by_formula, outside=True),
        ),
        (
            "The examples are weighed by their clean margins.",
            partial(_slope_by_formula, weighed_at="clean"),
        ),
        ("The norm lowers the loss here.", partial(_slope_by_formula, sign=-1)),
        ("The term with the norm has no slope here.", partial(_slope_by_formula, sign=0)),
        (
            "This is the slope of the 2-norm: which norm is dual to ∞?",
            partial(_slope_by_formula, size=lambda theta: theta / theta.norm()),
        ),
        (
            "A risk is a mean over the examples, not their sum.",
            partial(_slope_by_formula, total=True),
        ),
    ),
)

LINEAR_FACTS = Choices(
    "ex-linear-facts",
    holding=(
        "a91d426e15a5",
        "b8328515f8df",
        "69be2f058b03",
    ),
    again={
        "A": "what made the perturbation the same for all images of a label?",
        "B": "where a loss is linear, what is the difference of a term inside and one beside it?",
        "C": "does one of the two balls contain the other?",
        "D": "does one of the two balls contain the other?",
        "E": "is there an argument for convexity that asks for no formula?",
        "F": "what does doubling do to each worst margin, and then to each loss?",
    },
)

EXERCISES = (
    TWO_WORST_MARGINS,
    THREE_ADVERSARIES,
    OWN_RADIUS,
    EITHER_BALL,
    SLOPE_OF_WORST_RISK,
    LINEAR_FACTS,
)
