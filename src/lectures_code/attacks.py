r"""The inner maximisation: perturbations that make the loss large.

Every attack takes a model, examples, labels and a perturbation set, and returns one perturbation
for each example, inside the set. For a linear model the worst perturbation is known exactly; for
any other model the gradient is followed, and what is found is a lower bound on the worst loss.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call

from lectures_code.checks import check_count, check_labels, check_positive, check_x
from lectures_code.logistic import LinearClassifier, losses
from lectures_code.perturbations import BoxedNormBall, NormBall

Model = Callable[[Tensor], Tensor]


def linear_maximiser(
    model: LinearClassifier | nn.Linear, x: Tensor, y: Tensor, ball: NormBall
) -> Tensor:
    r"""The exact inner maximiser of a linear classifier, for any norm, with or without the box.

    .. math:: \delta^* \in \arg\max_{\delta \in \Delta(x)}
              \Psi(y(\theta^\top(x + \delta) + \theta_0))
              = \arg\max_{\delta \in \Delta(x)} \langle -y\theta, \delta \rangle,

    because the logistic loss decreases in the margin. For the :math:`\ell_\infty` ball it is
    :math:`-y \varepsilon \operatorname{sign}(\theta)`.

    Parameters
    ----------
    model : LinearClassifier or nn.Linear with one output
        The classifier under attack.
    x : Tensor of shape (n, d)
        Examples.
    y : Tensor of shape (n,)
        Labels in {-1, +1}.
    ball : NormBall
        The perturbation set; where the maximiser is not unique, its documented choice is taken.

    Returns
    -------
    Tensor of shape (n, d)
        One maximiser for each example.

    Raises
    ------
    TypeError, ValueError
        If the model is not linear, or examples and labels are not as above.
    """
    theta = LinearClassifier.of(model).theta
    x = check_x(x)
    y = check_labels(y, len(x)).to(x.dtype)
    return ball.maximiser(-y[:, None] * theta, x)


def fgsm(model: Model, x: Tensor, y: Tensor, ball: NormBall) -> Tensor:
    r"""One step of the steepest ascent that the set allows: the linearised loss's maximiser.

    .. math:: \delta = \arg\max_{\delta \in \Delta(x)} \langle \nabla_x L(y, f(x)), \delta \rangle

    For the :math:`\ell_\infty` ball this is the fast gradient sign method,
    :math:`\varepsilon \operatorname{sign} \nabla_x L`. For a linear model it is exact.

    Parameters
    ----------
    model : nn.Module or callable
        Gives one score, or several logits, for each example. Its mode, parameters, buffers and
        gradients stay as they are, and so does the random state.
    x : Tensor of shape (n, d)
        Examples, of the model's dtype.
    y : Tensor of shape (n,)
        Labels in {-1, +1} for scores, class numbers for logits.
    ball : NormBall
        The perturbation set.

    Returns
    -------
    Tensor of shape (n, d)
        Perturbations inside the set.

    Raises
    ------
    TypeError, ValueError
        If examples, labels and outputs do not fit each other.

    References
    ----------
    Goodfellow, Shlens and Szegedy (2015), section 4.
    """
    x = check_x(x)
    return ball.maximiser(_loss_gradient(_without_traces(model, x), x, y), x)


def pgd(
    model: Model,
    x: Tensor,
    y: Tensor,
    ball: NormBall,
    *,
    step_size: float,
    n_steps: int,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Projected gradient ascent on the loss, for p = 1, 2 or infinity.

    .. math:: \delta \leftarrow \Pi_{\Delta(x)}\bigl(\delta + \alpha \arg\max_{\|v\|_p \le 1}
              \langle \nabla_x L(y, f(x + \delta)), v \rangle\bigr)

    Each step goes a length `step_size`, in the norm of the set, in the direction of steepest ascent
    for that norm; for p = 1 in the box, pixels at their face are left out. The last iterate is
    returned: a lower bound on the worst loss, not a certificate.

    Parameters
    ----------
    model : nn.Module or callable
        As for :func:`fgsm`.
    x : Tensor of shape (n, d)
        Examples, of the model's dtype.
    y : Tensor of shape (n,)
        Labels in {-1, +1} for scores, class numbers for logits.
    ball : NormBall
        The perturbation set.
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
        If an argument is out of range, or examples, labels and outputs do not fit each other.

    References
    ----------
    Madry, Makelov, Schmidt, Tsipras and Vladu (2018), section 2.1.
    """
    x = check_x(x)
    step_size, n_steps = check_positive("step_size", step_size), check_count("n_steps", n_steps)
    if ball.p not in (1.0, 2.0, torch.inf):
        raise ValueError(f"pgd steps in the norms p = 1, 2 and inf, got p = {ball.p:g}: use fgsm")
    # For p = 1 all of a step is for one pixel: at its face in the box the next one's turn has come.
    steps = ball.with_radius(step_size) if ball.p == 1 else NormBall(ball.p, step_size)
    scores = _without_traces(model, x)
    delta = torch.zeros_like(x) if generator is None else ball.sample(x, generator=generator)
    for _ in range(n_steps):
        place = x + delta
        if isinstance(ball, BoxedNormBall):
            place = place.clamp(ball.low, ball.high)  # rounding may have left the box
        step = steps.maximiser(_loss_gradient(scores, place, y), place)
        delta = ball.project(delta + step, x)
    return delta


def _loss_gradient(scores: Model, x: Tensor, y: Tensor) -> Tensor:
    """Gradient of the examples' summed loss with respect to the examples, shape (n, d)."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(losses(scores(x), y).sum(), x)
    return gradient


def _without_traces(model: Model, x: Tensor) -> Model:
    """The model as a function that leaves no gradient, buffer or random state changed."""
    if not isinstance(model, nn.Module):
        return model
    parameters = {name: value.detach() for name, value in model.named_parameters()}
    for name, value in parameters.items():
        if value.is_floating_point() and value.dtype != x.dtype:
            raise TypeError(
                f"x must have the model's dtype, got {x.dtype} with {name} in {value.dtype}: "
                "use model.double() or x.float()"
            )

    def scores(x: Tensor) -> Tensor:
        # In training mode batch norm writes its buffers and dropout draws random numbers:
        # let it write copies, and put the random state back.
        buffers = {name: value.clone() for name, value in model.named_buffers()}
        with torch.random.fork_rng(devices=[x.device] if x.is_cuda else []):
            return functional_call(model, {**parameters, **buffers}, (x,))

    return scores
