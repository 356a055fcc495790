"""The two values that a certificate compares, and dual points whose constraint holds exactly."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.special import xlog1py, xlogy

ROUNDING = 2.0**-53  # relative error of one float64 operation
# Below 2**-1022 the error is not relative, but up to 2**-1074. All of these errors together, of so
# many operations as a computer can do, are less than:
UNDERFLOW = 1e-300
SMALL = 1000  # the largest denominator of a weight that is looked for


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
    return rounded_down(math.fsum(entropy) / len(alpha))


def rounded_down(entropy: float) -> float:
    """A number that a mean of entropies, computed with a few roundings each, certainly reaches."""
    return max(0.0, entropy * (1 - 16 * ROUNDING) - UNDERFLOW)


def adds_exactly(weights: np.ndarray, largest: float) -> bool:
    """Whether float64 adds up `weights`, times whole numbers up to `largest`, without rounding.

    In any order: if they are whole multiples of a power of two, and no sum exceeds 2**53 of it.
    """
    mantissas, exponents = np.frexp(weights[weights > 0])
    digits = np.ldexp(mantissas, 53).astype(np.int64)
    units = np.ldexp((digits & -digits).astype(np.float64), exponents - 53)  # the last digits
    # Not "<=": the sum and the product are rounded, but never from above that number to below it.
    return math.fsum(weights) * largest < 2.0**53 * units.min(initial=math.inf)


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


def in_small_fractions(alpha: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The nearest weights with small denominators, times a number, if both classes' sums are equal.

    Equations with whole coefficients have such solutions, and these meet them exactly.
    """
    shares = [Fraction(a).limit_denominator(SMALL) for a in (alpha / alpha.max()).tolist()]
    unit = math.lcm(*(share.denominator for share in shares))
    units = np.array([int(share * unit) for share in shares], float)
    if not unit * len(units) < 2**52 or (units * y).sum() != 0:
        return alpha
    return units * 2.0 ** -math.ceil(math.log2(units.sum()))
