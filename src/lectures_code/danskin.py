r"""Danskin's theorem, to be checked: value functions and their derivatives.

A value function is a maximum over perturbations, :math:`\varphi(\theta) = \max_{\delta \in \Delta}
g(\theta, \delta)`. Here :math:`\Delta` is a finite set, which is compact, and :math:`g` is
continuously differentiable in :math:`\theta`: the theorem's conditions hold exactly.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from scipy.optimize import nnls
from torch import Tensor

from lectures_code.checks import check_float, check_positive, real


@dataclass(frozen=True, eq=False)
class ValueFunction:
    r""":math:`\varphi(\theta) = \max_k g(\theta, \delta_k)`, with its maximisers and derivatives.

    Parameters
    ----------
    g : callable
        ``g(theta, deltas)`` takes theta of shape (d,) and deltas of shape (k, m), both in the wider
        of their dtypes, and gives the k values, shape (k,); autograd must be able to differentiate
        it in theta.
    deltas : Tensor of shape (k, m)
        The set's points.
    tolerance : float, optional
        A point counts as a maximiser if its value is within ``tolerance * max(1, |maximum|)``. By
        default 4096 times the machine precision of the values, room for the rounding errors of g,
        but no more than half of the digits: 9.1e-13 in float64, 3.5e-4 in float32.

    Raises
    ------
    TypeError, ValueError
        If the set is not a finite floating-point tensor of shape (k, m) with k >= 1.
    """

    g: Callable[[Tensor, Tensor], Tensor]
    deltas: Tensor
    tolerance: float | None = None

    def __post_init__(self) -> None:
        deltas = check_float("deltas", self.deltas)
        if deltas.ndim != 2 or len(deltas) == 0:
            raise ValueError(
                "deltas must have shape (k, m) with k >= 1, one perturbation a row, "
                f"got {tuple(deltas.shape)}: a maximum needs at least one candidate"
            )
        if self.tolerance is not None:
            object.__setattr__(self, "tolerance", check_positive("tolerance", self.tolerance))

    def values(self, theta: Tensor) -> Tensor:
        """The values g(theta, delta_k), shape (k,)."""
        dtype = torch.promote_types(theta.dtype, self.deltas.dtype)
        values = self.g(theta.to(dtype), self.deltas.to(dtype))
        if not isinstance(values, Tensor) or values.shape != (len(self.deltas),):
            came = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
            raise ValueError(
                f"g must give one value for each delta, shape ({len(self.deltas)},), got {came}"
            )
        if values.isnan().any():
            raise ValueError(
                f"g must give numbers, got NaN for {int(values.isnan().sum())} of {len(values)} "
                "deltas: a maximum needs values that can be compared"
            )
        return values

    def __call__(self, theta: Tensor) -> Tensor:
        """The maximum, shape ()."""
        return self.values(theta).max()

    def maximisers(self, theta: Tensor) -> Tensor:
        """Row numbers of all deltas that attain the maximum, int64, shape (j,)."""
        values = self.values(theta).detach()
        best, tolerance = values.max(), self.tolerance
        if tolerance is None:
            eps = torch.finfo(values.dtype).eps
            tolerance = min(4096 * eps, math.sqrt(eps))
        return (values >= best - tolerance * best.abs().clamp(min=1.0)).nonzero()[:, 0]

    def gradients(self, theta: Tensor) -> Tensor:
        r"""The gradients :math:`\nabla_\theta g(\theta, \delta)` at the maximisers, (j, d)."""
        at = ValueFunction(self.g, self.deltas[self.maximisers(theta)])
        return torch.func.jacrev(at.values)(theta.detach())

    def gradient(self, theta: Tensor) -> Tensor:
        r"""Danskin's gradient :math:`\nabla \varphi(\theta)`, where all maximisers agree.

        Parameters
        ----------
        theta : Tensor of shape (d,)
            The point.

        Returns
        -------
        Tensor of shape (d,)
            The gradient.

        Raises
        ------
        ValueError
            At a kink, where the maximisers' gradients differ and there is no gradient.
        """
        gradients = self.gradients(theta)
        # Equal up to half of the digits.
        within = math.sqrt(torch.finfo(gradients.dtype).eps) * gradients.abs().max().clamp(min=1.0)
        if (gradients - gradients[0]).abs().max() > within:
            raise ValueError(
                f"the gradient needs maximisers that agree, got {len(gradients)} with different "
                "gradients: this is a kink, use directional_derivative"
            )
        return gradients[0]

    def directional_derivative(self, theta: Tensor, direction: Tensor) -> Tensor:
        r"""Slope in a direction, :math:`\max_{\delta^*} \langle \nabla_\theta g(\theta, \delta^*),
        v \rangle` over the maximisers.

        Parameters
        ----------
        theta : Tensor of shape (d,)
            The point.
        direction : Tensor of shape (d,)
            :math:`v`, of any length; the slope is per unit of `v`.

        Returns
        -------
        Tensor of shape ()
            :math:`\varphi'(\theta; v)`.

        References
        ----------
        Danskin (1966), theorem 1.
        """
        gradients = self.gradients(theta)
        return (gradients @ direction.to(gradients.dtype)).max()

    def steepest_descent(self, theta: Tensor) -> Tensor:
        r"""Minus the shortest vector in the convex hull of the maximisers' gradients.

        Where it is not 0 it is a direction of descent, with slope minus its squared length; a
        single maximiser's gradient need not give one.

        Parameters
        ----------
        theta : Tensor of shape (d,)
            The point.

        Returns
        -------
        Tensor of shape (d,)
            The direction; 0 where no direction goes down.
        """
        gradients = self.gradients(theta).double()
        # Least squares over weights w >= 0: its solution, rescaled to sum 1, is the shortest
        # combination, because |G'w|^2 + (sum w - 1)^2 grows with the length of the combination.
        # In units of the largest entry, so that neither term drowns in the other's rounding.
        size = gradients.abs().max().clamp(min=torch.finfo(gradients.dtype).tiny)
        system = torch.cat([gradients.T / size, gradients.new_ones(1, len(gradients))])
        target = gradients.new_zeros(len(system))
        target[-1] = 1.0
        weights = torch.from_numpy(nnls(system.numpy(), target.numpy())[0])
        return -(weights / weights.sum()) @ gradients


def difference_quotient(
    f: Callable[[Tensor], Tensor], theta: Tensor, direction: Tensor, step: float
) -> float:
    r"""One-sided slope by finite differences, :math:`(f(\theta + hv) - f(\theta)) / h`.

    Parameters
    ----------
    f : callable
        Takes theta of shape (d,), gives a number.
    theta : Tensor of shape (d,)
        The point.
    direction : Tensor of shape (d,)
        :math:`v`.
    step : float
        :math:`h`; negative for the slope from the other side, finite and not 0.

    Returns
    -------
    float
        The quotient; its error is of the order of h where f is smooth on that side.

    Raises
    ------
    ValueError
        If the step is 0 or no finite number.
    """
    h = real(step)
    if h == 0 or not math.isfinite(h):
        raise ValueError(
            f"step must be a finite number other than 0, got {step!r}: "
            "use about 1e-6 for functions in float64"
        )
    return float((f(theta + h * direction) - f(theta)) / h)
