"""Checks of arguments whose last dimension holds the features."""

import math

import torch
from torch import Tensor

from lectures_code.checks import check_float, real


def check_rows(name: str, value: object) -> Tensor:
    """Return `value` if it is a finite floating-point (..., d) tensor with at least one entry."""
    value = check_float(name, value)
    if value.ndim == 0 or value.numel() == 0:
        raise ValueError(
            f"{name} must have shape (..., d) with at least one entry, got {tuple(value.shape)}: "
            "use reshape(1) on a number, and leave empty batches out"
        )
    return value


def relative_tolerance(tolerance: float | None, like: Tensor) -> float:
    if tolerance is None:
        return math.sqrt(torch.finfo(like.dtype).eps)
    number = real(tolerance)
    if not number >= 0:
        raise ValueError(
            f"tolerance must be a number >= 0, got {tolerance!r}: leave it out for the default"
        )
    return number
