"""The exact optimum: what other solvers find, and what optimality demands."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from lectures_code.exact import dual, lower_bound, separate, solution_path, solve
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from tests.course.exact.problems import RADII, TOL, assert_certified, each_p, overlapping, separated
from tests.oracles import INF


def scipy_minimum(x, y, ball):
    """The minimum by a general solver, on a smooth problem with the norm as one more variable.

    Variables (theta, b, t): p = 1: |theta_j| <= t; p = 2: theta.theta <= t^2; p = inf: theta is a
    difference of two non-negative parts, whose sum is t.
    """
    x, y, n, d = x.numpy(), y.numpy(), *x.shape
    split = np.hstack([np.eye(d), -np.eye(d)]) if ball.p == INF else np.eye(d)
    k = split.shape[1]

    def risk(v):
        t = v[:k].sum() if ball.p == INF else v[-1]
        margins = y * (x @ split @ v[:k] + v[k]) - ball.radius * t
        pull = -1 / (1 + np.exp(margins)) / n
        slope = np.concatenate([(pull * y) @ x @ split, [(pull * y).sum(), 0.0]])
        slope[slice(0, k) if ball.p == INF else slice(k + 1, None)] -= ball.radius * pull.sum()
        return np.logaddexp(0, -margins).mean(), slope

    if ball.p == INF:
        bounds = [(0, None)] * k + [(None, None)] * 2
        options = {"maxiter": 5000, "maxfun": 50000, "ftol": 0, "gtol": 1e-10}
        solved = minimize(risk, np.zeros(k + 2), jac=True, bounds=bounds, options=options)
        return solved.fun
    if ball.p == 1:
        room = np.hstack([np.vstack([-np.eye(d), np.eye(d)]), np.zeros((2 * d, 1))])
        rows = np.hstack([room, np.ones((2 * d, 1))])
        constraint = {"type": "ineq", "fun": lambda v: rows @ v, "jac": lambda v: rows}
    else:
        constraint = {"type": "ineq", "fun": lambda v: v[-1] - np.sqrt(v[:d] @ v[:d] + 1e-16)}
    start = np.append(np.full(d + 1, 0.1), 1.0)
    options = {"ftol": 1e-14, "maxiter": 1000}
    return minimize(
        risk, start, jac=True, method="SLSQP", constraints=constraint, options=options
    ).fun


@each_p
@pytest.mark.parametrize("seed", range(4))
def test_no_general_solver_finds_less_and_scipy_finds_nearly_as_little(p, seed):
    x, y = overlapping(seed)
    ball = NormBall(p, RADII[p])
    optimum, found = solve(x, y, ball), scipy_minimum(x, y, ball)
    assert_certified(optimum, x, y)
    # SLSQP keeps its constraints only up to 1e-7 or so, and may end that much below.
    assert found >= optimum.lower_bound - 1e-7
    assert found == pytest.approx(optimum.risk, abs=1e-5)


@each_p
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")
def test_agrees_with_cvxpy_and_clarabel(p, seed):
    import cvxpy as cp  # slow to import, and needed here alone

    x, y = overlapping(seed + 10, n=50, d=8)
    for radius in (RADII[p] / 2, RADII[p], 2 * RADII[p]):
        ball = NormBall(p, radius)
        theta, b = cp.Variable(8), cp.Variable()
        norm = cp.norm(theta, {1: "inf", 2: 2, INF: 1}[p])
        margins = cp.multiply(y.numpy(), x.numpy() @ theta + b) - radius * norm
        problem = cp.Problem(cp.Minimize(cp.sum(cp.logistic(-margins)) / len(y)))
        found = solve(x, y, ball)
        # Clarabel's own tolerance is 1e-8.
        assert problem.solve(solver="CLARABEL") == pytest.approx(found.risk, abs=1e-7)
        a = cp.Variable(50)
        pull = cp.norm(x.numpy().T @ cp.multiply(a, y.numpy()), {INF: "inf"}.get(p, p))
        entropy = cp.sum(cp.entr(a) + cp.entr(1 - a)) / 50
        conditions = [a @ y.numpy() == 0, pull <= radius * cp.sum(a)]
        bound = cp.Problem(cp.Maximize(entropy), conditions)
        assert bound.solve(solver="CLARABEL") == pytest.approx(found.lower_bound, abs=1e-7)


@each_p
def test_a_certificate_is_refused_at_a_smaller_radius(p):
    x, y = overlapping(3)
    ball = NormBall(p, RADII[p])
    found = solve(x, y, ball)
    assert found.classifier.theta.any()
    assert lower_bound(x, y, ball, found.alpha) == found.lower_bound
    with pytest.raises(ValueError, match="alpha must be feasible at radius"):
        lower_bound(x, y, NormBall(p, RADII[p] * (1 - 1e-6)), found.alpha)


@each_p
def test_the_order_of_the_examples_and_the_names_of_the_classes_do_not_matter(p):
    x, y = overlapping(5)
    ball = NormBall(p, RADII[p])
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    one, other, flipped = solve(x, y, ball), solve(x[order], y[order], ball), solve(x, -y, ball)
    for optimum in (other, flipped):
        assert optimum.risk == pytest.approx(one.risk, rel=TOL)
    # The risk is flat at its minimum: a relative gap of 1e-9 leaves the weights to 1e-4.
    assert torch.allclose(other.classifier.theta, one.classifier.theta, rtol=1e-3, atol=1e-4)
    assert torch.allclose(flipped.classifier.theta, -one.classifier.theta, rtol=1e-3, atol=1e-4)


@each_p
def test_the_risk_grows_with_the_radius_up_to_that_of_the_constant_classifier(p):
    x, y = overlapping(6)
    radii = [0.0, *(RADII[p] * factor for factor in (0.25, 0.5, 1.0, 2.0, 4.0, 100.0))]
    path = solution_path(x, y, NormBall(p, 0), radii)
    risks = [optimum.risk for optimum in path]
    assert all(low <= high * (1 + TOL) for low, high in itertools.pairwise(risks))
    rate = float((y > 0).double().mean())
    entropy = -rate * math.log(rate) - (1 - rate) * math.log(1 - rate)
    assert risks[-1] == pytest.approx(entropy, rel=TOL)
    assert (path[-1].classifier.theta == 0).all()
    for optimum in path:
        assert_certified(optimum, x, y)


@each_p
def test_the_path_equals_solving_each_radius_on_its_own(p):
    x, y = overlapping(7)
    radii = [RADII[p], 0.5 * RADII[p], 2 * RADII[p], RADII[p]]
    path = solution_path(x, y, NormBall(p, 0), radii, tol=1e-8)
    assert [optimum.ball.radius for optimum in path] == radii
    for optimum in path:
        assert_certified(optimum, x, y, tol=1e-8)
        assert optimum.risk == pytest.approx(solve(x, y, optimum.ball).risk, rel=2e-8)
    assert path[0] is path[3]
    cold = [solve(x, y, optimum.ball, tol=1e-8).iterations for optimum in path[:3]]
    if p != 2:  # there the working set need not be found anew
        assert sum(optimum.iterations for optimum in path[:3]) < sum(cold)


@each_p
def test_a_far_start_changes_the_time_not_the_answer(p):
    x, y = overlapping(8)
    draw = torch.Generator().manual_seed(1)
    far = LinearClassifier(20 * torch.randn(10, generator=draw), torch.tensor(-30.0))
    ball = NormBall(p, RADII[p])
    optimum = solve(x, y, ball, start=far)
    assert_certified(optimum, x, y)
    assert optimum.risk == pytest.approx(solve(x, y, ball).risk, rel=TOL)
    dead = torch.cat([x, torch.zeros(len(x), 2)], dim=1)  # two pixels that are always 0
    heavy = LinearClassifier(torch.full((12,), 3.0), torch.tensor(0.0))
    heavy.theta[-1] = 2.0
    assert_certified(solve(dead, y, ball, start=heavy), dead, y)
    constant = LinearClassifier(torch.zeros(10), torch.tensor(5.0))
    assert_certified(solve(x, y, NormBall(p, 100.0), start=constant), x, y)


@pytest.mark.parametrize(
    ("change", "kind", "text"),
    [
        ({"ball": NormBall(2, 0.1).in_box()}, ValueError, "p must be inf for the exact optimum in"),
        ({"ball": 0.1}, TypeError, "ball must be a NormBall, got float"),
        ({"ball": NormBall(3, 0.1)}, ValueError, "p must be 1, 2 or inf for the exact"),
        ({"tol": 0.0}, ValueError, "tol must be a finite number > 0, got 0.0"),
        ({"max_steps": 0}, ValueError, "max_steps must be a whole number >= 1, got 0"),
        ({"memory": 1.5}, ValueError, "memory must be a whole number >= 1, got 1.5"),
        ({"y": torch.tensor([0.0, 1.0])}, ValueError, r"got 0 and 1: use 2 \* y.long\(\) - 1"),
        ({"x": torch.full((2, 3), math.nan)}, ValueError, "x must be finite, got 6 NaN"),
        ({"x": torch.ones(2, 3, dtype=torch.uint8)}, TypeError, "x must hold floating-point"),
        ({"x": torch.ones(0, 3), "y": torch.ones(0)}, ValueError, "at least one example"),
        (
            {"start": LinearClassifier(torch.zeros(2), torch.tensor(0.0))},
            ValueError,
            "start must have 3 weights, one for each feature, got 2",
        ),
    ],
)
def test_what_solve_rejects(change, kind, text):
    arguments = {"x": torch.rand(2, 3), "y": torch.tensor([1.0, -1.0]), "ball": NormBall(INF, 0.1)}
    arguments |= change
    with pytest.raises(kind, match=text):
        solve(arguments.pop("x"), arguments.pop("y"), arguments.pop("ball"), **arguments)


def test_other_exponents_are_rejected_by_the_path_and_by_the_threshold():
    x, y = overlapping()
    for call in (
        lambda: solution_path(x, y, NormBall(1.5, 0), [0.1]),
        lambda: separate(x, y, NormBall(1.5, 0)).radius,
    ):
        with pytest.raises(ValueError, match=r"p must be 1, 2 or inf .* got 1\.5"):
            call()
    with pytest.raises(ValueError, match="radius must be a finite number >= 0"):
        solution_path(x, y, NormBall(INF, 0), [0.1, -0.1])
    with pytest.raises(ValueError, match="tol must be a finite number > 0"):
        separate(x, y, NormBall(INF, 0), tol=-1.0)


@pytest.mark.parametrize("seed", range(3))
def test_a_path_goes_on_below_the_threshold(seed):
    x, y = separated(seed, n=80, d=30)
    radii = torch.linspace(0.5, 0.02, 19, dtype=torch.float64).tolist()
    threshold = separate(x, y, NormBall(INF, 0)).radius
    for radius, found in zip(radii, solution_path(x, y, NormBall(INF, 0), radii), strict=True):
        assert found.status == ("separable" if radius < threshold else "optimal")


def test_weights_that_are_next_to_nothing_prove_nothing():
    y = torch.tensor([1.0, -1.0, 1.0]).numpy()
    for size in (0.0, 1e-310, 1e-290):
        assert not dual.balanced(np.full(3, size), y).any()
