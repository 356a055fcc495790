"""Derivatives of the support, and results that are constants."""

import torch
from hypothesis import example, given, settings

from lectures_code.perturbations import NormBall
from tests.course.perturbations.cases import (
    DWARFED,
    cases,
    each_basic,
    each_set,
    images,
    normal,
    seeded,
    vector,
)
from tests.oracles import INF


@settings(max_examples=150)
@given(cases())
@example((NormBall(1, 1.0), vector(2.0, -2.0, 2.0), vector(0.0, 0.0, 0.0)))
@example((NormBall(1.5, 1.0), vector(0.0, 0.0), vector(0.0, 0.0)))
@example((NormBall(INF, 1.0), vector(0.0, 3.0), vector(0.0, 0.0)))
@example(DWARFED)
def test_the_gradient_of_the_support_is_the_maximiser_at_kinks_too(case):
    ball, w, x = case
    w = w.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(ball.support(w, x), w)
    # The two formulas round apart, relative to the radius at most (p = 1.1: powers of 10).
    torch.testing.assert_close(gradient, ball.maximiser(w, x), rtol=0, atol=1e-12 * ball.radius)


@each_set
def test_first_and_second_derivatives_agree_with_finite_differences(ball):
    # Seeds at which no weight or difference of weights is within 1e-2 of a kink.
    for seed in (0, 3):
        x = images(5, seed=seed)
        w = normal(5, seed=seed).requires_grad_()
        value = lambda w, x=x: ball.support(w, x)  # noqa: E731
        assert torch.autograd.gradcheck(value, w)
        if 1 < ball.p < INF:
            assert torch.autograd.gradgradcheck(value, w)


@each_set
def test_derivatives_forward_and_backward_are_the_same(ball):
    w, x, way = normal(5), images(5), normal(5, seed=1)
    value = lambda w: ball.support(w, x)  # noqa: E731
    _, forward = torch.func.jvp(value, (w,), (way,))
    torch.testing.assert_close(forward, torch.func.grad(value)(w) @ way)
    stretched = lambda theta: ball.support(normal(3, 5) * theta, images(3, 5))  # noqa: E731
    torch.testing.assert_close(
        torch.func.jacrev(stretched)(w), torch.autograd.functional.jacobian(stretched, w)
    )


@each_basic
def test_maximisers_projections_and_draws_are_constants_and_arguments_stay_as_they_were(ball):
    w, x = normal(3, 5).requires_grad_(), images(3, 5).requires_grad_()
    w_before, x_before = w.detach().clone(), x.detach().clone()
    for result in (ball.maximiser(w, x), ball.project(w, x), ball.sample(x, generator=seeded())):
        assert not result.requires_grad
    assert ball.support(w, x).requires_grad
    assert torch.equal(w, w_before) and torch.equal(x, x_before)
    assert w.grad is None and x.grad is None


def test_the_support_is_a_constant_with_respect_to_the_example():
    x = images(3, 5).requires_grad_()
    assert not NormBall(2, 0.4).in_box().support(normal(3, 5), x).requires_grad
