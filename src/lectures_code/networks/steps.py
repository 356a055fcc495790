r"""Step 2 for networks: Adam, on a loss of your choice.

:func:`lectures_code.training.epoch` takes the inner maximiser (step 1) and the step as arguments.
Another method of adversarial training is another choice of these two.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lectures_code.attacks import pgd
from lectures_code.checks import check_generator, check_positive, check_targets
from lectures_code.logistic import losses, outputs
from lectures_code.perturbations import NormBall

Loss = Callable[[nn.Module, Tensor, Tensor, Tensor], Tensor]


def adversarial_loss(model: nn.Module, x: Tensor, y: Tensor, delta: Tensor) -> Tensor:
    """The lecture's loss, the mean over a minibatch at ``x + delta``; in nats, shape ()."""
    return losses(outputs(model, x + delta), y).mean()


class AdamStep:
    """A step 2 that remembers: Adam on a loss, with the state that it keeps for each weight.

    Parameters
    ----------
    loss : callable, optional
        ``loss(model, x, y, delta)`` gives the loss of a minibatch, shape (); perturbations are
        held fixed. By default :func:`adversarial_loss`.

    Notes
    -----
    The state belongs to the model of the first call. Called with another model, the step begins
    anew: one object can serve several trainings, one after the other.

    References
    ----------
    Kingma and Ba (2015), Adam: a method for stochastic optimization.
    """

    def __init__(self, loss: Loss = adversarial_loss) -> None:
        self.loss = loss
        self._model: nn.Module | None = None

    def __call__(
        self, model: nn.Module, x: Tensor, y: Tensor, delta: Tensor, step_size: float
    ) -> None:
        """Change the model in place; `step_size` > 0 is Adam's, of any size from call to call."""
        if model is not self._model:
            self._begin(model)
        for group in self._adam.param_groups:
            group["lr"] = check_positive("step_size", step_size)
        self._adam.zero_grad()
        self.loss(model, x, y, delta).backward()
        self._adam.step()
        self._adam.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        """A copy of Adam's state, to be saved with the model's; empty before the first step."""
        return {} if self._model is None else copy.deepcopy(self._adam.state_dict())

    def load_state_dict(self, model: nn.Module, state: dict[str, Any]) -> None:
        """Go on with this model as the step did whose :meth:`state_dict` this is."""
        self._begin(model)
        if state:
            self._adam.load_state_dict(copy.deepcopy(state))

    def _begin(self, model: nn.Module) -> None:
        for name, value in model.named_parameters():
            if value.dtype not in (torch.float32, torch.float64):
                raise TypeError(
                    "weights must be float32 or float64 for Adam, which divides by numbers that "
                    f"narrower types round to 0, got {name} in {value.dtype}: use model.float()"
                )
        self._model, self._adam = model, torch.optim.Adam(model.parameters())


def divergence(clean: Tensor, output: Tensor) -> Tensor:
    r"""Kullback-Leibler divergence of the labels' probabilities, from clean to perturbed outputs.

    .. math:: \sum_k p_k \log \frac{p_k}{q_k}, \qquad
              p = \operatorname{softmax}(z_{\text{clean}}), \quad q = \operatorname{softmax}(z)

    With one score the probabilities are those of its sigmoid.

    Parameters
    ----------
    clean, output : Tensor of shape (n,), (n, 1) or (n, k)
        Outputs of a model at the examples and at the perturbed examples.

    Returns
    -------
    Tensor of shape (n,)
        In nats; at least 0.
    """
    p, q = _log_probabilities(clean), _log_probabilities(output)
    return (p.exp() * (p - q)).sum(dim=1)


def _log_probabilities(output: Tensor) -> Tensor:
    """Of each label, shape (n, k); a score is the difference of two logits."""
    if output.ndim == 1 or output.shape[1] == 1:
        score = output.reshape(len(output))
        output = torch.stack([torch.zeros_like(score), score], dim=1)
    return output.log_softmax(dim=1)


def trades_loss(beta: float) -> Loss:
    r"""The loss of TRADES: clean, and how far the perturbation moves the probabilities.

    .. math:: \frac1m \sum_i L(y_i, f(x_i)) +
              \beta\, \frac1m \sum_i \mathrm{KL}\bigl(f(x_i) \,\|\, f(x_i + \delta_i)\bigr)

    Parameters
    ----------
    beta : float
        Weight of the second term, > 0; the paper's 1 / lambda.

    Returns
    -------
    callable
        A loss for :class:`AdamStep`; its step 1 is :func:`divergence_maximiser`.

    References
    ----------
    Zhang, Yu, Jiao, Xing, El Ghaoui and Jordan (2019), algorithm 1.
    """
    beta = check_positive("beta", beta)

    def loss(model: nn.Module, x: Tensor, y: Tensor, delta: Tensor) -> Tensor:
        clean = outputs(model, x)
        moved = divergence(clean, outputs(model, x + delta))
        return losses(clean, y).mean() + beta * moved.mean()

    return loss


def divergence_maximiser(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    ball: NormBall,
    *,
    step_size: float,
    n_steps: int,
    generator: torch.Generator,
) -> Tensor:
    """Step 1 of TRADES: projected gradient ascent on the :func:`divergence`.

    Arguments, result and errors are those of :func:`lectures_code.attacks.pgd`. It does not look at
    the labels. The start is drawn at random: at 0 the divergence is least, and has no gradient.
    """
    y, generator = check_targets(y, len(x)), check_generator(generator)
    with torch.no_grad():
        clean = outputs(model, x)
    return pgd(
        model,
        x,
        y,
        ball,
        step_size=step_size,
        n_steps=n_steps,
        generator=generator,
        objective=lambda output, y: divergence(clean, output),
    )
