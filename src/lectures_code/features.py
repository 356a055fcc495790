r"""Monotone features of pixels, and classifiers that are linear in them.

Where a feature never falls as its pixel rises, an adversary in the :math:`\ell_\infty` ball does
the most to it at an end of the pixel's interval. So the worst perturbation of a classifier that is
linear in such features is known, as for a linear one, though its gradient in the pixels may be 0.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from lectures_code.checks import check_examples, check_labels, check_x, real
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall, PixelIntervals

BEYOND = 1e300  # a radius that reaches every pixel value


class MonotoneFeature(Protocol):
    """A map of a pixel that never falls as the pixel rises, the same for all pixels."""

    #: Whether all values are whole numbers: sums of them are exact, and weighted ones may be.
    is_whole: bool
    #: The largest size of a value.
    largest: float

    def __call__(self, x: Tensor) -> Tensor:
        """The features of examples, of the same shape and dtype."""

    def interval(self, x: Tensor, ball: NormBall) -> tuple[Tensor, Tensor]:
        """Least and greatest value of each feature over the perturbation set, shapes (n, d)."""

    def radii(self, theta: Tensor, x: Tensor, y: Tensor, margins: Tensor, ball: NormBall) -> Tensor:
        """The radius from which on the adversary can take each of these margins, shape (n,)."""


@dataclass(frozen=True)
class Threshold:
    r"""1 where a pixel is above the threshold, 0 where it is not: :math:`\mathbf 1[x_j > t]`.

    Parameters
    ----------
    at : float
        The threshold t, in pixel units.

    Raises
    ------
    ValueError
        If the threshold is not a finite number.
    """

    at: float = 0.5

    is_whole = True
    largest = 1.0

    def __post_init__(self) -> None:
        at = real(self.at)
        if not math.isfinite(at):
            raise ValueError(
                f"at must be a finite number in pixel units, got {self.at!r}: use 0.5 for the "
                "middle of [0, 1]"
            )
        object.__setattr__(self, "at", at)

    def __call__(self, x: Tensor) -> Tensor:
        return (x > self.at).to(x.dtype)

    def interval(self, x: Tensor, ball: NormBall) -> tuple[Tensor, Tensor]:
        """Least and greatest value of each feature over the perturbation set, shapes (n, d)."""
        low, high = ball.interval(x)
        return self(low), self(high)

    def radii(self, theta: Tensor, x: Tensor, y: Tensor, margins: Tensor, ball: NormBall) -> Tensor:
        """The radius from which on the adversary can take each of these margins, shape (n,).

        A pixel gives all of its weight at once, where the radius reaches its distance from the
        threshold: what is taken is a staircase. Infinite where it never suffices, minus infinity
        for a negative margin.
        """
        y = check_labels(y, len(x)).to(x.dtype)
        used = theta.nonzero()[:, 0]
        theta, x = theta[used], x[:, used]
        lowered = y[:, None] * theta > 0
        distance = self._distance(x, lowered)
        low, high = ball.with_radius(BEYOND).interval(x)
        above, reachable = x > self.at, torch.where(lowered, low <= self.at, high > self.at)
        steps, order = distance.where((above == lowered) & reachable, math.inf).sort(dim=1)
        # One more step, at infinity, that no margin outlasts.
        taken = theta.abs().expand_as(x).gather(1, order).cumsum(dim=1)
        enough = nn.functional.pad(taken >= margins[:, None], (0, 1), value=True)
        steps = nn.functional.pad(steps, (0, 1), value=math.inf)
        radii = steps.gather(1, enough.int().argmax(dim=1, keepdim=True))[:, 0]
        radii = torch.where(margins < 0, -math.inf, radii)
        return torch.where(margins == 0, 0.0, radii)

    def _distance(self, x: Tensor, lowered: Tensor) -> Tensor:
        """The least radius with which a pixel crosses the threshold, rounding included.

        Pixels and radii are often such numbers (0.8 and 0.3) that a pixel moved by the radius is
        the threshold, but for rounding. Rounded to the nearest number it arrives by up to half a
        unit early, so the last places are tried as an attack would compute them.
        """
        at = torch.tensor(self.at, dtype=x.dtype)
        # To be above the threshold is to reach the next larger number.
        infinity = torch.full_like(at, math.inf)
        above = at.nextafter(infinity)
        radius = torch.where(lowered, x - at, above - x) - (above - at) / 2
        for _ in range(2):
            radius = radius.nextafter(-infinity)
        for _ in range(4):
            end = torch.where(lowered, x - radius, x + radius)
            radius = radius.where((end > at) != lowered, radius.nextafter(infinity))
        return radius


@dataclass(frozen=True, eq=False)
class MonotoneClassifier:
    r"""Linear in a monotone feature of each pixel: :math:`\theta^\top t(x) + \theta_0`.

    Parameters
    ----------
    feature : MonotoneFeature
        The feature.
    linear : LinearClassifier
        The classifier of features.
    """

    feature: MonotoneFeature
    linear: LinearClassifier

    def __call__(self, x: Tensor) -> Tensor:
        """Scores, shape (n,), of examples of shape (n, d)."""
        return self.linear(self.feature(check_x(x)))

    @property
    def theta(self) -> Tensor:
        """Weights of the features, shape (d,)."""
        return self.linear.theta

    @property
    def intercept(self) -> Tensor:
        """The score where all features are 0, shape ()."""
        return self.linear.intercept

    def margins(self, x: Tensor, y: Tensor) -> Tensor:
        """Margins ``y * score``, shape (n,), of labelled examples (n, d) and (n,)."""
        x, y = check_examples(x, y)
        return y * self(x)

    def worst_perturbations(self, x: Tensor, y: Tensor, ball: NormBall | PixelIntervals) -> Tensor:
        """Perturbations that leave the least margins, shape (n, d), for p = inf.

        All pixels move as far as they can to the worse side: no feature has more to give.
        """
        _check_pixel_by_pixel(ball)
        return ball.worst(self.theta, x, y)

    def worst_margins(self, x: Tensor, y: Tensor, ball: NormBall | PixelIntervals) -> Tensor:
        """The least margins over the perturbation set, shape (n,), for p = inf."""
        return self.margins(ball.perturbed(x, self.worst_perturbations(x, y, ball)), y)

    def radii(self, x: Tensor, y: Tensor, ball: NormBall) -> Tensor:
        """The radii from which on there is a mistake in the set: see `risk.certified_radii`."""
        _check_pixel_by_pixel(ball)
        x, y = check_examples(x, y)
        return self.feature.radii(self.theta, x, y, self.margins(x, y), ball)


def exact_classifier(
    model: LinearClassifier | MonotoneClassifier | nn.Linear,
) -> LinearClassifier | MonotoneClassifier:
    """The classifier whose worst perturbations are known; a TypeError for any other model."""
    return model if isinstance(model, MonotoneClassifier) else LinearClassifier.of(model)


def _check_pixel_by_pixel(ball: NormBall | PixelIntervals) -> None:
    if not math.isinf(ball.p):
        raise ValueError(
            f"p must be inf for features of pixels, got {ball.p:g}: use NormBall(math.inf, radius)"
        )
