"""The largest worst margin that interval features allow, by a linear programme with both proofs."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linprog

from lectures_code.exact.columns import worst_margins
from lectures_code.exact.dual import ROUNDING, UNDERFLOW, balanced, in_small_fractions
from lectures_code.exact.examples import uniform_weights
from lectures_code.exact.intervals import Intervals

MOST = 100  # examples of a class that join the working set at once
EXACT = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


@dataclass(frozen=True)
class Widest:
    """A classifier with weights of sum 1 and a large least worst margin, and what no other exceeds.

    `bound` is what the balanced weights `a` of the examples prove: the largest pull, for each unit
    of their sum, is at least every classifier's margin.
    """

    weights: np.ndarray
    intercept: float
    margin: float
    a: np.ndarray
    bound: float


def separates(data: Intervals, weights: np.ndarray, intercept: float) -> bool:
    """Whether every worst margin is positive, by more than its rounding errors."""
    size = weights.sum() * data.largest + abs(intercept)
    least = worst_margins(data, weights, intercept).min()
    return bool(least > 4 * (2 * data.d + 4) * ROUNDING * size + UNDERFLOW)


def widest_margin(data: Intervals, tol: float, chosen: np.ndarray) -> Widest:
    """Maximise the least worst margin over weights of sum 1, up to `tol` in units of the largest.

    A linear programme over the examples that `chosen` marks, to which those with the smallest
    margins are added until no margin is smaller.
    """
    a = balanced(uniform_weights(data.y > 0) + uniform_weights(data.y < 0), data.y)
    pull = data.pull(a, data.sums(a))
    weights = np.zeros(2 * data.d)
    weights[pull.argmax()] = 1.0
    best = Widest(weights, 0.0, -math.inf, a, pull.max() / a.sum())
    while True:
        if chosen.any():
            weights, a = _programme(data, chosen)
            bound = data.pull(a, data.sums(a)).max() / a.sum()
            if bound < best.bound:
                best = replace(best, a=a, bound=bound)
        margins = worst_margins(data, weights, 0.0)
        ones, zeros = (margins[data.y == sign].min() for sign in (1, -1))
        if (ones + zeros) / 2 > best.margin:
            middle, margin = (zeros - ones) / 2, (ones + zeros) / 2
            best = replace(best, weights=weights, intercept=middle, margin=margin)
        worse = most_violated(margins, data.y, chosen)
        if best.bound <= max(0, best.margin + tol * data.largest) or not worse.size:
            return best
        chosen[worse] = True


def _programme(data: Intervals, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maximise t subject to a worst margin >= t of each chosen example; weights, and multipliers.

    Coordinates that are the same for all of them are left out: no weight on them changes t.
    """
    some = data.some(np.flatnonzero(chosen))
    block = some.block(slice(0, some.n), np.arange(2 * some.d), 0.0).T / data.largest
    varies = np.ptp(some.y[:, None] * block, axis=0) > 0
    if not varies.any():
        varies[0] = True
    k = varies.sum()
    rows = np.hstack([-block[:, varies], -some.y[:, None], np.ones((some.n, 1))])
    found = linprog(
        np.append(np.zeros(k + 1), -1.0),
        A_ub=rows,
        b_ub=np.zeros(some.n),
        A_eq=np.append(np.ones(k), [0.0, 0.0])[None],
        b_eq=[1.0],
        bounds=[(0, None)] * k + [(None, None)] * 2,
        method="highs",
        options=EXACT,
    )
    weights, a = np.zeros(2 * data.d), np.zeros(data.n)
    weights[varies] = np.maximum(found.x[:k], 0)
    forces = np.maximum(-found.ineqlin.marginals, 0)
    for sign in (1, -1):
        own = np.where(some.y == sign, forces, 0.0)
        a[chosen] += own / own.sum() if own.any() else uniform_weights(some.y == sign)
    return weights, balanced(a, data.y)


def most_violated(margins: np.ndarray, y: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Of each class, some examples with a smaller margin than all those chosen so far."""
    found = []
    for sign in (1, -1):
        others = np.where((y == sign) & ~chosen, margins, math.inf)
        bound = margins[(y == sign) & chosen].min(initial=math.inf)
        worst = np.argsort(others)[:MOST]
        found.append(worst[others[worst] < bound])
    return np.concatenate(found)


@dataclass(frozen=True)
class SeparationBounds:
    """The radii between which separability ends, with what proves them."""

    lower: float
    upper: float
    separating: Widest | None
    a: np.ndarray


def separation_bounds(data: Intervals, tol: float) -> SeparationBounds:
    """Where separability ends, within `tol` in units of the largest pixel.

    From the classifier of the widest margin at a radius to the largest radius at which it still
    separates; from there with the next one, until there is none.
    """
    chosen, unit = np.zeros(data.n, bool), tol * data.data.largest
    best, radius = SeparationBounds(0.0, math.inf, None, np.zeros(data.n)), 0.0
    while True:
        found = widest_margin(data.at(radius), 0.1 * tol, chosen)
        if (reach := _reach(data, found, radius, unit)) > best.lower:
            best = replace(best, lower=reach, separating=found)
        for a in _proofs(data, found.a):
            if (least := _least_radius(data, a, best.lower, unit)) < best.upper:
                best = replace(best, upper=least, a=a)
        if best.upper - best.lower <= unit or best.lower + unit / 4 <= radius:
            return best
        radius = best.lower + unit / 4


def _proofs(data: Intervals, a: np.ndarray) -> list[np.ndarray]:
    """Weights to try: where sums are exact, also those that may meet equations exactly."""
    return [a] if data.rounding else [in_small_fractions(a, data.y), a]


def _reach(data: Intervals, found: Widest, start: float, unit: float) -> float:
    """The largest radius from `start` on at which the classifier separates, 0 if it does not."""

    def holds(radius: float) -> bool:
        return separates(data.at(radius), found.weights, found.intercept)

    return _bracket(holds, start, unit)[0] if found.margin > 0 and holds(start) else 0.0


def _least_radius(data: Intervals, a: np.ndarray, start: float, unit: float) -> float:
    """The least radius from `start` on at which the weights are feasible."""
    support = np.flatnonzero(a)
    few, weights = data.some(support), a[support]

    def fails(radius: float) -> bool:
        at = few.at(radius)
        return not at.is_feasible(weights, at.sums(weights))

    return _bracket(fails, start, unit)[1] if fails(start) else start


def _bracket(holds: Callable[[float], bool], start: float, unit: float) -> tuple[float, float]:
    """Two radii, a hundredth of `unit` apart or less, between which it ceases to hold."""
    low, step = start, unit
    while holds(low + step):
        low, step = low + step, 4 * step
        if step > 1e12 * unit:
            return low, math.inf
    high = low + step
    while high - low > max(unit / 100, 2 * math.ulp(high)):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low, high
