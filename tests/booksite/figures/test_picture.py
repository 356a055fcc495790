"""Pictures of the site: the same each time, following the page's mode, with digits as they are."""

import base64
import gzip
import io
import re

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from booksite.figures.kernel import show_figure
from booksite.figures.picture import DARK_INK, png_of, svg_of
from lectures_code import figures
from lectures_code.figures.style import CYCLE, INK
from tests.repository.test_palette import PALETTE, colours, contrast

T = torch.linspace(0, 1, 30, dtype=torch.float64)
IMAGES = torch.linspace(0, 1, 2 * 784, dtype=torch.float64).reshape(2, 784)
LIGHT, DARK = (
    colours(PALETTE.read_text(encoding="utf-8"), mode)["page"] for mode in ("light", "dark")
)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def curves():
    return figures.plot_lines(T, {"a": T, "b": T**2}, xlabel="t", ylabel="nats").figure


def test_letters_have_enough_contrast_on_both_pages():
    assert contrast(INK, LIGHT) >= 4.5
    assert contrast(DARK_INK, DARK) >= 4.5


def test_no_grey_would_do_on_both_pages():
    greys = [f"#{3 * f'{level:02x}'}" for level in range(256)]
    assert max(min(contrast(grey, LIGHT), contrast(grey, DARK)) for grey in greys) < 4.5


@pytest.mark.parametrize("color", CYCLE)
def test_curves_have_enough_contrast_on_both_pages(color):
    assert min(contrast(color, LIGHT), contrast(color, DARK)) >= 3


def test_ink_follows_the_page_and_nothing_keeps_its_own_grey():
    svg = svg_of(curves())
    assert f"prefers-color-scheme:dark){{:root{{color:{DARK_INK}}}" in svg
    body = svg.split("</style>", maxsplit=1)[1]
    assert "currentColor" in body and INK not in body
    assert not re.search(r"#(000000|ffffff)", body), "neither black letters nor a white ground"


def test_a_picture_is_the_same_each_time():
    assert svg_of(curves()) == svg_of(curves())
    assert png_of(curves()) == png_of(curves())
    assert "<dc:date>" not in svg_of(curves())


def test_rounding_moves_no_point_by_more_than_a_hundredth_of_a_point():
    figure = curves()
    file = io.StringIO()
    figure.savefig(file, format="svg", bbox_inches="tight")
    number = re.compile(r"-?\d+(?:\.\d+)?")
    paths = re.compile(r'\sd="(M [^"]*)"')
    exact, short = (
        [[float(n) for n in number.findall(path)] for path in paths.findall(svg)]
        for svg in (file.getvalue(), svg_of(figure))
    )
    assert len(exact) == len(short) > 10
    for one, other in zip(exact, short, strict=True):
        assert one == pytest.approx(other, abs=0.0051)


def test_digits_lie_in_the_picture_pixel_for_pixel():
    svg = svg_of(figures.plot_images(IMAGES)[0].figure)
    pictures = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", svg)
    for encoded, image in zip(pictures, IMAGES, strict=True):
        with Image.open(io.BytesIO(base64.b64decode(encoded))) as found:
            pixels = np.asarray(found, dtype=float)
        drawn = 255 * plt.get_cmap("gray_r")(image.numpy().reshape(28, 28))[..., 0]
        assert abs(pixels - drawn).max() <= 1


def test_the_lighter_picture_is_taken_and_only_one():
    for figure in (curves(), dots(20), dots(20000)):
        bundle = show_figure(figure)
        svg, png = gzip.compress(svg_of(figure).encode()), png_of(figure)
        kind = "image/svg+xml" if len(svg) <= len(png) else "image/png"
        assert set(bundle) == {kind, "text/csv"}
    assert "image/png" in show_figure(dots(20000)) and "image/svg+xml" in show_figure(dots(20))


def dots(n):
    figure, ax = plt.subplots(figsize=(3, 2))
    ax.plot(*np.random.default_rng(0).random((2, n)), ".")
    return figure


def test_a_png_says_how_large_it_is_shown():
    with Image.open(io.BytesIO(png_of(dots(20)))) as image:
        assert image.info["dpi"] == pytest.approx((220, 220), rel=0.001)


def test_a_figure_without_data_is_shown_all_the_same():
    figure, ax = plt.subplots()
    ax.text(0.5, 0.5, "words")
    assert list(show_figure(figure)) == ["image/svg+xml"]
