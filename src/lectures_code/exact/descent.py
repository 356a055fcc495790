"""Newton's method for interval features, on a growing working set of coordinates.

A step goes to the minimum of the second-order model over non-negative weights, by non-negative
least squares. Coordinates enter the working set that break optimality most. It starts from the
optimum of every tenth example, which finds most of the working set at a tenth of the cost.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from lectures_code.exact.columns import Columns, worst_margins
from lectures_code.exact.dual import ROUNDING, Certificate, balanced, mean_loss
from lectures_code.exact.intervals import Intervals
from lectures_code.exact.margin import separates, widest_margin
from lectures_code.exact.optimum import Status
from lectures_code.exact.quadratic import minimise_over_cone

STALLS = 3  # steps in turn that lower the risk by rounding only, before giving up
PATIENCE = 40  # Newton steps after which it is asked whether there is a minimiser at all
AT_ONCE, CONVERGING = 2, 1e-4  # steps in turn; twice as many where they gain so little, relatively
NEARBY = 0.03  # of the width: a coordinate with a pull so near to 0 belongs to the guess
SOON = 0.003  # likewise, with those that must enter; more than intervals are narrowed by
FEWER, ENOUGH = 10, 5_000  # every so many examples come first, where there are more than these
LATE = 1e-9  # the most by which intervals are narrowed that were not from the start, in widths
NOTHING = 1e-9  # the most by which rounding may change a margin in a step of more than 1
ROUGH = 1e-3  # relative gap at which their optimum is good enough


@dataclass(frozen=True)
class Start:
    """Where to start: coordinates ``(u, v)`` and intercept.

    `index` is a guess of the working set, to take steps in before optimality is checked.
    """

    weights: np.ndarray
    intercept: float
    index: np.ndarray | None
    shrink: float


@dataclass(frozen=True)
class Descent:
    """Where :func:`descend` ended.

    `pull` is that of the narrowed intervals at the end, for each unit of the summed weights.
    """

    weights: np.ndarray
    intercept: float
    risk: float
    best: Certificate
    status: Status
    steps: int
    shrink: float
    pull: np.ndarray

    def start(self, near: float, shrink: float) -> Start:
        """To start from here, with the coordinates in use, and those that are nearly so."""
        index = np.flatnonzero((self.weights > 0) | (self.pull > -near))
        return Start(self.weights, self.intercept, index, shrink)


def descend(data: Intervals, start: Start | None, *, tol: float, max_steps: int) -> Descent:
    """Minimise the risk until its lower bound is within `tol`, relatively.

    The steps are for intervals narrower by a share `shrink`. That costs a small share of the
    tolerance, and leaves the weights `a` room within their constraints for rounding errors.
    """
    run = _Run(data, start or _guess(data, tol), tol, max_steps)
    if mean_loss(run.margins) > mean_loss(data.y * data.data.log_odds):  # worse than a constant
        run = _Run(data, _constant(data), tol, max_steps)
    while not run.has_ended():
        run.ask()
        run.widen()
        run.take_steps()
    return run.end()


def follow(last: Descent, before: Descent, change: float, near: float) -> Start:
    """Where the optima of two radii point to, for a step that is `change` times theirs.

    A coordinate is in the guess where the pull comes within `near` of 0.
    """
    weights = np.maximum(last.weights + change * (last.weights - before.weights), 0)
    weights[last.weights == 0] = 0
    ahead = replace(
        last,
        weights=weights,
        intercept=last.intercept + change * (last.intercept - before.intercept),
        pull=last.pull + change * (last.pull - before.pull),
    )
    return ahead.start(near, last.shrink)


def _constant(data: Intervals) -> Start:
    """The best classifier whose weights are 0."""
    return Start(np.zeros(2 * data.d), data.data.log_odds, None, data.slack)


def _guess(data: Intervals, tol: float) -> Start:
    """The optimum of fewer examples, if they are many and have one, or the constant."""
    if data.n <= ENOUGH or abs((fewer := data.some(slice(None, None, FEWER))).y.sum()) == fewer.n:
        return _constant(data)
    found = descend(fewer, None, tol=ROUGH, max_steps=PATIENCE)
    if found.status is Status.SEPARABLE:
        return _constant(data)
    return found.start(NEARBY * data.width, min(found.shrink * tol / ROUGH, data.slack))


class _Run:
    """The state of a descent: a classifier, its margins, and the working set with its columns."""

    def __init__(self, data: Intervals, start: Start, tol: float, max_steps: int) -> None:
        self.data, self.tol, self.max_steps = data, tol, max_steps
        self.weights, self.intercept = start.weights.copy(), start.intercept
        self.shrink = start.shrink
        self.columns, self.margins = Columns(data, np.array([], int), self.shrink), np.empty(0)
        self.best = Certificate(0.0, np.zeros(data.n), math.nan)
        self.status, self.risk = Status.STOPPED, math.inf
        self.steps, self.stalled, self.asked = 0, 0, False
        self.slack, self.saved = data.slack, (math.inf, self.weights, self.intercept)
        self._open(np.flatnonzero(self.weights) if start.index is None else start.index)
        if start.index is not None and len(self.index):
            self.take_steps()

    def has_ended(self) -> bool:
        """Whether the end is reached; if not, all is known for the next steps."""
        risk = mean_loss(self.margins)
        self.a = balanced(expit(-self.margins), self.data.y)
        sums = self.data.sums(self.a)
        self.pull = self.data.pull(self.a, sums)
        certificate = self.data.certify(self.a, sums)
        if certificate.bound >= self.best.bound:
            self.best = certificate
        if self.margins.min() > 0 and separates(self.data, self.weights, self.intercept):
            self.status = Status.SEPARABLE
        # The risk is at least that in the narrowed intervals, which costs nothing to know.
        elif risk - self.best.bound <= self.tol * risk and self._closes():
            self.status = Status.OPTIMAL
        elif self.steps < self.max_steps and self.stalled <= STALLS:
            self._narrow_at_last()
            return False
        return True

    def _narrow_at_last(self) -> None:
        """Where intervals were not narrowed so far: do it now, and remember where they were not."""
        if self.slack == 0 and self.stalled:
            self.saved = mean_loss(self._true_margins()), self.weights.copy(), self.intercept
            self.slack, self.stalled = LATE, 0

    def ask(self) -> None:
        """Once, after many steps: whether the data are separable. If so, go where they are."""
        if self.steps <= PATIENCE or self.asked:
            return
        self.asked = True
        found = widest_margin(self.data, 1e-9, np.zeros(self.data.n, bool))
        if found.margin > 0:
            self.weights, self.intercept = found.weights, found.intercept
            self._open(np.flatnonzero(self.weights))

    def widen(self) -> None:
        """Choose how much narrower the intervals are, and take in what breaks optimality most."""
        widths = self.data.widths(self.a, self.pull)
        price = self.tol * mean_loss(self.margins) * self.data.n / 8
        slope = widths @ self.weights
        least = 16 * self.data.rounding / self.data.width
        wanted = min(max(price / slope, least), self.slack) if slope > 0 else self.shrink
        if not wanted / 4 <= self.shrink <= 4 * wanted:
            self.shrink = wanted
        self._open(opened(self.weights, self.pull + SOON * widths))

    def take_steps(self) -> None:
        """A few steps of Newton's method in the working set."""
        precision = self.tol * mean_loss(self.margins)
        here = np.append(self.weights[self.index], self.intercept)
        here, self.margins, steps, decrease = newton(
            self.columns, here, self.margins, precision, self.max_steps - self.steps
        )
        self.weights[self.index], self.intercept = here[:-1], float(here[-1])
        self.steps += steps
        # Where the risk is flat it says nothing any more, but a step may still make `a` feasible.
        self.stalled = self.stalled + 1 if decrease <= 1e-5 * precision else 0

    def end(self) -> Descent:
        """What has been found."""
        widths = self.data.widths(self.a, self.pull)
        pull = (self.pull + self.shrink * widths) / max(self.a.sum(), 1e-300)
        if self.status is not Status.OPTIMAL:
            self.risk = mean_loss(self._true_margins())
        if self.status is Status.STOPPED and self.saved[0] < self.risk:
            self.risk, self.weights, self.intercept = self.saved
        return Descent(
            self.weights,
            self.intercept,
            self.risk,
            self.best,
            self.status,
            self.steps,
            self.shrink,
            pull,
        )

    def _open(self, index: np.ndarray) -> None:
        """Take these coordinates into the working set; all others are 0."""
        self.index, self.columns = index, Columns(self.data, index, self.shrink, self.columns)
        self.margins = self.columns.push(np.append(self.weights[self.index], self.intercept))

    def _true_margins(self) -> np.ndarray:
        if self.data.is_even:
            return self.margins - self.shrink * self.data.width * self.weights.sum()
        return worst_margins(self.data, self.weights, self.intercept)

    def _closes(self) -> bool:
        self.risk = mean_loss(self._true_margins())
        return self.risk - self.best.bound <= self.tol * self.risk


def opened(weights: np.ndarray, pull: np.ndarray) -> np.ndarray:
    """The coordinates in use, and as many of those at 0 that would lower the risk most."""
    used = weights > 0
    gain = np.where(used, -math.inf, pull)
    worst = np.argsort(-gain)[: max(20, used.sum())]
    used[worst[gain[worst] > 0]] = True
    used[worst[0]] |= not used.any()  # the step needs a coordinate
    return np.flatnonzero(used)


def newton(
    columns: Columns,
    here: np.ndarray,
    margins: np.ndarray,
    precision: float,
    most: int,
    price: float = 0.0,
) -> tuple[np.ndarray, np.ndarray, int, float]:
    """A few steps, at most so many: weights and intercept, margins, steps, the largest decrease.

    To go on once they converge costs less than to look at all coordinates in between.
    `price` is a penalty beside the mean loss, for each unit of the weights.
    """
    steps, decrease, promised = 0, 0.0, math.inf
    little, enough = CONVERGING * mean_loss(margins), AT_ONCE
    # Where less is promised a step would change nothing.
    while steps < min(enough, most) and promised > 1e-3 * precision:
        here, margins, promised = _step(columns, here, margins, price)
        steps, decrease = steps + 1, max(decrease, promised)
        enough = AT_ONCE if promised > little else 2 * AT_ONCE
    return here, margins, steps, decrease


def _step(
    columns: Columns, here: np.ndarray, margins: np.ndarray, price: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """To the minimum of the second-order model, halved until the objective falls enough.

    Returns the new coefficients and margins, and the decrease that the model's slope promised.
    """
    a, n = expit(-margins), len(margins)
    if (a * (1 - a)).sum() < 1e-100:  # the weights have run away
        return here, margins, 0.0
    hessian, gradient = columns.second_order(a)
    gradient[:-1] += price * n
    there = minimise_over_cone(hessian, gradient, here)
    risk, slope = mean_loss(margins) + price * here[:-1].sum(), gradient @ (there - here) / n
    ahead, step = columns.push(there), 1.0

    def at(step: float) -> tuple[np.ndarray, np.ndarray, float]:
        new = (1 - step) * here + step * there  # exact for step 1: weights at 0 stay there
        trial = (1 - step) * margins + step * ahead
        return new, trial, mean_loss(trial) + price * new[:-1].sum()

    while step > 1e-10:
        new, trial, objective = at(step)
        if objective <= risk + 1e-4 * step * slope + 1e-14 * risk:
            break
        step /= 2
    else:
        return here, margins, 0.0
    # Where some examples can be separated for nothing, their margins grow by 1 a step: go on, while
    # the margins' rounding errors, which grow with the step, are nothing beside it.
    size = np.abs(there[:-1]).sum() * columns.data.largest + abs(there[-1])
    while step >= 1 and 2 * step * ROUNDING * size < NOTHING:
        found = at(2 * step)
        if found[0][:-1].min() < 0 or found[2] >= objective - 1e-13 * risk:
            break
        (new, trial, objective), step = found, 2 * step
    return new, trial, -slope
