"""Projections against the variational inequality, grids and a general solver."""

import math

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from scipy.optimize import minimize

from lectures_code.perturbations import BoxedNormBall, NormBall
from tests.course.perturbations.cases import (
    BASIC_EXPONENTS,
    ROUNDING,
    cases,
    each_basic,
    excess,
    grid,
    images,
    is_inside,
    normal,
    seeded,
    vector,
)
from tests.oracles import INF, interval, norm


def nearest_by_slsqp(v, ball, x):
    """The projection by a general solver; entries as up - down where the norm is not smooth."""
    v, d, p, r = v.numpy(), len(v), ball.p, ball.radius
    low, high = interval(ball, x)
    start = 0.1 * np.clip(v, low, high)
    if p == 1:
        solved = minimize(
            lambda z: ((z[:d] - z[d:] - v) ** 2).sum(),
            np.concatenate([np.maximum(start, 0), np.maximum(-start, 0)]),
            bounds=[(0, each) for each in high] + [(0, -each) for each in low],
            constraints={"type": "ineq", "fun": lambda z: r - z.sum()},
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 500},
        )
        return solved.x[:d] - solved.x[d:]
    constraints = {"type": "ineq", "fun": lambda z: r**p - (np.abs(z) ** p).sum()}
    return minimize(
        lambda z: ((z - v) ** 2).sum(),
        start,
        bounds=list(zip(low, high, strict=True)),
        constraints=() if p == INF else constraints,
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    ).x


@settings(max_examples=300)
@given(cases(BASIC_EXPONENTS))
@example((NormBall(1, 1e-6).in_box(), vector(1e6, 1.0), vector(1 - 1e-7, 0.0)))
@example((NormBall(2, 0.5).in_box(), vector(1e160, 1.0, 1.0), vector(1.0, 0.0, 0.0)))
def test_projections_lie_in_the_set_and_satisfy_the_variational_inequality(case):
    ball, v, x = case
    nearest = ball.project(v, x)
    assert is_inside(nearest, ball, x)
    assert ball.contains(nearest, x)
    step = v - nearest
    # An error in P(v), times v - P(v), and the other way round.
    reach = v.abs().max().item()
    tolerance = ROUNDING * reach * min(reach, ball.radius)
    if ball.p == 1 and isinstance(ball, BoxedNormBall):
        # The threshold is next to entries of v: it is good to 1e-16 of the largest.
        tolerance += 1e-15 * reach**2
    assert excess(step, nearest, ball, x) <= tolerance


@each_basic
def test_the_variational_inequality_holds_for_many_points_of_the_set(ball):
    v, x = normal(20, 3), images(20, 3)
    nearest = ball.project(v, x)
    for i in range(20):
        points, _ = grid(ball, x[i], steps=15)
        products = (points - nearest[i].numpy()) @ (v[i] - nearest[i]).numpy()
        assert products.max() <= 1e-11  # the grid's points are in the set up to 1e-12


@each_basic
@pytest.mark.parametrize("d", [1, 2, 3])
def test_no_point_of_a_fine_grid_is_nearer_than_the_projection(ball, d):
    for seed in range(3):
        v, x = normal(d, seed=seed), images(d, seed=seed)
        points, h = grid(ball, x)
        distances = np.linalg.norm(points - v.numpy(), axis=-1)
        distance = (ball.project(v, x) - v).norm().item()
        # As for the support: a point of the grid within h of the projection in each entry.
        assert distances.min() - h * math.sqrt(d) <= distance <= distances.min() + 1e-11


@each_basic
@pytest.mark.parametrize("seed", range(3))
def test_projection_agrees_with_a_general_solver(ball, seed):
    v, x = normal(4, seed=seed), images(4, seed=seed)
    # SLSQP stops when the squared distance stands still to 1e-14, so at points good to about 1e-6;
    # a tenfold reserve for its differences.
    reached = nearest_by_slsqp(v, ball, x)
    np.testing.assert_allclose(ball.project(v, x).numpy(), reached, rtol=0, atol=1e-5)


@settings(max_examples=150)
@given(cases(BASIC_EXPONENTS))
def test_projecting_twice_is_projecting_once(case):
    ball, v, x = case
    once = ball.project(v, x)
    # The second time may correct what rounding left outside, by as much.
    torch.testing.assert_close(ball.project(once, x), once, rtol=0, atol=ROUNDING * ball.radius)


@each_basic
def test_points_of_the_set_come_back_unchanged_to_the_last_bit_also_beside_others(ball):
    x = images(200, 4)
    inside = 0.99 * ball.sample(x, generator=seeded())
    mixed = inside.clone()
    mixed[::2] = 3 * normal(100, 4)
    assert torch.equal(ball.project(inside, x), inside)
    assert torch.equal(ball.project(mixed, x)[1::2], inside[1::2])
    assert not torch.equal(ball.project(mixed, x)[::2], mixed[::2])
    assert ball.project(inside, x) is not inside


def test_projection_onto_the_l1_ball_is_not_a_rescaling():
    # Thresholds: 3 - 2.6 = 0.4, everything else is below it.
    assert NormBall(1, 0.4).project(vector(3.0, -2.0, 0.0)).tolist() == pytest.approx([0.4, 0, 0])
    assert NormBall(1, 2).project(vector(2.0, -1.5, 0.25)).tolist() == pytest.approx(
        [1.25, -0.75, 0]
    )


@settings(max_examples=100)
@given(cases([2, INF]))
def test_projection_leaves_directions_alone_for_p_2_and_is_a_clip_for_p_inf(case):
    ball, v, x = case
    low, high = (torch.as_tensor(each) for each in interval(ball, x))
    nearest = ball.project(v, x)
    if ball.p == INF:
        assert torch.equal(nearest, v.clamp(low, high))
    elif not isinstance(ball, BoxedNormBall):
        length = float(norm(v, 2))
        expected = v * min(1, ball.radius / length) if length else v
        # atol: subnormal numbers have fewer digits.
        torch.testing.assert_close(nearest, expected, rtol=1e-13, atol=1e-307)
    else:
        assert ((nearest * v >= 0) & (nearest.abs() <= v.abs())).all()
