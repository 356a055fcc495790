"""Figures of sets and functions, and the style that all figures have."""

import math
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import AxLine

from lectures_code import figures
from lectures_code.danskin import ValueFunction
from lectures_code.figures import style
from lectures_code.logistic import LinearClassifier
from lectures_code.risk import adversarial_risk
from tests.course.figures import examples
from tests.course.figures.examples import lines_by_label, points, shows
from tests.oracles import INF


def norm(z, p):
    return np.linalg.norm(z, p, axis=1)


def test_the_outline_of_a_ball_has_the_radius_for_its_norm_and_goes_round():
    ax = figures.plot_balls(examples.BALLS)
    outlines = list(ax.patches)
    assert [patch.get_label() for patch in outlines] == ["p = 1", "p = 2", "p = 3", "p = ∞"]
    for ball, patch in zip(examples.BALLS, outlines, strict=True):
        corners = patch.get_xy()
        assert norm(corners, ball.p) == pytest.approx(
            np.full(len(corners), 0.5), rel=examples.ROUNDING
        )
        # The shoelace formula, against the area of the l_p ball; a chord of 400 misses 1e-4 of it.
        x, y = corners.T
        area = 0.5 * float(x[:-1] @ y[1:] - x[1:] @ y[:-1])
        share = 1 if ball.p == INF else math.gamma(1 + 1 / ball.p) ** 2 / math.gamma(1 + 2 / ball.p)
        assert area == pytest.approx(4 * 0.25 * share, rel=3e-4)
    assert ax.get_aspect() == 1


@pytest.mark.parametrize("ball", examples.BALLS, ids=lambda ball: f"p={ball.p:g}")
def test_the_support_line_touches_the_ball_at_the_maximiser(ball):
    ax = figures.plot_support(ball, examples.W)
    line, best = (points(each) for each in ax.lines)
    support = 0.5 * np.linalg.norm(examples.W.numpy(), ball.dual_p)
    assert line @ examples.W.numpy() == pytest.approx(np.full(2, support), rel=examples.ROUNDING)
    assert best.shape == (1, 2)
    assert best[0] @ examples.W.numpy() == pytest.approx(support, rel=examples.ROUNDING)
    assert norm(best, ball.p) == pytest.approx(0.5, rel=examples.ROUNDING)
    (patch,) = ax.patches
    inside = patch.get_xy() @ examples.W.numpy()
    assert inside.max() <= support * (1 + examples.ROUNDING)
    assert inside.max() == pytest.approx(support, rel=1e-4), "400 chords nearly touch it"
    assert ax.get_title() == ("$p = \\infty$" if ball.p == INF else f"$p = {ball.p:g}$")


@pytest.mark.parametrize("n", [1, 4])
def test_supports_stand_side_by_side(n):
    row = figures.plot_supports(examples.BALLS[:n], examples.W)
    assert len(row) == n
    assert [ax.get_title() for ax in row] == ["$p = 1$", "$p = 2$", "$p = 3$", "$p = \\infty$"][:n]
    assert [bool(ax.get_ylabel()) for ax in row] == [True, False, False, False][:n]


def test_boundaries_are_where_the_score_is_zero_and_points_are_where_they_are():
    ax = figures.plot_boundaries(examples.X, examples.Y, examples.CLASSIFIERS, examples.BALLS[3])
    lines = lines_by_label(ax)
    assert points(lines["y = -1"]).tolist() == examples.X[examples.Y == -1].tolist()
    assert points(lines["y = +1"]).tolist() == examples.X[examples.Y == 1].tolist()
    for name, classifier in examples.CLASSIFIERS.items():
        ends = points(lines[name])
        scores = ends @ classifier.theta.numpy() + float(classifier.intercept)
        assert scores == pytest.approx(np.zeros(2), abs=1e-10), "at ends 100 away"
        assert np.abs(ends[1] - ends[0]).max() > 10
    low, high = ax.get_xlim()
    assert -3 < low < -1 and 1 < high < 3, "boundaries leave the limits alone"


@pytest.mark.parametrize(("n_sets", "drawn"), [(0, 0), (2, 2), (24, 4)])
def test_some_examples_get_their_perturbation_set(n_sets, drawn):
    ax = figures.plot_boundaries(
        examples.X, examples.Y, examples.CLASSIFIERS, examples.BALLS[3], n_sets=n_sets
    )
    assert len(ax.patches) == drawn
    centres = {tuple(np.round(patch.get_xy()[:-1].mean(axis=0), 9)) for patch in ax.patches}
    assert centres <= {tuple(row) for row in examples.X.tolist()}
    for patch in ax.patches:
        corners = patch.get_xy()
        centre = corners[:-1].mean(axis=0)
        assert norm(corners - centre, INF) == pytest.approx(np.full(len(corners), 0.5))


def test_boundaries_are_those_of_layers_of_torch_too():
    layer = torch.nn.Linear(2, 1)
    ax = figures.plot_boundaries(examples.X, examples.Y, {"layer": layer}, examples.BALLS[1])
    start, end = np.asarray(ax.lines[-1].get_data()).T
    for point in (start, end):  # a hundred lengths away: float32's digits of that
        assert float(layer(torch.tensor(point).float()).detach()) == pytest.approx(0, abs=1e-4)
    plt.close(ax.figure)


def test_the_envelope_is_the_largest_of_the_curves():
    ax = figures.plot_envelope(examples.T, examples.CURVES)
    shows(ax, examples.T, examples.CURVES)
    top = np.maximum.reduce([values.numpy() for values in examples.CURVES.values()])
    (envelope,) = (line for name, line in lines_by_label(ax).items() if "maximum" in name)
    assert points(envelope)[:, 1].tolist() == top.tolist()
    assert envelope.get_linewidth() > max(line.get_linewidth() for line in ax.lines[1:])


def tangent_slopes(ax, colour):
    return [
        line.get_slope()
        for line in ax.lines
        if isinstance(line, AxLine) and to_hex(line.get_color()) == colour
    ]


def test_one_tangent_touches_the_envelope_and_another_the_curve_that_missed():
    ax = figures.plot_tangents(examples.SADDLES, 0.5, missed=-0.25, n_curves=9)
    assert tangent_slopes(ax, style.VERMILION) == [0.5]
    assert tangent_slopes(ax, style.PURPLE) == [-0.25]
    assert sum(line.get_linewidth() == 0.8 for line in ax.lines) == 9


def test_a_kink_has_two_tangents():
    corner = ValueFunction(lambda theta, d: 2 * d[:, 0] * theta, examples.SADDLES.deltas)
    ax = figures.plot_tangents(corner, 0.0)
    assert tangent_slopes(ax, style.VERMILION) == [-2, 2]
    assert tangent_slopes(ax, style.PURPLE) == []


def test_the_logistic_loss_stands_beside_the_step_that_counts_mistakes():
    ax = figures.plot_logistic_loss(examples.T)
    loss, step = (points(line) for line in ax.lines)
    assert loss[:, 1] == pytest.approx(np.logaddexp(0, -examples.T.numpy()), rel=examples.ROUNDING)
    assert step[:, 1].tolist() == [1.0 if z <= 0 else 0.0 for z in examples.T.tolist()]
    assert 0.0 in examples.T.tolist(), "a tie is among them"


def test_contours_of_the_risk_lie_where_its_height_rises_by_doubled_steps():
    best = torch.tensor([0.5, 0.25], dtype=torch.float64)
    ax = figures.plot_descent(
        examples.X, examples.Y, examples.BALLS[3], examples.STEPS, best, limits=(-2, 4)
    )
    assert points(lines_by_label(ax)["steps"]).tolist() == examples.STEPS.tolist()
    assert points(lines_by_label(ax)["minimum"]).tolist() == [best.tolist()]

    def height(theta):
        classifier = LinearClassifier(torch.as_tensor(theta, dtype=torch.float64), 0.0)
        return adversarial_risk(classifier, examples.X, examples.Y, examples.BALLS[3])

    (contours,) = (each for each in ax.collections if hasattr(each, "levels"))
    drawn = 0
    for level, path in zip(contours.levels, contours.get_paths(), strict=True):
        for point in path.vertices[::40]:
            # A smooth function bends by less between points of the grid.
            assert height(point) == pytest.approx(level, abs=2e-3)
            drawn += 1
    rises = contours.levels - height(best)
    assert drawn > 20 and rises[1:] / rises[:-1] == pytest.approx(2 * np.ones(10))


every = pytest.mark.parametrize("plot", examples.EVERY.values(), ids=examples.EVERY.keys())
into_axes = pytest.mark.parametrize(
    "plot", examples.INTO_AXES.values(), ids=examples.INTO_AXES.keys()
)


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
        figures.plot_envelope(examples.T, {"no tensor": [1, 2]})
    assert dict(plt.rcParams) == before


def test_the_style_is_used_while_drawing():
    ax = figures.plot_lines(examples.T, examples.CURVES, **examples.LABELS)
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
            named = [list(examples.COUNTS), list(examples.FOUND)]
            assert any(each.get_ylabel() for each in ax.figure.axes) or rows in named
        else:
            assert ax.get_title(), "a picture says what it is"


@into_axes
def test_lines_differ_in_more_than_their_colour(plot):
    """Grey print and colour blindness: named lines differ in dashes or markers, too."""
    named = [line for line in plot().lines if not line.get_label().startswith("_")]
    looks = [(line.get_linestyle(), line.get_marker(), line.get_linewidth()) for line in named]
    assert len(set(looks)) == len(looks)
