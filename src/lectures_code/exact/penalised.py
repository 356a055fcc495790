"""For comparison: logistic regression with an l1 penalty beside the loss, the lasso."""

import math

import numpy as np
from scipy.special import expit
from torch import Tensor, nn

from lectures_code.checks import check_positive
from lectures_code.exact.examples import linear_classifier, open_examples
from lectures_code.exact.newton import Problem, start_point
from lectures_code.exact.pieces import piece_around
from lectures_code.logistic import LinearClassifier

MAX_STEPS = 200
SLOPES = 1e-7  # of the penalty: how far a slope at the minimum may be from what it must be


def penalised_optimum(
    x: Tensor, y: Tensor, penalty: float, *, start: LinearClassifier | nn.Linear | None = None
) -> LinearClassifier:
    r"""Logistic regression with an l1 penalty beside the loss, for comparison.

    .. math:: \min_{\theta, \theta_0} \frac1N \sum_i
        \Psi\bigl(y_i (\theta^\top x_i + \theta_0)\bigr) + \lambda \|\theta\|_1

    Parameters
    ----------
    x : Tensor of shape (n, d)
        Examples.
    y : Tensor of shape (n,)
        Labels in {-1, +1}, both of them.
    penalty : float
        :math:`\lambda` > 0.
    start : LinearClassifier or nn.Linear with one output, optional
        Where to start, the optimum for a nearby penalty, say.

    Returns
    -------
    LinearClassifier
        The minimiser, in float64: in each weight the slope of the loss is the penalty, or at most
        the penalty where the weight is 0, up to 1e-7 of the penalty.

    Raises
    ------
    TypeError, ValueError
        If examples and labels are not as above or the penalty is not positive.
    RuntimeError
        If rounding errors leave a larger slope.
    """
    penalty = check_positive("penalty", penalty)
    data = open_examples(x, y, 2**28)
    if abs(data.y.sum()) == data.n:
        raise ValueError("labels must be of both classes, got one: there is nothing to separate")
    point = start_point(data, start)
    for _ in range(MAX_STEPS):
        alpha = expit(-data.y * point.scores)
        pull = data.columns().pull(alpha * data.y) / data.n
        size = np.where(point.theta != 0, pull * np.sign(point.theta), np.abs(pull))
        excess = np.where(point.theta != 0, np.abs(size - penalty), size - penalty)
        if max(excess.max(), abs((alpha * data.y).mean())) <= SLOPES * penalty:
            return linear_classifier(point.theta, point.intercept)
        piece = piece_around(point.theta, data.n * pull, data.n * penalty, math.inf)
        problem = Problem(data.y, data.columns(piece.index), piece, math.inf, 0.0, penalty)
        point, _, _ = problem.descend(point, 0.0, 2)
    raise RuntimeError(
        f"a slope must come within {SLOPES:g} of the penalty {penalty:g} of what it is at the "
        f"minimum, and rounding errors leave {excess.max() / penalty:g}: use a larger penalty"
    )
