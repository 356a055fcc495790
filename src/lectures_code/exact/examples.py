"""The examples of an exact problem, read in chunks, with bounds on the rounding of their means."""

import math
from collections.abc import Iterator
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from lectures_code.checks import check_count, check_examples, check_exponent
from lectures_code.exact.dual import ROUNDING, UNDERFLOW
from lectures_code.features import MonotoneClassifier
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import BoxedNormBall, NormBall, PixelIntervals

Given = tuple[np.ndarray, float] | None  # weights and intercept to start from


class Examples:
    """Examples and labels as arrays, read in chunks of rows that fit into the working memory."""

    def __init__(self, x: np.ndarray, y: np.ndarray, memory: int) -> None:
        self.x, self.y, self.memory = x, y, memory
        self.n, self.d = x.shape
        rows = max(1, min(memory // 4, 2**23) // (8 * self.d))
        self.chunks = [slice(i, min(i + rows, self.n)) for i in range(0, self.n, rows)]
        self.additions = min(rows, self.n) + len(self.chunks)

    @cached_property
    def largest(self) -> float:
        """The largest size of a pixel."""
        ends = torch.aminmax(torch.from_numpy(self.x))
        return max(1e-300, *(abs(float(end)) for end in ends))

    @property
    def log_odds(self) -> float:
        """The best intercept of the classifier whose weights are 0."""
        return math.log((self.y > 0).sum() / (self.y < 0).sum())

    def some(self, chosen: np.ndarray | slice) -> "Examples":
        """Some of the examples, by number."""
        return Examples(self.x[chosen], self.y[chosen], self.memory)

    def columns(
        self, index: np.ndarray | None = None, along: np.ndarray | None = None
    ) -> "Columns":
        return Columns(self, index, along)

    def rounding_of_a_mean(self, p: float, additions: int | None = None) -> float:
        """Bound on the error, in the p-norm, of a computed weighted mean of the examples."""
        return ((additions or self.additions) + 4) * ROUNDING * self.largest * self.d ** (1 / p)


class Columns:
    """Some features of all examples (all: None), and one more: their weighted sum `along`.

    Copied if they fit into the working memory, read anew at each use otherwise.
    """

    def __init__(self, data: Examples, index: np.ndarray | None, along: np.ndarray | None) -> None:
        self.data, self.index, self.along = data, index, along
        self.k = (data.d if index is None else len(index)) + (along is not None)
        keep = index is not None and 16 * data.n * self.k <= data.memory
        self.kept = list(self._read()) if keep else None

    def _read(self) -> Iterator[tuple[slice, np.ndarray]]:
        for rows in self.data.chunks:
            block = self.data.x[rows].astype(np.float64, copy=False)
            some = block if self.index is None else np.take(block, self.index, axis=1)
            yield rows, some if self.along is None else np.column_stack([some, block @ self.along])

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        return iter(self.kept) if self.kept is not None else self._read()

    def push(self, theta: np.ndarray) -> np.ndarray:
        """Scores of the examples, shape (n,)."""
        scores = np.empty(self.data.n)
        for rows, block in self.blocks():
            np.matmul(block, theta, out=scores[rows])
        return scores

    def pull(self, weights: np.ndarray) -> np.ndarray:
        """Weighted sum of the examples, shape (k,)."""
        total = np.zeros(self.k)
        for rows, block in self.blocks():
            total += weights[rows] @ block
        return total

    def gram(self, weights: np.ndarray) -> np.ndarray:
        """Weighted sum of [x, 1, y] [x, 1, y]^T, shape (k + 2, k + 2)."""
        k, total = self.k, np.zeros((self.k + 2, self.k + 2))
        for rows, block in self.blocks():
            root = np.sqrt(weights[rows])
            scaled = block * root[:, None]
            total[:k, :k] += scaled.T @ scaled
            total[:k, k] += root @ scaled
            total[:k, k + 1] += (root * self.data.y[rows]) @ scaled
        total[k:, :k] = total[:k, k:].T
        total[k, k] = total[k + 1, k + 1] = weights.sum()
        total[k, k + 1] = total[k + 1, k] = weights @ self.data.y
        return total


def open_examples(x: Tensor, y: Tensor, memory: int) -> Examples:
    memory = check_count("memory", memory)
    x, y = check_examples(x, y)
    if x.dtype not in (torch.float32, torch.float64):
        x = x.double()
    return Examples(x.detach().numpy(), y.detach().double().numpy(), memory)


def given_weights(
    data: Examples, start: LinearClassifier | MonotoneClassifier | nn.Linear | None
) -> Given:
    """Weights and intercept of a classifier to start from."""
    if start is None:
        return None
    start = start.linear if isinstance(start, MonotoneClassifier) else LinearClassifier.of(start)
    if len(start.theta) != data.d:
        raise ValueError(
            f"start must have {data.d} weights, one for each feature, got {len(start.theta)}"
        )
    return start.theta.detach().double().numpy().copy(), float(start.intercept)


def check_ball(
    ball: NormBall | PixelIntervals, feature: object = None, *, intervals: bool = False
) -> None:
    if intervals and isinstance(ball, PixelIntervals):
        if feature is not None:
            raise ValueError(
                "feature must be None for intervals, got one: pass the features of the examples, "
                "and PixelIntervals of the features of both ends"
            )
        return
    if not isinstance(ball, NormBall):
        raise TypeError(
            f"ball must be a NormBall, got {type(ball).__name__}: use NormBall(p, radius), with "
            ".in_box() at its end for pixels that stay in the box"
        )
    check_exact_exponent(ball.p)
    if ball.p == math.inf:
        return
    for wanted, where, name in (
        (isinstance(ball, BoxedNormBall), "in the box", ".in_box()"),
        (feature is not None, "of features", "feature"),
    ):
        if wanted:
            raise ValueError(
                f"p must be inf for the exact optimum {where}, got {ball.p:g}: "
                f"leave {name} out, or use p = inf"
            )


def check_exact_exponent(p: float) -> float:
    number = check_exponent(p)
    if number not in (1.0, 2.0, math.inf):
        raise ValueError(
            f"p must be 1, 2 or inf for the exact optimum, got {p!r}: "
            "use training.train with attacks.linear_maximiser for any other"
        )
    return number


def least_radius(
    data: Examples, p: float, alpha: np.ndarray, pull: np.ndarray, additions: int | None = None
) -> float:
    """An upper bound on the least radius at which the balanced dual point `alpha` is feasible.

    `pull` is the computed sum of alpha_i y_i x_i, with so many `additions` in a row.
    Each coordinate of the computed sum is off by at most (number of additions in a row) roundings
    of sum(alpha) * largest pixel; the second factor covers the norm's own roundings.
    """
    total = math.fsum(alpha)
    if total == 0:
        return 0.0
    distance = norm(pull, p) / total
    rounding = data.rounding_of_a_mean(p, additions) + UNDERFLOW / total
    return float(distance + rounding) * (1 + (data.d + 8) * ROUNDING)


def linear_classifier(theta: np.ndarray, intercept: float) -> LinearClassifier:
    return LinearClassifier(
        torch.from_numpy(theta), torch.tensor(float(intercept), dtype=torch.float64)
    )


def uniform_weights(mask: np.ndarray) -> np.ndarray:
    return mask / mask.sum()


def norm(vector: np.ndarray, p: float) -> float:
    """The p-norm, in units of a power of two, lest the squares of small entries be lost."""
    size = float(np.abs(vector).max(initial=0.0))
    if not math.isfinite(size):
        return size
    exponent = math.frexp(size)[1]
    scaled = np.linalg.norm(np.ldexp(vector, -exponent), math.inf if p == math.inf else int(p))
    return float(np.ldexp(scaled, exponent))


def dual_norm(theta: np.ndarray, p: float) -> float:
    """The norm of the weights dual to the p-norm of the perturbation."""
    return norm(theta, {1: math.inf, 2: 2, math.inf: 1}[p])
