"""Errors: by epoch, by radius, by seed, one kind against the other, and the margins behind them."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from lectures_code.figures.lines import plot_lines
from lectures_code.figures.style import (
    BLUE,
    CYCLE,
    INK,
    VERMILION,
    axes_or_new,
    dotted_look,
    styled,
)
from lectures_code.risk import ErrorCount, ErrorCurve
from lectures_code.training import History


@styled
def plot_history(
    histories: Mapping[str, History], *, adversarial: bool = True, ax: Axes | None = None
) -> Axes:
    """Error under attack, or the clean one, by epoch, one line for each training run.

    The scale is logarithmic, with a gap where there is no error. Runs may differ in length.
    """
    ax = axes_or_new(ax)
    for k, (name, history) in enumerate(histories.items()):
        counts = history.robust_error if adversarial else history.error
        # A rate of 0 has no place on a logarithmic axis: leave a gap there.
        rates = [count.rate or np.nan for count in counts]
        ax.plot(rates, label=name, **dotted_look(k))
    ax.set(xlabel="epochs", ylabel="error under attack" if adversarial else "error", yscale="log")
    ax.legend()
    return ax


@styled
def plot_error_curves(
    curves: Mapping[str, ErrorCurve],
    radii: Tensor,
    *,
    mark: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Error under attack against the radius of the attack, one line for each classifier.

    Parameters
    ----------
    curves : mapping from names to ErrorCurves
        The classifiers' whole curves.
    radii : Tensor of shape (t,)
        Radii to draw, in pixel units.
    mark : float, optional
        A radius to mark.
    """
    rates = {name: curve.counts(radii) / len(curve.radii) for name, curve in curves.items()}
    # The legend stands below the axes: there is no room beside the curves.
    columns = 2 if max(map(len, curves), default=0) <= 20 else 1
    ax = axes_or_new(ax, size=(4.5, 3.0 + 0.22 * -(-len(curves) // columns)))
    plot_lines(radii, rates, xlabel=r"radius $\epsilon$", ylabel="error under attack", ax=ax)
    if mark is not None:
        ax.axvline(mark, color=INK, lw=1.2, ls=":", label="_mark")
    ax.set(ylim=(-0.02, 1.02))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.26), ncols=columns)
    return ax


@styled
def plot_seeds(
    counts: Mapping[str, Sequence[ErrorCount]],
    lecture: Mapping[str, float],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Errors of every seed as dots, one row for each recipe, and the lecture's own values.

    Parameters
    ----------
    counts : mapping from names to sequences of ErrorCounts
        The recipes, with a count for each seed.
    lecture : mapping from names to float
        The lecture's error rates, where it gives one.
    """
    ax = axes_or_new(ax, size=(4.8, 0.9 + 0.55 * len(counts)))
    diamond: dict[str, Any] = {"mec": INK, "mfc": "none", "ms": 9, "mew": 1.8}
    for row, (name, errors) in enumerate(counts.items()):
        rates = np.array([count.rate for count in errors])
        # Spread the dots by their order, so that equal ones stay visible, without random numbers.
        offset = np.linspace(-0.25, 0.25, len(rates)) if len(rates) > 1 else np.zeros(1)
        color = CYCLE[row % 5]
        ax.plot(rates, row + offset, "o", color=color, ms=4, alpha=0.6, label=f"_{name}")
        if name in lecture:
            ax.plot(lecture[name], row, "D", label=f"_the lecture: {name}", **diamond)
    ax.plot([], [], "D", ls="", label="the lecture", **diamond)
    ax.set(yticks=range(len(counts)), yticklabels=list(counts), xlabel="error under attack")
    ax.set(xscale="log", ylim=(len(counts) - 0.5, -0.5))
    ax.legend(loc="best")
    return ax


@styled
def plot_trade_off(
    counts: Mapping[str, Sequence[tuple[ErrorCount, ErrorCount]]], *, ax: Axes | None = None
) -> Axes:
    """Mistakes under attack against clean mistakes, one line for each family of classifiers.

    Each family gives pairs of its clean mistakes and those under attack, which are on a logarithmic
    scale. Down and to the left is better.
    """
    ax = axes_or_new(ax)
    for k, (name, pairs) in enumerate(counts.items()):
        clean, attacked = ([count.k for count in each] for each in zip(*pairs, strict=True))
        ax.plot(clean, attacked, label=name, **dotted_look(k))
    ax.set(xlabel="clean mistakes", ylabel="mistakes under attack", yscale="log")
    ax.legend()
    return ax


@styled
def plot_margins(margins: Mapping[str, Tensor], taken: Mapping[str, float]) -> Sequence[Axes]:
    """Histograms of margins, one below the other, and how much of a margin an attack takes.

    Parameters
    ----------
    margins : mapping from names to Tensors of shape (n,)
        The classifiers, with the margins of examples.
    taken : mapping from names to float
        For each classifier what the worst perturbation takes from every margin, >= 0: examples left
        of this line are mistakes under the attack.
    """
    figure, column = plt.subplots(len(margins), 1, figsize=(4.5, 1.75 * len(margins)))
    for ax, (name, values) in zip(np.atleast_1d(column), margins.items(), strict=True):
        ax.hist(values.numpy(), bins=40, color=BLUE, label="_margins")
        ax.axvline(taken[name], color=VERMILION, ls="--", label="what the attack takes")
        ax.set(title=name, xlabel="margin without attack", ylabel="images")
    figure.axes[-1].legend()
    return figure.axes
