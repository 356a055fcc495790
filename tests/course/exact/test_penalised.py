"""The lasso of the comparison: the conditions of its minimum, and scikit-learn's."""

import pytest
import torch

from lectures_code.exact import penalised_optimum, solve
from lectures_code.logistic import LinearClassifier, psi_prime
from lectures_code.perturbations import NormBall
from lectures_code.risk import risk
from tests.course.test_experiments import ROUNDING, flat, small_data
from tests.oracles import INF, says


@pytest.mark.parametrize("penalty", [0.2, 0.05, 0.01, 0.001])
@pytest.mark.parametrize("d", [9, 60])
def test_the_penalised_optimum_meets_the_conditions_of_a_minimum(penalty, d):
    data = small_data(n=200, d=d)
    x, y = data.x_train, data.y_train
    found = penalised_optimum(x, y, penalty)
    slopes = (psi_prime(found.margins(x, y)) * y) @ x / len(y)
    on = found.theta != 0
    # Twice what is promised: the slopes here are rounded in another order.
    assert (slopes.abs() <= penalty * (1 + 2e-7)).all()
    assert ((slopes + penalty * found.theta.sign())[on].abs() < 2e-7 * penalty).all()
    assert abs((psi_prime(found.margins(x, y)) * y).mean()) < 2e-7 * penalty


@pytest.mark.parametrize("penalty", [0.05, 0.005])
def test_scikit_learn_finds_the_same_minimum(penalty):
    from sklearn.linear_model import LogisticRegression  # slow to import, and needed here alone

    data = small_data(n=200)
    x, y = data.x_train, data.y_train
    other = LogisticRegression(
        l1_ratio=1, solver="saga", C=1 / (len(y) * penalty), tol=1e-12, max_iter=100_000
    ).fit(x.numpy(), y.numpy())
    theirs = LinearClassifier(torch.from_numpy(other.coef_[0]), torch.tensor(other.intercept_[0]))
    ours = penalised_optimum(x, y, penalty)
    least, found = (
        risk(each, x, y) + penalty * float(each.theta.abs().sum()) for each in (theirs, ours)
    )
    assert found == pytest.approx(least, rel=1e-8)


def test_cvxpy_finds_the_same_minimum_and_its_dual_the_same_bound():
    import cvxpy as cp

    penalty, data = 0.02, small_data(n=60)
    x, y = data.x_train.numpy(), data.y_train.numpy()
    n, d = x.shape
    theta, intercept, a = cp.Variable(d), cp.Variable(), cp.Variable(n)
    losses = cp.sum(cp.logistic(-cp.multiply(y, x @ theta + intercept))) / n
    primal = cp.Problem(cp.Minimize(losses + penalty * cp.norm1(theta)))
    balanced = [cp.sum(cp.multiply(a, y)) == 0, cp.abs(x.T @ cp.multiply(a, y)) / n <= penalty]
    dual = cp.Problem(cp.Maximize(cp.sum(cp.entr(a) + cp.entr(1 - a)) / n), balanced)
    found = penalised_optimum(data.x_train, data.y_train, penalty)
    least = risk(found, data.x_train, data.y_train) + penalty * float(found.theta.abs().sum())
    for problem in (primal, dual):
        assert problem.solve(solver="CLARABEL") == pytest.approx(least, abs=1e-7)


def test_a_large_penalty_leaves_the_best_constant_and_a_small_one_leaves_weights():
    data = small_data(n=200)
    x, y = data.x_train[50:], data.y_train[50:]
    constant = penalised_optimum(x, y, 10.0)
    assert not constant.theta.any()
    odds = float((y > 0).sum() / (y < 0).sum())
    assert float(constant.intercept.exp()) == pytest.approx(odds, rel=ROUNDING)
    assert penalised_optimum(x, y, 0.001).theta.any()


def test_the_start_does_not_change_the_penalised_optimum():
    data = small_data(n=200)
    x, y = data.x_train, data.y_train
    near = penalised_optimum(x, y, 0.02)
    before = flat(near).clone()
    cold, warm = penalised_optimum(x, y, 0.01), penalised_optimum(x, y, 0.01, start=near)
    objective = [risk(each, x, y) + 0.01 * float(each.theta.abs().sum()) for each in (cold, warm)]
    # Slopes within 1e-7 * 0.01, over a distance in the weights of less than 1, for 49 weights.
    assert objective[0] == pytest.approx(objective[1], abs=1e-7)
    assert torch.equal(flat(near), before)


def test_the_robust_optimum_is_no_penalised_optimum_but_one_with_lowered_margins():
    data, ball = small_data(n=200), NormBall(INF, 0.05)
    x, y = data.x_train, data.y_train
    robust = solve(x, y, ball).classifier
    a = -psi_prime(robust.margins(x, y) - ball.support(robust.theta))
    penalty = float(ball.radius * a.mean())
    slopes = (a * y) @ x / len(y)
    assert (slopes.abs() <= penalty * (1 + 1e-4)).all()
    plain = penalised_optimum(x, y, penalty)
    assert (plain.theta - robust.theta).abs().max() > 0.1


def test_a_penalty_beside_the_loss_refuses_bad_arguments():
    data = small_data()
    x, y = data.x_train, data.y_train
    with says(ValueError, "penalty must be a finite number > 0, got 0: pass a positive one"):
        penalised_optimum(x, y, 0)
    text = "labels must be of both classes, got one: there is nothing to separate"
    with says(ValueError, text):
        penalised_optimum(x, torch.ones_like(y), 0.1)
    with says(ValueError, "labels must be -1 or +1, got 0 and 1: use 2 * y.long() - 1"):
        penalised_optimum(x, (y + 1) / 2, 0.1)
