"""The exercises on Danskin's theorem."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor

from lectures_code.practice.functions import Function
from lectures_code.practice.numbers import Numbers
from lectures_code.practice.statements import Choices

TWO_PARABOLAS = Numbers(
    "ex-two-parabolas",
    right=(
        "963296a99dac",
        "963296a99dac",
        "c0616b264bbe",
    ),
    mistakes={
        "0cdac1556e0e": "The second slope is read from left to right; the step goes to the left.",
        "452154129413": "At 0 several perturbations attain the maximum: look at all their slopes.",
        "aa6140d3a21d": "At 0 the largest value is not attained in the middle of Δ.",
        "f83ba87f2460": "These are the slopes of the least value over Δ, not of the largest.",
        "0772e5c9d475": "The last slope is that at the perturbation nearest to the weight.",
        "b2b1f7a3b623": "The last slope is that at δ = 0: is the maximum attained there?",
        "896fabe4d426": "The square has a derivative with a factor that is missing here.",
    },
)

DISC_GRADIENT = Numbers(
    "ex-disc-gradient",
    right=(
        "1132be5ba4d5",
        "67ac81743f54",
        "188a6b9bd17e",
        "2f39a900e30b",
    ),
    mistakes={
        "2e4ad3d8d1df": "These are the numbers of the square; the set is a disc.",
        "3b6fc50bef81": "The gradient has the right direction, and the wrong length.",
        "9637b2581821": "The radius is missing.",
        "347914da2f30": "The gradient is that at the perturbation with the least value.",
        "d1e1539e17c3": "At 0 there is a kink: many perturbations attain the maximum there.",
        "b7f4a29a66bf": "The last number is the smallest slope over the maximisers at 0.",
        "04a789abec1b": "The last slope is for a step v, not for one of length 1.",
    },
)


# ------------------------------------------------------------------------ held fixed, and through

Rule = Callable[[Tensor, Tensor, Tensor], Tensor]


def _turned(theta: Tensor, x: Tensor, y: Tensor, *, turn: Tensor) -> Tensor:
    """The worst perturbation of the disc, turned and shortened: no maximiser any more."""
    return -torch.outer(y, turn @ theta / theta.norm())


def _rule_instance(generator: Generator) -> tuple[Any, ...]:
    x = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    y = torch.randn(6, generator=generator, dtype=torch.float64).sign()
    theta, *turn = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    return theta, x, y, partial(_turned, turn=0.5 * torch.stack(turn))


def _slopes(f: Callable[[Tensor], Tensor], theta: Tensor, h: float = 1e-5) -> Tensor:
    """The gradient by central differences."""
    steps = h * torch.eye(len(theta), dtype=theta.dtype)
    return torch.stack([(f(theta + step) - f(theta - step)) / (2 * h) for step in steps])


def _two_gradients(
    theta: Tensor,
    x: Tensor,
    y: Tensor,
    rule: Rule,
    *,
    at: tuple[str, str] = ("held", "through"),
    sign: int = 1,
    reduce: Callable[[Tensor], Tensor] = torch.mean,
) -> tuple[Tensor, ...]:
    """Both gradients by differences; the keywords make them wrong."""
    held = rule(theta, x, y)
    deltas = {
        "held": lambda _: held,
        "through": lambda moved: rule(moved, x, y),
        "none": lambda _: torch.zeros_like(x),
    }

    def loss(moved: Tensor, kind: str) -> Tensor:
        margins = y * ((x + sign * deltas[kind](moved)) @ moved)
        return reduce(torch.log1p(torch.exp(-margins)))

    return tuple(_slopes(partial(loss, kind=kind), theta) for kind in at)


HELD_AND_THROUGH = Function(
    "ex-held-and-through",
    oracle=_two_gradients,
    instance=_rule_instance,
    mistakes=(
        (
            "Both are the gradient with the perturbation held fixed.",
            partial(_two_gradients, at=("held", "held")),
        ),
        (
            "Both are the gradient through the rule: the first one has to be cut off from it.",
            partial(_two_gradients, at=("through", "through")),
        ),
        ("The two have changed places.", partial(_two_gradients, at=("through", "held"))),
        (
            "These are gradients without a perturbation.",
            partial(_two_gradients, at=("none", "none")),
        ),
        ("The perturbation is subtracted.", partial(_two_gradients, sign=-1)),
        (
            "A risk is a mean over the examples, not their sum.",
            partial(_two_gradients, reduce=torch.sum),
        ),
    ),
)


# ---------------------------------------------------------------------------- the slope at a kink


def _kink_instance(generator: Generator) -> tuple[Any, ...]:
    values = torch.randn(6, generator=generator, dtype=torch.float64)
    ties = torch.randperm(6, generator=generator)[:3]
    values[ties] = values.max() + 1  # three curves meet on top
    gradients = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    direction = torch.randn(3, generator=generator, dtype=torch.float64)
    return values, gradients, 2 * direction


def _kink_slope(values: Tensor, gradients: Tensor, v: Tensor) -> float:
    """A one-sided difference of the maximum, so short that no other curve comes up."""
    h = 1e-7

    def top(t: float) -> float:
        rows = zip(values.tolist(), (gradients @ v).tolist(), strict=True)
        return max(value + t * slope for value, slope in rows)

    return (top(h) - top(0.0)) / h


def _of_slopes(
    reduce: Callable[[Tensor], Tensor], *, all_curves: bool = False, direction: int = 1
) -> Callable[..., Tensor]:
    """Some value of the slopes of the curves on top, or of all."""

    def slope(values: Tensor, gradients: Tensor, v: Tensor) -> Tensor:
        on_top = gradients if all_curves else gradients[values == values.max()]
        return reduce(on_top @ (direction * v))

    return slope


SLOPE_AT_KINK = Function(
    "ex-slope-at-kink",
    oracle=_kink_slope,
    instance=_kink_instance,
    mistakes=(
        ("This is the slope of one curve on top; several meet there.", _of_slopes(lambda s: s[0])),
        ("This is the mean slope of the curves on top.", _of_slopes(torch.mean)),
        ("This is the smallest slope of the curves on top.", _of_slopes(torch.min)),
        (
            "This takes curves into account that are not on top.",
            _of_slopes(torch.max, all_curves=True),
        ),
        ("This is the slope of a step in the direction -v.", _of_slopes(torch.max, direction=-1)),
        (
            "This ignores the signs: a slope may be negative.",
            _of_slopes(lambda s: s.abs().max()),
        ),
        (
            "This is the slope along a step of length 1; the step is v.",
            lambda values, gradients, v: _of_slopes(torch.max)(values, gradients, v / v.norm()),
        ),
    ),
)


# ------------------------------------------------------------------------- the best point visited


def _steps_instance(generator: Generator) -> tuple[Any, ...]:
    slopes = torch.randn(5, 2, generator=generator, dtype=torch.float64)
    slopes -= slopes.mean(dim=0)  # 0 is in their hull: the maximum has a minimum
    offsets = torch.randn(5, generator=generator, dtype=torch.float64)
    theta = torch.randn(2, generator=generator, dtype=torch.float64)
    step_sizes = torch.rand(4, generator=generator, dtype=torch.float64) * 2 + 0.2
    return slopes, offsets, theta, step_sizes


def _visited(
    slopes: Tensor,
    offsets: Tensor,
    theta: Tensor,
    step_sizes: Tensor,
    *,
    direction: int = -1,
    fixed: bool = False,
    follow: Callable[[list[float]], float] = max,
) -> list[float]:
    """The values of the maximum at all points, in plain Python; the keywords make it wrong."""
    lines = [
        (*slope, offset) for slope, offset in zip(slopes.tolist(), offsets.tolist(), strict=True)
    ]
    a, b = theta.tolist()
    found, chosen = [], None
    for step in [*step_sizes.tolist(), 0.0]:
        values = [p * a + q * b + r for p, q, r in lines]
        found.append(max(values))
        if chosen is None or not fixed:
            chosen = values.index(follow(values))
        p, q, _ = lines[chosen]
        a, b = a + direction * step * p, b + direction * step * q
    return found


def _least_visited(slopes: Tensor, offsets: Tensor, theta: Tensor, step_sizes: Tensor) -> float:
    return min(_visited(slopes, offsets, theta, step_sizes))


def _of_visited(reduce: Callable[[list[float]], float], **options: Any) -> Callable[..., float]:
    return lambda slopes, offsets, theta, step_sizes: reduce(
        _visited(slopes, offsets, theta, step_sizes, **options)
    )


BEST_VISITED = Function(
    "ex-best-visited",
    oracle=_least_visited,
    instance=_steps_instance,
    mistakes=(
        ("This is the value at the last point: it may have gone up.", _of_visited(lambda f: f[-1])),
        ("The first point was visited, too.", _of_visited(lambda f: min(f[1:]))),
        ("The point after the last step was visited, too.", _of_visited(lambda f: min(f[:-1]))),
        ("The steps go up.", _of_visited(min, direction=1)),
        (
            "All steps are against the gradient at the first point's maximiser; it changes.",
            _of_visited(min, fixed=True),
        ),
        (
            "The steps are against the gradient of the lowest line, not of the highest.",
            _of_visited(min, follow=min),
        ),
        ("This is the largest value, not the least.", _of_visited(max)),
    ),
)

ENVELOPE_FACTS = Choices(
    "ex-envelope-facts",
    holding=(
        "6bf37c8206ba",
        "7acc7225e289",
    ),
    again={
        "A": "what does part 2 of the theorem ask of the maximisers?",
        "B": "what is the sum of the slopes in the directions v and -v, if each is a largest one?",
        "C": "can the kink of one make up for that of the other? Look at the slopes to both sides.",
        "D": "the square and the disc of the chapter differ in this; the theorem holds for both.",
        "E": "what happens in the chapter close to the kink?",
        "F": "the step may go up; what does a subgradient say of the distance?",
    },
)

EXERCISES = (
    TWO_PARABOLAS,
    DISC_GRADIENT,
    HELD_AND_THROUGH,
    SLOPE_AT_KINK,
    BEST_VISITED,
    ENVELOPE_FACTS,
)
