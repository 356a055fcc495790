"""The threshold of separability, against other solvers, and the optimum around it."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import linprog, minimize

from lectures_code.exact import descent, norms, separate, solve
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import adversarial_risk, worst_margins
from tests.course.exact import problems
from tests.oracles import INF


@pytest.mark.parametrize("p", [1, INF])
@pytest.mark.parametrize("seed", range(3))
def test_the_separability_radius_is_that_of_one_linear_programme(p, seed):
    x, y = problems.separated(seed, n=150)
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
    assert separate(x, y, NormBall(p, 0)).radius == pytest.approx(solved.fun / 2, abs=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_the_euclidean_separability_radius_is_that_of_the_support_vector_machine(seed):
    x, y = problems.separated(seed)
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
    assert separate(x, y, NormBall(2, 0)).radius == pytest.approx(
        1 / np.sqrt(2 * solved.fun), rel=1e-6
    )


@problems.each_p
@pytest.mark.parametrize("seed", range(3))
def test_below_the_threshold_a_separating_classifier_proves_it_above_it_there_is_an_optimum(
    p, seed
):
    x, y = problems.separated(seed)
    radius = separate(x, y, NormBall(p, 0)).radius
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
        problems.assert_certified(solve(x, y, NormBall(p, factor * radius)), x, y)


@problems.each_p
def test_both_proofs_of_the_separability_radius_hold(p):
    x, y = problems.separated(4, n=300)
    found = separate(x, y, NormBall(p, 0))
    assert 0.2 * (1 - 1e-8) <= found.radius <= found.upper_bound  # 0.2 by the first pixel alone
    assert found.upper_bound - found.radius <= 1e-9 * float(x.abs().max())
    margins = worst_margins(found.classifier, x, y, NormBall(p, found.radius * (1 - 1e-12)))
    assert (margins >= 0).all()
    assert (found.alpha >= 0).all()
    for sign in (1, -1):
        assert float(found.alpha[y == sign].sum()) == pytest.approx(1, abs=problems.ROUNDING)
    distance = torch.linalg.vector_norm((found.alpha * y) @ x, p)
    assert float(distance) / 2 <= found.upper_bound


@problems.each_p
def test_hulls_that_overlap_or_touch_have_radius_0(p):
    assert separate(*problems.overlapping(), NormBall(p, 0)).radius == 0
    x = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.5, 0.0], [2.0, 3.0]]).double()
    y = torch.tensor([1.0, 1.0, -1.0, -1.0])  # the third lies between the first two
    found = separate(x, y, NormBall(p, 0))
    assert found.radius == 0 and found.classifier is None
    assert found.upper_bound <= 1e-9


@problems.each_p
@pytest.mark.parametrize("factor", [0.9, 1 - 1e-7, 1 + 1e-3])
def test_asking_early_whether_there_is_a_minimiser_does_not_change_the_answer(
    p, factor, monkeypatch
):
    x, y = problems.separated(1)
    ball = NormBall(p, separate(x, y, NormBall(p, 0)).radius * factor)
    patient = solve(x, y, ball)
    for module in (norms, descent):
        monkeypatch.setattr(module, "PATIENCE", 0)
    hasty = solve(x, y, ball)
    assert patient.status == hasty.status == ("separable" if factor < 1 else "optimal")
    if factor < 1:
        assert (worst_margins(hasty.classifier, x, y, ball) > 0).all()
    else:
        assert hasty.risk == pytest.approx(patient.risk, rel=problems.TOL)


@problems.each_p
def test_at_the_very_threshold_the_infimum_is_approached_and_not_attained(p):
    # The two nearest examples can be moved onto each other, and cost log 2 each; the third costs
    # nothing if the weight is large enough. So the infimum is 2/3 log 2, at infinity.
    x, y = torch.tensor([[0.0], [1.0], [3.0]]).double(), torch.tensor([-1.0, 1.0, 1.0])
    ball, infimum = NormBall(p, 0.5), 2 / 3 * math.log(2)
    found = solve(x, y, ball)
    assert found.status == "stopped"
    assert found.lower_bound <= infimum
    # The weights must not run away, or their rounding errors would make up the risk.
    assert found.classifier.theta.abs().max() < 1e7
    assert found.risk == pytest.approx(infimum, rel=1e-8)
    assert found.risk == pytest.approx(adversarial_risk(found.classifier, x, y, ball), rel=1e-8)


@problems.each_p
def test_at_the_very_threshold_the_infimum_can_be_attained(p):
    # The adversary can move the only two examples onto each other: each classifier pays log 2.
    x, y = torch.tensor([[1.0], [-1.0]]).double(), torch.tensor([1.0, -1.0])
    ball, log_2 = NormBall(p, 1.0), math.log(2)
    assert separate(x, y, NormBall(p, 0)).radius == pytest.approx(1.0, rel=1e-9)
    for weight in (0.0, 0.5, 3.0):
        best = LinearClassifier(torch.tensor([weight]).double(), 0.0)
        assert adversarial_risk(best, x, y, ball) == pytest.approx(log_2, rel=problems.ROUNDING)
    for weight in torch.linspace(-3, 3, 13).double():
        for intercept in torch.linspace(-3, 3, 13).double():
            other = LinearClassifier(weight[None], intercept)
            assert adversarial_risk(other, x, y, ball) >= log_2 * (1 - problems.ROUNDING)
    found = solve(x, y, ball)
    assert found.status == "stopped"
    assert found.lower_bound <= log_2
    assert found.risk == pytest.approx(log_2, rel=problems.ROUNDING)
