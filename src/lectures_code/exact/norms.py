"""Newton's method on a growing working set for p = 1 and 2, until risk and lower bound agree."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from lectures_code.exact.certificate import certify
from lectures_code.exact.dual import ROUNDING, UNDERFLOW, Certificate, balanced, mean_loss
from lectures_code.exact.examples import Examples, dual_norm
from lectures_code.exact.newton import Point, Problem, point_at
from lectures_code.exact.optimum import Status
from lectures_code.exact.pieces import piece_around
from lectures_code.exact.separation import separate_examples
from lectures_code.perturbations import NormBall

PATIENCE = 40  # Newton steps after which it is asked whether there is a minimiser at all
# Steps in turn that lower the risk by no more than rounding, before giving up. At its minimum the
# risk is flat and says nothing any more, but a step may still make the dual point feasible.
STALLS = 3


@dataclass(frozen=True)
class Found:
    """Where a descent ended."""

    point: Point
    risk: float
    best: Certificate
    status: Status
    steps: int


def minimise(data: Examples, ball: NormBall, tol: float, start: Point | None, limit: int) -> Found:
    """Newton's method from a point on, for p = 1 and 2, and for every p at radius 0.

    At radius 0 all norms are the same, and the Euclidean one is smooth.
    """
    constant = Point(np.zeros(data.d), data.log_odds, np.full(data.n, data.log_odds))
    if start is None:
        return _descend(data, ball, tol, constant, limit)
    if ball.p == 2:  # Newton's steps approach the kink of the norm at 0, but never arrive
        found = _descend(data, ball, tol, constant, 0)
        if found.status is Status.OPTIMAL:
            return found
    return _descend(data, ball, tol, start, limit)


def _descend(data: Examples, ball: NormBall, tol: float, point: Point, limit: int) -> Found:
    """Newton's method on a growing working set, until primal and dual agree.

    The steps aim at a slightly smaller radius. That costs a small share of the tolerance,
    and leaves the dual point room within its constraint to absorb rounding errors.
    """
    p, radius = ball.p if ball.radius > 0 else 2.0, ball.radius
    best = Certificate(0.0, np.zeros(data.n), radius)
    asked, stalled, steps = False, 0, 0
    while True:
        risk = mean_loss(point.margins(data.y, p, radius))
        if _separates(data, point, p, radius):
            return Found(point, risk, best, Status.SEPARABLE, steps)
        aim = radius - _slack(data, point, p, radius, tol * risk / 4)
        alpha = balanced(expit(-point.margins(data.y, p, aim)), data.y)
        pull = data.columns().pull(alpha * data.y)
        best = max(best, certify(data, ball, alpha, pull), key=lambda found: found.bound)
        if risk - best.bound <= tol * risk:
            return Found(point, risk, best, Status.OPTIMAL, steps)
        if steps > PATIENCE and not asked:
            asked, separation = True, separate_examples(data, ball.p, 1e-9)
            found = separation.classifier
            if found is not None and separation.radius > radius:
                point = point_at(data, found.theta.numpy(), float(found.intercept))
                continue
        if steps >= limit or stalled > STALLS:
            return Found(point, risk, best, Status.STOPPED, steps)
        if p == 2 and not point.theta.any():
            point = _away_from_0(data, point, pull)
        piece = piece_around(point.theta, pull, p)
        problem = Problem(data.y, data.columns(piece.index, piece.along), piece, p, aim)
        point, taken, decrease = problem.descend(point, tol * risk, 2)
        steps += taken
        stalled = stalled + 1 if decrease <= 1e-14 * risk else 0


def _slack(data: Examples, point: Point, p: float, radius: float, price: float) -> float:
    """Largest decrease of the radius whose cost in mean loss is at most `price`, to first order."""
    slope = dual_norm(point.theta, p) * expit(-point.margins(data.y, p, radius)).mean()
    least = 4 * data.rounding_of_a_mean(p)
    return min(max(price / slope, least) if slope > 0 else least, 1e-3 * radius)


def _separates(data: Examples, point: Point, p: float, radius: float) -> bool:
    """Whether every margin under attack is positive, by more than its rounding errors."""
    size = np.abs(point.theta).sum() * (data.largest + radius) + abs(point.intercept)
    error = 4 * (data.d + 4) * ROUNDING * size + UNDERFLOW
    return point.margins(data.y, p, radius).min() > error


def _away_from_0(data: Examples, point: Point, pull: np.ndarray) -> Point:
    """A point a little off theta = 0, where the Euclidean norm has no derivative."""
    theta = pull / np.linalg.norm(pull) * (1e-3 / (data.largest * math.sqrt(data.d)))
    return point_at(data, theta, point.intercept)
