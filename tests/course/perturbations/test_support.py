"""Support, maximiser, gradients, and the margin that is taken, against enumeration and solvers."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from scipy.optimize import linprog, minimize

from lectures_code.attacks import linear_maximiser
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from tests.course.perturbations import cases
from tests.oracles import INF, interval, largest, name, norm, seeded, vector


@settings(max_examples=300)
@given(cases.cases())
@example(cases.DWARFED)
@example((NormBall(1, 1).in_box(), vector(1.0, -1.0, 1.0), vector(0.5, 1.0, 1.0)))
@example((NormBall(2, 1.0), vector(0.0, 0.0), vector(0.0, 0.0)))
def test_support_is_the_largest_value_and_the_maximiser_attains_it(case):
    ball, w, x = case
    delta, value = ball.maximiser(w, x), ball.support(w, x)
    exact = float(largest(w, x, ball))
    assert value.item() == pytest.approx(exact, rel=cases.ROUNDING, abs=0)
    assert cases.excess(w, delta, ball, x) <= cases.ROUNDING * exact
    assert cases.is_inside(delta, ball, x)
    assert ball.contains(delta, x)


@cases.each_set
@pytest.mark.parametrize("d", [1, 2, 3])
def test_support_agrees_with_a_fine_grid_of_the_set(ball, d):
    for seed in range(3):
        w, x = cases.normal(d, seed=seed), cases.images(d, seed=seed)
        points, h = cases.grid(ball, x, steps=25)
        best = (points @ w.numpy()).max()
        value = ball.support(w, x).item()
        # Above: the grid's points are in the set (up to 1e-12). Below: rounding the maximiser
        # towards 0 loses at most h in each entry.
        assert best - 1e-11 <= value <= best + h * w.abs().sum().item() + 1e-11


@pytest.mark.parametrize("p", [1, INF])
@pytest.mark.parametrize("boxed", [False, True], ids=["plain", "boxed"])
@pytest.mark.parametrize("seed", range(5))
def test_support_agrees_with_a_linear_programme(p, boxed, seed):
    ball = NormBall(p, 0.8).in_box() if boxed else NormBall(p, 0.8)
    w, x = cases.normal(6, seed=seed), cases.images(6, seed=seed)
    low, high = interval(ball, x)
    # delta = up - down with up, down >= 0.
    solved = linprog(
        np.concatenate([-w.numpy(), w.numpy()]),
        A_ub=np.ones((1, 12)) if p == 1 else None,
        b_ub=[ball.radius] if p == 1 else None,
        bounds=[(0, each) for each in high] + [(0, -each) for each in low],
    )
    # The solver's own feasibility tolerance is 1e-7.
    assert ball.support(w, x).item() == pytest.approx(-solved.fun, abs=1e-6)


@pytest.mark.parametrize("ball", [b for b in cases.SETS if 1 < b.p < INF], ids=name)
def test_support_agrees_with_a_general_solver_on_smooth_balls(ball):
    for seed in range(3):
        w, x = cases.normal(4, seed=seed), cases.images(4, seed=seed)
        low, high = interval(ball, x)
        start = 0.1 * np.clip(w.numpy(), low, high)
        solved = minimize(
            lambda z, w=w: -(z @ w.numpy()),
            start,
            bounds=list(zip(low, high, strict=True)),
            constraints={
                "type": "ineq",
                # In units of the radius: 0.4**7 would be lost in the solver's tolerance.
                "fun": lambda z: 1 - (np.abs(z / ball.radius) ** ball.p).sum(),
            },
            method="SLSQP",
            options={"ftol": 1e-12, "maxiter": 500},
        )
        # SLSQP differentiates by differences of 1.5e-8, and stops when the value stands still.
        assert ball.support(w, x).item() == pytest.approx(-solved.fun, rel=1e-6)


@pytest.mark.parametrize("p", cases.EXPONENTS)
def test_no_perturbation_beats_hoelder_and_the_maximiser_lies_on_the_sphere(p):
    ball = NormBall(p, 0.4)
    w, deltas = cases.normal(5), cases.normal(500, 5, seed=1)
    deltas *= 0.4 / torch.linalg.vector_norm(deltas, ord=p, dim=-1, keepdim=True)
    assert ((deltas @ w) <= ball.support(w) * (1 + cases.ROUNDING)).all()
    assert float(norm(ball.maximiser(w), p)) == pytest.approx(0.4, rel=cases.ROUNDING)


@pytest.mark.parametrize("p", [1 + 1e-15, 1.001, 1e6, 1e300])
def test_exponents_near_the_ends_of_their_range_neither_overflow_nor_leave_the_ball(p):
    ball, w = NormBall(p, 0.4), cases.normal(20, 4)
    assert ball.contains(ball.maximiser(w)).all()
    # Compared with the end itself, from which the norms differ by a factor 4**|1/p - 1/end|.
    end = NormBall(1 if p < 2 else INF, 0.4)
    near = 4.0 ** (p - 1 if p < 2 else 1 / p) * (1 + cases.ROUNDING)
    ratio = ball.support(w) / end.support(w)
    assert (1 / near <= ratio).all() and (ratio <= near).all()


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
@cases.each_set
def test_the_maximiser_does_not_depend_on_the_scale_of_the_weights(ball, scale):
    w, x = cases.normal(4, 5), cases.images(4, 5)
    torch.testing.assert_close(
        ball.maximiser(scale * w, x), ball.maximiser(w, x), rtol=1e-12, atol=1e-14
    )
    torch.testing.assert_close(ball.support(scale * w, x) / scale, ball.support(w, x))


def test_a_dwarfed_weight_counts_when_the_larger_one_has_no_room():
    ball, w, x = cases.DWARFED
    torch.testing.assert_close(ball.maximiser(w, x), vector(0.0, 0.125**0.5, 0.125**0.5))
    # ... in float32 from a factor of 1e19 on
    delta = ball.maximiser(vector(1.0, 1e-20, 1e-20, dtype=torch.float32), x.float())
    torch.testing.assert_close(delta, vector(0.0, 0.125**0.5, 0.125**0.5, dtype=torch.float32))


@pytest.mark.parametrize("small", [1e-3, 1e-9, 1e-100])
def test_small_weights_share_what_a_large_one_at_its_face_leaves(small):
    ball, x = NormBall(2, 0.5).in_box(), vector(0.9, 0.0, 0.0)
    delta = ball.maximiser(vector(1.0, small, small), x)
    torch.testing.assert_close(delta, vector(0.1, 0.12**0.5, 0.12**0.5))


def test_a_dwarfed_weight_counts_as_zero_beside_one_with_room_where_the_ball_binds():
    x = vector(0.5, 0.0, 0.0)
    w = vector(1.0, 1e-160, 1e-160)
    bound = NormBall(2, 0.6).in_box().maximiser(w, x)
    assert bound.tolist() == [0.5, 0.0, 0.0]
    corner = NormBall(2, 2.0).in_box().maximiser(w, x)
    assert corner.tolist() == [0.5, 1.0, 1.0]


@cases.each_set
def test_the_maximiser_is_zero_at_zero_weights(ball):
    x = vector(0.5, 0.5, 0.5)
    assert ball.maximiser(vector(0.0, 0.0, 0.0), x).tolist() == [0, 0, 0]
    assert ball.support(vector(0.0, 0.0, 0.0), x).item() == 0
    delta = ball.maximiser(vector(0.0, -2.0, 0.0), x)
    assert delta.tolist() == [0, pytest.approx(-0.4), 0]


@pytest.mark.parametrize("x", [None, [0.5] * 4])
def test_for_p_1_the_first_of_equal_weights_gets_everything(x):
    ball = NormBall(1, 0.4) if x is None else NormBall(1, 0.4).in_box()
    x = None if x is None else vector(*x)
    assert ball.maximiser(vector(1.0, -2.0, 2.0, -2.0), x).tolist() == [0, -0.4, 0, 0]


def test_for_p_1_in_a_box_equal_weights_are_filled_in_their_order():
    ball = NormBall(1, 0.4).in_box()
    x = vector(0.75, 0.875, 0.5, 0.5)
    # The first can rise by 0.25, the second by 0.125, the third gets what is left.
    assert ball.maximiser(vector(3.0, 3.0, 3.0, 3.0), x).tolist() == pytest.approx(
        [0.25, 0.125, 0.025, 0.0], abs=cases.ROUNDING
    )


def test_for_p_1_in_a_box_ties_keep_their_order_among_thousands():
    # Short rows are sorted stably by chance.
    ball, x = NormBall(1, 10).in_box(), torch.full((5000,), 0.5).double()
    delta = ball.maximiser(torch.ones(5000).double(), x)
    assert delta[:20].tolist() == [0.5] * 20 and not delta[20:].any()


def test_for_p_inf_weights_of_zero_move_nothing():
    assert NormBall(INF, 0.4).maximiser(vector(1e-300, -5.0, 0.0)).tolist() == [0.4, -0.4, 0]


@settings(max_examples=150)
@given(cases.cases())
@example((NormBall(1, 1.0), vector(2.0, -2.0, 2.0), vector(0.0, 0.0, 0.0)))
@example((NormBall(1.5, 1.0), vector(0.0, 0.0), vector(0.0, 0.0)))
@example((NormBall(INF, 1.0), vector(0.0, 3.0), vector(0.0, 0.0)))
@example(cases.DWARFED)
def test_the_gradient_of_the_support_is_the_maximiser_at_kinks_too(case):
    ball, w, x = case
    w = w.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(ball.support(w, x), w)
    # The two formulas round apart, relative to the radius at most (p = 1.1: powers of 10).
    torch.testing.assert_close(gradient, ball.maximiser(w, x), rtol=0, atol=1e-12 * ball.radius)


@cases.each_set
def test_first_and_second_derivatives_agree_with_finite_differences(ball):
    # Seeds at which no weight or difference of weights is within 1e-2 of a kink.
    for seed in (0, 3):
        x = cases.images(5, seed=seed)
        w = cases.normal(5, seed=seed).requires_grad_()
        value = lambda w, x=x: ball.support(w, x)  # noqa: E731
        assert torch.autograd.gradcheck(value, w)
        if 1 < ball.p < INF:
            assert torch.autograd.gradgradcheck(value, w)


@cases.each_set
def test_derivatives_forward_and_backward_are_the_same(ball):
    w, x, way = cases.normal(5), cases.images(5), cases.normal(5, seed=1)
    value = lambda w: ball.support(w, x)  # noqa: E731
    _, forward = torch.func.jvp(value, (w,), (way,))
    torch.testing.assert_close(forward, torch.func.grad(value)(w) @ way)
    stretched = lambda theta: ball.support(cases.normal(3, 5) * theta, cases.images(3, 5))  # noqa: E731
    torch.testing.assert_close(
        torch.func.jacrev(stretched)(w), torch.autograd.functional.jacobian(stretched, w)
    )


@cases.each_basic
def test_maximisers_projections_and_draws_are_constants_and_arguments_stay_as_they_were(ball):
    w, x = cases.normal(3, 5).requires_grad_(), cases.images(3, 5).requires_grad_()
    w_before, x_before = w.detach().clone(), x.detach().clone()
    for result in (
        ball.maximiser(w, x),
        ball.project(w, x),
        ball.sample(x, generator=seeded()),
    ):
        assert not result.requires_grad
    assert ball.support(w, x).requires_grad
    assert torch.equal(w, w_before) and torch.equal(x, x_before)
    assert w.grad is None and x.grad is None


def test_the_support_is_a_constant_with_respect_to_the_example():
    x = cases.images(3, 5).requires_grad_()
    assert not NormBall(2, 0.4).in_box().support(cases.normal(3, 5), x).requires_grad


MODEL = LinearClassifier(vector(1.0, -0.5, 0.0, 1.0), 0.25)
X, Y = cases.images(40, 4), cases.normal(40, seed=1).sign()


@cases.each_set
def test_what_is_taken_from_the_margins_is_what_the_worst_perturbations_take(ball):
    taken = ball.margin_taken(MODEL.theta, X, Y)
    assert taken.shape == ((40,) if ball in cases.BOXED else ())
    exact = [float(largest(-y * MODEL.theta, x, ball)) for x, y in zip(X, Y, strict=True)]
    np.testing.assert_allclose(taken.expand(40).numpy(), exact, rtol=cases.ROUNDING)
    worst = X + linear_maximiser(MODEL, X, Y, ball)
    torch.testing.assert_close(Y * MODEL(X) - taken, Y * MODEL(worst), rtol=0, atol=cases.ROUNDING)


@cases.each_set
@pytest.mark.parametrize("n", [1, 127, 128, 129, 300])  # in the box 128 at a time
def test_many_examples_are_answered_like_each_of_them(ball, n):
    x, y = cases.images(n, 4, seed=n), cases.normal(n, seed=n + 1).sign()
    taken = ball.margin_taken(MODEL.theta, x, y).expand(n)
    worst = ball.worst(MODEL.theta, x, y)
    assert worst.shape == x.shape
    for i in range(n):
        w = -y[i] * MODEL.theta
        assert float(taken[i]) == pytest.approx(float(ball.support(w, x[i])), rel=cases.ROUNDING)
        torch.testing.assert_close(
            worst[i], ball.maximiser(w, x[i]), rtol=cases.ROUNDING, atol=cases.ROUNDING
        )


@cases.each_set
def test_no_point_of_a_fine_grid_takes_more_from_a_margin(ball):
    theta = vector(1.0, -0.5, 0.25)
    for x, y in zip(X[:4, :3], Y[:4], strict=True):
        points, h = cases.grid(ball, x, steps=15)
        most = (-y * torch.as_tensor(points) @ theta).max()
        taken = ball.margin_taken(theta, x[None], y[None]).squeeze()
        # As for the support: rounding the maximiser towards 0 loses at most h in each entry.
        assert most - 1e-11 <= taken <= most + h * theta.abs().sum() + 1e-11


@cases.each_set
def test_what_is_taken_from_the_margins_has_derivatives_in_the_weights(ball):
    theta = cases.normal(4).requires_grad_()
    assert torch.autograd.gradcheck(lambda theta: ball.margin_taken(theta, X[:5], Y[:5]), theta)


@cases.each_set
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_perturbed_examples_are_sums(ball, dtype):
    x, w = cases.images(40, 4, dtype=dtype), cases.normal(40, 4, dtype=dtype)
    delta = ball.maximiser(w, x)
    assert torch.equal(ball.perturbed(x, delta), x + delta) or ball in cases.BOXED
    rounding = torch.finfo(dtype).eps
    torch.testing.assert_close(ball.perturbed(x, delta), x + delta, rtol=0, atol=rounding)


@cases.each_boxed
def test_perturbed_examples_stay_in_the_box_where_rounding_would_leave_it(ball):
    x, w = cases.images(200, 4, dtype=torch.float32), cases.normal(200, 4, dtype=torch.float32)
    box = ball.with_radius(9).in_box(-0.485 / 0.229, 0.515 / 0.229)
    low, high = (torch.tensor(bound, dtype=torch.float32) for bound in (box.low, box.high))
    x = (low + (high - low) * x).clamp(low, high)
    delta = box.maximiser(w, x)
    assert (x + delta > high).any() or (x + delta < low).any(), "no sum was rounded out of the box"
    perturbed = box.perturbed(x, delta)
    assert perturbed.dtype == torch.float32
    assert ((low <= perturbed) & (perturbed <= high)).all()
