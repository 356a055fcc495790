"""The inner maximum by enumeration, where there are two features only."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lectures_code.attacks import Objective
from lectures_code.checks import check_count, check_targets, check_x
from lectures_code.logistic import Model, evaluation_mode, log_odds_of_error, outputs
from lectures_code.perturbations import NormBall

AT_ONCE = 16  # examples


@dataclass(frozen=True, eq=False)
class Landscape:
    """The objective over each example's square, at the points of a grid.

    Attributes
    ----------
    points : Tensor of shape (n, k, k, 2)
        Perturbed examples; the first feature changes along the first of the two axes.
    values : Tensor of shape (n, k, k)
        The objective there.
    """

    points: Tensor
    values: Tensor

    def largest(self) -> Tensor:
        """The largest value of each example, shape (n,): at most the true maximum."""
        return self.values.flatten(1).max(dim=1).values

    def best(self) -> Tensor:
        """The points at which they are attained, shape (n, 2)."""
        where = self.values.flatten(1).argmax(dim=1)
        return self.points.flatten(1, 2)[torch.arange(len(where), device=where.device), where]


@torch.no_grad()
def landscape(
    model: Model,
    x: Tensor,
    y: Tensor,
    ball: NormBall,
    *,
    n_points: int = 61,
    objective: Objective = log_odds_of_error,
) -> Landscape:
    """Evaluate the objective on a grid over the perturbation set of each example.

    Parameters
    ----------
    model : nn.Module or callable
        As for :func:`lectures_code.attacks.fgsm`; a module is judged in evaluation mode.
    x : Tensor of shape (n, 2)
        Examples.
    y : Tensor of shape (n,)
        Labels in {-1, +1} for scores, class numbers for logits.
    ball : NormBall
        The perturbation set, p = inf, with or without the box.
    n_points : int
        Points along each side, at least 2, the corners included.
    objective : callable, optional
        As for :func:`lectures_code.attacks.fgsm`.

    Returns
    -------
    Landscape
        ``n * n_points**2`` values.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range or does not fit the others.
    """
    x = check_x(x)
    y, k = check_targets(y, len(x)), check_count("n_points", n_points, least=2)
    if x.shape[1] != 2:
        raise ValueError(
            f"x must have 2 features to be enumerated, got {x.shape[1]}: use an attack"
        )
    points = _grid(x, ball, k)
    values = x.new_empty(points.shape[:3])
    # Room for all values first: small results between large ones would hold the memory of these.
    with evaluation_mode(model):
        for rows in torch.arange(len(x)).split(AT_ONCE):
            output = outputs(model, points[rows].reshape(-1, 2))
            values[rows] = objective(output, y[rows].repeat_interleave(k * k)).reshape(-1, k, k)
    return Landscape(points, values)


def _grid(x: Tensor, ball: NormBall, k: int) -> Tensor:
    """The points that are tried, shape (n, k, k, 2)."""
    low, high = ball.interval(x)
    share = torch.linspace(0, 1, k, dtype=x.dtype, device=x.device)
    sides = low[:, None] + share[:, None] * (high - low)[:, None]  # (n, k, 2)
    first, second = sides[:, :, None, 0], sides[:, None, :, 1]
    return torch.stack(torch.broadcast_tensors(first, second), dim=-1)
