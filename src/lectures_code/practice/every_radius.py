"""The exercises on radii: where images fall, the optimum's path, other norms, and the lasso."""

from collections.abc import Callable
from itertools import product
from math import exp, log, log1p
from typing import Any

import torch
from torch import Generator, Tensor

from lectures_code.practice.functions import Function
from lectures_code.practice.numbers import Numbers
from lectures_code.practice.statements import Choices

WHO_IS_AHEAD = Numbers(
    "ex-who-is-ahead",
    right=("5b8df646ed0a", "5f567513e04b", "28feeaf2f5d7", "28feeaf2f5d7"),
    mistakes={
        "5ea32adea2cc": "An image that is misclassified is lost at every radius.",
        "2cafd264d137": "There both make the same number of mistakes; asked is where A makes more.",
        "dc0d2e379f45": "The margins have doubled, and so has what the adversary takes.",
        "89c1671bb54f": "The adversary takes twice as much, but of margins twice as large.",
        "c9d290a3559a": "The first two numbers are of images that are right.",
    },
)

THREE_RADII = Numbers(
    "ex-three-radii",
    right=("9f8dac4870c6", "0950e1427cf4", "c3099a5cc4bf", "0950e1427cf4"),
    mistakes={
        "825eec6b0a18": "This divides by the adversary's own norm: which one is dual to it?",
        "02aeaf0edf90": "The second number is divided by a square: the 2-norm has a root.",
        "961bd874d296": "This adds up the weights: their sizes count, not their signs.",
        "69ae3dc83198": "This multiplies margin and norm: what does a radius of 1 take?",
        "25b454464e2b": "The margin is missing: these are the norms themselves.",
    },
)


def _labelled(generator: Generator, n: int, d: int) -> tuple[Tensor, Tensor]:
    """Points that lie about their labels, of which a third are -1."""
    y = torch.ones(n, dtype=torch.float64)
    y[: n // 3] = -1
    means = torch.randn(d, generator=generator, dtype=torch.float64) / 2
    noise = torch.randn(n, d, generator=generator, dtype=torch.float64)
    return torch.outer(y, means) + noise, y


def _model(generator: Generator, d: int) -> tuple[Tensor, Tensor]:
    theta = torch.randn(d, generator=generator, dtype=torch.float64)
    return theta, torch.randn((), generator=generator, dtype=torch.float64)


# ------------------------------------------------------------------------------ the whole curve


def _curve_instance(generator: Generator) -> tuple[Any, ...]:
    theta, intercept = _model(generator, 4)
    x, _ = _labelled(generator, 30, 4)
    noise = torch.randn(30, generator=generator, dtype=torch.float64)
    y = torch.where(x @ theta + intercept + noise > 0, 1.0, -1.0).double()
    radii = torch.rand(5, generator=generator, dtype=torch.float64)
    return theta, intercept, x, y, torch.cat([radii, torch.zeros(1, dtype=torch.float64)])


def _by_corners(theta: Tensor, intercept: Tensor, x: Tensor, y: Tensor, radii: Tensor) -> list[int]:
    """For each radius the images that some corner of the ball turns, one at a time."""
    corners = torch.tensor([*product((-1.0, 1.0), repeat=x.shape[1])], dtype=x.dtype)
    counts = []
    for radius in radii.tolist():
        moved = x[:, None] + radius * corners
        turned = y[:, None] * (moved @ theta + intercept) <= 0
        counts.append(int(turned.any(dim=1).sum()))
    return counts


def _wrong_curve(
    *,
    p: float = 1,
    attacked: bool = True,
    clean: bool = True,
    bias: bool = True,
    labelled: bool = True,
    result: Callable[[Tensor], Tensor] = lambda lost: lost.sum(dim=1).double(),
) -> Callable[..., Tensor]:
    """The curve, one part of it wrong."""

    def curve(theta: Tensor, intercept: Tensor, x: Tensor, y: Tensor, radii: Tensor) -> Tensor:
        scores = x @ theta + intercept * bias
        margins = y * scores if labelled else scores
        fall = margins / torch.linalg.vector_norm(theta, p)
        lost = fall <= radii[:, None] * attacked
        return result(lost if clean else lost & (fall > 0))

    return curve


WHOLE_CURVE = Function(
    "ex-whole-curve",
    oracle=_by_corners,
    instance=_curve_instance,
    mistakes=(
        ("These are the mistakes without an attack.", _wrong_curve(attacked=False)),
        (
            "The images that are misclassified without an attack are lost, too.",
            _wrong_curve(clean=False),
        ),
        ("The weights are measured in the 2-norm: which norm is dual to ∞?", _wrong_curve(p=2)),
        (
            "The weights are measured in the ∞-norm: which norm is dual to it?",
            _wrong_curve(p=torch.inf),
        ),
        ("The intercept is left out.", _wrong_curve(bias=False)),
        ("A score is no margin: the labels are left out.", _wrong_curve(labelled=False)),
        (
            "Asked for are numbers of mistakes, not rates.",
            _wrong_curve(result=lambda lost: lost.double().mean(dim=1)),
        ),
        (
            "These are the images that are right.",
            _wrong_curve(result=lambda lost: (~lost).sum(dim=1).double()),
        ),
    ),
)


# ------------------------------------------------------------------------------- the last pixel


def _pixel_instance(generator: Generator) -> tuple[Any, ...]:
    return _labelled(generator, 30, 5)


def _loss(margins: list[float]) -> float:
    return sum(log1p(exp(-margin)) for margin in margins) / len(margins)


def _by_slopes(x: Tensor, y: Tensor, h: float = 1e-5) -> tuple[int, float]:
    """At the best constant, what a pixel's weight gains and what it costs, by differences."""
    n_ones = int((y > 0).sum())
    odds = log(n_ones / (len(y) - n_ones))
    labels = y.tolist()

    def risk(pixel: int, weight: float, taken: float) -> float:
        scores = [odds + weight * value for value in x[:, pixel].tolist()]
        return _loss([y * score - taken for y, score in zip(labels, scores, strict=True)])

    price = (risk(0, 0.0, h) - risk(0, 0.0, -h)) / (2 * h)
    gains = [abs(risk(j, h, 0.0) - risk(j, -h, 0.0)) / (2 * h) for j in range(x.shape[1])]
    best = max(range(len(gains)), key=gains.__getitem__)
    return best, gains[best] / price


def _gaps(x: Tensor, y: Tensor) -> Tensor:
    """The differences of the classes' means."""
    return x[y > 0].mean(dim=0) - x[y < 0].mean(dim=0)


def _by(gaps: Tensor, radius: Tensor | float | None = None) -> tuple[int, Tensor | float]:
    """The pixel of the largest, and half of it or another radius."""
    return int(gaps.argmax()), gaps.max() / 2 if radius is None else radius


LAST_PIXEL = Function(
    "ex-last-pixel",
    oracle=_by_slopes,
    instance=_pixel_instance,
    mistakes=(
        (
            "Both means can move: how far has each to go?",
            lambda x, y: _by(_gaps(x, y).abs(), _gaps(x, y).abs().max()),
        ),
        ("A pixel may tell the classes apart by being smaller.", lambda x, y: _by(_gaps(x, y))),
        (
            "The classes differ in size: take the mean of each.",
            lambda x, y: _by(2 * (y @ x / len(y)).abs()),
        ),
        (
            "This is a length in the 2-norm; the adversary moves every pixel by as much.",
            lambda x, y: _by(_gaps(x, y).abs(), _gaps(x, y).norm() / 2),
        ),
        (
            "This is the pixel whose class means are nearest to each other.",
            lambda x, y: (int(_gaps(x, y).abs().argmin()), _gaps(x, y).abs().min() / 2),
        ),
        (
            "Pixels are counted from 0.",
            lambda x, y: (_by(_gaps(x, y).abs())[0] + 1, _by(_gaps(x, y).abs())[1]),
        ),
    ),
)


# ------------------------------------------------------------------------------- which lasso


def _lasso_instance(generator: Generator) -> tuple[Any, ...]:
    return *_model(generator, 4), *_labelled(generator, 12, 4), 0.2


def _by_differences(
    theta: Tensor, intercept: Tensor, x: Tensor, y: Tensor, epsilon: float, h: float = 1e-5
) -> tuple[float, float]:
    """What the worst corner takes, and by how much the loss grows as more is taken."""
    corners = epsilon * torch.tensor([*product((-1.0, 1.0), repeat=len(theta))], dtype=x.dtype)
    taken = float((corners @ theta).max())
    margins = (y * (x @ theta + intercept)).tolist()

    def loss(amount: float) -> float:
        return _loss([margin - amount for margin in margins])

    return taken, epsilon * (loss(taken + h) - loss(taken - h)) / (2 * h)


def _wrong_lasso(
    *,
    p: float = 1,
    attacked: bool = True,
    sign: float = 1.0,
    unit: bool = False,
    price: Callable[[Tensor, float], Tensor] = lambda a, epsilon: epsilon * a.mean(),
    swapped: bool = False,
) -> Callable[..., tuple[Tensor, Tensor]]:
    """The lasso, one part of it wrong."""

    def which(
        theta: Tensor, intercept: Tensor, x: Tensor, y: Tensor, epsilon: float
    ) -> tuple[Tensor, Tensor]:
        size = torch.linalg.vector_norm(theta, p)
        margins = y * (x @ theta + intercept)
        a = torch.sigmoid(attacked * epsilon * size - margins)
        found = size if unit else epsilon * size, sign * price(a, epsilon)
        return found[::-1] if swapped else found

    return which


WHICH_LASSO = Function(
    "ex-which-lasso",
    oracle=_by_differences,
    instance=_lasso_instance,
    mistakes=(
        (
            "The slopes are those at the worst margins, not at the clean ones.",
            _wrong_lasso(attacked=False),
        ),
        ("The radius is missing in λ.", _wrong_lasso(price=lambda a, epsilon: a.mean())),
        (
            "λ is a mean over the examples, not a sum.",
            _wrong_lasso(price=lambda a, epsilon: epsilon * a.sum()),
        ),
        (
            "λ is not the radius: not every example pulls fully.",
            _wrong_lasso(price=lambda a, epsilon: torch.tensor(epsilon).double()),
        ),
        ("The slope of the loss is negative, and λ is not.", _wrong_lasso(sign=-1.0)),
        ("The radius is missing in c.", _wrong_lasso(unit=True)),
        ("The weights are measured in the 2-norm: which norm is dual to ∞?", _wrong_lasso(p=2)),
        ("Asked for are c and λ, in this order.", _wrong_lasso(swapped=True)),
    ),
)

BEST_AT_WHAT = Choices(
    "ex-best-at-what",
    holding=("353be2fc6dff", "42d2ac4655c6", "f9d8e4ffba8c"),
    again={
        "A": "what is least at the optimum, and on which images?",
        "B": "what does a larger ball do to the worst loss of each classifier?",
        "C": "is one count behind the other for good, once it is behind?",
        "D": "what can an adversary do to a score that depends on no pixel?",
        "E": "how long are the corners of this infinity ball?",
        "F": "what has happened to the margins in the lasso that shares the optimum?",
    },
)

EXERCISES = (WHO_IS_AHEAD, THREE_RADII, WHOLE_CURVE, LAST_PIXEL, WHICH_LASSO, BEST_AT_WHAT)
