r"""Linear classifiers with several classes: what of the closed form is left.

Logits are :math:`z = W x + b`. A perturbation changes the gap between another class's logit and the
true one by at most :math:`\varepsilon \|w_k - w_y\|_q`. One perturbation cannot raise every gap to
its maximum at once: for the loss this gives a bound. For the error it is exact, because one wrong
class is enough.
"""

import torch
from torch import Tensor

from lectures_code.checks import check_classes, check_float, check_x
from lectures_code.logistic import psi
from lectures_code.perturbations import NormBall
from lectures_code.risk import ErrorCount

ENTRIES = 2**20  # of a tensor of shape (rows, k, d): 8 MB in float64


def worst_gaps(weights: Tensor, biases: Tensor, x: Tensor, y: Tensor, ball: NormBall) -> Tensor:
    r"""The largest gap :math:`z_k - z_y` of each class over the perturbation set, class by class.

    .. math:: (w_k - w_y)^\top x + b_k - b_y + \max_{\delta \in \Delta(x)}
              \langle w_k - w_y, \delta \rangle

    Parameters
    ----------
    weights : Tensor of shape (k, d)
        One row of weights for each of k >= 2 classes.
    biases : Tensor of shape (k,)
        The classes' biases.
    x : Tensor of shape (n, d)
        Examples.
    y : Tensor of shape (n,)
        True class numbers, 0 .. k-1, of any number type.
    ball : NormBall
        The perturbation set, with or without the box.

    Returns
    -------
    Tensor of shape (n, k)
        The worst gaps; 0 for the true class.

    Raises
    ------
    TypeError, ValueError
        If shapes, dtypes or labels do not fit each other.

    Notes
    -----
    Some 2^20 of :math:`n k d` numbers are computed at a time. (What autograd keeps for gradients in
    the weights comes on top.)
    """
    x, weights, biases = check_x(x), check_float("weights", weights), check_float("biases", biases)
    k = weights.shape[0] if weights.ndim else 0
    if weights.shape != (k, x.shape[1]) or k < 2 or biases.shape != (k,):
        raise ValueError(
            f"weights must have shape (k, {x.shape[1]}) and biases (k,) with k >= 2, "
            f"got {tuple(weights.shape)} and {tuple(biases.shape)}"
        )
    if not weights.dtype == biases.dtype == x.dtype:
        raise TypeError(
            "weights, biases and x must have one dtype, "
            f"got {weights.dtype}, {biases.dtype} and {x.dtype}: use .to(x.dtype)"
        )
    y = check_classes(y, len(x), k)
    logits = x @ weights.T + biases
    return logits - logits.gather(1, y[:, None]) + _gains(weights, x, y, ball)


def _gains(weights: Tensor, x: Tensor, y: Tensor, ball: NormBall) -> Tensor:
    """The most that the adversary adds to each gap, shape (n, k)."""
    rows = max(1, ENTRIES // weights.numel())
    return torch.cat(
        [
            ball.support(weights - weights[own][:, None], some[:, None])
            for some, own in zip(x.split(rows), y.split(rows), strict=True)
        ]
    )


def loss_bound(weights: Tensor, biases: Tensor, x: Tensor, y: Tensor, ball: NormBall) -> Tensor:
    r"""Upper bound on each example's worst cross-entropy: every class gets its own worst attack.

    .. math:: \max_{\delta \in \Delta(x)} \log \sum_k e^{z_k - z_y} \le \log \sum_k
              e^{\max_{\delta \in \Delta(x)} (z_k - z_y)}

    With two classes it is an equality. Arguments and errors as for :func:`worst_gaps`.

    Returns
    -------
    Tensor of shape (n,)
        The bounds, in nats.
    """
    return torch.logsumexp(worst_gaps(weights, biases, x, y, ball), dim=1)


def largest_gap_losses(
    weights: Tensor, biases: Tensor, x: Tensor, y: Tensor, ball: NormBall
) -> Tensor:
    r"""Each example's worst loss of the largest gap, exact for every number of classes.

    .. math:: \max_{\delta \in \Delta(x)} \log\bigl(1 + e^{\max_{k \ne y} (z_k - z_y)}\bigr)
              = \log\bigl(1 + e^{\max_{k \ne y} \max_{\delta \in \Delta(x)} (z_k - z_y)}\bigr)

    It is at most the worst cross-entropy. Two maxima can be exchanged, a maximum and a sum cannot.
    Arguments and errors as for :func:`worst_gaps`.

    Returns
    -------
    Tensor of shape (n,)
        The losses, in nats.
    """
    return psi(-_largest(weights, biases, x, y, ball))


def _largest(weights: Tensor, biases: Tensor, x: Tensor, y: Tensor, ball: NormBall) -> Tensor:
    """The largest worst gap to another class, shape (n,)."""
    gaps = worst_gaps(weights, biases, x, y, ball)
    own = check_classes(y, *gaps.shape)[:, None]
    return gaps.scatter(1, own, -torch.inf).max(dim=1).values


def robust_error(
    weights: Tensor, biases: Tensor, x: Tensor, y: Tensor, ball: NormBall
) -> ErrorCount:
    """Examples that some perturbation in the set makes a mistake, counted exactly.

    An example falls if and only if some other class's worst gap is at least 0 (a tie counts as an
    error). Arguments and errors as for :func:`worst_gaps`.
    """
    return ErrorCount(int((_largest(weights, biases, x, y, ball) >= 0).sum()), len(x))
