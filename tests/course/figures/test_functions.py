"""Envelopes, tangents and contours lie where the functions say."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.lines import AxLine

from lectures_code import figures
from lectures_code.danskin import ValueFunction
from lectures_code.figures import style
from lectures_code.logistic import LinearClassifier
from lectures_code.risk import adversarial_risk
from tests.course.figures.examples import BALLS, CURVES, ROUNDING, SADDLES, STEPS, T, X, Y
from tests.course.figures.reading import lines_by_label, points, shows


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
    assert tangent_slopes(ax, style.VERMILION) == [0.5]
    assert tangent_slopes(ax, style.PURPLE) == [-0.25]
    assert sum(line.get_linewidth() == 0.8 for line in ax.lines) == 9


def test_a_kink_has_two_tangents():
    corner = ValueFunction(lambda theta, d: 2 * d[:, 0] * theta, SADDLES.deltas)
    ax = figures.plot_tangents(corner, 0.0)
    assert tangent_slopes(ax, style.VERMILION) == [-2, 2]
    assert tangent_slopes(ax, style.PURPLE) == []


def test_the_logistic_loss_stands_beside_the_step_that_counts_mistakes():
    ax = figures.plot_logistic_loss(T)
    loss, step = (points(line) for line in ax.lines)
    assert loss[:, 1] == pytest.approx(np.logaddexp(0, -T.numpy()), rel=ROUNDING)
    assert step[:, 1].tolist() == [1.0 if z <= 0 else 0.0 for z in T.tolist()]
    assert 0.0 in T.tolist(), "a tie is among them"


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
