"""Checks of arguments: each error says what was required, what was received, and what to do.

Public functions call these on their arguments first, so that a mistake (labels 0 and 1, pixels
0..255) is named where it was made and does not come out as a wrong number three calls later.
"""

import decimal
import math
import numbers
import operator
from typing import Any

import torch
from torch import Tensor


def check_float(name: str, value: object, *, finite: bool = True) -> Tensor:
    """Return `value` if it is a floating-point tensor, by default without NaN or infinity.

    A tensor that was made in inference mode, which autograd refuses to work with, is copied.
    """
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{name} must be a torch tensor, got {type(value).__name__}: use torch.as_tensor"
        )
    if not value.is_floating_point():
        raise TypeError(
            f"{name} must hold floating-point numbers, got {value.dtype}: "
            "use .double(), and / 255 for pixels stored as 0..255"
        )
    if value.dtype.itemsize < 2:
        raise TypeError(
            f"{name} must hold numbers of at least 16 bits, got {value.dtype}: use .double()"
        )
    # A sum is finite only if its terms are, and costs a fraction of looking at each of them.
    if finite and not torch.isfinite(value.sum()) and not torch.isfinite(value).all():
        bad = int((~torch.isfinite(value)).sum())
        raise ValueError(
            f"{name} must be finite, got {bad} NaN or infinite entries: remove or repair them"
        )
    return value.clone() if value.is_inference() else value


def check_x(x: object) -> Tensor:
    """Return `x` if it is a non-empty batch of examples, a finite floating-point (n, d) tensor."""
    x = check_float("x", x)
    if x.ndim != 2:
        advice = "use x.reshape(len(x), -1) on images"
        if x.ndim > 2:
            shape = tuple(x.shape[1:])
            advice += f", and nn.Sequential(nn.Unflatten(1, {shape}), model) on a model of images"
        raise ValueError(f"x must have shape (n, d), got {tuple(x.shape)}: {advice}")
    if x.shape[0] == 0 or x.shape[1] == 0:
        raise ValueError(
            f"x must hold at least one example and one feature, got shape {tuple(x.shape)}: "
            "leave empty batches out"
        )
    return x


def check_targets(y: object, n: int) -> Tensor:
    """Return `y` if it holds a label of any number type for each of n examples, shape (n,).

    As float64 where PyTorch cannot take single examples out of its dtype.
    """
    y = _one_for_each(y, n)
    values = _values(y)
    try:
        y[torch.arange(min(n, 1), device=y.device)]
    except RuntimeError:  # before PyTorch 2.5: uint16 and float8, for instance
        return values
    return y


def _one_for_each(y: object, n: int) -> Tensor:
    """Return `y` if it is a tensor of shape (n,)."""
    if not isinstance(y, Tensor):
        raise TypeError(f"y must be a torch tensor, got {type(y).__name__}: use torch.as_tensor")
    if y.shape != (n,):
        raise ValueError(
            f"y must have shape ({n},), one label for each example, got {tuple(y.shape)}"
            + (": use y.reshape(-1)" if y.numel() == n else ": pass the labels of these examples")
        )
    return y


def check_labels(y: object, n: int) -> Tensor:
    """Return `y` as float64 if it holds n labels of any number type, each -1 or +1, shape (n,)."""
    y = _one_for_each(y, n)
    values = _values(y)
    if not (values.abs() == 1).all():
        seen = set(values.tolist())
        if seen <= {0, 1}:
            advice = "use 2 * y.long() - 1"
        elif seen <= _WRAPPED.get(y.dtype, set()):
            advice = "-1 has no place in this dtype, use 2 * (y == 1).long() - 1"
        else:
            advice = "keep two classes and code them -1 and +1"
        raise ValueError(f"labels must be -1 or +1, got {_shown(seen)}: {advice}")
    return values


def check_classes(y: object, n: int, k: int) -> Tensor:
    """Return `y` as int64 if it holds n class numbers 0 .. k-1 of any number type, shape (n,)."""
    y = _one_for_each(y, n)
    values = _values(y)
    classes = values.long()
    allowed = (values == classes) & (classes >= 0) & (classes < k)
    if not allowed.all():
        seen, wrong = set(values.tolist()), set(values[~allowed].tolist())
        if seen <= {-1, 1} or seen <= _WRAPPED.get(y.dtype, set()):
            advice = "use (y == 1).long() for labels -1 and +1"
        elif wrong == {k} and 0 not in seen:
            advice = "count from 0, use y.long() - 1"
        else:
            advice = "count the classes from 0"
        raise ValueError(
            f"y must hold class numbers from 0 to {k - 1} for {k} logits, "
            f"got {_shown(wrong)}: {advice}"
        )
    return classes


# What +1 and -1 become in dtypes without negative numbers.
_WRAPPED = {
    dtype: {1.0, float(torch.iinfo(dtype).max)}
    for dtype in (torch.uint8, torch.uint16, torch.uint32, torch.uint64)
}


def _values(y: Tensor) -> Tensor:
    """The labels as float64, to be checked and used: in uint8, 255 == -1 holds."""
    if not y.is_complex():
        try:
            values = y.detach().to(torch.float64)
            return values.clone() if values.is_inference() else values
        except RuntimeError:  # quantised numbers, and parts of bytes
            pass
    raise TypeError(
        f"y must hold integers, truth values or floating-point numbers, got {y.dtype}: "
        "make a tensor of int64 of them"
    )


def _shown(values: set[float]) -> str:
    """The first three of the values, NaN last, for an error."""
    texts = list(dict.fromkeys(f"{v:g}" for v in sorted(values, key=lambda v: (v != v, v))))
    return " and ".join(texts[:3]) + (" ..." if len(texts) > 3 else "")


def check_examples(x: object, y: object) -> tuple[Tensor, Tensor]:
    """Return `(x, y)` if they are n examples (n, d) with n labels in {-1, +1}, in x's dtype."""
    x = check_x(x)
    return x, check_labels(y, len(x)).to(x.dtype)


def plain(value: Any) -> Any:
    """An entry of a tensor or array of shape () as a Python number; a NumPy scalar too."""
    if getattr(value, "ndim", None) != 0:
        return value
    try:
        return value.item()
    except RuntimeError:  # a tensor without a value, on the device "meta"
        return None


def real(value: object) -> float:
    """Return `value` as a float if it is one real number of any kind, and NaN if it is not.

    Python's numbers, fractions and decimals, numpy's scalars, and arrays and tensors of shape ().
    Truth values, text and complex numbers are no real numbers.
    """
    number = plain(value)
    is_real = isinstance(number, (numbers.Real, decimal.Decimal)) and not isinstance(number, bool)
    if not is_real:
        return math.nan
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def check_exponent(p: float) -> float:
    """Return the exponent `p` of a norm as a float if 1 <= p <= inf."""
    number = real(p)
    if not number >= 1:
        raise ValueError(
            f"p must be a number in [1, inf], got {p!r}: below 1 there is no norm, "
            "use 1, 2 or math.inf"
        )
    return number


def check_radius(radius: float) -> float:
    """Return `radius` as a float if it is finite and not negative."""
    number = real(radius)
    if not 0 <= number < math.inf:
        raise ValueError(
            f"radius must be a finite number >= 0 in pixel units, got {radius!r}: "
            "use 0 for no attack"
        )
    return number


def check_positive(name: str, value: float) -> float:
    """Return `value` as a float if it is finite and positive."""
    number = real(value)
    if not 0 < number < math.inf:
        raise ValueError(f"{name} must be a finite number > 0, got {value!r}: pass a positive one")
    return number


def check_count(name: str, value: int, *, least: int = 1) -> int:
    """Return `value` as an int if it is a whole number of any integer kind, at least `least`."""
    number = plain(value)
    try:
        whole = None if isinstance(number, bool) else operator.index(number)
    except TypeError:
        whole = None
    if whole is None or whole < least:
        raise ValueError(f"{name} must be a whole number >= {least}, got {value!r}")
    return whole


def check_image_shape(shape: tuple[int, int], d: int) -> tuple[int, int]:
    """Return height and width as int; raise unless they are two counts whose product is d."""
    try:
        height, width = (check_count("shape", each) for each in shape)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"shape must be height and width of an image, two counts, got {shape!r}"
        ) from error
    if height * width != d:
        raise ValueError(
            f"shape must be that of an image of {d} pixels, got {height} x {width} = "
            f"{height * width}: x has one column for each pixel"
        )
    return height, width


def check_generator(generator: object) -> torch.Generator:
    """Return `generator` if it is a source of random numbers."""
    if not isinstance(generator, torch.Generator):
        raise TypeError(
            f"generator must be a torch.Generator, got {type(generator).__name__}: "
            "use torch.Generator().manual_seed(0)"
        )
    return generator
