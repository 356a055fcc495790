"""The exercises on the zeros and ones of MNIST."""

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import Generator, Tensor

from lectures_code.practice.functions import Function
from lectures_code.practice.numbers import Numbers
from lectures_code.practice.statements import Rubric

FIVE_IMAGES = Numbers(
    "ex-five-images",
    right=(
        "e8b2d589b377",
        "03980733c68e",
        "9919ee243057",
        "d9ae9cc8743e",
    ),
    mistakes={
        "41fc24f0ef0f": "A margin of 0 is a mistake, too.",
        "e585f5c73840": "An image that is misclassified is lost at every radius.",
        "7e9de265e996": "The size of the weights is missing: a margin is no radius.",
        "6f03b38e093a": "The last number is a margin, not a radius.",
        "829f551da663": "The weights are measured in the ∞-norm: which norm is dual to it?",
        "901ed3c98913": "The weights are measured in the 2-norm: which norm is dual to ∞?",
        "23584a06e28f": "Asked for are the mistakes, not the images that are right.",
        "314e64988016": "The last number is where the first image falls.",
    },
)

NOISE_MOVES = Numbers(
    "ex-noise-moves",
    right=(
        "f05aff6eb119",
        "9afe6d9e6ecb",
        "7cd5ff599006",
    ),
    mistakes={
        "25f8d9047233": "Random is not worst: most of what the pixels do at random cancels.",
        "02d25bce1d51": "These are means; asked for are the standard deviations.",
        "f5f09f9ded71": "A uniform draw is less spread out than one of two ends.",
        "b12ba9fd3492": "The uniform draw is from an interval that is twice as long.",
        "76940bf82a6d": "These are variances, not standard deviations.",
        "e44db0a760d3": "The first number is in the 2-norm: which norm is dual to ∞?",
        "0154e1d55974": "The first number is in the ∞-norm: which norm is dual to it?",
        "480e988b43f4": "The radius is missing.",
    },
)


# --------------------------------------------------------------------------- whose perturbation


def _several_instance(generator: Generator) -> tuple[Any, ...]:
    thetas = torch.randn(3, 5, generator=generator, dtype=torch.float64)
    intercepts = torch.randn(3, generator=generator, dtype=torch.float64)
    x = torch.randn(40, 5, generator=generator, dtype=torch.float64)
    return thetas, intercepts, x, (x @ thetas.mean(dim=0)).sign(), 0.3


def _by_corners(
    thetas: Tensor, intercepts: Tensor, x: Tensor, y: Tensor, epsilon: float
) -> list[list[int]]:
    """For each maker the worst of all corners, then the mistakes of each judge, one at a time."""
    corners = epsilon * torch.tensor([*product((-1.0, 1.0), repeat=x.shape[1])], dtype=x.dtype)
    worst = [
        {label: corners[(label * (corners @ theta)).argmin()] for label in (-1.0, 1.0)}
        for theta in thetas
    ]
    return [
        [
            sum(
                label * float((image + made[label]) @ theta + intercept) <= 0
                for image, label in zip(x, y.tolist(), strict=True)
            )
            for made in worst
        ]
        for theta, intercept in zip(thetas, intercepts, strict=True)
    ]


def _by_signs(
    thetas: Tensor,
    intercepts: Tensor,
    x: Tensor,
    y: Tensor,
    epsilon: float,
    *,
    sign: int = -1,
    labelled: bool = True,
    direction: Callable[[Tensor], Tensor] = torch.sign,
) -> Tensor:
    """The mistakes by the formula; the keywords make it wrong."""
    labels = y[:, None] if labelled else torch.ones(len(x), 1, dtype=x.dtype)
    made = [x + sign * epsilon * labels * direction(theta) for theta in thetas]
    columns = [(y[:, None] * (each @ thetas.T + intercepts) <= 0).sum(dim=0) for each in made]
    return torch.stack(columns, dim=1)


WHOSE_PERTURBATION = Function(
    "ex-whose-perturbation",
    oracle=_by_corners,
    instance=_several_instance,
    mistakes=(
        (
            "Rows and columns have changed places: who judges, and for whom was it made?",
            lambda *at: _by_signs(*at).T,
        ),
        (
            "Each model meets its own perturbation in every column.",
            lambda *at: _by_signs(*at).diagonal()[:, None].expand(3, 3),
        ),
        ("These are the mistakes without a perturbation.", partial(_by_signs, sign=0)),
        ("These perturbations help the model that they are made for.", partial(_by_signs, sign=1)),
        ("The label is missing: both classes are moved alike.", partial(_by_signs, labelled=False)),
        (
            "These perturbations are of the 2-norm ball.",
            partial(_by_signs, direction=lambda theta: theta / theta.norm()),
        ),
        ("Asked for are numbers of mistakes, not rates.", lambda *at: _by_signs(*at) / 40),
    ),
)


# ------------------------------------------------------------------------------ one run of each


def _runs_instance(generator: Generator) -> tuple[Any, ...]:
    """Counts of mistakes with some ties, as many of each recipe."""
    first = torch.randint(4, 14, (6,), generator=generator)
    return first, torch.randint(6, 12, (6,), generator=generator)


def _chance(first: Tensor, second: Tensor) -> float:
    """Pair after pair, in halves."""
    halves = sum(
        2 if one < other else int(one == other)
        for one, other in product(first.tolist(), second.tolist())
    )
    return halves / (2 * len(first) * len(second))


def _wins(first: Tensor, second: Tensor, tie: float = 0.5) -> Tensor:
    """Who makes fewer mistakes: 1 for the first, 0 for the second."""
    return (first < second).double() + tie * (first == second)


ONE_RUN_EACH = Function(
    "ex-one-run-each",
    oracle=_chance,
    instance=_runs_instance,
    mistakes=(
        (
            "The pairs are those of the same place alone: each run of the one may meet each of the "
            "other.",
            lambda first, second: _wins(first, second).mean(),
        ),
        (
            "A tie goes to the second recipe here: it is to count half.",
            lambda first, second: _wins(first[:, None], second, tie=0.0).mean(),
        ),
        (
            "A tie goes to the first recipe here: it is to count half.",
            lambda first, second: _wins(first[:, None], second, tie=1.0).mean(),
        ),
        (
            "This is the chance that the first recipe makes more mistakes.",
            lambda first, second: _wins(second[:, None], first).mean(),
        ),
        (
            "This compares the two means: one run is one draw, and not the mean.",
            lambda first, second: _wins(first.double().mean(), second.double().mean()),
        ),
        (
            "This compares the best runs: who draws one run does not choose it.",
            lambda first, second: _wins(first.min(), second.min()),
        ),
        (
            "This is a number of pairs: divide by how many pairs there are.",
            lambda first, second: _wins(first[:, None], second).sum(),
        ),
    ),
)


# ------------------------------------------------------------------------------- fewest pixels


def _pixels_instance(generator: Generator) -> tuple[Any, ...]:
    theta = torch.randn(6, generator=generator, dtype=torch.float64)
    drawn = torch.rand(6, 6, generator=generator, dtype=torch.float64)
    x = (1.6 * drawn - 0.3).clamp(0, 1)  # some pixels are 0 or 1
    intercept = 0.3 * torch.randn((), generator=generator, dtype=torch.float64) - theta.sum() / 2
    y = (x @ theta + intercept).sign()
    y[0] *= -1  # one image is misclassified
    return theta, intercept, x, y, 0.4


def _by_subsets(
    theta: Tensor, intercept: Tensor, x: Tensor, y: Tensor, epsilon: float
) -> list[float]:
    """All sets of pixels; in each set all ends of the intervals that the pixels may have."""
    ends = torch.stack([(x - epsilon).clamp(min=0), x, (x + epsilon).clamp(max=1)])
    choices = torch.tensor([*product((0, 1, 2), repeat=len(theta))])
    sizes = (choices != 1).sum(dim=1)
    fewest = []
    for i, label in enumerate(y):
        moved = ends[:, i].T[torch.arange(len(theta)), choices]
        lost = sizes[label * (moved @ theta + intercept) <= 0]
        fewest.append(float(lost.min()) if len(lost) else float("inf"))
    return fewest


def _in_order(
    theta: Tensor,
    intercept: Tensor,
    x: Tensor,
    y: Tensor,
    epsilon: float,
    *,
    by: str = "gain",
    boxed: bool = True,
    labelled: bool = True,
    first: int = 0,
    never: float = torch.inf,
) -> Tensor:
    """One pixel after the other, in an order; the keywords make it wrong."""
    label = y if labelled else torch.ones_like(y)
    room = torch.where(label[:, None] * theta > 0, x, 1 - x) if boxed else torch.ones_like(x)
    gains = room.clamp(max=epsilon) * theta.abs()
    keys = {
        "gain": -gains,
        "least": gains,
        "place": torch.arange(len(theta)).expand_as(gains),
        "weight": -theta.abs().expand_as(gains),
    }[by]
    taken = gains.gather(1, keys.argsort(dim=1)).cumsum(dim=1)
    margins = (y * (x @ theta + intercept))[:, None]
    counts = (torch.cat([margins, margins - taken], dim=1) > 0).sum(dim=1).double()
    return torch.where(counts > len(theta), never, counts.clamp(min=first))


FEWEST_PIXELS = Function(
    "ex-fewest-pixels",
    oracle=_by_subsets,
    instance=_pixels_instance,
    mistakes=(
        ("The box is missing.", partial(_in_order, boxed=False)),
        ("This begins with the pixels that yield least.", partial(_in_order, by="least")),
        ("This takes the pixels as they come.", partial(_in_order, by="place")),
        (
            "This takes the largest weights first: near a wall they may yield little.",
            partial(_in_order, by="weight"),
        ),
        ("The room of a pixel depends on the label.", partial(_in_order, labelled=False)),
        ("An image that is misclassified needs no change.", partial(_in_order, first=1)),
        (
            "Where all pixels together do not suffice, the number is infinite.",
            partial(_in_order, never=6.0),
        ),
    ),
)

CHEQUE_READER = Rubric(
    "ex-cheque-reader",
    points={
        "A": "it says what the adversary may change, in which norm or other way, and why",
        "B": "it gives a size, with its unit",
        "C": "it says in which range the pixels stay, and what enforces it",
        "D": "it says what the adversary knows of the model, and when",
        "E": "it says what the adversary gains, and which mistakes count",
        "F": "it names something that this model leaves out",
    },
    missing={
        "A": "would ink on paper change all pixels a little, or a few a lot?",
        "B": "what is the largest change that a clerk would not notice?",
        "C": "what comes out of the scanner, whatever is on the paper?",
        "D": "can the adversary try, and see the answer, or does he know the weights?",
        "E": "is it worth anything to have a 1 read as a 0, or the other way round?",
        "F": "could the writer do something that no change of this kind describes?",
    },
)

EXERCISES = (
    FIVE_IMAGES,
    NOISE_MOVES,
    WHOSE_PERTURBATION,
    ONE_RUN_EACH,
    FEWEST_PIXELS,
    CHEQUE_READER,
)
