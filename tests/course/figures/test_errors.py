"""Errors are shown as they were counted."""

import math

import numpy as np
import pytest

from lectures_code import figures
from lectures_code.risk import ErrorCount
from tests.course.figures.examples import (
    COUNTS,
    ERROR_CURVES,
    FAMILIES,
    HISTORIES,
    RADII,
    ROUNDING,
    TAKEN,
    T,
)
from tests.course.figures.reading import lines_by_label, points


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
