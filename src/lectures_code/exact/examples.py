"""The examples of an exact problem, read in chunks, with bounds on the rounding of their means."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from lectures_code.checks import check_count, check_examples, check_exponent
from lectures_code.exact.dual import ROUNDING
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import BoxedNormBall, NormBall


class Examples:
    """Examples and labels as arrays, read in chunks of rows that fit into the working memory."""

    def __init__(self, x: np.ndarray, y: np.ndarray, memory: int) -> None:
        self.x, self.y, self.memory = x, y, memory
        self.n, self.d = x.shape
        rows = max(1, min(memory // 4, 2**23) // (8 * self.d))
        self.chunks = [slice(i, min(i + rows, self.n)) for i in range(0, self.n, rows)]
        self.additions = min(rows, self.n) + len(self.chunks)
        self.largest = max(1e-300, *(abs(float(end)) for end in torch.aminmax(torch.from_numpy(x))))

    @property
    def log_odds(self) -> float:
        """The best intercept of the classifier whose weights are 0."""
        return math.log((self.y > 0).sum() / (self.y < 0).sum())

    def columns(
        self, index: np.ndarray | None = None, along: np.ndarray | None = None
    ) -> "Columns":
        return Columns(self, index, along)

    def rounding_of_a_mean(self, p: float) -> float:
        """Bound on the error, in the p-norm, of a computed weighted mean of the examples."""
        return (self.additions + 4) * ROUNDING * self.largest * self.d ** (1 / p)


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


def check_ball(ball: NormBall) -> None:
    if not isinstance(ball, NormBall):
        raise TypeError(
            f"ball must be a NormBall, got {type(ball).__name__}: use NormBall(p, radius), with "
            ".in_box() at its end for pixels that stay in the box"
        )
    check_exact_exponent(ball.p)
    if isinstance(ball, BoxedNormBall) and ball.p != math.inf:
        raise ValueError(
            f"p must be inf for the exact optimum in the box, got {ball.p:g}: "
            "leave .in_box() out, or use p = inf"
        )


def check_exact_exponent(p: float) -> float:
    number = check_exponent(p)
    if number not in (1.0, 2.0, math.inf):
        raise ValueError(
            f"p must be 1, 2 or inf for the exact optimum, got {p!r}: "
            "use training.train with attacks.linear_maximiser for any other"
        )
    return number


def linear_classifier(theta: np.ndarray, intercept: float) -> LinearClassifier:
    return LinearClassifier(
        torch.from_numpy(theta), torch.tensor(float(intercept), dtype=torch.float64)
    )


def uniform_weights(mask: np.ndarray) -> np.ndarray:
    return mask / mask.sum()


def order_of(p: float) -> float:
    return math.inf if p == math.inf else int(p)


def dual_norm(theta: np.ndarray, p: float) -> float:
    """The norm of the weights dual to the p-norm of the perturbation."""
    return float(np.linalg.norm(theta, {1: math.inf, 2: 2, math.inf: 1}[p]))
