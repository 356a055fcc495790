"""Draws: their laws, the set they stay in, and the generator alone on which they depend."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from lectures_code.perturbations import NormBall
from tests.course.perturbations.cases import (
    BASIC_EXPONENTS,
    each_basic,
    images,
    normal,
    seeded,
    vector,
)
from tests.oracles import INF, interval, norm

DRAWS = 4000
# The generators are seeded, so nothing here fails by chance. A right sampler had one chance in a
# thousand to be rejected when the seed was picked.
UNLIKELY = 1e-3


@pytest.mark.parametrize("p", BASIC_EXPONENTS)
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


@pytest.mark.parametrize("p", BASIC_EXPONENTS)
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
    direction = normal(DRAWS, 3)
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
    ball, x = NormBall(p, 0.9), images(50, 4)
    expected = ball.in_box().project(ball.sample(x, generator=seeded(5)), x)
    assert torch.equal(ball.in_box().sample(x, generator=seeded(5)), expected)


@each_basic
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_draws_stay_inside(ball, dtype):
    x = images(500, 6, dtype=dtype)
    delta = ball.sample(x, generator=seeded())
    assert delta.shape == x.shape and delta.dtype == dtype
    # One rounding of x and one of the result, in the draw's own precision.
    assert ball.contains(delta, x, tolerance=4 * torch.finfo(dtype).eps).all()


@each_basic
def test_draws_depend_on_the_generator_alone_and_touch_nothing_else(ball):
    x = images(20, 4)
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
