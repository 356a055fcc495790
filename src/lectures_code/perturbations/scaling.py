"""Rows of numbers of any size, scaled by powers of two: nothing overflows, and no digit is lost."""

import math

import torch
from torch import Tensor

LEAST = 2.0**-1074  # the smallest positive float64


def scaled(v: Tensor) -> tuple[Tensor, Tensor]:
    """Rows divided by 2**exponent, so that the largest entry is in [1/2, 1); and the exponents.

    Powers of two change no digit, and none is too small: 1 over a subnormal number is infinite.
    """
    exponent = torch.frexp(v.detach().abs().amax(-1, keepdim=True)).exponent.long()
    return times_power_of_two(v, -exponent), exponent


def times_power_of_two(v: Tensor, exponent: Tensor) -> Tensor:
    """v * 2**exponent: if need be in three steps, since 2**1024 is too large for float64."""
    parts = [exponent]
    if exponent.abs().max() > 1000:
        parts = [exponent // 3, (exponent + 1) // 3, (exponent + 2) // 3]
    for part in parts:
        v = v * ((part + 1023) << 52).view(torch.float64)  # 2**part, by its bits
    return v


def inner_product(v: Tensor, w: Tensor) -> Tensor:
    """<v, w> for each row; scaled by its largest product, not by the largest factors."""
    (v, of_v), (w, of_w) = torch.frexp(v), torch.frexp(w)
    products, exponent = v * w, (of_v + of_w).long()
    largest = exponent.masked_fill(products == 0, -2200).amax(-1, keepdim=True)
    terms = times_power_of_two(products, (exponent - largest).clamp(-2200, 0))
    return times_power_of_two(terms.sum(-1), largest.squeeze(-1))


def relative(v: Tensor) -> Tensor:
    """Rows divided by their largest absolute entry (rows of zeros as they are)."""
    rows, _ = scaled(v)
    largest = rows.detach().abs().amax(-1, keepdim=True)
    return rows / largest.masked_fill(largest == 0, 1)


def scaled_norm(v: Tensor, p: float) -> tuple[Tensor, Tensor]:
    """The p-norm of each row as a number and the power of two by which to multiply it."""
    rows, exponent = scaled(v)
    length = torch.linalg.vector_norm(rows, ord=min(p, 1000.0), dim=-1)
    if p > 1000:  # the power p of entries of 1/2 and more would be 0
        largest = rows.abs().amax(-1)
        length = largest * torch.linalg.vector_norm(relative(rows), ord=p, dim=-1)
    return length, exponent.squeeze(-1)


def norm(v: Tensor, p: float) -> Tensor:
    """The p-norm of each row; too large only where the norm itself is."""
    return times_power_of_two(*scaled_norm(v, p))


def within(v: Tensor, p: float, radius: float, tolerance: float = 0.0) -> Tensor:
    """Whether the p-norm of each row is at most (1 + tolerance) * radius."""
    norm, exponent = scaled_norm(v, p)
    mantissa, shift = math.frexp(radius)
    # Compared at the norm's own scale: among subnormal numbers it would be rounded first.
    bound = torch.full_like(norm, (1 + tolerance) * mantissa)
    return norm <= times_power_of_two(bound, shift - exponent)


def at_radius(in_radii: Tensor, radius: float) -> Tensor:
    """radius * in_radii, in the ball also where the radius is but a few of the least numbers."""
    if in_radii.shape[-1] * LEAST < torch.finfo(in_radii.dtype).eps * radius:
        return radius * in_radii
    # Multiples of the least number, rounded towards 0: rounding up could double an entry.
    return (in_radii * (radius / LEAST)).trunc() * LEAST


def rounded(v: Tensor, dtype: torch.dtype) -> Tensor:
    """Float64 as another data type: towards 0 below its normal numbers, for the same reason."""
    if dtype == v.dtype:
        return v
    limits = torch.finfo(dtype)
    least = limits.tiny * limits.eps
    v = v.where(v.abs() >= limits.tiny, (v / least).trunc() * least)
    return v.clamp(-limits.max, limits.max).to(dtype)
