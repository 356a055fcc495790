"""The exact robust classifier at one radius, and at many."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from lectures_code.checks import check_count, check_positive
from lectures_code.exact.columns import coordinates, difference
from lectures_code.exact.descent import Descent, Start, descend, follow
from lectures_code.exact.dual import mean_loss
from lectures_code.exact.examples import (
    Examples,
    Given,
    check_ball,
    given_weights,
    linear_classifier,
    open_examples,
)
from lectures_code.exact.intervals import Intervals, intervals_of
from lectures_code.exact.newton import point_at
from lectures_code.exact.norms import Found, minimise
from lectures_code.exact.optimum import RobustOptimum, Status
from lectures_code.features import MonotoneClassifier, MonotoneFeature
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall, PixelIntervals

MAX_STEPS = 200
FAR = 1.5  # ratio of two radii beyond which the one's optimum says little of the other's
# Along a path a coordinate enters before any check if its pull is so near to 0: in widths, for a
# step as long as the radius.
NEARBY = 0.05


def solve(
    x: Tensor,
    y: Tensor,
    ball: NormBall | PixelIntervals,
    *,
    tol: float = 1e-9,
    feature: MonotoneFeature | None = None,
    start: LinearClassifier | MonotoneClassifier | nn.Linear | None = None,
    max_steps: int = MAX_STEPS,
    memory: int = 2**28,
) -> RobustOptimum:
    r"""Minimise the adversarial risk of a linear classifier exactly, with a certificate.

    Of one that is linear in monotone features of the pixels as well.

    .. math:: \min_{\theta, \theta_0} \frac1N \sum_{i=1}^N
        \Psi\bigl(y_i (\theta^\top x_i + \theta_0) - \varepsilon \|\theta\|_q\bigr)

    Parameters
    ----------
    x : Tensor of shape (n, d)
        Examples; they may lie in a memory-mapped file and are read in chunks.
    y : Tensor of shape (n,)
        Labels in {-1, +1}.
    ball : NormBall or PixelIntervals
        The perturbation set: p = 1, 2 or inf; in the pixel box for p = inf; or an interval for each
        pixel of each example.
    feature : MonotoneFeature, optional
        The feature of a pixel in which the classifier is linear, for p = inf, such as
        :class:`~lectures_code.features.Threshold`; by default the pixel itself.
    tol : float, positive
        Relative gap between the risk and its lower bound to reach.
    start : LinearClassifier, nn.Linear with one output or MonotoneClassifier, optional
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

    Of thresholded pixels there is often no minimiser though the data are not separable: some of
    the examples can be separated for nothing, by ever larger weights. The risk then approaches its
    infimum, but the proof would have to meet equations exactly, which rounding seldom allows:
    expect ``"stopped"`` with a lower bound of 0. So it is with a pixel whose interval is a point in
    every example.
    """
    check_ball(ball, feature, intervals=True)
    tol, max_steps = check_positive("tol", tol), check_count("max_steps", max_steps)
    data = open_examples(x, y, memory)
    given = given_weights(data, start)
    if not _is_pixel_by_pixel(data, ball):
        norm = ball if isinstance(ball, NormBall) else NormBall(math.inf, 0.0)
        return replace(_by_norm(data, norm, feature, tol, given, max_steps), ball=ball)
    intervals = intervals_of(data, ball, feature)
    begin = Start(coordinates(given[0]), given[1], None, intervals.slack) if given else None
    return _of_descent(ball, feature, descend(intervals, begin, tol=tol, max_steps=max_steps))


def _is_pixel_by_pixel(data: Examples, ball: NormBall | PixelIntervals) -> bool:
    """Whether the optimum is found through intervals; at radius 0 all norms are the same."""
    return ball.p == math.inf and not ball.is_point and abs(data.y.sum()) < data.n


def _optimum(
    ball: NormBall | PixelIntervals,
    classifier: LinearClassifier | MonotoneClassifier,
    found: Descent | Found,
) -> RobustOptimum:
    return RobustOptimum(
        ball=ball,
        classifier=classifier,
        risk=found.risk,
        lower_bound=found.best.bound,
        alpha=torch.from_numpy(found.best.alpha),
        bound_radius=found.best.radius,
        status=found.status,
        iterations=found.steps,
    )


def _of_descent(
    ball: NormBall | PixelIntervals, feature: MonotoneFeature | None, found: Descent
) -> RobustOptimum:
    theta = difference(found.weights)
    return _optimum(ball, _classifier(feature, theta, found.intercept), found)


def _by_norm(
    data: Examples,
    ball: NormBall,
    feature: MonotoneFeature | None,
    tol: float,
    given: Given,
    max_steps: int,
) -> RobustOptimum:
    """The optimum for p = 1 and 2, at radius 0, and for one class."""
    if abs(data.y.sum()) == data.n:
        return _one_class(data, ball, feature)
    if feature is not None:
        values = feature(torch.from_numpy(data.x)).numpy()
        data = Examples(values, data.y, data.memory)
    start = point_at(data, *given) if given else None
    found = minimise(data, ball, tol, start, max_steps)
    classifier = _classifier(feature, found.point.theta, found.point.intercept)
    return _optimum(ball, classifier, found)


def _one_class(data: Examples, ball: NormBall, feature: MonotoneFeature | None) -> RobustOptimum:
    """The constant classifier is right on all data, whatever the adversary does."""
    intercept = float(data.y[0]) * 37.0  # beyond it the loss is below the rounding errors of 1
    return RobustOptimum(
        ball=ball,
        classifier=_classifier(feature, np.zeros(data.d), intercept),
        risk=mean_loss(np.full(data.n, 37.0)),
        lower_bound=0.0,
        alpha=torch.zeros(data.n, dtype=torch.float64),
        bound_radius=ball.radius,
        status=Status.SEPARABLE,
        iterations=0,
    )


def _classifier(
    feature: MonotoneFeature | None, theta: np.ndarray, intercept: float
) -> LinearClassifier | MonotoneClassifier:
    linear = linear_classifier(theta, intercept)
    return linear if feature is None else MonotoneClassifier(feature, linear)


def solution_path(
    x: Tensor,
    y: Tensor,
    ball: NormBall,
    radii: Sequence[float],
    *,
    feature: MonotoneFeature | None = None,
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
    ball : NormBall
        The kind of set, of which the radius does not matter: p = 1, 2 or inf; a box for p = inf.
    radii : sequence of floats, at least 0
        Radii in pixel units, in any order.
    feature : MonotoneFeature, optional
        As for :func:`solve`.
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
    check_ball(ball, feature)
    tol = check_positive("tol", tol)
    balls = [ball.with_radius(radius) for radius in radii]
    data = open_examples(x, y, memory)
    found: dict[float, RobustOptimum] = {}
    path: list[tuple[float, Descent]] = []
    near: Given = None
    for ball in sorted(balls, key=lambda ball: -ball.radius):
        if ball.radius in found:
            continue
        if _is_pixel_by_pixel(data, ball):
            intervals = intervals_of(data, ball, feature)
            start = _next_start(path, intervals)
            descent = descend(intervals, start, tol=tol, max_steps=MAX_STEPS)
            path = [*path, (ball.radius, descent)][-2:]
            optimum = _of_descent(ball, feature, descent)
        else:
            optimum = _by_norm(data, ball, feature, tol, near, MAX_STEPS)
        found[ball.radius] = optimum
        near = given_weights(data, optimum.classifier)
    return tuple(found[ball.radius] for ball in balls)


def _next_start(path: list[tuple[float, Descent]], ahead: Intervals) -> Start | None:
    """Where the optima at one or two larger radii point to; the last of them if it is far away."""
    if not path:
        return None
    (last_radius, last), (radius_before, before) = path[-1], path[0]
    # What separates at a larger radius does so here: there is no minimiser to point to.
    if last_radius > FAR * ahead.radius or last.status is Status.SEPARABLE:
        return Start(last.weights, last.intercept, None, ahead.slack)
    step = last_radius - ahead.radius
    change = step / (radius_before - last_radius) if len(path) == 2 else 0.0
    return follow(last, before, change, NEARBY * step / ahead.radius * ahead.width)
