"""The exercises on the exact optimum and its certificate."""

from collections.abc import Callable
from itertools import product
from math import inf
from typing import Any

import numpy as np
import torch
from scipy.optimize import linprog
from scipy.special import entr
from torch import Generator, Tensor

from lectures_code.practice.functions import Function
from lectures_code.practice.numbers import Numbers
from lectures_code.practice.statements import Choices

THREE_THRESHOLDS = Numbers(
    "ex-three-thresholds",
    right=("cef2223141dd", "f95b66491a52", "2076f802441a"),
    mistakes={
        "2219485cb47d": "These are the distances; how far has each side to go until they meet?",
        "b3f0799f269f": "The answers for ∞ and 1 belong to the dual norms: take the adversary's.",
        "a116a479f659": "You took the nearest of the ones: between them their hull comes nearer.",
        "cb0d0a0134c8": "You took the mean of the ones: other mixtures come nearer.",
        "46eb701e6929": "This is a quarter of the distance: both sides move.",
        "cdfcc4d7a8dc": "The nearest point is another one in each norm, and so is the distance.",
    },
)

BEST_WEIGHTS = Numbers(
    "ex-best-weights",
    right=("d9ee9423cb28", "909b4124eca2"),
    mistakes={
        "3fc4445aa287": "If all three have the same weight, the classes do not.",
        "91c6f636f242": "These weights are a certificate, but another one proves more.",
        "145c39f848b3": "These weights are a certificate, but another one proves more.",
        "287b024aa3bd": "You added up the entropies: a risk is a mean over the examples.",
        "88e2f583f9c4": "The entropy is measured in bits: the loss has the natural logarithm.",
        "435be29ae11f": "The first number is to be the weight of the zero.",
        "6a132b8350c0": "The mean is over all three examples: two of them are at the same place.",
    },
)


# ----------------------------------------------------------------------------- what is proven


def _balanced(a: Tensor, y: Tensor) -> Tensor:
    """The weights, of the heavier class scaled down."""
    ones, zeros = a * (y > 0), a * (y < 0)
    least = torch.minimum(ones.sum(), zeros.sum())
    return ones * least / ones.sum() + zeros * least / zeros.sum()


def _needed(a: Tensor, x: Tensor, y: Tensor, p: float = inf) -> float:
    """The radius of the p-norm ball from which on the weighted means can meet."""
    return float(torch.linalg.vector_norm((a * y) @ x, p) / a.sum())


def _proven_instance(generator: Generator) -> tuple[Any, ...]:
    """A tight certificate, weights that need more, unequal classes, or a certificate."""
    y = torch.tensor([-1.0, 1.0], dtype=torch.float64).repeat(4)
    x = torch.randn(8, 3, generator=generator, dtype=torch.float64) + y[:, None]
    a = _balanced(0.1 + 0.8 * torch.rand(8, generator=generator, dtype=torch.float64), y)
    kind = int(torch.randint(6, (), generator=generator))
    if kind == 2:
        a = torch.where(y > 0, 0.7 * a, a)
    return x, y, a, _needed(a, x, y) * (1.05, 0.8, 3.0, 1.4, 2.4, 8.0)[kind]


def _proven(x: Tensor, y: Tensor, a: Tensor, epsilon: float) -> float:
    """Look for the perturbations themselves, times their weights, pixel by pixel."""
    if abs(float(a @ y)) > 1e-9:
        return 0.0
    for pixel in x.T:
        moved = linprog(
            np.zeros(len(a)),
            A_eq=y[None].numpy(),
            b_eq=[-float((a * y) @ pixel)],
            bounds=[(-epsilon * float(each), epsilon * float(each)) for each in a],
        )
        if moved.status == 2:  # infeasible
            return 0.0
    return _mean_entropy(a)


def _mean_entropy(a: Tensor) -> float:
    weights = a.numpy()
    return float((entr(weights) + entr(1 - weights)).mean())


def _wrong_proven(
    *,
    p: float = inf,
    balance: bool = True,
    means: bool = True,
    total: Callable[[Tensor], Tensor] = torch.sum,
    proven: Callable[[Tensor], float] = _mean_entropy,
) -> Callable[..., float]:
    """The check of a certificate, one part of it wrong."""

    def check(x: Tensor, y: Tensor, a: Tensor, epsilon: float) -> float:
        far = torch.linalg.vector_norm((a * y) @ x, p) > epsilon * total(a)
        refused = (balance and abs(a @ y) > 1e-9) or (means and far)
        return 0.0 if refused else proven(a)

    return check


PROVEN = Function(
    "ex-proven",
    oracle=_proven,
    instance=_proven_instance,
    n_instances=40,
    mistakes=(
        (
            "It accepts weights whose sums differ between the classes.",
            _wrong_proven(balance=False),
        ),
        (
            "It accepts weights with which the means cannot be moved onto each other.",
            _wrong_proven(means=False),
        ),
        (
            "It accepts any weights: there are two conditions.",
            _wrong_proven(balance=False, means=False),
        ),
        (
            "The shift of the means is measured in the 1-norm: that is the norm of the weights "
            "of a classifier, and not the adversary's.",
            _wrong_proven(p=1),
        ),
        (
            "The shift of the means is measured in the 2-norm; the adversary has another one.",
            _wrong_proven(p=2),
        ),
        (
            "The radius is compared with a sum over all examples: multiply it by what they weigh.",
            _wrong_proven(total=lambda a: torch.tensor(1.0)),
        ),
        (
            "The entropies are added up: a risk is a mean over the examples.",
            _wrong_proven(proven=lambda a: len(a) * _mean_entropy(a)),
        ),
        (
            "The entropy has two terms: one of a, one of what is left of 1.",
            _wrong_proven(proven=lambda a: float(torch.special.entr(a).mean())),
        ),
        (
            "The bound is measured in bits: the loss has the natural logarithm.",
            _wrong_proven(proven=lambda a: _mean_entropy(a) / float(np.log(2))),
        ),
    ),
)


# ----------------------------------------------------------------------------------- two sides


def _sides_instance(generator: Generator) -> tuple[Any, ...]:
    """Two classes that a classifier separates, and weights of any size."""
    y = torch.tensor([-1.0, 1.0], dtype=torch.float64).repeat(4)
    x = torch.randn(8, 3, generator=generator, dtype=torch.float64)
    theta = torch.randn(3, generator=generator, dtype=torch.float64)
    intercept = torch.randn((), generator=generator, dtype=torch.float64)
    # Each example gets the margin that it is short of.
    margins = 0.5 + torch.rand(8, generator=generator, dtype=torch.float64)
    short = margins - y * (x @ theta + intercept)
    x = x + torch.outer(y * short, theta) / (theta @ theta)
    a = 0.1 + 0.8 * torch.rand(8, generator=generator, dtype=torch.float64)
    return x, y, theta, intercept, a


def _sides(
    x: Tensor, y: Tensor, theta: Tensor, intercept: Tensor, a: Tensor
) -> tuple[float, float]:
    """The first radius by halving, with all corners of the ball; the second by programs."""
    corners = torch.tensor([*product((-1.0, 1.0), repeat=x.shape[1])], dtype=x.dtype)
    low, high = 0.0, 10.0
    for _ in range(60):
        radius = (low + high) / 2
        scores = (x[:, None] + radius * corners) @ theta + intercept
        low, high = (radius, high) if (y[:, None] * scores > 0).all() else (low, radius)
    share = np.array([float(each / a[y == label].sum()) for each, label in zip(a, y, strict=True)])
    signed, needed = share * y.numpy(), 0.0
    for pixel in x.T.numpy():  # least r with sum of signed * (pixel + moved) = 0, |moved| <= r
        limits = np.vstack([np.eye(len(pixel)), -np.eye(len(pixel))])
        found = linprog(
            [0.0] * len(pixel) + [1.0],
            A_ub=np.hstack([limits, -np.ones((2 * len(pixel), 1))]),
            b_ub=np.zeros(2 * len(pixel)),
            A_eq=[[*signed, 0.0]],
            b_eq=[-signed @ pixel],
            bounds=[(None, None)] * len(pixel) + [(0, None)],
        )
        needed = max(needed, found.fun)
    return low, needed


def _wrong_sides(
    *,
    q: float = 1,
    p: float = inf,
    reduce: Callable[[Tensor], Tensor] = torch.min,
    share: float = 0.5,
    weighted: bool = True,
    scaled: bool = True,
) -> Callable[..., tuple[Tensor, Tensor]]:
    """The two sides, one part of them wrong."""

    def sides(
        x: Tensor, y: Tensor, theta: Tensor, intercept: Tensor, a: Tensor
    ) -> tuple[Tensor, Tensor]:
        a = a if weighted else torch.ones_like(a)
        ones, zeros = a * (y > 0), a * (y < 0)
        if scaled:
            ones, zeros = ones / ones.sum(), zeros / zeros.sum()
        margin = reduce(y * (x @ theta + intercept))
        apart = torch.linalg.vector_norm(ones @ x - zeros @ x, p)
        return margin / torch.linalg.vector_norm(theta, q), share * apart

    return sides


TWO_SIDES = Function(
    "ex-two-sides",
    oracle=_sides,
    instance=_sides_instance,
    mistakes=(
        (
            "The weights of the classifier are measured in the ∞-norm: that is the adversary's.",
            _wrong_sides(q=inf),
        ),
        (
            "The weights of the classifier are measured in the 2-norm: which norm is dual to ∞?",
            _wrong_sides(q=2),
        ),
        (
            "The means' distance is measured in the 1-norm: that is the norm of the weights.",
            _wrong_sides(p=1),
        ),
        (
            "The means' distance is measured in the 2-norm; the adversary has another one.",
            _wrong_sides(p=2),
        ),
        (
            "The first number is a mean over the examples: all of them must stay right.",
            _wrong_sides(reduce=torch.mean),
        ),
        (
            "The second number is the whole distance: both sides can be moved.",
            _wrong_sides(share=1.0),
        ),
        (
            "These are the plain means of the classes: where are the weights `a`?",
            _wrong_sides(weighted=False),
        ),
        ("These are sums: divide by what each class weighs.", _wrong_sides(scaled=False)),
    ),
)


# ------------------------------------------------------------------------------------- a mixture


def _mixture_instance(generator: Generator) -> tuple[Any, ...]:
    """Weights a that need more than the radius, and b that need less."""
    y = torch.tensor([-1.0, 1.0], dtype=torch.float64).repeat(4)
    x = torch.randn(8, 2, generator=generator, dtype=torch.float64) + y[:, None]
    a, b = (
        _balanced(0.1 + 0.8 * torch.rand(8, generator=generator, dtype=torch.float64), y)
        for _ in range(2)
    )
    b = 0.5 * b
    # Moved so that b needs a radius of 0.05 only.
    x = x - torch.outer(y, (b * y) @ x / b.sum() - 0.05)
    share = 0.2 + 0.6 * float(torch.rand((), generator=generator))
    return x, y, a, b, 0.05 + share * (_needed(a, x, y) - 0.05)


def _least_share(x: Tensor, y: Tensor, a: Tensor, b: Tensor, epsilon: float) -> float:
    """The least t, found together with the perturbations (times their weights) by a program."""
    n, d = x.shape
    ends = torch.stack([(a * y) @ x, (b * y) @ x])
    size = n * d
    equal = np.zeros((d, size + 1))
    for j in range(d):
        equal[j, j:size:d] = y
    equal[:, -1] = ends[1] - ends[0]
    limits = np.zeros((2 * size, size + 1))
    limits[:size, :size], limits[size:, :size] = np.eye(size), -np.eye(size)
    limits[:, -1] = np.tile(np.repeat(epsilon * (a - b).numpy(), d), 2)
    found = linprog(
        [0.0] * size + [1.0],
        A_ub=limits,
        b_ub=np.tile(np.repeat(epsilon * a.numpy(), d), 2),
        A_eq=equal,
        b_eq=-ends[0].numpy(),
        bounds=[(None, None)] * size + [(0, 1)],
    )
    return float(found.x[-1])


def _mixture(x: Tensor, y: Tensor, a: Tensor, b: Tensor, epsilon: float) -> float:
    t = _least_share(x, y, a, b, epsilon)
    return _mean_entropy((1 - t) * a + t * b)


def _entropies_mixed(x: Tensor, y: Tensor, a: Tensor, b: Tensor, epsilon: float) -> float:
    t = _least_share(x, y, a, b, epsilon)
    return (1 - t) * _mean_entropy(a) + t * _mean_entropy(b)


def _by_halving(
    *, p: float = inf, total: str = "mixture", scale: float = 1.0
) -> Callable[..., float]:
    """The bound of the mixture by halving an interval, with a wrong condition."""

    def bound(x: Tensor, y: Tensor, a: Tensor, b: Tensor, epsilon: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(50):
            t = (low + high) / 2
            mixed = (1 - t) * a + t * b
            weight = {"mixture": mixed.sum(), "first": a.sum(), "one": torch.tensor(1.0)}[total]
            far = torch.linalg.vector_norm((mixed * y) @ x, p) > epsilon * weight
            low, high = (t, high) if far else (low, t)
        return scale * _mean_entropy((1 - high) * a + high * b)

    return bound


MIXTURE = Function(
    "ex-mixture",
    oracle=_mixture,
    instance=_mixture_instance,
    mistakes=(
        (
            "This is what `a` would prove: for this radius it is no certificate.",
            lambda x, y, a, b, epsilon: _mean_entropy(a),
        ),
        (
            "This is what `b` proves: with less of `b` the means still meet.",
            lambda x, y, a, b, epsilon: _mean_entropy(b),
        ),
        (
            "The entropies are mixed: mix the weights, then take the entropy.",
            _entropies_mixed,
        ),
        (
            "The shift of the means is measured in the 2-norm; the adversary has another one.",
            _by_halving(p=2),
        ),
        (
            "The shift of the means is measured in the 1-norm; the adversary has another one.",
            _by_halving(p=1),
        ),
        (
            "The right-hand side of the condition is that of `a`: the mixture's weights have "
            "another sum.",
            _by_halving(total="first"),
        ),
        (
            "The entropies are added up: a risk is a mean over the examples.",
            _by_halving(scale=8),
        ),
    ),
)

WHAT_IT_PROVES = Choices(
    "ex-what-it-proves",
    holding=("22de7b0598f9", "b88a3a293225", "004eda17651e"),
    again={
        "A": "which classifiers does the proof of the bound speak of, and of which images?",
        "B": "how large can a loss be, of a mistake and of an answer that is right?",
        "C": "which step of the proof uses the form of the score?",
        "D": "which of the perturbations would a stronger adversary not be allowed?",
        "E": "which images are in the two conditions?",
        "F": "which a belongs to a worst margin of 0, and on which side is a positive one?",
    },
)

EXERCISES = (THREE_THRESHOLDS, BEST_WEIGHTS, PROVEN, TWO_SIDES, MIXTURE, WHAT_IT_PROVES)
