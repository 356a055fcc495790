"""The style of all figures, and the decorator that applies it.

Colours stay apart for the colour-blind and, each with a line style and a marker of its own, in grey
print; lines and letters are of a grey that reads on a light and on a dark page; the background is
the page's.
"""

import math
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from lectures_code.checks import plain, real
from lectures_code.logistic import LinearClassifier

Parameters = ParamSpec("Parameters")
Drawn = TypeVar("Drawn")

# Okabe and Ito's colours, those that read on white and on near-black.
BLUE, VERMILION, GREEN, PURPLE, AMBER = "#2b83ba", "#d55e00", "#009e73", "#b86fa0", "#c08500"
CYCLE = (BLUE, VERMILION, GREEN, PURPLE, AMBER)
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v")
# No grey has a contrast of 4.5 to white and to the site's dark ground at once: the most that one
# can have to both is 4.2. This one has 4.95 to white. The site's build puts a light grey in its
# place on dark pages; on another dark ground it has about 3.6.
INK = "#707070"

STYLE: dict[Any, Any] = {
    "figure.facecolor": "none",
    "figure.dpi": 144,
    "figure.constrained_layout.use": True,
    "axes.facecolor": "none",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "legend.fontsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": INK,
    "grid.alpha": 0.2,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.8,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "font.size": 11,
}


# Inches. The site shows 110 pixels for an inch, and on a phone the whole width on 343: in a
# wider figure, letters of 10 points come out smaller than 10 pixels there.
WIDEST = 5.2


def styled(plot: Callable[Parameters, Drawn]) -> Callable[Parameters, Drawn]:
    """Draw with the book's style, and leave the settings of others as they were.

    Numbers are drawn for what they are, whatever their dtype and whether or not they are part of a
    computation that autograd follows.
    """

    @wraps(plot)
    def drawn(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Drawn:
        # Not plt.rc_context: it puts back every setting, also the one by which a notebook's
        # backend, loaded with the first figure, says that it shows figures by itself.
        before = {name: plt.rcParams[name] for name in STYLE}
        plt.rcParams.update(STYLE)
        try:
            options = {name: drawable(value) for name, value in kwargs.items()}
            return plot(*map(drawable, args), **options)
        finally:
            plt.rcParams.update(before)

    return drawn


def drawable(value: Any) -> Any:
    """Tensors as constants in float64, classifiers with such weights, numbers as Python's own."""
    if isinstance(value, Mapping):
        return {name: drawable(each) for name, each in value.items()}
    if isinstance(value, LinearClassifier | nn.Module):
        value = LinearClassifier.of(value)
        return LinearClassifier(value.theta.detach().double(), value.intercept.detach().double())
    if isinstance(value, Tensor) and value.ndim > 0:
        try:
            return value.detach().double() if value.is_floating_point() else value
        except RuntimeError:  # numbers of 4 bits, say: whoever draws them says so
            return value
    number = plain(value)
    if isinstance(number, int):
        return number
    return value if math.isnan(real(number)) else real(number)


def axes_or_new(ax: Axes | None, *, size: tuple[float, float] = (4.5, 3.0)) -> Axes:
    """These axes, or those of a new figure of this size in inches."""
    return plt.subplots(figsize=size)[1] if ax is None else ax


def figure_of(ax: Axes) -> Figure:
    """The figure that these axes are on, which is not part of another."""
    assert isinstance(ax.figure, Figure)
    return ax.figure


def line_look(k: int) -> dict[str, Any]:
    """Colour and line style of the k-th series, from 0."""
    return {"color": CYCLE[k % 5], "ls": DASHES[k % 5]}


def dotted_look(k: int) -> dict[str, Any]:
    """:func:`line_look`, and a small marker at each value."""
    return {**line_look(k), "marker": MARKERS[k % 5], "ms": 4}
