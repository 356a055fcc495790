"""What holds of every figure: its style, its axes, and that it changes nothing else."""

import warnings

import matplotlib.pyplot as plt
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from lectures_code import figures
from lectures_code.figures import style
from tests.course.figures.examples import COUNTS, CURVES, EVERY, INTO_AXES, LABELS, T

every = pytest.mark.parametrize("plot", EVERY.values(), ids=EVERY.keys())
into_axes = pytest.mark.parametrize("plot", INTO_AXES.values(), ids=INTO_AXES.keys())


@every
def test_a_figure_of_its_own_is_drawn_and_others_stay_open(plot):
    other = plt.figure().number
    drawn = plot()
    axes = [drawn] if isinstance(drawn, Axes) else list(drawn)
    assert all(isinstance(ax, Axes) for ax in axes)
    assert len({ax.figure for ax in axes}) == 1
    assert axes[0].figure.number != other
    assert set(plt.get_fignums()) == {other, axes[0].figure.number}


@every
def test_the_settings_of_others_stay_as_they_were(plot):
    plt.rcParams.update({"font.size": 23, "axes.grid": False, "figure.dpi": 50})
    before = dict(plt.rcParams)
    try:
        plot()
        assert dict(plt.rcParams) == before
    finally:
        plt.rcParams.update({key: plt.rcParamsDefault[key] for key in style.STYLE})


def test_settings_stay_as_they_were_when_a_plot_fails():
    before = dict(plt.rcParams)
    with pytest.raises(TypeError):
        figures.plot_envelope(T, {"no tensor": [1, 2]})
    assert dict(plt.rcParams) == before


def test_the_style_is_used_while_drawing():
    ax = figures.plot_lines(T, CURVES, **LABELS)
    assert to_hex(ax.xaxis.label.get_color()) == style.INK
    assert ax.figure.dpi == style.STYLE["figure.dpi"]
    assert ax.figure.patch.get_alpha() in (None, 0) and ax.figure.get_facecolor()[3] == 0


@every
def test_a_figure_can_be_rendered_without_a_warning(plot):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = plot()
        figure = (drawn if isinstance(drawn, Axes) else drawn[0]).figure
        figure.canvas.draw()


@into_axes
def test_it_is_drawn_into_the_axes_that_are_given(plot):
    figure, (left, right) = plt.subplots(1, 2)
    assert plot(ax=right) is right
    assert plt.get_fignums() == [figure.number]
    assert right.has_data() and not left.has_data()


@every
def test_axes_are_named(plot):
    drawn = plot()
    for ax in [drawn] if isinstance(drawn, Axes) else drawn:
        if ax.axison:
            assert ax.get_xlabel()
            rows = [label.get_text() for label in ax.get_yticklabels()]
            assert any(each.get_ylabel() for each in ax.figure.axes) or rows == list(COUNTS)
        else:
            assert ax.get_title(), "a picture says what it is"


@into_axes
def test_lines_differ_in_more_than_their_colour(plot):
    """Grey print and colour blindness: named lines differ in dashes or markers, too."""
    named = [line for line in plot().lines if not line.get_label().startswith("_")]
    looks = [(line.get_linestyle(), line.get_marker(), line.get_linewidth()) for line in named]
    assert len(set(looks)) == len(looks)
