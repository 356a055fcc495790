r"""Several classes: the exact optimum for the loss of the largest gap, with a certificate.

The loss of an image is :math:`\log(1 + e^g)`, with g the largest gap by which another class's logit
exceeds the true one's. Its worst value over the perturbation set is exact for every number of
classes (:func:`~lectures_code.multiclass.largest_gap_losses`), and convex in weights and biases.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lectures_code.checks import check_classes, check_count, check_positive, check_x
from lectures_code.exact.circulation import (
    MOST_CLASSES,
    balanced_flow,
    imbalances,
    interval_sums,
    least_entropy,
    worst_cuts,
)
from lectures_code.exact.dual import mean_loss
from lectures_code.exact.examples import Examples, check_ball
from lectures_code.exact.interior import descend, start
from lectures_code.exact.kkt import Point, Rows
from lectures_code.exact.optimum import Status
from lectures_code.multiclass import largest_gap_losses
from lectures_code.perturbations import NormBall

MEMORY = 2**28
SURE = 1e-9  # more than the rounding errors of a gap, relative to its largest term
ROUGH = 2e-2  # relative gap at which the working set is looked at again
FIRST = 120  # pixels in the first working set,
RIVALS = 3  # and other classes for each image
SPARE = 20  # pixels that enter though they need not, yet
NEARLY = 0.05  # nats: a gap so near to the largest enters, too
FEW = 0.02  # of the rivals: if fewer enter, the search goes on to the end
NARROWER = 0.1  # the share of the tolerance by which intervals are narrowed for rounding errors


@dataclass(frozen=True, eq=False)
class LargestGapOptimum:
    r"""What :func:`minimise_largest_gap` found, and what proves it.

    Attributes
    ----------
    ball : NormBall
        The perturbation set.
    weights : Tensor of shape (k, d)
        One row of weights for each class.
    biases : Tensor of shape (k,)
        The classes' biases.
    risk : float
        The mean worst loss of the largest gap, an upper bound on the infimum.
    lower_bound : float
        A proven lower bound on it for all weights and biases.
    alpha : Tensor of shape (n, k)
        The weights behind the bound: how much of each image is taken for each other class.
    status : Status
        Whether the gap is small enough, all images are robustly separated, or the search stopped.
    iterations : int
        Newton steps.
    """

    ball: NormBall
    weights: Tensor
    biases: Tensor
    risk: float
    lower_bound: float
    alpha: Tensor
    status: Status
    iterations: int

    @property
    def gap(self) -> float:
        """Difference between the two bounds, ``risk - lower_bound``."""
        return self.risk - self.lower_bound

    @property
    def relative_gap(self) -> float:
        """The gap in units of the risk."""
        return self.gap / self.risk


def minimise_largest_gap(
    x: Tensor, y: Tensor, ball: NormBall, *, tol: float = 1e-6, max_steps: int = 500
) -> LargestGapOptimum:
    r"""Minimise the worst loss of the largest gap over all linear classifiers of several classes.

    .. math:: \min_{W, b} \frac1N \sum_{i=1}^N \max_{\delta \in \Delta(x_i)}
              \log\bigl(1 + e^{\max_{k \ne y_i} (z_k - z_{y_i})}\bigr),
              \qquad z = W(x_i + \delta) + b

    Parameters
    ----------
    x : Tensor of shape (n, d)
        Examples.
    y : Tensor of shape (n,)
        Class numbers 0 .. k-1, each at least once, 2 to 12 of them.
    ball : NormBall
        The perturbation set, p = inf, in the pixel box or not; its radius is positive.
    tol : float, positive
        Relative gap between the risk and its lower bound to reach.
    max_steps : int
        Limit of Newton steps.

    Returns
    -------
    LargestGapOptimum
        Weights and biases, their risk, a proven lower bound, what proves it, the status.

    Raises
    ------
    TypeError, ValueError
        If the examples are not finite floats with class numbers, leave the ball's box, a class is
        missing, the ball has another exponent or the radius 0, or a parameter is out of its range.

    Notes
    -----
    An interior-point method on a working set of pixels and of pairs of an image and another class.
    A step costs the cube of the number of these pairs, two to four an image: it is made for some
    hundreds of images. Where some images can be separated for nothing there is no minimiser: the
    risk approaches its infimum as weights grow. Then expect ``"stopped"``; both bounds hold, but
    the lower one may be 0.
    """
    check_ball(ball)
    if ball.p != math.inf or ball.radius == 0:
        raise ValueError(
            "ball must have p = inf and a positive radius for several classes, got "
            f"p = {ball.p:g} and radius {ball.radius:g}: use NormBall(math.inf, 0.1), say"
        )
    tol, max_steps = check_positive("tol", tol), check_count("max_steps", max_steps)
    x, classes = _examples(x, y)
    return _Search(x, classes, ball, tol, max_steps).run()


def largest_gap_bound(x: Tensor, y: Tensor, ball: NormBall, alpha: Tensor) -> float:
    r"""Lower bound on the mean worst loss of the largest gap, for all weights and biases.

    .. math:: \frac1N \sum_i H(s_i), \qquad s_i = \sum_k \alpha_{ik} \le 1, \quad \alpha \ge 0

    if perturbations :math:`\delta_{ik} \in \Delta(x_i)` exist, one for each image and other class,
    with which at every class as much arrives as leaves, in weight and in each pixel:

    .. math:: \sum_{i: y_i = c} \sum_k \alpha_{ik} (x_i + \delta_{ik}, 1)
              = \sum_{i: y_i \ne c} \alpha_{ic} (x_i + \delta_{ic}, 1) .

    For two classes it is :func:`lower_bound`, with :math:`\alpha_i = s_i`.

    Parameters
    ----------
    x, y, ball
        As for :func:`minimise_largest_gap`.
    alpha : Tensor of shape (n, k), float64
        The weights, 0 at an image's own class, feasible *exactly*.

    Returns
    -------
    float
        The bound. Every rounding error of this computation is allowed for.

    Raises
    ------
    ValueError
        If a constraint is not met, or not by more than the rounding errors of checking it.

    Notes
    -----
    The loss is at least :math:`H(s) + s g` for every s in [0, 1], and g is at least each gap, under
    each perturbation. Summed with these weights the gaps cancel. That the perturbations exist is
    checked by Hoffman's theorem on circulations, for each pixel and each set of classes.

    References
    ----------
    Hoffman (1960), Some recent applications of the theory of linear inequalities to extremal
    combinatorial analysis.
    """
    check_ball(ball)
    if ball.p != math.inf:
        raise ValueError(f"p must be inf for several classes, got {ball.p:g}: use p = inf")
    x, classes = _examples(x, y)
    weights = _check_flow(alpha, classes.numpy())
    data = _sorted(x, classes)[0]
    order = np.argsort(classes.numpy(), kind="stable")
    low, high, rounding = interval_sums(data, ball, weights[order])
    worst = float(worst_cuts(low, high).max())
    if weights.any() and not worst <= -rounding:
        raise ValueError(
            "alpha must let the adversary send in each pixel as much to each class as leaves it, "
            "by more than the rounding errors of checking it, got a set of classes that lacks "
            f"{worst:g}: use the alpha of an optimum"
        )
    return least_entropy(weights)


def _examples(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Examples in float64 and class numbers, each class present."""
    x = check_x(x)
    classes = check_classes(y, len(x), MOST_CLASSES)
    present = torch.unique(classes).tolist()
    if len(present) < 2 or present != list(range(len(present))):
        raise ValueError(
            "y must hold each class number from 0 on, and two at least, got "
            f"{', '.join(map(str, present))}: count the classes that are there"
        )
    return x.detach().double(), classes


def _sorted(x: Tensor, classes: Tensor) -> tuple[Examples, np.ndarray]:
    """The examples class by class, and their order."""
    order = np.argsort(classes.numpy(), kind="stable")
    return Examples(x.numpy()[order], classes.numpy()[order], MEMORY), order


def _check_flow(alpha: Tensor, y: np.ndarray) -> np.ndarray:
    n, k = len(y), int(y.max()) + 1
    if not isinstance(alpha, Tensor) or alpha.dtype != torch.float64 or alpha.shape != (n, k):
        came = type(alpha).__name__
        if isinstance(alpha, Tensor):
            came = f"{str(alpha.dtype)[6:]} of shape {tuple(alpha.shape)}"
        raise ValueError(
            f"alpha must be a float64 tensor of shape ({n}, {k}), got {came}: pass one number for "
            "each example and class, use .double()"
        )
    weights = alpha.detach().numpy()
    if not (weights >= 0).all() or weights[np.arange(n), y].any():
        raise ValueError(
            "alpha must not be negative, and 0 at each example's own class, got one that is not: "
            "clip it, and set these entries to 0"
        )
    # The sign of a sum that is rounded once is that of the sum.
    if any(math.fsum([*row, -1.0]) > 0 for row in weights):
        raise ValueError("alpha must sum to at most 1 in each row, got more: divide by the sum")
    if any(uneven := imbalances(weights, y)):
        raise ValueError(
            "alpha must weigh what leaves and what arrives at each class exactly alike, got a "
            f"difference of {max(uneven, key=abs):g}: take it from the largest entry"
        )
    return weights


class _Search:
    """The state of a search: the working set, and the best that was found on both sides."""

    def __init__(self, x: Tensor, classes: Tensor, ball: NormBall, tol: float, most: int) -> None:
        self.x, self.classes, self.ball, self.tol, self.most = x, classes, ball, tol, most
        self.data, self.order = _sorted(x, classes)
        low, high = (end.numpy() for end in ball.interval(torch.from_numpy(self.data.x)))
        margin = NARROWER * tol * (high - low)
        self.low, self.high = low + margin, high - margin
        k = int(self.data.y[-1]) + 1
        self.risk, self.weights, self.biases = math.inf, np.zeros((k, x.shape[1])), np.zeros(k)
        self.bound, self.alpha, self.steps = 0.0, np.zeros((len(x), k)), 0
        own = self.data.y[:, None] == np.arange(k)
        means = np.stack([self.data.x[own[:, c]].mean(axis=0) for c in range(k)])
        far = -2 * self.data.x @ means.T + (means**2).sum(axis=1)
        far[own] = np.inf
        self.rival = np.zeros_like(own)
        nearest = np.argsort(far, axis=1)[:, : min(RIVALS, k - 1)]
        np.put_along_axis(self.rival, nearest, True, axis=1)
        equal = start(Rows(self.low, self.high, self.data.y, ~own)).alpha
        sums = interval_sums(self.data, ball, equal)[:2]
        self.pixels = np.argsort(-worst_cuts(*sums))[:FIRST]

    def run(self) -> LargestGapOptimum:
        """Solve on the working set, let enter what breaks optimality, until nothing does."""
        tol, status = max(ROUGH, self.tol), Status.STOPPED
        while True:
            low, high = self.low[:, self.pixels], self.high[:, self.pixels]
            rows = Rows(low, high, self.data.y, self.rival)
            point, steps = descend(rows, start(rows), tol / 2, self.most - self.steps)
            self.steps += steps
            gaps = rows.gaps_of(point.weights, point.biases)
            self._note_risk(point, gaps)
            cuts = self._note_bound(point)
            if gaps.max() < -SURE * np.abs(self.high).max() * np.abs(point.weights).sum():
                status = Status.SEPARABLE
            elif self.risk - self.bound <= self.tol * self.risk:
                status = Status.OPTIMAL
            if status is not Status.STOPPED or self.steps >= self.most:
                return self._end(status)
            entered = self._enter(gaps, cuts, NEARLY if tol > self.tol else 0.0)
            if tol == self.tol and not entered:
                return self._end(status)
            if entered < FEW * self.rival.sum():
                tol = self.tol

    def _note_risk(self, point: Point, gaps: np.ndarray) -> None:
        risk = mean_loss(-gaps.max(axis=1))
        if risk < self.risk:
            self.risk = risk
            self.weights = np.zeros_like(self.weights)
            self.weights[:, self.pixels] = point.weights - point.weights.mean(axis=0)
            self.biases = point.biases - point.biases.mean()

    def _note_bound(self, point: Point) -> np.ndarray:
        """What the weights prove, and by how much the sets of classes fail: (d,)."""
        alpha = balanced_flow(point.alpha, self.data.y)
        low, high, rounding = interval_sums(self.data, self.ball, alpha)
        cuts = worst_cuts(low, high) + rounding
        if cuts.max() <= 0 and (bound := least_entropy(alpha)) > self.bound:
            self.bound, self.alpha = bound, alpha
        return cuts

    def _enter(self, gaps: np.ndarray, cuts: np.ndarray, nearly: float) -> int:
        """Take in pixels and rivals that break optimality, and say how many there are."""
        largest = np.where(self.rival, gaps, -np.inf).max(axis=1)
        rivals = (gaps > largest[:, None] - nearly) & ~self.rival
        cuts[self.pixels] = -np.inf
        broken = int((cuts > 0).sum())
        pixels = np.argsort(-cuts)[: broken + SPARE * (broken > 0)]
        self.pixels = np.concatenate([self.pixels, pixels[cuts[pixels] > -np.inf]])
        self.rival = self.rival | rivals
        return broken + int(rivals.sum())

    def _end(self, status: Status) -> LargestGapOptimum:
        weights, biases = torch.from_numpy(self.weights), torch.from_numpy(self.biases)
        losses = largest_gap_losses(weights, biases, self.x, self.classes, self.ball)
        alpha = np.zeros_like(self.alpha)
        alpha[self.order] = self.alpha
        return LargestGapOptimum(
            ball=self.ball,
            weights=weights,
            biases=biases,
            risk=float(losses.mean()),
            lower_bound=0.0 if status is Status.SEPARABLE else self.bound,
            alpha=torch.from_numpy(alpha),
            status=status,
            iterations=self.steps,
        )
