"""Lines over one abscissa, the figure that most others begin with."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from lectures_code.figures.style import INK, axes_or_new, line_look, styled


@styled
def plot_lines(
    x: Tensor,
    curves: Mapping[str, Tensor | float],
    *,
    xlabel: str,
    ylabel: str,
    log_x: bool = False,
    log_y: bool = False,
    from_zero: bool = False,
    legend_below: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Curves over one abscissa, each with a colour and a line style of its own.

    Parameters
    ----------
    x : Tensor of shape (t,)
        The abscissa.
    curves : mapping from names to Tensors of shape (t,), or to floats
        The curves' values. A float is a level to compare with, a thin line in grey. The legend has
        neither a single curve nor names that begin with an underscore.
    xlabel, ylabel : str
        What the axes show, with units.
    log_x : bool
        Whether the abscissa is logarithmic, with ticks at powers of two, written out.
    log_y : bool
        Whether the ordinate is logarithmic.
    from_zero : bool
        Whether the ordinate begins at 0.
    legend_below : bool
        Whether the legend stands below the axes, where there is no room beside the curves.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        With one line for each curve, in their order.
    """
    ax = axes_or_new(ax)
    n_curves = 0
    for name, values in curves.items():
        if isinstance(values, Tensor):
            ax.plot(x.numpy(), values.numpy(), label=name, **line_look(n_curves))
            n_curves += 1
        else:
            dashes = "-" if name.startswith("_") else ":"
            ax.axhline(values, color=INK, lw=0.8, ls=dashes, label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if sum(not name.startswith("_") for name in curves) > 1:
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.22), "ncols": 2}
        ax.legend(**(below if legend_below else {}))
    if log_x:
        ax.set_xscale("log", base=2)
        ax.xaxis.set_major_formatter("{x:g}")
    else:  # without steps of 0.25: numbers with two decimals ran into each other
        ax.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10]))
    if log_y:
        ax.set(yscale="log")
    if from_zero:
        ax.set(ylim=(0, None))
    return ax
