"""What attacks find and what proofs exclude, side by side."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from lectures_code.figures.style import CYCLE, INK, MARKERS, axes_or_new, styled
from lectures_code.risk import ErrorCount


@styled
def plot_two_sides(
    found: Mapping[str, ErrorCount],
    not_proven: Mapping[str, Mapping[str, ErrorCount]],
    *,
    levels: Mapping[str, float],
    ax: Axes | None = None,
) -> Axes:
    """Errors found by attacks and errors not excluded by proofs, one row for each model.

    The robust error lies on the grey line between them, or where they meet. The line ends at the
    least of those proofs that are about as many examples as the attack. The scale is logarithmic,
    with a gap where there is no error.

    Parameters
    ----------
    found : mapping from names to ErrorCounts
        The models, and the mistakes that an attack finds.
    not_proven : mapping from names to mappings from names to ErrorCounts
        The ways to prove, each with the examples of each model that it does not certify.
    levels : mapping from names to float
        Error rates to compare with, as vertical lines.

    Returns
    -------
    Axes
        With the first model at the top.
    """
    ax = axes_or_new(ax, size=(4.8, 1.9 + 0.55 * len(found)))
    rows = np.arange(len(found))
    rates: dict[str, list[float]] = {
        "found by the attack": [count.rate for count in found.values()]
    }
    for way, counts in not_proven.items():
        rates[f"not proven by {way}"] = [counts[name].rate for name in found]
    for row, (name, count) in enumerate(found.items()):
        proven = [each[name].rate for each in not_proven.values() if each[name].n == count.n]
        ends = [count.rate or np.nan, min(proven, default=1.0)]
        ax.plot(ends, [row, row], color=INK, lw=3, alpha=0.4, label=f"_between: {name}")
    # Rows of markers lie a little apart, so that equal values stay visible.
    for k, (name, values) in enumerate(rates.items()):
        shown = [value or np.nan for value in values]
        color, marker = CYCLE[k % 5], MARKERS[k % 5]
        ax.plot(shown, rows + 0.13 * (k - 1), marker, color=color, ms=7, label=name)
    for name, level in levels.items():
        ax.axvline(level, color=INK, lw=1.2, ls=":", label=name)
    ax.set(yticks=rows, yticklabels=list(found), ylim=(len(found) - 0.5, -0.5))
    ax.set(xscale="log", xlabel="share of the test images")
    ax.legend(loc="upper center", bbox_to_anchor=(0.4, -0.28))
    return ax
