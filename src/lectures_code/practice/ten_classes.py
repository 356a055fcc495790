"""The exercises on several classes."""

from collections.abc import Callable
from itertools import product
from math import exp, inf, log, log1p
from typing import Any

import torch
from torch import Generator, Tensor

from lectures_code.practice.functions import Function
from lectures_code.practice.numbers import Numbers
from lectures_code.practice.statements import Choices

THREE_GAPS = Numbers(
    "ex-three-gaps",
    right=("911d05bc66b6", "78708667c5fd", "a8c17b81c826"),
    mistakes={
        "dcf5444fe4cc": "One perturbation moves both logits: it acts on their difference.",
        "6de3d2f7fd6f": "The logit of the true class moves, too.",
        "7b0d364ab9df": "The weights are measured in the 2-norm: which norm is dual to ∞?",
        "4e8005b0db77": "The weights are measured in the ∞-norm: which norm is dual to it?",
        "0796b6de3af6": "The gaps are those without an attack.",
        "586118fd1974": "The adversary wants the gaps to grow.",
        "5843cc2c46a8": "For a mistake one of the other classes is enough.",
    },
)

TWO_PULLS = Numbers(
    "ex-two-pulls",
    right=("eff55f3a7db2", "4349a6a078fc", "0d95a6c44dab"),
    mistakes={
        "ce4085c97393": "These are the losses without an attack.",
        "cd25abe89713": "Is a loss largest where both wrong classes are equally far?",
        "0d946aeedade": "The true class belongs into the sum: its gap is 0.",
        "79ce7d77e20c": "Look at the order; and a bound from above must not be the smaller one.",
        "25074e2e26cb": "One perturbation cannot raise both gaps: what does it do to the other?",
        "453a067daaa9": "The third loss looks at one class alone.",
    },
)


# ------------------------------------------------------------------------------ lost, and gaps


def _made_up(generator: Generator, *, in_box: bool) -> tuple[Any, ...]:
    """A classifier of four classes and images that it takes for the right class, most of them."""
    draw: dict[str, Any] = {"generator": generator, "dtype": torch.float64}
    weights, biases = torch.randn(4, 4, **draw), 0.3 * torch.randn(4, **draw)
    x = torch.rand(12, 4, **draw) if in_box else torch.randn(12, 4, **draw)
    y = (x @ weights.T + biases).argmax(dim=1)
    y[0] = (y[0] + 1) % 4
    return weights, biases, x, y, 0.15


def _gaps(weights: Tensor, biases: Tensor, point: Tensor, own: int) -> list[float]:
    """How far each other class is above the own one."""
    logits = (weights @ point + biases).tolist()
    return [logit - logits[own] for k, logit in enumerate(logits) if k != own]


def _corners(point: Tensor, epsilon: float, box: bool) -> list[Tensor]:
    signs = torch.tensor([*product((-1.0, 1.0), repeat=len(point))], dtype=point.dtype)
    moved = point + epsilon * signs
    return [*(moved.clamp(0, 1) if box else moved)]


def _count_lost(weights: Tensor, biases: Tensor, x: Tensor, y: Tensor, epsilon: float) -> int:
    """An image is lost if at some corner some gap is not negative."""
    return sum(
        any(
            max(_gaps(weights, biases, corner, own)) >= 0
            for corner in _corners(point, epsilon, box=False)
        )
        for point, own in zip(x, y.tolist(), strict=True)
    )


def _worst_gaps(
    weights: Tensor,
    biases: Tensor,
    x: Tensor,
    y: Tensor,
    epsilon: float,
    norm: Callable[[Tensor, Tensor], Tensor] = lambda other, own: (other - own).abs().sum(dim=-1),
) -> tuple[Tensor, Tensor]:
    """Gaps without an attack and with one, of the own class minus infinity."""
    logits = x @ weights.T + biases
    own = y[:, None]
    clean = (logits - logits.gather(1, own)).scatter(1, own, -inf)
    return clean, clean + epsilon * norm(weights[None], weights[y][:, None])


def _lost_with(
    norm: Callable[[Tensor, Tensor], Tensor],
) -> Callable[..., Tensor]:
    def lost(weights: Tensor, biases: Tensor, x: Tensor, y: Tensor, epsilon: float) -> Tensor:
        _, worst = _worst_gaps(weights, biases, x, y, epsilon, norm)
        return (worst.max(dim=1).values >= 0).sum()

    return lost


def _lost_to_runner_up(*arguments: Any) -> Tensor:
    clean, worst = _worst_gaps(*arguments)
    return (worst.gather(1, clean.argmax(dim=1)[:, None]) >= 0).sum()


def _lost_to_all(*arguments: Any) -> Tensor:
    _, worst = _worst_gaps(*arguments)
    return (worst.where(worst > -inf, inf).min(dim=1).values >= 0).sum()


LOST = Function(
    "ex-lost",
    oracle=_count_lost,
    instance=lambda generator: _made_up(generator, in_box=False),
    mistakes=(
        (
            "Both classes are moved by the same perturbation: it acts on their difference.",
            _lost_with(lambda other, own: other.abs().sum(dim=-1) + own.abs().sum(dim=-1)),
        ),
        (
            "The true class's logit moves, too, not only the other one's.",
            _lost_with(lambda other, own: other.abs().sum(dim=-1) + 0 * own[..., 0]),
        ),
        (
            "The difference of the weights is measured in the 2-norm: which norm is dual to ∞?",
            _lost_with(lambda other, own: (other - own).norm(dim=-1)),
        ),
        (
            "It looks at the runner-up without an attack alone: another class may gain more.",
            _lost_to_runner_up,
        ),
        ("One wrong class is enough, it need not be all.", _lost_to_all),
        (
            "These are the mistakes without an attack.",
            _lost_with(lambda other, own: 0 * (other - own)[..., 0]),
        ),
        (
            "The own class is compared with itself: leave it out.",
            lambda weights, biases, x, y, epsilon: len(x),
        ),
    ),
)


def _over_corners(
    weights: Tensor,
    biases: Tensor,
    x: Tensor,
    y: Tensor,
    epsilon: float,
    *,
    box: bool = True,
    loss: Callable[[list[float]], float] = lambda gaps: log1p(exp(max(gaps))),
    over: Callable[..., float] = max,
) -> float:
    """The mean of the worst losses, each over all corners of the image's own box."""
    losses = [
        over(loss(_gaps(weights, biases, each, own)) for each in _corners(point, epsilon, box))
        for point, own in zip(x, y.tolist(), strict=True)
    ]
    return sum(losses) / len(losses)


def _bound_in_box(weights: Tensor, biases: Tensor, x: Tensor, y: Tensor, epsilon: float) -> float:
    """The mean bound on the cross-entropy: every class has its own worst corner."""
    total = 0.0
    for point, own in zip(x, y.tolist(), strict=True):
        rows = [_gaps(weights, biases, each, own) for each in _corners(point, epsilon, True)]
        total += log1p(sum(exp(max(column)) for column in zip(*rows, strict=True)))
    return total / len(x)


def _with(**changes: Any) -> Callable[..., float]:
    return lambda *arguments: _over_corners(*arguments, **changes)


GAP_RISK = Function(
    "ex-gap-risk",
    oracle=_over_corners,
    instance=lambda generator: _made_up(generator, in_box=True),
    mistakes=(
        ("The box is missing: pixels leave [0, 1].", _with(box=False)),
        (
            "This is the bound on the cross-entropy: here the largest gap alone counts.",
            _bound_in_box,
        ),
        (
            "This is the worst cross-entropy: here the largest gap alone counts.",
            _with(loss=lambda gaps: log1p(sum(map(exp, gaps)))),
        ),
        ("This is the mean gap: where is the logarithm?", _with(loss=max)),
        (
            "This takes the class that is farthest below, not the nearest.",
            _with(loss=lambda gaps: log1p(exp(min(gaps)))),
        ),
        ("This is the best case: the adversary wants a large loss.", _with(over=min)),
        (
            "This is the risk without an attack.",
            lambda weights, biases, x, y, epsilon: _over_corners(weights, biases, x, y, 0.0),
        ),
        (
            "A risk is a mean over the examples, not their sum.",
            lambda *arguments: len(arguments[2]) * _over_corners(*arguments),
        ),
    ),
)


# -------------------------------------------------------------------------------- circulation


def _round_instance(generator: Generator) -> tuple[Any, ...]:
    """Weights that sum up to less than 1 for each image, none for the own class."""
    draw: dict[str, Any] = {"generator": generator, "dtype": torch.float64}
    y = torch.arange(9) % 3
    alpha = (torch.rand(9, 3, **draw) / 2).scatter(1, y[:, None], 0.0)
    return alpha, torch.rand(9, 3, 2, **draw), y


def _coin(p: float) -> float:
    return -p * log(p) - (1 - p) * log(1 - p)


def _goes_round(alpha: Tensor, moved: Tensor, y: Tensor) -> tuple[float, float]:
    """What classifiers of a single weight, or a single bias, gain on all pulled images."""
    n, k, d = moved.shape
    gains = []
    for c, j in product(range(k), range(d + 1)):
        gain = 0.0
        for i, other in product(range(n), range(k)):
            value = 1.0 if j == d else float(moved[i, other, j])
            gap = (other == c) - (int(y[i]) == c)  # of the logit that this weight makes
            gain += float(alpha[i, other]) * gap * value
        gains.append(abs(gain))
    return max(gains), sum(_coin(sum(row)) for row in alpha.tolist()) / n


def _wrong_round(
    *,
    weight: bool = True,
    pixels: bool = True,
    arrives: float = 1.0,
    reduce: Callable[[Tensor], Tensor] = torch.max,
    bound: Callable[[Tensor], float] = lambda alpha: sum(map(_coin, alpha.sum(dim=1).tolist())) / 9,
) -> Callable[..., tuple[Tensor, float]]:
    """Imbalance and bound, one of them wrong."""

    def goes_round(alpha: Tensor, moved: Tensor, y: Tensor) -> tuple[Tensor, float]:
        carried = torch.cat([moved * pixels, weight * torch.ones_like(moved[..., :1])], dim=2)
        carried = alpha[..., None] * carried
        rest = [
            carried[y == c].sum(dim=(0, 1)) - arrives * carried[:, c].sum(dim=0) for c in range(3)
        ]
        return reduce(torch.stack(rest).abs()), bound(alpha)

    return goes_round


def _single_coins(alpha: Tensor) -> float:
    return sum(_coin(each) for each in alpha.flatten().tolist() if each) / len(alpha)


GOES_ROUND = Function(
    "ex-goes-round",
    oracle=_goes_round,
    instance=_round_instance,
    mistakes=(
        (
            "Your first number looks at the weights alone: the pixels must balance, too.",
            _wrong_round(pixels=False),
        ),
        (
            "Your first number looks at the pixels alone: the weights must balance, too.",
            _wrong_round(weight=False),
        ),
        (
            "Your first number has what leaves a class, but not what arrives.",
            _wrong_round(arrives=0.0),
        ),
        ("In your first number what arrives is added to what leaves.", _wrong_round(arrives=-1.0)),
        (
            "Your first number adds up what is missing; asked for is the largest.",
            _wrong_round(reduce=torch.sum),
        ),
        (
            "Your second number has an entropy for each pair: an image has one, of its sum.",
            _wrong_round(bound=_single_coins),
        ),
        (
            "Your second number is a sum: a risk is a mean over the examples.",
            _wrong_round(bound=lambda alpha: sum(map(_coin, alpha.sum(dim=1).tolist()))),
        ),
    ),
)

STILL_EXACT = Choices(
    "ex-still-exact",
    holding=("52fd29fb9468", "b83786b09c26", "123d7f713e7c"),
    again={
        "A": "may a maximum over classes and one over perturbations be exchanged?",
        "B": "is a bound least where what it bounds is least?",
        "C": "what can one perturbation for all classes do that one for each cannot?",
        "D": "how many gaps are there to be moved?",
        "E": "on which difference of weights does the worst perturbation for a class depend?",
        "F": "of what is this the optimum, and does it count mistakes?",
    },
)

EXERCISES = (THREE_GAPS, TWO_PULLS, LOST, GAP_RISK, GOES_ROUND, STILL_EXACT)
