"""The lecture's experiments: the sets as described, the seeds as trained one by one."""

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from lectures_code.attacks import linear_maximiser
from lectures_code.exact import solve
from lectures_code.experiments import follow_sgd, train_from_seeds, two_feature_set
from lectures_code.logistic import LinearClassifier, psi_prime
from lectures_code.mnist import Digits
from lectures_code.perturbations import NormBall
from lectures_code.proximal import proximal_step
from lectures_code.risk import robust_error
from lectures_code.training import as_module, gradient_step, initial_classifier, train
from tests.oracles import INF, says, seeded

# Some dozens of steps, each with the rounding of a sum: what equal iterates may differ by.
ITERATES = 1e-10
# Rounding of a logarithm and its exponential.
ROUNDING = 1e-12


def small_data(n=40, d=9):
    """Two overlapping classes in the box, with a pixel that is 0 in all images."""
    y = torch.tensor([-1.0, 1.0], dtype=torch.float64).repeat(n // 2)
    noise = torch.randn(n, d, generator=seeded(0), dtype=torch.float64)
    x = (0.5 + 0.1 * y[:, None] + 0.3 * noise).clamp(0, 1)
    x[:, 0] = 0
    return Digits(x, y, x[:2], y[:2], (0, 1), source="sample", origin="random numbers")


def test_two_features_have_the_shape_and_labels_that_are_said():
    x, y = two_feature_set(6, generator=seeded(0))
    assert x.shape == (6, 2) and x.dtype == y.dtype == torch.float64
    assert y.tolist() == [-1, 1, -1, 1, -1, 1]


def test_two_features_have_the_means_and_spreads_that_are_said():
    n = 40_000
    x, y = two_feature_set(n, generator=seeded(1))
    spread = torch.tensor([0.75, 0.1875], dtype=torch.float64)
    means = torch.tensor([1.0, 0.25], dtype=torch.float64)
    for label in (-1, 1):
        mine = x[y == label]
        # Five standard errors: of a mean, spread / sqrt(n / 2); of a spread, spread / sqrt(n).
        assert ((mine.mean(dim=0) - label * means).abs() < 5 * spread / (n / 2) ** 0.5).all()
        assert ((mine.std(dim=0) - spread).abs() < 5 * spread / n**0.5).all()
    noise = (x - y[:, None] * means) / spread
    assert abs(float(noise.prod(dim=1).mean())) < 5 / n**0.5, "independent of each other"


def test_a_quarter_takes_the_second_feature_s_information_away_and_not_the_first_s():
    x, y = two_feature_set(2000, generator=seeded(2))
    ball = NormBall(INF, 0.25)
    rates = []
    for theta in torch.eye(2, dtype=torch.float64):
        model = LinearClassifier(theta, 0.0)
        rates.append(
            (
                robust_error(model, x, y, ball.with_radius(0)).rate,
                robust_error(model, x, y, ball).rate,
            )
        )
    # Normal tails: P(z > 4/3) = 0.091, for both; P(z > 1) = 0.159, and P(z > 0) = 0.5.
    # Five standard errors of a rate are at most 5 / sqrt(4 n) = 0.056.
    assert rates[0] == pytest.approx((0.091, 0.159), abs=0.056)
    assert rates[1] == pytest.approx((0.091, 0.5), abs=0.056)


@pytest.mark.parametrize("seed", range(10))
def test_two_features_overlap_and_a_minimiser_exists_without_an_attack(seed):
    x, y = two_feature_set(400, generator=seeded(seed))
    # An independent oracle: no direction and intercept leave every example on its own side.
    signed = y[:, None] * torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], dim=1)
    separating = linprog(
        np.zeros(3), A_ub=-signed.numpy(), b_ub=-np.ones(len(x)), bounds=[(None, None)] * 3
    )
    assert separating.status == 2, "infeasible: the classes cannot be separated"
    assert solve(x, y, NormBall(INF, 0.0)).status == "optimal"


def test_two_features_are_reproduced_by_their_generator_alone():
    state = torch.get_rng_state()
    first, second = (two_feature_set(8, generator=seeded(3))[0] for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, two_feature_set(8, generator=seeded(4))[0])
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("n", [3, 101])
def test_an_odd_number_of_examples_is_refused(n):
    with says(ValueError, f"n must be even, half for each class, got {n}: use {n + 1}"):
        two_feature_set(n, generator=seeded(0))


@pytest.mark.parametrize("n", [0, 1, -2, 4.0, True])
def test_less_than_one_example_of_each_class_is_refused(n):
    with says(ValueError, f"n must be a whole number >= 2, got {n!r}"):
        two_feature_set(n, generator=seeded(0))


@pytest.mark.parametrize("ball", [NormBall(INF, 0), NormBall(INF, 0.1), NormBall(2, 0.3)], ids=str)
@pytest.mark.parametrize("proximal", [False, True])
def test_many_seeds_together_are_the_lecture_s_training_seed_by_seed(ball, proximal):
    data, seeds = small_data(), [0, 7, 3]
    recipe = {"step_size": 0.5, "batch_size": 7, "n_epochs": 3}
    found = train_from_seeds(data, seeds, ball, **recipe, proximal=proximal)
    recipe["step"] = proximal_step(ball) if proximal else gradient_step
    for seed, classifier in zip(seeds, found, strict=True):
        generator = seeded(seed)  # draws the start, then the order of the examples
        start = initial_classifier(9, generator=generator)
        recipe |= {"maximiser": lambda *args: linear_maximiser(*args, ball), "generator": generator}
        model, _ = train(as_module(start), data.x_train, data.y_train, **recipe)
        expected = LinearClassifier.of(model)
        torch.testing.assert_close(classifier.theta, expected.theta, rtol=0, atol=ITERATES)
        torch.testing.assert_close(classifier.intercept, expected.intercept, rtol=0, atol=ITERATES)


def test_a_seed_s_model_does_not_depend_on_the_other_seeds():
    data = small_data()
    (alone,) = train_from_seeds(data, [5], NormBall(INF, 0.1), batch_size=10)
    among = train_from_seeds(data, range(12), NormBall(INF, 0.1), batch_size=10)[5]
    torch.testing.assert_close(among.theta, alone.theta, rtol=0, atol=ITERATES)


def test_the_defaults_are_the_lecture_s_recipe():
    data, ball = small_data(n=300), NormBall(INF, 0.1)
    (found,) = train_from_seeds(data, [0], ball)
    (said,) = train_from_seeds(data, [0], ball, step_size=1.0, batch_size=100, n_epochs=10)
    assert torch.equal(found.theta, said.theta)


def test_bad_arguments_are_refused():
    data, ball = small_data(), NormBall(INF, 0.1)
    text = "train_together needs a ball without the box: use train for the boxed one"
    with says(ValueError, text):
        train_from_seeds(data, [0], ball.in_box())
    with says(ValueError, "step_size must be a finite number > 0, got 0: pass a positive one"):
        train_from_seeds(data, [0], ball, step_size=0)
    with says(ValueError, "n_epochs must be a whole number >= 1, got 0"):
        train_from_seeds(data, [0], ball, n_epochs=0)
    text = "train_together needs a generator for each start, got 0 starts and 0 generators"
    with says(ValueError, text):
        train_from_seeds(data, [], ball)


START = initial_classifier(9, generator=seeded(3))


def flat(classifier):
    return torch.cat([classifier.theta, classifier.intercept[None]])


@pytest.mark.parametrize("proximal", [False, True])
def test_a_constant_step_gives_the_iterates_of_training(proximal):
    data, ball = small_data(), NormBall(INF, 0.1)
    x, y = data.x_train, data.y_train
    recipe = {"batch_size": 7, "n_epochs": 3}
    found = follow_sgd(
        *(START, x, y, ball),
        **{"step_size": lambda epoch: 0.5, "generator": seeded(1), "proximal": proximal} | recipe,
    )
    recipe["step"] = proximal_step(ball) if proximal else gradient_step
    recipe |= {"maximiser": lambda *args: linear_maximiser(*args, ball), "generator": seeded(1)}
    model, _ = train(as_module(START), x, y, step_size=0.5, **recipe)
    assert len(found.last) == len(found.averaged) == 3
    torch.testing.assert_close(
        flat(found.last[-1]), flat(LinearClassifier.of(model)), rtol=0, atol=ITERATES
    )


def test_each_epoch_has_its_own_step():
    data, ball, steps = small_data(), NormBall(INF, 0.1), [0.5, 0.25, 0.125]
    x, y = data.x_train, data.y_train
    found = follow_sgd(START, x, y, ball, step_size=steps.__getitem__, n_epochs=3,
                       batch_size=40, generator=seeded(1))  # fmt: skip
    model = START
    for step, expected in zip(steps, found.last, strict=True):  # one batch: no random order
        a = -psi_prime(model.margins(x, y) - ball.support(model.theta)) / len(y)
        slope = a.sum() * ball.maximiser(model.theta) - (a * y) @ x
        model = LinearClassifier(model.theta - step * slope, model.intercept + step * (a @ y))
        torch.testing.assert_close(flat(expected), flat(model), rtol=0, atol=ITERATES)


def test_the_average_is_that_of_all_iterates_of_the_later_half():
    data = small_data()
    x, y = data.x_train, data.y_train
    how = {"step_size": lambda epoch: 0.5, "n_epochs": 4, "generator": seeded(1)}
    found = follow_sgd(START, x, y, NormBall(INF, 0.1), batch_size=40, **how)  # one step an epoch
    for k, averaged in enumerate(found.averaged):
        expected = torch.stack([flat(model) for model in found.last[k // 2 : k + 1]]).mean(dim=0)
        torch.testing.assert_close(flat(averaged), expected, rtol=0, atol=ITERATES)
    # With two steps an epoch, an epoch's mean is that of its two iterates.
    how["generator"] = seeded(1)
    found = follow_sgd(START, x, y, NormBall(INF, 0.1), batch_size=20, **how | {"n_epochs": 1})
    order = torch.randperm(40, generator=seeded(1))[:20]
    first = follow_sgd(START, x[order], y[order], NormBall(INF, 0.1), batch_size=20,
                       step_size=lambda epoch: 0.5, n_epochs=1, generator=seeded(0))  # fmt: skip
    expected = (flat(first.last[0]) + flat(found.last[0])) / 2
    torch.testing.assert_close(flat(found.averaged[0]), expected, rtol=0, atol=ITERATES)


def test_following_refuses_bad_arguments():
    data = small_data()
    how = {"n_epochs": 1, "generator": seeded(0)}
    ball = NormBall(INF, 0.1)
    with says(ValueError, "step_size must be a finite number > 0, got 0.0: pass a positive one"):
        follow_sgd(START, data.x_train, data.y_train, ball, step_size=lambda epoch: 0.0, **how)
    how["n_epochs"] = 0
    with says(ValueError, "n_epochs must be a whole number >= 1, got 0"):
        follow_sgd(START, data.x_train, data.y_train, ball, step_size=lambda epoch: 1.0, **how)
