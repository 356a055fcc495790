"""Uniform draws."""

import math

import torch
from torch import Tensor


def uniform(
    shape: tuple[int, ...], generator: torch.Generator, dtype: torch.dtype = torch.float64
) -> Tensor:
    return torch.rand(shape, generator=generator, device=generator.device, dtype=dtype)


def uniform_in_unit_ball(shape: tuple[int, ...], p: float, generator: torch.Generator) -> Tensor:
    r"""Draw uniformly from the unit ball of the p-norm, p = 1, 2 or inf, float64.

    :math:`g / (\sum_j |g_j|^p + E)^{1/p}` with independent :math:`g_j` of density proportional to
    :math:`\exp(-|t|^p)` and :math:`E` exponential with mean 1; for p = inf each entry is uniform.

    Barthe, Guédon, Mendelson and Naor (2005), A probabilistic approach to the geometry of the
    l_p^n-ball, Annals of Probability 33.
    """
    if math.isinf(p):
        return uniform(shape, generator).mul_(2).sub_(1)  # in place: a third of the time
    exponential = -torch.log1p(-uniform((*shape[:-1], 1), generator))
    if p == 1:
        u = 2 * uniform(shape, generator) - 1
        g = -u.sign() * torch.log1p(-u.abs())
        return g / (g.abs().sum(-1, keepdim=True) + exponential)
    g = torch.randn(shape, generator=generator, device=generator.device, dtype=torch.float64)
    g = g / math.sqrt(2)
    return g / (g.square().sum(-1, keepdim=True) + exponential).sqrt()
