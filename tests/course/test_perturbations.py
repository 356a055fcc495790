"""Perturbation sets against enumeration, programmes and statistics that know nothing of them.

Two facts carry most of the tests. A maximiser is right if it lies in the set and attains the
largest value, which enumeration finds. A projection P(v) is right if it lies in the set and the
variational inequality <v - P(v), z - P(v)> <= 0 holds for all z in it: for the worst z, again a
largest value.
"""

import dataclasses
import itertools
import math
import re

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import linprog, minimize

from lectures_code.perturbations import BoxedNormBall, NormBall
from tests.oracles import INF

# Sums of at most six products of one sign, and powers of them: a few dozen roundings of 1.1e-16
# each, with a reserve. Relative to the size of the result.
ROUNDING = 1e-13
# Near p = 1 the power q - 1 = 1 / (p - 1) multiplies a relative error: by 10 for p = 1.1.
EXPONENTS = [1, 1.1, 1.5, 2, 3, 7, INF]
BOXED_EXPONENTS = [1, 2, INF]
SETS = [NormBall(p, 0.4) for p in EXPONENTS] + [NormBall(p, 0.4).in_box() for p in BOXED_EXPONENTS]
BOXED = [ball for ball in SETS if isinstance(ball, BoxedNormBall)]
METHODS = ["support", "maximiser", "project", "contains"]


def name(ball):
    return f"p={ball.p:g}" + ("-boxed" if isinstance(ball, BoxedNormBall) else "")


each_set = pytest.mark.parametrize("ball", SETS, ids=name)
each_boxed = pytest.mark.parametrize("ball", BOXED, ids=name)
each_method = pytest.mark.parametrize("method", METHODS)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64).to(dtype)


def images(*shape, seed=0, dtype=torch.float64):
    """Examples in [0, 1], about a third of their pixels on each face."""
    wide = 3 * torch.rand(*shape, generator=seeded(seed), dtype=torch.float64) - 1
    return wide.clamp(0, 1).to(dtype)


def vector(*values, dtype=torch.float64):
    return torch.tensor(values, dtype=dtype)


# ---------------------------------------------------------------- the oracles


def interval(ball, x):
    """The least and greatest that each entry of delta may be by itself."""
    low, high = np.full(len(x), -ball.radius), np.full(len(x), ball.radius)
    if isinstance(ball, BoxedNormBall):
        at = x.double().numpy()
        with np.errstate(over="ignore"):  # a box as wide as the range of numbers
            low, high = np.maximum(low, ball.low - at), np.minimum(high, ball.high - at)
    return low, high


def norm(v, p):
    """The p-norm along the last axis, with numpy, in extended precision, scaled by the largest."""
    v = np.abs(np.asarray(v, dtype=np.longdouble))
    largest = v.max(-1, keepdims=True)
    scale = np.where(largest > 0, largest, 1)
    if math.isinf(p):
        return largest[..., 0]
    return scale[..., 0] * ((v / scale) ** np.longdouble(p)).sum(-1) ** (1 / np.longdouble(p))


def largest_value(w, ball, x):
    """max <w, delta> over the set, by enumeration of vertices, breakpoints or active sets."""
    w, p, r = np.asarray(w, dtype=np.longdouble), ball.p, np.longdouble(ball.radius)
    low, high = interval(ball, x)
    if not isinstance(ball, BoxedNormBall):
        dual = INF if p == 1 else 1 if p == INF else 1 / (1 - 1 / np.longdouble(p))
        return r * norm(w, dual)  # Hoelder; attainment is tested with the maximiser
    if p == INF:
        return max(np.dot(w, vertex) for vertex in itertools.product(*zip(low, high, strict=True)))
    size, room = np.abs(w), np.where(w > 0, high, np.where(w < 0, -low, 0)).astype(np.longdouble)
    if p == 1:
        # Its dual, m r + sum room (size - m)_+, is convex and piecewise linear in m >= 0: the
        # least value is at a breakpoint.
        prices = [np.longdouble(0), *size]
        return min(m * r + (room * np.maximum(size - m, 0)).sum() for m in prices)
    # p = 2: at a maximiser some entries are at their faces, the others parallel to w.
    best = np.longdouble(0)
    for at_face in itertools.product([False, True], repeat=len(w)):
        full = np.array(at_face)
        rest, free = r**2 - (room[full] ** 2).sum(), norm([*size[~full], 0], 2)
        if rest < 0:
            continue
        delta = np.where(full, room, np.minimum(size * (np.sqrt(rest) / (free or 1)), room))
        best = max(best, (size * delta).sum())
    return best


def grid(ball, x, steps=41):
    """Points of the set with spacing h: rounding any of its points towards 0 gives one of them.

    (Each of our sets, with delta, holds all that is entrywise nearer to 0 on the same side.)
    """
    h = ball.radius / (steps // 2)
    axis = h * np.arange(-(steps // 2), steps // 2 + 1)
    points = np.stack(np.meshgrid(*[axis] * len(x), indexing="ij"), -1).reshape(-1, len(x))
    low, high = interval(ball, x)
    # The corners of the grid lie on the sphere only up to rounding.
    inside = (norm(points, ball.p) <= ball.radius * (1 + 1e-12)) & (
        (points >= low - 1e-12) & (points <= high + 1e-12)
    ).all(-1)
    return points[inside], h


def excess(w, delta, ball, x):
    """How much more than <w, delta> the best point of the set attains."""
    w, delta = (np.asarray(v.numpy(), dtype=np.longdouble) for v in (w, delta))
    return float(largest_value(w, ball, x) - (w * delta).sum())


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


# ---------------------------------------------------------------- generated cases

magnitudes = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 1e-6, -1e-6, 1e6, -1e6]),  # ties and extremes
    st.floats(-6, 6).map(lambda e: 10.0**e),
    st.floats(-6, 6).map(lambda e: -(10.0**e)),
    st.floats(-1, 1),
)
pixels = st.one_of(st.sampled_from([0.0, 1.0, 0.5]), st.floats(0, 1))
radii = st.one_of(
    st.sampled_from([0.0, 1e-6, 0.2, 1.0, 1e6]), st.floats(-6, 6).map(lambda e: 10.0**e)
)


@st.composite
def cases(draw, exponents=None):
    """A set, a vector (weights or a perturbation) and an example, in 1 to 6 dimensions."""
    d = draw(st.integers(1, 6))
    ball = NormBall(draw(st.sampled_from(exponents or EXPONENTS)), draw(radii))
    if ball.p in BOXED_EXPONENTS and draw(st.booleans()):
        ball = ball.in_box()
    v = vector(*draw(st.lists(magnitudes, min_size=d, max_size=d)))
    return ball, v, vector(*draw(st.lists(pixels, min_size=d, max_size=d)))


# Values whose squares or ratios leave the range of the numbers, found while testing.
DWARFED = (
    NormBall(2, 0.5).in_box(),
    vector(1.0, 1e-160, 1e-160),
    vector(1.0, 0.0, 0.0),
)


# ---------------------------------------------------------------- support and maximiser


@settings(max_examples=300)
@given(cases())
@example(DWARFED)
@example((NormBall(1, 1).in_box(), vector(1.0, -1.0, 1.0), vector(0.5, 1.0, 1.0)))
@example((NormBall(2, 1.0), vector(0.0, 0.0), vector(0.0, 0.0)))
def test_support_is_the_largest_value_and_the_maximiser_attains_it(case):
    ball, w, x = case
    delta, value = ball.maximiser(w, x), ball.support(w, x)
    exact = float(largest_value(w, ball, x))
    assert value.item() == pytest.approx(exact, rel=ROUNDING, abs=0)
    assert excess(w, delta, ball, x) <= ROUNDING * exact
    assert is_inside(delta, ball, x)
    assert ball.contains(delta, x)


def is_inside(delta, ball, x, rounding=ROUNDING):
    """Membership by numpy, up to a few roundings; the box up to one rounding of x + delta."""
    low, high = interval(ball, x)
    slack = rounding * np.maximum(-low, high)
    faces = (low - slack <= delta.numpy()) & (delta.numpy() <= high + slack)
    return bool(faces.all() and norm(delta, ball.p) <= ball.radius * (1 + rounding))


@each_set
@pytest.mark.parametrize("d", [1, 2, 3])
def test_support_agrees_with_a_fine_grid_of_the_set(ball, d):
    for seed in range(3):
        w, x = normal(d, seed=seed), images(d, seed=seed)
        points, h = grid(ball, x)
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
    w, deltas = normal(5), ball.project(normal(500, 5, seed=1))
    assert ((deltas @ w) <= ball.support(w) * (1 + ROUNDING)).all()
    assert float(norm(ball.maximiser(w), p)) == pytest.approx(0.4, rel=ROUNDING)


@pytest.mark.parametrize("p", [1 + 1e-15, 1.001, 1e6, 1e300])
def test_exponents_near_the_ends_of_their_range_neither_overflow_nor_leave_the_ball(p):
    ball, w = NormBall(p, 0.4), normal(20, 4)
    for delta in (ball.maximiser(w), ball.project(w), ball.sample(w, generator=seeded())):
        assert ball.contains(delta).all()
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


# ---------------------------------------------------------------- ties, as documented


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


def test_for_p_1_in_a_box_equal_weights_are_served_in_their_order():
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


# ---------------------------------------------------------------- gradients


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


@each_set
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


# ---------------------------------------------------------------- projection


@settings(max_examples=300)
@given(cases())
@example((NormBall(1, 1e-6).in_box(), vector(1e6, 1.0), vector(1 - 1e-7, 0.0)))
@example((NormBall(2, 0.5).in_box(), vector(1e160, 1.0, 1.0), vector(1.0, 0.0, 0.0)))
def test_projections_lie_in_the_set_and_satisfy_the_variational_inequality(case):
    ball, v, x = case
    nearest = ball.project(v, x)
    assert is_inside(nearest, ball, x)
    assert ball.contains(nearest, x)
    step = v - nearest
    # An error in P(v), times v - P(v), and the other way round. The largest error is that of
    # Newton's method for 1 < p < inf, which stops at a norm right to 1e-12.
    reach = v.abs().max().item()
    tolerance = 10 * ROUNDING * reach * min(reach, ball.radius)
    if ball.p == 1 and isinstance(ball, BoxedNormBall):
        # The threshold is next to entries of v: it is good to 1e-16 of the largest.
        tolerance += 1e-15 * reach**2
    assert excess(step, nearest, ball, x) <= tolerance


@each_set
def test_the_variational_inequality_holds_for_many_points_of_the_set(ball):
    v, x = normal(20, 3), images(20, 3)
    nearest = ball.project(v, x)
    for i in range(20):
        points, _ = grid(ball, x[i], steps=15)
        products = (points - nearest[i].numpy()) @ (v[i] - nearest[i]).numpy()
        assert products.max() <= 1e-11  # the grid's points are in the set up to 1e-12


@each_set
@pytest.mark.parametrize("d", [1, 2, 3])
def test_no_point_of_a_fine_grid_is_nearer_than_the_projection(ball, d):
    for seed in range(3):
        v, x = normal(d, seed=seed), images(d, seed=seed)
        points, h = grid(ball, x)
        distances = np.linalg.norm(points - v.numpy(), axis=-1)
        distance = (ball.project(v, x) - v).norm().item()
        # As for the support: a point of the grid within h of the projection in each entry.
        assert distances.min() - h * math.sqrt(d) <= distance <= distances.min() + 1e-11


@each_set
@pytest.mark.parametrize("seed", range(3))
def test_projection_agrees_with_a_general_solver(ball, seed):
    v, x = normal(4, seed=seed), images(4, seed=seed)
    # SLSQP stops when the squared distance stands still to 1e-14, so at points good to about 1e-6;
    # a tenfold reserve for its differences. p = 1.1 bends too sharply at 0 for it.
    reached = nearest_by_slsqp(v, ball, x)
    atol = 1e-3 if ball.p == 1.1 else 1e-5
    np.testing.assert_allclose(ball.project(v, x).numpy(), reached, rtol=0, atol=atol)


@settings(max_examples=150)
@given(cases())
def test_projecting_twice_is_projecting_once(case):
    ball, v, x = case
    once = ball.project(v, x)
    # The second time may correct what rounding left outside, by as much; for Newton's method,
    # what that left: it stops at a norm right to 1e-12 and rescales.
    relative = ROUNDING if ball.p in BOXED_EXPONENTS else 4e-12
    torch.testing.assert_close(ball.project(once, x), once, rtol=0, atol=relative * ball.radius)


@each_set
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
@given(cases(exponents=[2, INF]))
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


# ---------------------------------------------------------------- radius 0, radius huge


@each_set
def test_radius_zero_leaves_only_zero(ball):
    point = ball.with_radius(0)
    w, x = normal(4, 5), images(4, 5)
    assert not point.support(w, x).any()
    for delta in (point.maximiser(w, x), point.project(w, x), point.sample(x, generator=seeded())):
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


# ---------------------------------------------------------------- membership


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


# ---------------------------------------------------------------- the ends of the number range

DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


def least(dtype):
    """The smallest positive number of a data type, a subnormal one."""
    limits = torch.finfo(dtype)
    return limits.tiny * limits.eps


@st.composite
def numbers(draw, dtype):
    """A number anywhere in a data type's range: 0, subnormal, ordinary, nearly too large."""
    limits = torch.finfo(dtype)
    low, high = (math.log2(value) for value in (least(dtype), limits.max))
    size = draw(
        st.one_of(
            st.sampled_from([0.0, least(dtype), limits.tiny, 1.0, limits.max]),
            st.floats(low, high - 1).map(lambda e: 2.0**e),
            st.floats(low, math.log2(limits.tiny)).map(lambda e: 2.0**e),
        )
    )
    return draw(st.sampled_from([-1, 1])) * float(torch.tensor(size, dtype=dtype))


@st.composite
def extreme_cases(draw):
    """As `cases`, with all of a data type's numbers, all float64 radii, and boxes of any size."""
    dtype, d = draw(st.sampled_from(DTYPES)), draw(st.integers(1, 4))
    ball = NormBall(draw(st.sampled_from(EXPONENTS)), abs(draw(numbers(torch.float64))))
    v = torch.tensor(draw(st.lists(numbers(dtype), min_size=d, max_size=d)), dtype=dtype)
    x = torch.zeros(d, dtype=dtype)
    if ball.p in BOXED_EXPONENTS and draw(st.booleans()):
        bounds = sorted([draw(numbers(dtype)), draw(numbers(dtype))])
        if bounds[0] < bounds[1]:
            ball = ball.in_box(*bounds)
            x = torch.tensor(draw(st.lists(numbers(dtype), min_size=d, max_size=d)), dtype=dtype)
            x = x.clamp(*bounds)
    return ball, v, x


def exactly(values):
    """As numpy's extended floats, whose exponents have room for any power of a float64."""
    return np.asarray(torch.as_tensor(values).double().numpy(), dtype=np.longdouble)


def fits(delta, ball, x, dtype):
    """Finite and in the set, up to the rounding of a few sums and of each entry."""
    eps, few = max(ROUNDING, torch.finfo(dtype).eps), least(dtype)
    size = exactly(delta)
    inside = norm(size, ball.p) <= np.longdouble(ball.radius) * (1 + 2 * eps)
    if isinstance(ball, BoxedNormBall):
        moved, reach = exactly(x) + size, max(-ball.low, ball.high)
        inside &= (moved >= ball.low - eps * reach - few).all()
        inside &= (moved <= ball.high + eps * reach + few).all()
    return bool(inside and delta.isfinite().all() and delta.dtype == dtype)


# The first was found by drawing, in one of four runs of this project's tests at the time.
SUBNORMAL = (NormBall(1.1, 1e-6), vector(2.2e-313, 0.0), vector(0.0, 0.0))
EXTREMES = [
    SUBNORMAL,
    # Found by exploration: beside large weights without room, and large entries with some.
    (NormBall(1, 1.0).in_box(-1, 0), vector(1.2541e204, -1.2392e-119), vector(0.0, 0.0)),
    (NormBall(1, 1.0).in_box(-1, 0.5), vector(1.0, 1.7976931348623157e308), vector(-1.0, 0.0)),
    *[
        (NormBall(p, radius), vector(*w, dtype=dtype), torch.zeros(2, dtype=dtype))
        for p in EXPONENTS
        for dtype in DTYPES
        for w in ([least(dtype), -least(dtype)], [torch.finfo(dtype).max] * 2)
        for radius in (5e-324, 1e-310, 1e-7, 1.0, 1e308)
    ],
]


def each_extreme(test):
    for case in EXTREMES:
        test = example(case)(test)
    return settings(max_examples=300)(given(extreme_cases())(test))


@each_extreme
def test_support_and_maximiser_hold_for_numbers_of_any_size(case):
    ball, w, x = case
    dtype, r = w.dtype, np.longdouble(ball.radius)
    limits, few = torch.finfo(dtype), least(dtype)
    eps = max(2 * limits.eps, 10 * ROUNDING)
    exact = largest_value(exactly(w), ball, x)
    asking = w.clone().requires_grad_()
    value, delta = ball.support(asking, x), ball.maximiser(w, x)
    assert fits(delta, ball, x, dtype) and ball.contains(delta, x)
    if exact <= limits.max:
        assert abs(value.item() - exact) <= eps * exact + few
    else:
        assert value.item() >= limits.max
    if r <= limits.max:
        attained = (exactly(w) * exactly(delta)).sum()
        assert attained >= (1 - eps) * exact - np.abs(exactly(w)).sum() * few
        (gradient,) = torch.autograd.grad(value, asking)
        assert (np.abs(exactly(gradient) - exactly(delta)) <= eps * r + few).all()


@each_extreme
def test_projections_hold_for_numbers_of_any_size(case):
    ball, v, x = case
    nearest = ball.project(v, x)
    assert fits(nearest, ball, x, v.dtype) and ball.contains(nearest, x)
    few, eps = least(v.dtype), max(2 * torch.finfo(v.dtype).eps, 10 * ROUNDING)
    step = exactly(v) - exactly(nearest)
    reach = np.abs(exactly(v)).max()
    tolerance = eps * reach * min(reach, np.longdouble(ball.radius)) + len(v) * few * reach
    if ball.p == 1 and isinstance(ball, BoxedNormBall):
        tolerance += eps * reach**2  # as documented: the threshold is good to that of the largest
    best = largest_value(step, ball, x)
    assert best - (step * exactly(nearest)).sum() <= tolerance


@each_extreme
def test_draws_hold_for_numbers_of_any_size(case):
    ball, _, x = case
    delta = ball.sample(x, generator=seeded())
    assert fits(delta, ball, x, x.dtype) and ball.contains(delta, x)


# ---------------------------------------------------------------- draws

DRAWS = 4000
# The generators are seeded, so nothing here fails by chance. A right sampler had one chance in a
# thousand to be rejected when the seed was picked.
UNLIKELY = 1e-3


@pytest.mark.parametrize("p", [*EXPONENTS, 40])
@pytest.mark.parametrize("d", [1, 2, 5])
def test_the_radius_of_a_draw_has_the_law_of_a_uniform_one(p, d):
    delta = NormBall(p, 0.4).sample(torch.zeros(DRAWS, d).double(), generator=seeded(d))
    # The part of the ball's volume within a radius is (radius / r)**d.
    volume = (norm(delta, p) / 0.4).astype(float) ** d
    assert stats.kstest(volume, "uniform").pvalue > UNLIKELY
    # Symmetric: a mean has standard deviation sd / sqrt(n), 4 of them are UNLIKELY / 10.
    assert (delta.mean(0).abs() <= 4 * delta.std(0) / math.sqrt(DRAWS)).all()


@pytest.mark.parametrize("p", [1, 2, 7])
def test_many_draws_show_no_small_deviation_from_the_uniform_law(p):
    # With n draws a deviation of the distribution function by 2 / sqrt(n) shows: here by 0.0045.
    delta = NormBall(p, 1).sample(torch.zeros(50 * DRAWS, 5).double(), generator=seeded(2))
    volume = torch.linalg.vector_norm(delta, ord=p, dim=-1).numpy() ** 5
    assert stats.kstest(volume, "uniform").pvalue > UNLIKELY


@pytest.mark.parametrize("p", EXPONENTS)
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


@each_set
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_draws_stay_inside(ball, dtype):
    x = images(500, 6, dtype=dtype)
    delta = ball.sample(x, generator=seeded())
    assert delta.shape == x.shape and delta.dtype == dtype
    # One rounding of x and one of the result, in the draw's own precision.
    assert ball.contains(delta, x, tolerance=4 * torch.finfo(dtype).eps).all()


@each_set
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


# ---------------------------------------------------------------- alone and in a batch


@pytest.mark.parametrize("p", [1.001, 1.1, 1.5, 3, 7, 100])
def test_a_row_is_projected_alike_alone_and_in_a_batch(p):
    # Rows that converge after few and after many steps of Newton's method.
    ball, v = NormBall(p, 0.4), normal(40, 5) * 10.0 ** torch.arange(-1, 3).repeat(10)[:, None]
    alone = torch.cat([ball.project(row[None]) for row in v])
    # Elementary functions may round apart by their place in memory; the power 1 / (p - 1) of the
    # difference comes out.
    rounding = 4e-15 * max(1, 1 / (p - 1))
    torch.testing.assert_close(ball.project(v), alone, rtol=rounding, atol=0)


# ---------------------------------------------------------------- shapes and data types


def rowwise(function, *arguments):
    return torch.stack([function(*row) for row in zip(*arguments, strict=True)])


@each_set
@each_method
def test_leading_dimensions_are_a_loop_over_rows(ball, method):
    v, x = normal(2, 3, 4), images(2, 3, 4)
    call = getattr(ball, method)
    got = call(v, x)
    expected = rowwise(call, v.reshape(6, 4), x.reshape(6, 4))
    assert got.shape == ((2, 3, 4) if method in ("maximiser", "project") else (2, 3))
    # Sums may be taken in another order; p = 1.1 multiplies that by 10 in Newton's method.
    rtol = 4e-14 if (ball.p, method) == (1.1, "project") else 1e-14
    torch.testing.assert_close(got.reshape(expected.shape), expected, rtol=rtol, atol=1e-15)


@each_boxed
@each_method
def test_in_a_box_arguments_and_examples_broadcast(ball, method):
    v, x = normal(4), images(3, 4)
    call = getattr(ball, method)
    torch.testing.assert_close(call(v, x), rowwise(call, v.expand(3, 4), x))
    several, one = normal(2, 1, 4), images(1, 3, 4)
    expected = call(several.expand(2, 3, 4).clone(), one.expand(2, 3, 4).clone())
    torch.testing.assert_close(call(several, one), expected)


@each_set
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_results_have_the_data_type_of_the_arguments_and_lie_in_the_set(ball, dtype):
    v, x = normal(50, 4, dtype=dtype), images(50, 4, dtype=dtype)
    for result in (ball.maximiser(v, x), ball.project(v, x)):
        assert result.dtype == dtype and ball.contains(result, x).all()
    assert ball.support(v, x).dtype == dtype
    # float32 has seven digits; the power 1 / (p - 1) = 10 of p = 1.1 costs one of them.
    wide = ball.maximiser(v.double(), x.double()), ball.project(v.double(), x.double())
    torch.testing.assert_close(ball.maximiser(v, x).double(), wide[0], rtol=0, atol=2e-6)
    torch.testing.assert_close(ball.project(v, x).double(), wide[1], rtol=0, atol=2e-6)


@each_boxed
def test_of_two_data_types_the_wider_one_comes_out(ball):
    for result in (
        ball.maximiser(normal(4), images(4, dtype=torch.float32)),
        ball.project(normal(4, dtype=torch.float32), images(4)),
    ):
        assert result.dtype == torch.float64


@each_boxed
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_examples_clipped_in_float32_are_in_the_box_whatever_its_bounds(ball, dtype):
    # In float32, 0.3 is a little more than 0.3 and 0.7 a little less.
    for low, high in [(0.7, 0.9), (0.1, 0.3)]:
        box = NormBall(ball.p, 0.4).in_box(low, high)
        x = images(50, 4, dtype=torch.float32).clamp(low, high)
        v = normal(50, 4, dtype=dtype)
        for delta in (box.maximiser(v, x), box.project(v, x)):
            assert box.contains(delta, x).all()
            assert (delta * v >= 0).all()  # never driven back from a face


MEAN, STD = 0.1307, 0.3081  # MNIST's, by which many programs normalise


@each_boxed
def test_data_normalised_in_float32_fits_bounds_computed_in_float64(ball):
    box = ball.in_box((0 - MEAN) / STD, (1 - MEAN) / STD)
    x = ((images(50, 4, dtype=torch.float32) - MEAN) / STD).double()
    assert float(x.min()) < box.low, "the test needs a value that rounding moved out of the box"
    v = normal(50, 4)
    for delta in (box.maximiser(v, x), box.project(v, x), box.sample(x, generator=seeded())):
        assert box.contains(delta, x).all()


@each_boxed
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_perturbed_example_can_be_the_next_one(ball, dtype):
    for low, high in [(0, 1), (0.1, 0.3), (-MEAN / STD, (1 - MEAN) / STD)]:
        box = ball.with_radius(0.7).in_box(low, high)
        x = (low + (high - low) * images(200, 4)).to(dtype)
        for seed in range(5):
            x = x + box.maximiser(normal(200, 4, seed=seed, dtype=dtype), x)
        assert box.contains(torch.zeros_like(x), x).all()


@each_boxed
@pytest.mark.parametrize(("dtype", "out"), [(torch.float64, 1e-6), (torch.bfloat16, 0.0625)])
def test_what_is_outside_by_more_than_rounding_is_refused_with_enough_digits(ball, dtype, out):
    text = (
        f"x must lie in [0, 1], got values from {-out:g} to 1: "
        "clip x, or give in_box the bounds of your data"
    )
    with raises(ValueError, text):
        ball.maximiser(vector(1.0, 1.0), vector(-out, 1.0, dtype=dtype))
    assert ball.contains(vector(0.0, 0.0), vector(-out / 3, 1.0, dtype=dtype))
    text = "x must lie in [-0.42421292, 2.8214865], got values from -0.42421492 to 1: clip x"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}"):
        box = ball.in_box(-MEAN / STD, (1 - MEAN) / STD)
        box.maximiser(vector(1.0, 1.0), vector(-MEAN / STD - 2e-6, 1.0))


# ---------------------------------------------------------------- construction


@pytest.mark.parametrize(("p", "dual"), [(1, INF), (INF, 1), (2, 2), (3, 1.5), (1.5, 3)])
def test_dual_exponents(p, dual):
    assert NormBall(p, 1).dual_p == pytest.approx(dual, rel=1e-15)
    assert NormBall(dual, 1).dual_p == pytest.approx(p, rel=1e-15)


@each_set
def test_with_radius_changes_the_radius_and_nothing_else(ball):
    other = ball.with_radius(2)
    assert type(other) is type(ball) and other.radius == 2 and isinstance(other.radius, float)
    assert dataclasses.replace(other, radius=ball.radius) == ball
    assert NormBall(1, 1).in_box(-2, 3).with_radius(2) == BoxedNormBall(1, 2, -2, 3)


def test_in_box_keeps_norm_and_radius():
    assert NormBall(2, 0.4).in_box() == BoxedNormBall(2, 0.4, 0, 1)
    assert NormBall(2, 0.4).in_box(-1, 2) == BoxedNormBall(2, 0.4, low=-1, high=2)
    assert NormBall(2, 0.4) != BoxedNormBall(2, 0.4)


def test_sets_are_values_their_fields_floats_and_fixed():
    ball = BoxedNormBall(2, 1, 0, 1)
    assert {ball: "key"}[BoxedNormBall(2.0, 1.0, 0.0, 1.0)] == "key"
    assert all(isinstance(value, float) for value in dataclasses.astuple(ball))
    with pytest.raises(dataclasses.FrozenInstanceError):
        ball.radius = 2


def test_a_plain_ball_ignores_the_example():
    ball, w = NormBall(2, 0.4), normal(5)
    for method in METHODS:
        got = getattr(ball, method)(w, vector(7.0))
        torch.testing.assert_close(got, getattr(ball, method)(w))


# ---------------------------------------------------------------- what raises, and what it says


def raises(error, text):
    return pytest.raises(error, match=f"^{re.escape(text)}$")


@pytest.mark.parametrize("p", [0.5, 0, -1, math.nan, "2", True, None])
def test_exponents_below_1_are_refused(p):
    text = (
        f"p must be a number in [1, inf], got {p!r}: below 1 there is no norm, use 1, 2 or math.inf"
    )
    with raises(ValueError, text):
        NormBall(p, 1)


@pytest.mark.parametrize("radius", [-0.1, math.inf, math.nan, "0.1", None])
def test_radii_below_0_or_infinite_are_refused(radius):
    text = (
        f"radius must be a finite number >= 0 in pixel units, got {radius!r}: use 0 for no attack"
    )
    with raises(ValueError, text):
        NormBall(2, radius)
    with raises(ValueError, text):
        NormBall(2, 1).in_box().with_radius(radius)


def test_a_box_takes_the_three_exponents_that_have_exact_solutions():
    with raises(
        ValueError,
        "p must be 1, 2 or inf for a ball in a box, got 1.5: "
        "use one of these, or a NormBall without the box",
    ):
        NormBall(1.5, 1).in_box()


@pytest.mark.parametrize(
    ("low", "high"), [(1, 0), (0, 0), (0, INF), (-INF, 0), (math.nan, 1), ("0", 1), (0, None)]
)
def test_boxes_without_an_inside_are_refused(low, high):
    with raises(
        ValueError,
        f"low and high must be finite numbers with low < high, got {low!r} and {high!r}: "
        "use 0 and 1 for pixels",
    ):
        NormBall(2, 1).in_box(low, high)


BAD_ROWS = [
    ([1.0], TypeError, "must be a torch tensor, got list: use torch.as_tensor"),
    (
        torch.tensor([1, 2]),
        TypeError,
        "must hold floating-point numbers, got torch.int64: "
        "use .double(), and / 255 for pixels stored as 0..255",
    ),
    (
        vector(1.0, math.nan, INF),
        ValueError,
        "must be finite, got 2 NaN or infinite entries: remove or repair them",
    ),
    (
        torch.tensor(1.0),
        ValueError,
        "must have shape (..., d) with at least one entry, got (): "
        "use reshape(1) on a number, and leave empty batches out",
    ),
    (
        torch.zeros(0, 3),
        ValueError,
        "must have shape (..., d) with at least one entry, got (0, 3): "
        "use reshape(1) on a number, and leave empty batches out",
    ),
]


@pytest.mark.parametrize("ball", [NormBall(2, 1), NormBall(2, 1).in_box()], ids=name)
@pytest.mark.parametrize(("bad", "error", "text"), BAD_ROWS)
def test_each_method_refuses_what_is_no_row_of_numbers(ball, bad, error, text):
    x = vector(0.5, 0.5, 0.5)
    for method in METHODS:
        argument = "w" if method in ("support", "maximiser") else "delta"
        with raises(error, f"{argument} {text}"):
            getattr(ball, method)(bad, x)
        if isinstance(ball, BoxedNormBall):
            with raises(error, f"x {text}"):
                getattr(ball, method)(x, bad)
    with raises(error, f"x {text}"):
        ball.sample(bad, generator=seeded())


@each_method
def test_in_a_box_the_example_is_needed(method):
    text = (
        "x must be given, got None: a boxed ball depends on the example, pass x or use a NormBall"
    )
    with raises(ValueError, text):
        getattr(NormBall(2, 1).in_box(), method)(vector(1.0))
    with raises(ValueError, text):
        NormBall(2, 1).in_box().sample(None, generator=seeded())


@pytest.mark.parametrize(
    ("box", "x", "text"),
    [
        ((0, 1), [0.0, 255.0], "[0, 1], got values from 0 to 255: divide pixels by 255"),
        (
            (0, 1),
            [0.5, 1.5],
            "[0, 1], got values from 0.5 to 1.5: clip x, or give in_box the bounds of your data",
        ),
        (
            (0, 1),
            [-3.0, 5.0],
            "[0, 1], got values from -3 to 5: clip x, or give in_box the bounds of your data",
        ),
        (
            (-1, 1),
            [0.0, 5.0],
            "[-1, 1], got values from 0 to 5: clip x, or give in_box the bounds of your data",
        ),
    ],
)
def test_examples_outside_the_box_are_refused(box, x, text):
    ball = NormBall(2, 1).in_box(*box)
    with raises(ValueError, f"x must lie in {text}"):
        ball.maximiser(vector(1.0, 1.0), vector(*x))
    with raises(ValueError, f"x must lie in {text}"):
        ball.sample(vector(*x), generator=seeded())


@pytest.mark.parametrize(
    ("w_shape", "x_shape"), [((3,), (2,)), ((1,), (3,)), ((2, 3), (4, 3)), ((3,), (3, 1))]
)
def test_shapes_that_do_not_belong_together_are_refused(w_shape, x_shape):
    for method, argument in zip(METHODS, ["w", "w", "delta", "delta"], strict=True):
        with raises(
            ValueError,
            f"{argument} and x must have the same number of features and leading dimensions that "
            f"broadcast, got {w_shape} and {x_shape}: reshape one of them",
        ):
            getattr(NormBall(2, 1).in_box(), method)(torch.ones(w_shape), torch.zeros(x_shape))


@each_set
@pytest.mark.parametrize("generator", [None, 0])
def test_draws_need_a_generator(ball, generator):
    with raises(
        TypeError,
        f"generator must be a torch.Generator, got {type(generator).__name__}: "
        "use torch.Generator().manual_seed(0)",
    ):
        ball.sample(images(2, 3), generator=generator)


@pytest.mark.parametrize("ball", [NormBall(2, 1), NormBall(2, 1).in_box()], ids=name)
@pytest.mark.parametrize("tolerance", [-1e-9, math.nan])
def test_negative_tolerances_are_refused(ball, tolerance):
    with raises(
        ValueError,
        f"tolerance must be a number >= 0, got {tolerance!r}: leave it out for the default",
    ):
        ball.contains(vector(0.1), vector(0.5), tolerance=tolerance)
