"""Bad input is named where it was made: what was required, what was received, what to do."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from lectures_code import checks
from tests.oracles import REALS, WHOLE, says

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


@pytest.mark.parametrize("dtype", [torch.float8_e5m2, torch.float8_e4m3fn])
def test_floats_that_torch_does_not_compute_with_are_refused(dtype):
    value = torch.ones(2, 2).to(dtype)
    text = f"x must hold numbers of at least 16 bits, got {dtype}: use .double()"
    with says(TypeError, text):
        checks.check_x(value)
    assert checks.check_x(value.double()).tolist() == [[1, 1], [1, 1]]


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
    if len(shape) == 3:
        text += ", and nn.Sequential(nn.Unflatten(1, (28, 28)), model) on a model of images"
    with says(ValueError, text):
        checks.check_x(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_a_batch_must_not_be_empty(shape):
    text = f"x must hold at least one example and one feature, got shape {shape}"
    with says(ValueError, f"{text}: leave empty batches out"):
        checks.check_x(torch.zeros(shape))


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.float32, torch.float64])
@pytest.mark.parametrize("values", [[1, -1], [1, 1], [-1, -1]])
def test_labels_of_any_number_type_pass_as_float64(dtype, values):
    y = checks.check_labels(torch.tensor(values, dtype=dtype), 2)
    assert y.dtype == torch.float64
    assert y.tolist() == values


@pytest.mark.parametrize(
    ("values", "seen", "advice"),
    [
        ([0, 1], "0 and 1", "use 2 * y.long() - 1"),
        ([0, 0], "0", "use 2 * y.long() - 1"),
        ([False, True], "0 and 1", "use 2 * y.long() - 1"),
        ([1, 2], "1 and 2", "keep two classes and code them -1 and +1"),
        ([-1, 0, 1], "-1 and 0 and 1", "keep two classes and code them -1 and +1"),
        ([3, 1, 4, 5], "1 and 3 and 4 ...", "keep two classes and code them -1 and +1"),
        ([1.0, math.nan], "1 and nan", "keep two classes and code them -1 and +1"),
        ([1.0, 0.5], "0.5 and 1", "keep two classes and code them -1 and +1"),
        ([math.nan, math.nan], "nan", "keep two classes and code them -1 and +1"),
        ([1, 255], "1 and 255", "keep two classes and code them -1 and +1"),
    ],
)
def test_other_labels_are_shown_with_the_way_out(values, seen, advice):
    y = torch.tensor(values)
    with says(ValueError, f"labels must be -1 or +1, got {seen}: {advice}"):
        checks.check_labels(y, len(y))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.uint32, torch.uint64])
@pytest.mark.parametrize("signs", [[1, -1], [-1, -1]])
def test_minus_one_in_a_dtype_without_signs_is_no_label(dtype, signs):
    """In uint8 -1 is 255, and torch says that 255 == -1 there."""
    y = torch.tensor(signs).to(dtype)
    largest = f"{float(torch.iinfo(dtype).max):g}"
    seen = largest if 1 not in signs else f"1 and {largest}"
    advice = "-1 has no place in this dtype, use 2 * (y == 1).long() - 1"
    with says(ValueError, f"labels must be -1 or +1, got {seen}: {advice}"):
        checks.check_labels(y, 2)
    with says(
        ValueError,
        f"y must hold class numbers from 0 to 1 for 2 logits, got {largest}: "
        "use (y == 1).long() for labels -1 and +1",
    ):
        checks.check_classes(y, 2, 2)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint64, torch.int8, torch.float16])
def test_class_numbers_of_any_number_type_pass_as_int64(dtype):
    y = checks.check_classes(torch.tensor([2, 0, 1], dtype=dtype), 3, 3)
    assert y.dtype == torch.int64
    assert y.tolist() == [2, 0, 1]
    assert checks.check_classes(torch.tensor([True, False]), 2, 2).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("values", "seen", "advice"),
    [
        ([-1, 1], "-1", "use (y == 1).long() for labels -1 and +1"),
        ([-1.0, -1.0], "-1", "use (y == 1).long() for labels -1 and +1"),
        ([1, 2, 3], "3", "count from 0, use y.long() - 1"),
        ([0, 3], "3", "count the classes from 0"),
        ([0, 1, 7, 5, 4, 3], "3 and 4 and 5 ...", "count the classes from 0"),
        ([0.0, 0.5], "0.5", "count the classes from 0"),
        ([0.0, math.nan], "nan", "count the classes from 0"),
        ([0.0, math.inf], "inf", "count the classes from 0"),
    ],
)
def test_other_class_numbers_are_shown_with_the_way_out(values, seen, advice):
    y = torch.tensor(values)
    text = f"y must hold class numbers from 0 to 2 for 3 logits, got {seen}: {advice}"
    with says(ValueError, text):
        checks.check_classes(y, len(y), 3)


@pytest.mark.parametrize("check", [checks.check_labels, lambda y, n: checks.check_classes(y, n, 2)])
@pytest.mark.parametrize("dtype", [torch.complex64, getattr(torch, "int4", torch.complex128)])
def test_labels_without_an_order_or_without_arithmetic_are_refused(check, dtype):
    zeros = torch.zeros(2, dtype=torch.uint8)
    y = torch.ones(2, dtype=dtype) if dtype.is_complex else zeros.view(dtype)
    text = f"y must hold integers, truth values or floating-point numbers, got {dtype}: "
    with says(TypeError, text + "make a tensor of int64 of them"):
        check(y, 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_was_made_in_inference_mode_can_be_used_outside(dtype):
    with torch.inference_mode():
        x, y = torch.ones(2, 3, dtype=dtype), torch.ones(2, dtype=dtype)
    weights = torch.zeros(3, dtype=dtype, requires_grad=True)
    x, y = checks.check_examples(x, y)
    (y * (x @ weights)).sum().backward()
    assert weights.grad.tolist() == [2.0, 2.0, 2.0]


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


NO_REALS = [
    *(None, "1", b"1", [1], True, np.True_, torch.tensor(True), np.array(True), np.array("1")),
    *(1 + 0j, np.complex64(1), torch.tensor(1 + 0j)),
    *(torch.ones(1), np.ones(1), np.ones((1, 1), int), torch.ones((), device="meta")),
    *(math.nan, np.float32("nan"), torch.tensor(math.nan)),
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", REALS)
@pytest.mark.parametrize("check", [checks.real, checks.check_radius, checks.check_exponent])
def test_a_real_number_of_any_kind_is_taken_for_what_it_is(kind, check):
    value = 1 if kind in WHOLE else 1.5
    taken = check(REALS[kind](value))
    assert type(taken) is float
    assert taken == value


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", REALS)
def test_only_whole_numbers_of_an_integer_kind_are_counts(kind):
    value = REALS[kind](3)
    if kind in WHOLE:
        taken = checks.check_count("n", value)
        assert type(taken) is int
        assert taken == 3
    else:
        with says(ValueError, f"n must be a whole number >= 1, got {value!r}"):
            checks.check_count("n", value)


@pytest.mark.parametrize("value", NO_REALS, ids=repr)
def test_what_is_no_real_number_is_refused_as_every_kind_of_argument(value):
    assert math.isnan(checks.real(value))
    for check in (
        checks.check_radius,
        checks.check_exponent,
        lambda value: checks.check_positive("step_size", value),
        lambda value: checks.check_count("n", value),
    ):
        with pytest.raises(ValueError, match="must be a") as raised:
            check(value)
        assert repr(value) in str(raised.value)


def test_numbers_beyond_those_of_float_are_infinite_or_0():
    assert checks.real(10**400) == math.inf
    assert checks.real(Fraction(-(10**400))) == -math.inf
    assert checks.real(Decimal("1e400")) == math.inf
    with pytest.raises(ValueError, match="radius must be a finite number"):
        checks.check_radius(10**400)
    with pytest.raises(ValueError, match="step_size must be a finite number > 0"):
        checks.check_positive(
            "step_size", Fraction(1, 10**400)
        )  # 0 in the steps that it would size


@pytest.mark.parametrize(
    "generator", [0, None, torch.Generator, torch.default_generator.get_state()]
)
def test_what_is_no_generator_is_named(generator):
    text = f"generator must be a torch.Generator, got {type(generator).__name__}"
    with says(TypeError, f"{text}: use torch.Generator().manual_seed(0)"):
        checks.check_generator(generator)


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
