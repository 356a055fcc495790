"""The two values that a certificate compares, and dual points whose constraint holds exactly."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import xlog1py, xlogy

ROUNDING = 2.0**-53  # relative error of one float64 operation


@dataclass(frozen=True)
class Certificate:
    """A dual point that is feasible at `radius`, and the lower bound it proves."""

    bound: float
    alpha: np.ndarray
    radius: float


def mean_loss(margins: np.ndarray) -> float:
    """Mean of Psi(margin), the value of the primal problem."""
    # As accurate as logaddexp, and three times as fast.
    return float((np.maximum(-margins, 0) + np.log1p(np.exp(-np.abs(margins)))).mean())


def mean_entropy(alpha: np.ndarray) -> float:
    """Mean of H(alpha_i), the value of the dual problem, rounded down.

    Both terms of H are positive and have a few roundings each.
    """
    entropy = -xlogy(alpha, alpha) - xlog1py(1 - alpha, -alpha)
    return math.fsum(entropy) / len(alpha) * (1 - 16 * ROUNDING)


def balanced(alpha: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Round `alpha` so that both classes have exactly equal sums.

    As whole multiples of a power of two, below 2**53 in sum, the weights add up without rounding.
    """
    # So far above the least number that its product with the unit does not round to 0.
    totals = [max(alpha[y == sign].sum(), 1e-140) for sign in (1, -1)]
    unit = 2.0 ** (math.ceil(math.log2(max(totals))) - 52)
    units = np.floor(alpha * np.where(y > 0, *(min(totals) / (t * unit) for t in totals)))
    excess = (units * y).sum()
    heavy = np.flatnonzero(y * excess >= 0)
    largest = heavy[units[heavy].argmax()]
    units[largest] -= min(abs(excess), units[largest])
    # Where one class weighs next to nothing, one weight may be too small to take the excess.
    return units * unit if (units * y).sum() == 0 else np.zeros_like(alpha)
