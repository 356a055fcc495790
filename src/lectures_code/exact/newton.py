"""Newton's method for the adversarial risk on one piece of weight space."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from lectures_code.exact.dual import mean_loss
from lectures_code.exact.examples import Columns, Examples, dual_norm
from lectures_code.exact.pieces import Piece, SecondOrder


@dataclass(frozen=True)
class Point:
    """A classifier with its scores on the data."""

    theta: np.ndarray
    intercept: float
    scores: np.ndarray

    def margins(self, y: np.ndarray, p: float, radius: float) -> np.ndarray:
        """The margins that the worst perturbation leaves."""
        return y * self.scores - radius * dual_norm(self.theta, p)


def point_at(data: Examples, theta: np.ndarray, intercept: float) -> Point:
    """The classifier with these weights, and its scores on the data."""
    scores = data.columns().push(theta) if theta.any() else np.zeros(data.n)
    return Point(theta, intercept, scores + intercept)


@dataclass(frozen=True)
class Problem:
    """The adversarial risk on one piece of weight space, with the columns of the piece."""

    y: np.ndarray
    columns: Columns
    piece: Piece
    p: float
    radius: float

    def risk(self, point: Point) -> float:
        """Mean loss under the worst perturbation."""
        return mean_loss(point.margins(self.y, self.p, self.radius))

    def descend(self, point: Point, precision: float, most: int) -> tuple[Point, int, float]:
        """Take up to `most` steps: the last point, their number, the largest decrease."""
        steps, decrease, promised = 0, 0.0, math.inf
        while steps < most and promised > 1e-3 * precision:  # below, a step would change nothing
            point, promised = self._step(point)
            steps, decrease = steps + 1, max(decrease, promised)
        return point, steps, decrease

    def _step(self, point: Point) -> tuple[Point, float]:
        """One step to the minimum of the second-order model, halved until the risk falls enough.

        Returns the new point and the decrease of the mean loss that the model's slope promised.
        """
        coordinates, norm_slope = self.piece.coordinates(point.theta)
        margins = point.margins(self.y, self.p, self.radius)
        alpha = expit(-margins)
        if (alpha * (1 - alpha)).sum() < 1e-100:  # the weights have run away
            return point, 0.0
        hessian, gradient = self._second_order(alpha, norm_slope)
        here = np.append(coordinates, point.intercept)
        reach = self.radius * alpha.sum()
        gradient[:-1] += reach * norm_slope
        model = SecondOrder(hessian, gradient, here)
        there = self.piece.minimise(model, norm_slope, reach)
        risk, slope = self.risk(point), gradient @ (there - here) / len(self.y)
        step = 1.0
        while step > 1e-10:
            new = (1 - step) * here + step * there  # exact for step 1: weights at a bound stay
            scores = self.columns.push(new[:-1]) + new[-1]
            trial = Point(self.piece.weights(point.theta, new[:-1]), new[-1], scores)
            if self.risk(trial) <= risk + 1e-4 * step * slope + 1e-14 * risk:
                return trial, -slope
            step /= 2
        return point, 0.0

    def _second_order(
        self, alpha: np.ndarray, norm_slope: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Second derivative of the loss in (coordinates, intercept) while the norm is linear.

        With it the first, for a fixed norm. The margins are linear in (coordinates, intercept,
        -radius * norm): `gram`, the sum of curvature * [x, 1, y] [x, 1, y]^T, is the second
        derivative in these.
        """
        gram = self.columns.gram(alpha * (1 - alpha))
        pull = np.append(self.columns.pull(alpha * self.y), (alpha * self.y).sum())
        slope = np.append(norm_slope, 0.0)
        last = gram[:-1, -1] - self.radius / 2 * gram[-1, -1] * slope
        mixed = self.radius * np.outer(slope, last)
        return gram[:-1, :-1] - mixed - mixed.T, -pull
