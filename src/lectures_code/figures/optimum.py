"""The exact optimum against the radius: its risk, and its weights."""

from matplotlib.axes import Axes
from torch import Tensor

from lectures_code.figures.style import AMBER, BLUE, GREEN, INK, VERMILION, axes_or_new, styled


@styled
def plot_least_risk(
    radii: Tensor, risks: Tensor, *, threshold: float, constant: float, ax: Axes | None = None
) -> Axes:
    """The least adversarial risk against the radius, and where it becomes positive.

    Parameters
    ----------
    radii : Tensor of shape (t,)
        Radii in pixel units, above the threshold.
    risks : Tensor of shape (t,)
        Minima in nats.
    threshold : float
        Radius up to which the infimum is 0, and there is no minimiser; this region is shaded.
    constant : float
        Risk of the best constant answer in nats, the entropy of the classes; marked.
    """
    ax = axes_or_new(ax)
    ax.plot(radii.numpy(), risks.numpy(), color=BLUE, label="least adversarial risk")
    ax.axhline(constant, color=INK, lw=0.8, ls=":", label="best constant answer")
    ax.axvspan(0, threshold, color=VERMILION, alpha=0.2, lw=0, label="no minimiser")
    ax.set(xlabel=r"radius $\epsilon$", ylabel="nats", xlim=(0, None), ylim=(0, None))
    ax.legend()
    return ax


@styled
def plot_path(radii: Tensor, weights: Tensor, *, ax: Axes | None = None) -> Axes:
    r"""How pixels enter and leave: each weight's share of :math:`\|\theta\|_1`, by radius.

    Radii, in pixel units, have shape (t,), the optima's weights (t, d); all of them may be 0 at a
    radius. Each pixel that has a weight at some radius gets a line, with the look of the digit that
    its largest share speaks for.
    """
    ax = axes_or_new(ax)
    # 0 / 0 where all weights are 0: there are no shares, and the lines end.
    shares = weights / weights.abs().sum(dim=1, keepdim=True)
    for pixel in (weights != 0).any(dim=0).nonzero()[:, 0].tolist():
        share = shares[:, pixel]
        positive = bool(share[share.nan_to_num().abs().argmax()] > 0)
        color, dashes = (GREEN, "-") if positive else (AMBER, "--")
        place = f"_pixel in row {pixel // 28}, column {pixel % 28}"
        ax.plot(radii.numpy(), share.numpy(), color=color, ls=dashes, lw=1.1, label=place)
    ax.plot([], [], color=GREEN, label='ink here says "1"')
    ax.plot([], [], color=AMBER, ls="--", label='ink here says "0"')
    ax.set(xlabel=r"radius $\epsilon$", ylabel=r"$\theta_j\,/\,\|\theta\|_1$")
    ax.legend()
    return ax
