"""Bad input is named at the door: what was required, what came, what to do."""

import math

import numpy as np
import pytest
import torch
from oracles import says

from lectures_code import checks

X = torch.tensor([[0.0, 0.5], [1.0, 0.25]], dtype=torch.float64)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 2)])
def test_floats_of_any_shape_and_precision_pass_unchanged(dtype, shape):
    value = torch.zeros(shape, dtype=dtype)
    assert checks.check_float("w", value) is value


@pytest.mark.parametrize(
    ("value", "name"),
    [([1.0], "list"), (1.0, "float"), (np.zeros(2), "ndarray"), (None, "NoneType")],
)
def test_what_is_no_tensor_is_named(value, name):
    with says(TypeError, f"w must be a torch tensor, got {name}: use torch.as_tensor"):
        checks.check_float("w", value)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool, torch.complex64])
def test_pixels_that_are_no_floats_are_told_to_divide(dtype):
    text = f"x must hold floating-point numbers, got {dtype}: use .double(), and / 255 for pixels"
    with says(TypeError, f"{text} stored as 0..255"):
        checks.check_x(torch.ones(2, 2, dtype=dtype))


@pytest.mark.parametrize(
    ("bad", "count"), [([math.nan], 1), ([math.inf, 0.0], 1), ([-math.inf, math.nan], 2)]
)
def test_not_a_number_and_infinity_are_counted(bad, count):
    text = f"w must be finite, got {count} NaN or infinite entries: remove or repair them"
    with says(ValueError, text):
        checks.check_float("w", torch.tensor(bad))


def test_a_batch_passes_unchanged():
    assert checks.check_x(X) is X
    one = X[:1, :1]
    assert checks.check_x(one) is one


@pytest.mark.parametrize("shape", [(), (4,), (2, 28, 28)])
def test_a_batch_must_have_two_dimensions(shape):
    text = f"x must have shape (n, d), got {shape}: use x.reshape(len(x), -1) on images"
    with says(ValueError, text):
        checks.check_x(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_a_batch_must_not_be_empty(shape):
    text = f"x must hold at least one example and one feature, got shape {shape}"
    with says(ValueError, f"{text}: leave empty batches out"):
        checks.check_x(torch.zeros(shape))


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.float32, torch.float64])
@pytest.mark.parametrize("values", [[1, -1], [1, 1], [-1, -1]])
def test_labels_of_any_number_type_pass_unchanged(dtype, values):
    y = torch.tensor(values, dtype=dtype)
    assert checks.check_labels(y, 2) is y


@pytest.mark.parametrize(
    ("values", "seen", "advice"),
    [
        ([0, 1], "0 and 1", "use 2*y - 1"),
        ([0, 0], "0", "use 2*y - 1"),
        ([False, True], "0 and 1", "use 2*y - 1"),
        ([1, 2], "1 and 2", "keep two classes and code them -1 and +1"),
        ([-1, 0, 1], "-1 and 0 and 1", "keep two classes and code them -1 and +1"),
        ([3, 1, 4, 5], "1 and 3 and 4 ...", "keep two classes and code them -1 and +1"),
        ([1.0, math.nan], "1 and nan", "keep two classes and code them -1 and +1"),
        ([1.0, 0.5], "0.5 and 1", "keep two classes and code them -1 and +1"),
    ],
)
def test_other_labels_are_shown_with_the_way_out(values, seen, advice):
    y = torch.tensor(values)
    with says(ValueError, f"labels must be -1 or +1, got {seen}: {advice}"):
        checks.check_labels(y, len(y))


def test_labels_must_be_a_tensor():
    with says(TypeError, "y must be a torch tensor, got list: use torch.as_tensor"):
        checks.check_labels([1, -1], 2)


@pytest.mark.parametrize(
    ("shape", "advice"),
    [
        ((2, 1), "use y.reshape(-1)"),
        ((1, 2), "use y.reshape(-1)"),
        ((3,), "pass the labels of these examples"),
        ((0,), "pass the labels of these examples"),
        ((), "pass the labels of these examples"),
    ],
)
def test_labels_must_match_the_examples(shape, advice):
    text = f"y must have shape (2,), one label for each example, got {shape}: {advice}"
    with says(ValueError, text):
        checks.check_labels(torch.ones(shape), 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_labels_take_the_type_of_the_examples(dtype):
    x, y = checks.check_examples(X.to(dtype), torch.tensor([-1, 1]))
    assert x.dtype == y.dtype == dtype
    assert y.tolist() == [-1.0, 1.0]


@pytest.mark.parametrize("p", [1, 1.0, 1.5, 2, 1e9, math.inf, np.float64(3)])
def test_exponents_from_one_to_infinity_pass_as_floats(p):
    assert checks.check_exponent(p) == p
    assert isinstance(checks.check_exponent(p), float)


@pytest.mark.parametrize("p", [0.999, 0, -1, -math.inf, math.nan, "inf", None, True, [2]])
def test_other_exponents_are_refused(p):
    text = (
        f"p must be a number in [1, inf], got {p!r}: below 1 there is no norm, use 1, 2 or math.inf"
    )
    with says(ValueError, text):
        checks.check_exponent(p)


@pytest.mark.parametrize("radius", [0, 0.0, -0.0, 1, 0.2, 1e300, np.float64(0.5)])
def test_radii_from_zero_pass_as_floats(radius):
    assert checks.check_radius(radius) == radius
    assert isinstance(checks.check_radius(radius), float)


@pytest.mark.parametrize("radius", [-1e-300, -1, math.nan, math.inf, -math.inf, "0.2", None, False])
def test_other_radii_are_refused(radius):
    text = (
        f"radius must be a finite number >= 0 in pixel units, got {radius!r}: use 0 for no attack"
    )
    with says(ValueError, text):
        checks.check_radius(radius)


@pytest.mark.parametrize("value", [1, 1e-300, 0.1])
def test_positive_numbers_pass_as_floats(value):
    assert checks.check_positive("step_size", value) == value
    assert isinstance(checks.check_positive("step_size", value), float)


@pytest.mark.parametrize("value", [0, 0.0, -1, math.nan, math.inf, "1", None, True])
def test_other_numbers_are_refused(value):
    text = f"step_size must be a finite number > 0, got {value!r}: pass a positive one"
    with says(ValueError, text):
        checks.check_positive("step_size", value)


def test_counts_from_the_least_on_pass_unchanged():
    assert checks.check_count("n", 1) == 1
    assert checks.check_count("n", 10**9) == 10**9
    assert checks.check_count("n", 0, least=0) == 0


@pytest.mark.parametrize(
    ("value", "least"), [(0, 1), (-1, 1), (1, 2), (1.0, 1), (True, 1), ("3", 1)]
)
def test_other_counts_are_refused(value, least):
    with says(ValueError, f"n must be a whole number >= {least}, got {value!r}"):
        checks.check_count("n", value, least=least)
