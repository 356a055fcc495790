r"""The logistic loss and the linear classifier.

Binary labels are -1 and +1, and a model gives one score for each example. Its margin is label times
score: positive where the example is classified correctly, and a tie (margin 0) counts as an error.
The logistic loss is a function of the margin alone, :math:`\Psi(z) = \log(1 + e^{-z})`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lectures_code.checks import (
    check_classes,
    check_examples,
    check_float,
    check_labels,
    check_x,
)
from lectures_code.perturbations import NormBall, PixelIntervals

#: Gives one score, or several logits, for each example.
Model = Callable[[Tensor], Tensor]


def psi(z: Tensor) -> Tensor:
    r"""Logistic loss :math:`\Psi(z) = \log(1 + e^{-z})` of margins, accurate for any size."""
    return -nn.functional.logsigmoid(z)


def psi_prime(z: Tensor) -> Tensor:
    r"""Derivative of the logistic loss, :math:`\Psi'(z) = -1 / (1 + e^{z})`, always in (-1, 0)."""
    return -torch.sigmoid(-z)


def margins(output: Tensor, y: Tensor) -> Tensor:
    r"""How far each output is on the side of its label: positive if and only if it is correct.

    One score :math:`s`: the margin is :math:`y s`. Several logits :math:`z`: it is
    :math:`z_y - \max_{k \ne y} z_k`.

    Parameters
    ----------
    output : Tensor of shape (n,), (n, 1) or (n, k)
        Scores, or k >= 2 logits for each example.
    y : Tensor of shape (n,)
        Labels in {-1, +1} for scores; class numbers 0 .. k-1 for logits; of any number type.

    Returns
    -------
    Tensor of shape (n,)
        The margins.

    Raises
    ------
    TypeError, ValueError
        If the outputs are no such tensor or hold NaN, or the labels do not fit them.
    """
    output, y = _fit(output, y)
    if output.ndim == 1:
        return y * output
    own = output.gather(1, y[:, None])[:, 0]
    others = output.scatter(1, y[:, None], -torch.inf)
    return own - others.max(dim=1).values


def losses(output: Tensor, y: Tensor) -> Tensor:
    r"""Loss of each example: logistic, :math:`\Psi(y s)`, for one score, cross-entropy for logits.

    For two logits both agree, with :math:`s` the difference of the logits. Arguments and errors as
    for :func:`margins`; in nats, shape (n,).
    """
    output, y = _fit(output, y)
    if output.ndim == 1:
        return psi(y * output)
    return nn.functional.cross_entropy(output, y, reduction="none")


def log_odds_of_error(output: Tensor, y: Tensor) -> Tensor:
    r"""Log-odds of a wrong label, of which the loss is a strictly increasing function.

    .. math:: \ell = -y s \quad \text{for one score}, \qquad
              \ell = \log \sum_{k \ne y} e^{z_k - z_y} \quad \text{for logits}, \qquad
              \text{loss} = \log(1 + e^{\ell}).

    It has the maximisers of :func:`losses` and gradients of the same direction, but no flat part:
    where a label is all but certain the loss rounds to 0, and its gradient with it, while the
    derivative of :math:`\ell` in the label's own logit is -1 everywhere.

    Arguments and errors as for :func:`margins`; shape (n,), ``-inf`` where all other logits are.
    """
    output, y = _fit(output, y)
    if output.ndim == 1:
        return -y * output
    if output.shape[1] == 2:  # nothing to sum, which saves an attack a twentieth of its time
        first, second = output.unbind(1)
        log_odds = (first - second) * (2 * y - 1)
        if log_odds.detach().sum().isfinite():
            return log_odds
    own = output.gather(1, y[:, None])[:, 0]
    others = output.scatter(1, y[:, None], -torch.inf)
    largest = others.detach().max(dim=1).values
    certain = largest == -torch.inf
    others, largest = others.masked_fill(certain[:, None], 0), largest.masked_fill(certain, 0)
    # The sum of exponentials is of numbers of at most 1. Otherwise, with logits of 1e6 in float32,
    # the derivatives in the other logits would not sum to 1, and what all logits have in common
    # would not cancel.
    gap = (others - largest[:, None]).logsumexp(1)
    return (gap + (largest - own)).masked_fill(certain, -torch.inf)


def lack_of_margin(output: Tensor, y: Tensor) -> Tensor:
    """Minus the margin: at least 0 if and only if the example is a mistake, a tie included.

    Arguments and errors as for :func:`margins`; shape (n,).
    """
    return -margins(output, y)


def _fit(output: object, y: object) -> tuple[Tensor, Tensor]:
    """Outputs as (n,) scores or (n, k) logits, with the labels that belong to them."""
    output = _check_output(output)
    if output.ndim == 1:
        return output, check_labels(y, len(output)).to(output.dtype)
    return output, check_classes(y, *output.shape)


def _check_output(output: object) -> Tensor:
    """Return what a model gave, as (n,) scores or (n, k) logits, if it is one of them."""
    if not isinstance(output, Tensor):
        raise TypeError(
            "a model must give one tensor, of scores or logits, "
            f"got {type(output).__name__}: wrap the model in a function that returns this tensor"
        )
    if not output.is_floating_point():
        raise TypeError(
            f"a model must give floating-point scores or logits, got {output.dtype}: "
            "return them instead of the decisions"
        )
    if output.ndim == 2 and output.shape[1] == 1:
        output = output[:, 0]
    if output.ndim not in (1, 2) or 0 in output.shape:
        raise ValueError(
            "a model must give one score, shape (n,) or (n, 1), or k logits, shape (n, k), "
            f"for each example, got {tuple(output.shape)}: flatten its output"
        )
    if output.isnan().any():
        raise ValueError(
            f"a model must give numbers, got {int(output.isnan().sum())} NaN among "
            f"{output.numel()} outputs: check its weights, and train with a smaller step_size"
        )
    return output


def outputs(model: Model, x: Tensor) -> Tensor:
    """The model's outputs at the examples (n, d): scores (n,) or logits (n, k), k >= 2.

    Raises a TypeError or ValueError if the model gives anything else, NaN included, or has another
    dtype than x.
    """
    try:
        output = _check_output(model(x))
    except RuntimeError as error:
        # Only where it fails: a model may convert its examples itself.
        for name, value in getattr(model, "named_parameters", list)():
            if value.is_floating_point() and value.dtype != x.dtype:
                raise TypeError(
                    f"x must have the model's dtype, got {x.dtype} with {name} in {value.dtype}: "
                    "use model.double() or x.float()"
                ) from error
        raise
    if len(output) != len(x):
        raise ValueError(
            f"a model must give one score or several logits for each of {len(x)} examples, "
            f"got shape {tuple(output.shape)}: keep the first dimension of x"
        )
    return output


@contextmanager
def evaluation_mode(model: Model) -> Iterator[None]:
    """Within it a module is in evaluation mode; afterwards each part has the mode it had.

    In training mode batch norm would move its buffers and dropout draw random numbers. Other
    callables stay as they are: nothing is known of modules that they may call.
    """
    parts = list(model.modules()) if isinstance(model, nn.Module) else []
    modes = [part.training for part in parts]
    try:
        for part in parts:
            part.training = False
        yield
    finally:
        for part, mode in zip(parts, modes, strict=True):
            part.training = mode


@dataclass(frozen=True, eq=False)
class LinearClassifier:
    r"""Score :math:`\theta^\top x + \theta_0`; its sign is the predicted label.

    Parameters
    ----------
    theta : Tensor of shape (d,)
        Weights.
    intercept : Tensor of shape () or float
        The score :math:`\theta_0` of the zero image.

    Raises
    ------
    TypeError, ValueError
        If a part is not a finite floating-point tensor of its shape.
    """

    theta: Tensor
    intercept: Tensor

    def __post_init__(self) -> None:
        theta = check_float("theta", self.theta)
        intercept = check_float("intercept", torch.as_tensor(self.intercept, dtype=theta.dtype))
        if theta.ndim != 1 or intercept.ndim != 0:
            raise ValueError(
                "theta must have shape (d,) and the intercept shape (), got "
                f"{tuple(theta.shape)} and {tuple(intercept.shape)}: "
                "use LinearClassifier.of(module) on an nn.Linear"
            )
        object.__setattr__(self, "intercept", intercept)

    @classmethod
    def of(cls, module: "nn.Module | LinearClassifier") -> "LinearClassifier":
        """The classifier that an ``nn.Linear(d, 1)`` computes; a LinearClassifier is its own.

        It is a view of the layer's weights, not a copy, and detached from its gradients. Any other
        module raises a TypeError.
        """
        if isinstance(module, LinearClassifier):
            return module
        if not isinstance(module, nn.Linear) or module.out_features != 1:
            raise TypeError(
                f"a linear classifier is an nn.Linear(d, 1), got {module}: for other models "
                "use attacks.pgd, for several logits the functions in multiclass"
            )
        theta = module.weight.detach()[0]
        return cls(theta, theta.new_zeros(()) if module.bias is None else module.bias.detach()[0])

    def __call__(self, x: Tensor) -> Tensor:
        """Scores, shape (n,), of examples of shape (n, d)."""
        x = check_x(x)
        if x.shape[1] != len(self.theta):
            raise ValueError(
                f"x must have {len(self.theta)} features, one for each weight, got {x.shape[1]}"
            )
        if x.dtype != self.theta.dtype:
            raise TypeError(
                f"x must have the weights' dtype, got {x.dtype} with weights in "
                f"{self.theta.dtype}: use x.to(theta.dtype)"
            )
        return x @ self.theta + self.intercept

    def worst_perturbations(self, x: Tensor, y: Tensor, ball: NormBall | PixelIntervals) -> Tensor:
        """Perturbations that leave the least margins, shape (n, d)."""
        return ball.worst(self.theta, x, y)

    def worst_margins(self, x: Tensor, y: Tensor, ball: NormBall | PixelIntervals) -> Tensor:
        """The least margins over the perturbation set, shape (n,)."""
        x, y = check_examples(x, y)
        return y * self(x) - ball.margin_taken(self.theta, x, y)

    def radii(self, x: Tensor, y: Tensor, ball: NormBall) -> Tensor:
        """The radii from which on there is a mistake in the set: see `risk.certified_radii`."""
        x, y = check_examples(x, y)
        return ball.radii(self.theta, x, y, y * self(x))

    def margins(self, x: Tensor, y: Tensor) -> Tensor:
        """Margins ``y * score``, shape (n,), of labelled examples (n, d) and (n,)."""
        x, y = check_examples(x, y)
        return y * self(x)
