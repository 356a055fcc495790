"""Figures show the numbers they were given, where they were told to, and change nothing else."""

import math
import warnings

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import AxLine

from lectures_code import figures
from lectures_code.danskin import ValueFunction
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import ErrorCount, ErrorCurve, adversarial_risk
from lectures_code.training import History
from tests.oracles import INF, says

# Rounding of a product of a few numbers of size 1.
ROUNDING = 1e-12
BALLS = [NormBall(1, 0.5), NormBall(2, 0.5), NormBall(3, 0.5), NormBall(INF, 0.5)]
W = torch.tensor([2.0, -1.0], dtype=torch.float64)
T = torch.linspace(-2, 3, 11, dtype=torch.float64)
CURVES = {"a line": 0.3 * T, "a parabola": T**2 - 1, "a wave": torch.sin(T)}
X = torch.tensor([[0.5, 0.1], [-0.5, -0.2], [1.0, 0.4], [-1.0, 0.2]], dtype=torch.float64)
Y = torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64)
# The envelope of theta * delta - delta^2 / 2 over [-1, 1], whose maximiser is theta.
SADDLES = ValueFunction(
    lambda theta, d: theta * d[:, 0] - d[:, 0] ** 2 / 2,
    torch.linspace(-1, 1, 17, dtype=torch.float64)[:, None],
)
CLASSIFIERS = {
    "standard": LinearClassifier(W, 0.25),
    "robust": LinearClassifier(torch.tensor([1.0, 0.5], dtype=torch.float64), -0.1),
}
STEPS = torch.tensor([[0.5, 2.0], [0.0, -0.5], [1.0, 0.0]], dtype=torch.float64)
IMAGES = torch.linspace(0, 1, 5 * 784, dtype=torch.float64).reshape(5, 784)
HISTORIES = {
    "standard": History(
        risk=(1.0, 0.5, 0.25),
        adversarial_risk=(2.0, 1.5, 1.25),
        error=(ErrorCount(9, 10), ErrorCount(1, 10), ErrorCount(0, 10)),
        robust_error=(ErrorCount(10, 10), ErrorCount(9, 10), ErrorCount(8, 10)),
    ),
    "robust": History(
        risk=(1.0, 0.5),
        adversarial_risk=(2.0, 1.5),
        error=(ErrorCount(8, 10), ErrorCount(2, 10)),
        robust_error=(ErrorCount(10, 10), ErrorCount(3, 10)),
    ),
}
ERROR_CURVES = {
    "standard": ErrorCurve(INF, torch.tensor([-0.1, 0.05, 0.1, 0.3], dtype=torch.float64)),
    "robust": ErrorCurve(INF, torch.tensor([0.1, 0.25], dtype=torch.float64)),
}
TAKEN = {"standard": 1.5, "robust": 0.75}
RADII = torch.linspace(0, 0.4, 9, dtype=torch.float64)
COUNTS = {
    "trained as usual": [ErrorCount(k, 20) for k in (17, 16, 18)],
    "trained under attack": [ErrorCount(k, 20) for k in (1, 1)],
}
EPOCHS = torch.arange(1, 5)
DISTANCES = {
    name: factor / EPOCHS.double() for name, factor in (("step 1", 2.0), ("step 0.1", 1.0))
}
# Weights of four optima: a pixel without any, one against the digit 1, two for it.
PATH = torch.tensor(
    [[0, -1.0, 1.0, 2.0], [0, -2.0, 0, 2.0], [0, 0, 0, 5.0], [0, 0, 0, 0]], dtype=torch.float64
)
FAMILIES = {
    name: [(ErrorCount(k, 100), ErrorCount(factor * k, 100)) for k in (1, 3, 2)]
    for name, factor in (("inside", 4), ("beside", 5))
}
# Every figure that can be drawn into axes that one has already.
INTO_AXES = {
    "balls": lambda **how: figures.plot_balls(BALLS, **how),
    "support": lambda **how: figures.plot_support(BALLS[1], W, **how),
    "boundaries": lambda **how: figures.plot_boundaries(X, Y, CLASSIFIERS, BALLS[3], **how),
    "envelope": lambda **how: figures.plot_envelope(T, CURVES, **how),
    "tangents": lambda **how: figures.plot_tangents(SADDLES, 0.5, missed=-0.25, **how),
    "steps": lambda **how: figures.plot_steps(T, CURVES, **how),
    "inexact": lambda **how: figures.plot_inexact(T, CURVES, **how),
    "descent": lambda **how: figures.plot_descent(X, Y, BALLS[3], STEPS, W, **how),
    "logistic loss": lambda **how: figures.plot_logistic_loss(T, **how),
    "along a ray": lambda **how: figures.plot_along_ray(T, CURVES, **how),
    "history": lambda **how: figures.plot_history(HISTORIES, **how),
    "error curves": lambda **how: figures.plot_error_curves(ERROR_CURVES, RADII, mark=0.2, **how),
    "seeds": lambda **how: figures.plot_seeds(COUNTS, {"trained as usual": 0.845}, **how),
    "norms": lambda **how: figures.plot_norms(EPOCHS, DISTANCES, optimum=2.5, **how),
    "suboptimality": lambda **how: figures.plot_suboptimality(EPOCHS, DISTANCES, **how),
    "least risk": lambda **how: figures.plot_least_risk(
        RADII, RADII**2, threshold=0.05, constant=0.6, **how
    ),
    "path": lambda **how: figures.plot_path(RADII[:4], PATH, **how),
    "trade-off": lambda **how: figures.plot_trade_off(FAMILIES, **how),
}
# Those that need several axes of their own.
OWN_AXES = {
    "supports": lambda: figures.plot_supports(BALLS, W),
    "images": lambda: figures.plot_images(IMAGES, ["one", "two", "three", "four", "five"]),
    "margins": lambda: figures.plot_margins({"standard": T, "robust": 2 * T}, TAKEN),
    "sum": lambda: figures.plot_sum(IMAGES[0], 0.2 * W.sign().repeat(392), ["x", "delta", "sum"]),
    "attack lab": lambda: figures.plot_attack_lab(
        IMAGES[0],
        0.2 * W.sign().repeat(392),
        ["x", "delta", "sum"],
        ERROR_CURVES,
        chosen="robust",
        radius=0.2,
    ),
}
EVERY = {**INTO_AXES, **OWN_AXES}
every = pytest.mark.parametrize("plot", EVERY.values(), ids=EVERY.keys())
into_axes = pytest.mark.parametrize("plot", INTO_AXES.values(), ids=INTO_AXES.keys())


@pytest.fixture(autouse=True)
def no_figure_is_left():
    yield
    plt.close("all")


def points(line):
    return np.column_stack(line.get_data()).astype(float)


def lines_by_label(ax):
    return {line.get_label(): line for line in ax.lines}


def shows(ax, abscissa, curves):
    """The axes have one line for each curve, with exactly its numbers."""
    lines = lines_by_label(ax)
    for name, values in curves.items():
        assert points(lines[name]).tolist() == torch.stack([abscissa, values], dim=1).tolist()


# ---------------------------------------------------------------- what holds of every figure


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
        plt.rcParams.update({key: plt.rcParamsDefault[key] for key in figures.STYLE})


def test_settings_stay_as_they_were_when_a_plot_fails():
    before = dict(plt.rcParams)
    with pytest.raises(TypeError):
        figures.plot_envelope(T, {"no tensor": [1, 2]})
    assert dict(plt.rcParams) == before


def test_the_style_is_used_while_drawing():
    ax = figures.plot_steps(T, CURVES)
    assert to_hex(ax.xaxis.label.get_color()) == figures.INK
    assert ax.figure.dpi == figures.STYLE["figure.dpi"]
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


def test_no_legend_for_a_single_curve():
    assert figures.plot_steps(T, {"alone": T}).get_legend() is None
    legend = figures.plot_steps(T, CURVES).get_legend()
    assert [text.get_text() for text in legend.get_texts()] == list(CURVES)


# ---------------------------------------------------------------- balls in the plane


def norm(z, p):
    return np.linalg.norm(z, p, axis=1)


def test_the_outline_of_a_ball_has_the_radius_for_its_norm_and_goes_round():
    ax = figures.plot_balls(BALLS)
    outlines = list(ax.patches)
    assert [patch.get_label() for patch in outlines] == ["p = 1", "p = 2", "p = 3", "p = ∞"]
    for ball, patch in zip(BALLS, outlines, strict=True):
        corners = patch.get_xy()
        assert norm(corners, ball.p) == pytest.approx(np.full(len(corners), 0.5), rel=ROUNDING)
        # The shoelace formula, against the area of the l_p ball; a chord of 400 misses 1e-4 of it.
        x, y = corners.T
        area = 0.5 * float(x[:-1] @ y[1:] - x[1:] @ y[:-1])
        share = 1 if ball.p == INF else math.gamma(1 + 1 / ball.p) ** 2 / math.gamma(1 + 2 / ball.p)
        assert area == pytest.approx(4 * 0.25 * share, rel=3e-4)
    assert ax.get_aspect() == 1


@pytest.mark.parametrize("ball", BALLS, ids=lambda ball: f"p={ball.p:g}")
def test_the_support_line_touches_the_ball_at_the_maximiser(ball):
    ax = figures.plot_support(ball, W)
    line, best = (points(each) for each in ax.lines)
    support = 0.5 * np.linalg.norm(W.numpy(), ball.dual_p)
    assert line @ W.numpy() == pytest.approx(np.full(2, support), rel=ROUNDING)
    assert best.shape == (1, 2)
    assert best[0] @ W.numpy() == pytest.approx(support, rel=ROUNDING)
    assert norm(best, ball.p) == pytest.approx(0.5, rel=ROUNDING)
    (patch,) = ax.patches
    inside = patch.get_xy() @ W.numpy()
    assert inside.max() <= support * (1 + ROUNDING)
    assert inside.max() == pytest.approx(support, rel=1e-4), "400 chords nearly touch it"
    assert ax.get_title() == ("$p = \\infty$" if ball.p == INF else f"$p = {ball.p:g}$")


@pytest.mark.parametrize("n", [1, 4])
def test_supports_stand_side_by_side(n):
    row = figures.plot_supports(BALLS[:n], W)
    assert len(row) == n
    assert [ax.get_title() for ax in row] == ["$p = 1$", "$p = 2$", "$p = 3$", "$p = \\infty$"][:n]
    assert [bool(ax.get_ylabel()) for ax in row] == [True, False, False, False][:n]


# ---------------------------------------------------------------- the toy set


def test_boundaries_are_where_the_score_is_zero_and_points_are_where_they_are():
    ax = figures.plot_boundaries(X, Y, CLASSIFIERS, BALLS[3])
    lines = lines_by_label(ax)
    assert points(lines["y = -1"]).tolist() == X[Y == -1].tolist()
    assert points(lines["y = +1"]).tolist() == X[Y == 1].tolist()
    for name, classifier in CLASSIFIERS.items():
        ends = points(lines[name])
        scores = ends @ classifier.theta.numpy() + float(classifier.intercept)
        assert scores == pytest.approx(np.zeros(2), abs=1e-10), "at ends 100 away"
        assert np.abs(ends[1] - ends[0]).max() > 10
    low, high = ax.get_xlim()
    assert -3 < low < -1 and 1 < high < 3, "boundaries leave the limits alone"


@pytest.mark.parametrize(("n_sets", "drawn"), [(0, 0), (2, 2), (24, 4)])
def test_some_examples_get_their_perturbation_set(n_sets, drawn):
    ax = figures.plot_boundaries(X, Y, CLASSIFIERS, BALLS[3], n_sets=n_sets)
    assert len(ax.patches) == drawn
    centres = {tuple(np.round(patch.get_xy()[:-1].mean(axis=0), 9)) for patch in ax.patches}
    assert centres <= {tuple(row) for row in X.tolist()}
    for patch in ax.patches:
        corners = patch.get_xy()
        centre = corners[:-1].mean(axis=0)
        assert norm(corners - centre, INF) == pytest.approx(np.full(len(corners), 0.5))


# ---------------------------------------------------------------- curves


def test_the_envelope_is_the_largest_of_the_curves():
    ax = figures.plot_envelope(T, CURVES)
    shows(ax, T, CURVES)
    top = np.maximum.reduce([values.numpy() for values in CURVES.values()])
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
    ax = figures.plot_tangents(SADDLES, 0.5, missed=-0.25, n_curves=9)
    assert tangent_slopes(ax, figures.VERMILION) == [0.5]
    assert tangent_slopes(ax, figures.PURPLE) == [-0.25]
    assert sum(line.get_linewidth() == 0.8 for line in ax.lines) == 9


def test_a_kink_has_two_tangents():
    corner = ValueFunction(lambda theta, d: 2 * d[:, 0] * theta, SADDLES.deltas)
    ax = figures.plot_tangents(corner, 0.0)
    assert tangent_slopes(ax, figures.VERMILION) == [-2, 2]
    assert tangent_slopes(ax, figures.PURPLE) == []


@pytest.mark.parametrize("plot", [figures.plot_steps, figures.plot_inexact, figures.plot_along_ray])
def test_lines_show_the_numbers_that_were_given(plot):
    shows(plot(T, CURVES), T, CURVES)


def test_steps_are_compared_with_no_change():
    assert points(figures.plot_steps(T, CURVES).lines[0])[:, 1].tolist() == [0, 0]


def test_objectives_start_at_zero():
    assert figures.plot_along_ray(T, {"positive": T**2 + 1}).get_ylim()[0] == 0


def test_the_logistic_loss_stands_beside_the_step_that_counts_mistakes():
    ax = figures.plot_logistic_loss(T)
    loss, step = (points(line) for line in ax.lines)
    assert loss[:, 1] == pytest.approx(np.logaddexp(0, -T.numpy()), rel=ROUNDING)
    assert step[:, 1].tolist() == [1.0 if z <= 0 else 0.0 for z in T.tolist()]
    assert 0.0 in T.tolist(), "a tie is among them"


# ---------------------------------------------------------------- images


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


def test_captions_and_the_number_of_columns_are_optional():
    axes = figures.plot_images(IMAGES[:2])
    assert [ax.get_title() for ax in axes] == ["", ""]
    assert len(axes[0].figure.axes) == 8
    assert axes[0].images[0].get_clim() == (0, 1)


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


# ---------------------------------------------------------------- errors


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


# ---------------------------------------------------------------- the exact optimum


def test_norms_are_compared_with_the_exact_minimiser_s_on_request():
    ax = figures.plot_norms(EPOCHS, DISTANCES, optimum=2.5)
    shows(ax, EPOCHS, DISTANCES)
    assert points(lines_by_label(ax)["exact minimiser"])[:, 1].tolist() == [2.5, 2.5]
    assert ax.get_xscale() == "log" and ax.get_yscale() == "linear"
    assert ax.get_ylim()[0] == 0
    assert len(figures.plot_norms(EPOCHS, DISTANCES).lines) == 2


def test_suboptimality_is_shown_on_logarithmic_scales_with_epochs_written_out():
    ax = figures.plot_suboptimality(EPOCHS, DISTANCES)
    shows(ax, EPOCHS, DISTANCES)
    assert ax.get_xscale() == ax.get_yscale() == "log"
    ax.figure.canvas.draw()
    ticks = [label.get_text() for label in ax.get_xticklabels()]
    assert {"1", "2", "4"} <= set(ticks)


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


def test_a_trade_off_shows_both_counts_of_each_classifier_in_order():
    ax = figures.plot_trade_off(FAMILIES)
    assert points(lines_by_label(ax)["inside"]).tolist() == [[1, 4], [3, 12], [2, 8]]
    assert points(lines_by_label(ax)["beside"]).tolist() == [[1, 5], [3, 15], [2, 10]]
    assert ax.get_yscale() == "log"


def test_contours_of_the_risk_lie_where_its_height_rises_by_doubled_steps():
    best = torch.tensor([0.5, 0.25], dtype=torch.float64)
    ax = figures.plot_descent(X, Y, BALLS[3], STEPS, best, limits=(-2, 4))
    assert points(lines_by_label(ax)["steps"]).tolist() == STEPS.tolist()
    assert points(lines_by_label(ax)["minimum"]).tolist() == [best.tolist()]

    def height(theta):
        classifier = LinearClassifier(torch.as_tensor(theta, dtype=torch.float64), 0.0)
        return adversarial_risk(classifier, X, Y, BALLS[3])

    (contours,) = (each for each in ax.collections if hasattr(each, "levels"))
    drawn = 0
    for level, path in zip(contours.levels, contours.get_paths(), strict=True):
        for point in path.vertices[::40]:
            # A smooth function bends by less between points of the grid.
            assert height(point) == pytest.approx(level, abs=2e-3)
            drawn += 1
    rises = contours.levels - height(best)
    assert drawn > 20 and rises[1:] / rises[:-1] == pytest.approx(2 * np.ones(10))


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


def test_boundaries_are_those_of_layers_of_torch_too():
    layer = torch.nn.Linear(2, 1)
    ax = figures.plot_boundaries(X, Y, {"layer": layer}, BALLS[1])
    start, end = np.asarray(ax.lines[-1].get_data()).T
    for point in (start, end):  # a hundred lengths away: float32's digits of that
        assert float(layer(torch.tensor(point).float()).detach()) == pytest.approx(0, abs=1e-4)
    plt.close(ax.figure)
