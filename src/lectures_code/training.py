"""The outer minimisation: stochastic gradient descent on the adversarial risk.

:func:`epoch` is the lecture's algorithm for any model and any inner maximiser; :func:`train` runs
and measures it.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lectures_code.checks import (
    check_count,
    check_generator,
    check_positive,
    check_targets,
    check_x,
)
from lectures_code.logistic import (
    LinearClassifier,
    evaluation_mode,
    losses,
    margins,
    outputs,
)
from lectures_code.progress import progress
from lectures_code.risk import ErrorCount, count_errors

Maximiser = Callable[[nn.Module, Tensor, Tensor], Tensor]
Step = Callable[[nn.Module, Tensor, Tensor, Tensor, float], None]


@dataclass(frozen=True)
class History:
    """What was measured before the first epoch and after each: n_epochs + 1 entries in each tuple.

    Attributes
    ----------
    risk : tuple of float
        Mean loss, in nats.
    adversarial_risk : tuple of float
        Mean loss under the attack.
    error : tuple of ErrorCount
        Mistakes.
    robust_error : tuple of ErrorCount
        Mistakes under the attack.
    """

    risk: tuple[float, ...] = ()
    adversarial_risk: tuple[float, ...] = ()
    error: tuple[ErrorCount, ...] = ()
    robust_error: tuple[ErrorCount, ...] = ()

    @property
    def n_epochs(self) -> int:
        """Epochs that were run."""
        return len(self.risk) - 1

    def with_entry(self, clean: Tensor, attacked: Tensor, y: Tensor) -> "History":
        """This history and one more entry, from the model's outputs without and under attack."""
        return History(
            (*self.risk, float(losses(clean, y).mean())),
            (*self.adversarial_risk, float(losses(attacked, y).mean())),
            (*self.error, count_errors(margins(clean, y))),
            (*self.robust_error, count_errors(margins(attacked, y))),
        )


def settled(tolerance: float) -> Callable[[History], bool]:
    """A stopping criterion: the adversarial risk fell by less than `tolerance`, relatively.

    Parameters
    ----------
    tolerance : float
        Smallest relative decrease over an epoch that is worth another one, > 0.

    Returns
    -------
    callable
        Takes a :class:`History`, says whether to stop.
    """
    tolerance = check_positive("tolerance", tolerance)

    def stop(history: History) -> bool:
        before, now = history.adversarial_risk[-2:]
        return before - now < tolerance * before

    return stop


def gradient_step(model: nn.Module, x: Tensor, y: Tensor, delta: Tensor, step_size: float) -> None:
    """Step 2 of :func:`epoch`: one gradient step on the mean loss at ``x + delta``, in place."""
    step_size = check_positive("step_size", step_size)
    loss = losses(outputs(model, x + delta), y).mean()
    parameters = [value for value in model.parameters() if value.requires_grad]
    if not parameters or not loss.requires_grad:
        raise ValueError(
            "model must have outputs that depend on parameters with requires_grad, got none: "
            "remove no_grad, inference_mode and detach from it"
        )
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    with torch.no_grad():
        for value, gradient in zip(parameters, gradients, strict=True):
            if gradient is not None:
                value.sub_(step_size * gradient)


@torch.inference_mode(False)  # steps need gradients, wherever this is called
@torch.enable_grad()
def epoch(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    maximiser: Maximiser | None = None,
    step: Step = gradient_step,
    step_size: float,
    batch_size: int,
    generator: torch.Generator,
) -> Iterator[nn.Module]:
    r"""One pass over the data: the steps of the lecture's algorithm, one for each minibatch.

    .. math::
        \text{1.}\quad & \delta_i^* \in \arg\max_{\delta \in \Delta(x_i)} L(y_i, f(x_i + \delta)) \\
        \text{2.}\quad & \theta \leftarrow \theta - \alpha \frac1m \sum_i
            \nabla_\theta L(y_i, f(x_i + \delta_i^*)), \quad \delta^* \text{ held fixed}

    Parameters
    ----------
    model : nn.Module
        Changed in place. Parameters that the loss does not depend on keep their values.
    x : Tensor of shape (n, d)
        Training examples, of the model's dtype.
    y : Tensor of shape (n,)
        Labels in {-1, +1} for a model with one score, class numbers for one with several logits.
    maximiser : callable, optional
        Step 1: ``maximiser(model, x, y)`` gives the perturbations, shape (m, d). Without it nothing
        is perturbed, and this is standard training.
    step : callable, optional
        Step 2: ``step(model, x, y, delta, step_size)`` changes the model in place, as
        :func:`gradient_step` does, or :func:`lectures_code.proximal.proximal_step`.
    step_size : float
        :math:`\alpha`, > 0.
    batch_size : int
        m; the last batch holds what is left.
    generator : torch.Generator
        Draws the order of the examples.

    Yields
    ------
    nn.Module
        The model, after each step.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range or does not fit the others, at the first step.
    """
    x = check_x(x)
    y = check_targets(y, len(x))
    step_size = check_positive("step_size", step_size)
    batch_size = check_count("batch_size", batch_size)
    generator = check_generator(generator)
    maximiser = maximiser or _no_perturbation
    for batch in torch.randperm(len(x), generator=generator).split(batch_size):
        x_batch, y_batch = x[batch], y[batch]
        delta = maximiser(model, x_batch, y_batch).detach()
        step(model, x_batch, y_batch, delta, step_size)
        yield model


@torch.inference_mode(False)  # the copy must be one that gradients can be taken of
def train(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    maximiser: Maximiser | None = None,
    step: Step = gradient_step,
    step_size: float | Callable[[int], float],
    batch_size: int,
    n_epochs: int,
    generator: torch.Generator,
    stop: Callable[[History], bool] | None = None,
    evaluate_on: tuple[Tensor, Tensor] | None = None,
    attack: Maximiser | None = None,
) -> tuple[nn.Module, History]:
    r"""Adversarial training by SGD, the lecture's algorithm: epochs, measured.

    Dropout and batch norm work as usual: steps are taken in training mode, the history is measured
    in evaluation mode. In that mode the model is returned, so that :func:`lectures_code.risk.risk`
    and :func:`lectures_code.risk.error` of it are the history's last entries.

    Parameters
    ----------
    model : nn.Module
        The start. It is copied, not changed.
    x, y, maximiser, step, batch_size
        As for :func:`epoch`.
    step_size : float or callable
        As for :func:`epoch`, or a function that takes the epoch's number, from 0, and gives it.
    n_epochs : int
        The most epochs that are run.
    generator : torch.Generator
        Draws the order of the examples anew in each epoch.
    stop : callable, optional
        Stopping criterion, asked after each epoch; see :func:`settled`.
    evaluate_on : pair of Tensors, optional
        Examples and labels for the history; the training data by default.
    attack : callable, optional
        Maximiser for the history; the one trained with by default.

    Returns
    -------
    nn.Module
        The trained copy, in evaluation mode.
    History
        Before the first epoch and after each one.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range or does not fit the others.
    """
    x = check_x(x)
    y = check_targets(y, len(x))
    sizes = step_size if callable(step_size) else _constant(check_positive("step_size", step_size))
    batch_size = check_count("batch_size", batch_size)
    n_epochs = check_count("n_epochs", n_epochs)
    generator = check_generator(generator)
    x_eval, y_eval = (x, y) if evaluate_on is None else _check_pair(evaluate_on, x.dtype)
    attack = attack or maximiser or _no_perturbation
    start, model = model, _copy(model).train()
    history = _measure(History(), model, x_eval, y_eval, attack)
    _check_last_batch(start, x, batch_size)
    for k in progress(range(n_epochs), label="epochs"):
        for _ in epoch(
            model,
            x,
            y,
            maximiser=maximiser,
            step=step,
            step_size=sizes(k),
            batch_size=batch_size,
            generator=generator,
        ):
            pass
        history = _measure(history, model, x_eval, y_eval, attack)
        if stop is not None and stop(history):
            break
    return model.eval(), history


def _constant(step_size: float) -> Callable[[int], float]:
    return lambda k: step_size


def _measure(
    history: History, model: nn.Module, x: Tensor, y: Tensor, attack: Maximiser
) -> History:
    """The history with the model's present performance, measured in evaluation mode."""
    with evaluation_mode(model):
        delta = attack(model, x, y)
        with torch.no_grad():
            return history.with_entry(outputs(model, x), outputs(model, x + delta), y)


def _copy(model: nn.Module) -> nn.Module:
    if not isinstance(model, nn.Module):
        raise TypeError(
            f"model must be an nn.Module, got {type(model).__name__}: "
            "use as_module on a LinearClassifier"
        )
    try:
        return copy.deepcopy(model)
    except (RuntimeError, TypeError) as error:
        raise TypeError(
            f"model must be a module that copy.deepcopy can copy, got {type(model).__name__}: use "
            "torch.nn.utils.parametrizations in place of torch.nn.utils.weight_norm and "
            "spectral_norm, and keep neither outputs nor open files in the module"
        ) from error


def _check_pair(pair: object, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return `pair` if it is examples of this dtype and labels of any kind."""
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise TypeError(
            f"evaluate_on must be a pair (x, y), got {type(pair).__name__}: pass both, or leave it "
            "out for the training data"
        )
    x = check_x(pair[0])
    if x.dtype != dtype:
        raise TypeError(
            f"evaluate_on must hold examples of the dtype of x, got {x.dtype} with x in {dtype}: "
            f"use .to({dtype})"
        )
    return x, check_targets(pair[1], len(x))


def _check_last_batch(model: nn.Module, x: Tensor, batch_size: int) -> None:
    """Try a batch of one example, if there will be one: batch norm refuses it in training."""
    if batch_size > 1 and len(x) % batch_size != 1:
        return
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[x.device] if x.is_cuda else []):
            outputs(_copy(model).train(), x[:1])
    except ValueError as error:
        raise ValueError(
            "batch_size must leave no batch of one example for this model, "
            f"got {batch_size} for {len(x)} examples: use another one ({error})"
        ) from error


def _no_perturbation(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return x.new_zeros(1).expand_as(x)


def initial_classifier(d: int, *, generator: torch.Generator) -> LinearClassifier:
    r"""A random start as PyTorch's linear layer draws it: uniform in :math:`\pm 1/\sqrt{d}`.

    Parameters
    ----------
    d : int
        Number of features.
    generator : torch.Generator
        Source of the random numbers.

    Returns
    -------
    LinearClassifier
        Weights and intercept in float64.
    """
    d, generator = check_count("d", d), check_generator(generator)
    draw = (2 * torch.rand(d + 1, generator=generator, dtype=torch.float64) - 1) / d**0.5
    return LinearClassifier(draw[:-1], draw[-1])


def as_module(classifier: LinearClassifier | nn.Linear) -> nn.Linear:
    """An ``nn.Linear(d, 1)`` with a copy of the classifier's weights.

    Parameters
    ----------
    classifier : LinearClassifier or nn.Linear with one output
        The weights.

    Returns
    -------
    nn.Linear
        A layer of its own, of the same dtype, that :func:`train` can start from.
    """
    classifier = LinearClassifier.of(classifier)
    module = nn.utils.skip_init(nn.Linear, len(classifier.theta), 1, dtype=classifier.theta.dtype)
    with torch.no_grad():
        module.weight.copy_(classifier.theta[None])
        module.bias.copy_(classifier.intercept[None])
    return module
