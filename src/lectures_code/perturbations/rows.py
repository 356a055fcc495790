"""Checks of arguments whose last dimension holds the features."""

import math

import torch
from torch import Tensor

from lectures_code.checks import check_float, real


def check_rows(name: str, value: object, *, finite: bool = True) -> Tensor:
    """Return `value` if it is a floating-point (..., d) tensor with entries, by default finite."""
    value = check_float(name, value, finite=finite)
    if value.ndim == 0 or value.numel() == 0:
        raise ValueError(
            f"{name} must have shape (..., d) with at least one entry, got {tuple(value.shape)}: "
            "use reshape(1) on a number, and leave empty batches out"
        )
    return value


def check_alpha(alpha: object, n: int) -> Tensor:
    """Return `alpha` if it holds a finite number >= 0 for each of n examples, shape (n,)."""
    alpha = check_float("alpha", alpha)
    if alpha.shape != (n,) or not (alpha >= 0).all():
        raise ValueError(
            f"alpha must hold {n} numbers >= 0, one for each example, got shape "
            f"{tuple(alpha.shape)} and least {float(alpha.min()) if alpha.numel() else None}: "
            "pass how much each example counts"
        )
    return alpha


def relative_tolerance(tolerance: float | None, like: Tensor) -> float:
    if tolerance is None:
        return math.sqrt(torch.finfo(like.dtype).eps)
    number = real(tolerance)
    if not number >= 0:
        raise ValueError(
            f"tolerance must be a number >= 0, got {tolerance!r}: leave it out for the default"
        )
    return number
