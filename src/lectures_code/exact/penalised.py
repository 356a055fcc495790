"""For comparison: logistic regression with an l1 penalty beside the loss, the lasso."""

import numpy as np
from scipy.special import expit
from torch import Tensor, nn

from lectures_code.checks import check_positive
from lectures_code.exact.columns import Columns, coordinates, difference, worst_margins
from lectures_code.exact.descent import newton, opened
from lectures_code.exact.examples import given_weights, linear_classifier, open_examples
from lectures_code.exact.intervals import FreeIntervals
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
    intervals = FreeIntervals(data, 0.0)
    given = given_weights(data, start)
    weights, intercept = (
        (coordinates(given[0]), given[1]) if given else (np.zeros(2 * data.d), data.log_odds)
    )
    for _ in range(MAX_STEPS):
        a = expit(-worst_margins(intervals, weights, intercept))
        pull = intervals.pull(a, intervals.sums(a)) / data.n - penalty
        excess = np.where(weights > 0, np.abs(pull), pull)
        if max(excess.max(), abs((a * data.y).mean())) <= SLOPES * penalty:
            return linear_classifier(difference(weights), intercept)
        columns = Columns(intervals, opened(weights, pull))
        here = np.append(weights[columns.index], intercept)
        here, *_ = newton(columns, here, columns.push(here), 0.0, MAX_STEPS, penalty)
        weights[columns.index], intercept = here[:-1], float(here[-1])
    raise RuntimeError(
        f"a slope must come within {SLOPES:g} of the penalty {penalty:g} of what it is at the "
        f"minimum, and rounding errors leave {excess.max() / penalty:g}: use a larger penalty"
    )
