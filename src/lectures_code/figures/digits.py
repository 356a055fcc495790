"""Digits as ink on paper: images, their perturbations, and the sum of both."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor

from lectures_code.figures.errors import plot_error_curves
from lectures_code.figures.style import INK, WIDEST, styled
from lectures_code.risk import ErrorCurve


@styled
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
    for image in images:
        _check_image(image)
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
    """Points at which a phone shows captions with letters of 10 pixels, in a figure of this width.

    Smaller, but at least 10, where the longest would not fit above its image, `room` inches wide.
    """
    fitting = 72 * room / (0.6 * max(map(len, captions), default=1))
    return max(10.0, min(10 * width / WIDEST * 1.15, fitting))


def _check_image(image: Tensor) -> None:
    if image.numel() != 28 * 28:
        raise ValueError(
            f"an image must have 784 pixels, 28 rows of 28, got shape {tuple(image.shape)}: "
            "pass rows of MNIST, x[k][None] for a single one"
        )


def _draw_image(ax: Axes, image: Tensor, limits: tuple[float, float]) -> None:
    _check_image(image)
    pixels = image.reshape(28, 28).numpy()
    ax.imshow(pixels, cmap="gray_r", vmin=limits[0], vmax=limits[1], interpolation="none")


@styled
def plot_sum(image: Tensor, delta: Tensor, captions: Sequence[str]) -> Sequence[Axes]:
    """An image, the perturbation (its contrast amplified) and their sum, side by side.

    Both have shape (784,), and a line stands above each of the three. The perturbation is not 0
    everywhere.
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


@styled
def plot_attack_lab(
    image: Tensor,
    delta: Tensor,
    captions: Sequence[str],
    curves: Mapping[str, ErrorCurve],
    *,
    chosen: str,
    radius: float,
) -> Sequence[Axes]:
    """:func:`plot_sum` above :func:`plot_error_curves`, with one curve and a radius on it marked.

    Parameters
    ----------
    image, delta, captions
        As for :func:`plot_sum`.
    curves : mapping from names to ErrorCurves
        The classifiers' whole curves, drawn up to a radius of 1/2.
    chosen : str
        The name of the curve that stands out.
    radius : float
        The radius that is marked on it, in pixel units.

    Returns
    -------
    sequence of 4 Axes
        The three pictures, and the curves.
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
