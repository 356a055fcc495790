"""The exact robust classifier, certificate included, against the recipe's ten epochs of SGD.

The recipe runs in float32, as the lecture does. The other solver is scipy's L-BFGS-B on the smooth
form theta = u - v with u, v >= 0, stopped by its own criteria. With --cvxpy, Clarabel as well: that
takes minutes and gigabytes, and is run once.
"""

import sys
import time

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import expit

from benchmarks._recipe import train as recipe
from benchmarks._report import interleaved, report
from lectures_code.exact import solution_path, solve
from lectures_code.mnist import load_zero_one
from lectures_code.perturbations import NormBall

EPSILON = 0.2
ball = NormBall(torch.inf, EPSILON)
data = load_zero_one()
x, y = data.x_train, data.y_train
x32, y32 = x.float(), y.float()
signed = (y[:, None] * torch.cat([x, torch.ones(len(x), 1)], dim=1)).numpy()


def smooth_risk(z: np.ndarray) -> tuple[float, np.ndarray]:
    """Risk and gradient in z = (u, v, intercept), theta = u - v."""
    d = x.shape[1]
    u, v = z[:d], z[d : 2 * d]
    margins = signed @ np.append(u - v, z[-1]) - EPSILON * (u + v).sum()
    a = expit(-margins) / len(margins)
    pull, price = a @ signed, EPSILON * a.sum()
    gradient = np.concatenate([price - pull[:-1], price + pull[:-1], [-pull[-1]]])
    return np.logaddexp(0, -margins).mean(), gradient


def by_lbfgs() -> float:
    d = x.shape[1]
    bounds = [(0, None)] * (2 * d) + [(None, None)]
    options = {"maxiter": 5000, "maxfun": 10000, "ftol": 1e-14, "gtol": 1e-9}
    start = np.zeros(2 * d + 1)
    return minimize(smooth_risk, start, jac=True, bounds=bounds, options=options).fun


def by_cvxpy() -> float:
    import cvxpy as cp

    theta, b = cp.Variable(x.shape[1]), cp.Variable()
    margins = signed[:, :-1] @ theta + y.numpy() * b - EPSILON * cp.norm1(theta)
    return cp.Problem(cp.Minimize(cp.sum(cp.logistic(-margins)) / len(y))).solve(solver="CLARABEL")


optimum = solve(x, y, ball)
print(f"risk {optimum.risk:.11f}, relative gap {optimum.relative_gap:.1e}, {optimum.status}")
print(f"L-BFGS-B stops at {by_lbfgs():.11f}\n")
seconds = interleaved(
    {
        "recipe, 10 epochs": lambda: recipe(x32, y32, epsilon=EPSILON),
        "exact, with certificate": lambda: solve(x, y, ball),
        "exact, pixels in the box": lambda: solve(x, y, ball.in_box()),
        "L-BFGS-B": by_lbfgs,
    },
    rounds=3,
)
if "--cvxpy" in sys.argv:
    start = time.perf_counter()
    print(f"cvxpy with Clarabel stops at {by_cvxpy():.11f}\n")
    seconds["cvxpy, Clarabel (once)"] = [time.perf_counter() - start] * 3
report("What does the exact optimum cost?", seconds, baseline="recipe, 10 epochs", file="exact")

radii = np.linspace(0.03, 0.32, 30).tolist()
in_box = np.linspace(0.06, 0.35, 30).tolist()  # below 0.0566 the data are separable in it
seconds = interleaved(
    {
        "30 cold solves": lambda: [solve(x, y, NormBall(torch.inf, r)) for r in radii],
        "the path, warm": lambda: solution_path(x, y, ball, radii),
        "the path in the box": lambda: solution_path(x, y, ball.in_box(), in_box),
    },
    rounds=1,
)
report("Thirty radii: one path?", seconds, baseline="30 cold solves", file="path")
