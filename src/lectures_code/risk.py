r"""What a classifier's mistakes amount to: risk and error, clean and under attack.

The risk is a mean loss; the error is a count of mistakes. Under attack each example is replaced by
its worst perturbation. For a linear classifier and a norm ball both are computed exactly, from the
worst margin :math:`y(\theta^\top x + \theta_0) - \varepsilon \|\theta\|_q`. For any other model,
attack first and pass ``x + delta``: what comes out is then a lower bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lectures_code.checks import check_examples, check_radius, check_x, real
from lectures_code.features import MonotoneClassifier, exact_classifier
from lectures_code.logistic import (
    LinearClassifier,
    Model,
    evaluation_mode,
    losses,
    margins,
    outputs,
    psi,
)
from lectures_code.perturbations import NormBall, PixelIntervals


@dataclass(frozen=True)
class ErrorCount:
    """A number of mistakes, `k` of `n` examples; prints as count and rate."""

    k: int
    n: int

    @property
    def rate(self) -> float:
        """The mistakes' share, in [0, 1]."""
        return self.k / self.n

    def __str__(self) -> str:
        return f"{self.k} of {self.n} ({self.rate:.4f})"


def count_errors(worst: Tensor) -> ErrorCount:
    """Count the margins that are mistakes: not positive, for a tie counts as an error.

    Parameters
    ----------
    worst : Tensor of shape (n,)
        Margins, clean or under attack.

    Returns
    -------
    ErrorCount
        The count.
    """
    # Not `worst <= 0`: a margin that is not a number is no correct decision either.
    return ErrorCount(int((~(worst > 0)).sum()), len(worst))


def risk(model: Model, x: Tensor, y: Tensor) -> float:
    r"""Empirical risk, the mean loss :math:`\frac1n \sum_i L(y_i, f(x_i))`.

    Parameters
    ----------
    model : nn.Module or callable
        Gives one score, or several logits, for each example. A module is judged in evaluation mode
        (without dropout, batch norm with its running statistics) and is left in the mode that it
        had. A function around a module is called as it is: use ``module.eval()`` first.
    x : Tensor of shape (n, d)
        Examples, of the model's dtype; pass ``x + delta`` for the risk under an attack.
    y : Tensor of shape (n,)
        Labels in {-1, +1} for scores, class numbers for logits.

    Returns
    -------
    float
        The risk, in nats.

    Raises
    ------
    TypeError, ValueError
        If examples, labels and outputs do not fit each other.
    """
    return float(losses(_judged(model, x), y).mean())


def error(model: Model, x: Tensor, y: Tensor) -> ErrorCount:
    """Mistakes of the model on the examples.

    Arguments and errors as for :func:`risk`: a module is judged in evaluation mode here, too.
    """
    return count_errors(margins(_judged(model, x), y))


@torch.no_grad()
def _judged(model: Model, x: Tensor) -> Tensor:
    """The outputs of the model as it is used: in evaluation mode."""
    with evaluation_mode(model):
        return outputs(model, check_x(x))


def worst_margins(
    model: LinearClassifier | MonotoneClassifier | nn.Linear,
    x: Tensor,
    y: Tensor,
    ball: NormBall | PixelIntervals,
) -> Tensor:
    r"""Smallest margin of each example over its perturbation set, exactly.

    .. math:: \min_{\delta \in \Delta(x)} y(\theta^\top (x + \delta) + \theta_0)
              = y(\theta^\top x + \theta_0) - \max_{\delta \in \Delta(x)}
              \langle -y\theta, \delta \rangle,

    which for a norm ball is the margin less :math:`\varepsilon \|\theta\|_q`, 1/p + 1/q = 1.

    Parameters
    ----------
    model : LinearClassifier, nn.Linear with one output or MonotoneClassifier
        The classifier under attack.
    x : Tensor of shape (n, d)
        Examples.
    y : Tensor of shape (n,)
        Labels in {-1, +1}.
    ball : NormBall or PixelIntervals
        The perturbation set, with or without the box.

    Returns
    -------
    Tensor of shape (n,)
        The worst margins, never above the clean ones.

    Raises
    ------
    TypeError, ValueError
        If the model is none of these, or examples and labels are not as above.
    """
    return exact_classifier(model).worst_margins(x, y, ball)


def adversarial_objective(
    theta: Tensor, intercept: Tensor, x: Tensor, y: Tensor, ball: NormBall
) -> Tensor:
    r"""The adversarial risk of a linear model in closed form, as a function to differentiate.

    .. math:: \frac1n \sum_i \Psi\bigl(y_i(\theta^\top x_i + \theta_0)
              - \max_{\delta \in \Delta(x_i)} \langle -y_i \theta, \delta \rangle\bigr)

    Convex in :math:`(\theta, \theta_0)`. For a norm ball the maximum is
    :math:`\varepsilon \|\theta\|_q`.

    Parameters
    ----------
    theta : Tensor of shape (d,)
        Weights.
    intercept : Tensor of shape ()
        Intercept.
    x : Tensor of shape (n, d)
        Examples.
    y : Tensor of shape (n,)
        Labels in {-1, +1}.
    ball : NormBall
        The perturbation set.

    Returns
    -------
    Tensor of shape ()
        The risk in nats; autograd's gradient is the one at the maximiser.

    Raises
    ------
    TypeError, ValueError
        If examples and labels are not as above.
    """
    x, y = check_examples(x, y)
    if theta.shape != x.shape[1:]:
        raise ValueError(
            f"theta must have shape ({x.shape[1]},), one weight for each feature, "
            f"got {tuple(theta.shape)}"
        )
    if theta.dtype != x.dtype:
        raise TypeError(
            f"x must have the weights' dtype, got {x.dtype} with weights in {theta.dtype}: "
            "use x.to(theta.dtype)"
        )
    worst = y * (x @ theta + intercept) - ball.margin_taken(theta, x, y)
    return psi(worst).mean()


def adversarial_risk(
    model: LinearClassifier | MonotoneClassifier | nn.Linear,
    x: Tensor,
    y: Tensor,
    ball: NormBall | PixelIntervals,
) -> float:
    r"""Adversarial empirical risk of a linear classifier, exactly.

    .. math:: \frac1n \sum_i \max_{\delta \in \Delta(x_i)} L(y_i, f(x_i + \delta))

    Arguments and errors as for :func:`worst_margins`; in nats.
    """
    return float(psi(worst_margins(model, x, y, ball)).mean())


def robust_error(
    model: LinearClassifier | MonotoneClassifier | nn.Linear,
    x: Tensor,
    y: Tensor,
    ball: NormBall | PixelIntervals,
) -> ErrorCount:
    """Examples that some perturbation in the set makes a mistake, counted exactly.

    Arguments and errors as for :func:`worst_margins`.
    """
    return count_errors(worst_margins(model, x, y, ball))


def certified_radii(
    model: LinearClassifier | MonotoneClassifier | nn.Linear,
    x: Tensor,
    y: Tensor,
    ball: NormBall,
) -> Tensor:
    r"""Distance of each example to the decision boundary, negative where it is misclassified.

    .. math:: r_i = y_i(\theta^\top x_i + \theta_0) \,/\, \|\theta\|_q

    Around an example that is classified correctly, :math:`r_i > 0` is the radius of the largest
    open ball on which the decision stays the same. A misclassified example has :math:`r_i \le 0`.
    Either way there is a mistake within :math:`\varepsilon` if and only if
    :math:`r_i \le \varepsilon`.

    Parameters
    ----------
    model : LinearClassifier, nn.Linear with one output or MonotoneClassifier
        The classifier.
    x : Tensor of shape (n, d)
        Examples.
    y : Tensor of shape (n,)
        Labels in {-1, +1}.
    ball : NormBall
        The kind of set, of which the radius does not matter; a box for p = inf only. In it a radius
        is infinite where no image is misclassified, and minus infinity where the example is.

    Returns
    -------
    Tensor of shape (n,)
        Radii in pixel units, measured in the set's norm.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.
    """
    if isinstance(ball, PixelIntervals):
        raise ValueError(
            "ball must have a radius to find that at which an example falls, got intervals: use "
            "worst_margins, or NormBall(math.inf, radius)"
        )
    return exact_classifier(model).radii(x, y, ball)


@dataclass(frozen=True, eq=False)
class ErrorCurve:
    """Robust error as a function of the radius: a step up at each certified radius.

    Attributes
    ----------
    p : float
        Norm of the perturbation.
    radii : Tensor of shape (n,)
        The examples' certified radii, ascending, in pixel units.
    """

    p: float
    radii: Tensor

    def at(self, radius: float) -> ErrorCount:
        """Mistakes under the worst attack of this radius (>= 0)."""
        at = torch.tensor([check_radius(radius)], dtype=self.radii.dtype)
        return ErrorCount(int(self.counts(at)), len(self.radii))

    def counts(self, radii: Tensor | Sequence[float]) -> Tensor:
        """Mistakes at each of several radii (>= 0), int64, same shape; a list is taken as well."""
        if hasattr(radii, "dtype"):
            asked = torch.as_tensor(radii).to(self.radii.dtype)
        else:
            asked = torch.tensor([real(radius) for radius in radii], dtype=self.radii.dtype)
        if not (asked >= 0).all():
            raise ValueError(
                f"radii must be numbers >= 0 in pixel units, got {radii!r}: use 0 for no attack"
            )
        return torch.searchsorted(self.radii, asked, right=True)


def error_curve(
    model: LinearClassifier | MonotoneClassifier | nn.Linear,
    x: Tensor,
    y: Tensor,
    ball: NormBall,
) -> ErrorCurve:
    """The whole curve of robust error against radius, from one pass over the margins.

    It equals attacking anew at each radius: an example falls exactly when the radius reaches its
    certified radius. Arguments and errors as for :func:`certified_radii`.
    """
    return ErrorCurve(ball.p, certified_radii(model, x, y, ball).sort().values)
