r"""The smallest margins of a tiny network exactly, by mixed-integer linear programming.

A ReLU whose input z may be on both sides of 0, :math:`l < 0 < u`, is described exactly by its
output a and a switch t that is 0 or 1:

.. math:: a \ge 0, \quad a \ge z, \quad a \le z - l(1 - t), \quad a \le u t .

So the smallest margin over a set that linear inequalities describe is the value of a mixed-integer
linear program. To solve it may take time exponential in the number of switches.

References
----------
Tjeng, Xiao and Tedrake (2019), Evaluating robustness of neural networks with mixed integer
programming, section 4.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import Bounds, LinearConstraint, milp
from torch import Tensor, nn

from lectures_code.checks import check_positive, check_targets, check_x
from lectures_code.logistic import margins
from lectures_code.networks.bounds import gap_rows, intervals
from lectures_code.networks.layers import AFFINE, Interval, bias, layers_of, product
from lectures_code.perturbations import NormBall


@dataclass(frozen=True, eq=False)
class SmallestMargins:
    """What :func:`smallest_margins` found for n examples.

    Attributes
    ----------
    low : Tensor of shape (n,)
        The solver's lower bounds on the smallest margins.
    high : Tensor of shape (n,)
        The margins that the network has at `worst`. Where the solver has come to its end they are
        the smallest, and equal `low` up to its tolerances of 1e-6.
    worst : Tensor of shape (n, d)
        Perturbed examples, in the sets.
    n_switches : tuple of int
        For each example, how many ReLUs may be on both sides of 0.
    """

    low: Tensor
    high: Tensor
    worst: Tensor
    n_switches: tuple[int, ...]


@torch.no_grad()
def smallest_margins(
    model: nn.Module, x: Tensor, y: Tensor, ball: NormBall, *, time_limit: float = 10.0
) -> SmallestMargins:
    """The smallest margin of each example over its perturbation set, for tiny networks.

    Parameters
    ----------
    model, x, y, ball
        As for :func:`lectures_code.networks.bounds.interval_gaps`; computed in float64.
    time_limit : float
        Seconds for each program, > 0: one for a score, k - 1 for the logits of k classes.

    Returns
    -------
    SmallestMargins
        Lower and upper bounds, which meet unless the time was up.

    Raises
    ------
    TypeError, ValueError
        As for :func:`lectures_code.networks.bounds.interval_gaps`, and if the limit is not > 0.
    RuntimeError
        If the solver fails.

    Notes
    -----
    Solved by HiGHS, in floating-point numbers with tolerances of 1e-6: as good as a proof for
    margins that are larger, but none in the strict sense.
    """
    x, layers = check_x(x).double(), layers_of(model)
    y, time_limit = check_targets(y, len(x)), check_positive("time_limit", time_limit)
    low, worst, n_switches = [], [], []
    for some, own in zip(x.split(1), y.split(1), strict=True):
        found = intervals(model, ball.interval(some))
        program, output = _written(layers, found)
        values, tried = [], []
        for gap in gap_rows(own, found[-1][0])[0] @ output:
            value, point = _solved(gap.numpy(), program, time_limit)
            values.append(value)
            tried.append(torch.from_numpy(point[: x.shape[1]]))
        # The solver keeps to the set only up to its tolerance.
        points = torch.stack(tried).clamp(*found[0])
        low.append(min(values))
        worst.append(points[_margins(model, points, own.expand(len(points))).argmin()])
        n_switches.append(int(program.integrality.sum()))
    ends = torch.stack(worst)
    return SmallestMargins(
        torch.tensor(low, dtype=x.dtype), _margins(model, ends, y), ends, tuple(n_switches)
    )


def _margins(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Of the model in float64, whatever its weights' dtype: intervals without a width."""
    return margins(intervals(model, (x, x))[-1][0], y)


@dataclass(frozen=True)
class _Program:
    """What is the same for each gap: bounds of the variables, inequalities, which are whole."""

    bounds: Bounds
    constraints: list[LinearConstraint]
    integrality: np.ndarray


def _written(layers: list[nn.Module], found: list[Interval]) -> tuple[_Program, Tensor]:
    """The program, and the output (k, variables + 1) as a function of them; the last is a 1.

    Variables are the input, then the outputs of the ReLUs with a switch, then their switches.
    """
    d, relus = found[0][0].numel(), [isinstance(layer, nn.ReLU) for layer in layers]
    n_switches = sum(int(_open(*found[k]).sum()) for k, is_relu in enumerate(relus) if is_relu)
    size = d + 2 * n_switches
    bounds = torch.zeros(size, 2, dtype=found[0][0].dtype)
    bounds[:d], bounds[d:, 1] = torch.stack(found[0], dim=-1)[0], 1
    value, new = torch.eye(size + 1, d, dtype=bounds.dtype), d
    constraints = []
    for layer, (low, high) in zip(layers, found, strict=False):
        if isinstance(layer, AFFINE):
            value = product(layer, value)
            value[-1] += bias(layer, value.dtype)
        elif isinstance(layer, nn.ReLU):
            at = _open(low, high)[0]
            columns = torch.arange(new, new + int(at.sum()))
            new += len(columns)
            bounds[columns, 1] = high[0][at]
            of = columns, columns + n_switches
            constraints += _switched(value[:, at], low[0][at], high[0][at], *of)
            value = value * (low[0] >= 0)
            value[:, at] = torch.eye(size + 1, dtype=value.dtype)[:, columns]
        else:
            value = layer(value)
    whole = np.arange(size) >= d + n_switches
    return _Program(Bounds(*bounds.T.numpy()), constraints, whole), value.T


def _open(low: Tensor, high: Tensor) -> Tensor:
    """Which inputs of a ReLU may be on both sides of 0."""
    return (low < 0) & (high > 0)


def _switched(
    z: Tensor, low: Tensor, high: Tensor, outputs: Tensor, switches: Tensor
) -> list[LinearConstraint]:
    """The inequalities between inputs z (variables + 1, m) of ReLUs, outputs and switches."""
    every = torch.eye(len(z) - 1, dtype=z.dtype)
    a, t, constant = every[outputs], every[switches], z[-1]
    z = z[:-1].T
    return [
        LinearConstraint((a - z).numpy(), lb=constant.numpy()),
        LinearConstraint((a - z - low[:, None] * t).numpy(), ub=(constant - low).numpy()),
        LinearConstraint((a - high[:, None] * t).numpy(), ub=0),
    ]


def _solved(gap: np.ndarray, program: _Program, time_limit: float) -> tuple[float, np.ndarray]:
    """A lower bound on the gap's least value, and where the solver found the least."""
    found = milp(
        gap[:-1],
        integrality=program.integrality,
        bounds=program.bounds,
        constraints=program.constraints,
        options={"mip_rel_gap": 0, "time_limit": time_limit},
    )
    if found.status not in (0, 1):  # optimal, or out of time
        raise RuntimeError(f"the solver failed: {found.message}")
    least = found.fun if found.mip_dual_bound is None else found.mip_dual_bound
    point = program.bounds.lb if found.x is None else found.x
    return (-math.inf if least is None else float(least)) + float(gap[-1]), np.asarray(point)
