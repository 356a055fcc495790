r"""Training on a bound: the loss at the worst that intervals cannot exclude."""

import torch
from torch import Tensor, nn

from lectures_code.checks import check_count
from lectures_code.logistic import losses, outputs
from lectures_code.networks.bounds import interval_gaps
from lectures_code.perturbations import NormBall


class BoundLoss:
    r"""Mean of upper bounds on the worst losses in the perturbation sets, for a step 2.

    .. math:: \max_{\delta \in \Delta(x)} L(y, f(x + \delta)) \le
              \log\bigl(1 + \textstyle\sum_j e^{-g_j}\bigr),

    with :math:`g_j` the lower bounds on the gaps of
    :func:`lectures_code.networks.bounds.interval_gaps`. With a random start all bounds are loose,
    and the least loss is that of a network without weights. So over the first `ramp` calls for a
    model the radius grows from 0, and the bound takes the place of the clean loss:

    .. math:: (1 - s)\, L(y, f(x)) + s \log\bigl(1 + \textstyle\sum_j e^{-g_j(s \epsilon)}\bigr),
              \qquad s \text{ from } 0 \text{ to } 1.

    Parameters
    ----------
    ball : NormBall
        The perturbation set, p = inf, with or without the box.
    ramp : int
        Calls in which s goes from 0 to 1, at least 1.

    Raises
    ------
    ValueError
        If `ramp` is not a positive integer.

    Notes
    -----
    It is a loss for :class:`lectures_code.networks.steps.AdamStep`, and like it begins anew with
    another model. There is no step 1: perturbations are ignored.

    References
    ----------
    Gowal et al. (2018), section 4.
    """

    def __init__(self, ball: NormBall, *, ramp: int) -> None:
        self.ball = ball
        self.ramp = check_count("ramp", ramp)
        self._model: nn.Module | None = None

    def __call__(self, model: nn.Module, x: Tensor, y: Tensor, delta: Tensor) -> Tensor:
        """The loss of a minibatch, shape ()."""
        if model is not self._model:
            self._model, self._calls = model, 0
        share = min(1.0, self._calls / self.ramp)
        self._calls += 1
        ball = self.ball.with_radius(share * self.ball.radius)
        worst = worst_losses(interval_gaps(model, x, y, ball)).mean()
        if share == 1:
            return worst
        return (1 - share) * losses(outputs(model, x), y).mean() + share * worst


def worst_losses(gaps: Tensor) -> Tensor:
    r"""Losses :math:`\log(1 + \sum_j e^{-g_j})` (n,) for gaps (n, m): what bounds amount to."""
    return nn.functional.softplus(torch.logsumexp(-gaps, dim=1))
