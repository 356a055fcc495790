"""The exact optimum of all of MNIST, where it is at hand."""

import os

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from lectures_code.exact import separate, solve
from lectures_code.features import Threshold
from lectures_code.mnist import load_zero_one
from lectures_code.perturbations import NormBall
from lectures_code.risk import robust_error, worst_margins
from tests.course.exact.problems import TOL, assert_certified
from tests.oracles import INF

pytestmark = pytest.mark.skipif(
    "MNIST_DIR" not in os.environ, reason="MNIST_DIR names no folder with the full MNIST"
)


@pytest.fixture(scope="module")
def mnist():
    return load_zero_one(source="mnist")


def test_the_known_optimum(mnist):
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


def test_every_norm_is_solved(mnist):
    x, y = mnist.x_train, mnist.y_train
    for ball in (NormBall(2, 2.0), NormBall(1, 20.0)):
        assert_certified(solve(x, y, ball), x, y)


def test_the_separability_threshold(mnist):
    x, y = mnist.x_train, mnist.y_train
    radius = separate(x, y, NormBall(INF, 0)).radius
    assert radius == pytest.approx(0.036715, abs=5e-7)
    below = solve(x, y, NormBall(INF, 0.03))
    assert below.status == "separable"
    assert (worst_margins(below.classifier, x, y, below.ball) > 0).all()


def test_the_separability_threshold_in_the_box(mnist):
    x, y = mnist.x_train[::8], mnist.y_train[::8]  # of all images it takes ten seconds
    found = separate(x, y, NormBall(INF, 0).in_box())
    assert 0 <= found.upper_bound - found.radius <= 1e-9
    for factor, status in ((0.99, "separable"), (1.01, "optimal")):
        assert solve(x, y, NormBall(INF, factor * found.radius).in_box()).status == status


def clarabel_minimum(low, high, y):
    """The least risk by cvxpy, with each pixel of each example in an interval of its own.

    With tolerances of 1e-10 Clarabel ends up to 7e-10 above the minimum, relatively.
    """
    import cvxpy as cp  # slow to import, and needed here alone

    (n, d), ones = low.shape, (y > 0)[:, None]
    up, down, b = cp.Variable(d, nonneg=True), cp.Variable(d, nonneg=True), cp.Variable()
    # The weights are up - down; a one's worst pixel is low where they are positive, else high.
    worst = np.where(ones, low, -high) @ up + np.where(ones, -high, low) @ down
    risk = cp.sum(cp.logistic(-worst - cp.multiply(y, b))) / n
    tolerances = dict.fromkeys(("tol_gap_rel", "tol_gap_abs", "tol_feas"), 1e-10)
    return cp.Problem(cp.Minimize(risk)).solve(solver="CLARABEL", **tolerances)


@pytest.mark.parametrize("kind", ["free", "box", "thresholds"])
@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")
def test_cvxpy_finds_the_minimum_of_200_images_above_the_bound_and_next_to_it(mnist, kind):
    x, y, feature = mnist.x_train[:200], mnist.y_train[:200], None
    ball = NormBall(INF, 0.3) if kind == "free" else NormBall(INF, 0.35).in_box()
    low, high = ball.interval(x)
    if kind == "thresholds":
        # For thresholds of all pixels there is no minimiser. There is one for means of 2 x 2 pixels
        # that the adversary can turn in a tenth of the images of each class.
        ball, feature = NormBall(INF, 0.2).in_box(), Threshold(0.5)
        x = torch.nn.functional.avg_pool2d(x.reshape(-1, 28, 28), 2).flatten(1)
        low, high = (end > 0.5 for end in ball.interval(x))
        turned = [(low != high)[y == sign].double().mean(dim=0) > 0.1 for sign in (1, -1)]
        chosen = turned[0] & turned[1]
        x, low, high = x[:, chosen], low[:, chosen].double(), high[:, chosen].double()
    found = solve(x, y, ball, feature=feature)
    assert found.status == "optimal" and found.relative_gap <= TOL
    least = clarabel_minimum(low.numpy(), high.numpy(), y.numpy())
    assert found.lower_bound <= least
    assert found.lower_bound == pytest.approx(least, rel=1e-9)
    assert found.risk == pytest.approx(least, rel=1e-9)


def test_the_optimum_in_the_box_is_certified(mnist):
    x, y = mnist.x_train, mnist.y_train
    assert_certified(solve(x, y, NormBall(INF, 0.2).in_box()), x, y)
