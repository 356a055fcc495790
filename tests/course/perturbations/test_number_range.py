"""Numbers from the smallest to the largest of a data type."""

import math

import numpy as np
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lectures_code.perturbations import BoxedNormBall, NormBall
from tests.course.perturbations.cases import (
    BASIC_EXPONENTS,
    DTYPES,
    EXPONENTS,
    ROUNDING,
    seeded,
    vector,
)
from tests.oracles import largest, norm


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
def extreme_cases(draw, exponents):
    """As `cases`, with all of a data type's numbers, all float64 radii, and boxes of any size."""
    dtype, d = draw(st.sampled_from(DTYPES)), draw(st.integers(1, 4))
    ball = NormBall(draw(st.sampled_from(exponents)), abs(draw(numbers(torch.float64))))
    v = torch.tensor(draw(st.lists(numbers(dtype), min_size=d, max_size=d)), dtype=dtype)
    x = torch.zeros(d, dtype=dtype)
    if ball.p in BASIC_EXPONENTS and draw(st.booleans()):
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


def each_extreme(exponents=EXPONENTS):
    def of_each(test):
        for case in EXTREMES:
            if case[0].p in exponents:
                test = example(case)(test)
        return settings(max_examples=150)(given(extreme_cases(exponents))(test))

    return of_each


@each_extreme()
def test_support_and_maximiser_hold_for_numbers_of_any_size(case):
    ball, w, x = case
    dtype, r = w.dtype, np.longdouble(ball.radius)
    limits, few = torch.finfo(dtype), least(dtype)
    eps = max(2 * limits.eps, 10 * ROUNDING)
    exact = largest(exactly(w), x, ball)
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


@each_extreme(BASIC_EXPONENTS)
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
    best = largest(step, x, ball)
    assert best - (step * exactly(nearest)).sum() <= tolerance


@each_extreme(BASIC_EXPONENTS)
def test_draws_hold_for_numbers_of_any_size(case):
    ball, _, x = case
    delta = ball.sample(x, generator=seeded())
    assert fits(delta, ball, x, x.dtype) and ball.contains(delta, x)
