"""The ball explorer without a browser: its settings, its still picture, what it refuses."""

import math

import pytest
import torch

from lectures_code.explorers.ball import BallExplorer
from lectures_code.perturbations import NormBall


def vector(*values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("p", [1, 1.25, 2, 5, math.inf])
def test_ball_and_weights_survive_the_settings(p):
    explorer = BallExplorer(NormBall(p, 0.5), vector(-1, 0.25))
    assert explorer.ball.p == pytest.approx(p) and explorer.ball.radius == 0.5
    assert torch.equal(explorer.w, vector(-1, 0.25))


def test_the_still_picture_says_what_it_shows():
    explorer = BallExplorer(NormBall(math.inf, 1.0), vector(1, 0.6))
    assert "value at that point is 1.60" in explorer.alt
    assert explorer.still().axes[0].get_title() == r"$p = \infty$"


@pytest.mark.parametrize(
    ("w", "radius", "message"),
    [
        (vector(1, 2, 3), 1.0, r"two weights in \[-2, 2\]"),
        (vector(1, 3), 1.0, r"two weights in \[-2, 2\], got \[1.0, 3.0\]"),
        (vector(1, math.nan), 1.0, "w must be finite"),
        (vector(1, 1), 0.0, r"radius must lie in \[0.1, 2\] to be drawn, got 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(w, radius, message):
    with pytest.raises(ValueError, match=message):
        BallExplorer(NormBall(2, radius), w)
