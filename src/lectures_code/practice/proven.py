"""The exercises on what is proven."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise, product
from math import comb, sqrt
from statistics import NormalDist
from typing import Any

import torch
from torch import Generator, Tensor

from lectures_code.practice.functions import Function
from lectures_code.practice.numbers import Numbers
from lectures_code.practice.statements import Choices

TWO_UNITS = Numbers(
    "ex-two-units",
    right=("c4c3dc2a9542", "efe6a5aa6e4c"),
    mistakes={
        "fe975f896701": "A unit with a negative weight is worst at another end of its interval.",
        "90fb6e418635": "A unit with a positive weight is worst at another end of its interval.",
        "59f84bfc23db": "This bounds the score from above.",
        "bbde1f8fa162": "A ReLU has no negative values.",
        "adcd975b962b": "Is there one input at which both units are at these ends?",
        "9baa84dfc841": "The second number is the score of the example itself.",
        "e12d87266363": "The constant is missing.",
    },
)

LINE_BELOW = Numbers(
    "ex-line-below",
    right=("19ea9e1cf2f4", "b17b9d972f75", "24e2a4781944"),
    mistakes={
        "4e13446937d2": "For the first unit the chapter takes another lower line.",
        "1459b7d8f42e": "The upper line does not go through the origin: it would cut the ReLU.",
        "e01ca224c45a": "Subtracted, a line below the second unit lies above what the unit gives.",
        "32a5fbc84590": "A line above the first unit does not lie below what the unit gives.",
        "075bb66df09d": "The last number is the largest value on the set.",
        "6df3cd974231": "The last number is the value at the example.",
        "117604dc8bbd": "The constant is missing.",
    },
)


# ----------------------------------------------------------------------------------- intervals

Layers = Sequence[tuple[Tensor, Tensor]]
Ends = tuple[Tensor, Tensor]


def _layers_instance(generator: Generator) -> tuple[Any, ...]:
    sizes = (3, 4, 3, 2)
    layers = [
        (
            torch.randn(there, here, generator=generator, dtype=torch.float64),
            torch.randn(there, generator=generator, dtype=torch.float64),
        )
        for here, there in pairwise(sizes)
    ]
    x = torch.rand(3, generator=generator, dtype=torch.float64)
    x[0] = 0.0  # at its face, so that the box takes something away
    return layers, x, 0.2


def _intervals(layers: Layers, x: Tensor, epsilon: float) -> Ends:
    """Each layer at all corners of what its input can be."""
    lower, upper = (x - epsilon).clamp(min=0), (x + epsilon).clamp(max=1)
    for i, (weight, bias) in enumerate(layers):
        if i:
            lower, upper = lower.clamp(min=0), upper.clamp(min=0)
        ends = zip(lower.tolist(), upper.tolist(), strict=True)
        corners = torch.tensor([*product(*ends)], dtype=torch.float64)
        values = corners @ weight.T + bias
        lower, upper = values.min(dim=0).values, values.max(dim=0).values
    return lower, upper


def _wrong_intervals(
    layers: Layers,
    x: Tensor,
    epsilon: float,
    *,
    size: Callable[[Tensor], Tensor] = torch.abs,
    box: bool = True,
    relu: bool = True,
    last: bool = False,
    moved: bool = False,
    anew: bool = False,
    loose: bool = False,
) -> Ends:
    """Centre and radius, layer by layer; the keywords make it wrong."""
    lower, upper = x - epsilon, x + epsilon
    if box:
        lower, upper = lower.clamp(0, 1), upper.clamp(0, 1)
    for i, (weight, bias) in enumerate(layers):
        centre, radius = (lower + upper) / 2, (upper - lower) / 2
        centre = weight @ centre + bias
        radius = size(weight) @ (torch.full_like(radius, epsilon) if anew else radius)
        radius = radius + bias if moved else radius
        lower, upper = centre - radius, centre + radius
        if relu and (last or i < len(layers) - 1):
            lower, upper = lower.clamp(min=0), upper.clamp(min=0)
            if loose:
                lower, upper = centre.clamp(min=0) - radius, centre.clamp(min=0) + radius
    return lower, upper


INTERVALS = Function(
    "ex-intervals",
    oracle=_intervals,
    instance=_layers_instance,
    mistakes=(
        (
            "Where a weight is negative, the two ends change places.",
            partial(_wrong_intervals, size=lambda weight: weight),
        ),
        ("The box is missing: pixels leave it.", partial(_wrong_intervals, box=False)),
        ("The ReLUs between the layers are missing.", partial(_wrong_intervals, relu=False)),
        ("No ReLU comes after the last layer.", partial(_wrong_intervals, last=True)),
        ("A bias moves an interval; it does not widen it.", partial(_wrong_intervals, moved=True)),
        (
            "The radius of the pixels holds for the first layer only.",
            partial(_wrong_intervals, anew=True),
        ),
        (
            "These are bounds, but too wide: a ReLU takes the two ends to the two new ends.",
            partial(_wrong_intervals, loose=True),
        ),
    ),
)


# ----------------------------------------------------------------------------- a line below


def _hidden_instance(generator: Generator) -> tuple[Any, ...]:
    shapes = (8, 3), (8,), (8,), (), (3,)
    drawn = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    return *drawn, 0.5


def _score_below(
    weight: Tensor, bias: Tensor, a: Tensor, c: Tensor, x: Tensor, epsilon: float
) -> float:
    """The lines themselves, at all corners of the set: no slope is added up."""
    corners = [*product(*((pixel - epsilon, pixel + epsilon) for pixel in x.tolist()))]
    z = torch.tensor(corners, dtype=torch.float64) @ weight.T + bias
    lower, upper = z.min(dim=0).values.tolist(), z.max(dim=0).values.tolist()
    values = []
    for row in z.tolist():
        value = float(c)
        for at, low, high, coefficient in zip(row, lower, upper, a.tolist(), strict=True):
            if low >= 0 or high <= 0:
                line = max(at, 0.0)
            elif coefficient < 0:
                line = high * (at - low) / (high - low)
            else:
                line = at if high > -low else 0.0
            value += coefficient * line
        values.append(value)
    return min(values)


def _wrong_below(
    weight: Tensor,
    bias: Tensor,
    a: Tensor,
    c: Tensor,
    x: Tensor,
    epsilon: float,
    *,
    lines: str = "chapter",
    norm: float = 1,
    sign: int = -1,
) -> Tensor:
    """Slope and height of the line; the keywords make it wrong."""
    z, r = weight @ x + bias, epsilon * weight.abs().sum(dim=1)
    low, high = z - r, z + r
    on, open_ = (low >= 0).double(), (low < 0) & (high > 0)
    steep = high / (high - low)
    always = {"none": torch.zeros_like(z), "all": torch.ones_like(z)}
    lower = always.get(lines, (high > -low).double())
    below = (a > 0) if lines != "exchanged" else (a <= 0)
    slope = torch.where(open_, torch.where(below, lower, steep), on)
    height = torch.where(open_ & ~below, -steep * low, 0.0)
    if lines == "through 0":
        height = torch.zeros_like(height)
    centre = a @ (slope * z + height) + c
    if lines == "intervals":
        units = torch.where(a > 0, low.clamp(min=0), high.clamp(min=0))
        return a @ units + c
    return centre + sign * epsilon * (weight.T @ (a * slope)).norm(norm)


SCORE_BELOW = Function(
    "ex-score-below",
    oracle=_score_below,
    instance=_hidden_instance,
    mistakes=(
        (
            "These are the intervals: they forget that the units share their inputs.",
            partial(_wrong_below, lines="intervals"),
        ),
        (
            "Upper and lower lines are exchanged: this is no lower bound.",
            partial(_wrong_below, lines="exchanged"),
        ),
        ("The lower line is always 0: the chapter has two.", partial(_wrong_below, lines="none")),
        ("The lower line is always z: the chapter has two.", partial(_wrong_below, lines="all")),
        (
            "An upper line does not go through the origin: this one cuts the ReLU.",
            partial(_wrong_below, lines="through 0"),
        ),
        ("This is the line's value at the example, not its least.", partial(_wrong_below, sign=0)),
        ("This is the line's largest value.", partial(_wrong_below, sign=1)),
        (
            "The slope is measured in the 2-norm: which norm is dual to ∞?",
            partial(_wrong_below, norm=2),
        ),
    ),
)


# --------------------------------------------------------------------------------------- votes


def _votes_instance(generator: Generator) -> tuple[Any, ...]:
    n = int(torch.randint(20, 60, (), generator=generator))
    # From a few more than half to all of them; of the last kind several.
    k = min(n, n // 2 + int(torch.randint(1, n, (), generator=generator)))
    sigma = 0.2 + float(torch.rand((), generator=generator))
    return k, n, 0.99, sigma


def _least_share(k: int, n: int, level: float) -> float:
    """The share p at which k or more of n votes have this probability, by bisection."""
    ways = [comb(n, i) for i in range(k, n + 1)]
    low, high = 0.0, 1.0
    for _ in range(50):
        p = (low + high) / 2
        tail = sum(w * p**i * (1 - p) ** (n - i) for i, w in enumerate(ways, start=k))
        low, high = (p, high) if tail < level else (low, p)
    return (low + high) / 2


def _radius(k: int, n: int, confidence: float, sigma: float) -> float:
    least = _least_share(k, n, 1 - confidence)
    return sigma * NormalDist().inv_cdf(least) if least > 0.5 else 0.0


def _of_share(share: Callable[[int, int, float], float]) -> Callable[..., float]:
    """The radius for another share of right votes."""

    def radius(k: int, n: int, confidence: float, sigma: float) -> float:
        p = min(share(k, n, 1 - confidence), 1 - 1e-9)  # all votes would give infinity
        return sigma * NormalDist().inv_cdf(p) if p > 0.5 else 0.0

    return radius


def _most_share(k: int, n: int, level: float) -> float:
    """The upper confidence bound: what the wrong votes leave."""
    return 1 - _least_share(n - k, n, level) if k < n else 1.0


def _normal_share(k: int, n: int, level: float) -> float:
    share = k / n
    return share + NormalDist().inv_cdf(level) * sqrt(share * (1 - share) / n)


def _signed_radius(k: int, n: int, confidence: float, sigma: float) -> float:
    return sigma * NormalDist().inv_cdf(_least_share(k, n, 1 - confidence))


VOTES = Function(
    "ex-votes",
    oracle=_radius,
    instance=_votes_instance,
    mistakes=(
        (
            "The share that was counted is taken for the probability: it may have been luck.",
            _of_share(lambda k, n, level: k / n),
        ),
        (
            "This bound has two sides, and only one of them can be too large here.",
            _of_share(lambda k, n, level: _least_share(k, n, level / 2)),
        ),
        ("This bounds the probability from above: no proof needs that.", _of_share(_most_share)),
        (
            "The normal approximation is no bound: of all votes right it makes certainty.",
            _of_share(_normal_share),
        ),
        (
            "Confidence and its complement are exchanged.",
            _of_share(lambda k, n, level: _least_share(k, n, 1 - level)),
        ),
        (
            "The noise is missing: a radius has its unit.",
            lambda k, n, confidence, sigma: _radius(k, n, confidence, 1.0),
        ),
        ("A radius is not negative: where nothing is certified, it is 0.", _signed_radius),
    ),
)

WHAT_IS_PROVEN = Choices(
    "ex-what-is-proven",
    holding=("7d6a97772e9d", "6f2577520972", "99894f872bb9", "bcb3d0da7658"),
    again={
        "A": "what does a bound that is too low say about the truth?",
        "B": "on which sides of the true number do attack and proof lie?",
        "C": "are two lower bounds of one number in each other's way?",
        "D": "what is the least value of a ReLU, and of the line below it?",
        "E": "what do intervals lose in a single layer?",
        "F": "which of the two sets lies inside the other?",
        "G": "which of the two sets lies inside the other?",
    },
)

EXERCISES = (TWO_UNITS, LINE_BELOW, INTERVALS, SCORE_BELOW, VOTES, WHAT_IS_PROVEN)
