"""Perturbation sets in the plane, and the boundaries of classifiers between them."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor

from lectures_code.checks import check_examples
from lectures_code.figures.style import (
    AMBER,
    BLUE,
    GREEN,
    INK,
    VERMILION,
    WIDEST,
    axes_or_new,
    line_look,
    styled,
)
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall


def _outline(ball: NormBall, n: int = 400) -> Tensor:
    """Points on the boundary of a ball in the plane, shape (m, 2), counterclockwise.

    The corners of a ball that has corners, and n points of any other.
    """
    if ball.p == 1:
        ray = torch.tensor([[1, 0], [0, 1], [-1, 0], [0, -1]], dtype=torch.float64)
    elif ball.p == torch.inf:
        ray = torch.tensor([[1, 1], [-1, 1], [-1, -1], [1, -1]], dtype=torch.float64)
    else:
        angle = torch.linspace(0, 2 * torch.pi, n + 1, dtype=torch.float64)[:-1]
        ray = torch.stack([angle.cos(), angle.sin()], dim=1)
    # A ray ends where its p-norm is the radius.
    return ball.radius * ray / torch.linalg.vector_norm(ray, ord=ball.p, dim=1, keepdim=True)


@styled
def plot_balls(balls: Sequence[NormBall], *, ax: Axes | None = None) -> Axes:
    """Outlines of norm balls in the plane, drawn over each other."""
    ax = axes_or_new(ax, size=(4.5, 3.5))
    for k, ball in enumerate(balls):
        look = line_look(k)
        name = "∞" if ball.p == torch.inf else f"{ball.p:g}"
        fill, edge = (look["color"], 0.12), {"ec": look["color"], "ls": look["ls"], "lw": 1.8}
        ax.fill(*_outline(ball).numpy().T, fc=fill, **edge, label=f"p = {name}")
    ax.set(xlabel=r"$\delta_1$", ylabel=r"$\delta_2$", aspect="equal")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return ax


@styled
def plot_support(ball: NormBall, w: Tensor, *, ax: Axes | None = None) -> Axes:
    """A ball in the plane, a direction, the point farthest in it, and the line that touches there.

    The direction `w` has shape (2,) and is not 0.
    """
    ax = axes_or_new(ax, size=(3.4, 3.4))
    best, unit = ball.maximiser(w), w / w.norm()
    foot = ball.support(w) / w.norm() * unit
    along = torch.stack([-unit[1], unit[0]]) * 1.6 * ball.radius
    tangent = torch.stack([foot - along, foot + along])
    ax.fill(*_outline(ball).numpy().T, color=BLUE, alpha=0.15, label="_ball")
    ax.plot(*tangent.numpy().T, color=VERMILION, ls="--", label="_support line")
    arrow = {"arrowstyle": "->", "color": INK}
    ax.annotate("", unit * ball.radius * 0.8, (0, 0), arrowprops=arrow, label="_direction")
    ax.plot(*best.numpy(), "o", color=VERMILION, ms=8, label="_maximiser")
    limit = 1.6 * ball.radius
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    name = r"\infty" if ball.p == torch.inf else f"{ball.p:g}"
    ax.set(title=f"$p = {name}$", xlabel=r"$\delta_1$", ylabel=r"$\delta_2$")
    return ax


@styled
def plot_supports(balls: Sequence[NormBall], w: Tensor) -> Sequence[Axes]:
    """:func:`plot_support` of several balls side by side, for one direction of shape (2,)."""
    size = (min(1.7 * len(balls), WIDEST), 2.2)
    row = plt.subplots(1, len(balls), figsize=size, sharey=True, squeeze=False)[1][0]
    for ball, ax in zip(balls, row, strict=True):
        plot_support(ball, w, ax=ax)
        ax.set(ylabel=r"$\delta_2$" if ax is row[0] else "")
    return row


@styled
def plot_boundaries(
    x: Tensor,
    y: Tensor,
    classifiers: Mapping[str, LinearClassifier],
    ball: NormBall,
    *,
    n_sets: int = 24,
    ax: Axes | None = None,
) -> Axes:
    """Labelled points in the plane, some with their perturbation sets, and decision boundaries.

    Parameters
    ----------
    x : Tensor of shape (n, 2)
        Examples.
    y : Tensor of shape (n,)
        Labels in {-1, +1}.
    classifiers : mapping from names to LinearClassifiers or nn.Linear with one output
        Their boundaries are drawn; weights must not all be 0.
    ball : NormBall
        The set around each example.
    n_sets : int
        How many examples get their set drawn: all of them would hide each other.
    """
    x, y = check_examples(x, y)
    ax = axes_or_new(ax, size=(4.8, 3.7))
    for label, color, marker in ((-1, AMBER, "o"), (1, GREEN, "^")):
        own = x[y == label]
        ax.plot(*own.numpy().T, marker, color=color, ms=4, label=f"y = {label:+d}")
        for centre in own[: n_sets // 2]:
            outline = (centre + _outline(ball)).numpy()
            ax.fill(*outline.T, color=color, alpha=0.10, lw=0, label=f"_set, y = {label:+d}")
    limits = ax.axis()
    for k, (name, classifier) in enumerate(classifiers.items()):
        normal = classifier.theta / classifier.theta.norm()
        foot = -classifier.intercept / classifier.theta.norm() * normal
        along = 100 * torch.stack([-normal[1], normal[0]])
        ends = torch.stack([foot - along, foot + along])
        ax.plot(*ends.numpy().T, color=(VERMILION, BLUE)[k % 2], ls=("--", "-")[k % 2], label=name)
    ax.axis(limits)
    ax.set(xlabel="feature 1", ylabel="feature 2", aspect="equal", ylim=(-1, 1))
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.32), ncols=2)
    return ax
