"""The book's figures: results in, matplotlib axes out, one function a figure.

They share one style, kept here and applied to their own axes only: colours that stay apart for the
colour-blind and in grey print (with a line style or marker of their own as well), lines and letters
of a grey that reads on a light and on a dark page, and no ground of their own.

What is drawn also becomes a table. An artist that the legend must not show carries its name there
after an underscore, which keeps it out of the legend.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import wraps

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

from lectures_code.checks import check_examples, plain, real
from lectures_code.danskin import ValueFunction
from lectures_code.logistic import LinearClassifier, psi
from lectures_code.perturbations import NormBall
from lectures_code.risk import ErrorCount, ErrorCurve
from lectures_code.training import History

# Okabe and Ito's colours, those that read on white and on near-black.
BLUE, VERMILION, GREEN, PURPLE, AMBER = "#2b83ba", "#d55e00", "#009e73", "#b86fa0", "#c08500"
CYCLE = (BLUE, VERMILION, GREEN, PURPLE, AMBER)
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v")
# No grey has a contrast of 4.5 to white and to the site's dark ground at once: the most that one
# can have to both is 4.2. This one has 4.95 to white. On the site's dark pages it gives way to a
# light one (tools/book_display.py); on another dark ground it has about 3.6.
INK = "#707070"

STYLE = {
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


def _styled(plot: Callable) -> Callable:
    """Draw with the book's style, and leave the settings of others as they were.

    Numbers are drawn for what they are, whatever their dtype and whether or not they are part of a
    computation that autograd follows.
    """

    @wraps(plot)
    def styled(*args, **kwargs):
        # Not plt.rc_context: it puts back every setting, also the one by which a notebook's
        # backend, loaded with the first figure, says that it shows figures by itself.
        before = {name: plt.rcParams[name] for name in STYLE}
        plt.rcParams.update(STYLE)
        try:
            drawn = {name: _drawable(value) for name, value in kwargs.items()}
            return plot(*map(_drawable, args), **drawn)
        finally:
            plt.rcParams.update(before)

    return styled


def _drawable(value: object) -> object:
    """Tensors as constants in float64, classifiers with such weights, numbers as Python's own."""
    if isinstance(value, Mapping):
        return {name: _drawable(each) for name, each in value.items()}
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


# Inches. The site shows 110 pixels for an inch, and on a telephone the whole width on 343: in a
# wider figure, letters of 10 points come out smaller than 10 pixels there.
WIDEST = 5.2


def _axes(ax: Axes | None, *, size: tuple[float, float] = (4.5, 3.0)) -> Axes:
    return plt.subplots(figsize=size)[1] if ax is None else ax


def _lines(ax: Axes, x: Tensor, curves: Mapping[str, Tensor], *, xlabel: str, ylabel: str) -> Axes:
    """Curves over one abscissa, each with a colour and a line style of its own."""
    for k, (name, values) in enumerate(curves.items()):
        ax.plot(x.numpy(), values.numpy(), color=CYCLE[k % 5], ls=DASHES[k % 5], label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if len(curves) > 1:
        ax.legend()
    return ax


def _ball_outline(ball: NormBall, n: int = 400) -> Tensor:
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


@_styled
def plot_balls(balls: Sequence[NormBall], *, ax: Axes | None = None) -> Axes:
    """Norm balls in the plane, drawn over each other.

    Parameters
    ----------
    balls : sequence of NormBalls
        The sets.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        With one outline for each ball.
    """
    ax = _axes(ax, size=(4.5, 3.5))
    for k, ball in enumerate(balls):
        outline = _ball_outline(ball).numpy()
        name = "∞" if ball.p == torch.inf else f"{ball.p:g}"
        color, dashes = CYCLE[k % 5], DASHES[k % 5]
        ax.fill(*outline.T, fc=(color, 0.12), ec=color, ls=dashes, lw=1.8, label=f"p = {name}")
    ax.set(xlabel=r"$\delta_1$", ylabel=r"$\delta_2$", aspect="equal")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return ax


@_styled
def plot_support(ball: NormBall, w: Tensor, *, ax: Axes | None = None) -> Axes:
    """A ball in the plane, a direction, the point farthest in it, and the line that touches there.

    Parameters
    ----------
    ball : NormBall
        The set.
    w : Tensor of shape (2,)
        The direction, not 0.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        With the ball, the direction, the maximiser and the support line.
    """
    ax = _axes(ax, size=(3.4, 3.4))
    best, unit = ball.maximiser(w), w / w.norm()
    foot = ball.support(w) / w.norm() * unit
    along = torch.stack([-unit[1], unit[0]]) * 1.6 * ball.radius
    tangent = torch.stack([foot - along, foot + along])
    ax.fill(*_ball_outline(ball).numpy().T, color=BLUE, alpha=0.15, label="_ball")
    ax.plot(*tangent.numpy().T, color=VERMILION, ls="--", label="_support line")
    arrow = {"arrowstyle": "->", "color": INK}
    ax.annotate("", unit * ball.radius * 0.8, (0, 0), arrowprops=arrow, label="_direction")
    ax.plot(*best.numpy(), "o", color=VERMILION, ms=8, label="_maximiser")
    limit = 1.6 * ball.radius
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    name = r"\infty" if ball.p == torch.inf else f"{ball.p:g}"
    ax.set(title=f"$p = {name}$", xlabel=r"$\delta_1$", ylabel=r"$\delta_2$")
    return ax


@_styled
def plot_supports(balls: Sequence[NormBall], w: Tensor) -> Sequence[Axes]:
    """:func:`plot_support` of several balls side by side, for one direction of shape (2,)."""
    size = (min(1.7 * len(balls), WIDEST), 2.2)
    row = plt.subplots(1, len(balls), figsize=size, sharey=True, squeeze=False)[1][0]
    for ball, ax in zip(balls, row, strict=True):
        plot_support(ball, w, ax=ax)
        ax.set(ylabel=r"$\delta_2$" if ax is row[0] else "")
    return row


@_styled
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
        How many examples get their set drawn, so that the picture stays readable.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        With points, sets and boundaries.
    """
    x, y = check_examples(x, y)
    ax = _axes(ax, size=(4.8, 3.7))
    for label, color, marker in ((-1, AMBER, "o"), (1, GREEN, "^")):
        mine = x[y == label]
        ax.plot(*mine.numpy().T, marker, color=color, ms=4, label=f"y = {label:+d}")
        for centre in mine[: n_sets // 2]:
            outline = (centre + _ball_outline(ball)).numpy()
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


@_styled
def plot_envelope(thetas: Tensor, curves: Mapping[str, Tensor], *, ax: Axes | None = None) -> Axes:
    r"""A family of functions of theta, one for each perturbation, and their maximum above them.

    Parameters
    ----------
    thetas : Tensor of shape (t,)
        The abscissa.
    curves : mapping from names to Tensors of shape (t,)
        Values of g(theta, delta), a curve for each delta.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        With thin curves and a thick envelope.
    """
    ax = _axes(ax)
    top = torch.stack(list(curves.values())).max(dim=0).values
    ax.plot(
        thetas.numpy(), top.numpy(), color=INK, lw=6, alpha=0.35, label=r"$\varphi$, the maximum"
    )
    return _lines(ax, thetas, curves, xlabel=r"$\theta$", ylabel=r"$g(\theta, \delta)$")


@_styled
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
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        With thin curves, a thick envelope, and dashed tangents.
    """
    ax = _axes(ax, size=(4.2, 3.3))
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
        near = ValueFunction(phi.g, at.new_tensor([[missed]]))
        curve = torch.stack([near(each) for each in thetas[:, None]])
        ax.plot(thetas.numpy(), curve.numpy(), color=PURPLE, lw=1.4)
        label = rf"tangent at $\hat\delta = {missed:g}$"
        slope = float(near.gradient(at))
        ax.axline((theta, float(near(at))), slope=slope, color=PURPLE, ls=":", label=label)
    ax.axis(limits)
    ax.plot(theta, float(phi(at)), "o", color=VERMILION, ms=7)
    ax.set(xlabel=r"$\theta$", ylabel=r"$g(\theta, \delta)$")
    ax.legend()
    return ax


@_styled
def plot_steps(steps: Tensor, curves: Mapping[str, Tensor], *, ax: Axes | None = None) -> Axes:
    """How functions change along directions from one point, against the step size.

    Parameters
    ----------
    steps : Tensor of shape (t,)
        Step sizes.
    curves : mapping from names to Tensors of shape (t,)
        The change of a function's value along a direction.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        One line for each; above 0 the step went up.
    """
    ax = _axes(ax)
    ax.axhline(0, color=INK, lw=0.8, label="_no change")
    return _lines(ax, steps, curves, xlabel="step size", ylabel="change")


@_styled
def plot_inexact(
    fractions: Tensor, curves: Mapping[str, Tensor], *, ax: Axes | None = None
) -> Axes:
    """Risks of the models that minimise the risk under weak attacks, against the attack's strength.

    Parameters
    ----------
    fractions : Tensor of shape (t,)
        Length of the weak attack's perturbation as a fraction of the exact maximiser's, in [0, 1].
    curves : mapping from names to Tensors of shape (t,)
        Risks in nats.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        One line a risk.
    """
    ax = _lines(
        _axes(ax),
        fractions,
        curves,
        xlabel="strength of the attack (1 = exact maximiser)",
        ylabel="risk (nats)",
    )
    return ax


@_styled
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
        The minimiser; contours are drawn at heights above its risk that double.
    limits : pair of floats
        The range of both weights.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        With contours, both axes, the path and the minimiser.
    """
    x, y = check_examples(x, y)
    ax = _axes(ax, size=(4.6, 4.6))
    at = torch.linspace(*limits, 97, dtype=torch.float64)
    grid = torch.cartesian_prod(at, at)  # theta_2 changes fastest

    def risk(theta: Tensor) -> Tensor:
        return psi(theta @ (y[:, None] * x).T - ball.support(theta)[:, None]).mean(dim=1)

    levels = float(risk(best[None])) + 0.002 * 2.0 ** np.arange(11)
    heights = risk(grid).reshape(len(at), len(at)).T.numpy()
    ax.contour(at.numpy(), at.numpy(), heights, levels, colors=INK, linewidths=0.7, alpha=0.7)
    ax.axhline(0, color=PURPLE, lw=1.5), ax.axvline(0, color=PURPLE, lw=1.5)
    ax.plot(*path.numpy().T, "o-", color=BLUE, lw=1, ms=2.5, label="steps")
    ax.plot(*path[0].numpy(), "o", mfc="none", color=BLUE, ms=9, mew=2, label="start")
    ax.plot(*best.numpy(), "D", color=VERMILION, ms=8, label="minimum")
    ax.set(xlim=limits, ylim=limits, aspect="equal", xlabel=r"$\theta_1$", ylabel=r"$\theta_2$")
    ax.grid(False)
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.12), ncols=3)
    return ax


@_styled
def plot_logistic_loss(z: Tensor, *, ax: Axes | None = None) -> Axes:
    r"""The logistic loss of the margin, with the loss of a wrong and of a right decision marked.

    Parameters
    ----------
    z : Tensor of shape (t,)
        Margins.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        With :math:`\Psi` and the step that counts mistakes.
    """
    ax = _axes(ax)
    curves = {
        r"$\Psi(z) = \log(1 + e^{-z})$": psi(z),
        "mistake: 1 if $z \\leq 0$": (z <= 0).to(z.dtype),
    }
    return _lines(ax, z, curves, xlabel="margin $z$", ylabel="loss (nats)")


@_styled
def plot_along_ray(scales: Tensor, curves: Mapping[str, Tensor], *, ax: Axes | None = None) -> Axes:
    r"""Objectives along a ray of weights :math:`t\theta`, against :math:`t`.

    Parameters
    ----------
    scales : Tensor of shape (t,)
        Factors of the weights.
    curves : mapping from names to Tensors of shape (t,)
        Objectives in nats.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        One line an objective.
    """
    ax = _lines(_axes(ax), scales, curves, xlabel=r"scale $t$ of the weights", ylabel="nats")
    ax.set(ylim=(0, None))
    return ax


@_styled
def plot_images(
    images: Tensor,
    captions: Sequence[str] = (),
    *,
    columns: int = 8,
    limits: tuple[float, float] = (0.0, 1.0),
    size: float = 0.65,
) -> Sequence[Axes]:
    """Digits as ink on paper: `limits[0]` is white, `limits[1]` is black.

    Parameters
    ----------
    images : Tensor of shape (n, 784)
        Images, or perturbations.
    captions : sequence of n str, optional
        A line above each image.
    columns : int
        Images in a row.
    limits : pair of float
        Pixel values drawn white and black.
    size : float
        Side of an image, in inches.

    Returns
    -------
    sequence of n Axes
        One for each image.
    """
    rows = -(-len(images) // columns)
    letters = _caption_size(captions, room=size, width=(size + 0.05) * columns)
    height = size + (0.015 * letters + 0.1 if captions else 0)
    figsize = ((size + 0.05) * columns, height * rows)
    _, grid = plt.subplots(rows, columns, figsize=figsize, squeeze=False)
    for ax in grid.flat:
        ax.set_axis_off()
    for k, image in enumerate(images):
        ax = grid.flat[k]
        _draw_image(ax, image, limits)
        if captions:
            ax.set_title(captions[k], fontsize=letters)
    return list(grid.flat[: len(images)])


def _caption_size(captions: Sequence[str], *, room: float, width: float) -> float:
    """Points for captions of images in a figure of this width, so that a telephone shows 10 pixels.

    Fewer, but not less than 10, where the longest would not fit into the room (inches) of its own.
    """
    fitting = 72 * room / (0.6 * max(map(len, captions), default=1))
    return max(10.0, min(10 * width / WIDEST * 1.15, fitting))


def _draw_image(ax: Axes, image: Tensor, limits: tuple[float, float]) -> None:
    if image.numel() != 28 * 28:
        raise ValueError(
            f"an image must have 784 pixels, 28 rows of 28, got shape {tuple(image.shape)}: "
            "pass rows of MNIST, x[k][None] for a single one"
        )
    pixels = image.reshape(28, 28).numpy()
    ax.imshow(pixels, cmap="gray_r", vmin=limits[0], vmax=limits[1], interpolation="none")


@_styled
def plot_sum(image: Tensor, delta: Tensor, captions: Sequence[str]) -> Sequence[Axes]:
    """An image, the perturbation (its contrast amplified) and their sum, side by side.

    Parameters
    ----------
    image : Tensor of shape (784,)
        Pixels in [0, 1].
    delta : Tensor of shape (784,)
        The perturbation, not 0 everywhere.
    captions : sequence of 3 str
        A line above each.

    Returns
    -------
    sequence of 3 Axes
        One for each picture.
    """
    _, row = plt.subplots(1, 3, figsize=(4.8, 2.0))
    _draw_sum(row, image, delta, captions)
    return row


def _draw_sum(row: Sequence[Axes], image: Tensor, delta: Tensor, captions: Sequence[str]) -> None:
    size = float(delta.abs().max())
    pictures = ((image, (0, 1)), (delta, (-size, size)), (image + delta, (-size, 1 + size)))
    for ax, (pixels, limits), caption in zip(row, pictures, captions, strict=True):
        _draw_image(ax, pixels, limits)
        ax.set_axis_off()
        ax.set_title(caption, fontsize=10)
    for left, sign in ((row[0], "+"), (row[1], "=")):
        left.text(1.08, 0.5, sign, transform=left.transAxes, fontsize=18, ha="center", va="center")


@_styled
def plot_attack_lab(
    image: Tensor,
    delta: Tensor,
    captions: Sequence[str],
    curves: Mapping[str, ErrorCurve],
    *,
    chosen: str,
    radius: float,
) -> Sequence[Axes]:
    """An image, a perturbation and their sum, above the error of classifiers at every radius.

    Parameters
    ----------
    image : Tensor of shape (784,)
        Pixels in [0, 1].
    delta : Tensor of shape (784,)
        The perturbation; its contrast is amplified.
    captions : sequence of 3 str
        A line above each picture.
    curves : mapping from names to ErrorCurves
        The classifiers' whole curves.
    chosen : str
        The name of the curve that stands out.
    radius : float
        The radius that is marked on it, in pixel units.

    Returns
    -------
    sequence of 4 Axes
        The three pictures, and the curves up to a radius of 1/2.
    """
    figure = plt.figure(figsize=(5.2, 4.9))
    grid = figure.add_gridspec(2, 3, height_ratios=(1, 1.4))
    row, ax = [figure.add_subplot(grid[0, k]) for k in range(3)], figure.add_subplot(grid[1, :])
    _draw_sum(row, image, delta, captions)
    plot_error_curves(curves, torch.linspace(0, 0.5, 251, dtype=torch.float64), mark=radius, ax=ax)
    for line in ax.lines[: len(curves)]:
        line.set_alpha(1.0 if line.get_label() == chosen else 0.4)
    ax.plot(radius, curves[chosen].at(radius).rate, "o", color=INK)
    return [*row, ax]


@_styled
def plot_margins(margins: Mapping[str, Tensor], taken: Mapping[str, float]) -> Sequence[Axes]:
    """Histograms of margins, one below the other, and how much of a margin an attack takes.

    Parameters
    ----------
    margins : mapping from names to Tensors of shape (n,)
        The classifiers, with the margins of examples.
    taken : mapping from names to float
        For each classifier what the worst perturbation takes from every margin, >= 0.

    Returns
    -------
    sequence of Axes
        One for each classifier; examples left of its dashed line are mistakes under the attack.
    """
    figure, column = plt.subplots(len(margins), 1, figsize=(4.5, 1.75 * len(margins)))
    for ax, (name, values) in zip(np.atleast_1d(column), margins.items(), strict=True):
        ax.hist(values.numpy(), bins=40, color=BLUE, label="_margins")
        ax.axvline(taken[name], color=VERMILION, ls="--", label="what the attack takes")
        ax.set(title=name, xlabel="margin without attack", ylabel="images")
    figure.axes[-1].legend()
    return figure.axes


@_styled
def plot_history(
    histories: Mapping[str, History], *, adversarial: bool = True, ax: Axes | None = None
) -> Axes:
    """Error under attack (or clean) by epoch, one line for each training run.

    Parameters
    ----------
    histories : mapping from names to Histories
        The runs; they may differ in length.
    adversarial : bool
        Whether to draw the error under attack or the clean one.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        Rates on a logarithmic scale.
    """
    ax = _axes(ax)
    for k, (name, history) in enumerate(histories.items()):
        counts = history.robust_error if adversarial else history.error
        # A rate of 0 has no place on a logarithmic axis: leave a gap there.
        rates = [count.rate or np.nan for count in counts]
        look = {"color": CYCLE[k % 5], "ls": DASHES[k % 5], "marker": MARKERS[k % 5]}
        ax.plot(rates, ms=4, label=name, **look)
    ax.set(xlabel="epochs", ylabel="error under attack" if adversarial else "error", yscale="log")
    ax.legend()
    return ax


@_styled
def plot_error_curves(
    curves: Mapping[str, ErrorCurve], radii: Tensor, *, mark: float | None = None, ax=None
) -> Axes:
    """Robust error against the radius of the attack, one line for each classifier.

    Parameters
    ----------
    curves : mapping from names to ErrorCurves
        The classifiers' whole curves.
    radii : Tensor of shape (t,)
        Radii to draw, in pixel units.
    mark : float, optional
        A radius to mark.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        Rates between 0 and 1.
    """
    rates = {name: curve.counts(radii) / len(curve.radii) for name, curve in curves.items()}
    # The legend stands below the axes: there is no room beside the curves.
    columns = 2 if max(map(len, curves), default=0) <= 20 else 1
    ax = _axes(ax, size=(4.5, 3.0 + 0.22 * -(-len(curves) // columns)))
    _lines(ax, radii, rates, xlabel=r"radius $\epsilon$", ylabel="error under attack")
    if mark is not None:
        ax.axvline(mark, color=INK, lw=1.2, ls=":", label="_mark")
    ax.set(ylim=(-0.02, 1.02))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.26), ncols=columns)
    return ax


@_styled
def plot_seeds(
    counts: Mapping[str, Sequence[ErrorCount]],
    lecture: Mapping[str, float],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Errors of every seed, one row for each recipe, and the lecture's own values.

    Parameters
    ----------
    counts : mapping from names to sequences of ErrorCounts
        The recipes, with a count for each seed.
    lecture : mapping from names to float
        The lecture's error rates, where it gives one.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        Rates on a logarithmic scale, a dot for each seed.
    """
    ax = _axes(ax, size=(4.8, 0.9 + 0.55 * len(counts)))
    for row, (name, errors) in enumerate(counts.items()):
        rates = np.array([count.rate for count in errors])
        # Spread the dots by their order, so that equal ones stay visible, without random numbers.
        offset = np.linspace(-0.25, 0.25, len(rates)) if len(rates) > 1 else 0.0
        look = {"color": CYCLE[row % 5], "ms": 4, "alpha": 0.6}
        ax.plot(rates, row + offset, "o", label=f"_{name}", **look)
        if name in lecture:
            theirs = {"mec": INK, "mfc": "none", "ms": 9, "mew": 1.8}
            ax.plot(lecture[name], row, "D", label=f"_the lecture: {name}", **theirs)
    ax.plot([], [], "D", mec=INK, mfc="none", ms=9, mew=1.8, ls="", label="the lecture")
    ax.set(yticks=range(len(counts)), yticklabels=list(counts), xlabel="error under attack")
    ax.set(xscale="log", ylim=(len(counts) - 0.5, -0.5))
    ax.legend(loc="best")
    return ax


@_styled
def plot_norms(
    epochs: Tensor,
    curves: Mapping[str, Tensor],
    *,
    optimum: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Norms of the weights in training, against the epochs on a logarithmic scale.

    Parameters
    ----------
    epochs : Tensor of shape (t,)
        When the norms were taken, > 0.
    curves : mapping from names to Tensors of shape (t,)
        Norms.
    optimum : float, optional
        The norm of the exact minimiser, marked.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        One line a training run.
    """
    ax = _lines(_axes(ax), epochs, curves, xlabel="epochs", ylabel=r"$\|\theta\|_1$")
    if optimum is not None:
        ax.axhline(optimum, color=INK, lw=0.8, ls=":", label="exact minimiser")
        ax.legend()
    _log_2(ax)
    ax.set(ylim=(0, None))
    return ax


@_styled
def plot_suboptimality(
    epochs: Tensor, curves: Mapping[str, Tensor], *, ax: Axes | None = None
) -> Axes:
    """How far the adversarial risk is above its minimum, by epoch, both scales logarithmic.

    Parameters
    ----------
    epochs : Tensor of shape (t,)
        Epochs, > 0.
    curves : mapping from names to Tensors of shape (t,)
        Risk less the minimum, in nats, > 0.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        One line a training run.
    """
    ax = _lines(_axes(ax), epochs, curves, xlabel="epochs", ylabel="risk above minimum (nats)")
    _log_2(ax)
    ax.set(yscale="log")
    return ax


def _log_2(ax: Axes) -> None:
    """A logarithmic abscissa with ticks at powers of two, written out."""
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter("{x:g}")


@_styled
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
        Radius up to which the infimum is 0.
    constant : float
        Risk of the best constant answer in nats, the entropy of the classes; marked.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        With the curve, the constant's risk, and the region without a minimiser shaded.
    """
    ax = _axes(ax)
    ax.plot(radii.numpy(), risks.numpy(), color=BLUE, label="least adversarial risk")
    ax.axhline(constant, color=INK, lw=0.8, ls=":", label="best constant answer")
    ax.axvspan(0, threshold, color=VERMILION, alpha=0.2, lw=0, label="no minimiser")
    ax.set(xlabel=r"radius $\epsilon$", ylabel="nats", xlim=(0, None), ylim=(0, None))
    ax.legend()
    return ax


@_styled
def plot_path(radii: Tensor, weights: Tensor, *, ax: Axes | None = None) -> Axes:
    r"""How pixels enter and leave: each weight's share of :math:`\|\theta\|_1`, by radius.

    Parameters
    ----------
    radii : Tensor of shape (t,)
        Radii in pixel units.
    weights : Tensor of shape (t, d)
        The optima's weights; rows may be 0.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        One line for each pixel that has a weight at some radius, by its largest share's sign.
    """
    ax = _axes(ax)
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


@_styled
def plot_trade_off(
    counts: Mapping[str, Sequence[tuple[ErrorCount, ErrorCount]]], *, ax: Axes | None = None
) -> Axes:
    """Mistakes under attack against clean mistakes, one line for each family of classifiers.

    Parameters
    ----------
    counts : mapping from names to sequences of pairs of ErrorCounts
        For each classifier of the family its clean mistakes and those under attack.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        Counts; down and to the left is better. Those under attack on a logarithmic scale.
    """
    ax = _axes(ax)
    for k, (name, pairs) in enumerate(counts.items()):
        clean, attacked = ([count.k for count in each] for each in zip(*pairs, strict=True))
        look = {"color": CYCLE[k % 5], "ls": DASHES[k % 5], "marker": MARKERS[k % 5]}
        ax.plot(clean, attacked, ms=4, label=name, **look)
    ax.set(xlabel="clean mistakes", ylabel="mistakes under attack", yscale="log")
    ax.legend()
    return ax
