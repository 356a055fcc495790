"""The exact robust classifier, certificate included, against the recipe's ten epochs of SGD.

The recipe runs in float32, as the lecture does. The other solver is scipy's L-BFGS-B on the smooth
form theta = u - v with u, v >= 0, stopped by its own criteria. With --cvxpy, Clarabel as well: that
takes minutes and gigabytes, and is run once.

Of thresholds of all pixels there is no minimiser, as some images can be separated for nothing.
There is one for the pixels that the adversary can turn in a hundredth of the images of each class.

A second process, with --one-thread and the variable OMP_NUM_THREADS=1, repeats the first table with
one thread.
"""

import os
import subprocess
import sys
import time

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import expit

from benchmarks._recipe import train as recipe
from benchmarks._report import interleaved, report
from lectures_code.exact import RobustOptimum, solution_path, solve
from lectures_code.features import Threshold
from lectures_code.mnist import load_zero_one
from lectures_code.perturbations import NormBall

EPSILON, OFTEN = 0.2, 0.01
ONE_THREAD = "--one-thread" in sys.argv
if ONE_THREAD and torch.get_num_threads() != 1:
    raise SystemExit("threads must be one, got more: set OMP_NUM_THREADS=1")
ball = NormBall(torch.inf, EPSILON)
data = load_zero_one()
x, y = data.x_train, data.y_train
x32, y32 = x.float(), y.float()
half = Threshold(0.5)
low, high = half.interval(x, ball.in_box())
turned = [(low != high)[y == sign].double().mean(dim=0) >= OFTEN for sign in (1, -1)]
pixels = x[:, turned[0] & turned[1]].contiguous()
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


exact = {
    "exact, with certificate": lambda: solve(x, y, ball),
    "exact, pixels in the box": lambda: solve(x, y, ball.in_box()),
    f"exact, thresholds of {pixels.shape[1]} pixels": lambda: solve(
        pixels, y, ball.in_box(), feature=half
    ),
}


def checked(what: str, optimum: RobustOptimum) -> None:
    assert optimum.status == "optimal" and optimum.relative_gap <= 1e-9, what
    print(f"{what}: risk {optimum.risk:.11f}, relative gap {optimum.relative_gap:.1e}")


for what, run in exact.items():
    checked(what, run())
print(f"L-BFGS-B stops at {by_lbfgs():.11f}\n")
baseline = "recipe, 10 epochs"
recipes = {baseline: lambda: recipe(x32, y32, epsilon=EPSILON)}
seconds = interleaved({**recipes, **exact, "L-BFGS-B": by_lbfgs}, rounds=3)
if "--cvxpy" in sys.argv:
    start = time.perf_counter()
    print(f"cvxpy with Clarabel stops at {by_cvxpy():.11f}\n")
    seconds["cvxpy, Clarabel (once)"] = [time.perf_counter() - start] * 3
question = "What does the exact optimum cost?"
if ONE_THREAD:
    report(f"{question} One thread", seconds, baseline=baseline, file="exact_one_thread")
    raise SystemExit
report(question, seconds, baseline=baseline, file="exact")
command = [sys.executable, "-m", "benchmarks.exact", "--one-thread"]
subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True)

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
