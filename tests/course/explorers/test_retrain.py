"""Retraining at a press of a button: what it trains, what it says, and what a still page says."""

import ipywidgets
import pytest
import torch
from torch import nn

from lectures_code.attacks import linear_maximiser
from lectures_code.explorers import retrain
from lectures_code.explorers.attack_lab import AttackLab
from lectures_code.explorers.retrain import Retraining
from lectures_code.logistic import LinearClassifier
from lectures_code.mnist import Digits
from lectures_code.perturbations import NormBall
from lectures_code.risk import error, robust_error
from lectures_code.training import as_module, initial_classifier, train
from tests.oracles import INF


@pytest.fixture
def made():
    """Images whose middle tells the digit, a lab, and what retrains in it."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randint(128, (60, 784), generator=draw).double()
    y = 1.0 - 2 * (torch.arange(60) % 2).double()
    x[:, 380:400] += 60 * (1 + y[:, None])
    x = x / 255
    data = Digits(x[:40], y[:40], x[40:], y[40:], (0, 1), "sample", "this test")
    start = as_module(initial_classifier(784, generator=draw))
    lab = AttackLab({"start": LinearClassifier.of(start)}, data.x_test, data.y_test, radius=0.05)
    controls = Retraining(data, lab, start=start, seed=3, batch_size=10, n_epochs=4, radius=0.03)
    return data, start, lab, controls


def trained(data, start, radius):
    """The same by the function that the chapter calls."""
    ball, draw = NormBall(INF, radius), torch.Generator().manual_seed(3)
    recipe = {"step_size": 1.0, "batch_size": 10, "n_epochs": 4, "generator": draw}
    recipe["maximiser"] = lambda model, x, y: linear_maximiser(model, x, y, ball)
    model, _ = train(start, data.x_train, data.y_train, **recipe)
    return LinearClassifier.of(model)


def said(controls):
    return "".join(output["text"] for output in controls.output.outputs)


def test_a_press_trains_with_the_chosen_radius_and_hands_the_result_to_the_lab(made):
    data, start, lab, controls = made
    before = start.weight.detach().clone()
    controls.button.click()
    expected = trained(data, start, 0.03)
    assert lab.chosen == "yours, trained with 0.03"
    assert torch.equal(lab.classifiers[lab.chosen].theta, expected.theta)
    test = data.x_test, data.y_test
    assert said(controls) == (
        f"trained with radius 0.03: {error(expected, *test)} test mistakes, "
        f"{robust_error(expected, *test, NormBall(INF, 0.05))} under an attack of radius 0.05\n"
    )
    assert torch.equal(start.weight, before)


def test_each_radius_gets_a_classifier_and_the_same_radius_the_same_one(made):
    data, start, lab, controls = made
    for radius in (0.03, 0.0, 0.03):
        controls.slider.value = radius
        controls.button.click()
    assert list(lab.classifiers) == ["start", "yours, trained with 0.03", "yours, trained with 0"]
    assert torch.equal(
        lab.classifiers["yours, trained with 0"].theta, trained(data, start, 0).theta
    )
    first, _, third = said(controls).splitlines()
    assert first == third


def test_slider_and_field_hold_the_same_number_and_the_field_has_a_name(made):
    controls = made[-1]
    controls.field.value = 0.25
    assert controls.slider.value == 0.25
    controls.slider.value = 0.5
    assert controls.field.value == 0.5
    assert controls.field.description == "radius ε" and controls.button.description == "Train"


def test_the_button_waits_while_it_trains_and_comes_back_when_training_fails(made, monkeypatch):
    controls, seen = made[-1], []

    def fails(*_, **__):
        seen.append((controls.button.disabled, controls.bar.layout.visibility))
        raise RuntimeError("no training today")

    monkeypatch.setattr(retrain, "epoch", fails)
    controls.button.click()
    assert seen == [(True, "visible")]
    assert said(controls) == "training failed: no training today\n"
    assert not controls.button.disabled and controls.bar.layout.visibility == "hidden"


def test_the_bar_counts_epochs(made):
    controls, values = made[-1], []
    controls.bar.observe(lambda change: values.append(change["new"]), "value")
    controls.button.click()
    assert values == [1, 2, 3, 4] and controls.bar.max == 4


def test_a_page_without_a_kernel_says_where_there_is_one(made):
    bundle = made[-1]._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}, "no view that nobody answers"
    for text in bundle.values():
        assert "needs a running kernel" in text
        assert "the rocket at the top of the page opens the chapter in Binder or Colab" in text


def test_with_a_kernel_the_controls_come_first(made, monkeypatch):
    view = {retrain.VIEW: {"model_id": "1"}, "text/plain": "VBox()"}
    monkeypatch.setattr(ipywidgets.VBox, "_repr_mimebundle_", lambda self, **_: view)
    controls = made[-1]
    assert retrain.VIEW not in controls._repr_mimebundle_()
    monkeypatch.setattr(retrain, "DummyComm", type(None))  # the one there is counts as live
    bundle = controls._repr_mimebundle_()
    assert bundle[retrain.VIEW] == {"model_id": "1"}
    assert "needs a running kernel" in bundle["text/html"], "for where it is stored"


def test_what_cannot_be_trained_is_refused(made):
    data, start, lab, _ = made
    with pytest.raises(TypeError, match=r"a linear classifier is an nn\.Linear"):
        Retraining(data, lab, start=nn.ReLU())
    with pytest.raises(ValueError, match=r"radius must lie in \[0, 0.5\], got 0.6"):
        Retraining(data, lab, start=start, radius=0.6)
    with pytest.raises(ValueError, match="n_epochs must be a whole number >= 1, got 0"):
        Retraining(data, lab, start=start, n_epochs=0)
    with pytest.raises(ValueError, match="step_size must be a finite number > 0"):
        Retraining(data, lab, start=start, step_size=0.0)
