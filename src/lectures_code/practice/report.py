"""The exercises on reporting a number."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn.functional import cross_entropy

from lectures_code.practice.functions import Function
from lectures_code.practice.numbers import Numbers
from lectures_code.practice.statements import Rubric

UNITS = Numbers(
    "ex-units",
    right=("16d16f0033e5", "c0049db771ad", "73015c7ad56a", "30e35633a31b"),
    mistakes={
        "68a6f6c7b97a": "How long is the interval of pixels in the second unit?",
        "6fc5dc96df64": "In the second unit the same change is a larger number.",
        "205e9808542b": "A radius is a difference: what is added drops out.",
        "3e9d486199b2": "A radius is a difference: the mean drops out.",
        "e6f4c2e1e53a": "The deviation stands on the wrong side, both times.",
        "fa6d0995dd46": "How many steps are there from the least grey level to the largest?",
        "e988326e3b57": "A grey level is a small change: it takes many of them.",
    },
)

COUNTED_TOGETHER = Numbers(
    "ex-counted-together",
    right=("140bf986f085", "3ee03157a6ba", "bd00c9f38753"),
    mistakes={
        "3a692e9db750": "Each example may fall to another attack.",
        "6c4861b80619": "An example that falls to two attacks is one mistake.",
        "834c9c0a08c8": "An example need not fall to all attacks.",
        "cfb4492e44a3": "A mean over attacks says nothing about the worst perturbation.",
        "6471d229dc36": "The last number counts the examples that are certified.",
        "c7e3398f8ebb": "No perturbation is one of the perturbations: mistakes without one count.",
        "82af2610e967": "This counts the examples of which nothing is known.",
    },
)


# ---------------------------------------------------------------------------- normalised images


def _normalised_instance(generator: Generator) -> tuple[Any, ...]:
    pixels = torch.rand(4, 3, generator=generator, dtype=torch.float64)
    pixels[0] = torch.tensor([0.0, 1.0, 0.05])  # close to the faces, where the box counts
    mean = 0.3 + 0.3 * torch.rand(3, generator=generator, dtype=torch.float64)
    deviation = 0.1 + 0.3 * torch.rand(3, generator=generator, dtype=torch.float64)
    gradient = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    return (pixels - mean) / deviation, gradient, mean, deviation, 0.1


def _attacked(
    z: Tensor, gradient: Tensor, mean: Tensor, deviation: Tensor, epsilon: float
) -> Tensor:
    """Through the pixels, one by one."""
    rows = []
    for image, slopes in zip(z.tolist(), gradient.tolist(), strict=True):
        row = []
        parts = zip(image, slopes, mean.tolist(), deviation.tolist(), strict=True)
        for value, slope, middle, scale in parts:
            pixel = middle + scale * value + (epsilon if slope > 0 else -epsilon)
            row.append((min(max(pixel, 0.0), 1.0) - middle) / scale)
        rows.append(row)
    return torch.tensor(rows, dtype=torch.float64)


def _wrong_attacked(
    z: Tensor,
    gradient: Tensor,
    mean: Tensor,
    deviation: Tensor,
    epsilon: float,
    *,
    unit: Callable[[Tensor], Tensor] = lambda deviation: 1 / deviation,
    box: str = "normalised",
    sign: int = 1,
    result: str = "z",
) -> Tensor:
    """The same in normalised units; the keywords make it wrong."""
    moved = z + sign * epsilon * unit(deviation) * gradient.sign()
    ends = {
        "normalised": (-mean / deviation, (1 - mean) / deviation),
        "pixels": (torch.zeros_like(mean), torch.ones_like(mean)),
        "no mean": (torch.zeros_like(mean), 1 / deviation),
        "none": (torch.full_like(mean, -torch.inf), torch.full_like(mean, torch.inf)),
    }
    moved = torch.minimum(torch.maximum(moved, ends[box][0]), ends[box][1])
    return {"z": moved, "delta": moved - z, "pixels": mean + deviation * moved}[result]


NORMALISED = Function(
    "ex-normalised",
    oracle=_attacked,
    instance=_normalised_instance,
    mistakes=(
        (
            "The radius is in the wrong unit: it is one of pixels, not of normalised ones.",
            partial(_wrong_attacked, unit=torch.ones_like),
        ),
        (
            "The radius is converted the wrong way round.",
            partial(_wrong_attacked, unit=lambda deviation: deviation),
        ),
        (
            "The box is that of pixels; what is clipped is normalised.",
            partial(_wrong_attacked, box="pixels"),
        ),
        ("The mean is missing in the ends of the box.", partial(_wrong_attacked, box="no mean")),
        ("The box is missing: pixels leave it.", partial(_wrong_attacked, box="none")),
        (
            "Each channel has a deviation of its own.",
            partial(_wrong_attacked, unit=lambda deviation: (1 / deviation.mean()).expand(3)),
        ),
        ("The step goes downhill.", partial(_wrong_attacked, sign=-1)),
        ("These are the changes, not the images.", partial(_wrong_attacked, result="delta")),
        ("These are pixels, not normalised.", partial(_wrong_attacked, result="pixels")),
    ),
)


# ------------------------------------------------------------------------------- the objective


def _logits_instance(generator: Generator) -> tuple[Any, ...]:
    logits = 5 * torch.randn(6, 4, generator=generator, dtype=torch.float64)
    return logits, torch.randint(0, 4, (6,), generator=generator)


def _lack(logits: Tensor, y: Tensor) -> Tensor:
    lacks = []
    for row, label in zip(logits.tolist(), y.tolist(), strict=True):
        others = sorted(row[:label] + row[label + 1 :])
        lacks.append(others[-1] - row[label])
    return torch.tensor(lacks, dtype=torch.float64)


def _own(logits: Tensor, y: Tensor) -> Tensor:
    return logits.gather(1, y[:, None])[:, 0]


def _without_own(logits: Tensor, y: Tensor, value: float) -> Tensor:
    return logits.scatter(1, y[:, None], value)


OBJECTIVE = Function(
    "ex-objective",
    oracle=_lack,
    instance=_logits_instance,
    mistakes=(
        (
            "The label's own logit is among those that it is compared with.",
            lambda logits, y: logits.max(dim=1).values - _own(logits, y),
        ),
        (
            "This is the margin itself: an attack that maximises it helps the network.",
            lambda logits, y: -_lack(logits, y),
        ),
        (
            "This is the loss, whose gradient rounds to 0 where the network is confident.",
            lambda logits, y: cross_entropy(logits, y, reduction="none"),
        ),
        (
            "One other logit above the label's is enough for a mistake; this takes the smallest.",
            lambda logits, y: _without_own(logits, y, torch.inf).amin(dim=1) - _own(logits, y),
        ),
        (
            "One other logit above the label's is enough for a mistake; this takes their mean.",
            lambda logits, y: _without_own(logits, y, 0.0).sum(dim=1) / 3 - _own(logits, y),
        ),
        (
            "The second largest logit need not be that of another class.",
            lambda logits, y: logits.sort(dim=1).values[:, -2] - _own(logits, y),
        ),
        (
            "The label's own logit is missing: how far apart are the two?",
            lambda logits, y: _without_own(logits, y, -torch.inf).max(dim=1).values,
        ),
    ),
)


# -------------------------------------------------------------------------------- grey levels


def _grey_instance(generator: Generator) -> tuple[Any, ...]:
    x = torch.randint(8, 248, (3, 5), generator=generator).double() / 255
    x[0, :2] = torch.tensor([0.0, 1.0])
    epsilon = 0.03  # between two grey levels
    delta = epsilon * (2 * torch.rand(3, 5, generator=generator, dtype=torch.float64) - 1)
    delta[1:, :2] = epsilon * delta[1:, :2].sign()  # as most of an attack's changes
    return x, (x + delta).clamp(0, 1) - x, epsilon


def _stored(x: Tensor, delta: Tensor, epsilon: float) -> Tensor:
    """Of all 256 levels, those in the set; of these, the nearest."""
    levels = torch.arange(256, dtype=torch.float64) / 255
    outside = (levels - x[..., None]).abs() > epsilon
    distance = (levels - (x + delta)[..., None]).abs().masked_fill(outside, torch.inf)
    return levels[distance.argmin(dim=-1)]


def _rounded(
    x: Tensor,
    delta: Tensor,
    epsilon: float,
    *,
    how: Callable[[Tensor], Tensor] = torch.round,
    levels: int = 255,
) -> Tensor:
    return how(levels * (x + delta)) / levels


def _clipped_again(x: Tensor, delta: Tensor, epsilon: float) -> Tensor:
    return x + (_rounded(x, delta, epsilon) - x).clamp(-epsilon, epsilon)


GREY_LEVELS = Function(
    "ex-grey-levels",
    oracle=_stored,
    instance=_grey_instance,
    mistakes=(
        ("Rounding takes some pixels out of the set.", _rounded),
        (
            "This cuts off instead of rounding: all pixels become darker.",
            partial(_rounded, how=torch.floor),
        ),
        (
            "This rounds each change towards 0: another grey level is nearer to some pixels.",
            lambda x, delta, epsilon: x + torch.trunc(255 * delta) / 255,
        ),
        (
            "There are 256 levels; how many steps are there from the first to the last?",
            partial(_rounded, levels=256),
        ),
        ("No pixel is rounded.", lambda x, delta, epsilon: x + delta),
        (
            "These are the changes, not the images.",
            lambda x, delta, epsilon: _stored(x, delta, epsilon) - x,
        ),
        (
            "Clipped after it was rounded, a pixel is no grey level any more.",
            _clipped_again,
        ),
    ),
)

READ_A_NUMBER = Rubric(
    "ex-read-a-number",
    points={
        "A": "it asks for the norm",
        "B": "it asks for the unit of the radius, and what pixels may become",
        "C": "it asks which examples were used, how many, and whether they chose anything",
        "D": "it asks for the attack's settings: step size, restarts, seed",
        "E": "it says on which side of the truth such a number lies",
        "F": "it asks whether the attack was fit for this network: masked gradients, the mode",
    },
    missing={
        "A": "what does a radius measure, if nobody says how lengths are measured?",
        "B": "a change of 8 may be smaller than what a screen shows, or larger than any image.",
        "C": "what if the examples that judge are those by which the settings were chosen?",
        "D": "could you repeat the attack with what you are told?",
        "E": "what would a stronger attack do to the number?",
        "F": "when does an attack find nothing although there is something?",
    },
)

EXERCISES = (
    UNITS,
    COUNTED_TOGETHER,
    NORMALISED,
    OBJECTIVE,
    GREY_LEVELS,
    READ_A_NUMBER,
)
