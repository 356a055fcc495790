"""The largest radius at which the data can be separated robustly, with both its proofs."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import linprog, nnls
from torch import Tensor

from lectures_code.checks import check_positive
from lectures_code.exact.columns import difference
from lectures_code.exact.dual import ROUNDING, UNDERFLOW
from lectures_code.exact.examples import (
    Examples,
    check_ball,
    dual_norm,
    linear_classifier,
    norm,
    open_examples,
    uniform_weights,
)
from lectures_code.exact.intervals import intervals_of
from lectures_code.exact.margin import EXACT, most_violated, separation_bounds
from lectures_code.features import MonotoneFeature
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall


@dataclass(frozen=True, eq=False)
class Separation:
    r"""How far the convex hulls of the two classes lie apart: see :func:`separate`.

    Attributes
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
        Weights of the nearest points of the two hulls: non-negative, each class sums to 1. Of
        features with whole values only their proportions count.
    """

    p: float
    radius: float
    upper_bound: float
    classifier: LinearClassifier | None
    alpha: Tensor


def separate(
    x: Tensor,
    y: Tensor,
    ball: NormBall,
    *,
    feature: MonotoneFeature | None = None,
    tol: float = 1e-9,
    memory: int = 2**28,
) -> Separation:
    r"""The largest radius at which the data can still be separated robustly, with both its proofs.

    .. math::
        \max_{\theta, \theta_0} \min_i \frac{y_i (\theta^\top x_i + \theta_0)}{\|\theta\|_q}
        = \tfrac12 \min_{\lambda, \mu}
        \Bigl\| \sum_{y_i = 1} \lambda_i x_i - \sum_{y_i = -1} \mu_i x_i \Bigr\|_p,

    half the distance of the convex hulls (:math:`\lambda` and :math:`\mu` are convex weights). Any
    classifier bounds it from below, any pair of weights from above. In the box, and for features,
    it is not a distance, but the least radius at which the adversary can make two weighted means
    of the classes equal, and the bounds are a classifier that separates and weights that do that.

    Parameters
    ----------
    x : Tensor of shape (n, d)
        Examples.
    y : Tensor of shape (n,)
        Labels in {-1, +1}.
    ball : NormBall
        The kind of set, of which the radius does not matter: p = 1, 2 or inf; a box for p = inf.
    feature : MonotoneFeature, optional
        The feature of a pixel in which the classifier is linear, for p = inf; the pixel itself.
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
    For p = inf it is solved at one radius after another, each the largest at which the classifier
    found before still separates. For features with whole values the weights that prove the upper
    bound may have to meet equations exactly. They can if they are in proportion small whole
    numbers, which are looked for. Of many examples they seldom are: the upper bound is then a
    radius at which no equation is left, and may be far off.

    References
    ----------
    Bennett and Bredensteiner (2000), Duality and geometry in SVM classifiers; Lawson and Hanson
    (1974), Solving least squares problems, chapter 23.
    """
    check_ball(ball, feature)
    p, tol = ball.p, check_positive("tol", tol)
    data = open_examples(x, y, memory)
    if abs(data.y.sum()) == data.n:
        constant = linear_classifier(np.zeros(data.d), data.y[0])
        return Separation(p, math.inf, math.inf, constant, torch.full((data.n,), 1 / data.n))
    if p != math.inf:
        return separate_examples(data, p, tol)
    found = separation_bounds(intervals_of(data, ball, feature), tol)
    classifier = None
    if found.separating:
        theta = difference(found.separating.weights)
        classifier = linear_classifier(theta, found.separating.intercept)
    return Separation(p, found.lower, found.upper, classifier, torch.from_numpy(found.a))


def separate_examples(data: Examples, p: float, tol: float) -> Separation:
    """Hull distance over a working set of examples that grows by the most violated."""
    ones, zeros = (data.columns().pull(uniform_weights(data.y == sign)) for sign in (1, -1))
    theta = ones - zeros
    chosen = np.zeros(data.n, bool)
    lower, upper, classifier, alpha = 0.0, math.inf, None, np.zeros(data.n)
    while True:
        scores = data.columns().push(theta)
        found, intercept = _margin_and_intercept(data, p, theta, scores)
        if found > lower:
            lower, classifier = found, linear_classifier(theta, intercept)
        worse = most_violated(data.y * scores, data.y, chosen)
        if upper - lower <= tol * data.largest or not worse.size:
            return Separation(p, lower, upper, classifier, torch.from_numpy(alpha))
        chosen[worse] = True
        theta, weights = _nearest_points(data, p, np.flatnonzero(chosen))
        distance = norm(data.columns().pull(weights * data.y), p)
        rounding = data.rounding_of_a_mean(p) + UNDERFLOW
        found = float(distance / 2 + rounding) * (1 + (data.d + 8) * ROUNDING)
        if found < upper:
            upper, alpha = found, weights


def _margin_and_intercept(
    data: Examples, p: float, theta: np.ndarray, scores: np.ndarray
) -> tuple[float, float]:
    """The margin under the unit norm, rounded down, with the intercept halfway between classes."""
    low, high, size = scores[data.y > 0].min(), scores[data.y < 0].max(), dual_norm(theta, p)
    if size <= UNDERFLOW:
        return 0.0, 0.0
    rounding = 2 * (data.d + 4) * ROUNDING * data.largest * np.abs(theta).sum() + UNDERFLOW
    margin = float((low - high) / 2 - rounding) / size * (1 - (data.d + 8) * ROUNDING)
    return margin, float(-(low + high) / 2)


def _nearest_points(data: Examples, p: float, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The direction of largest margin on the chosen examples, and the hulls' convex weights."""
    x, y = np.asarray(data.x[chosen], np.float64) / data.largest, data.y[chosen]
    theta, force = (_least_distance if p == 2 else _largest_margin)(x, y)
    weights = np.zeros(data.n)
    for sign in (1, -1):
        own = np.where(y == sign, force, 0.0)
        # Rounded once, lest the sum of a class be off by more than is allowed for.
        weights[chosen] += own / math.fsum(own) if own.any() else uniform_weights(y == sign)
    return theta if theta is not None else data.columns().pull(weights * data.y), weights


def _largest_margin(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maximise t subject to y_i (x_i theta + b) >= t and |theta_j| <= 1, a linear programme."""
    n, d = x.shape
    rows = np.hstack([-y[:, None] * x, -y[:, None], np.ones((n, 1))])
    cost, bounds = np.append(np.zeros(d + 1), -1.0), [(-1, 1)] * d + [(None, None)] * 2
    found = linprog(cost, A_ub=rows, b_ub=np.zeros(n), bounds=bounds, method="highs", options=EXACT)
    return found.x[:d], np.maximum(-found.ineqlin.marginals[:n], 0)


def _least_distance(x: np.ndarray, y: np.ndarray) -> tuple[None, np.ndarray]:
    """Multipliers of: minimise |theta|_2 subject to y_i (x_i theta + b) >= 1.

    Non-negative least squares; a heavy first row holds the two classes' sums together.
    """
    rows = np.vstack([1e6 * y, (y[:, None] * (x - x.mean(axis=0))).T, np.ones(len(y))])
    return None, nnls(rows, np.append(np.zeros(len(rows) - 1), 1.0), maxiter=30 * len(y))[0]
