"""The certificate: no classifier is below the bound, and what is no dual point is refused."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lectures_code.exact import dual, lower_bound, quadratic, solve
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import adversarial_risk, worst_margins
from tests.course.exact.problems import RADII, ROUNDING, each_p, overlapping
from tests.oracles import INF


@each_p
@pytest.mark.parametrize("seed", range(4))
def test_the_adversary_moves_the_weighted_class_means_onto_each_other(p, seed):
    x, y = overlapping(seed)
    ball = NormBall(p, RADII[p])
    optimum = solve(x, y, ball, tol=1e-12)
    theta, alpha = optimum.classifier.theta, optimum.alpha
    assert (alpha * y).sum() == 0
    # Stationarity: the direction between the means is, up to the sign, the worst perturbation.
    direction = (alpha * y) @ x / alpha.sum()
    near = 1e-5 * ball.radius  # first-order conditions hold to the square root of the gap
    assert float(torch.linalg.vector_norm(direction, p)) == pytest.approx(ball.radius, rel=1e-5)
    assert float(direction @ theta) == pytest.approx(float(ball.support(theta)), rel=1e-5)
    if p == INF:
        assert torch.allclose(direction[theta != 0], ball.maximiser(theta)[theta != 0], atol=near)
    elif p == 2:
        assert torch.allclose(direction, ball.maximiser(theta), atol=near)
    else:
        assert (direction[theta.abs() < theta.abs().max()].abs() <= near).all()
    # And alpha_i is the slope of the loss at the margin that the worst perturbation leaves.
    slopes = torch.sigmoid(-worst_margins(optimum.classifier, x, y, ball))
    assert torch.allclose(alpha, slopes, atol=1e-5)


@each_p
@given(seed=st.integers(0, 10**6))
@settings(max_examples=15)
def test_no_classifier_gets_below_the_bound_of_any_feasible_dual_point(p, seed):
    x, y = overlapping(seed, n=12, d=4)
    draw = torch.Generator().manual_seed(seed)
    if abs(y.sum()) == len(y):
        return
    # Multiples of 1/8, of equal sum in both classes: exact in floating point.
    alpha = torch.where(y > 0, (y < 0).sum(), (y > 0).sum()).double() / 16
    reach = torch.linalg.vector_norm((alpha * y) @ x, p) / alpha.sum()
    ball = NormBall(p, float(reach) * (1 + 1e-9))
    bound = lower_bound(x, y, ball, alpha)
    assert bound > 0
    for scale in (0.01, 0.1, 1.0, 10.0):
        weights = scale * torch.randn(5, generator=draw, dtype=torch.float64)
        assert adversarial_risk(LinearClassifier(weights[:4], weights[4]), x, y, ball) >= bound
    assert solve(x, y, ball).risk >= bound * (1 - ROUNDING)


@each_p
def test_the_dual_point_is_feasible_in_exact_arithmetic(p):
    x, y = overlapping(3, n=20, d=4)
    optimum = solve(x, y, NormBall(p, RADII[p]))
    assert optimum.status == "optimal"
    alpha = [Fraction(a) for a in optimum.alpha.tolist()]
    signs = [int(each) for each in y.tolist()]
    assert all(0 <= a <= 1 for a in alpha)
    assert sum(a * s for a, s in zip(alpha, signs, strict=True)) == 0
    moved = [
        sum(a * s * Fraction(v) for a, s, v in zip(alpha, signs, column, strict=True))
        for column in x.T.tolist()
    ]
    reach = Fraction(optimum.ball.radius) * sum(alpha)
    if p == INF:
        assert max(map(abs, moved)) <= reach
    elif p == 1:
        assert sum(map(abs, moved)) <= reach
    else:
        assert sum(each**2 for each in moved) <= reach**2


@pytest.mark.parametrize(
    ("alpha", "text"),
    [
        (torch.tensor([0.5, 0.5]), r"alpha must be a float64 tensor of shape \(2,\), got float32"),
        (torch.zeros(3).double(), r"alpha must be a float64 tensor of shape \(2,\), got float64"),
        ([0.5, 0.5], r"alpha must be a float64 tensor of shape \(2,\), got list"),
        (torch.tensor([1.5, 0.5]).double(), r"alpha must lie in \[0, 1\], got 0.5 to 1.5"),
        (torch.tensor([math.nan, 0.5]).double(), r"alpha must lie in \[0, 1\], got nan to nan"),
        (
            torch.tensor([0.5, 0.25]).double(),
            "alpha must weigh both classes exactly alike, got a difference of 0.25",
        ),
        (
            torch.tensor([0.5 + 2.0**-50, 0.5], dtype=torch.float64),
            "alpha must weigh both classes exactly alike, got a difference of",
        ),
        (
            torch.tensor([0.5, 0.5]).double(),
            r"alpha must be feasible at radius 0.1, got one that takes 0\.5",
        ),
    ],
)
def test_what_is_no_dual_point(alpha, text):
    x, y = torch.tensor([[0.0], [1.0]]).double(), torch.tensor([1.0, -1.0])
    with pytest.raises(ValueError, match=text):
        lower_bound(x, y, NormBall(INF, 0.1), alpha)
    assert lower_bound(x, y, NormBall(INF, 0.1), torch.zeros(2).double()) == 0
    # Means 1 apart can be moved onto each other from radius 1/2 on; then log 2 can't be beaten.
    half = torch.full((2,), 0.5).double()
    with pytest.raises(ValueError, match=r"alpha must be feasible at radius 0\.5"):
        lower_bound(x, y, NormBall(INF, 0.5), half)  # by no more than rounding errors
    proven = lower_bound(x, y, NormBall(INF, 0.5 + 1e-12), half)
    assert math.log(2) * (1 - 1e-14) < proven <= math.log(2)


@given(st.integers(0, 10**6), st.integers(-20, 0), st.integers(-20, 0))
@settings(max_examples=50)
def test_balanced_weights_balance_exactly_and_are_never_larger(seed, first, second):
    y = np.where(np.arange(30) % 3 == 0, 1.0, -1.0)
    alpha = np.random.default_rng(seed).random(30) * 10.0 ** np.where(y > 0, first, second)
    balanced = dual.balanced(alpha, y)
    assert math.fsum(balanced * y) == 0
    assert (balanced >= 0).all() and (balanced <= alpha * (1 + 1e-15)).all()
    if abs(first - second) <= 10:  # otherwise there may be nothing to keep
        assert balanced.any()


def test_a_matrix_that_no_small_ridge_makes_positive_is_an_error_and_no_endless_loop():
    with pytest.raises(np.linalg.LinAlgError):
        quadratic.cholesky(-100 * np.eye(2), np.ones(2))
    root, scale = quadratic.cholesky(np.ones((2, 2)), np.ones(2))
    assert np.allclose(scale * (root @ root.T) * scale[:, None], np.ones((2, 2)), atol=1e-13)
