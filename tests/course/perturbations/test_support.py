"""Support and maximiser against enumeration, grids, programmes and general solvers."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from scipy.optimize import linprog, minimize

from lectures_code.perturbations import NormBall
from tests.course.perturbations.cases import (
    DWARFED,
    EXPONENTS,
    ROUNDING,
    SETS,
    cases,
    each_set,
    excess,
    grid,
    images,
    is_inside,
    name,
    normal,
    vector,
)
from tests.oracles import INF, interval, largest, norm


@settings(max_examples=300)
@given(cases())
@example(DWARFED)
@example((NormBall(1, 1).in_box(), vector(1.0, -1.0, 1.0), vector(0.5, 1.0, 1.0)))
@example((NormBall(2, 1.0), vector(0.0, 0.0), vector(0.0, 0.0)))
def test_support_is_the_largest_value_and_the_maximiser_attains_it(case):
    ball, w, x = case
    delta, value = ball.maximiser(w, x), ball.support(w, x)
    exact = float(largest(w, x, ball))
    assert value.item() == pytest.approx(exact, rel=ROUNDING, abs=0)
    assert excess(w, delta, ball, x) <= ROUNDING * exact
    assert is_inside(delta, ball, x)
    assert ball.contains(delta, x)


@each_set
@pytest.mark.parametrize("d", [1, 2, 3])
def test_support_agrees_with_a_fine_grid_of_the_set(ball, d):
    for seed in range(3):
        w, x = normal(d, seed=seed), images(d, seed=seed)
        points, h = grid(ball, x, steps=25)
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
    w, x = normal(6, seed=seed), images(6, seed=seed)
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


@pytest.mark.parametrize("ball", [b for b in SETS if 1 < b.p < INF], ids=name)
def test_support_agrees_with_a_general_solver_on_smooth_balls(ball):
    for seed in range(3):
        w, x = normal(4, seed=seed), images(4, seed=seed)
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


@pytest.mark.parametrize("p", EXPONENTS)
def test_no_perturbation_beats_hoelder_and_the_maximiser_lies_on_the_sphere(p):
    ball = NormBall(p, 0.4)
    w, deltas = normal(5), normal(500, 5, seed=1)
    deltas *= 0.4 / torch.linalg.vector_norm(deltas, ord=p, dim=-1, keepdim=True)
    assert ((deltas @ w) <= ball.support(w) * (1 + ROUNDING)).all()
    assert float(norm(ball.maximiser(w), p)) == pytest.approx(0.4, rel=ROUNDING)


@pytest.mark.parametrize("p", [1 + 1e-15, 1.001, 1e6, 1e300])
def test_exponents_near_the_ends_of_their_range_neither_overflow_nor_leave_the_ball(p):
    ball, w = NormBall(p, 0.4), normal(20, 4)
    assert ball.contains(ball.maximiser(w)).all()
    # Compared with the end itself, from which the norms differ by a factor 4**|1/p - 1/end|.
    end = NormBall(1 if p < 2 else INF, 0.4)
    near = 4.0 ** (p - 1 if p < 2 else 1 / p) * (1 + ROUNDING)
    ratio = ball.support(w) / end.support(w)
    assert (1 / near <= ratio).all() and (ratio <= near).all()


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
@each_set
def test_the_maximiser_does_not_depend_on_the_scale_of_the_weights(ball, scale):
    w, x = normal(4, 5), images(4, 5)
    torch.testing.assert_close(
        ball.maximiser(scale * w, x), ball.maximiser(w, x), rtol=1e-12, atol=1e-14
    )
    torch.testing.assert_close(ball.support(scale * w, x) / scale, ball.support(w, x))


def test_a_dwarfed_weight_counts_when_the_larger_one_has_no_room():
    ball, w, x = DWARFED
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


@each_set
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
        [0.25, 0.125, 0.025, 0.0], abs=ROUNDING
    )


def test_for_p_1_in_a_box_ties_keep_their_order_among_thousands():
    # Short rows are sorted stably by chance.
    ball, x = NormBall(1, 10).in_box(), torch.full((5000,), 0.5).double()
    delta = ball.maximiser(torch.ones(5000).double(), x)
    assert delta[:20].tolist() == [0.5] * 20 and not delta[20:].any()


def test_for_p_inf_weights_of_zero_move_nothing():
    assert NormBall(INF, 0.4).maximiser(vector(1e-300, -5.0, 0.0)).tolist() == [0.4, -0.4, 0]
