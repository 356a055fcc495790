r"""The exact optimum where each pixel may take any value of an interval by itself.

An :math:`\ell_\infty` ball in the pixel box leaves to pixel j of example i the interval
:math:`[l_{ij}, h_{ij}] = [\max(x_{ij} - \varepsilon, \text{low}),
\min(x_{ij} + \varepsilon, \text{high})]`. Write :math:`\theta = u - v` with :math:`u, v \ge 0`. The
worst margin is then *linear* in :math:`(u, v, \theta_0)`,

.. math:: u^\top l_i - v^\top h_i + \theta_0 \quad (y_i = 1), \qquad
          v^\top l_i - u^\top h_i - \theta_0 \quad (y_i = -1),

and the adversarial risk is that of plain logistic regression with 2d weights that must not be
negative. (Where both :math:`u_j` and :math:`v_j` are positive the margin is only lower, so at the
minimum one of them is 0.)

Newton's method on a growing working set, as in :mod:`lectures_code.exact.solver`, minimises it.
Weights :math:`a_i` prove the minimum for which the classes' weighted interval means overlap in
every pixel: then the adversary can make both means equal.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from lectures_code.exact.dual import ROUNDING, balanced, mean_entropy, mean_loss
from lectures_code.exact.optimum import Status
from lectures_code.exact.quadratic import minimise_over_cone

STALLS = 3  # steps in turn that lower the risk by rounding only, before giving up


class Intervals:
    """What each pixel of each example can become: kept if `memory` allows, or read in chunks.

    Coordinates are 2d weights: ``u_j``, and ``d + j`` for ``v_j``. The column of a coordinate holds
    what a unit of it adds to the worst margins.
    """

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        chunks: Sequence[slice],
        radius: float,
        box: tuple[float, float],
        memory: int,
    ) -> None:
        self.x, self.y, self.chunks, self.radius, self.box = x, y, chunks, radius, box
        self.n, self.d = x.shape
        # Additions in a row, and the largest value: what bounds the rounding errors of `pull`.
        self.additions = max(rows.stop - rows.start for rows in chunks) + len(chunks)
        self.largest = max(map(abs, box))
        self.kept = list(self._read()) if 16 * x.size <= memory // 2 else None

    def _read(self) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        for rows in self.chunks:
            yield rows, *self.ends(self.x[rows].astype(np.float64, copy=False), self.radius)

    def ends(self, pixels: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest values around some pixels' values."""
        low, high = self.box
        return np.maximum(pixels - radius, low), np.minimum(pixels + radius, high)

    def columns(self, index: np.ndarray, radius: float) -> np.ndarray:
        """The columns of some coordinates for a radius, shape (n, k)."""
        low, high = self.ends(self.x[:, index % self.d].astype(np.float64, copy=False), radius)
        own = (index < self.d) == (self.y > 0)[:, None]  # u for a one, v for a zero
        return np.where(own, low, -high)

    def pull(self, a: np.ndarray) -> np.ndarray:
        """Weighted sum of each coordinate's column, shape (2d,)."""
        of_ones, of_zeros = np.where(self.y > 0, a, 0), np.where(self.y < 0, a, 0)
        weights = np.stack([of_ones, of_zeros])
        lows, highs = np.zeros((2, 2, self.d))
        for rows, low, high in self._read() if self.kept is None else self.kept:
            lows += weights[:, rows] @ low
            highs += weights[:, rows] @ high
        return np.concatenate([lows[0] - highs[1], lows[1] - highs[0]])

    def is_feasible(self, a: np.ndarray, pulled: np.ndarray) -> bool:
        """Whether the weighted interval means certainly overlap; `pulled` is ``pull(a)``.

        Each coordinate must not be positive: the lower mean of one class is at most the upper mean
        of the other. It is off by at most (additions in a row, and four more) roundings of
        sum(a) * largest value: two to form the ends, one for each product, one for the difference.
        """
        rounding = (self.additions + 4) * ROUNDING * self.largest * math.fsum(a)
        return bool(pulled.max() <= -rounding)

    def bound(self, a: np.ndarray, pulled: np.ndarray) -> float:
        """The lower bound that balanced weights prove, or 0, which always holds."""
        return mean_entropy(a) if self.is_feasible(a, pulled) else 0.0


@dataclass(frozen=True)
class Descent:
    """Where :func:`descend` ended: the classifier, its risk, the weights and their bound."""

    theta: np.ndarray
    intercept: float
    risk: float
    bound: float
    a: np.ndarray
    status: Status
    steps: int


def descend(
    data: Intervals, theta: np.ndarray, intercept: float, *, tol: float, max_steps: int
) -> Descent:
    """Minimise the risk from a classifier on, until its bound is within `tol`, relatively.

    The steps aim at a slightly smaller radius, which costs a small share of the tolerance
    and leaves the weights `a` room within their constraints to absorb rounding errors.
    """
    weights = np.concatenate([np.maximum(theta, 0), np.maximum(-theta, 0)])
    aim, best, best_a, steps, stalled = data.radius, 0.0, np.zeros(data.n), 0, 0
    while True:
        used = np.flatnonzero(weights)
        margins = data.columns(used, data.radius) @ weights[used] + data.y * intercept
        risk = mean_loss(margins)
        size = weights.sum() * data.largest + abs(intercept)
        if margins.min() > 4 * (2 * data.d + 4) * ROUNDING * size:
            status = Status.SEPARABLE
            break
        a = balanced(expit(-data.columns(used, aim) @ weights[used] - data.y * intercept), data.y)
        pulled = data.pull(a)
        if (bound := data.bound(a, pulled)) > best:
            best, best_a = bound, a
        if risk - best <= tol * risk:
            status = Status.OPTIMAL
            break
        if steps >= max_steps or stalled > STALLS:
            status = Status.STOPPED
            break
        aim = data.radius - _slack(data, weights, a, tol * risk / 4)
        index = _opened(weights, pulled)
        columns = data.columns(index, aim)
        inner, intercept, taken, decrease = _newton(
            columns, data.y, weights[index], intercept, tol * risk
        )
        weights[index] = inner
        steps, stalled = steps + taken, stalled + 1 if decrease <= 1e-14 * risk else 0
    theta = weights[: data.d] - weights[data.d :]
    return Descent(theta, float(intercept), risk, best, best_a, status, steps)


def _opened(weights: np.ndarray, pulled: np.ndarray) -> np.ndarray:
    """The coordinates in use, and as many of those at 0 that would lower the risk most."""
    used = weights > 0
    gain = np.where(used, -math.inf, pulled)
    worst = np.argsort(-gain)[: max(20, used.sum())]
    used[worst[gain[worst] > 0]] = True
    used[worst[0]] |= not used.any()  # the step needs a coordinate
    return np.flatnonzero(used)


def _slack(data: Intervals, weights: np.ndarray, a: np.ndarray, price: float) -> float:
    """Largest decrease of the radius whose cost in mean loss is at most `price`, to first order.

    A smaller radius raises a worst margin by at most |theta|_1 for each unit. At least it is some
    roundings of the constraints, of which it must leave room.
    """
    least = 16 * (data.additions + 4) * ROUNDING * data.largest
    slope = weights.sum() * a.mean()
    return min(max(price / slope, least) if slope > 0 else least, 1e-3 * data.radius)


def _newton(
    columns: np.ndarray, y: np.ndarray, inner: np.ndarray, intercept: float, precision: float
) -> tuple[np.ndarray, float, int, float]:
    """At most two steps over some coordinates: weights, intercept, steps, the largest decrease."""
    steps, decrease, promised = 0, 0.0, math.inf
    while steps < 2 and promised > 1e-3 * precision:  # below, a step would change nothing
        inner, intercept, promised = _newton_step(columns, y, inner, intercept)
        steps, decrease = steps + 1, max(decrease, promised)
    return inner, intercept, steps, decrease


def _newton_step(
    columns: np.ndarray, y: np.ndarray, inner: np.ndarray, intercept: float
) -> tuple[np.ndarray, float, float]:
    """To the minimum of the second-order model, halved until the risk falls enough.

    Returns the new weights and intercept, and the decrease that the model's slope promised.
    """
    margins = columns @ inner + y * intercept
    a = expit(-margins)
    curvature = a * (1 - a)
    if curvature.sum() < 1e-100:  # the weights have run away
        return inner, intercept, 0.0
    rows = np.column_stack([columns, y])
    scaled = rows * np.sqrt(curvature)[:, None]
    gradient = -a @ rows
    here = np.append(inner, intercept)
    there = minimise_over_cone(scaled.T @ scaled, gradient, here, np.eye(len(here)))
    loss, slope = np.logaddexp(0, -margins).sum(), gradient @ (there - here)
    step = 1.0
    while step > 1e-10:
        new = (1 - step) * here + step * there  # exact for step 1: weights at 0 stay there
        if np.logaddexp(0, -rows @ new).sum() <= loss + 1e-4 * step * slope + 1e-14 * loss:
            return new[:-1], float(new[-1]), -slope / len(y)
        step /= 2
    return inner, intercept, 0.0
