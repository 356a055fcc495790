r"""The exact robust linear classifier, with a certificate that it is optimal.

The adversarial risk of a linear classifier is convex (`q` is the dual exponent of `p`):

.. math:: R(\theta, \theta_0) = \frac1N \sum_i
    \Psi\bigl(y_i (\theta^\top x_i + \theta_0) - \varepsilon \|\theta\|_q\bigr).

:func:`solve` minimises it by Newton's method. For p = inf nearly all weights of the optimum are 0,
for p = 1 nearly all have the same, largest size: a step concerns the others only, a small working
set, to which those join that break optimality most. While no weight crosses 0 (p = inf) or the
largest size (p = 1), the norm is linear, and the second-order model of the risk is minimised
exactly, by non-negative least squares. For p = 2 the norm is smooth, and a step takes all weights.

Optimality is not the solver's word: :func:`lower_bound` recomputes it from a point of the dual.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.linalg import cho_solve
from scipy.optimize import linprog, nnls
from scipy.special import expit
from torch import Tensor, nn

from lectures_code.checks import check_count, check_examples, check_exponent, check_positive
from lectures_code.dual import ROUNDING, balanced, mean_entropy
from lectures_code.intervals import Intervals, descend
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import BoxedNormBall, NormBall
from lectures_code.quadratic import cholesky, minimise_over_cone

MAX_STEPS = 200
PATIENCE = 40  # Newton steps after which it is asked whether there is a minimiser at all
# Steps in turn that lower the risk by no more than rounding, before giving up. At its minimum the
# risk is flat and says nothing any more, but a step may still make the dual point feasible.
STALLS = 3
PATH_STEPS = 5  # Newton steps along a path before optimality is checked
NEAR = 0.1  # along a path a pixel enters if so near the bound, in units of the change of radius


@dataclass(frozen=True, eq=False)
class RobustOptimum:
    r"""What :func:`solve` found, and what proves it.

    Parameters
    ----------
    ball : NormBall
        The perturbation set.
    classifier : LinearClassifier
        The minimiser; where there is none, a classifier that separates the data robustly.
    risk : float
        Its adversarial risk, an upper bound on the infimum.
    lower_bound : float
        A proven lower bound on the adversarial risk of every linear classifier.
    alpha : Tensor of shape (n,)
        The feasible dual point behind the bound: how much each example carries, in [0, 1].
    bound_radius : float
        Radius at which `alpha` is feasible: the ball's radius. Only where that is as small as
        rounding errors (0, say) it is larger by as much: the bound then holds for the data up to a
        shift of each example by less than this.
    status : str
        ``"optimal"``: the relative gap is at most the tolerance. ``"separable"``: the infimum is 0
        and no classifier attains it. ``"stopped"``: rounding errors or the limit of steps left a
        larger gap; both bounds still hold.
    iterations : int
        Newton steps.
    """

    ball: NormBall
    classifier: LinearClassifier
    risk: float
    lower_bound: float
    alpha: Tensor
    bound_radius: float
    status: str
    iterations: int

    @property
    def gap(self) -> float:
        """Difference between the two bounds, ``risk - lower_bound``."""
        return self.risk - self.lower_bound

    @property
    def relative_gap(self) -> float:
        """The gap in units of the risk; rounding may leave it slightly below 0."""
        return self.gap / self.risk


@dataclass(frozen=True, eq=False)
class Separation:
    r"""How far the convex hulls of the two classes lie apart: see :func:`separate`.

    Parameters
    ----------
    p : float
        The norm in which the distance is measured.
    radius : float
        Proven lower bound on half the distance; 0 where the hulls touch or overlap, infinite where
        a class is empty.
    upper_bound : float
        Proven upper bound on half the distance.
    classifier : LinearClassifier or None
        Separates the data robustly at every radius below `radius`; None where that is 0.
    alpha : Tensor of shape (n,)
        Weights of the nearest points of the two hulls: non-negative, each class sums to 1.
    """

    p: float
    radius: float
    upper_bound: float
    classifier: LinearClassifier | None
    alpha: Tensor


# ---------------------------------------------------------------------------------- public


def solve(
    x: Tensor,
    y: Tensor,
    ball: NormBall,
    *,
    tol: float = 1e-9,
    start: LinearClassifier | nn.Linear | None = None,
    max_steps: int = MAX_STEPS,
    memory: int = 2**28,
) -> RobustOptimum:
    r"""Minimise the adversarial risk of a linear classifier exactly, with a certificate.

    .. math:: \min_{\theta, \theta_0} \frac1N \sum_{i=1}^N
        \Psi\bigl(y_i (\theta^\top x_i + \theta_0) - \varepsilon \|\theta\|_q\bigr)

    Parameters
    ----------
    x : Tensor of shape (n, d)
        Examples; they may lie in a memory-mapped file and are read in chunks.
    y : Tensor of shape (n,)
        Labels in {-1, +1}.
    ball : NormBall
        The perturbation set, p = 1, 2 or inf; in the pixel box for p = inf.
    tol : float, positive
        Relative gap between the risk and its lower bound to reach.
    start : LinearClassifier or nn.Linear with one output, optional
        Where to start, the optimum at a nearby radius, say. It changes the time, not the answer.
    max_steps : int
        Limit of Newton steps.
    memory : int
        Bytes to work with, beyond the data and some ten numbers an example. Less is slower.

    Returns
    -------
    RobustOptimum
        The classifier, its risk, a proven lower bound, the dual point that proves it, the status.

    Raises
    ------
    TypeError, ValueError
        If the examples are not finite floats with labels -1 and +1, or leave the ball's box, the
        ball has another exponent, or a parameter is out of its range.

    Notes
    -----
    Data that are robustly separable at this radius, those of one class only included, have no
    minimiser: every multiple of a separating classifier has a lower risk. At radius 0 all norms are
    the same. A step costs :math:`O(N (d + k^2))`, with k the size of the working set, for p = 2 all
    d pixels; beside the data, memory of :math:`O(N + k^2)` is needed. At exactly the threshold of
    :func:`separability_radius` the infimum is above 0 and need not be attained: expect
    ``"stopped"``.
    """
    _check_ball(ball)
    tol, max_steps = check_positive("tol", tol), check_count("max_steps", max_steps)
    data = _open(x, y, memory)
    path = []
    if start is not None:
        start = LinearClassifier.of(start)
        if len(start.theta) != data.d:
            raise ValueError(
                f"start must have {data.d} weights, one for each feature, got {len(start.theta)}"
            )
        theta = start.theta.detach().double().numpy().copy()
        path = [_point(data, theta, float(start.intercept))]
    if isinstance(ball, BoxedNormBall):
        return _solve_in_box(data, ball, tol, path, max_steps)
    return _solve(data, ball, tol, path, max_steps)[0]


def _solve_in_box(
    data: "_Examples", ball: BoxedNormBall, tol: float, path: "list[_Point]", max_steps: int
) -> RobustOptimum:
    """As :func:`solve`, for a ball in the pixel box: see :mod:`lectures_code.intervals`."""
    if ball.radius == 0 or abs(data.y.sum()) == data.n:  # the box changes nothing
        found, _ = _solve(data, NormBall(ball.p, ball.radius), tol, path, max_steps)
        return replace(found, ball=ball)
    constant = _Point(np.zeros(data.d), data.log_odds, np.empty(0))
    start = path[-1] if path else constant
    end = descend(
        _intervals(data, ball), start.theta, start.intercept, tol=tol, max_steps=max_steps
    )
    return RobustOptimum(
        ball=ball,
        classifier=_classifier(end.theta, end.intercept),
        risk=end.risk,
        lower_bound=end.bound,
        alpha=torch.from_numpy(end.a),
        bound_radius=ball.radius,
        status=end.status,
        iterations=end.steps,
    )


def _intervals(data: "_Examples", ball: BoxedNormBall) -> Intervals:
    """What each pixel can become; raises if the examples leave the box."""
    ends = torch.stack(torch.aminmax(torch.from_numpy(data.x), dim=0))
    ball.support(torch.zeros(data.d, dtype=ends.dtype), ends)  # checks that they lie in the box
    box = ball.low, ball.high
    return Intervals(data.x, data.y, data.chunks, ball.radius, box, data.memory)


def _solve(
    data: "_Examples", ball: NormBall, tol: float, path: "list[_Point]", max_steps: int
) -> "tuple[RobustOptimum, _Point | None]":
    """As :func:`solve`, for data that are open, from the last point of `path`.

    Returns the next point of the path as well, if there is one.
    """
    if abs(data.y.sum()) == data.n:
        return _one_class(data, ball), None
    constant = _Point(np.zeros(data.d), data.log_odds, np.full(data.n, data.log_odds))
    if not path:
        return _descend(data, ball, tol, constant, max_steps)
    if ball.p == 2:  # Newton's steps approach the kink of the norm at 0, but never arrive
        found = _descend(data, ball, tol, constant, 0)
        if found[0].status == "optimal":
            return found
    if ball.p == math.inf and ball.radius < path[-1].radius <= 1.5 * ball.radius:
        point, steps = _follow(data, ball, tol, path)
        return _descend(data, ball, tol, point, max_steps, steps)
    return _descend(data, ball, tol, path[-1], max_steps)


def solution_path(
    x: Tensor,
    y: Tensor,
    p: float,
    radii: Sequence[float],
    *,
    tol: float = 1e-9,
    memory: int = 2**28,
) -> tuple[RobustOptimum, ...]:
    """Solve for several radii, each from its neighbour's optimum.

    From the largest radius down, for there the fewest weights differ from zero.

    Parameters
    ----------
    x : Tensor of shape (n, d)
        Examples.
    y : Tensor of shape (n,)
        Labels in {-1, +1}.
    p : float
        Exponent of the perturbation's norm: 1, 2 or inf.
    radii : sequence of floats, at least 0
        Radii in pixel units, in any order.
    tol : float, positive
        Relative gap to reach at each radius.
    memory : int
        Bytes to work with: see :func:`solve`.

    Returns
    -------
    tuple of RobustOptimum
        One for each radius, in the order of `radii`, each as :func:`solve` would give it.

    Raises
    ------
    TypeError, ValueError
        As :func:`solve` does.
    """
    p = _check_exponent(p)
    tol = check_positive("tol", tol)
    balls = [NormBall(p, radius) for radius in radii]
    data = _open(x, y, memory)
    found: dict[float, RobustOptimum] = {}
    path: list[_Point] = []
    for ball in sorted(balls, key=lambda ball: -ball.radius):
        if ball.radius not in found:
            found[ball.radius], point = _solve(data, ball, tol, path, MAX_STEPS)
            path = [*path, point][-2:] if point else []
    return tuple(found[ball.radius] for ball in balls)


def lower_bound(
    x: Tensor, y: Tensor, ball: NormBall, alpha: Tensor, *, memory: int = 2**28
) -> float:
    r"""Lower bound on the adversarial risk of every linear classifier, proven by a dual point.

    .. math::
        R(\theta, \theta_0) \ge \frac1N \sum_i H(\alpha_i), \qquad
        H(a) = -a \log a - (1 - a) \log(1 - a)

    for every :math:`0 \le \alpha_i \le 1` with :math:`\sum_i \alpha_i y_i = 0` and
    :math:`\|\sum_i \alpha_i y_i x_i\|_p \le \varepsilon \sum_i \alpha_i`: an adversary who may move
    each example by :math:`\varepsilon` can move the weighted means of the two classes onto each
    other. In the box the second condition is that they can do so within it: in every pixel the
    weighted mean of the least values of one class is at most that of the greatest of the other.

    Parameters
    ----------
    x : Tensor of shape (n, d)
        Examples.
    y : Tensor of shape (n,)
        Labels in {-1, +1}.
    ball : NormBall
        The perturbation set, p = 1, 2 or inf; in the pixel box for p = inf.
    alpha : Tensor of shape (n,), float64
        The dual point, feasible *exactly*, not up to a tolerance.
    memory : int
        Bytes to work with: see :func:`solve`.

    Returns
    -------
    float
        The bound. Every rounding error of this computation is allowed for.

    Raises
    ------
    ValueError
        If a constraint is not met, or not by more than the rounding errors of checking it.

    Notes
    -----
    Psi is the conjugate :math:`\Psi(z) = \max_a H(a) - a z`. So the risk is at least the mean of
    :math:`H(\alpha_i) - \alpha_i (y_i (\theta^\top x_i + \theta_0) - \varepsilon \|\theta\|_q)`,
    where the constraints make the terms beyond H non-negative, by Hölder's inequality.
    """
    _check_ball(ball)
    data = _open(x, y, memory)
    alpha = _check_alpha(alpha, data.n)
    if not (alpha.min() >= 0 and alpha.max() <= 1):
        raise ValueError(
            f"alpha must lie in [0, 1], got {alpha.min():g} to {alpha.max():g}: clip it"
        )
    imbalance = math.fsum(alpha * data.y)  # fsum rounds once, at the end: 0 means exactly 0
    if imbalance != 0:
        raise ValueError(
            f"alpha must weigh both classes exactly alike, got a difference of {imbalance:g}: "
            "scale the heavier class down"
        )
    if isinstance(ball, BoxedNormBall):
        intervals = _intervals(data, ball)
        if not intervals.is_feasible(alpha, intervals.pull(alpha)):
            raise ValueError(
                "alpha must make the weighted interval means of the classes overlap in every "
                "pixel, by more than the rounding errors of checking it, got one that does not: "
                "the adversary can't move the weighted class means onto each other in the box"
            )
        return mean_entropy(alpha)
    required = _least_radius(data, ball.p, alpha, data.columns().pull(alpha * data.y))
    if required > ball.radius:
        raise ValueError(
            f"alpha must be feasible at radius {ball.radius!r}, got one that takes {required!r}: "
            "the adversary can't move the weighted class means onto each other"
        )
    return mean_entropy(alpha)


def separate(
    x: Tensor, y: Tensor, p: float, *, tol: float = 1e-9, memory: int = 2**28
) -> Separation:
    r"""The largest radius at which the data can still be separated robustly, with both its proofs.

    .. math::
        \max_{\theta, \theta_0} \min_i \frac{y_i (\theta^\top x_i + \theta_0)}{\|\theta\|_q}
        = \tfrac12 \min_{\lambda, \mu}
        \Bigl\| \sum_{y_i = 1} \lambda_i x_i - \sum_{y_i = -1} \mu_i x_i \Bigr\|_p,

    half the distance of the convex hulls (:math:`\lambda` and :math:`\mu` are convex weights). Any
    classifier bounds it from below, any pair of weights from above.

    Parameters
    ----------
    x : Tensor of shape (n, d)
        Examples.
    y : Tensor of shape (n,)
        Labels in {-1, +1}.
    p : float
        Exponent of the perturbation's norm: 1, 2 or inf.
    tol : float, positive
        Difference of the two bounds to reach, in units of the largest pixel.
    memory : int
        Bytes to work with: see :func:`solve`.

    Returns
    -------
    Separation
        The radius, from below and above, the classifier and the nearest points that prove them.

    Raises
    ------
    TypeError, ValueError
        If the examples are not finite floats with labels -1 and +1, or the exponent is another.

    Notes
    -----
    A linear programme (p = 1, inf) or a non-negative least-squares problem (p = 2) over a working
    set of examples, to which those with the smallest margins are added until no margin is smaller.

    References
    ----------
    Bennett and Bredensteiner (2000), Duality and geometry in SVM classifiers; Lawson and Hanson
    (1974), Solving least squares problems, chapter 23.
    """
    p = _check_exponent(p)
    tol = check_positive("tol", tol)
    data = _open(x, y, memory)
    if abs(data.y.sum()) == data.n:
        constant = _classifier(np.zeros(data.d), data.y[0])
        return Separation(p, math.inf, math.inf, constant, torch.full((data.n,), 1 / data.n))
    return _separate(data, p, tol)


def separability_radius(x: Tensor, y: Tensor, p: float, *, memory: int = 2**28) -> float:
    """Half the l_p distance of the two classes' convex hulls: the radius of :func:`separate`.

    Parameters
    ----------
    x : Tensor of shape (n, d)
        Examples.
    y : Tensor of shape (n,)
        Labels in {-1, +1}.
    p : float
        Exponent of the perturbation's norm: 1, 2 or inf.
    memory : int
        Bytes to work with: see :func:`solve`.

    Returns
    -------
    float
        The threshold in pixel units. Below it the data are robustly separable and the adversarial
        risk has no minimiser. 0 if the hulls touch, infinite if there is one class only.

    Raises
    ------
    TypeError, ValueError
        As :func:`separate` does.
    """
    return separate(x, y, p, memory=memory).radius


# -------------------------------------------------------------------- the certificate's parts


def _least_radius(data: "_Examples", p: float, alpha: np.ndarray, moved: np.ndarray) -> float:
    """An upper bound on the least radius at which the balanced dual point `alpha` is feasible.

    `moved` is the computed sum of alpha_i y_i x_i.
    Each coordinate of the computed sum is off by at most (number of additions in a row) roundings
    of sum(alpha) * largest pixel; the second factor covers the norm's own roundings.
    """
    total = math.fsum(alpha)
    if total == 0:
        return 0.0
    distance = np.linalg.norm(moved, _order(p)) / total
    return float(distance + data.rounding_of_a_mean(p)) * (1 + (data.d + 8) * ROUNDING)


@dataclass(frozen=True)
class _Certificate:
    """A dual point that is feasible at `radius`, and the lower bound it proves."""

    bound: float
    alpha: np.ndarray
    radius: float


def _certify(
    data: "_Examples", ball: NormBall, alpha: np.ndarray, moved: np.ndarray
) -> _Certificate:
    """What the balanced point `alpha` proves; if it is not feasible the zero point: 0."""
    required = _least_radius(data, ball.p, alpha, moved)
    floor = 100 * data.rounding_of_a_mean(ball.p)
    if required > max(ball.radius, floor):
        return _Certificate(0.0, np.zeros(data.n), ball.radius)
    return _Certificate(mean_entropy(alpha), alpha, max(required, ball.radius))


# ------------------------------------------------------------------------------ the descent


@dataclass(frozen=True)
class _Point:
    """A classifier with its scores on the data.

    An optimum knows its `radius` and the `direction` between the weighted class means too.
    """

    theta: np.ndarray
    intercept: float
    scores: np.ndarray
    radius: float = math.nan
    direction: np.ndarray | None = None

    def margins(self, y: np.ndarray, p: float, radius: float) -> np.ndarray:
        """The margins that the worst perturbation leaves."""
        return y * self.scores - radius * _dual_norm(self.theta, p)


def _descend(
    data: "_Examples", ball: NormBall, tol: float, point: _Point, limit: int, steps: int = 0
) -> tuple[RobustOptimum, _Point]:
    """Newton's method on a growing working set, until primal and dual agree.

    The steps aim at a slightly smaller radius. That costs a small share of the tolerance,
    and leaves the dual point room within its constraint to absorb rounding errors.
    """
    p, radius = ball.p if ball.radius > 0 else 2.0, ball.radius
    best = _Certificate(0.0, np.zeros(data.n), radius)
    asked, stalled = False, 0
    while True:
        risk = _mean_loss(point.margins(data.y, p, radius))
        if _separates(data, point, p, radius):
            return _optimum(ball, point, risk, best, "separable", steps), point
        aim = radius - _slack(data, point, p, radius, tol * risk / 4)
        alpha = balanced(expit(-point.margins(data.y, p, aim)), data.y)
        moved = data.columns().pull(alpha * data.y)
        best = max(best, _certify(data, ball, alpha, moved), key=lambda found: found.bound)
        if risk - best.bound <= tol * risk:
            end = replace(point, direction=moved / alpha.sum(), radius=radius)
            return _optimum(ball, point, risk, best, "optimal", steps), end
        if steps > PATIENCE and not asked:
            asked, separation = True, _separate(data, ball.p, 1e-9)
            if separation.radius > radius:
                found = separation.classifier
                point = _point(data, found.theta.numpy(), float(found.intercept))
                continue
        if steps >= limit or stalled > STALLS:
            return _optimum(ball, point, risk, best, "stopped", steps), point
        if p == 2 and not point.theta.any():
            point = _nudged(data, point, moved)
        piece = _piece(point.theta, moved, aim * alpha.sum(), p)
        columns = data.columns(piece.index, piece.along)
        point, taken, decrease = _newton(data.y, columns, piece, point, p, aim, tol * risk, 2)
        steps += taken
        stalled = stalled + 1 if decrease <= 1e-14 * risk else 0


def _follow(
    data: "_Examples", ball: NormBall, tol: float, path: list[_Point]
) -> tuple[_Point, int]:
    """Newton's method for p = inf, from the optima at one or two larger radii nearby.

    On the straight line through them: the weights, and the direction between the class means, the
    coordinates of which tell the working set before any pass over the data.
    """
    radius, last, before = ball.radius, path[-1], path[0]
    share = 0.0
    if before.radius > last.radius:  # and so it is an optimum, too
        share = (last.radius - radius) / (before.radius - last.radius)
    else:
        before = last
    theta = last.theta + share * (last.theta - before.theta)
    theta[theta * last.theta <= 0] = 0
    intercept = last.intercept + share * (last.intercept - before.intercept)
    direction = last.direction + share * (last.direction - before.direction)
    piece = _piece(theta, direction, radius - NEAR * (last.radius - radius), ball.p)
    columns = data.columns(piece.index)
    point = _Point(theta, intercept, columns.push(theta[piece.index]) + intercept)
    risk = _mean_loss(point.margins(data.y, ball.p, radius))
    aim = radius - _slack(data, point, ball.p, radius, tol * risk / 4)
    return _newton(data.y, columns, piece, point, ball.p, aim, tol * risk, PATH_STEPS)[:2]


def _optimum(
    ball: NormBall, point: _Point, risk: float, best: _Certificate, status: str, steps: int
) -> RobustOptimum:
    return RobustOptimum(
        ball=ball,
        classifier=_classifier(point.theta, point.intercept),
        risk=risk,
        lower_bound=best.bound,
        alpha=torch.from_numpy(best.alpha),
        bound_radius=best.radius,
        status=status,
        iterations=steps,
    )


def _slack(data: "_Examples", point: _Point, p: float, radius: float, price: float) -> float:
    """Largest decrease of the radius whose cost in mean loss is at most `price`, to first order."""
    slope = _dual_norm(point.theta, p) * expit(-point.margins(data.y, p, radius)).mean()
    least = 4 * data.rounding_of_a_mean(p)
    return min(max(price / slope, least) if slope > 0 else least, 1e-3 * radius)


def _separates(data: "_Examples", point: _Point, p: float, radius: float) -> bool:
    """Whether every margin under attack is positive, by more than its rounding errors."""
    size = np.abs(point.theta).sum() * (data.largest + radius) + abs(point.intercept)
    return point.margins(data.y, p, radius).min() > 4 * (data.d + 4) * ROUNDING * size


def _newton(
    y: np.ndarray,
    columns: "_Columns",
    piece: "_Piece",
    point: _Point,
    p: float,
    radius: float,
    precision: float,
    most: int,
) -> tuple[_Point, int, float]:
    """Up to `most` steps on one piece: the last point, their number, the largest decrease."""
    steps, decrease, promised = 0, 0.0, math.inf
    while steps < most and promised > 1e-3 * precision:  # below, a step would change nothing
        point, promised = _newton_step(y, columns, piece, point, p, radius)
        steps, decrease = steps + 1, max(decrease, promised)
    return point, steps, decrease


def _newton_step(
    y: np.ndarray, columns: "_Columns", piece: "_Piece", point: _Point, p: float, radius: float
) -> tuple[_Point, float]:
    """One step to the minimum of the second-order model, halved until the risk falls enough.

    Returns the new point and the decrease of the mean loss that the model's slope promised.
    """
    here, norm_slope = piece.at(point.theta)
    margins = point.margins(y, p, radius)
    alpha = expit(-margins)
    curvature = alpha * (1 - alpha)
    if curvature.sum() < 1e-100:  # the weights have run away, as they do at the very threshold
        return point, 0.0
    hessian, gradient = _second_order(
        columns.gram(curvature),
        np.concatenate([columns.pull(alpha * y), [(alpha * y).sum(), alpha.sum()]]),
        norm_slope,
        radius,
    )
    here = np.append(here, point.intercept)
    minimise = {1.0: _minimise_p_1, 2.0: _minimise_p_2, math.inf: _minimise_p_inf}[p]
    there = minimise(hessian, gradient, here, norm_slope, radius * alpha.sum())
    loss = np.logaddexp(0, -margins).sum()
    slope = gradient @ (there - here)
    step = 1.0
    while step > 1e-10:
        new = (1 - step) * here + step * there  # exact for step 1: weights at a bound stay there
        scores = columns.push(new[:-1]) + new[-1]
        trial = _Point(piece.theta(point.theta, new[:-1]), new[-1], scores)
        new_loss = np.logaddexp(0, -trial.margins(y, p, radius)).sum()
        if new_loss <= loss + 1e-4 * step * slope + 1e-14 * loss:
            return trial, -slope / len(y)
        step /= 2
    return point, 0.0


def _nudged(data: "_Examples", point: _Point, moved: np.ndarray) -> _Point:
    """A point a little off theta = 0, where the Euclidean norm has no derivative."""
    theta = moved / np.linalg.norm(moved) * (1e-3 / (data.largest * math.sqrt(data.d)))
    return _point(data, theta, point.intercept)


# ------------------------------------------- pieces of weight space, on which the norm is smooth


@dataclass(frozen=True)
class _Piece:
    """Weights in few coordinates, in which the norm is linear (p = 1, inf) or smooth (p = 2).

    p = inf: the coordinates are the weights of the working set `index`; all others stay 0.
    p = 1: the weights of the working set, and the largest size t, which all others have, with the
    signs `along`. p = 2: all weights. Where a weight is 0, `signs` says which it would take: none,
    0, for a pixel that is 0 in all examples.
    """

    p: float
    index: np.ndarray | None
    along: np.ndarray | None
    signs: np.ndarray

    def at(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The coordinates of `theta` and the slope of the norm in them."""
        if self.p == 2:
            return theta, theta / np.linalg.norm(theta)
        inner = theta[self.index]
        if self.p == math.inf:
            return inner, np.where(inner != 0, np.sign(inner), self.signs[self.index])
        return np.append(inner, np.abs(theta).max()), np.append(np.zeros(len(inner)), 1.0)

    def theta(self, old: np.ndarray, c: np.ndarray) -> np.ndarray:
        """All weights, from the coordinates; those that have none keep their `old` values."""
        if self.p == 2:
            return c
        theta = old.copy()
        if self.p == 1:
            others = self.along != 0
            theta[others] = self.along[others] * c[-1]
        theta[self.index] = c[: len(self.index)]
        return theta


def _piece(theta: np.ndarray, moved: np.ndarray, reach: float, p: float) -> _Piece:
    """The piece around `theta`, opened towards the weights that break optimality most.

    `moved` is minus the slope of the loss without the norm, `reach` the slope in the norm. As many
    weights enter as are in use: those at 0 that would rather grow (p = inf), those of the largest
    size that would rather shrink (p = 1).
    """
    size, signs = np.abs(theta), np.where(theta != 0, np.sign(theta), np.sign(moved))
    if p == 2:
        return _Piece(p, None, None, signs)
    if p == 1:
        used, excess = (size < size.max()) & (signs != 0), -signs * moved
    else:
        used, excess = size > 0, np.abs(moved) - reach
    excess[used] = -math.inf
    worst = np.argsort(-excess)[: max(20, used.sum())]
    used[worst[excess[worst] > 0]] = True
    if p == math.inf and not used.any():
        used[worst[0]] = True  # the step needs a coordinate
    along = np.where(~used & (size == size.max()), signs, 0.0) if p == 1 else None
    return _Piece(p, np.flatnonzero(used), along, signs)


# ------------------------------------------------------- minimisers of the second-order model


def _second_order(
    gram: np.ndarray, pulled: np.ndarray, norm_slope: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray]:
    """Second and first derivative of the loss in (coordinates, intercept), with a linear norm.

    The margins are linear in (coordinates, intercept, -radius * norm). `gram` is the loss's second
    derivative in these, the sum of curvature * [x, 1, y] [x, 1, y]^T, `pulled` minus its first.
    """
    slope = np.append(norm_slope, 0.0)
    mixed = radius * np.outer(slope, gram[:-1, -1] - radius / 2 * gram[-1, -1] * slope)
    return gram[:-1, :-1] - mixed - mixed.T, radius * pulled[-1] * slope - pulled[:-1]


def _minimise_p_2(
    hessian: np.ndarray, gradient: np.ndarray, here: np.ndarray, unit: np.ndarray, reach: float
) -> np.ndarray:
    """Newton's step, with the curvature of the norm, (1 - unit unit^T) / norm, added."""
    bend = reach / np.linalg.norm(here[:-1])
    hessian[:-1, :-1] += bend * (np.eye(len(unit)) - np.outer(unit, unit))
    root, scale = cholesky(hessian, np.diag(hessian))
    return here - cho_solve((root, True), gradient / scale) / scale


def _minimise_p_inf(
    hessian: np.ndarray, gradient: np.ndarray, here: np.ndarray, signs: np.ndarray, reach: float
) -> np.ndarray:
    """The minimum while no weight changes its sign: sign * weight >= 0."""
    return minimise_over_cone(hessian, gradient, here, np.diag(np.append(signs, 1.0)))


def _minimise_p_1(
    hessian: np.ndarray, gradient: np.ndarray, here: np.ndarray, slope: np.ndarray, reach: float
) -> np.ndarray:
    """The minimum with |weight| <= t, as weight = sign * (t - lag) with lag >= 0.

    Should a weight come out below -t, it is on the other side, and the sign is changed.
    """
    signs = np.where(here[:-2] < 0, -1.0, 1.0)
    for _ in range(10):
        cone = np.diag(np.concatenate([-signs, [1.0, 1.0]]))
        cone[:-2, -2] = signs
        there = minimise_over_cone(hessian, gradient, here, cone)
        beyond = signs * there[:-2] < -there[-2]
        if not beyond.any():
            break
        signs[beyond] *= -1
    there[:-2] = np.clip(there[:-2], -there[-2], there[-2])
    return there


# -------------------------------------------------------------------- the distance of the hulls


def _separate(data: "_Examples", p: float, tol: float) -> Separation:
    """Hull distance over a working set of examples that grows by the most violated."""
    theta = sum(sign * data.columns().pull(_uniform(data.y == sign)) for sign in (1, -1))
    chosen = np.zeros(data.n, bool)
    lower, upper, classifier, alpha = 0.0, math.inf, None, np.zeros(data.n)
    while True:
        scores = data.columns().push(theta)
        found, intercept = _halfway(data, p, theta, scores)
        if found > lower:
            lower, classifier = found, _classifier(theta, intercept)
        worse = _most_violated(scores, data.y, chosen)
        if upper - lower <= tol * data.largest or not worse.size:
            return Separation(p, lower, upper, classifier, torch.from_numpy(alpha))
        chosen[worse] = True
        theta, weights = _nearest_points(data, p, np.flatnonzero(chosen))
        distance = np.linalg.norm(data.columns().pull(weights * data.y), _order(p))
        found = float(distance / 2 + data.rounding_of_a_mean(p)) * (1 + (data.d + 8) * ROUNDING)
        if found < upper:
            upper, alpha = found, weights


def _halfway(
    data: "_Examples", p: float, theta: np.ndarray, scores: np.ndarray
) -> tuple[float, float]:
    """The margin under the unit norm, rounded down, with the intercept halfway between classes."""
    low, high, norm = scores[data.y > 0].min(), scores[data.y < 0].max(), _dual_norm(theta, p)
    if norm == 0:
        return 0.0, 0.0
    rounding = 2 * (data.d + 4) * ROUNDING * data.largest * np.abs(theta).sum()
    margin = float((low - high) / 2 - rounding) / norm * (1 - (data.d + 8) * ROUNDING)
    return margin, float(-(low + high) / 2)


def _most_violated(scores: np.ndarray, y: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Of each class, up to 100 examples with a smaller margin than all those chosen so far."""
    found = []
    for sign in (1, -1):
        margins = np.where((y == sign) & ~chosen, sign * scores, math.inf)
        bound = (sign * scores[(y == sign) & chosen]).min(initial=math.inf)
        worst = np.argsort(margins)[:100]
        found.append(worst[margins[worst] < bound])
    return np.concatenate(found)


def _nearest_points(
    data: "_Examples", p: float, chosen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The direction of largest margin on the chosen examples, and the hulls' convex weights."""
    x, y = np.asarray(data.x[chosen], np.float64) / data.largest, data.y[chosen]
    theta, force = (_least_distance if p == 2 else _largest_margin)(x, y, p)
    weights = np.zeros(data.n)
    for sign in (1, -1):
        own = np.where(y == sign, force, 0.0)
        weights[chosen] += own / own.sum() if own.any() else _uniform(y == sign)
    return theta if theta is not None else data.columns().pull(weights * data.y), weights


def _largest_margin(x: np.ndarray, y: np.ndarray, p: float) -> tuple[np.ndarray, np.ndarray]:
    """Maximise t subject to y_i (x_i theta + b) >= t and |theta|_q <= 1, a linear programme."""
    n, d = x.shape
    signed, minus_y = -y[:, None] * x, -y[:, None]
    one = np.ones((n, 1))
    if p == 1:
        rows, ends, bounds = np.hstack([signed, minus_y, one]), np.zeros(n), [(-1, 1)] * d
    else:  # theta is the difference of two non-negative parts, whose sum is at most 1
        budget = np.append(np.ones(2 * d), [0.0, 0.0])
        rows = np.vstack([np.hstack([signed, -signed, minus_y, one]), budget])
        ends, bounds = np.append(np.zeros(n), 1.0), [(0, None)] * (2 * d)
    cost = np.append(np.zeros(len(bounds) + 1), -1.0)
    exact = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    bounds = bounds + [(None, None)] * 2
    found = linprog(cost, A_ub=rows, b_ub=ends, bounds=bounds, method="highs", options=exact)
    theta = found.x[:d] if p == 1 else found.x[:d] - found.x[d : 2 * d]
    return theta, np.maximum(-found.ineqlin.marginals[:n], 0)


def _least_distance(x: np.ndarray, y: np.ndarray, p: float) -> tuple[None, np.ndarray]:
    """Multipliers of: minimise |theta|_2 subject to y_i (x_i theta + b) >= 1.

    Non-negative least squares; a heavy first row holds the two classes' sums together.
    """
    rows = np.vstack([1e6 * y, (y[:, None] * (x - x.mean(axis=0))).T, np.ones(len(y))])
    return None, nnls(rows, np.append(np.zeros(len(rows) - 1), 1.0), maxiter=30 * len(y))[0]


# ------------------------------------------------------------------------ the data, in chunks


class _Examples:
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
    ) -> "_Columns":
        return _Columns(self, index, along)

    def rounding_of_a_mean(self, p: float) -> float:
        """Bound on the error, in the p-norm, of a computed weighted mean of the examples."""
        return (self.additions + 4) * ROUNDING * self.largest * self.d ** (1 / p)


class _Columns:
    """Some features of all examples (all: None), and one more: their weighted sum `along`.

    Copied if they fit into the working memory, read anew at each use otherwise.
    """

    def __init__(self, data: _Examples, index: np.ndarray | None, along: np.ndarray | None) -> None:
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


# -------------------------------------------------------------------- checks of arguments


def _open(x: Tensor, y: Tensor, memory: int) -> _Examples:
    memory = check_count("memory", memory)
    x, y = check_examples(x, y)
    if x.dtype not in (torch.float32, torch.float64):
        x = x.double()
    return _Examples(x.detach().numpy(), y.detach().double().numpy(), memory)


def _check_alpha(alpha: Tensor, n: int) -> np.ndarray:
    if not isinstance(alpha, Tensor):
        raise ValueError(
            f"alpha must be a float64 tensor of shape ({n},), got {type(alpha).__name__}: "
            "use torch.as_tensor"
        )
    if alpha.dtype != torch.float64 or alpha.shape != (n,):
        raise ValueError(
            f"alpha must be a float64 tensor of shape ({n},), got {str(alpha.dtype)[6:]} of shape "
            f"{tuple(alpha.shape)}: pass one number for each example, use .double()"
        )
    return alpha.detach().numpy()


def _check_ball(ball: NormBall) -> None:
    if not isinstance(ball, NormBall):
        raise TypeError(
            f"ball must be a NormBall, got {type(ball).__name__}: use NormBall(p, radius), with "
            ".in_box() at its end for pixels that stay in the box"
        )
    _check_exponent(ball.p)
    if isinstance(ball, BoxedNormBall) and ball.p != math.inf:
        raise ValueError(
            f"p must be inf for the exact optimum in the box, got {ball.p:g}: "
            "leave .in_box() out, or use p = inf"
        )


def _check_exponent(p: float) -> float:
    number = check_exponent(p)
    if number not in (1.0, 2.0, math.inf):
        raise ValueError(
            f"p must be 1, 2 or inf for the exact optimum, got {p!r}: "
            "use training.train with attacks.linear_maximiser for any other"
        )
    return number


def _one_class(data: _Examples, ball: NormBall) -> RobustOptimum:
    """The constant classifier is right on all data, whatever the adversary does."""
    intercept = data.y[0] * 37.0  # beyond it the loss is below the rounding errors of 1
    point = _Point(np.zeros(data.d), intercept, np.full(data.n, intercept))
    none = _Certificate(0.0, np.zeros(data.n), ball.radius)
    risk = _mean_loss(point.margins(data.y, ball.p, ball.radius))
    return _optimum(ball, point, risk, none, "separable", 0)


def _point(data: _Examples, theta: np.ndarray, intercept: float) -> _Point:
    scores = data.columns().push(theta) if theta.any() else np.zeros(data.n)
    return _Point(theta, intercept, scores + intercept)


def _classifier(theta: np.ndarray, intercept: float) -> LinearClassifier:
    return LinearClassifier(
        torch.from_numpy(theta), torch.tensor(float(intercept), dtype=torch.float64)
    )


def _uniform(mask: np.ndarray) -> np.ndarray:
    return mask / mask.sum()


def _mean_loss(margins: np.ndarray) -> float:
    return float(np.logaddexp(0, -margins).mean())


def _order(p: float) -> float:
    return math.inf if p == math.inf else int(p)


def _dual_norm(theta: np.ndarray, p: float) -> float:
    """The norm of the weights dual to the p-norm of the perturbation."""
    return float(np.linalg.norm(theta, {1: math.inf, 2: 2, math.inf: 1}[p]))
