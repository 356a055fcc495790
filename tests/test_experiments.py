"""The lecture's experiments: the sets as described, the seeds as trained one by one."""

import pytest
import torch
from oracles import INF, says

from lectures_code.attacks import linear_maximiser
from lectures_code.experiments import train_from_seeds, two_feature_set
from lectures_code.logistic import LinearClassifier
from lectures_code.mnist import ZeroOne
from lectures_code.perturbations import NormBall
from lectures_code.risk import robust_error
from lectures_code.training import as_module, initial_classifier, train

# Some dozens of steps, each with the rounding of a sum: what equal iterates may differ by.
ITERATES = 1e-10


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def small_data(n=40, d=9):
    """Two overlapping classes in the box, with a pixel that is 0 in all images."""
    y = torch.tensor([-1.0, 1.0], dtype=torch.float64).repeat(n // 2)
    noise = torch.randn(n, d, generator=seeded(0), dtype=torch.float64)
    x = (0.5 + 0.1 * y[:, None] + 0.3 * noise).clamp(0, 1)
    x[:, 0] = 0
    return ZeroOne(x, y, x[:2], y[:2], source="sample", origin="random numbers")


# ---------------------------------------------------------------- two features


def test_two_features_have_the_shape_and_labels_that_are_said():
    x, y = two_feature_set(6, generator=seeded(0))
    assert x.shape == (6, 2) and x.dtype == y.dtype == torch.float64
    assert y.tolist() == [-1, 1, -1, 1, -1, 1]


def test_two_features_have_the_means_and_spreads_that_are_said():
    n = 40_000
    x, y = two_feature_set(n, generator=seeded(1))
    spread = torch.tensor([0.5, 0.0625], dtype=torch.float64)
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
    # Normal tails: P(z > 2) = 0.023, P(z > 1.5) = 0.067; P(z > 4) = 3e-5, P(z > 0) = 0.5.
    assert rates[0] == pytest.approx((0.023, 0.067), abs=0.03)
    assert rates[1] == pytest.approx((0.0, 0.5), abs=0.06)


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


# ---------------------------------------------------------------- many seeds


@pytest.mark.parametrize("radius", [0, 0.1])
def test_many_seeds_together_are_the_lecture_s_training_seed_by_seed(radius):
    data, seeds = small_data(), [0, 7, 3]
    recipe = {"step_size": 0.5, "batch_size": 7, "n_epochs": 3}
    found = train_from_seeds(data, seeds, radius=radius, **recipe)
    ball = NormBall(INF, radius)
    for seed, classifier in zip(seeds, found, strict=True):
        generator = seeded(seed)  # draws the start, then the order of the examples
        start = initial_classifier(9, generator=generator)
        model, _ = train(
            as_module(start),
            data.x_train,
            data.y_train,
            maximiser=lambda *args: linear_maximiser(*args, ball),
            **recipe,
            generator=generator,
        )
        expected = LinearClassifier.of(model)
        torch.testing.assert_close(classifier.theta, expected.theta, rtol=0, atol=ITERATES)
        torch.testing.assert_close(classifier.intercept, expected.intercept, rtol=0, atol=ITERATES)


def test_a_seed_s_model_does_not_depend_on_the_other_seeds():
    data = small_data()
    (alone,) = train_from_seeds(data, [5], radius=0.1, batch_size=10)
    among = train_from_seeds(data, range(12), radius=0.1, batch_size=10)[5]
    torch.testing.assert_close(among.theta, alone.theta, rtol=0, atol=ITERATES)


def test_the_defaults_are_the_lecture_s_recipe():
    data = small_data(n=300)
    (found,) = train_from_seeds(data, [0], radius=0.1)
    (said,) = train_from_seeds(data, [0], radius=0.1, step_size=1.0, batch_size=100, n_epochs=10)
    assert torch.equal(found.theta, said.theta)


def test_bad_arguments_are_refused():
    data = small_data()
    text = "radius must be a finite number >= 0 in pixel units, got -0.1: use 0 for no attack"
    with says(ValueError, text):
        train_from_seeds(data, [0], radius=-0.1)
    with says(ValueError, "step_size must be a finite number > 0, got 0: pass a positive one"):
        train_from_seeds(data, [0], radius=0.1, step_size=0)
    with says(ValueError, "n_epochs must be a whole number >= 1, got 0"):
        train_from_seeds(data, [0], radius=0.1, n_epochs=0)
    text = "train_together needs a generator for each start, got 0 starts and 0 generators"
    with says(ValueError, text):
        train_from_seeds(data, [], radius=0.1)
