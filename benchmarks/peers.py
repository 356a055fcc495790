"""The exact optimum of a subset of the images, beside general convex solvers on the same problem.

They need cvxpy, which is left out where it is not installed. Clarabel is an interior-point method
for cones, the logistic loss being a pair of exponential cones; SCS is a first-order method, stopped
by its own criteria. None of the two proves a bound that holds in spite of rounding.
"""

import importlib.util
import time
from collections.abc import Callable
from functools import partial

import torch

from benchmarks._report import report
from lectures_code.exact import solve
from lectures_code.mnist import load_zero_one
from lectures_code.perturbations import NormBall

EVERY = 15  # of the images
ball = NormBall(torch.inf, 0.2)
data = load_zero_one()
x, y = data.x_train[::EVERY], data.y_train[::EVERY]


def by_cvxpy(solver: str) -> float:
    import cvxpy as cp

    theta, b = cp.Variable(x.shape[1]), cp.Variable()
    margins = cp.multiply(y.numpy(), x.numpy() @ theta + b) - ball.radius * cp.norm1(theta)
    return cp.Problem(cp.Minimize(cp.sum(cp.logistic(-margins)) / len(y))).solve(solver=solver)


def timed(run: Callable[[], float]) -> list[float]:
    """Once: the cone solvers take half a minute, which no second run makes much clearer."""
    start = time.perf_counter()
    print(f"stops at {run():.9f}")
    return [time.perf_counter() - start]


solve(x, y, ball)  # so that nothing is loaded while it is timed
print(f"{len(y)} images")
seconds = {"exact, with certificate": timed(lambda: solve(x, y, ball).risk)}
if importlib.util.find_spec("cvxpy") is None:
    print("Clarabel and SCS are left out: they need cvxpy, which `pip install cvxpy` installs")
else:
    for name in ("CLARABEL", "SCS"):
        seconds[f"cvxpy, {name}"] = timed(partial(by_cvxpy, name))
question = f"What do general solvers take, for {len(y)} images?"
report(question, seconds, baseline="exact, with certificate", file="peers")
