r"""The proximal step: the lecture's step 2 where the adversary's term has kinks.

For the :math:`\ell_\infty` ball that term is :math:`\varepsilon \|\theta\|_1`. A gradient step
takes the same amount from every weight, however small it is, and so jumps across 0; the proximal
step stops there.
"""

import torch
from torch import Tensor, nn

from lectures_code.checks import check_labels
from lectures_code.logistic import LinearClassifier, margins, outputs, psi_prime
from lectures_code.perturbations import NormBall
from lectures_code.training import Step


def proximal_step(ball: NormBall) -> Step:
    r"""A step 2 for linear classifiers that keeps the adversary's term exact.

    Of a minibatch let :math:`m_i` be the clean margins, and :math:`t_i(\theta) = \max_{\delta \in
    \Delta(x_i)} \langle -y_i \theta, \delta \rangle` what the adversary takes from them
    (:math:`\varepsilon \|\theta\|_1` for the :math:`\ell_\infty` ball). The risk is the mean of
    :math:`\Psi(m_i - t_i)`. With the weights :math:`a_i = -\Psi'(m_i - t_i)` at the present
    :math:`(\bar\theta, \bar\theta_0)`, the step linearises :math:`\Psi` and nothing else, and
    goes to the minimiser of

    .. math:: \frac1m \sum_i a_i \bigl(t_i(\theta) - m_i(\theta, \theta_0)\bigr) + \frac1{2\alpha}
              \bigl(\|\theta - \bar\theta\|_2^2 + (\theta_0 - \bar\theta_0)^2\bigr),

    which is, for the :math:`\ell_\infty` ball,

    .. math::
        v &= \bar\theta + \alpha \frac1m \sum_i a_i y_i x_i, \qquad
        \lambda = \varepsilon \frac1m \sum_i a_i, \\
        \theta_j &= \operatorname{sign}(v_j) \max(|v_j| - \alpha \lambda, 0), \qquad
        \theta_0 = \bar\theta_0 + \alpha \frac1m \sum_i a_i y_i,

    and for other sets :meth:`~lectures_code.perturbations.NormBall.proximal_point` in place of the
    soft threshold. :math:`\lambda` is the derivative of the minibatch's risk in
    :math:`\|\theta\|_1`. With radius 0 this is the gradient step.

    Parameters
    ----------
    ball : NormBall
        The perturbation set, p = 1, 2 or inf; in the box p = inf.

    Returns
    -------
    callable
        Step 2 for :func:`lectures_code.training.epoch` and :func:`lectures_code.training.train`,
        which need the exact maximiser over the same set as step 1. It changes an ``nn.Linear``.

    Raises
    ------
    TypeError, ValueError
        In training: for another model or another p, or if step 1 is not the exact maximum.

    Notes
    -----
    With all examples in one batch, the points that the step leaves as they are, for any
    :math:`\alpha`, are exactly the minimisers of the risk. What is minimised is strictly convex, so
    the step stays where it is if and only if 0 is a subgradient there:

    .. math:: 0 \in \frac1m \sum_i a_i \bigl(\partial t_i(\bar\theta) - y_i x_i\bigr), \qquad
              0 = \frac1m \sum_i a_i y_i.

    This is the subdifferential of the risk, by the chain rule: :math:`\Psi` is differentiable and
    decreasing, and :math:`t_i - m_i` convex. And the risk is convex. A gradient step has no such
    rest: where a minimiser has weights of 0, it is one subgradient of many, and seldom 0.

    References
    ----------
    Duchi and Singer (2009), Efficient online and batch learning using forward backward splitting;
    Drusvyatskiy and Lewis (2018), Error bounds, quadratic growth, and linear convergence of
    proximal methods.
    """

    @torch.no_grad()
    def step(model: nn.Module, x: Tensor, y: Tensor, delta: Tensor, step_size: float) -> None:
        theta, intercept = _parameters(model)
        y = check_labels(y, len(x)).to(x.dtype)
        clean, worst = (margins(outputs(model, each), y) for each in (x, x + delta))
        _check_exact(clean - worst, ball.margin_taken(theta, x, y), clean)
        a = -psi_prime(worst) * (step_size / len(x))
        theta.copy_(ball.proximal_point(theta + (a * y) @ x, x, y, a))
        intercept.add_(a @ y)

    return step


def _parameters(model: nn.Module) -> tuple[Tensor, Tensor]:
    """Views of the layer's weights and intercept: what changes them changes the layer."""
    classifier = LinearClassifier.of(model)
    trained = {name for name, value in model.named_parameters() if value.requires_grad}
    if trained != {"weight", "bias"}:
        raise TypeError(
            "the proximal step needs an nn.Linear with weight and bias to train and nothing else, "
            f"got {', '.join(sorted(trained)) or 'nothing to train'}: use as_module"
        )
    return classifier.theta, classifier.intercept


def _check_exact(found: Tensor, most: Tensor, clean: Tensor) -> None:
    """Refuse perturbations that take less from the margins, or more, than the worst in the ball."""
    rounding = torch.finfo(clean.dtype).eps ** 0.5  # half of the digits
    missed = float((found - most).abs().max())
    if missed > rounding * (1 + float(clean.abs().max()) + float(most.max())):
        raise ValueError(
            "the proximal step needs the exact maximum over its own ball in step 1, got margins "
            f"that differ from it by up to {missed:.3g}: pass "
            "maximiser=functools.partial(linear_maximiser, ball=ball)"
        )
