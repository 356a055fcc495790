"""The exercises on pixels that stay in the box."""

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from scipy.optimize import linprog
from torch import Generator, Tensor

from lectures_code.practice.functions import Function
from lectures_code.practice.numbers import Numbers
from lectures_code.practice.statements import Choices

FOUR_WALLS = Numbers(
    "ex-four-walls",
    right=("9c152bf6f054", "8ca945092e54", "e1dc7bb81170"),
    mistakes={
        "3270d63ed8d6": "This is the room in the other direction: which way does a one's score go?",
        "824a42fba484": "The first number is in the ∞-norm: which norm is dual to it?",
        "01d88a3ef242": "The first number is in the 2-norm: which norm is dual to ∞?",
        "dd1b6be0435a": "At a larger radius a pixel between the walls goes on.",
        "643098c5a2b8": "A pixel that has less room than the radius still goes as far as its wall.",
        "1da01ccca408": "One of the pixels goes through its wall.",
        "ffe9776ff64d": "The radius is missing in the first number.",
        "63532caeef96": "The weights are missing: these are changes of pixels, not of the score.",
    },
)

HERE_OR_THERE = Numbers(
    "ex-here-or-there",
    right=("80b4cdc54f6d", "4fe703c21f5d"),
    mistakes={
        "9d633ce26561": "These are twice the radii: both sides move.",
        "303ccb655681": "In the box the adversary can do less: which pixels have no ink to lose?",
        "806923e79a73": "You took one of the zeros: their mixtures come nearer, box or no box.",
        "b94db552ccfb": "In the box a mixture of the zeros comes nearer, too.",
        "c982f253aefa": "Whoever may do more needs the smaller radius.",
        "896ab2725cb5": "With free pixels ink can be taken where there is none.",
    },
)


# ------------------------------------------------------------------------------ radius in the box


def _images(generator: Generator, d: int) -> Tensor:
    """Six images of d pixels, some of them 0 or 1."""
    drawn = torch.rand(6, d, generator=generator, dtype=torch.float64)
    return (1.6 * drawn - 0.3).clamp(0, 1)


def _right_instance(generator: Generator) -> tuple[Any, ...]:
    theta = torch.randn(5, generator=generator, dtype=torch.float64)
    x = _images(generator, 5)
    intercept = torch.randn((), generator=generator, dtype=torch.float64) - theta.sum() / 2
    return theta, intercept, x, (x @ theta + intercept).sign()


def _radii_by_pieces(
    theta: Tensor,
    intercept: Tensor,
    x: Tensor,
    y: Tensor,
    *,
    side: str = "own",
    never: float = float("inf"),
) -> list[float]:
    """Image by image along the radius, from each wall that a pixel meets to the next.

    The keywords make it wrong.
    """
    radii = []
    for image, label in zip(x.tolist(), y.tolist(), strict=True):
        weights = [label * weight for weight in theta.tolist()]
        left = label * float(intercept) + sum(w * v for w, v in zip(weights, image, strict=True))
        sides = {"own": weights, "other": [-w for w in weights], "one": theta.tolist()}[side]
        triples = zip(sides, weights, image, strict=True)
        walls = [(v if s > 0 else 1 - v, abs(w)) for s, w, v in triples]
        reached, slope, radius = 0.0, sum(size for _, size in walls), never
        for wall, size in sorted(walls):
            if slope * (wall - reached) >= left:
                radius = reached + left / slope
                break
            left -= slope * (wall - reached)
            reached, slope = wall, slope - size
        radii.append(radius)
    return radii


def _without_walls(norm: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda theta, intercept, x, y: y * (x @ theta + intercept) / norm(theta)


def _without_second_walls(theta: Tensor, intercept: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """A pixel that has room at the start has room for ever."""
    room = torch.where(y[:, None] * theta > 0, x, 1 - x)
    return y * (x @ theta + intercept) / ((room > 0) * theta.abs()).sum(dim=1)


RADIUS_IN_BOX = Function(
    "ex-radius-in-box",
    oracle=_radii_by_pieces,
    instance=_right_instance,
    mistakes=(
        ("The box is missing.", _without_walls(lambda theta: theta.abs().sum())),
        (
            "The box is missing, and the weights are in the ∞-norm.",
            _without_walls(lambda theta: theta.abs().max()),
        ),
        (
            "The box is missing, and the weights are in the 2-norm.",
            _without_walls(torch.linalg.vector_norm),
        ),
        (
            "A pixel that has met its wall goes on here.",
            _without_second_walls,
        ),
        (
            "Where no perturbation will do, the radius is infinite.",
            partial(_radii_by_pieces, never=1.0),
        ),
        (
            "The room of the pixels is that of the other label.",
            partial(_radii_by_pieces, side="other"),
        ),
        ("The room of the pixels depends on the label.", partial(_radii_by_pieces, side="one")),
    ),
)


# ------------------------------------------------------------------- mistakes that need no image


def _judged_instance(generator: Generator) -> tuple[Any, ...]:
    """Twelve images of four pixels; some are lost in the box, some with free pixels alone."""
    theta = torch.randn(4, generator=generator, dtype=torch.float64)
    x = torch.cat([_images(generator, 4), _images(generator, 4)])
    intercept = 0.2 * torch.randn((), generator=generator, dtype=torch.float64) - theta.sum() / 2
    y = (x @ theta + intercept).sign()
    y[0] *= -1  # one image is misclassified
    return theta, intercept, x, y, 0.3


def _by_ends(theta: Tensor, intercept: Tensor, x: Tensor, y: Tensor, epsilon: float) -> list[bool]:
    """All corners of both sets, image by image."""
    needs = []
    for image, label in zip(x, y, strict=True):
        lost = []
        for low, high in ((-torch.inf, torch.inf), (0.0, 1.0)):
            ends = [(v - epsilon, v + epsilon) for v in image.tolist()]
            kept = [(max(down, low), min(up, high)) for down, up in ends]
            corners = torch.tensor([*product(*kept)], dtype=x.dtype)
            lost.append(bool((label * (corners @ theta + intercept) <= 0).any()))
        needs.append(lost[0] and not lost[1])
    return needs


def _lost(
    theta: Tensor,
    intercept: Tensor,
    x: Tensor,
    y: Tensor,
    epsilon: float,
    *,
    low: float = -torch.inf,
    high: float = torch.inf,
    labelled: bool = True,
) -> Tensor:
    """Which images the worst perturbation turns; pixels stay between two walls."""
    label = y[:, None] if labelled else torch.ones_like(y[:, None])
    moved = (x - epsilon * label * theta.sign()).clamp(low, high)
    return y * (moved @ theta + intercept) <= 0


_in_box = partial(_lost, low=0.0, high=1.0)

NEEDS_OUTSIDE = Function(
    "ex-needs-outside",
    oracle=_by_ends,
    instance=_judged_instance,
    mistakes=(
        ("These are all mistakes under the free attack, also those that an image makes.", _lost),
        ("These are the mistakes that are left in the box.", _in_box),
        (
            "These are the images that only an attack turns; where is the box?",
            lambda theta, intercept, x, y, epsilon: (
                _lost(theta, intercept, x, y, epsilon) & ~_lost(theta, intercept, x, y, 0.0)
            ),
        ),
        (
            "A pixel cannot be darker than ink either.",
            lambda *at: _lost(*at) & ~_lost(*at, low=0.0),
        ),
        (
            "A pixel cannot be lighter than paper either.",
            lambda *at: _lost(*at) & ~_lost(*at, high=1.0),
        ),
        (
            "The label is missing: both classes are moved alike.",
            lambda *at: _lost(*at, labelled=False) & ~_in_box(*at, labelled=False),
        ),
        (
            "These are the images that withstand the attack in the box.",
            lambda *at: ~_in_box(*at),
        ),
    ),
)


# ------------------------------------------------------------------------ how far means stay apart


def _apart_instance(generator: Generator) -> tuple[Any, ...]:
    """Pixels near paper and ink, which say much, little or nothing."""
    y = torch.tensor([-1.0, 1.0], dtype=torch.float64).repeat(4)
    slope = torch.tensor([0.45, -0.45, 0.25, -0.1], dtype=torch.float64)
    noise = 0.25 * torch.randn(8, 4, generator=generator, dtype=torch.float64)
    a = 0.1 + 0.8 * torch.rand(8, generator=generator, dtype=torch.float64)
    return (0.5 + torch.outer(y, slope) + noise).clamp(0, 1), y, a, 0.2


def _means_apart(x: Tensor, y: Tensor, a: Tensor, epsilon: float) -> list[float]:
    """Move the images of each pixel so that the means come as near as they can: a program."""
    share = [float(each / a[y == label].sum()) for each, label in zip(a, y, strict=True)]
    signed = np.array(share) * y.numpy()
    least = []
    for pixel in x.T.tolist():
        found = linprog(
            [0.0] * len(pixel) + [1.0],
            A_ub=[[*signed, -1.0], [*-signed, -1.0]],
            b_ub=[0.0, 0.0],
            bounds=[(max(v - epsilon, 0), min(v + epsilon, 1)) for v in pixel] + [(0, None)],
        )
        least.append(found.fun)
    return least


def _wrong_apart(
    *,
    box: bool = True,
    weighted: bool = True,
    reach: float = 1.0,
    scaled: bool = True,
    reduce: Callable[[Tensor, Tensor], Tensor] = lambda s, t: torch.maximum(s, t).clamp(min=0),
) -> Callable[..., Tensor]:
    """How far the means stay apart, one part of it wrong."""

    def apart(x: Tensor, y: Tensor, a: Tensor, epsilon: float) -> Tensor:
        a = a if weighted else torch.ones_like(a)
        low, high = x - reach * epsilon, x + reach * epsilon
        if box:
            low, high = low.clamp(min=0), high.clamp(max=1)
        ones, zeros = a * (y > 0), a * (y < 0)
        if scaled:
            ones, zeros = ones / ones.sum(), zeros / zeros.sum()
        return reduce(ones @ low - zeros @ high, zeros @ low - ones @ high)

    return apart


MEANS_APART = Function(
    "ex-means-apart",
    oracle=_means_apart,
    instance=_apart_instance,
    mistakes=(
        ("The box is missing: some of these perturbed images are none.", _wrong_apart(box=False)),
        (
            "It looks at pixels that are darker in the ones alone: the means may be apart the "
            "other way round, too.",
            _wrong_apart(reduce=lambda s, t: s.clamp(min=0)),
        ),
        (
            "Where the means can meet, a distance must not be negative.",
            _wrong_apart(reduce=torch.maximum),
        ),
        (
            "These are the plain means of the classes: where are the weights?",
            _wrong_apart(weighted=False),
        ),
        ("These are sums: divide by what each class weighs.", _wrong_apart(scaled=False)),
        ("The images are not moved at all.", _wrong_apart(reach=0.0)),
        ("The images are moved by twice the radius.", _wrong_apart(reach=2.0)),
        (
            "This is the farthest that the adversary can bring them: it wants the means to meet.",
            _wrong_apart(reach=-1.0, box=False),
        ),
    ),
)


BOX_OR_NOT = Choices(
    "ex-box-or-not",
    holding=("3fe40b6ebbcd", "ef221d650945", "71bb68688986"),
    again={
        "A": "is each perturbation of the one adversary allowed to the other?",
        "B": "must the perturbations of a certificate be allowed to the adversary it speaks of?",
        "C": "which of the two adversaries may use the perturbed images of a certificate?",
        "D": "what was minimised, and on which images?",
        "E": "which values may a pixel take at this radius, in one image and in another?",
        "F": "can a classifier that withstands the stronger adversary lose to the weaker?",
    },
)

EXERCISES = (
    FOUR_WALLS,
    HERE_OR_THERE,
    RADIUS_IN_BOX,
    NEEDS_OUTSIDE,
    MEANS_APART,
    BOX_OR_NOT,
)
