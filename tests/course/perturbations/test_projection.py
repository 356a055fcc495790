"""Projection, membership and draws, against solvers, numpy and the law of a uniform draw."""

import math

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from scipy import stats
from scipy.optimize import minimize

from lectures_code.perturbations import BoxedNormBall, NormBall
from tests.course.perturbations import cases
from tests.oracles import INF, interval, norm, seeded, vector


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
@given(cases.cases(cases.BASIC_EXPONENTS))
@example((NormBall(1, 1e-6).in_box(), vector(1e6, 1.0), vector(1 - 1e-7, 0.0)))
@example((NormBall(2, 0.5).in_box(), vector(1e160, 1.0, 1.0), vector(1.0, 0.0, 0.0)))
def test_projections_lie_in_the_set_and_satisfy_the_variational_inequality(case):
    ball, v, x = case
    nearest = ball.project(v, x)
    assert cases.is_inside(nearest, ball, x)
    assert ball.contains(nearest, x)
    step = v - nearest
    # An error in P(v), times v - P(v), and the other way round.
    reach = v.abs().max().item()
    tolerance = cases.ROUNDING * reach * min(reach, ball.radius)
    if ball.p == 1 and isinstance(ball, BoxedNormBall):
        # The threshold is next to entries of v: it is good to 1e-16 of the largest.
        tolerance += 1e-15 * reach**2
    assert cases.excess(step, nearest, ball, x) <= tolerance


@cases.each_basic
def test_the_variational_inequality_holds_for_many_points_of_the_set(ball):
    v, x = cases.normal(20, 3), cases.images(20, 3)
    nearest = ball.project(v, x)
    for i in range(20):
        points, _ = cases.grid(ball, x[i], steps=15)
        products = (points - nearest[i].numpy()) @ (v[i] - nearest[i]).numpy()
        assert products.max() <= 1e-11  # the grid's points are in the set up to 1e-12


@cases.each_basic
@pytest.mark.parametrize("d", [1, 2, 3])
def test_no_point_of_a_fine_grid_is_nearer_than_the_projection(ball, d):
    for seed in range(3):
        v, x = cases.normal(d, seed=seed), cases.images(d, seed=seed)
        points, h = cases.grid(ball, x)
        distances = np.linalg.norm(points - v.numpy(), axis=-1)
        distance = (ball.project(v, x) - v).norm().item()
        # As for the support: a point of the grid within h of the projection in each entry.
        assert distances.min() - h * math.sqrt(d) <= distance <= distances.min() + 1e-11


@cases.each_basic
@pytest.mark.parametrize("seed", range(3))
def test_projection_agrees_with_a_general_solver(ball, seed):
    v, x = cases.normal(4, seed=seed), cases.images(4, seed=seed)
    # SLSQP stops when the squared distance stands still to 1e-14, so at points good to about 1e-6;
    # a tenfold reserve for its differences.
    reached = nearest_by_slsqp(v, ball, x)
    np.testing.assert_allclose(ball.project(v, x).numpy(), reached, rtol=0, atol=1e-5)


@settings(max_examples=150)
@given(cases.cases(cases.BASIC_EXPONENTS))
def test_projecting_twice_is_projecting_once(case):
    ball, v, x = case
    once = ball.project(v, x)
    # The second time may correct what rounding left outside, by as much.
    torch.testing.assert_close(
        ball.project(once, x), once, rtol=0, atol=cases.ROUNDING * ball.radius
    )


@cases.each_basic
def test_points_of_the_set_come_back_unchanged_to_the_last_bit_also_beside_others(ball):
    x = cases.images(200, 4)
    inside = 0.99 * ball.sample(x, generator=seeded())
    mixed = inside.clone()
    mixed[::2] = 3 * cases.normal(100, 4)
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
@given(cases.cases([2, INF]))
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


@cases.each_set
def test_radius_zero_leaves_only_zero(ball):
    point = ball.with_radius(0)
    w, x = cases.normal(4, 5), cases.images(4, 5)
    assert not point.support(w, x).any()
    found = [point.maximiser(w, x)]
    if ball in cases.BASIC:
        found += [point.project(w, x), point.sample(x, generator=seeded())]
    for delta in found:
        assert delta.shape == x.shape and not delta.any()
        assert point.contains(delta, x).all()
    assert not point.contains(torch.full_like(x, 1e-300), x).any()


@cases.each_boxed
def test_a_huge_radius_leaves_the_box_alone(ball):
    wide = ball.with_radius(1e9)
    w, x = cases.normal(4, 5), cases.images(4, 5)
    corner = torch.where(w > 0, 1 - x, -x)
    assert torch.equal(wide.maximiser(w, x), corner)
    assert torch.equal(wide.project(1e3 * w, x), (1e3 * w).clamp(-x, 1 - x))
    torch.testing.assert_close(wide.support(w, x), (w * corner).sum(-1))


@cases.each_boxed
def test_a_wide_box_leaves_the_ball_alone(ball):
    plain, wide = NormBall(ball.p, ball.radius), NormBall(ball.p, ball.radius).in_box(-1e3, 1e3)
    w, x = cases.normal(40, 5), cases.images(40, 5)
    torch.testing.assert_close(wide.maximiser(w, x), plain.maximiser(w))
    torch.testing.assert_close(wide.project(w, x), plain.project(w))
    torch.testing.assert_close(wide.support(w, x), plain.support(w))


@cases.each_set
def test_contains_counts_what_is_outside_the_ball_beyond_the_tolerance(ball):
    x = vector(0.5, 0.5)
    edge = vector(0.4, 0.0)  # on the sphere for every p
    assert ball.contains(edge, x)
    assert ball.contains(edge, x, tolerance=0)
    assert ball.contains(edge * (1 + 1e-9), x)
    assert not ball.contains(edge * (1 + 1e-7), x)
    assert not ball.contains(edge * (1 + 1e-9), x, tolerance=1e-10)
    assert ball.contains(edge * 1.09, x, tolerance=0.1)
    assert not ball.contains(edge * 1.11, x, tolerance=0.1)
    assert ball.contains(-edge.float() * (1 + 1e-4), x.float())
    assert not ball.contains(-edge.float() * (1 + 1e-3), x.float())


@cases.each_set
def test_contains_agrees_with_numpy_on_random_points(ball):
    delta, x = 0.3 * cases.normal(500, 3), cases.images(500, 3)
    expected = norm(delta, ball.p) <= 0.4
    if isinstance(ball, BoxedNormBall):
        moved = (x + delta).numpy()
        expected &= ((moved >= 0) & (moved <= 1)).all(-1)
    assert 0 < expected.sum() < 500
    assert ball.contains(delta, x, tolerance=0).tolist() == expected.tolist()


@cases.each_boxed
@pytest.mark.parametrize("sign", [-1, 1])
def test_contains_counts_what_leaves_the_box_beyond_the_tolerance(ball, sign):
    ball = BoxedNormBall(ball.p, 0.4, -1, 3)
    x = vector(1.0 + 1.875 * sign, 1.0)  # 0.125 from a face of a box of width 4
    assert ball.contains(sign * vector(0.125, 0.0), x, tolerance=0)
    assert ball.contains(sign * vector(0.125 + 3e-8, 0.0), x)
    assert not ball.contains(sign * vector(0.125 + 3e-7, 0.0), x)
    assert ball.contains(sign * vector(0.125 + 0.039, 0.0), x, tolerance=0.01)
    assert not ball.contains(sign * vector(0.125 + 0.041, 0.0), x, tolerance=0.01)


DRAWS = 4000
# The generators are seeded, so nothing here fails by chance. A right sampler had one chance in a
# thousand to be rejected when the seed was picked.
UNLIKELY = 1e-3


@pytest.mark.parametrize("p", cases.BASIC_EXPONENTS)
@pytest.mark.parametrize("d", [1, 2, 5])
def test_the_radius_of_a_draw_has_the_law_of_a_uniform_one(p, d):
    delta = NormBall(p, 0.4).sample(torch.zeros(DRAWS, d).double(), generator=seeded(d))
    # The part of the ball's volume within a radius is (radius / r)**d.
    volume = (norm(delta, p) / 0.4).astype(float) ** d
    assert stats.kstest(volume, "uniform").pvalue > UNLIKELY
    # Symmetric: a mean has standard deviation sd / sqrt(n), 4 of them are UNLIKELY / 10.
    assert (delta.mean(0).abs() <= 4 * delta.std(0) / math.sqrt(DRAWS)).all()


@pytest.mark.parametrize("p", [1, 2])
def test_many_draws_show_no_small_deviation_from_the_uniform_law(p):
    # With n draws a deviation of the distribution function by 2 / sqrt(n) shows: here by 0.0045.
    delta = NormBall(p, 1).sample(torch.zeros(50 * DRAWS, 5).double(), generator=seeded(2))
    volume = torch.linalg.vector_norm(delta, ord=p, dim=-1).numpy() ** 5
    assert stats.kstest(volume, "uniform").pvalue > UNLIKELY


@pytest.mark.parametrize("p", cases.BASIC_EXPONENTS)
def test_draws_agree_with_rejection_from_a_cube(p):
    delta = NormBall(p, 0.4).sample(torch.zeros(DRAWS, 3).double(), generator=seeded(1)).numpy()
    cube = np.random.default_rng(0).uniform(-0.4, 0.4, (8 * DRAWS, 3))
    kept = cube[norm(cube, p) <= 0.4]
    for statistic in (
        lambda v: v[:, 0],
        lambda v: v.sum(-1),
        lambda v: np.abs(v).min(-1),
        lambda v: np.linalg.norm(v, axis=-1),
    ):
        assert stats.ks_2samp(statistic(delta), statistic(kept)).pvalue > UNLIKELY


def test_the_test_of_draws_rejects_a_uniform_radius():
    direction = cases.normal(DRAWS, 3)
    radius = torch.rand(DRAWS, 1, generator=seeded(), dtype=torch.float64)
    delta = radius * direction / direction.norm(dim=-1, keepdim=True)
    assert stats.kstest(delta.norm(dim=-1).numpy() ** 3, "uniform").pvalue < UNLIKELY


def test_for_p_inf_in_a_box_each_entry_is_uniform_on_its_interval():
    ball = NormBall(INF, 0.4).in_box()
    one = vector(0.0, 0.1, 0.5, 0.9, 1.0)
    delta = ball.sample(one.expand(DRAWS, 5), generator=seeded())
    low, high = interval(ball, one)
    for j in range(5):
        law = stats.uniform(low[j], high[j] - low[j])
        assert stats.kstest(delta[:, j].numpy(), law.cdf).pvalue > UNLIKELY
    # Independent: a correlation of n pairs has standard deviation 1 / sqrt(n).
    assert (torch.corrcoef(delta.T) - torch.eye(5)).abs().max() <= 4 / math.sqrt(DRAWS)


@pytest.mark.parametrize("p", [1, 2])
def test_for_other_p_in_a_box_a_draw_is_a_projected_draw_from_the_ball(p):
    ball, x = NormBall(p, 0.9), cases.images(50, 4)
    expected = ball.in_box().project(ball.sample(x, generator=seeded(5)), x)
    assert torch.equal(ball.in_box().sample(x, generator=seeded(5)), expected)


@cases.each_basic
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_draws_stay_inside(ball, dtype):
    x = cases.images(500, 6, dtype=dtype)
    delta = ball.sample(x, generator=seeded())
    assert delta.shape == x.shape and delta.dtype == dtype
    # One rounding of x and one of the result, in the draw's own precision.
    assert ball.contains(delta, x, tolerance=4 * torch.finfo(dtype).eps).all()


@cases.each_basic
def test_draws_depend_on_the_generator_alone_and_touch_nothing_else(ball):
    x = cases.images(20, 4)
    before = torch.get_rng_state()
    generator = seeded(7)
    first, second = ball.sample(x, generator=generator), ball.sample(x, generator=generator)
    torch.manual_seed(123)
    again = ball.sample(x, generator=seeded(7))
    torch.set_rng_state(before)
    ball.maximiser(ball.sample(x, generator=seeded()), x)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert len(first.unique(dim=0)) == 20  # one draw for each example
