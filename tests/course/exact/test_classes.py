"""The optimum of several classes: other solvers, two classes, and what its certificate proves."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from lectures_code.exact import largest_gap_bound, lower_bound, minimise_largest_gap, solve
from lectures_code.exact.circulation import balanced_flow, imbalances, worst_cuts
from lectures_code.multiclass import largest_gap_losses, robust_error
from lectures_code.perturbations import NormBall
from tests.course.exact.problems import overlapping
from tests.oracles import INF, says

FREE = NormBall(INF, 0.05)
each_set = pytest.mark.parametrize("ball", [FREE, FREE.in_box()], ids=["free", "box"])


def classes(seed=0, *, n=45, d=6, k=3):
    """Overlapping classes of examples in [0, 1], a third of the pixels 0, each class present."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.rand(n, d, generator=draw, dtype=torch.float64)
    x *= torch.rand(n, d, generator=draw) > 0.3
    noise = 0.3 * torch.randn(n, k, generator=draw, dtype=torch.float64)
    y = (x[:, :k] + noise).argmax(dim=1)
    y[:k] = torch.arange(k)
    return x, y


def cvxpy_values(x, y, ball):
    """The least risk and the largest bound, with gaps and flows written out for each pair."""
    import cvxpy as cp  # slow to import, and needed here alone

    x, y, k = x.numpy(), y.numpy(), int(y.max()) + 1
    low, high = (end.numpy() for end in ball.interval(torch.from_numpy(x)))
    weights, biases = cp.Variable((k, x.shape[1])), cp.Variable(k)
    losses, alpha = [], cp.Variable((len(y), k), nonneg=True)
    sent = {c: 0 for c in range(k)}
    limits = [cp.sum(alpha, axis=1) <= 1]
    for a in range(k):
        own = np.flatnonzero(y == a)
        limits.append(alpha[own, a] == 0)
        gaps = []
        for c in set(range(k)) - {a}:
            w = weights[c] - weights[a]
            middle, reach = (low[own] + high[own]) / 2, (high[own] - low[own]) / 2
            gaps.append(middle @ w + reach @ cp.abs(w) + biases[c] - biases[a])
            moved = cp.Variable(x.shape[1])
            flow = cp.hstack([moved, cp.sum(alpha[own, c])])
            limits += [moved >= low[own].T @ alpha[own, c], moved <= high[own].T @ alpha[own, c]]
            sent[a], sent[c] = sent[a] + flow, sent[c] - flow
        losses.append(cp.sum(cp.logistic(cp.max(cp.vstack(gaps), axis=0))))
    taken = cp.sum(alpha, axis=1)
    entropy = cp.sum(cp.entr(taken) + cp.entr(1 - taken))
    limits += [each == 0 for each in sent.values()]
    primal = cp.Problem(cp.Minimize(sum(losses) / len(y)))
    dual = cp.Problem(cp.Maximize(entropy / len(y)), limits)
    return [problem.solve(solver="CLARABEL") for problem in (primal, dual)]


@each_set
@pytest.mark.parametrize(("seed", "k"), [(0, 3), (1, 4), (2, 3)])
@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")
def test_agrees_with_cvxpy_on_primal_and_dual(ball, seed, k):
    x, y = classes(seed, k=k)
    found = minimise_largest_gap(x, y, ball)
    assert found.status == "optimal" and found.relative_gap <= 1e-6
    losses = largest_gap_losses(found.weights, found.biases, x, y, ball)
    assert found.risk == pytest.approx(float(losses.mean()), rel=1e-12)
    assert found.lower_bound == largest_gap_bound(x, y, ball, found.alpha)
    primal, dual = cvxpy_values(x, y, ball)
    # Clarabel's own tolerance is 1e-8; ours a relative gap of 1e-6.
    assert primal == pytest.approx(found.risk, abs=1e-6)
    assert dual == pytest.approx(found.lower_bound, abs=1e-6)


@each_set
@pytest.mark.parametrize("seed", range(3))
def test_two_classes_are_the_binary_optimum_and_its_certificate(ball, seed):
    x, y = overlapping(seed)
    binary, found = solve(x, y, ball), minimise_largest_gap(x, (y > 0).long(), ball)
    assert binary.status == found.status == "optimal"
    assert found.lower_bound <= binary.risk and binary.lower_bound <= found.risk
    assert found.risk == pytest.approx(binary.risk, rel=1e-6)
    # Each proof is one of the other problem as well.
    ones = (y > 0).long()
    flow = torch.zeros(len(y), 2, dtype=torch.float64)
    flow[torch.arange(len(y)), 1 - ones] = binary.alpha
    assert largest_gap_bound(x, ones, ball, flow) == pytest.approx(binary.lower_bound, rel=1e-12)
    taken = found.alpha.sum(dim=1)
    assert lower_bound(x, y, ball, taken) == pytest.approx(found.lower_bound, rel=1e-12)


@each_set
def test_images_that_no_perturbation_confuses_are_separable(ball):
    x = torch.eye(3, dtype=torch.float64).repeat(4, 1)
    y = torch.arange(3).repeat(4)
    found = minimise_largest_gap(x, y, ball)
    assert found.status == "separable" and found.lower_bound == 0
    assert robust_error(found.weights, found.biases, x, y, ball).k == 0
    larger = largest_gap_losses(9 * found.weights, 9 * found.biases, x, y, ball)
    assert larger.mean() < found.risk, "there is no minimiser"


@given(seed=st.integers(0, 10**6), boxed=st.booleans())
@settings(max_examples=30, deadline=None)
def test_no_classifier_gets_below_a_bound_and_tampered_weights_prove_no_more(seed, boxed):
    x, y = classes(seed % 3, n=24, d=4)
    ball = FREE.in_box() if boxed else FREE
    found = OPTIMA[seed % 3, boxed]
    draw = torch.Generator().manual_seed(seed)
    random = torch.randn(3, 5, generator=draw, dtype=torch.float64)
    weights, biases = found.weights + random[:, :4], found.biases + random[:, 4]
    risk = largest_gap_losses(weights, biases, x, y, ball).mean()
    assert risk >= found.lower_bound
    factors = 1 + 0.2 * torch.rand(24, 3, generator=draw, dtype=torch.float64)
    tampered = torch.where(
        torch.rand(24, 3, generator=draw) < 0.3, factors * found.alpha, found.alpha
    )
    tampered /= tampered.sum(dim=1, keepdim=True).clamp(min=1)
    with pytest.raises(ValueError, match="alpha must weigh what leaves and what arrives"):
        largest_gap_bound(x, y, ball, tampered)
    evened = torch.from_numpy(balanced_flow(tampered.numpy(), y.numpy()))
    try:
        bound = largest_gap_bound(x, y, ball, evened)
    except ValueError as refused:
        assert "alpha must let the adversary send" in str(refused)
    else:
        assert bound <= found.risk


OPTIMA = {
    (seed, boxed): minimise_largest_gap(
        *classes(seed, n=24, d=4), FREE.in_box() if boxed else FREE, tol=1e-5
    )
    for seed, boxed in itertools.product(range(3), (False, True))
}


@given(st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_cuts_say_what_a_linear_programme_of_the_flow_says(seed):
    """Hoffman's theorem: a circulation within the limits exists iff no set of classes overflows."""
    draw, k = np.random.default_rng(seed), 4
    low = draw.normal(size=(k, k, 1)) * ~np.eye(k, dtype=bool)[:, :, None]
    high = low + draw.random((k, k, 1)) * ~np.eye(k, dtype=bool)[:, :, None] * 2
    rows = np.zeros((k, k * k))
    for a, c in itertools.product(range(k), repeat=2):
        rows[a, a * k + c] += 1
        rows[c, a * k + c] -= 1
    limits = np.stack([low.ravel(), high.ravel()], axis=1)
    exists = linprog(np.zeros(k * k), A_eq=rows, b_eq=np.zeros(k), bounds=limits).status == 0
    worst = worst_cuts(low, high)[0]
    if abs(worst) > 1e-6:  # nearer, the programme's tolerance decides
        assert exists == (worst < 0)


@given(st.integers(0, 10**6))
@settings(max_examples=50, deadline=None)
def test_balanced_weights_balance_exactly_and_lose_next_to_nothing(seed):
    draw = np.random.default_rng(seed)
    y = np.arange(20) % 4
    y = np.sort(y)
    alpha = draw.random((20, 4)) * (np.arange(4) != y[:, None])
    before = np.abs(imbalances(alpha, y)).sum()
    after = balanced_flow(alpha, y)
    assert not any(imbalances(after, y))
    assert (after >= 0).all() and (after <= alpha).all()
    # Each unit that is taken back evens two classes, along at most three arcs.
    assert (alpha - after).sum() <= 2 * before + 1e-12


@pytest.mark.parametrize(
    ("alpha", "text"),
    [
        (
            [[0, 0.5]] * 2,
            "alpha must be a float64 tensor of shape (2, 2), got list: pass",
        ),
        (torch.zeros(2, 2), "alpha must be a float64 tensor of shape (2, 2), got float32 of shape"),
        (torch.zeros(2, 3).double(), "alpha must be a float64 tensor of shape (2, 2), got float64"),
        (torch.tensor([[0.5, 0], [0, 0]]).double(), "alpha must not be negative, and 0 at each"),
        (torch.tensor([[0, -0.5], [0, 0]]).double(), "alpha must not be negative, and 0 at each"),
        (torch.tensor([[0, math.nan], [0, 0]]).double(), "alpha must not be negative, and 0 at"),
        (torch.tensor([[0, 1.5], [1.5, 0]]).double(), "alpha must sum to at most 1 in each row"),
        (torch.tensor([[0, 0.5], [0.25, 0]]).double(), "alpha must weigh what leaves and what"),
        (torch.tensor([[0, 0.5], [0.5, 0]]).double(), "alpha must let the adversary send in each"),
    ],
)
def test_what_proves_nothing(alpha, text):
    x, y = torch.tensor([[0.0], [1.0]]).double(), torch.tensor([0, 1])
    with pytest.raises(ValueError) as refused:
        largest_gap_bound(x, y, FREE, alpha)
    assert str(refused.value).startswith(text)
    half = torch.tensor([[0, 0.5], [0.5, 0]]).double()
    with pytest.raises(ValueError, match="alpha must let the adversary send"):
        largest_gap_bound(x, y, NormBall(INF, 0.5), half)  # by no more than rounding errors
    proven = largest_gap_bound(x, y, NormBall(INF, 0.5 + 1e-12), half)
    assert math.log(2) * (1 - 1e-14) < proven <= math.log(2)
    assert largest_gap_bound(x, y, FREE, torch.zeros(2, 2).double()) == 0


@pytest.mark.parametrize(
    ("change", "kind", "text"),
    [
        ({"ball": NormBall(2, 0.1)}, ValueError, "ball must have p = inf and a positive radius"),
        ({"ball": NormBall(INF, 0)}, ValueError, "ball must have p = inf and a positive radius"),
        ({"ball": 0.1}, TypeError, "ball must be a NormBall, got float"),
        ({"tol": 0.0}, ValueError, "tol must be a finite number > 0, got 0.0"),
        ({"max_steps": 0}, ValueError, "max_steps must be a whole number >= 1, got 0"),
        ({"y": torch.tensor([0, 2])}, ValueError, "y must hold each class number from 0 on, and"),
        ({"y": torch.tensor([0, 0])}, ValueError, "y must hold each class number from 0 on, and"),
        ({"y": torch.tensor([0, 12])}, ValueError, "y must hold class numbers from 0 to 11"),
        ({"x": torch.full((2, 3), 2.0)}, ValueError, "x must lie in"),
    ],
)
def test_what_is_refused(change, kind, text):
    given = {"x": torch.rand(2, 3), "y": torch.tensor([0, 1]), "ball": FREE.in_box()} | change
    with pytest.raises(kind) as refused:
        minimise_largest_gap(given.pop("x"), given.pop("y"), given.pop("ball"), **given)
    assert str(refused.value).startswith(text)


def test_the_bound_is_for_pixels_that_move_each_by_itself():
    text = "p must be inf for several classes, got 2: use p = inf"
    with says(ValueError, text):
        largest_gap_bound(*classes(), NormBall(2, 0.1), torch.zeros(45, 3).double())
