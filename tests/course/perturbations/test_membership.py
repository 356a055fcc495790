"""Membership, and radii and boxes so small or so large that one set is left."""

import pytest
import torch

from lectures_code.perturbations import BoxedNormBall, NormBall
from tests.course.perturbations.cases import (
    BASIC,
    each_boxed,
    each_set,
    images,
    normal,
    seeded,
    vector,
)
from tests.oracles import norm


@each_set
def test_radius_zero_leaves_only_zero(ball):
    point = ball.with_radius(0)
    w, x = normal(4, 5), images(4, 5)
    assert not point.support(w, x).any()
    found = [point.maximiser(w, x)]
    if ball in BASIC:
        found += [point.project(w, x), point.sample(x, generator=seeded())]
    for delta in found:
        assert delta.shape == x.shape and not delta.any()
        assert point.contains(delta, x).all()
    assert not point.contains(torch.full_like(x, 1e-300), x).any()


@each_boxed
def test_a_huge_radius_leaves_the_box_alone(ball):
    wide = ball.with_radius(1e9)
    w, x = normal(4, 5), images(4, 5)
    corner = torch.where(w > 0, 1 - x, -x)
    assert torch.equal(wide.maximiser(w, x), corner)
    assert torch.equal(wide.project(1e3 * w, x), (1e3 * w).clamp(-x, 1 - x))
    torch.testing.assert_close(wide.support(w, x), (w * corner).sum(-1))


@each_boxed
def test_a_wide_box_leaves_the_ball_alone(ball):
    plain, wide = NormBall(ball.p, ball.radius), NormBall(ball.p, ball.radius).in_box(-1e3, 1e3)
    w, x = normal(40, 5), images(40, 5)
    torch.testing.assert_close(wide.maximiser(w, x), plain.maximiser(w))
    torch.testing.assert_close(wide.project(w, x), plain.project(w))
    torch.testing.assert_close(wide.support(w, x), plain.support(w))


@each_set
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


@each_set
def test_contains_agrees_with_numpy_on_random_points(ball):
    delta, x = 0.3 * normal(500, 3), images(500, 3)
    expected = norm(delta, ball.p) <= 0.4
    if isinstance(ball, BoxedNormBall):
        moved = (x + delta).numpy()
        expected &= ((moved >= 0) & (moved <= 1)).all(-1)
    assert 0 < expected.sum() < 500
    assert ball.contains(delta, x, tolerance=0).tolist() == expected.tolist()


@each_boxed
@pytest.mark.parametrize("sign", [-1, 1])
def test_contains_counts_what_leaves_the_box_beyond_the_tolerance(ball, sign):
    ball = BoxedNormBall(ball.p, 0.4, -1, 3)
    x = vector(1.0 + 1.875 * sign, 1.0)  # 0.125 from a face of a box of width 4
    assert ball.contains(sign * vector(0.125, 0.0), x, tolerance=0)
    assert ball.contains(sign * vector(0.125 + 3e-8, 0.0), x)
    assert not ball.contains(sign * vector(0.125 + 3e-7, 0.0), x)
    assert ball.contains(sign * vector(0.125 + 0.039, 0.0), x, tolerance=0.01)
    assert not ball.contains(sign * vector(0.125 + 0.041, 0.0), x, tolerance=0.01)
