"""The attack lab without a browser: its settings, its still picture, what it refuses."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
import traitlets
from torch import nn

from lectures_code.attacks import linear_maximiser
from lectures_code.explorers.attack_lab import AttackLab
from lectures_code.explorers.stored import as_bytes, as_json
from lectures_code.features import MonotoneClassifier, Threshold
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import BoxedNormBall, NormBall
from lectures_code.risk import error_curve
from tests.oracles import INF, says


def drawn(n=6, seed=0):
    """Images of random bytes, labels of both kinds, and two classifiers."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randint(256, (n, 784), generator=draw).double() / 255
    weights = torch.randn(2, 784, generator=draw, dtype=torch.float64)
    models = {
        "a": LinearClassifier(weights[0], 0.25),
        "b": LinearClassifier(weights[1] / 3, -1 / 3),
    }
    return models, x, 1.0 - 2 * (torch.arange(n) % 2)


def test_images_labels_and_weights_survive_the_settings_exactly():
    models, x, y = drawn()
    lab = AttackLab(models, x, y, index=2, radius=0.125, in_box=True)
    assert torch.equal(lab.x, x) and torch.equal(lab.y, y.double())
    assert list(lab.classifiers) == ["a", "b"] and lab.chosen == "a"
    for name, model in models.items():
        assert torch.equal(lab.classifiers[name].theta, model.theta)
        assert lab.classifiers[name].intercept == model.intercept
    assert isinstance(lab.ball, BoxedNormBall) and lab.ball.radius == 0.125 and lab.index == 2


def test_every_pixel_value_is_stored_exactly():
    x = (torch.arange(784) % 256).double()[None] / 255
    assert list(as_bytes(x)) == [k % 256 for k in range(784)]
    with says(
        ValueError,
        "pixels must be float64 of the form k / 255 with k = 0 .. 255, got others: pass images "
        "as load_zero_one gives them",
    ):
        as_bytes(x + 1e-9)


@pytest.mark.parametrize("in_box", [False, True])
def test_the_still_picture_shows_the_worst_perturbation_and_all_curves(in_box):
    models, x, y = drawn()
    lab = AttackLab(models, x, y, index=1, in_box=in_box)
    *row, ax = lab.still().axes
    ball = NormBall(INF, 0.2).in_box() if in_box else NormBall(INF, 0.2)
    delta = linear_maximiser(models["a"], x[1:2], y[1:2], ball)[0]
    pictures = [np.asarray(each.images[0].get_array()).ravel() for each in row]
    for shown, pixels in zip(pictures, (x[1], delta, x[1] + delta), strict=True):
        assert np.array_equal(shown, pixels.numpy())
    assert row[2].get_title() == f"score {float(models['a']((x[1] + delta)[None])):+.2f}"
    for name, line in zip(models, ax.lines, strict=False):
        curve = error_curve(models[name], x, y, ball)
        rates = curve.counts(torch.from_numpy(line.get_xdata())) / len(x)
        assert line.get_label() == name and np.array_equal(line.get_ydata(), rates.numpy())
    assert [line.get_alpha() for line in ax.lines[:2]] == [1.0, 0.4]


def test_the_alternative_text_says_both_answers():
    x = torch.full((1, 784), 0.4, dtype=torch.float64)  # 102 / 255
    model = LinearClassifier(torch.full((784,), 1 / 784, dtype=torch.float64), -0.3)
    lab = AttackLab({"the mean": model}, x, torch.tensor([1.0]), radius=0.2)
    assert "A handwritten one, the worst perturbation of radius 0.2 against the mean" in lab.alt
    assert "takes the image for a one, the sum for a zero" in lab.alt


def test_a_classifier_is_added_and_chosen_and_replaced_by_one_of_its_name():
    models, x, y = drawn()
    lab = AttackLab(models, x, y)
    for scale in (2.0, 3.0):
        lab.add_model("mine", LinearClassifier(scale * models["a"].theta, 0.0))
        assert list(lab.classifiers) == ["a", "b", "mine"] and lab.chosen == "mine"
        assert torch.equal(lab.classifiers["mine"].theta, scale * models["a"].theta)


def test_images_go_to_the_page_as_bytes_and_weights_as_numbers():
    models, x, y = drawn()
    state = AttackLab(models, x, y).page_state()
    assert set(state["bytes"]) == {"images", "labels"}
    assert state["values"]["models"][0]["theta"] == models["a"].theta.tolist()
    assert set(state["values"]) == {"models", "chosen", "index", "radius", "in_box"}


def test_what_does_not_fit_is_refused():
    models, x, y = drawn()
    with pytest.raises(ValueError, match="at least one classifier, got none"):
        AttackLab({}, x, y)
    with pytest.raises(ValueError, match=r"'small' must have 784 weights, .* got 2"):
        AttackLab({"small": LinearClassifier(torch.ones(2), 0.0)}, x, y)
    with pytest.raises(ValueError, match="labels must be -1 or"):
        AttackLab(models, x, (y + 1) / 2)
    lab = AttackLab(models, x, y)
    with pytest.raises(traitlets.TraitError, match=r"index must lie in 0 .. 5, got 6"):
        lab.index = 6
    with pytest.raises(traitlets.TraitError, match=r"one of \['a', 'b'\], got 'c': see add_model"):
        lab.chosen = "c"
    with pytest.raises(traitlets.TraitError):
        lab.radius = 0.6
    with pytest.raises(traitlets.TraitError):
        AttackLab(models, x, y, index=-1)
    with pytest.raises(ValueError, match="'c' must have 784 weights"):
        lab.add_model("c", LinearClassifier(torch.ones(2), 0.0))


@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_of_torch_is_taken_for_the_classifier_that_it_computes(bias):
    _, x, y = drawn()
    layer = nn.Linear(784, 1, bias=bias)  # float32, and in training
    lab = AttackLab({"layer": layer}, x, y)
    assert torch.equal(lab.classifiers["layer"].theta.float(), layer.weight.detach()[0])
    lab.add_model("a", layer)
    assert torch.equal(lab.classifiers["a"].theta, lab.classifiers["layer"].theta)
    assert float(lab.classifiers["a"].intercept) == (float(layer.bias.detach()) if bias else 0.0)


@pytest.mark.parametrize("model", [nn.Linear(784, 2), nn.ReLU(), None, torch.ones(784)])
def test_what_is_no_linear_classifier_is_named(model):
    _, x, y = drawn()
    with pytest.raises(TypeError, match=r"^a linear classifier is an nn.Linear\(d, 1\), got "):
        AttackLab({"one": model}, x, y)


@pytest.mark.parametrize("value", [np.float32(0.25), torch.tensor(0.25), Fraction(1, 4)])
def test_settings_take_numbers_of_any_kind_later_as_well(value):
    lab = AttackLab(*drawn(), radius=value)
    lab.radius = 0.0
    lab.radius = value
    lab.index = np.int64(3)
    assert type(lab.radius) is float and lab.radius == 0.25
    assert type(lab.index) is int and lab.index == 3


@pytest.mark.parametrize("value", [math.nan, "0.2", None, True, 0.6])
def test_settings_that_are_no_number_in_the_range_are_refused(value):
    lab = AttackLab(*drawn())
    with pytest.raises(traitlets.TraitError):
        lab.radius = value
    with pytest.raises(traitlets.TraitError):
        lab.index = value
    assert lab.radius == 0.2 and lab.index == 0


@pytest.mark.parametrize("at", [1.0, -0.1])
def test_only_a_threshold_that_pixels_can_cross_is_taken(at):
    model = MonotoneClassifier(Threshold(at), LinearClassifier(torch.ones(4).double(), 0.0))
    text = f"the feature of classifier 'it' must be a Threshold in [0, 1), got Threshold(at={at})"
    with says(ValueError, text):
        as_json("it", model, 4)


@pytest.mark.parametrize("at", [0.0, 0.1, 0.25, 1 / 3, 0.5])
def test_a_stored_distance_is_the_least_radius_with_which_the_pixel_crosses(at):
    """In Python's floats, which round as an attack does; bytes that are 0.3 from one half too."""
    one = MonotoneClassifier(Threshold(at), LinearClassifier(torch.ones(1).double(), 0.0))
    for byte, distance in enumerate(as_json("it", one, 1)["distances"]):
        pixel = byte / 255
        ways = 1 if pixel <= at else -1
        crosses = [
            (pixel + ways * radius > at) != (pixel > at)
            for radius in (distance, math.nextafter(distance, -math.inf))
        ]
        assert crosses == [True, False], byte
