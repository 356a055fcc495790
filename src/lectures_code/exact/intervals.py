r"""Features that an adversary can move within an interval each, by themselves.

Example i leaves to feature j the interval :math:`[l_{ij}, h_{ij}]`: a pixel in the
:math:`\ell_\infty` ball :math:`[x_{ij} - \varepsilon, x_{ij} + \varepsilon]`, in the box that
interval clipped, a monotone map of a pixel the values of the map at its ends, or any that is given.
Write :math:`\theta = u - v` with :math:`u, v \ge 0`. The worst margin is then *linear* in
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
from functools import cached_property
from typing import Self

import numpy as np
import torch

from lectures_code.exact.dual import (
    ROUNDING,
    UNDERFLOW,
    Certificate,
    adds_exactly,
    mean_entropy,
)
from lectures_code.exact.examples import Examples, least_radius
from lectures_code.features import MonotoneFeature
from lectures_code.perturbations import BoxedNormBall, NormBall, PixelIntervals

CHUNK, KEPT = 2**17, 2**17  # numbers read, and used, at a time: they stay in the processor's cache
UNSHARED = 2**15 - 1  # numbers that PyTorch leaves to one thread


class Intervals(ABC):
    """The intervals of all examples, read in chunks of rows.

    Coordinates are 2d weights: ``u_j``, and ``d + j`` for ``v_j``. The column of a coordinate holds
    what a unit of it adds to the worst margins. With ``shrink`` > 0 every interval is narrower by
    that share of its width at both ends, or of `width` where that is a width of all of them.
    """

    radius: float
    #: The most by which intervals are narrowed at each end, in widths.
    slack = 1e-3
    #: Whether every interval is narrowed by the same amount: then that lifts all margins alike.
    is_even = False

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
        """Bound on the rounding error of a coordinate's pull, for each unit of sum(a).

        That of weights which `balanced` has made; :meth:`is_feasible` is right for any.
        """

    @property
    @abstractmethod
    def largest(self) -> float:
        """The largest size of an interval's end."""

    @property
    @abstractmethod
    def width(self) -> float:
        """A typical width of the intervals that are no points."""

    @abstractmethod
    def some(self, chosen: np.ndarray | slice) -> Self:
        """The intervals of some examples, by number."""

    @abstractmethod
    def at(self, radius: float) -> Self:
        """The intervals at another radius."""

    def pixels(self, rows: slice, index: np.ndarray) -> np.ndarray:
        """Some pixels of some examples, shape (k, m), float64."""
        return self.x[rows].T[index].astype(np.float64, copy=False)

    @abstractmethod
    def sums(self, a: np.ndarray) -> np.ndarray:
        """The weighted sums, over all examples, from which :meth:`pull` follows."""

    @abstractmethod
    def pull(self, a: np.ndarray, sums: np.ndarray) -> np.ndarray:
        """Weighted sum of each coordinate's column, shape (2d,)."""

    @abstractmethod
    def block(self, rows: slice, index: np.ndarray, shrink: float) -> np.ndarray:
        """The columns of some coordinates for some examples, shape (k, m)."""

    @abstractmethod
    def is_feasible(self, a: np.ndarray, sums: np.ndarray) -> bool:
        """Whether the weighted interval means of the classes certainly overlap in each feature."""

    def widths(self, a: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """How fast each coordinate's pull grows as the intervals are narrowed, shape (2d,)."""
        if self.is_even:
            return np.full(2 * self.d, self.width * a.sum())
        return -(pull + np.roll(pull, self.d))  # of each feature, weighted

    def certify(self, a: np.ndarray, sums: np.ndarray) -> Certificate:
        """The lower bound that balanced weights prove; if none, that of zero weights: 0."""
        if not self.is_feasible(a, sums):
            return Certificate(0.0, np.zeros(self.n), self.radius)
        return Certificate(mean_entropy(a), a, self.radius)


class FreeIntervals(Intervals):
    """Pixels in a ball: as wide for each example, so one pass gives both sums of a pixel."""

    is_even = True

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

    def some(self, chosen: np.ndarray | slice) -> Self:
        some = self.data.some(chosen)
        some.largest = self.data.largest  # a bound, which takes a pass less than their own
        return type(self)(some, self.radius)

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
        pixels = self.pixels(rows, index % self.d)
        pixels *= np.where(index < self.d, 1.0, -1.0)[:, None] * self.y[rows]
        pixels -= self.radius * (1 - 2 * shrink)
        return pixels

    def is_feasible(self, a: np.ndarray, sums: np.ndarray) -> bool:
        return self._least_radius(a, sums) <= self.radius

    def _least_radius(self, a: np.ndarray, sums: np.ndarray) -> float:
        return least_radius(self.data, math.inf, a, sums, self.additions)

    def certify(self, a: np.ndarray, sums: np.ndarray) -> Certificate:
        # A radius that is itself a rounding error leaves no room for one: a larger one is proven.
        required = self._least_radius(a, sums)
        if not required <= max(self.radius, 100 * self.rounding):
            return Certificate(0.0, np.zeros(self.n), self.radius)
        return Certificate(mean_entropy(a), a, max(self.radius, required))


class SplitIntervals(Intervals):
    """Intervals that differ from example to example: a pass gives the sums of lows and of highs."""

    @abstractmethod
    def ends(self, rows: slice, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest value of some features for some examples, shape (k, m) each."""

    def block(self, rows: slice, index: np.ndarray, shrink: float) -> np.ndarray:
        low, high = self.ends(rows, index % self.d)
        own = (index < self.d)[:, None] == (self.y[rows] > 0)  # u for a one, v for a zero
        columns = np.where(own, low, -high)
        if shrink:
            columns += shrink * (self.width if self.is_even else high - low)
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
        return bool(sums.max() <= -self.error(a))

    def error(self, a: np.ndarray) -> float:
        """Bound on the rounding error of a sum, for any weights."""
        return _error(self.rounding, a)


class BoxedIntervals(SplitIntervals):
    """Pixels in a ball that stay in the box."""

    is_even = True

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
        return min(2 * self.radius, self.box[1] - self.box[0])

    def some(self, chosen: np.ndarray | slice) -> Self:
        return type(self)(self.data.some(chosen), self.radius, self.box)

    def at(self, radius: float) -> Self:
        return type(self)(self.data, radius, self.box)

    def ends(self, rows: slice, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        pixels = self.pixels(rows, index)
        low, high = pixels - self.radius, pixels + self.radius
        return np.maximum(low, self.box[0], out=low), np.minimum(high, self.box[1], out=high)

    def both_sums(self, weights: np.ndarray) -> np.ndarray:
        # max(x - r, low) = max(x, low + r) - r: one pass less over all pixels.
        floor, ceiling = self.box[0] + self.radius, self.box[1] - self.radius
        sums, room = np.zeros((2, len(weights), self.d)), np.empty((self.additions, self.d))
        for rows in self.chunks:
            some, pixels = weights[:, rows], self.x[rows].astype(np.float64, copy=False)
            clipped = room[: len(pixels)]
            # NumPy's clip is faster than its maximum, and PyTorch's threads hinder those of BLAS.
            sums[0] += some @ np.clip(pixels, floor, math.inf, out=clipped)
            sums[1] += some @ np.clip(pixels, -math.inf, ceiling, out=clipped)
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
        # In each class `balanced` makes weights of 2**52 units in sum, so that they add up exactly.
        return 0.0 if self.feature.is_whole and self.largest <= 1 else self._inexact

    @property
    def _inexact(self) -> float:
        return (self.additions + 4) * ROUNDING * self.largest

    def error(self, a: np.ndarray) -> float:
        classes = (a[self.y > 0], a[self.y < 0])
        if self.feature.is_whole and all(adds_exactly(own, self.largest) for own in classes):
            return 0.0  # the difference of two exact sums has the right sign
        return _error(self._inexact, a)

    @property
    def largest(self) -> float:
        return self.feature.largest

    @property
    def width(self) -> float:
        return 1.0

    def some(self, chosen: np.ndarray | slice) -> Self:
        return type(self)(self.data.some(chosen), self.ball, self.feature)

    def at(self, radius: float) -> Self:
        return type(self)(self.data, self.ball.with_radius(radius), self.feature)

    def ends(self, rows: slice, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._around(self.pixels(rows, index))

    def _around(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # In parts so small that PyTorch leaves them to one thread: others hinder those of BLAS.
        low, high = np.empty_like(pixels), np.empty_like(pixels)
        step = max(1, UNSHARED // pixels.shape[1])
        for rows in (slice(i, i + step) for i in range(0, len(pixels), step)):
            ends = self.feature.interval(torch.from_numpy(pixels[rows]), self.ball)
            low[rows], high[rows] = (end.numpy() for end in ends)
        return low, high

    def both_sums(self, weights: np.ndarray) -> np.ndarray:
        sums = np.zeros((2, len(weights), self.d))
        for rows in self.chunks:
            for total, end in zip(sums, self._around(self.x[rows].astype(np.float64)), strict=True):
                total += weights[:, rows] @ end
        return sums


class GivenIntervals(SplitIntervals):
    """Intervals that are given, pixel by pixel."""

    radius = 0.0  # they have none: the bound holds for them as they are
    slack = 0.0  # some may be equal, as those of features are

    def __init__(self, data: Examples, low: np.ndarray, high: np.ndarray) -> None:
        super().__init__(data)
        self.low, self.high = low, high

    @property
    def rounding(self) -> float:
        return (self.additions + 4) * ROUNDING * self.largest

    @cached_property
    def largest(self) -> float:
        return max(-float(self.low.min()), float(self.high.max()), 1e-300)

    @cached_property
    def width(self) -> float:
        # The least of the features' mean widths: all of them need room for rounding errors.
        widths = self.high.mean(axis=0, dtype=float) - self.low.mean(axis=0, dtype=float)
        return float(widths[widths > 0].min(initial=self.largest))

    def some(self, chosen: np.ndarray | slice) -> Self:
        return type(self)(self.data.some(chosen), self.low[chosen], self.high[chosen])

    def at(self, radius: float) -> Self:
        return self

    def ends(self, rows: slice, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low, high = (end[rows].T[index] for end in (self.low, self.high))
        return low.astype(np.float64, copy=False), high.astype(np.float64, copy=False)

    def both_sums(self, weights: np.ndarray) -> np.ndarray:
        sums = np.zeros((2, len(weights), self.d))
        for rows in self.chunks:
            for total, end in zip(sums, (self.low, self.high), strict=True):
                total += weights[:, rows] @ end[rows].astype(np.float64, copy=False)
        return sums


def _error(rounding: float, a: np.ndarray) -> float:
    return rounding * math.fsum(a) + UNDERFLOW if a.any() else 0.0


def intervals_of(
    data: Examples, ball: NormBall | PixelIntervals, feature: MonotoneFeature | None = None
) -> Intervals:
    """What each feature can become, for p = inf; raises if examples leave the box or intervals."""
    if isinstance(ball, PixelIntervals):
        return GivenIntervals(
            data, *(end.numpy() for end in ball.interval(torch.from_numpy(data.x)))
        )
    if isinstance(ball, BoxedNormBall):
        ends = torch.stack(torch.aminmax(torch.from_numpy(data.x)))[:, None]
        ball.support(torch.zeros(1, dtype=ends.dtype), ends)  # checks that they lie in the box
    if feature is not None:
        return FeatureIntervals(data, ball, feature)
    if isinstance(ball, BoxedNormBall):
        return BoxedIntervals(data, ball.radius, (ball.low, ball.high))
    return FreeIntervals(data, ball.radius)
