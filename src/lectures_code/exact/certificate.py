"""What a dual point proves: a lower bound on the adversarial risk of every linear classifier."""

import math

import numpy as np
import torch
from torch import Tensor

from lectures_code.checks import check_labels
from lectures_code.exact.dual import Certificate, mean_entropy
from lectures_code.exact.examples import Examples, check_ball, least_radius, open_examples
from lectures_code.exact.intervals import intervals_of
from lectures_code.features import MonotoneFeature
from lectures_code.perturbations import BoxedNormBall, NormBall, PixelIntervals
from lectures_code.perturbations.box import AT_ONCE


def lower_bound(
    x: Tensor,
    y: Tensor,
    ball: NormBall | PixelIntervals,
    alpha: Tensor,
    *,
    feature: MonotoneFeature | None = None,
    memory: int = 2**28,
) -> float:
    r"""Lower bound on the adversarial risk of every linear classifier, proven by a dual point.

    .. math::
        R(\theta, \theta_0) \ge \frac1N \sum_i H(\alpha_i), \qquad
        H(a) = -a \log a - (1 - a) \log(1 - a)

    for every :math:`0 \le \alpha_i \le 1` with :math:`\sum_i \alpha_i y_i = 0` and
    :math:`\|\sum_i \alpha_i y_i x_i\|_p \le \varepsilon \sum_i \alpha_i`: an adversary who may move
    each example by :math:`\varepsilon` can move the weighted means of the two classes onto each
    other. In the box, and within intervals, the second condition is that in every pixel the
    weighted mean of the least values of one class is at most that of the greatest of the other.

    Parameters
    ----------
    x : Tensor of shape (n, d)
        Examples.
    y : Tensor of shape (n,)
        Labels in {-1, +1}.
    ball : NormBall or PixelIntervals
        The perturbation set: p = 1, 2 or inf; in the pixel box for p = inf; or an interval for each
        pixel of each example.
    alpha : Tensor of shape (n,), float64
        The dual point, feasible *exactly*, not up to a tolerance.
    memory : int
        Bytes to work with: see :func:`solve`.

    Returns
    -------
    float
        The bound. Every rounding error of this computation is allowed for. What a feature can
        become is what `feature.interval` says, in float64.

    Raises
    ------
    ValueError
        If a constraint is not met, or not by more than the rounding errors of checking it. There
        are none for features with whole values where the weights of each class are whole multiples
        of one power of two, less than 2**53 of it in sum: then equality will do.

    Notes
    -----
    The constraints say that allowed perturbations exist with :math:`\sum_i \alpha_i y_i (x_i +
    \delta_i) = 0`: see :func:`certificate_perturbations`. Psi is the conjugate :math:`\Psi(z) =
    \max_a H(a) - a z`. So the worst loss of an example is at least :math:`H(\alpha_i) - \alpha_i
    y_i (\theta^\top (x_i + \delta_i) + \theta_0)`, and in the sum the last terms cancel.
    """
    check_ball(ball, feature, intervals=True)
    data = open_examples(x, y, memory)
    weights = check_alpha(alpha, data.n)
    if not (weights.min() >= 0 and weights.max() <= 1):
        raise ValueError(
            f"alpha must lie in [0, 1], got {weights.min():g} to {weights.max():g}: clip it"
        )
    imbalance = math.fsum(weights * data.y)  # fsum rounds once, at the end: 0 means exactly 0
    if imbalance != 0:
        raise ValueError(
            f"alpha must weigh both classes exactly alike, got a difference of {imbalance:g}: "
            "scale the heavier class down"
        )
    if isinstance(ball, BoxedNormBall | PixelIntervals) or feature is not None:
        intervals = intervals_of(data, ball, feature)
        if not intervals.is_feasible(weights, intervals.sums(weights)):
            raise ValueError(
                "alpha must make the weighted interval means of the classes overlap in every "
                "pixel, by more than the rounding errors of checking it, got one that does not: "
                "the adversary can't move the weighted class means onto each other within them"
            )
        return mean_entropy(weights)
    required = least_radius(data, ball.p, weights, data.columns().pull(weights * data.y))
    if not required <= ball.radius:  # also where sums overflow, and it is not a number
        raise ValueError(
            f"alpha must be feasible at radius {ball.radius!r}, got one that takes {required!r}: "
            "the adversary can't move the weighted class means onto each other"
        )
    return mean_entropy(weights)


@torch.no_grad()
def certificate_perturbations(
    x: Tensor, y: Tensor, ball: NormBall | PixelIntervals, alpha: Tensor
) -> Tensor:
    r"""Perturbations with which the weighted means of the two classes coincide.

    .. math:: \sum_i \alpha_i y_i (x_i + \delta_i) = 0, \qquad \delta_i \in \Delta(x_i)

    With `alpha` they are the whole proof of :func:`lower_bound`, spelled out: whatever a linear
    classifier gains on the mean of one class it loses on that of the other.

    Parameters
    ----------
    x, y, ball, alpha
        As for :func:`lower_bound`; `alpha` must not be 0 everywhere.

    Returns
    -------
    Tensor of shape (n, d), float64
        The perturbations. The condition and the membership in the ball hold up to rounding.

    Raises
    ------
    ValueError
        If `alpha` proves nothing: as for :func:`lower_bound`, and if it is 0.

    Notes
    -----
    For p = 1 and 2 each example moves by half the difference of the weighted means. For p = inf
    both means move, in each pixel, to that common point of the two weighted interval means which is
    nearest to the middle of the unperturbed means. Each example goes along its own interval by the
    same share as the mean of its class.
    """
    lower_bound(x, y, ball, alpha)
    if not alpha.any():
        raise ValueError(
            "alpha must have a positive entry, got zeros: they prove only that a risk is not "
            "negative, use the alpha of an optimum"
        )
    x, ones = x.double(), check_labels(y, len(x)) > 0
    weights = alpha / alpha[ones].sum()
    classes = [(rows, weights[rows]) for rows in (ones, ~ones)]
    one, zero = (own @ x[rows] for rows, own in classes)
    if ball.p != math.inf:
        return torch.where(ones[:, None], zero - one, one - zero) / 2
    delta, means = torch.empty_like(x), []
    for rows, own in classes:
        means.append([own @ end for end in ball.some(rows).interval(x[rows])])
    (low_one, high_one), (low_zero, high_zero) = means
    common = ((one + zero) / 2).maximum(low_one.maximum(low_zero))
    common = common.minimum(high_one.minimum(high_zero))
    for (rows, _), (lowest, highest) in zip(classes, means, strict=True):
        share = ((common - lowest) / (highest - lowest)).nan_to_num(0.0).clamp(0, 1)
        for some in rows.nonzero()[:, 0].split(AT_ONCE):  # all at once would take copies of all
            low, high = ball.some(some).interval(x[some])
            delta[some] = low + share * (high - low) - x[some]
    return delta


def check_alpha(alpha: Tensor, n: int) -> np.ndarray:
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


def certify(data: Examples, ball: NormBall, alpha: np.ndarray, pull: np.ndarray) -> Certificate:
    """What the balanced point `alpha` proves; if it is not feasible the zero point: 0."""
    required = least_radius(data, ball.p, alpha, pull)
    floor = 100 * data.rounding_of_a_mean(ball.p)
    if not required <= max(ball.radius, floor):
        return Certificate(0.0, np.zeros(data.n), ball.radius)
    return Certificate(mean_entropy(alpha), alpha, max(required, ball.radius))
