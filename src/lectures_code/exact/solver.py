"""Newton's method on a growing working set, until the risk and its lower bound agree."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor, nn

from lectures_code.checks import check_count, check_positive
from lectures_code.exact.certificate import Certificate, certify, intervals_of
from lectures_code.exact.dual import ROUNDING, balanced, mean_loss
from lectures_code.exact.examples import (
    Examples,
    check_ball,
    check_exact_exponent,
    dual_norm,
    linear_classifier,
    open_examples,
)
from lectures_code.exact.intervals import descend
from lectures_code.exact.newton import Point, Problem, point_at, start_point
from lectures_code.exact.optimum import RobustOptimum, Status
from lectures_code.exact.pieces import piece_around
from lectures_code.exact.separation import separate_examples
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import BoxedNormBall, NormBall

MAX_STEPS = 200
PATIENCE = 40  # Newton steps after which it is asked whether there is a minimiser at all
# Steps in turn that lower the risk by no more than rounding, before giving up. At its minimum the
# risk is flat and says nothing any more, but a step may still make the dual point feasible.
STALLS = 3
PATH_STEPS = 5  # Newton steps along a path before optimality is checked
NEARBY = 0.1  # along a path a pixel enters if so near the bound, in units of the change of radius


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
    :func:`~lectures_code.exact.separate` the infimum is above 0 and need not be attained: expect
    ``"stopped"``.
    """
    check_ball(ball)
    tol, max_steps = check_positive("tol", tol), check_count("max_steps", max_steps)
    data = open_examples(x, y, memory)
    path = [] if start is None else [start_point(data, start)]
    if isinstance(ball, BoxedNormBall):
        return _solve_in_box(data, ball, tol, path, max_steps)
    return _solve(data, ball, tol, path, max_steps)[0]


def _solve_in_box(
    data: Examples, ball: BoxedNormBall, tol: float, path: list[Point], max_steps: int
) -> RobustOptimum:
    """As :func:`solve`, for a ball in the pixel box: see :mod:`lectures_code.exact.intervals`."""
    if ball.radius == 0 or abs(data.y.sum()) == data.n:  # the box changes nothing
        found, _ = _solve(data, NormBall(ball.p, ball.radius), tol, path, max_steps)
        return replace(found, ball=ball)
    constant = Point(np.zeros(data.d), data.log_odds, np.empty(0))
    start = path[-1] if path else constant
    end = descend(
        intervals_of(data, ball), start.theta, start.intercept, tol=tol, max_steps=max_steps
    )
    return RobustOptimum(
        ball=ball,
        classifier=linear_classifier(end.theta, end.intercept),
        risk=end.risk,
        lower_bound=end.bound,
        alpha=torch.from_numpy(end.a),
        bound_radius=ball.radius,
        status=end.status,
        iterations=end.steps,
    )


def _solve(
    data: Examples, ball: NormBall, tol: float, path: list[Point], max_steps: int
) -> tuple[RobustOptimum, Point | None]:
    """As :func:`solve`, for data that are open, from the last point of `path`.

    Returns the next point of the path as well, if there is one.
    """
    if abs(data.y.sum()) == data.n:
        return _one_class(data, ball), None
    constant = Point(np.zeros(data.d), data.log_odds, np.full(data.n, data.log_odds))
    if not path:
        return _descend(data, ball, tol, constant, max_steps)
    if ball.p == 2:  # Newton's steps approach the kink of the norm at 0, but never arrive
        found = _descend(data, ball, tol, constant, 0)
        if found[0].status is Status.OPTIMAL:
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
    p = check_exact_exponent(p)
    tol = check_positive("tol", tol)
    balls = [NormBall(p, radius) for radius in radii]
    data = open_examples(x, y, memory)
    found: dict[float, RobustOptimum] = {}
    path: list[Point] = []
    for ball in sorted(balls, key=lambda ball: -ball.radius):
        if ball.radius not in found:
            found[ball.radius], point = _solve(data, ball, tol, path, MAX_STEPS)
            path = [*path, point][-2:] if point else []
    return tuple(found[ball.radius] for ball in balls)


def _descend(
    data: Examples, ball: NormBall, tol: float, point: Point, limit: int, steps: int = 0
) -> tuple[RobustOptimum, Point]:
    """Newton's method on a growing working set, until primal and dual agree.

    The steps aim at a slightly smaller radius. That costs a small share of the tolerance,
    and leaves the dual point room within its constraint to absorb rounding errors.
    """
    p, radius = ball.p if ball.radius > 0 else 2.0, ball.radius
    best = Certificate(0.0, np.zeros(data.n), radius)
    asked, stalled = False, 0
    while True:
        risk = mean_loss(point.margins(data.y, p, radius))
        if _separates(data, point, p, radius):
            return _optimum(ball, point, risk, best, Status.SEPARABLE, steps), point
        aim = radius - _slack(data, point, p, radius, tol * risk / 4)
        alpha = balanced(expit(-point.margins(data.y, p, aim)), data.y)
        pull = data.columns().pull(alpha * data.y)
        best = max(best, certify(data, ball, alpha, pull), key=lambda found: found.bound)
        if risk - best.bound <= tol * risk:
            end = replace(point, direction=pull / alpha.sum(), radius=radius)
            return _optimum(ball, point, risk, best, Status.OPTIMAL, steps), end
        if steps > PATIENCE and not asked:
            asked, separation = True, separate_examples(data, ball.p, 1e-9)
            found = separation.classifier
            if found is not None and separation.radius > radius:
                point = point_at(data, found.theta.numpy(), float(found.intercept))
                continue
        if steps >= limit or stalled > STALLS:
            return _optimum(ball, point, risk, best, Status.STOPPED, steps), point
        if p == 2 and not point.theta.any():
            point = _away_from_0(data, point, pull)
        piece = piece_around(point.theta, pull, aim * alpha.sum(), p)
        problem = Problem(data.y, data.columns(piece.index, piece.along), piece, p, aim)
        point, taken, decrease = problem.descend(point, tol * risk, 2)
        steps += taken
        stalled = stalled + 1 if decrease <= 1e-14 * risk else 0


def _follow(data: Examples, ball: NormBall, tol: float, path: list[Point]) -> tuple[Point, int]:
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
    assert last.direction is not None and before.direction is not None, "both are optima"
    theta = last.theta + share * (last.theta - before.theta)
    theta[theta * last.theta <= 0] = 0
    intercept = last.intercept + share * (last.intercept - before.intercept)
    direction = last.direction + share * (last.direction - before.direction)
    piece = piece_around(theta, direction, radius - NEARBY * (last.radius - radius), ball.p)
    columns = data.columns(piece.index)
    point = Point(theta, intercept, columns.push(theta[piece.index]) + intercept)
    risk = mean_loss(point.margins(data.y, ball.p, radius))
    aim = radius - _slack(data, point, ball.p, radius, tol * risk / 4)
    problem = Problem(data.y, columns, piece, ball.p, aim)
    point, steps, _ = problem.descend(point, tol * risk, PATH_STEPS)
    return point, steps


def _optimum(
    ball: NormBall, point: Point, risk: float, best: Certificate, status: Status, steps: int
) -> RobustOptimum:
    return RobustOptimum(
        ball=ball,
        classifier=linear_classifier(point.theta, point.intercept),
        risk=risk,
        lower_bound=best.bound,
        alpha=torch.from_numpy(best.alpha),
        bound_radius=best.radius,
        status=status,
        iterations=steps,
    )


def _slack(data: Examples, point: Point, p: float, radius: float, price: float) -> float:
    """Largest decrease of the radius whose cost in mean loss is at most `price`, to first order."""
    slope = dual_norm(point.theta, p) * expit(-point.margins(data.y, p, radius)).mean()
    least = 4 * data.rounding_of_a_mean(p)
    return min(max(price / slope, least) if slope > 0 else least, 1e-3 * radius)


def _separates(data: Examples, point: Point, p: float, radius: float) -> bool:
    """Whether every margin under attack is positive, by more than its rounding errors."""
    size = np.abs(point.theta).sum() * (data.largest + radius) + abs(point.intercept)
    return point.margins(data.y, p, radius).min() > 4 * (data.d + 4) * ROUNDING * size


def _away_from_0(data: Examples, point: Point, pull: np.ndarray) -> Point:
    """A point a little off theta = 0, where the Euclidean norm has no derivative."""
    theta = pull / np.linalg.norm(pull) * (1e-3 / (data.largest * math.sqrt(data.d)))
    return point_at(data, theta, point.intercept)


def _one_class(data: Examples, ball: NormBall) -> RobustOptimum:
    """The constant classifier is right on all data, whatever the adversary does."""
    intercept = data.y[0] * 37.0  # beyond it the loss is below the rounding errors of 1
    point = Point(np.zeros(data.d), intercept, np.full(data.n, intercept))
    none = Certificate(0.0, np.zeros(data.n), ball.radius)
    risk = mean_loss(point.margins(data.y, ball.p, ball.radius))
    return _optimum(ball, point, risk, none, Status.SEPARABLE, 0)
