"""The book's own kernels show each figure once, at its size, and with its data."""

import csv
import re
from pathlib import Path

import pytest
from nbformat import v4

from authoring.notebooks import canonical
from booksite.figures.kernel import write_profile
from tests.booksite import small_book

CURVES = """\
import torch
from lectures_code.figures import plot_lines

t = torch.linspace(0, 1, 5)
ax = plot_lines(t, {"a line": t, "a parabola": t**2}, xlabel="t", ylabel="nats")"""
DIGITS = """\
from lectures_code.figures import plot_images

axes = plot_images(torch.linspace(0, 1, 2 * 784).reshape(2, 784), columns=2)"""
NOISE = """\
import matplotlib.pyplot as plt
import numpy as np

grains = np.random.default_rng(0).random((2, 20000))
_, ax = plt.subplots(figsize=(3, 2))
dots = ax.plot(*grains, ".")"""
WIDGET = """\
import ipywidgets

slider = ipywidgets.IntSlider()
slider"""
CAPTION = 'Two curves, one "bent" & one straight.'
DOTS = r"Dots about $\theta^* = 0$."
FIGURES = {
    CURVES: {"image": {"alt": "Two curves."}, "figure": {"caption": CAPTION, "name": "fig-bent"}},
    DIGITS: {"image": {"alt": "Two grey ramps."}},
    NOISE: {"image": {"alt": "Very many dots."}, "figure": {"caption": DOTS, "name": "fig-dots"}},
    WIDGET: {},
}


def build(book, *, profile):
    """Build a book of one chapter; return its page, or fail with what the build said."""
    cells = [v4.new_code_cell(s, metadata={"mystnb": m} if m else {}) for s, m in FIGURES.items()]
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("# A chapter"), *cells])
    if profile:
        write_profile(book / "profile")
    chapter = {"chapter.ipynb": canonical(notebook)}
    result = small_book.build(
        book, chapter, toc="root: book/chapter", IPYTHONDIR=str(book / "profile")
    )
    assert result.exit_code == 0, result.stdout + result.stderr
    return (book / "_build" / "html" / "book" / "chapter.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return tmp_path_factory.mktemp("book")


@pytest.fixture(scope="module")
def page(book):
    return build(book, profile=True)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The page of the same book from kernels as anyone has them, as stored outputs are made."""
    return build(tmp_path_factory.mktemp("plain"), profile=False)


def pictures(page):
    """Attributes of the page's figures."""
    tags = [tag for tag in re.findall(r"<img\b[^>]*>", page) if "_images/" in tag]
    return [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in tags]


def test_each_figure_is_one_picture_in_the_lighter_format(page):
    shown = pictures(page)
    assert [each["alt"] for each in shown] == ["Two curves.", "Two grey ramps.", "Very many dots."]
    assert [Path(each["src"]).suffix for each in shown] == [".svg", ".svg", ".png"]


def test_pictures_have_the_size_of_their_figures_in_css_pixels(page, plain):
    curves, digits, noise = ([int(p["width"]), int(p["height"])] for p in pictures(page))
    # Of 4.5 by 3 inches, with a margin of a tenth of an inch around what is drawn.
    assert curves == pytest.approx([4.7 * 110, 3.2 * 110], rel=0.05)
    assert noise == pytest.approx([3 * 110, 2 * 110], rel=0.1)
    assert digits[0] == pytest.approx(2 * 0.7 * 110, rel=0.1)
    for own, stored in zip(pictures(page), pictures(plain), strict=True):
        assert int(stored["width"]) == pytest.approx(int(own["width"]), rel=0.03)


def test_a_png_has_twice_the_pixels_of_its_size(page, book):
    from PIL import Image

    noise = pictures(page)[2]
    with Image.open(book / "_build" / "html" / "_images" / Path(noise["src"]).name) as image:
        assert image.width == pytest.approx(2 * int(noise["width"]), abs=2)


def test_no_picture_waits_for_the_reader_to_scroll(page):
    assert all(each["decoding"] == "async" and "loading" not in each for each in pictures(page))


def test_the_link_below_a_figure_leads_to_its_numbers_and_says_of_which_figure(page, book):
    links = re.findall(
        r'<p class="figure-data"><a href="([^"]*)" download aria-label="([^"]*)"', page
    )
    names = [Path(address).name for address, _ in links]
    assert names == ["chapter-fig-bent.csv", "chapter-figure-2.csv", "chapter-fig-dots.csv"]
    assert links[0][1].endswith("figure: Two curves, one &quot;bent&quot; &amp; one straight.") or (
        "“bent”" in links[0][1] and "&amp;" in links[0][1]
    )
    assert links[1][1] == "Data (CSV) of the figure: Two grey ramps."
    assert re.sub(r"\s", "", links[2][1]) == "Data(CSV)ofthefigure:Dotsaboutθ∗=0."
    file = book / "_build" / "html" / "book" / links[0][0]
    rows = list(csv.reader(file.read_text(encoding="utf-8-sig").splitlines()))
    assert rows[-1] == ["1", "a parabola", "line", "1", "1"]


def test_the_link_is_part_of_the_figures_caption(page):
    captions = re.findall(r"<figcaption>.*?</figcaption>", page, flags=re.DOTALL)
    assert ["chapter-fig-bent.csv" in captions[0], "chapter-fig-dots.csv" in captions[1]] == [
        True
    ] * 2


def test_outputs_without_data_get_no_link(plain):
    assert "figure-data" not in plain
    assert len(pictures(plain)) == 3


def test_no_state_of_a_widget_is_stored(page, plain):
    state = "application/vnd.jupyter.widget-state+json"
    assert state in plain, "an ordinary kernel stores it"
    assert state not in page
