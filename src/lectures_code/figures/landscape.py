"""The inner maximum of one example as a map."""

from matplotlib.axes import Axes
from torch import Tensor

from lectures_code.figures.style import INK, VERMILION, axes_or_new, styled
from lectures_code.networks.landscape import Landscape


@styled
def plot_landscape(
    landscape: Landscape,
    index: int,
    starts: Tensor,
    ends: Tensor,
    *,
    ax: Axes | None = None,
) -> Axes:
    """The objective over one example's square, and where an attack began and ended.

    Parameters
    ----------
    landscape : Landscape
        Of several examples.
    index : int
        Which of them is drawn.
    starts, ends : Tensor of shape (m, 2)
        Perturbed examples before and after the ascent, in pairs.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        Light is a large objective. The thick line is the boundary between right and wrong.
    """
    ax = axes_or_new(ax, size=(4.8, 4.2))
    values = landscape.values[index].detach().double().numpy()
    points = landscape.points[index].double().numpy()
    first, second = points[..., 0], points[..., 1]
    colours = ax.contourf(first, second, values, 24, cmap="cividis")
    if values.min() < 0 < values.max():
        ax.contour(first, second, values, [0.0], colors=INK, linewidths=2.5)
    for start, end in zip(starts.numpy(), ends.numpy(), strict=True):
        ax.plot(*zip(start, end, strict=True), color="white", lw=0.7, alpha=0.8)
    ax.plot(*starts.numpy().T, "o", color="white", mec=INK, ms=4, label="starts", clip_on=False)
    ax.plot(*ends.numpy().T, "D", color=VERMILION, mec=INK, ms=7, label="ends", clip_on=False)
    ax.set(xlabel="first feature", ylabel="second feature", aspect="equal")
    ax.figure.colorbar(colours, ax=ax, label="log-odds of a mistake")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
    return ax
