"""Lines show the numbers that were given, beside levels to compare with."""

from matplotlib.colors import to_hex

from lectures_code import figures
from lectures_code.figures import style
from tests.course.figures.examples import CURVES, DISTANCES, EPOCHS, LABELS, T
from tests.course.figures.reading import points, shows


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


def test_the_ordinate_begins_at_zero_on_request():
    curve = {"positive": T**2 + 1}
    assert figures.plot_lines(T, curve, **LABELS).get_ylim()[0] > 0
    assert figures.plot_lines(T, curve, **LABELS, from_zero=True).get_ylim()[0] == 0
