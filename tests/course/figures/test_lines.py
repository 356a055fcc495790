"""Figures of curves, errors and digits show what they are given."""

import math
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from lectures_code import figures
from lectures_code.figures import style
from lectures_code.risk import ErrorCount
from tests.course.figures.examples import (
    COUNTS,
    CURVES,
    DISTANCES,
    EPOCHS,
    ERROR_CURVES,
    FAMILIES,
    FOUND,
    HISTORIES,
    IMAGES,
    LABELS,
    LEVELS,
    NOT_PROVEN,
    OWN_AXES,
    PATH,
    RADII,
    ROUNDING,
    TAKEN,
    T,
    lines_by_label,
    points,
    shows,
)
from tests.oracles import says


def test_no_legend_for_a_single_curve():
    assert figures.plot_lines(T, {"alone": T}, **LABELS).get_legend() is None
    legend = figures.plot_lines(T, CURVES, **LABELS).get_legend()
    assert [text.get_text() for text in legend.get_texts()] == list(CURVES)


def test_lines_show_the_numbers_that_were_given():
    shows(figures.plot_lines(T, CURVES, **LABELS), T, CURVES)


def test_a_level_is_drawn_where_it_stands_and_takes_no_curves_look():
    ax = figures.plot_lines(T, {"_no change": 0, **CURVES, "least": 2.5}, **LABELS)
    shows(ax, T, CURVES)
    assert [line.get_label() for line in ax.lines] == ["_no change", *CURVES, "least"]
    for line, height in ((ax.lines[0], 0), (ax.lines[-1], 2.5)):
        assert points(line)[:, 1].tolist() == [height, height]
        assert to_hex(line.get_color()) == style.INK
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [*CURVES, "least"]
    alone = figures.plot_lines(T, {"_no change": 0, "alone": T}, **LABELS)
    assert alone.get_legend() is None and alone.lines[1].get_color() == style.BLUE


def test_scales_are_linear_unless_told_otherwise_and_powers_of_two_are_written_out():
    ax = figures.plot_lines(EPOCHS, DISTANCES, **LABELS)
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "linear")
    ax = figures.plot_lines(EPOCHS, DISTANCES, **LABELS, log_x=True, log_y=True)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    ax.figure.canvas.draw()
    assert {"1", "2", "4"} <= {label.get_text() for label in ax.get_xticklabels()}


def test_numbers_below_the_abscissa_stand_apart():
    ax = figures.plot_lines(torch.linspace(-1, 1, len(T)), CURVES, **LABELS)
    ax.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_the_ordinate_begins_at_zero_on_request():
    curve = {"positive": T**2 + 1}
    assert figures.plot_lines(T, curve, **LABELS).get_ylim()[0] > 0
    assert figures.plot_lines(T, curve, **LABELS, from_zero=True).get_ylim()[0] == 0


def test_a_legend_below_the_axes_lies_on_no_curve():
    ax = figures.plot_lines(T, {"a": T, "b": T.square()}, **LABELS, legend_below=True)
    ax.figure.canvas.draw()
    legend, curves = ax.get_legend().get_window_extent(), ax.get_window_extent()
    assert not legend.overlaps(curves) and legend.y1 < curves.y0


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


def test_a_history_shows_rates_under_attack_by_epoch():
    ax = figures.plot_history(HISTORIES)
    lines = lines_by_label(ax)
    assert points(lines["standard"]).tolist() == [[0, 1.0], [1, 0.9], [2, 0.8]]
    assert points(lines["robust"]).tolist() == [[0, 1.0], [1, 0.3]]
    assert ax.get_yscale() == "log" and ax.get_ylabel() == "error under attack"


def test_a_history_of_clean_errors_leaves_a_gap_where_there_are_none():
    ax = figures.plot_history(HISTORIES, adversarial=False)
    lines = lines_by_label(ax)
    standard = points(lines["standard"])
    assert standard[:2].tolist() == [[0, 0.9], [1, 0.1]]
    assert standard[2, 0] == 2 and math.isnan(standard[2, 1])
    assert points(lines["robust"]).tolist() == [[0, 0.8], [1, 0.2]]
    assert ax.get_ylabel() == "error"


def test_margins_are_counted_in_bins_beside_what_the_attack_takes():
    margins = {"standard": T, "robust": 2 * T}
    axes = figures.plot_margins(margins, TAKEN)
    for ax, (name, values) in zip(axes, margins.items(), strict=True):
        assert ax.get_title() == name and ax.get_ylabel() == "images"
        left = [bar.get_x() for bar in ax.patches]
        right = [bar.get_x() + bar.get_width() for bar in ax.patches]
        v = values.numpy()
        assert left[0] == v.min() and right[-1] == pytest.approx(v.max(), abs=ROUNDING)
        inside = [((v >= a) & (v < b)).sum() for a, b in zip(left, right, strict=True)]
        inside[-1] += 1  # the last bin holds its right end
        assert [bar.get_height() for bar in ax.patches] == inside
        (line,) = ax.lines
        assert line.get_label() == "what the attack takes"
        assert list(line.get_xdata()) == [TAKEN[name]] * 2
    assert len(list(figures.plot_margins({"alone": T}, {"alone": 0.0}))) == 1


def test_error_curves_show_the_rate_at_each_radius():
    ax = figures.plot_error_curves(ERROR_CURVES, RADII)
    for name, curve in ERROR_CURVES.items():
        expected = [[radius, curve.at(radius).rate] for radius in RADII.tolist()]
        found = points(lines_by_label(ax)[name])
        # Rates are shown in single precision, the default of a quotient of integers.
        assert found == pytest.approx(np.array(expected), rel=1e-6)
    assert len(ax.lines) == 2
    assert ax.get_ylim() == (-0.02, 1.02)


@pytest.mark.parametrize("mark", [0.2, 0.0])
def test_a_radius_can_be_marked(mark):
    ax = figures.plot_error_curves(ERROR_CURVES, RADII, mark=mark)
    assert points(ax.lines[-1])[:, 0].tolist() == [mark, mark]


def test_each_seed_is_a_dot_in_its_row_beside_the_lecture_s_value():
    ax = figures.plot_seeds(COUNTS, {"trained as usual": 0.845})
    usual, lecture, attacked, _ = (points(line) for line in ax.lines)
    assert usual[:, 0].tolist() == [0.85, 0.8, 0.9]
    assert attacked[:, 0].tolist() == [0.05, 0.05]
    assert lecture.tolist() == [[0.845, 0]]
    assert np.abs(usual[:, 1]).max() < 0.5 and np.abs(attacked[:, 1] - 1).max() < 0.5
    assert len({tuple(row) for row in attacked.tolist()}) == 2, "equal counts stay apart"
    assert [label.get_text() for label in ax.get_yticklabels()] == list(COUNTS)
    assert ax.get_yticks().tolist() == [0, 1]
    assert ax.get_xscale() == "log"
    bottom, top = ax.get_ylim()
    assert bottom > top, "the first recipe stands on top"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["the lecture"]


def test_a_single_seed_is_a_dot_in_the_middle_of_its_row():
    ax = figures.plot_seeds({**COUNTS, "alone": [ErrorCount(2, 20)]}, {})
    (dot,) = points(lines_by_label(ax)["_alone"])
    assert dot.tolist() == [0.1, 2]


def test_a_trade_off_shows_both_counts_of_each_classifier_in_order():
    ax = figures.plot_trade_off(FAMILIES)
    assert points(lines_by_label(ax)["inside"]).tolist() == [[1, 4], [3, 12], [2, 8]]
    assert points(lines_by_label(ax)["beside"]).tolist() == [[1, 5], [3, 15], [2, 10]]
    assert ax.get_yscale() == "log"


def test_the_least_risk_stands_beside_a_constant_s_and_the_radii_without_a_minimiser():
    ax = figures.plot_least_risk(RADII, RADII**2, threshold=0.05, constant=0.6)
    shows(ax, RADII, {"least adversarial risk": RADII**2})
    assert points(lines_by_label(ax)["best constant answer"])[:, 1].tolist() == [0.6, 0.6]
    (band,) = ax.patches
    assert (band.get_x(), band.get_x() + band.get_width()) == (0, 0.05)


def test_the_path_shows_the_share_of_each_pixel_that_has_a_weight_somewhere():
    ax = figures.plot_path(RADII[:4], PATH)
    drawn = [line for line in ax.lines if len(line.get_xdata())]
    shares = np.array([points(line)[:, 1] for line in drawn])
    expected = [[-0.25, -0.5, 0], [0.25, 0, 0], [0.5, 0.5, 1]]
    assert shares[:, :3].tolist() == expected
    assert np.isnan(shares[:, 3]).all(), "no shares where all weights are 0"
    assert [line.get_linestyle() for line in drawn] == ["--", "-", "-"]
    assert drawn[0].get_color() != drawn[1].get_color() == drawn[2].get_color()


def test_two_sides_shows_each_count_and_joins_what_is_about_the_same_examples():
    ax = figures.plot_two_sides(FOUND, NOT_PROVEN, levels=LEVELS)
    lines = lines_by_label(ax)
    assert [text.get_text() for text in ax.get_yticklabels()] == list(FOUND)
    assert points(lines["found by the attack"])[:, 0].tolist() == [0.5, 0.1]
    assert points(lines["not proven by intervals"])[:, 0].tolist() == [1.0, 0.2]
    proven = points(lines["not proven by a line"])[:, 0]
    assert proven[0] == 0.75 and math.isnan(proven[1]), "no error has no place on the axis"
    # Of the four examples the attack says nothing: the line ends at the intervals.
    assert points(lines["_between: standard"]).tolist() == [[0.5, 0], [1.0, 0]]
    assert points(lines["_between: on the proof"]).tolist() == [[0.1, 1], [0.2, 1]]
    assert points(lines["the optimum"])[:, 0].tolist() == [0.3, 0.3]
    assert ax.get_xscale() == "log"
