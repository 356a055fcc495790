"""Small problems for the exact optimum, and what must hold of a solution."""

import numpy as np
import pytest
import torch

from lectures_code.exact import lower_bound
from lectures_code.risk import adversarial_risk
from tests.oracles import INF

# The relative gap that is asked for, and the rounding of a mean of losses beside it.
TOL, ROUNDING = 1e-9, 1e-12
# Radii of about the same strength on ten features in [0, 1]: none weak enough to separate.
RADII = {1: 0.4, 2: 0.15, INF: 0.05}
each_p = pytest.mark.parametrize("p", RADII)


def overlapping(seed=0, *, n=60, d=10):
    """Two overlapping classes of examples in [0, 1], a third of the pixels 0."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.rand(n, d, generator=draw, dtype=torch.float64)
    x *= torch.rand(n, d, generator=draw) > 0.3
    noise = torch.randn(n, generator=draw, dtype=torch.float64)
    y = torch.where(x[:, 0] + x[:, 1] - x[:, 2] + 0.5 * noise > 0.4, 1.0, -1.0).double()
    return x, y


def separated(seed=0, *, n=40, d=6):
    """Two classes that a plane separates, with a gap of 0.4 in the first coordinate."""
    x, _ = overlapping(seed, n=n, d=d)
    y = torch.where(torch.arange(n) % 2 == 0, 1.0, -1.0).double()
    x[:, 0] = 0.5 + y * (0.2 + 0.3 * x[:, 0])
    return x, y


def assert_certified(optimum, x, y, tol=TOL):
    """The status is `optimal`, and both bounds are what they are said to be, computed afresh."""
    assert optimum.status == "optimal"
    risk = adversarial_risk(optimum.classifier, x, y, optimum.ball)
    assert optimum.risk == pytest.approx(risk, rel=ROUNDING)
    ball = optimum.ball.with_radius(optimum.bound_radius)
    assert lower_bound(x, y, ball, optimum.alpha) == optimum.lower_bound
    assert optimum.gap == optimum.risk - optimum.lower_bound
    # At radius 0 the bound holds at a radius of 1e-13 or so, and may be as much higher.
    assert -1e-11 <= optimum.relative_gap <= tol


def interval_optimum(low, high, y):
    """Primal and dual value by cvxpy, with each pixel of each example in an interval of its own.

    Clarabel's own tolerance is 1e-8.
    """
    import cvxpy as cp  # slow to import, and needed here alone

    low, high, y = (np.asarray(each) for each in (low, high, y))
    n, d = low.shape
    theta, b = cp.Variable(d), cp.Variable()
    # The worst margin as it is defined: each pixel at the worse end of its interval.
    ends = [cp.multiply(y[:, None] * each, np.ones((n, 1)) @ cp.reshape(theta, (1, d), order="C"))
            for each in (low, high)]  # fmt: skip
    margins = cp.sum(cp.minimum(*ends), axis=1) + y * b
    primal = cp.Problem(cp.Minimize(cp.sum(cp.logistic(-margins)) / n)).solve(solver="CLARABEL")
    a, moved = cp.Variable(n), cp.Variable((n, d))  # moved is a_i times the perturbed image
    weight = cp.reshape(a, (n, 1), order="C") @ np.ones((1, d))
    dual = cp.Problem(
        cp.Maximize(cp.sum(cp.entr(a) + cp.entr(1 - a)) / n),
        [
            a @ y == 0,
            y @ moved == 0,
            cp.multiply(low, weight) <= moved,
            moved <= cp.multiply(high, weight),
        ],
    ).solve(solver="CLARABEL")
    return primal, dual
