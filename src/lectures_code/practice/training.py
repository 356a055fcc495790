"""The exercises on adversarial training of a network."""

from collections.abc import Callable
from functools import partial
from math import exp, log
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn.functional import logsigmoid

from lectures_code.practice.functions import Function
from lectures_code.practice.numbers import Numbers
from lectures_code.practice.statements import Choices

ONE_LONG_STEP = Numbers(
    "ex-one-long-step",
    right=("a40d957eb7ef", "dc6765b06963", "306277133647"),
    mistakes={
        "2b86a9e909f0": "The step is longer than the radius.",
        "ad5d039f58e7": "The step begins at a random start, not at the image.",
        "f679334a82c9": "Count the starts that arrive at the edge, not the others.",
        "7e3519f64269": "A share is at most one: how long is the interval of the starts?",
        "536bde527b05": "The last number is the largest change, not the least.",
        "b444922ee1da": "Does any start end at the image itself?",
        "b89a2752f340": "The step goes uphill, and here uphill is upwards.",
    },
    decimals=3,
)

TRADES_BY_HAND = Numbers(
    "ex-trades-by-hand",
    right=("257c43279343", "220a5103c556", "fcceb065c9a5"),
    mistakes={
        "f48337d98c65": "The divergence has its ends exchanged.",
        "1e5643fe109e": "The weight of the second term is missing.",
        "d4bcfe0a989c": "The first term of TRADES looks at the clean image.",
        "1a03c26a768f": "The first term of TRADES is missing.",
        "069bc64703cc": "A divergence has a term for each label.",
        "102918d8fdc8": "These are bits; losses here are in nats.",
        "f7d62057c4e9": "PGD trains on the perturbed image.",
    },
    decimals=3,
)


# --------------------------------------------------------------------------------- TRADES' loss


def _scores_instance(generator: Generator) -> tuple[Any, ...]:
    clean = 2 * torch.randn(7, generator=generator, dtype=torch.float64)
    moved = clean + torch.randn(7, generator=generator, dtype=torch.float64)
    y = torch.randn(7, generator=generator, dtype=torch.float64).sign()
    return clean, moved, y, 6.0


def _trades(clean: Tensor, moved: Tensor, y: Tensor, beta: float) -> float:
    """From the probabilities of both labels, one example after the other."""
    total = 0.0
    for before, after, label in zip(clean.tolist(), moved.tolist(), y.tolist(), strict=True):
        p = {sign: 1 / (1 + exp(-sign * before)) for sign in (-1.0, 1.0)}
        q = {sign: 1 / (1 + exp(-sign * after)) for sign in (-1.0, 1.0)}
        total += -log(p[label]) + beta * sum(p[sign] * log(p[sign] / q[sign]) for sign in p)
    return total / len(y)


def _wrong_trades(
    clean: Tensor,
    moved: Tensor,
    y: Tensor,
    beta: float,
    *,
    first: str = "clean",
    second: str = "divergence",
    scale: float = 1.0,
) -> Tensor:
    """The loss with vectors; the keywords make it wrong."""
    scores = {"clean": y * clean, "moved": y * moved, "flipped": -y * clean}
    from_moved = _divergence(moved, clean)
    terms = {
        "divergence": _divergence(clean, moved),
        "exchanged": from_moved,
        "one label": torch.sigmoid(clean) * (logsigmoid(clean) - logsigmoid(moved)),
        "label": -logsigmoid(y * moved),
        "squares": (torch.sigmoid(clean) - torch.sigmoid(moved)) ** 2,
    }
    return scale * (-logsigmoid(scores[first]) + beta * terms[second]).mean()


def _divergence(p: Tensor, q: Tensor) -> Tensor:
    """From the probabilities of the scores p to those of the scores q."""
    up = torch.sigmoid(p) * (logsigmoid(p) - logsigmoid(q))
    return up + torch.sigmoid(-p) * (logsigmoid(-p) - logsigmoid(-q))


def _unweighted(clean: Tensor, moved: Tensor, y: Tensor, beta: float) -> Tensor:
    return _wrong_trades(clean, moved, y, 1.0)


TRADES_LOSS = Function(
    "ex-trades-loss",
    oracle=_trades,
    instance=_scores_instance,
    mistakes=(
        (
            "The second term is the loss of the label: in TRADES it does not look at labels.",
            partial(_wrong_trades, second="label"),
        ),
        (
            "The divergence has its two ends exchanged.",
            partial(_wrong_trades, second="exchanged"),
        ),
        (
            "A divergence has a term for each of the two labels.",
            partial(_wrong_trades, second="one label"),
        ),
        (
            "The second term is a squared distance, not a divergence.",
            partial(_wrong_trades, second="squares"),
        ),
        ("The first term looks at the clean images.", partial(_wrong_trades, first="moved")),
        ("The first term has its sign flipped.", partial(_wrong_trades, first="flipped")),
        ("The weight `beta` is missing.", _unweighted),
        ("This is a sum over the examples, not their mean.", partial(_wrong_trades, scale=7)),
    ),
)


# ----------------------------------------------------------------------- what one step promises

Values = Callable[[Tensor], Tensor]


def _waves(points: Tensor, *, weights: Tensor) -> Tensor:
    """A function that is curved, so that a linear function promises too much or too little."""
    return torch.sin(points @ weights).sum(dim=1)


def _kept_instance(generator: Generator) -> tuple[Any, ...]:
    weights = 2 * torch.randn(3, 4, generator=generator, dtype=torch.float64)
    x = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    return partial(_waves, weights=weights), x, 0.3


def _kept(value: Values, x: Tensor, epsilon: float) -> Tensor:
    """With central differences for the gradient, which are good to 1e-9 here."""
    small, shares = 1e-5, []
    for point in x:
        shifts = small * torch.eye(len(point), dtype=torch.float64)
        slopes = (value(point + shifts) - value(point - shifts)) / (2 * small)
        step = torch.tensor([epsilon if s > 0 else -epsilon for s in slopes.tolist()])
        ends = value(torch.stack([point, point + step.double()])).tolist()
        shares.append((ends[1] - ends[0]) / sum(epsilon * abs(s) for s in slopes.tolist()))
    return torch.tensor(shares, dtype=torch.float64)


def _wrong_kept(
    value: Values,
    x: Tensor,
    epsilon: float,
    *,
    p: float = 1,
    difference: bool = True,
    radius: bool = True,
    at_end: bool = False,
    sign: int = 1,
    inverse: bool = False,
    mean: bool = False,
) -> Tensor:
    """The share by autograd; the keywords make it wrong."""

    def slope(points: Tensor) -> Tensor:
        points = points.clone().requires_grad_()
        return torch.autograd.grad(value(points).sum(), points)[0]

    end = x + sign * epsilon * slope(x).sign()
    gained = value(end) - value(x) * difference
    promised = slope(end if at_end else x).norm(p, dim=1) * (epsilon if radius else 1)
    share = promised / gained if inverse else gained / promised
    return share.mean().expand(len(x)) if mean else share


KEPT_PROMISE = Function(
    "ex-kept-promise",
    oracle=_kept,
    instance=_kept_instance,
    mistakes=(
        (
            "What is promised is measured in the 2-norm: which norm is dual to ∞?",
            partial(_wrong_kept, p=2),
        ),
        (
            "What is promised is measured in the ∞-norm: which norm is dual to it?",
            partial(_wrong_kept, p=torch.inf),
        ),
        ("The value at the example has to be subtracted.", partial(_wrong_kept, difference=False)),
        ("The promise lacks the length of the step.", partial(_wrong_kept, radius=False)),
        ("The promise is made where the step begins.", partial(_wrong_kept, at_end=True)),
        ("The step goes downhill.", partial(_wrong_kept, sign=-1)),
        ("This is the share turned over.", partial(_wrong_kept, inverse=True)),
        ("Each example has a share of its own.", partial(_wrong_kept, mean=True)),
    ),
)


# ------------------------------------------------------------------------------ when to stop


def _histories_instance(generator: Generator) -> tuple[Any, ...]:
    both = [torch.rand(8, 2, generator=generator, dtype=torch.float64) for _ in range(2)]
    for history in both:
        history[:, 1] += history[:, 0]  # an attack adds mistakes
    return both[0], both[1]


def _stopped(validation: Tensor, test: Tensor) -> float:
    epochs = sorted(range(len(validation)), key=lambda k: (float(validation[k, 1]), k))
    return float(test[epochs[0], 1])


STOP_IN_TIME = Function(
    "ex-stop-in-time",
    oracle=_stopped,
    instance=_histories_instance,
    mistakes=(
        (
            "The epoch is chosen on the test set: a set that chooses can no longer judge.",
            lambda validation, test: test[:, 1].min(),
        ),
        ("This is the error after the last epoch.", lambda validation, test: test[-1, 1]),
        (
            "The epoch is chosen by the clean error.",
            lambda validation, test: test[validation[:, 0].argmin(), 1],
        ),
        (
            "This is the error that the epoch was chosen by, and so too good.",
            lambda validation, test: validation[:, 1].min(),
        ),
        (
            "The epoch is right; this is its clean error.",
            lambda validation, test: test[validation[:, 1].argmin(), 0],
        ),
        (
            "This chooses the worst epoch.",
            lambda validation, test: test[validation[:, 1].argmax(), 1],
        ),
    ),
)

JUDGED_BY_OTHERS = Choices(
    "ex-judged-by-others",
    holding=("b1fc5a3e36ce", "98f6370232f8", "205ca467d5ac"),
    again={
        "A": "is one attack all that an adversary can try?",
        "B": "what is step 1 for a model whose slope is the same everywhere?",
        "C": "can a mistake that was found be no mistake?",
        "D": "which attack makes the examples that the training's own numbers are of?",
        "E": "is it about another attack, or about other images?",
        "F": "one number is exact; on which side of the truth lies the other?",
        "G": "one number is exact; on which side of the truth lies the other?",
    },
)

EXERCISES = (
    ONE_LONG_STEP,
    TRADES_BY_HAND,
    TRADES_LOSS,
    KEPT_PROMISE,
    STOP_IN_TIME,
    JUDGED_BY_OTHERS,
)
