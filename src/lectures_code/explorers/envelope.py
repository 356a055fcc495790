r"""The envelope explorer: a maximum of functions of one weight, and the slopes it has."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import traitlets
from matplotlib.figure import Figure
from torch import Tensor

from lectures_code.danskin import ValueFunction
from lectures_code.explorers.base import Explorer, Number, source, style
from lectures_code.figures import plot_tangents
from lectures_code.figures.style import figure_of
from lectures_code.logistic import psi


@dataclass(frozen=True)
class Family:
    r"""Functions :math:`g(\cdot, \delta)` of one weight, for :math:`\delta \in [-1, 1]`.

    Attributes
    ----------
    g : callable
        ``g(theta, deltas)`` as :class:`lectures_code.danskin.ValueFunction` takes it.
    words : str
        What the functions are, to be read in a sentence.
    n_curves : int
        How many of them are drawn.
    """

    g: Callable[[Tensor, Tensor], Tensor]
    words: str
    n_curves: int


FAMILIES = {
    "logistic": Family(
        lambda theta, d: psi(theta * (0.5 + d[:, 0])), "the logistic loss of θ(1/2 + δ)", 5
    ),
    "quadratic": Family(lambda theta, d: theta * d[:, 0] - d[:, 0] ** 2 / 2, "θδ - δ²/2", 9),
}


class EnvelopeExplorer(Explorer):
    r"""A family of functions, their maximum, and a weight to drag along it.

    .. math:: \varphi(\theta) = \max_{-1 \le \delta \le 1} g(\theta, \delta)

    It shows the maximiser (all of them at a kink), the tangent by Danskin's theorem, or the two
    one-sided ones, and what an inexact maximiser would give instead.

    Parameters
    ----------
    family : str
        ``"logistic"``, the loss of the weight :math:`\theta` on one example 1/2;
        ``"quadratic"``, :math:`\theta \delta - \delta^2 / 2`, whose maximiser moves.
    theta : float
        The initial weight, in [-2, 2].
    miss : float
        How far the inexact maximiser stays from the exact one, in [0, 1]; 0 for exact.

    Raises
    ------
    ValueError
        If there is no such family, or a number is out of range, also when one is changed later.
    """

    name = "envelope"
    _esm = source("envelope")
    _css = style("envelope")
    family = traitlets.Unicode("logistic").tag(sync=True)
    theta = Number(1.0).tag(sync=True)
    miss = Number(0.0).tag(sync=True)

    def __init__(self, family: str = "logistic", theta: float = 1.0, miss: float = 0.0) -> None:
        super().__init__(family=family, theta=theta, miss=miss)

    @traitlets.validate("family")
    def _check_family(self, proposal: traitlets.Bunch) -> str:
        if proposal.value not in FAMILIES:
            raise ValueError(
                f"family must be one of {', '.join(FAMILIES)}, got {proposal.value!r}: for other "
                "functions use danskin.ValueFunction"
            )
        return proposal.value

    @traitlets.validate("theta", "miss")
    def _check_number(self, proposal: traitlets.Bunch) -> float:
        name, value = proposal.trait.name, proposal.value
        low, high = {"theta": (-2, 2), "miss": (0, 1)}[name]
        if not low <= value <= high:
            raise ValueError(
                f"{name} must lie in [{low}, {high}] to be drawn, got {value:g}: "
                "danskin.ValueFunction takes any"
            )
        return value

    @property
    def value_function(self) -> ValueFunction:
        """The maximum over 41 points of [-1, 1], the exact maximiser among them."""
        deltas = torch.linspace(-1, 1, 41, dtype=torch.float64)
        # Only in the quadratic family can it lie between the ends; then it is the weight itself.
        deltas[(deltas - self.theta).abs().argmin()] = min(1.0, max(-1.0, self.theta))
        return ValueFunction(FAMILIES[self.family].g, deltas[:, None])

    @property
    def inexact_maximiser(self) -> float:
        """Where an inexact maximiser stops: short of the first exact one, on the side of 0."""
        phi = self.value_function
        best = float(
            phi.deltas[phi.maximisers(torch.tensor([self.theta], dtype=torch.float64))[0], 0]
        )
        return best - math.copysign(self.miss, best)

    def figure(self) -> Figure:
        missed = self.inexact_maximiser if self.miss else None
        n_curves = FAMILIES[self.family].n_curves
        return figure_of(
            plot_tangents(self.value_function, self.theta, missed=missed, n_curves=n_curves)
        )

    @property
    def alt(self) -> str:
        phi, theta = self.value_function, torch.tensor([self.theta], dtype=torch.float64)
        one = torch.ones_like(theta)
        left, right = (
            sign * float(phi.directional_derivative(theta, sign * one)) for sign in (-1, 1)
        )
        touch = (
            f"one line touches it, of slope {right:.2f}"
            if left == right
            else f"it has a kink, of slope {left:.2f} on the left and {right:.2f} on the right"
        )
        missed = (
            f" A curve that is not the highest there, for δ = {self.inexact_maximiser:.2f}, "
            "with its own tangent, lies below."
            if self.miss
            else ""
        )
        return (
            f"Curves of {FAMILIES[self.family].words}, one for each of several δ in [-1, 1], and "
            f"the envelope above them. At {self.theta:g} {touch}.{missed}"
        )
