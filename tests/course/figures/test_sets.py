"""Sets have their radius, support lines touch, and boundaries are where the score is 0."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from lectures_code import figures
from tests.course.figures.examples import BALLS, CLASSIFIERS, ROUNDING, W, X, Y
from tests.course.figures.reading import lines_by_label, points
from tests.oracles import INF


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


def test_boundaries_are_those_of_layers_of_torch_too():
    layer = torch.nn.Linear(2, 1)
    ax = figures.plot_boundaries(X, Y, {"layer": layer}, BALLS[1])
    start, end = np.asarray(ax.lines[-1].get_data()).T
    for point in (start, end):  # a hundred lengths away: float32's digits of that
        assert float(layer(torch.tensor(point).float()).detach()) == pytest.approx(0, abs=1e-4)
    plt.close(ax.figure)
