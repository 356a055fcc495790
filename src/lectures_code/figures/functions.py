"""Functions of the weights: envelopes, their tangents, the loss, and the risk on the way down."""

from collections.abc import Mapping

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from lectures_code.checks import check_examples
from lectures_code.danskin import ValueFunction
from lectures_code.figures.lines import plot_lines
from lectures_code.figures.style import BLUE, INK, PURPLE, VERMILION, axes_or_new, styled
from lectures_code.logistic import psi
from lectures_code.perturbations import NormBall


@styled
def plot_envelope(thetas: Tensor, curves: Mapping[str, Tensor], *, ax: Axes | None = None) -> Axes:
    """A function of theta for each perturbation, as thin curves, and their maximum as a thick one.

    `thetas` and each curve's values have shape (t,).
    """
    ax = axes_or_new(ax)
    top = torch.stack(list(curves.values())).max(dim=0).values
    name = r"$\varphi$, the maximum"
    ax.plot(thetas.numpy(), top.numpy(), color=INK, lw=6, alpha=0.35, label=name)
    return plot_lines(thetas, curves, xlabel=r"$\theta$", ylabel=r"$g(\theta, \delta)$", ax=ax)


@styled
def plot_tangents(
    phi: ValueFunction,
    theta: float,
    *,
    missed: float | None = None,
    n_curves: int = 5,
    ax: Axes | None = None,
) -> Axes:
    r"""An envelope, and the line that touches it, or at a kink the two one-sided ones.

    Parameters
    ----------
    phi : ValueFunction
        The maximum, of functions of one weight and one perturbation.
    theta : float
        The weight at which the lines touch, in [-2, 2].
    missed : float, optional
        A perturbation that is no maximiser; its curve and tangent are drawn as well.
    n_curves : int
        How many of the family's curves are drawn, evenly spaced among ``phi.deltas``.
    """
    ax = axes_or_new(ax, size=(4.2, 3.3))
    at = torch.tensor([theta], dtype=torch.float64)
    thetas = torch.linspace(-2, 2, 81, dtype=torch.float64)
    values = torch.stack([phi.values(each) for each in thetas[:, None]])
    drawn = torch.linspace(0, values.shape[1] - 1, n_curves).round().long()
    ax.plot(thetas.numpy(), values[:, drawn].numpy(), color=INK, lw=0.8)
    top = values.max(dim=1).values
    ax.plot(thetas.numpy(), top.numpy(), color=BLUE, lw=5, alpha=0.5, label=r"$\varphi$")
    limits = ax.axis()

    slopes = {
        float(sign * phi.directional_derivative(at, at.new_tensor([sign]))) for sign in (-1, 1)
    }
    for k, slope in enumerate(sorted(slopes)):
        label = "tangent" if k == 0 else None
        ax.axline((theta, float(phi(at))), slope=slope, color=VERMILION, ls="--", label=label)
    if missed is not None:
        _draw_missed(ax, phi, at, thetas, missed)
    ax.axis(limits)
    ax.plot(theta, float(phi(at)), "o", color=VERMILION, ms=7)
    ax.set(xlabel=r"$\theta$", ylabel=r"$g(\theta, \delta)$")
    ax.legend()
    return ax


def _draw_missed(ax: Axes, phi: ValueFunction, at: Tensor, thetas: Tensor, delta: float) -> None:
    """The curve of one perturbation, and its tangent at one weight."""
    alone = ValueFunction(phi.g, at.new_tensor([[delta]]))
    curve = torch.stack([alone(each) for each in thetas[:, None]])
    ax.plot(thetas.numpy(), curve.numpy(), color=PURPLE, lw=1.4)
    point, slope = (float(at), float(alone(at))), float(alone.gradient(at))
    label = rf"tangent at $\hat\delta = {delta:g}$"
    ax.axline(point, slope=slope, color=PURPLE, ls=":", label=label)


@styled
def plot_logistic_loss(z: Tensor, *, ax: Axes | None = None) -> Axes:
    """The logistic loss of margins z, shape (t,), and the step function that counts mistakes."""
    curves = {
        r"$\Psi(z) = \log(1 + e^{-z})$": psi(z),
        "mistake: 1 if $z \\leq 0$": (z <= 0).to(z.dtype),
    }
    return plot_lines(z, curves, xlabel="margin $z$", ylabel="loss (nats)", ax=ax)


@styled
def plot_descent(
    x: Tensor,
    y: Tensor,
    ball: NormBall,
    path: Tensor,
    best: Tensor,
    *,
    limits: tuple[float, float] = (-1.0, 3.0),
    ax: Axes | None = None,
) -> Axes:
    """Contours of the adversarial risk of two weights, without intercept, and a path across them.

    Parameters
    ----------
    x : Tensor of shape (n, 2)
        Examples.
    y : Tensor of shape (n,)
        Labels in {-1, +1}.
    ball : NormBall
        The perturbation set.
    path : Tensor of shape (k, 2)
        Iterates, the start first.
    best : Tensor of shape (2,)
        The minimiser; the heights of the contours above its risk double from each to the next.
    limits : pair of floats
        The range of both weights.
    """
    x, y = check_examples(x, y)
    ax = axes_or_new(ax, size=(4.6, 4.6))
    at = torch.linspace(*limits, 97, dtype=torch.float64)
    grid = torch.cartesian_prod(at, at)  # theta_2 changes fastest

    def risk(theta: Tensor) -> Tensor:
        return psi(theta @ (y[:, None] * x).T - ball.support(theta)[:, None]).mean(dim=1)

    levels = float(risk(best[None])) + 0.002 * 2.0 ** np.arange(11)
    heights = risk(grid).reshape(len(at), len(at)).T.numpy()
    ax.contour(at.numpy(), at.numpy(), heights, levels, colors=INK, linewidths=0.7, alpha=0.7)
    ax.axhline(0, color=PURPLE, lw=1.5)
    ax.axvline(0, color=PURPLE, lw=1.5)
    ax.plot(*path.numpy().T, "o-", color=BLUE, lw=1, ms=2.5, label="steps")
    ax.plot(*path[0].numpy(), "o", mfc="none", color=BLUE, ms=9, mew=2, label="start")
    ax.plot(*best.numpy(), "D", color=VERMILION, ms=8, label="minimum")
    ax.set(xlim=limits, ylim=limits, aspect="equal", xlabel=r"$\theta_1$", ylabel=r"$\theta_2$")
    ax.grid(False)
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.12), ncols=3)
    return ax
