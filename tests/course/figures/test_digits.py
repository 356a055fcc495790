"""Images are shown pixel for pixel."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from lectures_code import figures
from tests.course.figures.examples import ERROR_CURVES, IMAGES, OWN_AXES
from tests.course.figures.reading import lines_by_label, points, shows
from tests.oracles import says


def test_images_are_shown_pixel_for_pixel_with_ink_as_black():
    captions = ["one", "two", "three", "four", "five"]
    axes = figures.plot_images(IMAGES, captions, columns=3, limits=(-0.5, 2.0))
    assert [ax.get_title() for ax in axes] == captions
    for ax, image in zip(axes, IMAGES, strict=True):
        (shown,) = ax.images
        assert np.array_equal(shown.get_array(), image.numpy().reshape(28, 28))
        assert shown.get_clim() == (-0.5, 2.0)
        white, black = shown.cmap(0.0), shown.cmap(1.0)
        assert white == (1, 1, 1, 1) and black == (0, 0, 0, 1)
        assert shown.get_interpolation() == "none", "an SVG then holds the pixels themselves"
    everything = axes[0].figure.axes
    assert len(everything) == 6, "two rows of three"
    assert not any(ax.axison for ax in everything)
    assert not everything[5].images


def test_a_sum_shows_its_terms_and_amplifies_the_perturbation():
    image, delta = IMAGES[1], 0.2 * torch.ones(784, dtype=torch.float64)
    delta[::2] *= -1
    axes = figures.plot_sum(image, delta, ["image", "perturbation", "both"])
    shown = [ax.images[0] for ax in axes]
    expected = (image, delta, image + delta)
    for picture, pixels in zip(shown, expected, strict=True):
        assert np.array_equal(picture.get_array(), pixels.numpy().reshape(28, 28))
    assert [picture.get_clim() for picture in shown] == [(0, 1), (-0.2, 0.2), (-0.2, 1.2)]
    assert [ax.get_title() for ax in axes] == ["image", "perturbation", "both"]
    assert [[text.get_text() for text in ax.texts] for ax in axes] == [["+"], ["="], []]


def test_the_attack_lab_shows_the_sum_above_the_curves_with_the_chosen_one_marked():
    *row, ax = OWN_AXES["attack lab"]()
    assert [each.get_title() for each in row] == ["x", "delta", "sum"]
    radii = torch.linspace(0, 0.5, 251, dtype=torch.float64)
    rates = {name: curve.counts(radii) / len(curve.radii) for name, curve in ERROR_CURVES.items()}
    shows(ax, radii, rates)
    alphas = {name: lines_by_label(ax)[name].get_alpha() for name in rates}
    assert alphas == {"standard": 0.4, "robust": 1.0}
    assert points(ax.lines[-1]).tolist() == [[0.2, 0.5]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.uint8])
def test_images_of_any_dtype_are_drawn_also_while_autograd_follows_them(dtype):
    images = (torch.arange(2 * 784).reshape(2, 784) % 128).to(dtype)
    if dtype.is_floating_point:
        images.requires_grad_()
    axes = figures.plot_images(images)
    for ax, image in zip(axes, images, strict=True):
        assert np.array_equal(np.asarray(ax.images[0].get_array()).ravel(), image.tolist())
    plt.close(axes[0].figure)


@pytest.mark.parametrize("shape", [(2, 783), (2, 3, 28, 28), (784,)])
def test_images_of_another_size_are_named(shape):
    text = f"an image must have 784 pixels, 28 rows of 28, got shape {shape[1:]}: "
    with says(ValueError, text + "pass rows of MNIST, x[k][None] for a single one"):
        figures.plot_images(torch.zeros(shape))
    plt.close("all")


def test_captions_and_the_number_of_columns_are_optional():
    axes = figures.plot_images(IMAGES[:2])
    assert [ax.get_title() for ax in axes] == ["", ""]
    assert len(axes[0].figure.axes) == 8
    assert axes[0].images[0].get_clim() == (0, 1)
