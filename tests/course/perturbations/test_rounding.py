"""Shapes and data types, and examples that rounding moved out of the box."""

import re

import pytest
import torch

from lectures_code.perturbations import NormBall
from tests.course.perturbations.cases import (
    BASIC,
    DTYPES,
    METHODS,
    SETS,
    each_boxed,
    each_method,
    each_set,
    images,
    normal,
    seeded,
    vector,
)
from tests.oracles import says


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
