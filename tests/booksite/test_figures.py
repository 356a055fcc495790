"""Colours that can be read, pictures that are the same each time, tables of what was drawn."""

import base64
import csv
import gzip
import io
import re

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from authoring.notebooks import ROOT
from booksite.figures.kernel import show_figure
from booksite.figures.picture import DARK_INK, png_of, svg_of
from booksite.figures.table import table
from lectures_code import figures
from lectures_code.figures import style
from lectures_code.figures.style import CYCLE, INK
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import ErrorCount, ErrorCurve

PALETTE = ROOT / "booksite" / "style" / "palette.css"
LETTERS = ("ink", "quiet", "blue", "vermilion", "green", "purple", "amber")
GROUNDS = ("page", "ground", "target")
LINES = ("blue", "vermilion", "green", "purple", "amber")


def colours(css: str, mode: str) -> dict[str, str]:
    """The colours that a style sheet names `--lecture-...` for one of the two modes."""
    block = re.search(rf'html\[data-theme="{mode}"\] \{{(.*?)\}}', css, re.DOTALL)
    assert block, f"no block for {mode}"
    return dict(re.findall(r"--lecture-([\w-]+): (#[0-9a-f]{6});", block[1]))


def luminance(colour: str) -> float:
    """Relative luminance of a colour #rrggbb, as WCAG 2.2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours #rrggbb, as WCAG 2.2 defines it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def too_faint(named: dict[str, str], letters, grounds, at_least: float) -> list[str]:
    """The pairs of a letter's colour and a ground whose contrast is too low."""
    return [
        f"{letter} on {ground}: {contrast(named[letter], named[ground]):.2f}"
        for letter in letters
        for ground in grounds
        if contrast(named[letter], named[ground]) < at_least
    ]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_letters_reach_the_contrast_of_4_5_on_every_ground(mode):
    named = colours(PALETTE.read_text(encoding="utf-8"), mode)
    assert too_faint(named, LETTERS, GROUNDS, 4.5) == []


def test_without_scripts_dark_is_the_same_dark():
    css = PALETTE.read_text(encoding="utf-8")
    assert colours(css, "auto") == colours(css, "dark") != {}


def test_edges_and_marks_are_the_figures_colours():
    css = PALETTE.read_text(encoding="utf-8")
    lines = dict(re.findall(r"--lecture-line-(\w+): (#[0-9a-f]{6});", css))
    assert lines == {name: getattr(style, name.upper()) for name in LINES}


def test_contrast_is_that_of_the_standard_and_a_faint_letter_is_found():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    named = colours(
        'html[data-theme="light"] {--lecture-ink: #999999; --lecture-page: #ffffff;}', "light"
    )
    assert too_faint(named, ["ink"], ["page"], 4.5) == ["ink on page: 2.85"]


matplotlib.use("Agg")


UNIT = torch.linspace(0, 1, 30, dtype=torch.float64)
IMAGES = torch.linspace(0, 1, 2 * 784, dtype=torch.float64).reshape(2, 784)
LIGHT, DARK = (
    colours(PALETTE.read_text(encoding="utf-8"), mode)["page"] for mode in ("light", "dark")
)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def curves():
    return figures.plot_lines(UNIT, {"a": UNIT, "b": UNIT**2}, xlabel="t", ylabel="nats").figure


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


matplotlib.use("Agg")


T = torch.linspace(-2, 3, 11, dtype=torch.float64)


@pytest.fixture
def ax():
    return plt.subplots()[1]


def read(ax):
    """Rows of the table of a figure, as dicts, without what the axes' labels add to x and y."""
    reader = csv.reader(io.StringIO(table(ax.figure)))
    names = [name.split(":")[0] for name in next(reader)]
    return [dict(zip(names, row, strict=True)) for row in reader]


def column(rows, name, series=None):
    return [float(row[name]) for row in rows if series in (None, row["series"])]


def series(rows):
    return list(dict.fromkeys((row["series"], row["kind"]) for row in rows))


def test_curves_come_with_the_names_of_the_legend_and_the_labels_of_the_axes():
    curves = {"a line": 2 * T, "a parabola": T**2}
    ax = figures.plot_lines(T, curves, xlabel="strength of the attack", ylabel="risk (nats)")
    rows = read(ax)
    assert series(rows) == [("a line", "line"), ("a parabola", "line")]
    assert column(rows, "x", "a parabola") == pytest.approx(T.tolist(), rel=1e-5)
    assert column(rows, "y", "a parabola") == pytest.approx((T**2).tolist(), rel=1e-5)
    header = next(csv.reader(io.StringIO(table(ax.figure))))
    axes = ["x: strength of the attack", "y: risk (nats)"]
    assert header == ["panel", "series", "kind", *axes]


def test_numbers_have_six_significant_digits_and_gaps_are_empty(ax):
    ax.plot([1 / 3, 2e6 / 3, -0.0], [1, np.nan, 1e-9])
    rows = read(ax)
    assert [row["x"] for row in rows] == ["0.333333", "666667", "0"]
    assert [row["y"] for row in rows] == ["1", "", "1e-09"]


def test_the_envelope_is_the_largest_of_the_curves_in_every_row():
    rows = read(figures.plot_envelope(T, {"δ = 1": T, "δ = -1": -T}))
    top = column(rows, "y", "φ, the maximum")
    assert top == [
        max(pair)
        for pair in zip(column(rows, "y", "δ = 1"), column(rows, "y", "δ = -1"), strict=True)
    ]


def test_digits_are_rows_of_pixels_that_a_spreadsheet_shows_as_they_lie():
    images = torch.linspace(0, 1, 2 * 784, dtype=torch.float64).reshape(2, 784)
    rows = read(figures.plot_images(images, ["first", "second"])[0])
    assert len(rows) == 2 * 28
    assert [row["panel"] for row in rows[::28]] == ["1: first", "2: second"]
    assert list(rows[0])[-28:] == [f"column {k}" for k in range(28)]
    pixels = [[float(row[f"column {k}"]) for k in range(28)] for row in rows]
    assert np.allclose(np.array(pixels).reshape(2, 784), images.numpy(), rtol=1e-5)


def test_a_sum_of_images_is_a_sum_in_the_table():
    image = torch.linspace(0, 1, 784, dtype=torch.float64)
    rows = read(figures.plot_sum(image, -0.2 * torch.ones_like(image), ["a", "b", "c"])[0])
    a, b, c = (
        np.array([list(r.values())[4:] for r in rows[k : k + 28]], float) for k in (0, 28, 56)
    )
    assert np.allclose(a + b, c, atol=1e-6)


def test_supports_show_the_ball_the_line_the_maximiser_and_the_direction():
    w = torch.tensor([1.0, 0.6], dtype=torch.float64)
    balls = [NormBall(1, 0.5), NormBall(torch.inf, 0.5)]
    rows = read(figures.plot_supports(balls, w)[0])
    first = [row for row in rows if row["panel"] == "1: p = 1"]
    assert series(first) == [
        ("ball", "area"),
        ("support line", "line"),
        ("maximiser", "points"),
        ("direction", "arrow"),
    ]
    corner = [row for row in rows if row["panel"] == "2: p = ∞" and row["series"] == "maximiser"]
    assert [(row["x"], row["y"]) for row in corner] == [("0.5", "0.5")]
    assert next(csv.reader(io.StringIO(table(plt.gcf()))))[3:] == ["x: δ_1", "y: δ_2"]


def test_each_perturbation_set_is_a_series_of_its_own():
    x = torch.tensor([[0.5, 0.1], [1.0, 0.4], [-0.5, -0.2]], dtype=torch.float64)
    y = torch.tensor([1.0, 1.0, -1.0])
    classifier = LinearClassifier(torch.tensor([1.0, 0.5], dtype=torch.float64), 0.0)
    rows = read(figures.plot_boundaries(x, y, {"standard": classifier}, NormBall(2, 0.1)))
    names = [name for name, _ in series(rows)]
    assert names[:3] == ["set, y = -1", "set, y = +1", "set, y = +1 (2)"]
    assert column(rows, "x", "y = +1") == [0.5, 1.0]
    assert len(column(rows, "x", "standard")) == 2


def test_lines_and_bands_across_the_axes_have_one_coordinate():
    curve = ErrorCurve(torch.inf, torch.tensor([0.1, 0.2], dtype=torch.float64))
    radii = torch.linspace(0, 0.5, 6, dtype=torch.float64)
    rows = read(figures.plot_error_curves({"a": curve, "b": curve}, radii, mark=0.3))
    assert {"series": "mark", "kind": "vertical line", "x": "0.3", "y": ""}.items() <= rows[
        -1
    ].items()
    rows = read(figures.plot_least_risk(radii, radii**2, threshold=0.04, constant=0.69))
    assert [row["x"] for row in rows if row["kind"] == "vertical band"] == ["0", "0.04"]
    (level,) = (row for row in rows if row["kind"] == "horizontal line")
    assert (level["x"], level["y"]) == ("", "0.69")


def test_every_seed_is_a_point_and_the_lecture_is_named_apart():
    counts = {"standard": [ErrorCount(k, 100) for k in (3, 7)], "robust": [ErrorCount(1, 100)]}
    rows = read(figures.plot_seeds(counts, {"standard": 0.05}))
    assert column(rows, "x", "standard") == [0.03, 0.07]
    assert column(rows, "x", "the lecture: standard") == [0.05]
    assert "the lecture" not in [name for name, _ in series(rows)], "a line of the legend only"


def test_the_path_names_each_pixel():
    weights = torch.zeros(3, 784, dtype=torch.float64)
    weights[:, 28 * 4 + 5] = 2.0
    rows = read(figures.plot_path(T[:3], weights))
    assert series(rows) == [("pixel in row 4, column 5", "line")]
    assert column(rows, "y") == [1, 1, 1]


def test_bars_scatters_and_meshes_are_read(ax):
    ax.bar([1, 2], [3, 4], label="bars")
    ax.scatter([0, 1], [2, 3], c=[5, 6], label="dots")
    ax.fill_between([0, 1], [0, 0], [1, 2], label="between")
    ax.vlines([0.5], 0, 1, label="a stroke")
    ax.pcolormesh([0, 1, 2], [0, 2], [[7, 8]], label="cells")
    rows = read(ax)
    assert dict(series(rows)) == {
        "bars": "bar",
        "dots": "points",
        "between": "area",
        "a stroke": "line",
        "cells": "mesh",
    }
    assert (column(rows, "x", "bars"), column(rows, "y", "bars")) == ([1, 2], [3, 4])
    assert column(rows, "value", "dots") == [5, 6]
    assert column(rows, "y", "a stroke") == [0, 1]
    assert (column(rows, "x", "cells"), column(rows, "value", "cells")) == ([0.5, 1.5], [7, 8])


def test_contours_come_with_their_heights(ax):
    slope = np.linspace(0, 1, 5)
    ax.contour(slope, [0, 1], [4 * slope, 4 * slope], [1, 3])
    rows = read(ax)
    assert {row["kind"] for row in rows} == {"contour"}
    assert column(rows, "value") == pytest.approx([4 * x for x in column(rows, "x")])


def test_a_colour_image_is_a_table_of_colours(ax):
    ax.imshow(np.array([[[255, 0, 0], [0, 0, 255]]], dtype=np.uint8))
    assert [list(row.values())[-2:] for row in read(ax)] == [["#ff0000", "#0000ff"]]


def test_a_figure_without_data_has_no_table(ax):
    ax.plot([], [], label="for the legend")
    ax.text(0.5, 0.5, "words")
    assert table(ax.figure) == ""


def test_a_collection_that_cannot_be_read_is_refused(ax):
    from matplotlib.collections import EllipseCollection

    ellipses = EllipseCollection([1], [1], [0], offsets=[(0, 0)], transOffset=ax.transData)
    ax.add_collection(ellipses)
    with pytest.raises(TypeError, match="must be points, lines, areas or a mesh"):
        table(ax.figure)
