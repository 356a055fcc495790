"""Small random problems, and other ways to the same answers: enumeration and programmes.

And :func:`says`, because every error is tested for its exact text, and numbers of every kind.
"""

import itertools
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy.optimize import linprog, minimize_scalar
from torch import Tensor

from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import BoxedNormBall, NormBall

INF = math.inf

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
    low, high = _interval(ball, x)
    return torch.tensor(list(itertools.product(*zip(low, high, strict=True))), dtype=torch.float64)


def largest(w: Tensor, x: Tensor, ball: NormBall) -> float:
    """The largest <w, delta> over the set at one example, by enumeration or a programme."""
    boxed = isinstance(ball, BoxedNormBall)
    weights = w.numpy()
    if ball.p == INF or (ball.p == 1 and not boxed):
        return float((vertices(ball, x) @ w).max())
    if not boxed:  # Hoelder, with numpy's norm
        return ball.radius * float(np.linalg.norm(weights, 1 / (1 - 1 / ball.p)))
    low, high = _interval(ball, x)
    if ball.p == 1:  # delta = up - down, sum(up + down) <= radius
        bounds = [(0, each) for each in high] + [(0, -each) for each in low]
        solved = linprog(
            np.concatenate([-weights, weights]),
            A_ub=np.ones((1, 2 * len(w))),
            b_ub=[ball.radius],
            bounds=bounds,
        )
        return -solved.fun
    return _largest_by_duality(weights, low, high, ball.radius)


def _largest_by_duality(w: np.ndarray, low: np.ndarray, high: np.ndarray, radius: float) -> float:
    """p = 2 in a box: the least over m of m r^2 + sum_j max over the interval of w z - m z^2."""

    def dual(log_m: float) -> float:
        m = math.exp(log_m)
        z = np.clip(w / (2 * m), low, high)
        return m * radius**2 + float(w @ z - m * z @ z)

    return minimize_scalar(dual, bounds=(-30, 30), method="bounded", options={"xatol": 1e-10}).fun


def _interval(ball: NormBall, x: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """What each entry of delta may be by itself."""
    low, high = np.full(len(x), -ball.radius), np.full(len(x), ball.radius)
    if isinstance(ball, BoxedNormBall):
        low, high = np.maximum(low, ball.low - x.numpy()), np.minimum(high, ball.high - x.numpy())
    return low, high
