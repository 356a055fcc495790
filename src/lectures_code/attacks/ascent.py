"""Attacks that follow gradients, and the exact one of linear classifiers."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lectures_code.attacks.common import Objective, ends, without_traces
from lectures_code.checks import check_count, check_positive, check_x
from lectures_code.features import MonotoneClassifier, exact_classifier
from lectures_code.logistic import LinearClassifier, Model, log_odds_of_error
from lectures_code.perturbations import NormBall, PixelIntervals


def linear_maximiser(
    model: LinearClassifier | MonotoneClassifier | nn.Linear,
    x: Tensor,
    y: Tensor,
    ball: NormBall | PixelIntervals,
) -> Tensor:
    r"""The exact inner maximiser of a linear classifier, for any norm, with or without the box.

    .. math:: \delta^* \in \arg\max_{\delta \in \Delta(x)}
              \Psi(y(\theta^\top(x + \delta) + \theta_0))
              = \arg\max_{\delta \in \Delta(x)} \langle -y\theta, \delta \rangle,

    because the logistic loss decreases in the margin. For the :math:`\ell_\infty` ball it is
    :math:`-y \varepsilon \operatorname{sign}(\theta)`.

    Parameters
    ----------
    model : LinearClassifier, nn.Linear with one output or MonotoneClassifier
        The classifier under attack.
    x : Tensor of shape (n, d)
        Examples.
    y : Tensor of shape (n,)
        Labels in {-1, +1}.
    ball : NormBall or PixelIntervals
        The perturbation set; where the maximiser is not unique, its documented choice is taken.

    Returns
    -------
    Tensor of shape (n, d)
        One maximiser for each example.

    Raises
    ------
    TypeError, ValueError
        If the model is none of these, or examples and labels are not as above.
    """
    return exact_classifier(model).worst_perturbations(check_x(x), y, ball)


def fgsm(
    model: Model,
    x: Tensor,
    y: Tensor,
    ball: NormBall,
    *,
    objective: Objective = log_odds_of_error,
) -> Tensor:
    r"""One step of steepest ascent, as large as the set allows: the first step of :func:`pgd`.

    .. math::
        \delta = \arg\max_{\delta \in \Delta(x)} \langle \nabla_x \ell(f(x), y), \delta \rangle

    For the :math:`\ell_\infty` ball this is the fast gradient sign method,
    :math:`\varepsilon \operatorname{sign} \nabla_x \ell`. The log-odds :math:`\ell` of a wrong
    label increase with the loss, so their gradients have one direction, and one sign.

    Parameters
    ----------
    model : nn.Module or callable
        Gives one score, or several logits, for each example. A module is left as it is: its mode,
        parameters, buffers and gradients, and the random state. Any other callable is called as it
        is, with whatever that changes: a function around a network with batch norm in training mode
        moves the running averages. A network that takes images needs no function of yours,
        ``nn.Sequential(nn.Unflatten(1, (1, 28, 28)), cnn)`` is a module again.
    x : Tensor of shape (n, d)
        Examples, of the model's dtype.
    y : Tensor of shape (n,)
        Labels in {-1, +1} for scores, class numbers for logits.
    ball : NormBall
        The perturbation set.
    objective : callable, optional
        What is to be increased: a function of outputs and labels that gives a number for each
        example. With :func:`lectures_code.logistic.losses` this is the attack of the textbooks,
        which finds fewer and fewer mistakes of a model the more confident it is.

    Returns
    -------
    Tensor of shape (n, d)
        Perturbations inside the set.

    Raises
    ------
    TypeError, ValueError
        If examples, labels and outputs do not fit each other, or the objective has no finite
        gradient.

    Notes
    -----
    With the default objective it is exact, up to the rounding of the gradient, for a model with one
    score or two logits that is linear in `x`: the gradient is then a positive multiple of the
    worst direction, :math:`-y\theta` or the difference of the rows of weights, whatever the margin
    and the dtype. For three or more logits it need not be exact even for a linear model.

    References
    ----------
    Goodfellow, Shlens and Szegedy (2015), section 4.
    """
    x = check_x(x)
    # A copy, since the model may overwrite its argument.
    gradient = _gradient(without_traces(model, x), x.clone(), y, objective)
    return _steepest(ball, gradient, x)


def pgd(
    model: Model,
    x: Tensor,
    y: Tensor,
    ball: NormBall,
    *,
    step_size: float,
    n_steps: int,
    generator: torch.Generator | None = None,
    objective: Objective = log_odds_of_error,
) -> Tensor:
    r"""Projected gradient ascent on the log-odds of a wrong label, for p = 1, 2 or infinity.

    .. math:: \delta \leftarrow \Pi_{\Delta(x)}\bigl(\delta + \arg\max_{\|v\|_p \le \alpha}
              \langle \nabla_x \ell(f(x + \delta), y), v \rangle\bigr)

    Each step has length `step_size` in the norm of the set, and goes in the direction of steepest
    ascent for that norm; for p = 1 in the box, pixels at their face are left out. The last iterate
    is returned: a lower bound on the worst loss, not a certificate. With the set's radius for
    `step_size` and no box, the first step is :func:`fgsm`.

    Parameters
    ----------
    model, x, y, ball, objective
        As for :func:`fgsm`.
    step_size : float
        Length of a step, in pixel units, measured in the set's norm.
    n_steps : int
        Number of steps.
    generator : torch.Generator, optional
        With it the start is drawn at random from the set; without it the start is 0.

    Returns
    -------
    Tensor of shape (n, d)
        Perturbations inside the set.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range, examples, labels and outputs do not fit each other, or the
        objective has no finite gradient.

    References
    ----------
    Madry, Makelov, Schmidt, Tsipras and Vladu (2018), section 2.1.
    """
    x = check_x(x)
    step_size, n_steps = check_positive("step_size", step_size), check_count("n_steps", n_steps)
    if ball.p not in (1.0, 2.0, torch.inf):
        raise ValueError(f"pgd steps in the norms p = 1, 2 and inf, got p = {ball.p:g}: use fgsm")
    delta = torch.zeros_like(x) if generator is None else ball.sample(x, generator=generator)
    scores, step = without_traces(model, x), _projected_step(ball, x, step_size)
    for _ in range(n_steps):
        delta = step(delta, _gradient(scores, ball.perturbed(x, delta), y, objective))
    return delta


def _steepest(steps: NormBall, gradient: Tensor, x: Tensor) -> Tensor:
    """The step of steepest ascent from `x`, of those in the set `steps`."""
    try:
        return steps.maximiser(gradient, x)
    except ValueError:
        _check_finite(gradient)  # which the set has looked at: what it found is better said here
        raise


def _projected_step(ball: NormBall, x: Tensor, size: float) -> Callable[[Tensor, Tensor], Tensor]:
    """A function of perturbations, which it may overwrite, and gradients: a step, and back."""
    # For p = 1 a step changes a single pixel; once that is at its face in the box, the next one.
    steps = ball.with_radius(size) if ball.p == 1 else NormBall(ball.p, size)

    def step(delta: Tensor, gradient: Tensor) -> Tensor:
        move = _steepest(steps, gradient, ball.perturbed(x, delta))
        return ball.project(move.add_(delta), x)

    if not math.isinf(ball.p):
        return step
    # A clip, to ends that stay where they are: a tenth of the time of finding them in each step.
    low, high = ends(ball, x)
    length = steps.maximiser(torch.ones(1, dtype=x.dtype)).item()  # the size, in this dtype

    def signs(delta: Tensor, gradient: Tensor) -> Tensor:
        _check_finite(gradient)
        return delta.add_(gradient.sign(), alpha=length).clamp_(low, high)

    return signs


def _gradient(model: Model, x: Tensor, y: Tensor, objective: Objective) -> Tensor:
    """Gradient of the examples' summed objective with respect to the examples, shape (n, d)."""
    # Gradients are needed also where the caller has switched them off, in one of two ways.
    with torch.inference_mode(False), torch.enable_grad():
        x = (x.clone() if x.is_inference() else x).detach().requires_grad_()
        try:
            output = model(x)
        except RuntimeError as error:
            error.add_note(
                f"This came from the model, called with x of shape {tuple(x.shape)} in {x.dtype}."
            )
            raise
        total = objective(output, y).sum()
        (gradient,) = (
            torch.autograd.grad(total, x, allow_unused=True) if total.requires_grad else (None,)
        )
    if gradient is None:
        raise ValueError(
            "the model's output must depend on x in a way that autograd can follow, and it does "
            "not: run the model without torch.no_grad, torch.inference_mode, detach and numpy"
        )
    return gradient


def _check_finite(gradient: Tensor) -> None:
    """Refuse a gradient with NaN or infinite entries, in terms of the model that it came from."""
    # As in `check_float`: the sum costs a fraction of looking at each entry.
    if not gradient.sum().isfinite() and (bad := int((~gradient.isfinite()).any(1).sum())):
        raise ValueError(
            f"the gradient in x must be finite, got NaN or infinite entries for {bad} of "
            f"{len(gradient)} examples: look for overflow, 0 / 0 or the square root of 0 in the "
            "model"
        )
