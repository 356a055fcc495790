"""Perturbation sets to test, random and generated cases, and what enumeration says of them."""

import numpy as np
import pytest
import torch
from hypothesis import strategies as st

from lectures_code.perturbations import BoxedNormBall, NormBall
from tests.oracles import INF, interval, largest, name, norm, seeded, vector

# Sums of at most six products of one sign, and powers of them: a few dozen roundings of 1.1e-16
# each, with a reserve. Relative to the size of the result.
ROUNDING = 1e-13
# Near p = 1 the power q - 1 = 1 / (p - 1) multiplies a relative error: by 10 for p = 1.1.
EXPONENTS = [1, 1.1, 1.5, 2, 3, 7, INF]
BASIC_EXPONENTS = [1, 2, INF]  # those with a projection, with draws and with a box
SETS = [NormBall(p, 0.4) for p in EXPONENTS] + [NormBall(p, 0.4).in_box() for p in BASIC_EXPONENTS]
BASIC = [ball for ball in SETS if ball.p in BASIC_EXPONENTS]
BOXED = [ball for ball in SETS if isinstance(ball, BoxedNormBall)]
METHODS = ["support", "maximiser", "project", "contains"]


each_set = pytest.mark.parametrize("ball", SETS, ids=name)
each_basic = pytest.mark.parametrize("ball", BASIC, ids=name)
each_boxed = pytest.mark.parametrize("ball", BOXED, ids=name)
each_method = pytest.mark.parametrize("method", METHODS)


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64).to(dtype)


def images(*shape, seed=0, dtype=torch.float64):
    """Examples in [0, 1], about a third of their pixels on each face."""
    wide = 3 * torch.rand(*shape, generator=seeded(seed), dtype=torch.float64) - 1
    return wide.clamp(0, 1).to(dtype)


def grid(ball, x, steps=41):
    """Points of the set with spacing h: rounding any of its points towards 0 gives one of them.

    (Each of our sets, with delta, holds all that is entrywise nearer to 0 on the same side.)
    """
    h = ball.radius / (steps // 2)
    axis = h * np.arange(-(steps // 2), steps // 2 + 1)
    points = np.stack(np.meshgrid(*[axis] * len(x), indexing="ij"), -1).reshape(-1, len(x))
    low, high = interval(ball, x)
    # The corners of the grid lie on the sphere only up to rounding.
    inside = (norm(points, ball.p) <= ball.radius * (1 + 1e-12)) & (
        (points >= low - 1e-12) & (points <= high + 1e-12)
    ).all(-1)
    return points[inside], h


def excess(w, delta, ball, x):
    """How much more than <w, delta> the best point of the set attains."""
    w, delta = (np.asarray(v.numpy(), dtype=np.longdouble) for v in (w, delta))
    return float(largest(w, x, ball) - (w * delta).sum())


magnitudes = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 1e-6, -1e-6, 1e6, -1e6]),  # ties and extremes
    st.floats(-6, 6).map(lambda e: 10.0**e),
    st.floats(-6, 6).map(lambda e: -(10.0**e)),
    st.floats(-1, 1),
)
pixels = st.one_of(st.sampled_from([0.0, 1.0, 0.5]), st.floats(0, 1))
radii = st.one_of(
    st.sampled_from([0.0, 1e-6, 0.2, 1.0, 1e6]), st.floats(-6, 6).map(lambda e: 10.0**e)
)


@st.composite
def cases(draw, exponents=EXPONENTS):
    """A set, a vector (weights or a perturbation) and an example, in 1 to 6 dimensions."""
    d = draw(st.integers(1, 6))
    ball = NormBall(draw(st.sampled_from(exponents)), draw(radii))
    if ball.p in BASIC_EXPONENTS and draw(st.booleans()):
        ball = ball.in_box()
    v = vector(*draw(st.lists(magnitudes, min_size=d, max_size=d)))
    return ball, v, vector(*draw(st.lists(pixels, min_size=d, max_size=d)))


# Values whose squares or ratios leave the range of the numbers, found while testing.
DWARFED = (NormBall(2, 0.5).in_box(), vector(1.0, 1e-160, 1e-160), vector(1.0, 0.0, 0.0))


def is_inside(delta, ball, x, rounding=ROUNDING):
    """Membership by numpy, up to a few roundings; the box up to one rounding of x + delta."""
    low, high = interval(ball, x)
    slack = rounding * np.maximum(-low, high)
    faces = (low - slack <= delta.numpy()) & (delta.numpy() <= high + slack)
    return bool(faces.all() and norm(delta, ball.p) <= ball.radius * (1 + rounding))


DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]
