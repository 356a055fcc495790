r"""The outer minimisation: stochastic gradient descent on the adversarial risk.

:func:`train` is the lecture's algorithm for any model and any inner maximiser. For linear models
the inner maximum is known in closed form, and :func:`train_together` uses it to train many of them,
each with its own random numbers, at once. Both take the same steps: that is Danskin's theorem.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lectures_code.checks import (
    check_count,
    check_examples,
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
    psi,
    psi_prime,
)
from lectures_code.perturbations import BoxedNormBall, NormBall
from lectures_code.progress import progress
from lectures_code.risk import ErrorCount, count_errors

Maximiser = Callable[[nn.Module, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class History:
    """What was measured before the first epoch and after each: n_epochs + 1 entries in each tuple.

    Parameters
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

    def and_then(self, clean: Tensor, attacked: Tensor, y: Tensor) -> "History":
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


@torch.inference_mode(False)  # steps need gradients, wherever this is called
@torch.enable_grad()
def train(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    maximiser: Maximiser | None = None,
    step_size: float,
    batch_size: int,
    n_epochs: int,
    generator: torch.Generator,
    stop: Callable[[History], bool] | None = None,
    evaluate_on: tuple[Tensor, Tensor] | None = None,
    attack: Maximiser | None = None,
) -> tuple[nn.Module, History]:
    r"""Adversarial training by SGD, the lecture's algorithm.

    For each minibatch: (1) :math:`\delta_i^* \in \arg\max_{\delta \in \Delta(x_i)}
    L(y_i, f(x_i + \delta))`; (2) :math:`\theta \leftarrow \theta - \alpha \frac1m \sum_i
    \nabla_\theta L(y_i, f(x_i + \delta_i^*))`, the gradient taken with :math:`\delta^*` held fixed.

    Dropout and batch norm work as usual: steps are taken in training mode, the history is measured
    in evaluation mode. In that mode the model is returned, so that :func:`lectures_code.risk.risk`
    and :func:`lectures_code.risk.error` of it are the history's last entries.

    Parameters
    ----------
    model : nn.Module
        The start. It is copied, not changed. Parameters that its loss does not depend on keep their
        values.
    x : Tensor of shape (n, d)
        Training examples, of the model's dtype.
    y : Tensor of shape (n,)
        Labels in {-1, +1} for a model with one score, class numbers for one with several logits.
    maximiser : callable, optional
        Step 1: ``maximiser(model, x, y)`` gives the perturbations, shape (m, d). Without it nothing
        is perturbed, and this is standard training.
    step_size : float
        :math:`\alpha`, > 0.
    batch_size : int
        m; an epoch's last batch holds what is left.
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
    step_size = check_positive("step_size", step_size)
    batch_size = check_count("batch_size", batch_size)
    n_epochs = check_count("n_epochs", n_epochs)
    generator = check_generator(generator)
    x_eval, y_eval = (x, y) if evaluate_on is None else _check_pair(evaluate_on, x.dtype)
    attack = attack or maximiser or _no_perturbation
    maximiser = maximiser or _no_perturbation
    start, model = model, _copy(model).train()
    history = _measure(History(), model, x_eval, y_eval, attack)
    _check_last_batch(start, x, batch_size)
    for _ in progress(range(n_epochs), label="epochs"):
        for batch in torch.randperm(len(x), generator=generator).split(batch_size):
            x_batch, y_batch = x[batch], y[batch]
            delta = maximiser(model, x_batch, y_batch).detach()
            _descend(model, x_batch + delta, y_batch, step_size)
        history = _measure(history, model, x_eval, y_eval, attack)
        if stop is not None and stop(history):
            break
    return model.eval(), history


def _descend(model: nn.Module, x: Tensor, y: Tensor, step_size: float) -> None:
    """Step 2: one gradient step on the mean loss at these (perturbed) examples."""
    loss = losses(outputs(model, x), y).mean()
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
                value -= step_size * gradient


def _measure(
    history: History, model: nn.Module, x: Tensor, y: Tensor, attack: Maximiser
) -> History:
    """The history with the model's present performance, measured in evaluation mode."""
    with evaluation_mode(model):
        delta = attack(model, x, y)
        with torch.no_grad():
            return history.and_then(outputs(model, x), outputs(model, x + delta), y)


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
    return torch.zeros_like(x)


def adversarial_objective(
    theta: Tensor, intercept: Tensor, x: Tensor, y: Tensor, ball: NormBall
) -> Tensor:
    r"""The adversarial risk of a linear model in closed form, as a function to differentiate.

    .. math:: \frac1n \sum_i \Psi\bigl(y_i(\theta^\top x_i + \theta_0)
              - \max_{\delta \in \Delta(x_i)} \langle -y_i \theta, \delta \rangle\bigr)

    Convex in :math:`(\theta, \theta_0)`. For a norm ball the maximum is
    :math:`\varepsilon \|\theta\|_q`.

    Parameters
    ----------
    theta : Tensor of shape (d,)
        Weights.
    intercept : Tensor of shape ()
        Intercept.
    x : Tensor of shape (n, d)
        Examples.
    y : Tensor of shape (n,)
        Labels in {-1, +1}.
    ball : NormBall
        The perturbation set.

    Returns
    -------
    Tensor of shape ()
        The risk in nats; autograd's gradient is the one at the maximiser.

    Raises
    ------
    TypeError, ValueError
        If examples and labels are not as above.
    """
    x, y = check_examples(x, y)
    if theta.shape != x.shape[1:]:
        raise ValueError(
            f"theta must have shape ({x.shape[1]},), one weight for each feature, "
            f"got {tuple(theta.shape)}"
        )
    if theta.dtype != x.dtype:
        raise TypeError(
            f"x must have the weights' dtype, got {x.dtype} with weights in {theta.dtype}: "
            "use x.to(theta.dtype)"
        )
    worst = y * (x @ theta + intercept) - ball.margin_taken(theta, x, y)
    return psi(worst).mean()


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


def train_together(
    starts: Sequence[LinearClassifier | nn.Linear],
    x: Tensor,
    y: Tensor,
    ball: NormBall,
    *,
    step_size: float,
    batch_size: int,
    n_epochs: int,
    generators: Sequence[torch.Generator],
) -> list[LinearClassifier]:
    r"""Train many linear classifiers at once, each on its own minibatches.

    The iterates are those of :func:`train` with the exact maximiser, start for start and generator
    for generator. The gradient is in closed form: with :math:`a_i = -\Psi'(\text{worst margin}_i)`,
    it is :math:`\frac1m \sum_i a_i (\delta^* - y_i x_i)`, where :math:`\delta^*` maximises
    :math:`\langle \theta, \delta \rangle` over the ball.

    Parameters
    ----------
    starts : sequence of s LinearClassifiers or nn.Linear with one output
        One for each run, converted to the dtype of x.
    x : Tensor of shape (n, d)
        Training examples.
    y : Tensor of shape (n,)
        Labels in {-1, +1}.
    ball : NormBall
        The perturbation set, without the box; radius 0 is standard training.
    step_size, batch_size, n_epochs
        As for :func:`train`.
    generators : sequence of s torch.Generators
        Each draws the order of the examples of its run.

    Returns
    -------
    list of s LinearClassifiers
        The last iterates.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range or does not fit the others.
    """
    x, y = check_examples(x, y)
    step_size = check_positive("step_size", step_size)
    batch_size = check_count("batch_size", batch_size)
    n_epochs = check_count("n_epochs", n_epochs)
    starts = [LinearClassifier.of(start) for start in starts]
    generators = [check_generator(each) for each in generators]
    if isinstance(ball, BoxedNormBall):
        raise ValueError("train_together needs a ball without the box: use train for the boxed one")
    if not starts or len(starts) != len(generators):
        raise ValueError(
            "train_together needs a generator for each start, "
            f"got {len(starts)} starts and {len(generators)} generators"
        )
    widths = {len(start.theta) for start in starts} - {x.shape[1]}
    if widths:
        raise ValueError(
            f"starts must have {x.shape[1]} weights, one for each feature of x, got {min(widths)}"
        )
    theta = torch.stack([start.theta for start in starts]).to(x.dtype)
    intercept = torch.stack([start.intercept for start in starts]).to(x.dtype)
    # Pixels that are 0 in every image add nothing to scores and gradients: they go last, unread.
    seen = (x != 0).any(dim=0)
    order = torch.cat([seen.nonzero()[:, 0], (~seen).nonzero()[:, 0]])
    x, theta = x[:, seen], theta[:, order]
    for _ in progress(range(n_epochs), label="epochs"):
        orders = torch.stack([torch.randperm(len(x), generator=each) for each in generators])
        for batch in orders.split(batch_size, dim=1):
            _descend_together(theta, intercept, x, y, batch, ball, step_size)
    theta = theta[:, order.argsort()]
    return [LinearClassifier(*each) for each in zip(theta, intercept, strict=True)]


def _descend_together(
    theta: Tensor,
    intercept: Tensor,
    x: Tensor,
    y: Tensor,
    batch: Tensor,
    ball: NormBall,
    step_size: float,
) -> None:
    """One step of every run, in place, on the rows `batch` (s, m); `x` holds the first k pixels."""
    k = x.shape[1]
    worst = ball.maximiser(theta)
    penalty = (worst * theta).sum(dim=1, keepdim=True)
    x_batch = x.index_select(0, batch.reshape(-1)).view(*batch.shape, k)
    y_batch = y[batch]
    scores = torch.bmm(x_batch, theta[:, :k, None])[:, :, 0] + intercept[:, None]
    a = -psi_prime(y_batch * scores - penalty) / batch.shape[1]
    pull = torch.bmm((a * y_batch)[:, None, :], x_batch)[:, 0]
    theta -= step_size * a.sum(dim=1, keepdim=True) * worst
    theta[:, :k] += step_size * pull
    intercept += step_size * (a * y_batch).sum(dim=1)
