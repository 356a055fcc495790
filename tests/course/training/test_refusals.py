"""What training refuses, one classifier or many at once."""

import math

import pytest
import torch

from lectures_code.perturbations import NormBall
from lectures_code.together import train_together
from lectures_code.training import as_module, initial_classifier, settled, train
from tests.course.training.sets import X, Y, seeded
from tests.oracles import INF, says

START = initial_classifier(6, generator=seeded(0))
BALL = NormBall(2, 0.1)
RECIPE = {"step_size": 0.5, "batch_size": 5, "n_epochs": 1}


def alone(x=X, y=Y, **changes):
    return train(as_module(START), x, y, **{**RECIPE, **changes}, generator=seeded(0))


def together(x=X, y=Y, *, starts=(START,), n_generators=1, ball=BALL, **changes):
    generators = [seeded(0)] * n_generators
    return train_together(starts, x, y, ball, **{**RECIPE, **changes}, generators=generators)


@pytest.mark.parametrize("function", [alone, together])
class TestBothRefuse:
    @pytest.mark.parametrize("value", [0, -1.0, math.nan, INF])
    def test_steps_of_no_length(self, function, value):
        text = f"step_size must be a finite number > 0, got {value!r}: pass a positive one"
        with says(ValueError, text):
            function(step_size=value)

    @pytest.mark.parametrize("argument", ["batch_size", "n_epochs"])
    @pytest.mark.parametrize("value", [0, -1, 1.5])
    def test_counts_that_are_none(self, function, argument, value):
        with says(ValueError, f"{argument} must be a whole number >= 1, got {value!r}"):
            function(**{argument: value})

    def test_labels_zero_and_one(self, function):
        with says(ValueError, "labels must be -1 or +1, got 0 and 1: use 2 * y.long() - 1"):
            function(y=(Y + 1) / 2)

    def test_labels_of_other_examples(self, function):
        with pytest.raises(ValueError, match=r"^y must have shape \(23,\), one label for each ex"):
            function(y=Y[:-1])

    def test_empty_batches_and_pixels_as_integers(self, function):
        with pytest.raises(ValueError, match=r"^x must hold at least one example and one feature"):
            function(x=X[:0], y=Y[:0])
        with pytest.raises(
            TypeError, match=r"^x must hold floating-point numbers, got torch.uint8"
        ):
            function(x=(255 * X).to(torch.uint8))
        with pytest.raises(ValueError, match=r"^x must have shape \(n, d\), got \(23, 2, 3\): use"):
            function(x=X.reshape(23, 2, 3))


@pytest.mark.parametrize("y", [Y[:-1], torch.cat([Y, Y])])
def test_labels_of_other_examples_are_refused_also_when_measured_elsewhere(y):
    text = f"y must have shape (23,), one label for each example, got {tuple(y.shape)}: "
    with says(ValueError, text + "pass the labels of these examples"):
        alone(y=y, evaluate_on=(X, Y))


@pytest.mark.parametrize("generator", [0, None, torch.manual_seed])
def test_the_generator_must_be_one(generator):
    text = f"generator must be a torch.Generator, got {type(generator).__name__}: "
    text += "use torch.Generator().manual_seed(0)"
    with says(TypeError, text):
        train(as_module(START), X, Y, **RECIPE, generator=generator)
    with says(TypeError, text):
        train_together([START], X, Y, BALL, **RECIPE, generators=[generator])
    with says(TypeError, text):
        initial_classifier(3, generator=generator)


def test_what_is_measured_on_must_fit_what_is_trained_on():
    text = "evaluate_on must be a pair (x, y), got Tensor: "
    with says(TypeError, text + "pass both, or leave it out for the training data"):
        alone(evaluate_on=X)
    text = "evaluate_on must hold examples of the dtype of x, got torch.float32 with x in "
    with says(TypeError, text + "torch.float64: use .to(torch.float64)"):
        alone(evaluate_on=(X.float(), Y))
    with pytest.raises(ValueError, match=r"^y must have shape \(23,\), one label for each"):
        alone(evaluate_on=(X, Y[1:]))
    text = "x must have the model's dtype, got torch.float32 with weight in torch.float64: "
    with says(TypeError, text + "use model.double() or x.float()"):
        alone(X.float(), Y)


def test_training_together_has_no_box():
    text = "train_together needs a ball without the box: use train for the boxed one"
    with says(ValueError, text):
        together(ball=BALL.in_box())


@pytest.mark.parametrize(("n_starts", "n_generators"), [(0, 0), (0, 1), (1, 2), (2, 1)])
def test_training_together_needs_a_generator_for_each_start(n_starts, n_generators):
    text = (
        "train_together needs a generator for each start, "
        f"got {n_starts} starts and {n_generators} generators"
    )
    with says(ValueError, text):
        together(starts=[START] * n_starts, n_generators=n_generators)


@pytest.mark.parametrize("d", [5, 7])
def test_training_together_needs_a_weight_for_each_feature(d):
    other = initial_classifier(d, generator=seeded(0))
    with says(ValueError, f"starts must have 6 weights, one for each feature of x, got {d}"):
        together(starts=[START, other], n_generators=2)


@pytest.mark.parametrize("tolerance", [0, -0.1, math.nan, "1"])
def test_settled_needs_a_tolerance(tolerance):
    text = f"tolerance must be a finite number > 0, got {tolerance!r}: pass a positive one"
    with says(ValueError, text):
        settled(tolerance)


@pytest.mark.parametrize("d", [0, -3, 2.0])
def test_a_start_needs_features(d):
    with says(ValueError, f"d must be a whole number >= 1, got {d!r}"):
        initial_classifier(d, generator=seeded(0))
