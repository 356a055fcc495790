"""Numbers of any size and of any data type."""

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lectures_code.perturbations import BoxedNormBall, NormBall
from tests.course.perturbations.cases import (
    BASIC,
    BASIC_EXPONENTS,
    DTYPES,
    EXPONENTS,
    METHODS,
    ROUNDING,
    SETS,
    each_boxed,
    each_method,
    each_set,
    images,
    normal,
)
from tests.oracles import largest, norm, says, seeded, vector


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


def rowwise(function, *arguments):
    return torch.stack([function(*row) for row in zip(*arguments, strict=True)])


@pytest.mark.parametrize(
    ("ball", "method"),
    [(ball, method) for ball in SETS for method in METHODS if method != "project" or ball in BASIC],
)
def test_leading_dimensions_are_a_loop_over_rows(ball, method):
    v, x = normal(2, 3, 4), images(2, 3, 4)
    call = getattr(ball, method)
    got = call(v, x)
    expected = rowwise(call, v.reshape(6, 4), x.reshape(6, 4))
    assert got.shape == ((2, 3, 4) if method in ("maximiser", "project") else (2, 3))
    # Sums may be taken in another order.
    torch.testing.assert_close(got.reshape(expected.shape), expected, rtol=1e-14, atol=1e-15)


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
    assert ball.support(v, x).dtype == dtype
    for method in [ball.maximiser, ball.project] if ball in BASIC else [ball.maximiser]:
        result, wide = method(v, x), method(v.double(), x.double())
        assert result.dtype == dtype and ball.contains(result, x).all()
        # float32 has seven digits; the power 1 / (p - 1) = 10 of p = 1.1 costs one of them.
        torch.testing.assert_close(result.double(), wide, rtol=0, atol=2e-6)


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
    with says(ValueError, text):
        ball.maximiser(vector(1.0, 1.0), vector(-out, 1.0, dtype=dtype))
    assert ball.contains(vector(0.0, 0.0), vector(-out / 3, 1.0, dtype=dtype))
    text = "x must lie in [-0.42421292, 2.8214865], got values from -0.42421492 to 1: clip x"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}"):
        box = ball.in_box(-MEAN / STD, (1 - MEAN) / STD)
        box.maximiser(vector(1.0, 1.0), vector(-MEAN / STD - 2e-6, 1.0))
