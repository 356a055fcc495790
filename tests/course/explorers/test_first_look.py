"""The first look without a browser: its settings, its still picture, what it refuses."""

import numpy as np
import pytest
import torch
import traitlets
from torch import nn

from lectures_code.explorers.first_look import FirstLook
from lectures_code.logistic import LinearClassifier


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
    assert state["values"]["theta"] == model.theta.tolist() and set(state["bytes"]) == {"image"}
    others = {name: value for name, value in state["values"].items() if name != "theta"}
    assert others == {"intercept": float(model.intercept), "digit": 0, "radius": 0.1}


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
    assert look.theta == layer.weight[0].tolist()
    assert look.intercept == float(layer.bias.detach())
    with pytest.raises(TypeError, match=r"^a linear classifier is an nn.Linear\(d, 1\), got ReLU"):
        FirstLook(nn.ReLU(), x, -1.0)
