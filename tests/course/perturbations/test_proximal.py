"""The proximal point of what an adversary takes, against its definition and another solver."""

import numpy as np
import pytest
import torch

from lectures_code.perturbations import NormBall
from tests.oracles import INF, ROUNDING, interval, norm, says, seeded, vector

FREE = [NormBall(p, r) for p, r in ((INF, 0.2), (2, 0.5), (1, 0.7))]
BOXED = [NormBall(INF, 0.2).in_box(), NormBall(INF, 0.9).in_box(), NormBall(INF, 0.3).in_box(-1, 2)]
each_free = pytest.mark.parametrize("ball", FREE, ids=str)
each_ball = pytest.mark.parametrize("ball", [*FREE, *BOXED], ids=str)


def problem(seed, *, n=6, d=5):
    draw = seeded(seed)
    theta = torch.randn(d, generator=draw, dtype=torch.float64)
    x = (1.5 * torch.rand(n, d, generator=draw, dtype=torch.float64) - 0.25).clamp(0, 1)
    y = 2.0 * torch.randint(2, (n,), generator=draw).double() - 1
    return theta, x, y, 0.8 * torch.rand(n, generator=draw, dtype=torch.float64)


def cost(w, theta, x, y, alpha, ball):
    """What is to be least, by the tested definition of what is taken."""
    taken = (alpha * ball.margin_taken(w, x, y)).sum()
    return float(taken + ((w - theta) ** 2).sum() / 2)


@each_ball
@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_minimiser_that_cvxpy_finds(ball, seed):
    import cvxpy as cp  # slow to import, and needed here alone

    theta, x, y, alpha = problem(seed)
    w, taken = cp.Variable(5), 0
    for at, label, weight in zip(x, y.tolist(), alpha.tolist(), strict=True):
        if ball in FREE:
            taken += weight * ball.radius * cp.pnorm(w, ball.dual_p)
        else:  # as it is defined: each pixel at the worse end of its interval
            ends = [cp.multiply(-label * end, w) for end in interval(ball, at)]
            taken += weight * cp.sum(cp.maximum(*ends))
    objective = cp.Minimize(taken + cp.sum_squares(w - theta.numpy()) / 2)
    least = cp.Problem(objective).solve(solver="CLARABEL")
    found = ball.proximal_point(theta, x, y, alpha)
    # Clarabel's relative gap is 1e-8; the cost grows by half the squared distance from its minimum.
    assert cost(found, theta, x, y, alpha, ball) == pytest.approx(least, abs=1e-7)
    np.testing.assert_allclose(found.numpy(), w.value, rtol=0, atol=5e-4)


@each_ball
@pytest.mark.parametrize("seed", range(20))
def test_no_point_nearby_costs_less_by_more_than_its_distance_allows(ball, seed):
    """The cost is 1-strongly convex: away from its minimum it is larger by half the square."""
    theta, x, y, alpha = problem(seed)
    found = ball.proximal_point(theta, x, y, alpha)
    least = cost(found, theta, x, y, alpha, ball)
    for size in (1e-3, 0.1, 1.0):
        away = size * torch.randn(5, generator=seeded(seed), dtype=torch.float64)
        more = cost(found + away, theta, x, y, alpha, ball) - least
        assert more >= float((away**2).sum()) / 2 - 10 * ROUNDING


def test_for_the_largest_entry_it_is_a_soft_threshold_with_exact_zeros():
    theta, alpha = vector(0.5, -0.5, 0.3, -0.25, 0.2, 0.0), vector(0.5, 0.75)
    x, y = torch.rand(2, 6, generator=seeded()).double(), vector(1, -1)
    found = NormBall(INF, 0.2).proximal_point(theta, x, y, alpha)  # 0.2 * 1.25 = 0.25
    assert found[2:].tolist() == [theta[2] - 0.25, 0, 0, 0]
    assert found[:2].tolist() == [0.25, -0.25]


def test_in_a_box_that_does_not_bind_it_is_that_of_the_free_ball():
    (theta, x, y, alpha), ball = problem(0), NormBall(INF, 0.2)
    wide = ball.in_box(-10, 10)
    expected = ball.proximal_point(theta, x, y, alpha)
    assert (expected == 0).any() and (expected != 0).any()
    torch.testing.assert_close(
        wide.proximal_point(theta, x, y, alpha), expected, rtol=0, atol=ROUNDING
    )


def test_in_the_box_a_black_pixel_costs_one_sign_only():
    """No example's pixel can get darker: of ones it costs positive weights nothing."""
    ball, x, one = NormBall(INF, 0.5).in_box(), torch.zeros(1, 2).double(), vector(1.0)
    found = ball.proximal_point(vector(0.3, -0.7), x, one, one)
    assert found.tolist() == pytest.approx([0.3, -0.2], abs=ROUNDING)


@each_ball
def test_without_weights_or_radius_it_is_the_point_itself(ball):
    theta, x, y, alpha = problem(0)
    assert torch.equal(ball.proximal_point(theta, x, y, 0 * alpha), theta)
    assert torch.equal(ball.with_radius(0).proximal_point(theta, x, y, alpha), theta)


@each_free
def test_within_the_projected_ball_everything_is_taken(ball):
    theta, x, y, alpha = problem(1)
    total = ball.radius * float(alpha.sum())
    inside = theta * (0.99 * total / float(norm(theta, ball.p)))
    assert (ball.proximal_point(inside, x, y, alpha) == 0).all()


def test_other_norms_and_bad_weights_are_refused():
    theta, x, y, alpha = problem(0)
    with says(
        ValueError, "p must be 1, 2 or inf to project onto the ball, got 3: use one of these"
    ):
        NormBall(3, 0.1).proximal_point(theta, x, y, alpha)
    text = "a proximal point in the box needs p = inf, got p = 2: leave the box out"
    with says(ValueError, text):
        NormBall(2, 0.1).in_box().proximal_point(theta, x, y, alpha)
    for ball in (NormBall(INF, 0.1), NormBall(INF, 0.1).in_box()):
        for wrong, seen in ((alpha[:5], "(5,) and least 0"), (-alpha, "(6,) and least -0")):
            text = "^alpha must hold 6 numbers >= 0, one for each example, got shape "
            with pytest.raises(
                ValueError, match=text + seen.replace("(", r"\(").replace(")", r"\)")
            ):
                ball.proximal_point(theta, x, y, wrong)
