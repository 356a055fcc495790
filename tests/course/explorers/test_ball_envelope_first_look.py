"""The ball, the envelope and the first look: settings, still pictures, and what is refused."""

import math

import numpy as np
import pytest
import torch
import traitlets
from matplotlib.lines import AxLine
from torch import nn

from lectures_code.explorers.ball import BallExplorer
from lectures_code.explorers.envelope import FAMILIES, EnvelopeExplorer
from lectures_code.explorers.first_look import FirstLook
from lectures_code.features import MonotoneClassifier, Threshold
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from tests.oracles import vector


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


def drawn():
    draw = torch.Generator().manual_seed(0)
    x = torch.randint(256, (784,), generator=draw).double() / 255
    theta = torch.randn(784, generator=draw, dtype=torch.float64)
    return LinearClassifier(theta, -float(theta @ x) - 1), x  # a score of -1: a zero


def test_image_and_weights_go_to_the_page_exactly_and_are_few():
    model, x = drawn()
    look = FirstLook(model, x, -1.0, radius=0.1)
    assert torch.equal(torch.tensor(list(look.image)).double() / 255, x)
    state = look.page_state()
    assert set(state["bytes"]) == {"image"}
    stored = {"theta": model.theta.tolist(), "intercept": float(model.intercept)}
    classifier = {"name": "model", **stored}
    assert state["values"] == {"classifier": classifier, "digit": 0, "radius": 0.1}


def test_the_still_picture_shows_the_sum_and_says_the_scores():
    model, x = drawn()
    look = FirstLook(model, x, -1.0)
    axes = look.still().axes
    attacked = x + 0.2 * model.theta.sign()
    shown = np.asarray(axes[2].images[0].get_array()).ravel()
    assert np.allclose(shown, attacked.numpy(), rtol=0, atol=1e-15)
    assert axes[0].get_title() == "score -1.0"
    assert axes[2].get_title() == f"score {float(model(attacked[None])):+.1f}"
    assert look.alt.startswith("A zero, score -1.0; ")


def test_of_thresholded_pixels_the_scores_are_sums_over_what_is_above():
    linear, x = drawn()
    theta = linear.theta
    look = FirstLook(MonotoneClassifier(Threshold(0.5), linear), x, -1.0)
    before, after = (
        float(theta[image > 0.5].sum() + linear.intercept) for image in (x, x + 0.2 * theta.sign())
    )
    titles = [ax.get_title() for ax in look.still().axes]
    assert titles == [f"score {before:+.1f}", "perturbation", f"score {after:+.1f}"]
    assert after > before + 1, "the linear score changes by another amount"
    assert look.alt.startswith(f"A zero, score {before:+.1f}; ")


def test_what_does_not_fit_is_refused():
    model, x = drawn()
    with pytest.raises(ValueError, match="labels must be -1 or"):
        FirstLook(model, x, 0.0)
    with pytest.raises(ValueError, match="pixels must be float64 of the form k / 255"):
        FirstLook(model, x / 2, -1.0)
    with pytest.raises(ValueError, match="must have 784 weights"):
        FirstLook(LinearClassifier(torch.ones(2), 0.0), x, -1.0)
    with pytest.raises(traitlets.TraitError):
        FirstLook(model, x, -1.0, radius=0.31)


def test_a_layer_of_torch_is_taken_for_the_classifier_that_it_computes():
    _, x = drawn()
    layer = nn.Linear(784, 1)
    look = FirstLook(layer, x, torch.tensor(-1, dtype=torch.int8))
    assert look.classifier["theta"] == layer.weight[0].tolist()
    assert look.classifier["intercept"] == float(layer.bias.detach())
    with pytest.raises(TypeError, match=r"^a linear classifier is an nn.Linear\(d, 1\), got ReLU"):
        FirstLook(nn.ReLU(), x, -1.0)
