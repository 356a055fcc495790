"""The exercises on the inner maximum without a formula."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor

from lectures_code.practice.functions import Function
from lectures_code.practice.numbers import Numbers
from lectures_code.practice.statements import Choices

TWO_STEPS = Numbers(
    "ex-two-steps",
    right=("a249a714d0ea", "8c487871bce9", "a249a714d0ea", "381062c61acb"),
    mistakes={
        "1c37f9f1bbbe": "The box is missing: a pixel leaves it.",
        "716c16a1eb52": "The radius is missing: two steps together are longer than it.",
        "ab918ee431a7": "A step has the same length in each pixel, however steep it is.",
        "cfacf07efc5b": "This goes downhill: the adversary wants a large value.",
        "d6913ce92ef1": "These are the pixels; asked for are their changes.",
        "8b9fc8639d1e": "A step is shorter than the radius here.",
        "bc5cc29a3ff0": "Asked for are changes of the example, not of the last iterate.",
    },
)

LUCKY_STARTS = Numbers(
    "ex-lucky-starts",
    right=("243ed2aaccf7", "61f35957cb2a", "f01d7a79be4c", "a77c4cc3f155"),
    mistakes={
        "d02272ff9a55": "Which of the two lines is the function at the start of the first?",
        "6e446592cf9b": "The first number is the value at the start, not at the end.",
        "0c3ba9557b72": "The slope changes its sign, but not in the middle.",
        "7fd0edff7514": "Count the starts that arrive, not those that miss.",
        "92942dbdf290": "Do the chances of two independent draws add up?",
        "0a08195290bb": "Is one lucky pixel of the two enough?",
        "4421abd3a000": "Is one lucky pixel of the two enough?",
    },
)


# ---------------------------------------------------------------------------------- the ascent

Slope = Callable[[Tensor], Tensor]


def _waves(points: Tensor, *, weights: Tensor) -> Tensor:
    """The gradient of a sum of sines, which changes its sign within the set and outside."""
    return torch.cos(points @ weights) @ weights.T


def _ascent_instance(generator: Generator) -> tuple[Any, ...]:
    weights = 4 * torch.randn(3, 4, generator=generator, dtype=torch.float64)
    x = torch.rand(5, 3, generator=generator, dtype=torch.float64)
    within = torch.rand(5, 3, generator=generator, dtype=torch.float64)
    start = (x + 0.6 * within - 0.3).clamp(0, 1) - x
    return partial(_waves, weights=weights), x, start, 0.3, 0.2, 4


def _ascent(
    gradient: Slope, x: Tensor, start: Tensor, epsilon: float, step_size: float, n_steps: int
) -> Tensor:
    """Pixel by pixel, and the perturbed pixel instead of its change."""
    lower = [[max(0.0, pixel - epsilon) for pixel in row] for row in x.tolist()]
    upper = [[min(1.0, pixel + epsilon) for pixel in row] for row in x.tolist()]
    at = (x + start).tolist()
    for _ in range(n_steps):
        slopes = gradient(torch.tensor(at, dtype=torch.float64)).tolist()
        for i, row in enumerate(slopes):
            for j, slope in enumerate(row):
                moved = at[i][j] + (step_size if slope > 0 else -step_size)
                at[i][j] = min(max(moved, lower[i][j]), upper[i][j])
    return torch.tensor(at, dtype=torch.float64) - x


def _wrong_ascent(
    gradient: Slope,
    x: Tensor,
    start: Tensor,
    epsilon: float,
    step_size: float,
    n_steps: int,
    *,
    last_only: bool = False,
    box: bool = True,
    radius: bool = True,
    moves: bool = True,
    steep: bool = False,
    direction: int = 1,
    from_middle: bool = False,
    points: bool = False,
) -> Tensor:
    """The ascent with vectors; the keywords make it wrong."""

    def projected(delta: Tensor) -> Tensor:
        delta = delta.clamp(-epsilon, epsilon) if radius else delta
        return (x + delta).clamp(0, 1) - x if box else delta

    delta = torch.zeros_like(x) if from_middle else start
    for _ in range(n_steps):
        slope = gradient(x + delta if moves else x)
        delta = delta + direction * step_size * (slope if steep else slope.sign())
        delta = delta if last_only else projected(delta)
    return x * points + (projected(delta) if last_only else delta)


ASCENT = Function(
    "ex-ascent",
    oracle=_ascent,
    instance=_ascent_instance,
    mistakes=(
        (
            "It projects after the last step only: until then it climbs outside the set.",
            partial(_wrong_ascent, last_only=True),
        ),
        ("The box is missing: pixels leave it.", partial(_wrong_ascent, box=False)),
        ("The radius is missing: some are too large.", partial(_wrong_ascent, radius=False)),
        (
            "Each step uses the gradient at the example: this is one step, several times over.",
            partial(_wrong_ascent, moves=False),
        ),
        (
            "The steps are as long as the gradient: in this norm steepest ascent is another one.",
            partial(_wrong_ascent, steep=True),
        ),
        ("It descends: the adversary wants a large value.", partial(_wrong_ascent, direction=-1)),
        ("It begins in the middle, not at `start`.", partial(_wrong_ascent, from_middle=True)),
        ("These are the perturbed examples.", partial(_wrong_ascent, points=True)),
    ),
)


# ------------------------------------------------------------------------------- random starts


def _start_instance(generator: Generator) -> tuple[Any, ...]:
    x = torch.rand(2, 4, generator=generator, dtype=torch.float64)
    x[0, :2] = torch.tensor([0.0, 1.0])  # as most pixels of MNIST
    return x, 0.3, torch.rand(2, 4, generator=generator, dtype=torch.float64)


def _start(x: Tensor, epsilon: float, u: Tensor) -> Tensor:
    """Between the two ends of each pixel, which are found one by one."""
    starts = []
    for pixel, share in zip(x.flatten().tolist(), u.flatten().tolist(), strict=True):
        least, most = max(0.0, pixel - epsilon), min(1.0, pixel + epsilon)
        starts.append((1 - share) * least + share * most - pixel)
    return torch.tensor(starts, dtype=torch.float64).reshape(x.shape)


def _clipped_start(x: Tensor, epsilon: float, u: Tensor) -> Tensor:
    return (x + epsilon * (2 * u - 1)).clamp(0, 1) - x


def _corner_start(x: Tensor, epsilon: float, u: Tensor) -> Tensor:
    return (x + epsilon * (2 * u - 1).sign()).clamp(0, 1) - x


RANDOM_START = Function(
    "ex-random-start",
    oracle=_start,
    instance=_start_instance,
    mistakes=(
        ("Clipped draws pile up on a face of the box: they are not uniform.", _clipped_start),
        ("The box is missing: pixels leave it.", lambda x, epsilon, u: epsilon * (2 * u - 1)),
        ("The radius is missing: some changes are too large.", lambda x, epsilon, u: u - x),
        ("These are corners only; the inside belongs to the set, too.", _corner_start),
        (
            "A change may be negative, too.",
            lambda x, epsilon, u: u * (1 - x).clamp(max=epsilon),
        ),
        (
            "These are uniform, but `u` runs the wrong way: 0 stands for the least change.",
            lambda x, epsilon, u: _start(x, epsilon, 1 - u),
        ),
        (
            "These are the perturbed pixels, not their changes.",
            lambda x, epsilon, u: x + _start(x, epsilon, u),
        ),
    ),
)


# ------------------------------------------------------------------------------------ restarts


def _restarts_instance(generator: Generator) -> tuple[Any, ...]:
    values = torch.randn(4, 10, generator=generator, dtype=torch.float64) - 1
    values[:, :2] -= values[:, :2].max(dim=0).values  # the best is a tie
    return values, torch.randn(4, 10, 2, generator=generator, dtype=torch.float64)


def _best(values: Tensor, deltas: Tensor) -> tuple[Tensor, float]:
    best, mistakes = [], 0
    for i in range(values.shape[1]):
        found = [(float(values[k, i]), k) for k in range(len(values))]
        value, k = max(found)
        best.append(deltas[k, i])
        mistakes += value >= 0
    return torch.stack(best), mistakes / len(best)


def _share(share: Callable[[Tensor], Tensor]) -> Callable[..., tuple[Tensor, float]]:
    """The right perturbations with another share."""
    return lambda values, deltas: (_best(values, deltas)[0], share(values).double().item())


def _chosen(choose: Callable[[Tensor], Tensor]) -> Callable[..., tuple[Tensor, float]]:
    """For each example, or for all, the perturbation of the restart that is chosen."""

    def best(values: Tensor, deltas: Tensor) -> tuple[Tensor, float]:
        columns = torch.arange(values.shape[1])
        rows = choose(values).expand(values.shape[1])
        mistakes = values[rows, columns] >= 0
        return deltas[rows, columns], mistakes.double().mean().item()

    return best


BEST_OF_EACH = Function(
    "ex-best-of-each",
    oracle=_best,
    instance=_restarts_instance,
    mistakes=(
        (
            "One restart is taken for all examples: each may have a restart of its own.",
            _chosen(lambda values: values.mean(dim=1).argmax()),
        ),
        (
            "The restart that finds the most mistakes is taken for all: each example may have "
            "a restart of its own.",
            _chosen(lambda values: (values >= 0).sum(dim=1).argmax()),
        ),
        (
            "The last restart is taken, not the best.",
            _chosen(lambda values: torch.tensor(len(values) - 1)),
        ),
        (
            "This is the restart that the adversary likes least.",
            _chosen(lambda values: values.argmin(dim=0)),
        ),
        (
            "Your perturbations are right; the share is a mean over restarts, too.",
            _share(lambda values: (values >= 0).double().mean()),
        ),
        (
            "Your perturbations are right; the share is that of the best single restart.",
            _share(lambda values: (values >= 0).double().mean(dim=1).max()),
        ),
        (
            "Your perturbations are right; to be a mistake, an example need not fall to all.",
            _share(lambda values: (values >= 0).all(dim=0).double().mean()),
        ),
        (
            "Your perturbations are right; a tie is a mistake.",
            _share(lambda values: (values > 0).any(dim=0).double().mean()),
        ),
    ),
)

WHAT_ATTACKS_SAY = Choices(
    "ex-what-attacks-say",
    holding=("3f452ff95a37", "b37ab35b305e", "646936f87e5d"),
    again={
        "A": "can a long ascent stop at a low summit that one large step jumps over?",
        "B": "can a mistake that was found be no mistake?",
        "C": "have you seen starts that all end on one summit, beside a higher one?",
        "D": "which sign does the slope have at the places on the way?",
        "E": "where does the second step begin, and which gradient does it follow?",
        "F": "which theorem of the chapter says how much may be missing?",
        "G": "what decides about the direction: how much of the maximum is missed, or an angle?",
    },
)

EXERCISES = (TWO_STEPS, LUCKY_STARTS, ASCENT, RANDOM_START, BEST_OF_EACH, WHAT_ATTACKS_SAY)
