"""Sets and small random problems, and another way to the same answers: enumeration.

And :func:`says`, because every error is tested for its exact text, and numbers of every kind.
"""

import itertools
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import Tensor

from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import BoxedNormBall, NormBall

INF = math.inf
# Rounding of a sum of a dozen numbers of size 1 to 10, with a reserve.
ROUNDING = 1e-12
BALLS = [NormBall(p, r) for p, r in ((INF, 0.2), (2, 0.5), (1, 0.7), (1.5, 0.5), (3, 0.4))]
BALLS += [ball.in_box() for ball in BALLS[:3]]


# 1 and 3/2 can be written exactly in every one of these.
REALS = {
    "int": int,
    "float": float,
    "Fraction": Fraction,
    "Decimal": Decimal,
    **{kind.__name__: kind for kind in (np.float16, np.float32, np.float64, np.longdouble)},
    **{kind.__name__: kind for kind in (np.int8, np.uint8, np.int64, np.uint64)},
    **{
        f"numpy array of {dtype}": lambda value, dtype=dtype: np.array(value, dtype)
        for dtype in ("float32", "float64", "int64", "object")
    },
    **{
        str(dtype): lambda value, dtype=dtype: torch.tensor(value, dtype=dtype)
        for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64)
    },
    "torch.uint8": lambda value: torch.tensor(value, dtype=torch.uint8),
    "a tensor in training": lambda value: torch.tensor(float(value), requires_grad=True),
}
WHOLE = [name for name in REALS if "int" in name or name == "numpy array of object"]


def name(ball: NormBall) -> str:
    return f"p={ball.p:g}" + ("-boxed" if isinstance(ball, BoxedNormBall) else "")


each_ball = pytest.mark.parametrize("ball", BALLS, ids=name)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def vector(*values: float, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.tensor(values, dtype=dtype)


def says(error: type[Exception], text: str):
    """The error is raised with exactly this text."""
    return pytest.raises(error, check=lambda raised: str(raised) == text)


def random_problem(seed: int, *, n: int = 6, d: int = 5) -> tuple[LinearClassifier, Tensor, Tensor]:
    """A linear classifier with n labelled examples: some in the box's corners, some weights 0."""
    draw = torch.Generator().manual_seed(seed)
    theta = torch.randn(d, generator=draw, dtype=torch.float64)
    theta[d - 1] = 0.0
    x = (1.5 * torch.rand(n, d, generator=draw, dtype=torch.float64) - 0.25).clamp(0, 1)
    y = 2.0 * torch.randint(2, (n,), generator=draw).double() - 1
    return LinearClassifier(theta, torch.randn((), generator=draw, dtype=torch.float64)), x, y


def vertices(ball: NormBall, x: Tensor) -> Tensor:
    """All vertices of the perturbation set at one example (d,): p = inf, or p = 1 without a box."""
    d = len(x)
    if ball.p == 1 and not isinstance(ball, BoxedNormBall):
        return ball.radius * torch.cat([torch.eye(d), -torch.eye(d)]).double()
    assert ball.p == INF and d <= 8, "enumeration of boxes in few dimensions only"
    low, high = interval(ball, x)
    return torch.tensor(list(itertools.product(*zip(low, high, strict=True))), dtype=torch.float64)


def interval(ball: NormBall, x: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The least and greatest that each entry of delta may be by itself."""
    low, high = np.full(len(x), -ball.radius), np.full(len(x), ball.radius)
    if isinstance(ball, BoxedNormBall):
        at = x.double().numpy()
        with np.errstate(over="ignore"):  # a box as wide as the range of numbers
            low, high = np.maximum(low, ball.low - at), np.minimum(high, ball.high - at)
    return low, high


def norm(v: Tensor | np.ndarray, p: float) -> np.ndarray:
    """The p-norm along the last axis, with numpy, in extended precision, scaled by the largest."""
    v = np.abs(np.asarray(v, dtype=np.longdouble))
    largest = v.max(-1, keepdims=True)
    scale = np.where(largest > 0, largest, 1)
    if math.isinf(p):
        return largest[..., 0]
    return scale[..., 0] * ((v / scale) ** np.longdouble(p)).sum(-1) ** (1 / np.longdouble(p))


def largest(w: Tensor | np.ndarray, x: Tensor, ball: NormBall) -> np.longdouble:
    """max <w, delta> over the set, by enumeration of vertices, breakpoints or active sets."""
    w, p, r = np.asarray(w, dtype=np.longdouble), ball.p, np.longdouble(ball.radius)
    low, high = interval(ball, x)
    if not isinstance(ball, BoxedNormBall):
        dual = INF if p == 1 else 1 if p == INF else 1 / (1 - 1 / np.longdouble(p))
        return r * norm(w, dual)  # Hoelder; attainment is tested with the maximiser
    if p == INF:
        return max(np.dot(w, vertex) for vertex in itertools.product(*zip(low, high, strict=True)))
    size, room = np.abs(w), np.where(w > 0, high, np.where(w < 0, -low, 0)).astype(np.longdouble)
    if p == 1:
        # Its dual, m r + sum room (size - m)_+, is convex and piecewise linear in m >= 0: the
        # least value is at a breakpoint.
        prices = [np.longdouble(0), *size]
        return min(m * r + (room * np.maximum(size - m, 0)).sum() for m in prices)
    # p = 2: at a maximiser some entries are at their faces, the others parallel to w.
    best = np.longdouble(0)
    for at_face in itertools.product([False, True], repeat=len(w)):
        full = np.array(at_face)
        rest, free = r**2 - (room[full] ** 2).sum(), norm([*size[~full], 0], 2)
        if rest < 0:
            continue
        delta = np.where(full, room, np.minimum(size * (np.sqrt(rest) / (free or 1)), room))
        best = max(best, (size * delta).sum())
    return best
