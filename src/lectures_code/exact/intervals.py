r"""Features that an adversary can move within an interval each, by themselves.

Example i leaves to feature j the interval :math:`[l_{ij}, h_{ij}]`: a pixel in the
:math:`\ell_\infty` ball :math:`[x_{ij} - \varepsilon, x_{ij} + \varepsilon]`, in the box that
interval clipped, a monotone map of a pixel the values of the map at its ends. Write
:math:`\theta = u - v` with :math:`u, v \ge 0`. The worst margin is then *linear* in
:math:`(u, v, \theta_0)`,

.. math:: u^\top l_i - v^\top h_i + \theta_0 \quad (y_i = 1), \qquad
          v^\top l_i - u^\top h_i - \theta_0 \quad (y_i = -1),

so the adversarial risk is that of plain logistic regression with 2d weights that must not be
negative. (Where both :math:`u_j` and :math:`v_j` are positive the margin is only lower, so at the
minimum one of them is 0.)

Weights :math:`a_i` prove a lower bound if the classes' weighted interval means overlap in every
feature: then the adversary can make both means equal.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Self

import numpy as np
import torch

from lectures_code.exact.dual import ROUNDING, Certificate, mean_entropy
from lectures_code.exact.examples import Examples, least_radius
from lectures_code.features import MonotoneFeature
from lectures_code.perturbations import BoxedNormBall, NormBall

CHUNK, KEPT = 2**16, 2**17  # numbers read, and used, at a time: they stay in the processor's cache


class Intervals(ABC):
    """The intervals of all examples, read in chunks of rows.

    Coordinates are 2d weights: ``u_j``, and ``d + j`` for ``v_j``. The column of a coordinate holds
    what a unit of it adds to the worst margins. With ``shrink`` > 0 every interval is narrower by
    that share of its width at both ends.
    """

    radius: float
    #: The most by which intervals are narrowed at each end, in widths.
    slack = 1e-3

    def __init__(self, data: Examples) -> None:
        self.data, self.x, self.y, self.n, self.d = data, data.x, data.y, data.n, data.d
        self.chunks = self.slices(CHUNK, self.d)
        self.additions = min(self.chunks[0].stop, self.n) + len(self.chunks)

    def slices(self, numbers: int, k: int) -> list[slice]:
        """Chunks of rows of `k` numbers each."""
        rows = max(1, min(numbers, self.data.memory // 64) // k)
        return [slice(i, min(i + rows, self.n)) for i in range(0, self.n, rows)]

    @property
    @abstractmethod
    def rounding(self) -> float:
        """Bound on the rounding error of a coordinate's pull, for each unit of sum(a)."""

    @property
    @abstractmethod
    def largest(self) -> float:
        """The largest size of an interval's end."""

    @property
    @abstractmethod
    def width(self) -> float:
        """A typical width of the intervals that are no points."""

    @abstractmethod
    def of(self, data: Examples) -> Self:
        """The intervals of other examples in the same perturbation set."""

    @abstractmethod
    def at(self, radius: float) -> Self:
        """The intervals at another radius."""

    def every(self, step: int) -> Self:
        """The intervals of every so many examples."""
        return self.of(Examples(self.x[::step], self.y[::step], self.data.memory))

    def some(self, chosen: np.ndarray) -> Self:
        """The intervals of some examples, by number."""
        return self.of(Examples(self.x[chosen], self.y[chosen], self.data.memory))

    @abstractmethod
    def sums(self, a: np.ndarray) -> np.ndarray:
        """The weighted sums, over all examples, from which :meth:`pull` follows."""

    @abstractmethod
    def pull(self, a: np.ndarray, sums: np.ndarray) -> np.ndarray:
        """Weighted sum of each coordinate's column, shape (2d,)."""

    @abstractmethod
    def block(self, rows: slice, index: np.ndarray, shrink: float) -> np.ndarray:
        """The columns of some coordinates for some examples, shape (m, k)."""

    @abstractmethod
    def is_feasible(self, a: np.ndarray, sums: np.ndarray) -> bool:
        """Whether the weighted interval means of the classes certainly overlap in each feature."""

    def certify(self, a: np.ndarray, sums: np.ndarray) -> Certificate:
        """The lower bound that balanced weights prove; if none, that of zero weights: 0."""
        if not self.is_feasible(a, sums):
            return Certificate(0.0, np.zeros(self.n), self.radius)
        return Certificate(mean_entropy(a), a, self.radius)


class FreeIntervals(Intervals):
    """Pixels in a ball: as wide for each example, so one pass gives both sums of a pixel."""

    def __init__(self, data: Examples, radius: float) -> None:
        super().__init__(data)
        self.radius = radius

    @property
    def rounding(self) -> float:
        return (self.additions + 4) * ROUNDING * self.data.largest

    @property
    def largest(self) -> float:
        return self.data.largest + self.radius

    @property
    def width(self) -> float:
        return 2 * self.radius

    def of(self, data: Examples) -> Self:
        return type(self)(data, self.radius)

    def at(self, radius: float) -> Self:
        return type(self)(self.data, radius)

    def sums(self, a: np.ndarray) -> np.ndarray:
        total = np.zeros(self.d)
        for rows in self.chunks:
            total += (a[rows] * self.y[rows]) @ self.x[rows].astype(np.float64, copy=False)
        return total

    def pull(self, a: np.ndarray, sums: np.ndarray) -> np.ndarray:
        reach = self.radius * a.sum()
        return np.concatenate([sums - reach, -sums - reach])

    def block(self, rows: slice, index: np.ndarray, shrink: float) -> np.ndarray:
        pixels = np.take(self.x[rows], index % self.d, axis=1).astype(np.float64, copy=False)
        pixels *= np.where(index < self.d, self.y[rows, None], -self.y[rows, None])
        pixels -= self.radius * (1 - 2 * shrink)
        return pixels

    def is_feasible(self, a: np.ndarray, sums: np.ndarray) -> bool:
        return self._least_radius(a, sums) <= self.radius

    def _least_radius(self, a: np.ndarray, sums: np.ndarray) -> float:
        return least_radius(self.data, math.inf, a, sums, self.additions)

    def certify(self, a: np.ndarray, sums: np.ndarray) -> Certificate:
        # A radius that is itself a rounding error leaves no room for one: a larger one is proven.
        required = self._least_radius(a, sums)
        if self.radius < required <= 100 * self.rounding:
            return Certificate(mean_entropy(a), a, required)
        return super().certify(a, sums)


class SplitIntervals(Intervals):
    """Intervals that differ from example to example: a pass gives the sums of lows and of highs."""

    @abstractmethod
    def ends(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest value of the feature around some pixels."""

    def block(self, rows: slice, index: np.ndarray, shrink: float) -> np.ndarray:
        pixels = np.take(self.x[rows], index % self.d, axis=1).astype(np.float64, copy=False)
        low, high = self.ends(pixels)
        own = (index < self.d) == (self.y[rows] > 0)[:, None]  # u for a one, v for a zero
        columns = np.where(own, low, -high)
        if shrink:
            columns += shrink * (high - low)
        return columns

    def sums(self, a: np.ndarray) -> np.ndarray:
        by_class = np.stack([np.where(self.y > 0, a, 0), np.where(self.y < 0, a, 0)])
        lows, highs = self.both_sums(by_class)
        return np.concatenate([lows[0] - highs[1], lows[1] - highs[0]])

    @abstractmethod
    def both_sums(self, weights: np.ndarray) -> np.ndarray:
        """Weighted sums of lows and of highs, shape (2, k, d), for weights (k, n)."""

    def pull(self, a: np.ndarray, sums: np.ndarray) -> np.ndarray:
        return sums

    def is_feasible(self, a: np.ndarray, sums: np.ndarray) -> bool:
        # The lower mean of one class is at most the upper mean of the other, in each feature.
        return bool(sums.max() <= -self.rounding * math.fsum(a))


class BoxedIntervals(SplitIntervals):
    """Pixels in a ball that stay in the box."""

    def __init__(self, data: Examples, radius: float, box: tuple[float, float]) -> None:
        super().__init__(data)
        self.radius, self.box = radius, box

    @property
    def rounding(self) -> float:
        # A sum is off by at most (additions in a row, and eight more) roundings of sum(a) * largest
        # summand: up to two to form it, one for each product, the rest for radius * sum(a) and the
        # differences.
        return (self.additions + 8) * ROUNDING * (self.largest + self.radius)

    @property
    def largest(self) -> float:
        return max(map(abs, self.box))

    @property
    def width(self) -> float:
        return 2 * self.radius

    def of(self, data: Examples) -> Self:
        return type(self)(data, self.radius, self.box)

    def at(self, radius: float) -> Self:
        return type(self)(self.data, radius, self.box)

    def ends(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low, high = pixels - self.radius, pixels + self.radius
        return np.maximum(low, self.box[0], out=low), np.minimum(high, self.box[1], out=high)

    def both_sums(self, weights: np.ndarray) -> np.ndarray:
        # max(x - r, low) = max(x, low + r) - r: one pass less over all pixels.
        floor, ceiling = self.box[0] + self.radius, self.box[1] - self.radius
        sums, room = np.zeros((2, len(weights), self.d)), np.empty((self.additions, self.d))
        for rows in self.chunks:
            some, pixels = weights[:, rows], self.x[rows].astype(np.float64, copy=False)
            clipped = room[: len(pixels)]
            sums[0] += some @ np.maximum(pixels, floor, out=clipped)
            sums[1] += some @ np.minimum(pixels, ceiling, out=clipped)
        reach = self.radius * weights.sum(axis=1)[:, None]
        return sums + np.stack([-reach, reach])


class FeatureIntervals(SplitIntervals):
    """Monotone features of pixels in a ball."""

    # Where many features are equal the adversary loses each tie in narrower intervals, and weights
    # may grow without end: they are narrowed only where the minimum has been found.
    slack = 0.0

    def __init__(self, data: Examples, ball: NormBall, feature: MonotoneFeature) -> None:
        super().__init__(data)
        self.ball, self.radius, self.feature = ball, ball.radius, feature

    @property
    def rounding(self) -> float:
        # Whole numbers times multiples of one unit, below 2**53 of it in sum, add up exactly.
        return 0.0 if self.feature.is_whole else (self.additions + 4) * ROUNDING * self.largest

    @property
    def largest(self) -> float:
        return self.feature.largest

    @property
    def width(self) -> float:
        return 1.0

    def of(self, data: Examples) -> Self:
        return type(self)(data, self.ball, self.feature)

    def at(self, radius: float) -> Self:
        return type(self)(self.data, self.ball.with_radius(radius), self.feature)

    def ends(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low, high = self.feature.interval(torch.from_numpy(pixels), self.ball)
        return low.numpy(), high.numpy()

    def both_sums(self, weights: np.ndarray) -> np.ndarray:
        sums = np.zeros((2, len(weights), self.d))
        for rows in self.chunks:
            for total, end in zip(sums, self.ends(self.x[rows].astype(np.float64)), strict=True):
                total += weights[:, rows] @ end
        return sums


class Columns:
    """The columns of some coordinates, and the labels as one more: that of the intercept.

    Kept if they fit into the working memory, read anew at each use otherwise.
    """

    def __init__(
        self,
        data: Intervals,
        index: np.ndarray,
        shrink: float = 0.0,
        known: "Columns | None" = None,
    ) -> None:
        self.data, self.shrink = data, shrink
        self.index, old = index, 0
        if known and known.kept is not None and known.shrink == shrink:
            # What is known stays, used or not: it costs less than to be read anew.
            self.index = np.append(known.index, np.setdiff1d(index, known.index))
            old = len(known.index)
        self.kept: np.ndarray | None = None
        if 16 * data.n * (len(self.index) + 1) > data.data.memory:
            return
        self.kept = np.empty((data.n, len(self.index) + 1))
        self.kept[:, -1] = data.y
        if known and known.kept is not None:
            self.kept[:, :old] = known.kept[:, :old]
        if new := len(self.index) - old:
            for rows in data.slices(KEPT, new):
                self.kept[rows, old:-1] = data.block(rows, self.index[old:], shrink)

    def _read(self, rows: slice) -> np.ndarray:
        return np.column_stack([self.data.block(rows, self.index, self.shrink), self.data.y[rows]])

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        for rows in self.data.slices(KEPT, len(self.index) + 1):
            yield rows, self._read(rows) if self.kept is None else self.kept[rows]

    def push(self, coefficients: np.ndarray) -> np.ndarray:
        """Worst margins of the examples, for weights and the intercept, shape (n,)."""
        margins = np.empty(self.data.n)
        for rows, block in self.blocks():
            np.matmul(block, coefficients, out=margins[rows])
        return margins

    def second_order(self, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Second and first derivative of the summed loss where ``a`` are minus the slopes."""
        size = len(self.index) + 1
        hessian, gradient = np.zeros((size, size)), np.zeros(size)
        for rows, block in self.blocks():
            own = a[rows]
            scaled = block * np.sqrt(own * (1 - own))[:, None]
            hessian += scaled.T @ scaled
            gradient -= own @ block
        return hessian, gradient


def coordinates(theta: np.ndarray) -> np.ndarray:
    """The least ``(u, v)`` with theta = u - v."""
    return np.concatenate([np.maximum(theta, 0), np.maximum(-theta, 0)])


def difference(uv: np.ndarray) -> np.ndarray:
    """The weights theta = u - v."""
    u, v = np.split(uv, 2)
    return u - v


def worst_margins(data: Intervals, uv: np.ndarray, intercept: float) -> np.ndarray:
    """The worst margins of all examples, shape (n,)."""
    used = np.flatnonzero(uv)
    return Columns(data, used).push(np.append(uv[used], intercept))


def intervals_of(
    data: Examples, ball: NormBall, feature: MonotoneFeature | None = None
) -> Intervals:
    """What each feature can become in a ball with p = inf; raises if examples leave the box."""
    if isinstance(ball, BoxedNormBall):
        ends = torch.stack(torch.aminmax(torch.from_numpy(data.x)))[:, None]
        ball.support(torch.zeros(1, dtype=ends.dtype), ends)  # checks that they lie in the box
    if feature is not None:
        return FeatureIntervals(data, ball, feature)
    if isinstance(ball, BoxedNormBall):
        return BoxedIntervals(data, ball.radius, (ball.low, ball.high))
    return FreeIntervals(data, ball.radius)
