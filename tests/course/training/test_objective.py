"""The closed form to differentiate, and what training refuses."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lectures_code.attacks import linear_maximiser
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import adversarial_objective, adversarial_risk
from lectures_code.together import train_together
from lectures_code.training import as_module, initial_classifier, settled, train
from tests.course.training.sets import DIFFERENCES, X, Y, each_ball, numbers, training_set
from tests.oracles import INF, ROUNDING, random_problem, says, seeded


@each_ball
@pytest.mark.parametrize("seed", range(4))
def test_the_gradient_at_the_maximiser_is_the_gradient_of_the_closed_form(ball, seed):
    x, y = training_set(seed)
    start = initial_classifier(6, generator=seeded(seed))
    theta = start.theta.clone().requires_grad_()
    intercept = start.intercept.clone().requires_grad_()
    closed_form = torch.autograd.grad(
        adversarial_objective(theta, intercept, x, y, ball), (theta, intercept)
    )
    delta = linear_maximiser(start, x, y, ball)
    scores = (x + delta) @ theta + intercept
    at_the_maximiser = torch.log1p(torch.exp(-y * scores)).mean()
    lectures = torch.autograd.grad(at_the_maximiser, (theta, intercept))
    torch.testing.assert_close(lectures, closed_form, rtol=ROUNDING, atol=ROUNDING)


@each_ball
@pytest.mark.parametrize("seed", range(4))
def test_the_closed_form_s_gradient_is_the_slope_of_the_adversarial_risk(ball, seed):
    x, y = training_set(seed)
    at = numbers(initial_classifier(6, generator=seeded(seed)))  # random: no ties, no zeros
    point = at.clone().requires_grad_()
    objective = adversarial_objective(point[:-1], point[-1], x, y, ball)
    (gradient,) = torch.autograd.grad(objective, point)

    def value(z):
        return adversarial_risk(LinearClassifier(z[:-1], z[-1]), x, y, ball)

    h = 1e-5
    slopes = [(value(at + h * e) - value(at - h * e)) / (2 * h) for e in torch.eye(7).double()]
    assert gradient.tolist() == pytest.approx(slopes, abs=DIFFERENCES)


@each_ball
@pytest.mark.parametrize("seed", range(4))
def test_the_closed_form_is_the_adversarial_risk(ball, seed):
    model, x, y = random_problem(seed, n=20)
    found = adversarial_objective(model.theta, model.intercept, x, y, ball)
    assert found.shape == ()
    delta = linear_maximiser(model, x, y, ball)
    z = (y * ((x + delta) @ model.theta + model.intercept)).numpy()
    assert float(found) == pytest.approx(np.logaddexp(0, -z).mean(), rel=ROUNDING)
    if not hasattr(ball, "low"):
        clean = (y * (x @ model.theta + model.intercept)).numpy()
        penalty = ball.radius * np.linalg.norm(model.theta.numpy(), ball.dual_p)
        expected = np.logaddexp(0, penalty - clean).mean()
        assert float(found) == pytest.approx(expected, rel=ROUNDING)


COORDINATE = st.floats(-5, 5, allow_subnormal=False)


@each_ball
@given(st.lists(COORDINATE, min_size=14, max_size=14), st.floats(0, 1), st.integers(0, 5))
@settings(max_examples=30)
def test_the_objective_is_convex(ball, values, share, seed):
    x, y = training_set(seed)
    a, b = torch.tensor(values, dtype=torch.float64).reshape(2, 7)

    def objective(z):
        return float(adversarial_objective(z[:-1], z[-1], x, y, ball))

    between = objective(share * a + (1 - share) * b)
    # Values are up to some dozens of nats; support functions in the box keep 1e-12 of that.
    assert between <= share * objective(a) + (1 - share) * objective(b) + 100 * ROUNDING


def test_the_objective_needs_weights_that_fit():
    with says(ValueError, "theta must have shape (6,), one weight for each feature, got (5,)"):
        adversarial_objective(START.theta[1:], START.intercept, X, Y, BALL)
    text = "x must have the weights' dtype, got torch.float64 with weights in torch.float32: "
    with says(TypeError, text + "use x.to(theta.dtype)"):
        adversarial_objective(START.theta.float(), START.intercept, X, Y, BALL)


def test_the_objective_refuses_bad_labels_and_examples():
    with says(ValueError, "labels must be -1 or +1, got 0 and 1: use 2 * y.long() - 1"):
        adversarial_objective(START.theta, START.intercept, X, (Y + 1) / 2, NormBall(2, 0.1))
    with pytest.raises(ValueError, match=r"^x must be finite, got 138 NaN or infinite entries"):
        adversarial_objective(START.theta, START.intercept, X * math.nan, Y, NormBall(2, 0.1))


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
