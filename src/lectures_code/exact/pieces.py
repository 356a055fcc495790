r"""Pieces of weight space on which the norm of the weights is linear or smooth: one class a norm.

A piece describes the weights by few coordinates, and knows the norm's slope in them and the minimum
of a second-order model over the piece. Weights without a coordinate follow from the others.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve

from lectures_code.exact.quadratic import cholesky, minimise_over_cone


class SecondOrder(NamedTuple):
    """A second-order model of the loss around the point `here`, all in (coordinates, intercept)."""

    hessian: np.ndarray
    gradient: np.ndarray
    here: np.ndarray


class Piece(ABC):
    """Part of weight space, with coordinates.

    `index` holds the features whose weights are coordinates, None for all of them; `along` the
    direction in which one more coordinate moves the other weights, None if there is none.
    """

    index: np.ndarray | None
    along: np.ndarray | None

    @abstractmethod
    def coordinates(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The coordinates of `theta`, and the slope of the norm in them."""

    @abstractmethod
    def weights(self, theta: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
        """All weights at these coordinates; those that do not depend on them are as in `theta`."""

    @abstractmethod
    def minimise(self, model: SecondOrder, slope: np.ndarray, reach: float) -> np.ndarray:
        """The point of the piece where the model is least.

        `slope` is that of the norm in the coordinates, `reach` that of the loss in the norm.
        """


class SmoothPiece(Piece):
    """p = 2: all weights, away from 0, where the Euclidean norm is smooth."""

    index = None
    along = None

    def coordinates(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return theta, theta / np.linalg.norm(theta)

    def weights(self, theta: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
        return coordinates

    def minimise(self, model: SecondOrder, slope: np.ndarray, reach: float) -> np.ndarray:
        # Newton's step, with the curvature of the norm, (1 - slope slope^T) / norm, added.
        hessian, gradient, here = model
        bend = reach / np.linalg.norm(here[:-1])
        hessian[:-1, :-1] += bend * (np.eye(len(slope)) - np.outer(slope, slope))
        root, scale = cholesky(hessian, np.diag(hessian))
        return here - cho_solve((root, True), gradient / scale) / scale


@dataclass(frozen=True)
class CappedPiece(Piece):
    """p = 1: the weights in `index`, and the largest size t, which all others have.

    `along` holds the signs of the others, 0 for a pixel that is 0 in all examples.
    """

    index: np.ndarray
    along: np.ndarray

    def coordinates(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        inner = theta[self.index]
        return np.append(inner, np.abs(theta).max()), np.append(np.zeros(len(inner)), 1.0)

    def weights(self, theta: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
        theta = np.where(self.along != 0, self.along * coordinates[-1], theta)
        theta[self.index] = coordinates[:-1]
        return theta

    def minimise(self, model: SecondOrder, slope: np.ndarray, reach: float) -> np.ndarray:
        # |weight| <= t, as weight = sign * (t - lag) with lag >= 0. Should a weight come out below
        # -t, it is on the other side, and the sign is changed.
        signs = np.where(model.here[:-2] < 0, -1.0, 1.0)
        for _ in range(10):
            cone = np.diag(np.concatenate([-signs, [1.0, 1.0]]))
            cone[:-2, -2] = signs
            there = minimise_over_cone(*model, cone)
            beyond = signs * there[:-2] < -there[-2]
            if not beyond.any():
                break
            signs[beyond] *= -1
        there[:-2] = np.clip(there[:-2], -there[-2], there[-2])
        return there


def piece_around(theta: np.ndarray, pull: np.ndarray, p: float) -> Piece:
    """The piece around `theta`, for p = 1 opened towards the weights that break optimality most.

    `pull` is minus the slope of the loss without the norm. As many weights enter as are in use:
    those of the largest size that would rather shrink.
    """
    if p == 2:
        return SmoothPiece()
    size, signs = np.abs(theta), np.where(theta != 0, np.sign(theta), np.sign(pull))
    used = (size < size.max()) & (signs != 0)
    excess = np.where(used, -math.inf, -signs * pull)
    worst = np.argsort(-excess)[: max(20, used.sum())]
    used[worst[excess[worst] > 0]] = True
    along = np.where(~used & (size == size.max()), signs, 0.0)
    return CappedPiece(np.flatnonzero(used), along)
