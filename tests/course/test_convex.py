"""The exact optimum: what other solvers find, what optimality demands, what a proof must bear."""

import itertools
import math
import os
import tracemalloc
from dataclasses import FrozenInstanceError
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from lectures_code import convex, dual, quadratic
from lectures_code.convex import lower_bound, separability_radius, separate, solution_path, solve
from lectures_code.logistic import LinearClassifier
from lectures_code.mnist import load_zero_one
from lectures_code.perturbations import NormBall
from lectures_code.risk import adversarial_risk, robust_error, worst_margins
from tests.oracles import INF

# The relative gap that is asked for, and the rounding of a mean of losses beside it.
TOL, ROUNDING = 1e-9, 1e-12
# Radii of about the same strength on ten features in [0, 1]: none weak enough to separate.
RADII = {1: 0.4, 2: 0.15, INF: 0.05}
each_p = pytest.mark.parametrize("p", RADII)
needs_mnist = pytest.mark.skipif(
    "MNIST_DIR" not in os.environ, reason="MNIST_DIR names no folder with the full MNIST"
)


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


# ------------------------------------------------------------------- against other solvers


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
        # Clarabel's own tolerance is 1e-8.
        assert problem.solve(solver="CLARABEL") == pytest.approx(solve(x, y, ball).risk, abs=1e-7)


@pytest.mark.parametrize("p", [1, INF])
@pytest.mark.parametrize("seed", range(3))
def test_the_separability_radius_is_that_of_one_linear_programme(p, seed):
    x, y = separated(seed, n=150)
    # Half the distance of the hulls: min t, |sum of lambda_i x_i - sum of mu_i x_i| <= t.
    n, d = x.shape
    moved = (y[:, None] * x).numpy().T
    one = np.ones((d, 1))
    if p == INF:
        rows, size = np.vstack([np.hstack([moved, -one]), np.hstack([-moved, -one])]), [1.0]
    else:
        rows, size = np.vstack([np.hstack([m, -np.eye(d)]) for m in (moved, -moved)]), np.ones(d)
    cost = np.concatenate([np.zeros(n), size])
    sums = np.stack([(y == 1).numpy(), (y == -1).numpy()]).astype(float)
    solved = linprog(
        cost,
        A_ub=rows,
        b_ub=np.zeros(2 * d),
        A_eq=np.hstack([sums, np.zeros((2, len(size)))]),
        b_eq=[1, 1],
    )
    assert separability_radius(x, y, p) == pytest.approx(solved.fun / 2, abs=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_the_euclidean_separability_radius_is_that_of_the_support_vector_machine(seed):
    x, y = separated(seed)
    # The hard-margin machine: least |theta|_2 with y_i (theta.x_i + b) >= 1; radius 1 / |theta|.
    rows = (y[:, None] * torch.column_stack([x, torch.ones(len(x))])).numpy()
    solved = minimize(
        lambda v: v[:-1] @ v[:-1] / 2,
        np.append(10.0, np.zeros(x.shape[1])),
        jac=lambda v: np.append(v[:-1], 0.0),
        method="SLSQP",
        constraints={"type": "ineq", "fun": lambda v: rows @ v - 1, "jac": lambda v: rows},
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert separability_radius(x, y, 2) == pytest.approx(1 / np.sqrt(2 * solved.fun), rel=1e-6)


# --------------------------------------------------------------- what optimality demands


@each_p
@pytest.mark.parametrize("seed", range(4))
def test_the_adversary_moves_the_weighted_class_means_onto_each_other(p, seed):
    x, y = overlapping(seed)
    ball = NormBall(p, RADII[p])
    optimum = solve(x, y, ball, tol=1e-12)
    theta, alpha = optimum.classifier.theta, optimum.alpha
    assert (alpha * y).sum() == 0
    # Stationarity: the direction between the means is, up to the sign, the worst perturbation.
    direction = (alpha * y) @ x / alpha.sum()
    near = 1e-5 * ball.radius  # first-order conditions hold to the square root of the gap
    assert float(torch.linalg.vector_norm(direction, p)) == pytest.approx(ball.radius, rel=1e-5)
    assert float(direction @ theta) == pytest.approx(float(ball.support(theta)), rel=1e-5)
    if p == INF:
        assert torch.allclose(direction[theta != 0], ball.maximiser(theta)[theta != 0], atol=near)
    elif p == 2:
        assert torch.allclose(direction, ball.maximiser(theta), atol=near)
    else:
        assert (direction[theta.abs() < theta.abs().max()].abs() <= near).all()
    # And alpha_i is the slope of the loss at the margin that the worst perturbation leaves.
    slopes = torch.sigmoid(-worst_margins(optimum.classifier, x, y, ball))
    assert torch.allclose(alpha, slopes, atol=1e-5)


@each_p
@given(seed=st.integers(0, 10**6))
@settings(max_examples=15)
def test_no_classifier_gets_below_the_bound_of_any_feasible_dual_point(p, seed):
    x, y = overlapping(seed, n=12, d=4)
    draw = torch.Generator().manual_seed(seed)
    if abs(y.sum()) == len(y):
        return
    # Multiples of 1/8, of equal sum in both classes: exact in floating point.
    alpha = torch.where(y > 0, (y < 0).sum(), (y > 0).sum()).double() / 16
    reach = torch.linalg.vector_norm((alpha * y) @ x, p) / alpha.sum()
    ball = NormBall(p, float(reach) * (1 + 1e-9))
    bound = lower_bound(x, y, ball, alpha)
    assert bound > 0
    for scale in (0.01, 0.1, 1.0, 10.0):
        weights = scale * torch.randn(5, generator=draw, dtype=torch.float64)
        assert adversarial_risk(LinearClassifier(weights[:4], weights[4]), x, y, ball) >= bound
    assert solve(x, y, ball).risk >= bound * (1 - ROUNDING)


@each_p
def test_the_dual_point_is_feasible_in_exact_arithmetic(p):
    x, y = overlapping(3, n=20, d=4)
    optimum = solve(x, y, NormBall(p, RADII[p]))
    assert optimum.status == "optimal"
    alpha = [Fraction(a) for a in optimum.alpha.tolist()]
    signs = [int(each) for each in y.tolist()]
    assert all(0 <= a <= 1 for a in alpha)
    assert sum(a * s for a, s in zip(alpha, signs, strict=True)) == 0
    moved = [
        sum(a * s * Fraction(v) for a, s, v in zip(alpha, signs, column, strict=True))
        for column in x.T.tolist()
    ]
    reach = Fraction(optimum.ball.radius) * sum(alpha)
    if p == INF:
        assert max(map(abs, moved)) <= reach
    elif p == 1:
        assert sum(map(abs, moved)) <= reach
    else:
        assert sum(each**2 for each in moved) <= reach**2


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
    path = solution_path(x, y, p, radii)
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
    path = solution_path(x, y, p, radii, tol=1e-8)
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


# ----------------------------------------------------------------------- separable data


@each_p
@pytest.mark.parametrize("seed", range(3))
def test_below_the_threshold_a_separating_classifier_proves_it_above_it_there_is_an_optimum(
    p, seed
):
    x, y = separated(seed)
    radius = separability_radius(x, y, p)
    for factor in (0.0, 0.5, 0.999):
        ball = NormBall(p, factor * radius)
        found = solve(x, y, ball)
        assert found.status == "separable"
        assert (worst_margins(found.classifier, x, y, ball) > 0).all()
        assert found.lower_bound == 0
        # No minimiser: twice the classifier has a lower risk.
        twice = LinearClassifier(2 * found.classifier.theta, 2 * found.classifier.intercept)
        assert adversarial_risk(twice, x, y, ball) < found.risk
    for factor in (1.001, 1.5):
        assert_certified(solve(x, y, NormBall(p, factor * radius)), x, y)


@each_p
def test_both_proofs_of_the_separability_radius_hold(p):
    x, y = separated(4, n=300)
    found = separate(x, y, p)
    assert 0.2 * (1 - 1e-8) <= found.radius <= found.upper_bound  # 0.2 by the first pixel alone
    assert found.upper_bound - found.radius <= 1e-9 * float(x.abs().max())
    margins = worst_margins(found.classifier, x, y, NormBall(p, found.radius * (1 - 1e-12)))
    assert (margins >= 0).all()
    assert (found.alpha >= 0).all()
    for sign in (1, -1):
        assert float(found.alpha[y == sign].sum()) == pytest.approx(1, abs=ROUNDING)
    distance = torch.linalg.vector_norm((found.alpha * y) @ x, p)
    assert float(distance) / 2 <= found.upper_bound


@each_p
def test_hulls_that_overlap_or_touch_have_radius_0(p):
    assert separability_radius(*overlapping(), p) == 0
    x = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.5, 0.0], [2.0, 3.0]]).double()
    y = torch.tensor([1.0, 1.0, -1.0, -1.0])  # the third lies between the first two
    found = separate(x, y, p)
    assert found.radius == 0 and found.classifier is None
    assert found.upper_bound <= 1e-9


@each_p
@pytest.mark.parametrize("factor", [0.9, 1 - 1e-7, 1 + 1e-3])
def test_asking_early_whether_there_is_a_minimiser_does_not_change_the_answer(
    p, factor, monkeypatch
):
    x, y = separated(1)
    ball = NormBall(p, separability_radius(x, y, p) * factor)
    patient = solve(x, y, ball)
    monkeypatch.setattr(convex, "PATIENCE", 0)
    hasty = solve(x, y, ball)
    assert patient.status == hasty.status == ("separable" if factor < 1 else "optimal")
    if factor < 1:
        assert (worst_margins(hasty.classifier, x, y, ball) > 0).all()
    else:
        assert hasty.risk == pytest.approx(patient.risk, rel=TOL)


@each_p
def test_at_the_very_threshold_the_infimum_is_approached_and_not_attained(p):
    # The two nearest examples can be moved onto each other, and cost log 2 each; the third costs
    # nothing if the weight is large enough. So the infimum is 2/3 log 2, at infinity.
    x, y = torch.tensor([[0.0], [1.0], [3.0]]).double(), torch.tensor([-1.0, 1.0, 1.0])
    found, infimum = solve(x, y, NormBall(p, 0.5)), 2 / 3 * math.log(2)
    assert found.status == "stopped"
    assert found.lower_bound <= infimum < found.risk * (1 + ROUNDING)
    assert found.risk == pytest.approx(infimum, rel=1e-3)


@each_p
def test_at_the_very_threshold_the_infimum_can_be_attained(p):
    # The adversary can move the only two examples onto each other: each classifier pays log 2.
    x, y = torch.tensor([[1.0], [-1.0]]).double(), torch.tensor([1.0, -1.0])
    ball, log_2 = NormBall(p, 1.0), math.log(2)
    assert separability_radius(x, y, p) == pytest.approx(1.0, rel=1e-9)
    for weight in (0.0, 0.5, 3.0):
        best = LinearClassifier(torch.tensor([weight]).double(), 0.0)
        assert adversarial_risk(best, x, y, ball) == pytest.approx(log_2, rel=ROUNDING)
    for weight in torch.linspace(-3, 3, 13).double():
        for intercept in torch.linspace(-3, 3, 13).double():
            other = LinearClassifier(weight[None], intercept)
            assert adversarial_risk(other, x, y, ball) >= log_2 * (1 - ROUNDING)
    found = solve(x, y, ball)
    assert found.status == "stopped"
    assert found.lower_bound <= log_2
    assert found.risk == pytest.approx(log_2, rel=ROUNDING)


@given(st.integers(0, 10**6), st.integers(-20, 0), st.integers(-20, 0))
@settings(max_examples=50)
def test_balanced_weights_balance_exactly_and_are_never_larger(seed, first, second):
    y = np.where(np.arange(30) % 3 == 0, 1.0, -1.0)
    alpha = np.random.default_rng(seed).random(30) * 10.0 ** np.where(y > 0, first, second)
    balanced = dual.balanced(alpha, y)
    assert math.fsum(balanced * y) == 0
    assert (balanced >= 0).all() and (balanced <= alpha * (1 + 1e-15)).all()
    if abs(first - second) <= 10:  # otherwise there may be nothing to keep
        assert balanced.any()


def test_a_matrix_that_no_small_ridge_makes_positive_is_an_error_and_no_endless_loop():
    with pytest.raises(np.linalg.LinAlgError):
        quadratic.cholesky(-100 * np.eye(2), np.ones(2))
    root, scale = quadratic.cholesky(np.ones((2, 2)), np.ones(2))
    assert np.allclose(scale * (root @ root.T) * scale[:, None], np.ones((2, 2)), atol=1e-13)


# --------------------------------------------------------------------------- edge cases


@each_p
def test_one_class_is_separated_by_a_constant(p):
    x, _ = overlapping(n=5)
    for sign in (1.0, -1.0):
        y = torch.full((5,), sign)
        found = solve(x, y, NormBall(p, 7.0))
        assert found.status == "separable" and found.lower_bound == 0
        assert (worst_margins(found.classifier, x, y, found.ball) > 0).all()
        assert separability_radius(x, y, p) == INF
    assert solve(x[:1], y[:1], NormBall(p, 0.1)).status == "separable"  # N = 1


@each_p
def test_the_same_examples_with_both_labels_leave_nothing_to_learn(p):
    x, _ = overlapping(n=5)
    x, y = torch.cat([x, x]), torch.tensor([1.0] * 5 + [-1.0] * 5)
    for radius in (0.0, 0.1):
        optimum = solve(x, y, NormBall(p, radius))
        assert optimum.status == "optimal"
        assert optimum.risk == pytest.approx(math.log(2), rel=TOL)
    assert separability_radius(x, y, p) == 0


@each_p
def test_constant_and_repeated_pixels_change_nothing(p):
    x, y = overlapping(9)
    optimum = solve(x, y, NormBall(p, RADII[p]))
    constant = torch.tensor([0.0, 1.0, 0.37]).double().expand(len(x), 3)
    wider = solve(torch.cat([x, constant], dim=1), y, NormBall(p, RADII[p]))
    assert_certified(wider, torch.cat([x, constant], dim=1), y)
    assert wider.risk == pytest.approx(optimum.risk, rel=2 * TOL)
    doubled = torch.cat([x, x], dim=1)
    assert_certified(solve(doubled, y, NormBall(p, RADII[p])), doubled, y)


@each_p
def test_radius_0_is_plain_logistic_regression(p):
    x, y = overlapping(2)
    optimum = solve(x, y, NormBall(p, 0.0))
    assert_certified(optimum, x, y)
    assert 0 <= optimum.bound_radius < 1e-9
    plain = scipy_minimum(x, y, NormBall(INF, 0.0))
    assert optimum.risk == pytest.approx(plain, abs=1e-9)


@each_p
def test_fewer_examples_than_pixels(p):
    x, y = overlapping(1, n=8, d=30)
    radius = separability_radius(x, y, p)
    assert radius > 0
    assert solve(x, y, NormBall(p, 0.9 * radius)).status == "separable"
    assert_certified(solve(x, y, NormBall(p, 1.1 * radius)), x, y)


@each_p
@pytest.mark.parametrize("size", [1e-6, 1e6])
def test_the_unit_of_the_pixels_does_not_matter(p, size):
    x, y = separated(4)
    assert separability_radius(size * x, y, p) == pytest.approx(
        size * separability_radius(x, y, p), rel=1e-8
    )
    x, y = overlapping(4)
    one, other = (solve(s * x, y, NormBall(p, s * RADII[p])) for s in (1.0, size))
    assert_certified(other, size * x, y)
    assert other.risk == pytest.approx(one.risk, rel=TOL)


@each_p
def test_badly_scaled_pixels(p):
    x, y = overlapping(4)
    x = x * torch.logspace(-3, 3, 10, dtype=torch.float64)
    assert_certified(solve(x, y, NormBall(p, 0.1)), x, y)


def test_float32_examples_are_read_as_they_are():
    x, y = overlapping(3)
    narrow = solve(x.float(), y, NormBall(INF, 0.05))
    assert_certified(narrow, x.float().double(), y)
    assert narrow.classifier.theta.dtype == narrow.alpha.dtype == torch.float64
    half = solve(x.half(), y, NormBall(INF, 0.05))
    assert_certified(half, x.half().double(), y)


@each_p
def test_a_limit_of_steps_stops_with_bounds_that_hold(p):
    x, y = overlapping(5)
    ball = NormBall(p, RADII[p])
    stopped, optimum = solve(x, y, ball, max_steps=1), solve(x, y, ball)
    assert stopped.status == "stopped"
    assert stopped.lower_bound <= optimum.risk <= stopped.risk
    assert stopped.relative_gap > TOL


def test_a_gap_below_the_rounding_errors_stops_with_bounds_that_hold():
    x, y = overlapping(5)
    found = solve(x, y, NormBall(INF, 0.05), tol=1e-18)
    assert found.status in ("stopped", "optimal")
    assert abs(found.relative_gap) < TOL


@each_p
def test_memory_bounds_what_is_allocated_and_does_not_change_the_answer(p, tmp_path):
    # 16 MB of examples in a memory-mapped file, 1 MB to work with. The radius is so small that
    # all pixels are used: to copy the working set would take another 16 MB.
    x, y = overlapping(0, n=20_000, d=100)
    stored = np.memmap(tmp_path / "x", np.float64, "w+", shape=x.shape)
    stored[:] = x.numpy()
    mapped, ball = torch.from_numpy(stored), NormBall(p, RADII[p] / 100)
    tracemalloc.start()
    optimum = solve(mapped, y, ball, memory=2**20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # numpy reports its allocations: the working memory and some ten numbers an example.
    assert peak <= 2**20 + 12 * 8 * len(y)
    assert optimum.status == "optimal"
    assert optimum.risk == pytest.approx(solve(x, y, ball).risk, rel=TOL)


def test_nothing_that_was_passed_in_is_changed():
    x, y = overlapping()
    start = LinearClassifier(torch.ones(10).double(), torch.tensor(1.0).double())
    copies = x.clone(), y.clone(), start.theta.clone()
    optimum = solve(x, y, NormBall(INF, 0.05), start=start)
    assert torch.equal(x, copies[0]) and torch.equal(y, copies[1])
    assert torch.equal(start.theta, copies[2])
    with pytest.raises(FrozenInstanceError):
        optimum.risk = 0.0


# -------------------------------------------------------------------------- at the door


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


@pytest.mark.parametrize(
    ("alpha", "text"),
    [
        (torch.tensor([0.5, 0.5]), r"alpha must be a float64 tensor of shape \(2,\), got float32"),
        (torch.zeros(3).double(), r"alpha must be a float64 tensor of shape \(2,\), got float64"),
        ([0.5, 0.5], r"alpha must be a float64 tensor of shape \(2,\), got list"),
        (torch.tensor([1.5, 0.5]).double(), r"alpha must lie in \[0, 1\], got 0.5 to 1.5"),
        (torch.tensor([math.nan, 0.5]).double(), r"alpha must lie in \[0, 1\], got nan to nan"),
        (
            torch.tensor([0.5, 0.25]).double(),
            "alpha must weigh both classes exactly alike, got a difference of 0.25",
        ),
        (
            torch.tensor([0.5 + 2.0**-50, 0.5], dtype=torch.float64),
            "alpha must weigh both classes exactly alike, got a difference of",
        ),
        (
            torch.tensor([0.5, 0.5]).double(),
            r"alpha must be feasible at radius 0.1, got one that takes 0\.5",
        ),
    ],
)
def test_what_is_no_dual_point(alpha, text):
    x, y = torch.tensor([[0.0], [1.0]]).double(), torch.tensor([1.0, -1.0])
    with pytest.raises(ValueError, match=text):
        lower_bound(x, y, NormBall(INF, 0.1), alpha)
    assert lower_bound(x, y, NormBall(INF, 0.1), torch.zeros(2).double()) == 0
    # Means 1 apart can be moved onto each other from radius 1/2 on; then log 2 can't be beaten.
    half = torch.full((2,), 0.5).double()
    with pytest.raises(ValueError, match=r"alpha must be feasible at radius 0\.5"):
        lower_bound(x, y, NormBall(INF, 0.5), half)  # by no more than rounding errors
    proven = lower_bound(x, y, NormBall(INF, 0.5 + 1e-12), half)
    assert math.log(2) * (1 - 1e-14) < proven <= math.log(2)


def test_other_exponents_are_rejected_by_the_path_and_by_the_threshold():
    x, y = overlapping()
    for call in (lambda: solution_path(x, y, 1.5, [0.1]), lambda: separability_radius(x, y, 1.5)):
        with pytest.raises(ValueError, match=r"p must be 1, 2 or inf .* got 1\.5"):
            call()
    with pytest.raises(ValueError, match="radius must be a finite number >= 0"):
        solution_path(x, y, INF, [0.1, -0.1])
    with pytest.raises(ValueError, match="tol must be a finite number > 0"):
        separate(x, y, INF, tol=-1.0)


# ---------------------------------------------------------------------------- full MNIST


@pytest.fixture(scope="module")
def mnist():
    return load_zero_one(source="mnist")


@needs_mnist
def test_the_known_optimum_on_mnist(mnist):
    ball = NormBall(INF, 0.2)
    # The figures, from another solver, were found on pixels rounded to float32.
    pixels = mnist.x_train.float()
    optimum = solve(pixels, mnist.y_train, ball)
    assert optimum.status == "optimal" and optimum.relative_gap <= TOL
    assert optimum.risk == pytest.approx(0.11865231307, abs=1e-10)
    theta = optimum.classifier.theta
    assert int((theta != 0).sum()) == 34
    assert float(theta.abs().sum()) == pytest.approx(19.947, abs=5e-4)
    assert robust_error(optimum.classifier, mnist.x_test, mnist.y_test, ball).k == 39
    smaller = solve(pixels, mnist.y_train, NormBall(INF, 0.1), start=optimum.classifier)
    assert smaller.risk == pytest.approx(0.02825836100, abs=1e-10)


@needs_mnist
def test_lbfgsb_on_the_smooth_problem_at_full_size_finds_nearly_as_little(mnist):
    x, y, radius = mnist.x_train.numpy(), mnist.y_train.numpy(), 0.2
    n, d = x.shape

    def risk(v):  # theta = v[:d] - v[d:-1], both parts non-negative, |theta|_1 at most their sum
        margins = y * (x @ (v[:d] - v[d:-1]) + v[-1]) - radius * v[:-1].sum()
        pull = 1 / (1 + np.exp(margins)) / n
        moved = (pull * y) @ x
        slope = radius * pull.sum() + np.concatenate([-moved, moved])
        return np.logaddexp(0, -margins).mean(), np.append(slope, -(pull * y).sum())

    bounds = [(0, None)] * (2 * d) + [(None, None)]
    options = {"maxiter": 250, "maxfun": 400, "ftol": 0, "gtol": 0}
    found = minimize(risk, np.zeros(2 * d + 1), jac=True, bounds=bounds, options=options).fun
    optimum = solve(mnist.x_train, mnist.y_train, NormBall(INF, radius))
    assert found >= optimum.lower_bound
    assert found == pytest.approx(optimum.risk, rel=1e-3)  # where 250 steps leave it


@needs_mnist
def test_every_norm_is_solved_on_mnist(mnist):
    x, y = mnist.x_train, mnist.y_train
    for ball in (NormBall(2, 2.0), NormBall(1, 20.0)):
        assert_certified(solve(x, y, ball), x, y)


@needs_mnist
def test_the_separability_threshold_of_mnist(mnist):
    x, y = mnist.x_train, mnist.y_train
    radius = separability_radius(x, y, INF)
    assert radius == pytest.approx(0.036715, abs=5e-7)
    below = solve(x, y, NormBall(INF, 0.03))
    assert below.status == "separable"
    assert (worst_margins(below.classifier, x, y, below.ball) > 0).all()


@each_p
def test_a_fine_path_is_made_of_the_cold_solutions(p):
    x, y = overlapping(4, n=120, d=15)
    # So fine that each radius is followed from the last; with a leap, which is not.
    radii = [RADII[p] * factor for factor in (*np.linspace(1.0, 1.6, 25), 4.0)]
    path = solution_path(x, y, p, radii)
    for radius, found in zip(radii, path, strict=True):
        cold = solve(x, y, NormBall(p, radius))
        assert found.status == cold.status == "optimal"
        # Both lie within a relative gap of 1e-9 of the infimum.
        assert found.risk == pytest.approx(cold.risk, rel=2e-9)
