"""The direction of steepest ascent in a norm, and values that bring their own gradient."""

import math
from typing import Any

import torch
from torch import Tensor

from lectures_code.perturbations.scaling import relative


def steepest(w: Tensor, p: float) -> Tensor:
    """The point of the unit ball at which <w, .> is largest, as documented for `maximiser`.

    It is the gradient of the dual norm, and for 1 < p < inf differentiable in its turn.
    """
    if math.isinf(p):
        return w.sign()
    if p == 1:
        first = w.abs().argmax(-1, keepdim=True)
        return torch.zeros_like(w).scatter(-1, first, w.gather(-1, first).sign())
    shape = relative(w)
    if p != 2:
        # The power q - 1 = 1 / (p - 1) of entries of at most 1 can't overflow.
        shape = shape.sign() * shape.abs() ** (1 / (p - 1))
    # Dividing by their own p-norm, at least 1 unless w = 0, leads to the sphere for every p.
    length = torch.linalg.vector_norm(shape, ord=p, dim=-1, keepdim=True)
    return shape / length.clamp(min=1)


class GivenGradient(torch.autograd.Function):
    """A value for each row of `w` whose gradient in `w` was computed beside it.

    What autograd would find by itself is multiplied by scales and divided by them again, and so
    loses digits where these are subnormal.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(w: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(inputs[2])
        ctx.save_for_forward(inputs[2])

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return slope.unsqueeze(-1) * gradient, None, None

    @staticmethod
    def jvp(ctx: Any, direction: Tensor, *_: object) -> Tensor:
        (gradient,) = ctx.saved_tensors
        return (gradient * direction).sum(-1)
