"""The attack that asks for scores alone."""

import pytest
import torch

from lectures_code.attacks import coordinate_search
from lectures_code.features import MonotoneClassifier, Threshold
from lectures_code.logistic import losses
from lectures_code.perturbations import BoxedNormBall, NormBall
from lectures_code.risk import worst_margins
from tests.course.attacks import models
from tests.oracles import BALLS, INF, ROUNDING, name, random_problem, says, seeded

each_cube = pytest.mark.parametrize("ball", [ball for ball in BALLS if ball.p == INF], ids=name)


@each_cube
def test_it_finds_the_worst_margin_of_what_is_linear_in_pixels_or_in_thresholds(ball):
    linear, x, y = random_problem(1, n=30)
    for model in (linear, MonotoneClassifier(Threshold(0.5), linear)):
        delta = coordinate_search(model, x, y, ball, generator=seeded())
        found = model.margins(ball.perturbed(x, delta), y)
        torch.testing.assert_close(found, worst_margins(model, x, y, ball), atol=ROUNDING, rtol=0)


@each_cube
@pytest.mark.parametrize("k", [1, 3])
def test_of_a_network_it_visits_corners_and_no_pixel_alone_does_more(ball, k):
    """The last pixel that is tried cannot be moved for the worse, whatever came before."""
    model, (_, x, y) = models.network(3, k=k), random_problem(2, n=20)
    y = torch.arange(len(x)) % 3 if k == 3 else y
    last = int(torch.randperm(x.shape[1], generator=seeded(4))[-1])
    delta = coordinate_search(model, x, y, ball, generator=seeded(4))
    assert ball.contains(delta, x).all()
    low, high = (ball.maximiser(sign * torch.ones_like(x), x) for sign in (-1, 1))
    assert ((delta == 0) | (delta == low) | (delta == high)).all()
    with torch.no_grad():
        found = losses(model(x + delta), y)
        assert (found >= losses(model(x), y)).all()
        for end in (low, high):
            other = delta.clone()
            other[:, last] = end[:, last]
            assert (losses(model(x + other), y) <= found + ROUNDING).all()


def test_only_as_many_pixels_move_as_are_asked_for():
    linear, x, y = random_problem(3, n=10)
    for n_pixels in (1, 2, 5, 9):
        delta = coordinate_search(
            linear, x, y, NormBall(INF, 0.1), generator=seeded(), n_pixels=n_pixels
        )
        order = torch.randperm(x.shape[1], generator=seeded())[:n_pixels]
        expected = linear.theta[order].count_nonzero()
        assert (delta != 0).any(dim=0).sum() == expected


def test_it_follows_a_model_that_autograd_cannot_follow():
    linear, x, y = random_problem(4, n=10)
    ball = NormBall(INF, 0.3)

    def numbers(z):
        return torch.from_numpy(z.numpy() @ linear.theta.numpy() + float(linear.intercept))

    torch.testing.assert_close(
        coordinate_search(numbers, x, y, ball, generator=seeded()),
        coordinate_search(linear, x, y, ball, generator=seeded()),
    )


def test_other_norms_are_refused():
    linear, x, y = random_problem(5)
    for ball in (NormBall(2, 0.1), BoxedNormBall(1, 0.1)):
        text = (
            f"p must be inf to move each pixel by itself, got {ball.p:g}: use pgd for other norms"
        )
        with says(ValueError, text):
            coordinate_search(linear, x, y, ball, generator=seeded())
