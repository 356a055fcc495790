"""Models and arguments that attacks refuse, and what the errors say."""

import itertools
import math

import pytest
import torch
from torch import nn

from lectures_code.attacks import linear_maximiser, pgd
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from tests.course.attacks.models import ATTACKS, each_attack, network
from tests.oracles import random_problem, says


class Blind(nn.Module):
    """The same score for all examples, from a parameter."""

    def __init__(self):
        super().__init__()
        self.score = nn.Parameter(torch.ones(1).double())

    def forward(self, x):
        return self.score.expand(len(x))


@pytest.mark.parametrize(
    "model",
    [
        torch.no_grad()(network()),
        torch.inference_mode()(lambda z: z.sum(1)),
        lambda z: z.detach().sum(1),
        lambda z: torch.ones(len(z)).double(),
        Blind(),
        Blind().forward,
    ],
)
def test_models_without_gradients_in_the_examples_are_named(model):
    text = (
        "the model's output must depend on x in a way that autograd can follow, and it does "
        "not: run the model without torch.no_grad, torch.inference_mode, detach and numpy"
    )
    for attack in ATTACKS.values():
        with says(ValueError, text):
            attack(model, X, Y, BALL)


@each_attack
def test_a_model_s_nan_is_not_blamed_on_the_weights_of_a_set(attack):
    with pytest.raises(ValueError, match=r"^a model must give numbers, got 6 NaN among 6 outputs"):
        attack(lambda z: z.sum(1) * math.nan, X, Y, BALL)
    text = (
        "the gradient in x must be finite, got NaN or infinite entries for 2 of 6 examples: "
        "look for overflow, 0 / 0 or the square root of 0 in the model"
    )
    two = torch.zeros(6, 1, dtype=torch.float64)
    two[1:3] = 1
    for ball in (BALL, NormBall(math.inf, 0.3), NormBall(math.inf, 0.3).in_box(-9, 9)):
        with says(ValueError, text):
            attack(lambda z: (z - two * z.detach()).square().sum(1).sqrt(), X, Y, ball)


@pytest.mark.parametrize("model", [network(), nn.Unflatten(1, (2, 2)), nn.Conv2d(1, 1, 2).double()])
def test_an_error_of_the_model_itself_says_how_it_was_called(model):
    x = X.float() if isinstance(model, nn.Sequential) else X
    note = f"This came from the model, called with x of shape (6, 5) in {x.dtype}."
    for attack in ATTACKS.values():
        with pytest.raises(RuntimeError) as raised:
            attack(lambda z: model(z), x, Y, BALL)
        assert raised.value.__notes__ == [note]


X, Y = random_problem(17)[1:]
BALL = NormBall(2, 0.3)
ANY = [linear_maximiser, *ATTACKS.values()]


@pytest.mark.parametrize(
    ("x", "y", "error", "text"),
    [
        (X[:0], Y[:0], ValueError, "^x must hold at least one example"),
        ((255 * X).to(torch.uint8), Y, TypeError, "use .double\\(\\), and / 255 for pixels"),
        (X.index_fill(0, torch.tensor(0), math.nan), Y, ValueError, "^x must be finite, got 5 NaN"),
        (X[0], Y[:1], ValueError, "^x must have shape \\(n, d\\), got \\(5,\\): use x.reshape"),
        (X.tolist(), Y, TypeError, "^x must be a torch tensor, got list"),
        (
            X,
            (Y + 1) / 2,
            ValueError,
            "^labels must be -1 or \\+1, got 0 and 1: use 2 \\* y.long\\(\\) - 1$",
        ),
        (
            X,
            Y[:-1],
            ValueError,
            "^y must have shape \\(6,\\), one label for each example, got \\(5,",
        ),
        (X, Y.tolist(), TypeError, "^y must be a torch tensor, got list"),
    ],
)
def test_bad_examples_and_labels_are_refused(x, y, error, text):
    model = nn.Linear(5, 1).double()
    for attack, ball in itertools.product(ANY, [BALL, BALL.in_box()]):
        with pytest.raises(error, match=text):
            attack(model, x, y, ball)


@pytest.mark.parametrize("attack", ANY)
def test_pixels_outside_the_box_are_refused(attack):
    with pytest.raises(
        ValueError, match=r"^x must lie in \[0, 1\], got values .* divide pixels by"
    ):
        attack(nn.Linear(5, 1).double(), 255 * X, Y, BALL.in_box())


@each_attack
def test_examples_of_another_precision_than_the_model_s_are_refused(attack):
    text = (
        "x must have the model's dtype, got torch.float32 with 0.weight in torch.float64: "
        "use model.double() or x.float()"
    )
    with says(TypeError, text):
        attack(network(), X.float(), Y, BALL)
    with pytest.raises(
        TypeError, match=r"^x must have the model's dtype, got torch.float64 with 0.w"
    ):
        attack(network(dtype=torch.float32), X, Y, BALL)
    classifier = LinearClassifier(torch.ones(5, dtype=torch.float64), 0.0)
    with pytest.raises(TypeError, match=r"^x must have the weights' dtype, got torch.float32"):
        attack(classifier, X.float(), Y, BALL)


def test_a_network_has_no_exact_maximiser():
    with pytest.raises(
        TypeError, match=r"^a linear classifier is an nn.Linear\(d, 1\), got Sequent"
    ):
        linear_maximiser(network(), X, Y, BALL)


@each_attack
def test_class_numbers_for_scores_and_labels_for_logits_are_refused(attack):
    with pytest.raises(ValueError, match=r"^labels must be -1 or \+1, got 0 and 1 and 2: keep two"):
        attack(network(), X, torch.arange(6) % 3, BALL)
    with pytest.raises(
        ValueError, match=r"^y must hold class numbers from 0 to 2 for 3 logits, got -1: "
    ):
        attack(network(k=3), X, Y, BALL)


@pytest.mark.parametrize("p", [1.5, 3])
def test_pgd_refuses_norms_that_it_has_no_step_for(p):
    text = f"pgd steps in the norms p = 1, 2 and inf, got p = {p:g}: use fgsm"
    with says(ValueError, text):
        pgd(network(), X, Y, NormBall(p, 0.3), step_size=0.1, n_steps=1)


@pytest.mark.parametrize("step_size", [0, -0.1, math.nan, math.inf])
def test_pgd_refuses_steps_of_no_length(step_size):
    with pytest.raises(ValueError, match=r"^step_size must be a finite number > 0, got"):
        pgd(network(), X, Y, BALL, step_size=step_size, n_steps=1)


@pytest.mark.parametrize("n_steps", [0, -1, 1.5])
def test_pgd_refuses_to_take_no_step(n_steps):
    with pytest.raises(ValueError, match=r"^n_steps must be a whole number >= 1, got"):
        pgd(network(), X, Y, BALL, step_size=0.1, n_steps=n_steps)


def test_pgd_refuses_a_seed_for_a_generator():
    with pytest.raises(TypeError, match=r"^generator must be a torch.Generator, got int"):
        pgd(network(), X, Y, BALL, step_size=0.1, n_steps=1, generator=0)
