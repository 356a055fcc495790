"""The envelope explorer without a browser: its settings, its still picture, what it refuses."""

import math

import pytest
import torch
from matplotlib.lines import AxLine

from lectures_code.explorers.envelope import FAMILIES, EnvelopeExplorer

THETAS = (-2.0, -0.33, 0.0, 0.4, 1.0, 2.0)


def huber(theta):
    return theta**2 / 2 if abs(theta) <= 1 else abs(theta) - 0.5


@pytest.mark.parametrize("theta", THETAS)
def test_each_family_has_the_envelope_of_its_formula(theta):
    formulas = {
        "logistic": math.log1p(math.exp(max(-1.5 * theta, 0.5 * theta))),
        "quadratic": huber(theta),
    }
    assert formulas.keys() == FAMILIES.keys()
    for family, value in formulas.items():
        phi = EnvelopeExplorer(family, theta).value_function
        # Rounding of a few operations on numbers of size 10.
        assert float(phi(torch.tensor([theta], dtype=torch.float64))) == pytest.approx(
            value, abs=1e-14
        )


@pytest.mark.parametrize(
    ("family", "theta", "stopped"),
    [
        ("logistic", 1.0, -0.75),
        ("logistic", -1.0, 0.75),
        ("logistic", 0.0, -0.75),
        ("quadratic", 0.33, 0.08),
        ("quadratic", -0.1, 0.15),
    ],
)
def test_the_inexact_maximiser_stops_short_on_the_side_of_0(family, theta, stopped):
    assert EnvelopeExplorer(family, theta, 0.25).inexact_maximiser == pytest.approx(stopped)


def test_the_still_picture_has_a_tangent_or_at_a_kink_two():
    for theta, miss, n_tangents in ((1.0, 0.0, 1), (1.0, 0.5, 2), (0.0, 0.0, 2), (0.0, 0.5, 3)):
        lines = EnvelopeExplorer("logistic", theta, miss).still().axes[0].lines
        assert sum(isinstance(line, AxLine) for line in lines) == n_tangents


def test_the_alternative_text_tells_slopes():
    assert "one line touches it, of slope 0.31." in EnvelopeExplorer().alt
    assert "slope -0.75 on the left and 0.25 on the right." in EnvelopeExplorer(theta=0.0).alt
    assert "for δ = -0.75, with its own tangent" in EnvelopeExplorer(miss=0.25).alt
    assert "slope 0.33." in EnvelopeExplorer("quadratic", 0.33).alt


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"family": "cubic"}, "one of logistic, quadratic, got 'cubic'"),
        ({"theta": 2.1}, r"theta must lie in \[-2, 2\] to be drawn, got 2.1"),
        ({"theta": math.nan}, r"theta must lie in \[-2, 2\] to be drawn, got nan"),
        ({"miss": -0.1}, r"miss must lie in \[0, 1\] to be drawn, got -0.1"),
    ],
)
def test_what_cannot_be_drawn_is_refused_at_first_and_later(settings, message):
    with pytest.raises(ValueError, match=message):
        EnvelopeExplorer(**settings)
    explorer = EnvelopeExplorer()
    for name, value in settings.items():
        with pytest.raises(ValueError, match=message):
            setattr(explorer, name, value)
    assert explorer.settings() == {"family": "logistic", "theta": 1.0, "miss": 0.0}
