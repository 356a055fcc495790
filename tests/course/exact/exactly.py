"""The constraints of a dual point in fractions: no rounding."""

from fractions import Fraction

import numpy as np


def ends(kind, x, radius):
    """Least and greatest value of each pixel or feature, as arrays of fractions."""
    exactly = np.vectorize(Fraction, otypes=[object])
    if kind == "intervals":  # as they are given, rounded
        return exactly((x - radius).numpy()), exactly((x + 1.5 * radius).numpy())
    low, high = (exactly(x.numpy()) + sign * Fraction(radius) for sign in (-1, 1))
    if kind != "free":
        low, high = np.maximum(low, 0), np.minimum(high, 1)
    return (exactly(low > 0.5), exactly(high > 0.5)) if kind == "thresholds" else (low, high)


def excess(kind, x, y, radius, alpha):
    """The most by which the lower mean of a class exceeds the upper one of the other, exactly."""
    low, high = ends(kind, x, radius)
    a = np.array([Fraction(each) for each in alpha.tolist()])
    own, other = a * (y.numpy() > 0), a * (y.numpy() < 0)
    assert own.sum() == other.sum()
    return max((own @ low - other @ high).max(), (other @ low - own @ high).max())
