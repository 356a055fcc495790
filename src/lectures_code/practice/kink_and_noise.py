"""The exercises on the kink, the noise, and the step that stops at the kink."""

from collections.abc import Callable
from functools import partial
from math import exp, log1p
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Generator, Tensor

from lectures_code.practice.functions import Function
from lectures_code.practice.numbers import Numbers
from lectures_code.practice.statements import Choices

FOUR_WEIGHTS = Numbers(
    "ex-four-weights",
    right=("4dc40776bc30", "c50cd74e5c7e", "c50cd74e5c7e", "a890c6be5fa7"),
    mistakes={
        "52c11da75b1c": "This is the subgradient step, with the signs of the old weights.",
        "296769a93cdb": "The adversary's pull stops at 0: no weight comes out on the other side.",
        "f2a84636402a": "The threshold has to shrink with the step size.",
        "da0096a5c623": "Weights that are not set to 0 move towards 0, too.",
        "6c67aee22898": "A weight may change its sign, if the images pull it across.",
        "7b2db12f610d": "The images pull, too: begin with v.",
        "10e69738f7da": "The pull of the images has the wrong sign.",
        "c16ea0624e7f": "The pull of the images is to be multiplied by the step size.",
    },
)

IDLE_WEIGHTS = Numbers(
    "ex-idle-weights",
    right=("64ae99508167", "a6b8fb79227b", "8c8e712096af", "9b6b388716b8"),
    mistakes={
        "153c2cdf7a77": "A subgradient step does not stop at 0.",
        "1ed1f88bc3d8": "This is the length of the jumps; where do the weights wait in between?",
        "aff9a89dfff3": "The adversary takes this sum times its radius.",
        "b14a479c5e5b": "The second step begins on the other side of 0.",
        "bb2f0f7e969c": "This is what one weight does; there are 784.",
        "108e6ebe032b": "The steps are to lead downhill, towards 0.",
    },
)


# ------------------------------------------------------------------------------- the soft step


def _examples(generator: Generator) -> tuple[Tensor, Tensor]:
    """Features that say much and little, and labels of which more are 1."""
    y = torch.ones(12, dtype=torch.float64)
    y[:5] = -1
    means = torch.tensor([1.0, 0.5, 0.2, 0.0], dtype=torch.float64)
    noise = torch.randn(12, 4, generator=generator, dtype=torch.float64)
    return torch.outer(y, means) + noise, y


def _weights(generator: Generator) -> tuple[Tensor, Tensor]:
    """Weights of which some are 0 or nearly 0, and an intercept."""
    theta = 0.4 * torch.randn(4, generator=generator, dtype=torch.float64)
    idle = torch.rand(4, generator=generator) < 0.4
    return theta.where(~idle, 0.0), torch.randn((), generator=generator, dtype=torch.float64)


def _step_instance(generator: Generator) -> tuple[Any, ...]:
    return *_weights(generator), *_examples(generator), 0.3, 0.7


def _pulls(theta: Tensor, intercept: Tensor, x: Tensor, y: Tensor, radius: float) -> list[float]:
    """The a_i, one at a time: minus the derivative of the loss at the worst margins."""
    taken = radius * sum(abs(weight) for weight in theta.tolist())
    worst = [
        float(label * (point @ theta + intercept)) - taken
        for point, label in zip(x, y, strict=True)
    ]
    return [1 / (1 + exp(margin)) for margin in worst]


def _soft_step(
    theta: Tensor, intercept: Tensor, x: Tensor, y: Tensor, epsilon: float, step_size: float
) -> tuple[list[float], float]:
    """The least of what the step minimises, which is quadratic on each side of 0."""
    pulls = _pulls(theta, intercept, x, y, epsilon)
    n = len(pulls)
    price = epsilon * sum(pulls) / n
    moved = []
    for j, weight in enumerate(theta.tolist()):
        pull = sum(a * float(y[i] * x[i, j]) for i, a in enumerate(pulls)) / n

        def model(t: float, weight: float = weight, pull: float = pull) -> float:
            return price * abs(t) - pull * t + (t - weight) ** 2 / (2 * step_size)

        bottoms = [weight + step_size * (pull - side * price) for side in (1, -1)]
        moved.append(min([0.0, *bottoms], key=model))
    shift = sum(a * float(label) for a, label in zip(pulls, y, strict=True)) / n
    return moved, float(intercept) + step_size * shift


def _threshold(v: Tensor, amount: float) -> Tensor:
    return v.sign() * (v.abs() - amount).clamp(min=0)


def _wrong_step(
    *,
    kind: Callable[[Tensor, Tensor, float], Tensor] = lambda v, theta, amount: _threshold(
        v, amount
    ),
    attacked: bool = True,
    priced: bool = True,
    stepped: bool = True,
    direction: float = 1.0,
    mean: bool = True,
    moves_intercept: bool = True,
) -> Callable[..., tuple[Tensor, Tensor]]:
    """The step, one part of it wrong."""

    def step(
        theta: Tensor, intercept: Tensor, x: Tensor, y: Tensor, epsilon: float, step_size: float
    ) -> tuple[Tensor, Tensor]:
        a = torch.tensor(_pulls(theta, intercept, x, y, attacked * epsilon)).double()
        a = a / len(a) if mean else a
        v = theta + direction * step_size * (a * y) @ x
        amount = epsilon * (float(a.sum()) if priced else 1.0) * (step_size if stepped else 1.0)
        return kind(v, theta, amount), intercept + moves_intercept * direction * step_size * a @ y

    return step


SOFT_STEP = Function(
    "ex-soft-step",
    oracle=_soft_step,
    instance=_step_instance,
    mistakes=(
        (
            "This is the subgradient step: it jumps across the kink.",
            _wrong_step(kind=lambda v, theta, amount: v - amount * theta.sign()),
        ),
        (
            "It does not stop at 0: some weights come out on the other side.",
            _wrong_step(kind=lambda v, theta, amount: v - amount * v.sign()),
        ),
        (
            "Large weights must move towards 0, too, not only the small ones.",
            _wrong_step(kind=lambda v, theta, amount: v.where(v.abs() > amount, 0.0)),
        ),
        ("The margins are those without an attack.", _wrong_step(attacked=False)),
        (
            "The threshold has the radius, but λ is smaller: not every example pulls fully.",
            _wrong_step(priced=False),
        ),
        ("The threshold must shrink with the step size.", _wrong_step(stepped=False)),
        ("The pull of the images has the wrong sign.", _wrong_step(direction=-1.0)),
        ("Both parts are means over the examples, not sums.", _wrong_step(mean=False)),
        ("The intercept has to move, too.", _wrong_step(moves_intercept=False)),
    ),
)


# ------------------------------------------------------------------------------------ at rest


def _rest_instance(generator: Generator) -> tuple[Any, ...]:
    theta, intercept = _weights(generator)
    x, y = _examples(generator)
    epsilon = 0.1 + 0.3 * float(torch.rand((), generator=generator))
    return theta, 2 * intercept, x, y, epsilon


def _risk(theta: Tensor, intercept: Tensor, x: Tensor, y: Tensor, epsilon: float) -> float:
    taken = epsilon * float(theta.abs().sum())
    worst = (y * (x @ theta + intercept)).tolist()
    return sum(log1p(exp(taken - margin)) for margin in worst) / len(worst)


def _descent(
    theta: Tensor, intercept: Tensor, x: Tensor, y: Tensor, epsilon: float, h: float = 1e-7
) -> float:
    """The steepest way down along a coordinate, by the risk's differences to each side."""
    here = _risk(theta, intercept, x, y, epsilon)
    steepest = 0.0
    for step in (h, -h):
        there = [_risk(theta, intercept + step, x, y, epsilon)]
        for j in range(len(theta)):
            moved = theta.clone()
            moved[j] += step
            there.append(_risk(moved, intercept, x, y, epsilon))
        steepest = max(steepest, max((here - risk) / h for risk in there))
    return steepest


def _wrong_rest(
    *,
    idle: Callable[[Tensor, float], Tensor] = lambda s, price: (s.abs() - price).clamp(min=0),
    attacked: bool = True,
    priced: bool = True,
    side: float = 1.0,
    mean: bool = True,
    with_intercept: bool = True,
    reduce: Callable[[Tensor], Tensor] = torch.max,
) -> Callable[..., Tensor]:
    """How far from rest, one part of it wrong."""

    def far(theta: Tensor, intercept: Tensor, x: Tensor, y: Tensor, epsilon: float) -> Tensor:
        a = torch.tensor(_pulls(theta, intercept, x, y, attacked * epsilon)).double()
        a = a / len(a) if mean else a
        s, price = (a * y) @ x, epsilon * (float(a.sum()) if priced else 1.0)
        used = (s - side * price * theta.sign()).abs()
        gaps = torch.where(theta != 0, used, idle(s, price))
        return reduce(torch.cat([gaps, (a @ y).abs()[None]]) if with_intercept else gaps)

    return far


AT_REST = Function(
    "ex-at-rest",
    oracle=_descent,
    instance=_rest_instance,
    mistakes=(
        (
            "At a weight of 0 it takes one subgradient; there are many, look for the best.",
            _wrong_rest(idle=lambda s, price: s.abs()),
        ),
        (
            "Weights of 0 are left out: their pixels may be worth a weight.",
            _wrong_rest(idle=lambda s, price: 0 * s),
        ),
        (
            "The intercept is left out: the risk has a slope in it, too.",
            _wrong_rest(with_intercept=False),
        ),
        ("The margins are those without an attack.", _wrong_rest(attacked=False)),
        (
            "λ is not the radius: not every example pulls fully.",
            _wrong_rest(priced=False),
        ),
        (
            "The adversary's pull has the wrong sign where a weight is not 0.",
            _wrong_rest(side=-1.0),
        ),
        ("Both parts are means over the examples, not sums.", _wrong_rest(mean=False)),
        ("This adds up what is missing; asked for is the largest.", _wrong_rest(reduce=torch.sum)),
    ),
)


# ------------------------------------------------------------------------- all weights together


def _together_instance(generator: Generator) -> tuple[Any, ...]:
    v = torch.randn(3, generator=generator, dtype=torch.float64)
    return v, float(0.2 + 2.0 * torch.rand((), generator=generator))


def _shrunk(v: Tensor, amount: float) -> list[float]:
    """A descent on the function itself, and 0 if this is no worse."""
    target = v.numpy()

    def objective(t: np.ndarray) -> tuple[float, np.ndarray]:
        size = max(float(np.linalg.norm(t)), 1e-300)
        value = amount * size + 0.5 * float((t - target) @ (t - target))
        return value, amount * t / size + t - target

    found = minimize(objective, target, jac=True, method="BFGS", options={"gtol": 1e-9})
    at_zero = 0.5 * float(target @ target)
    best = found.x if found.fun < at_zero - 1e-12 else np.zeros_like(target)
    return [float(each) for each in best]


def _scaled(v: Tensor, amount: float, *, p: float = 2, stops: bool = True) -> Tensor:
    factor = 1 - amount / torch.linalg.vector_norm(v, p)
    return v * (factor.clamp(min=0) if stops else factor)


TOGETHER = Function(
    "ex-together",
    oracle=_shrunk,
    instance=_together_instance,
    mistakes=(
        (
            "This takes the amount from each weight: that is for the 1-norm, not for the 2-norm.",
            _threshold,
        ),
        ("It does not stop at 0 if the amount is large.", partial(_scaled, stops=False)),
        (
            "This minimises a multiple of the square of the norm: the norm itself has a kink.",
            lambda v, amount: v / (1 + amount),
        ),
        ("The amount is compared with the 1-norm.", partial(_scaled, p=1)),
        ("The amount is compared with the largest weight.", partial(_scaled, p=torch.inf)),
        (
            "What is not set to 0 must become smaller, too.",
            lambda v, amount: v * (v.norm() > amount),
        ),
        (
            "This is the part that is taken away, not the part that is left.",
            lambda v, amount: v - _scaled(v, amount),
        ),
    ),
    # The descent stops where the values no longer tell one point from another.
    tolerance=1e-4,
)

KINK_OR_NOISE = Choices(
    "ex-kink-or-noise",
    holding=("6b19bb8bda95", "31320c5de699", "a8b1a12cf7cd"),
    again={
        "A": "what does the step take for the slope of |θ| at 0, and what do the images pull at?",
        "B": "of which step sizes does the theorem on the proximal step speak?",
        "C": "are the pull and λ of a minibatch those of all images?",
        "D": "which parts of a step are not 0 there?",
        "E": "how many weights are then idle, and what do they do?",
        "F": "how far does a step lead on either side of the kink?",
    },
)

EXERCISES = (FOUR_WEIGHTS, IDLE_WEIGHTS, SOFT_STEP, AT_REST, TOGETHER, KINK_OR_NOISE)
