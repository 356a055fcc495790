"""Several classes: worst gaps, the bound on the loss, the exact error, against enumeration."""

import math

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from lectures_code import multiclass, risk
from lectures_code.logistic import LinearClassifier, psi
from lectures_code.multiclass import largest_gap_losses, loss_bound, robust_error, worst_gaps
from lectures_code.perturbations import NormBall
from lectures_code.risk import ErrorCount
from tests.oracles import BALLS, INF, ROUNDING, each_ball, largest, name, says, vertices


def problem(seed, *, n=8, d=5, k=4):
    """Weights, biases, examples in the box (some in its corners) and class numbers."""
    draw = torch.Generator().manual_seed(seed)
    weights = torch.randn(k, d, generator=draw, dtype=torch.float64)
    biases = 0.5 * torch.randn(k, generator=draw, dtype=torch.float64)
    x = (1.5 * torch.rand(n, d, generator=draw, dtype=torch.float64) - 0.25).clamp(0, 1)
    return weights, biases, x, torch.randint(k, (n,), generator=draw)


def logits_at_vertices(weights, biases, x, ball):
    """All that an adversary can reach in the corners, shape (corners, k): numpy's arithmetic."""
    return (x + vertices(ball, x)).numpy() @ weights.numpy().T + biases.numpy()


# Sets with few vertices: there maxima of convex functions are found by enumeration.
enumerable = pytest.mark.parametrize("ball", [BALLS[0], BALLS[2], BALLS[5]], ids=name)
each_seed = pytest.mark.parametrize("seed", range(3))


@each_ball
@each_seed
def test_worst_gaps_are_what_the_oracle_finds_for_each_pair_of_classes(ball, seed):
    weights, biases, x, y = problem(seed)
    gaps = worst_gaps(weights, biases, x, y, ball)
    assert gaps.shape == (8, 4)
    for i in range(8):
        w, b = weights - weights[y[i]], biases - biases[y[i]]
        most = [float(w[k] @ x[i] + b[k]) + float(largest(w[k], x[i], ball)) for k in range(4)]
        assert gaps[i].tolist() == pytest.approx(most, rel=ROUNDING, abs=ROUNDING)
    assert (gaps[torch.arange(8), y] == 0).all()


@enumerable
@each_seed
def test_worst_gaps_are_the_largest_over_all_vertices(ball, seed):
    weights, biases, x, y = problem(seed)
    gaps = worst_gaps(weights, biases, x, y, ball).numpy()
    for i in range(8):
        logits = logits_at_vertices(weights, biases, x[i], ball)
        reached = (logits - logits[:, [y[i]]]).max(axis=0)
        assert gaps[i] == pytest.approx(reached, rel=ROUNDING, abs=ROUNDING)


@enumerable
@each_seed
def test_no_perturbation_exceeds_the_bound_on_the_loss(ball, seed):
    """Cross-entropy is convex in delta: its maximum is at a vertex."""
    weights, biases, x, y = problem(seed)
    bound = loss_bound(weights, biases, x, y, ball)
    assert bound.shape == (8,)
    slack = []
    for i in range(8):
        logits = logits_at_vertices(weights, biases, x[i], ball)
        worst = (logsumexp(logits, axis=1) - logits[:, y[i]]).max()
        slack.append(float(bound[i]) - worst)
    assert min(slack) >= -ROUNDING
    assert max(slack) > 0.01, "with four classes it is strict: no attack serves all of them at once"


@enumerable
@each_seed
def test_for_two_classes_the_bound_is_the_worst_loss(ball, seed):
    weights, biases, x, y = problem(seed, k=2)
    bound = loss_bound(weights, biases, x, y, ball)
    for i in range(8):
        logits = logits_at_vertices(weights, biases, x[i], ball)
        worst = (logsumexp(logits, axis=1) - logits[:, y[i]]).max()
        assert float(bound[i]) == pytest.approx(worst, rel=ROUNDING)


@enumerable
@each_seed
def test_the_worst_loss_of_the_largest_gap_is_the_largest_over_all_vertices(ball, seed):
    """Exact for four classes; and never above the bound on the cross-entropy."""
    weights, biases, x, y = problem(seed)
    found = largest_gap_losses(weights, biases, x, y, ball)
    for i in range(8):
        logits = logits_at_vertices(weights, biases, x[i], ball)
        gap = (np.delete(logits, int(y[i]), axis=1) - logits[:, [y[i]]]).max()
        assert float(found[i]) == pytest.approx(np.logaddexp(0, gap), rel=ROUNDING)
    assert (found <= loss_bound(weights, biases, x, y, ball)).all()


@each_ball
@each_seed
def test_two_classes_are_the_binary_classifier_of_their_difference(ball, seed):
    weights, biases, x, y = problem(seed, k=2)
    binary = LinearClassifier(weights[1] - weights[0], biases[1] - biases[0])
    labels = 2.0 * y.double() - 1
    worst = risk.worst_margins(binary, x, labels, ball)
    found = loss_bound(weights, biases, x, y, ball)
    torch.testing.assert_close(found, psi(worst), rtol=ROUNDING, atol=ROUNDING)
    assert robust_error(weights, biases, x, y, ball) == risk.robust_error(binary, x, labels, ball)


def test_a_case_in_which_the_bound_is_strict_by_hand():
    # Classes 1 and 2 pull the one pixel in opposite directions: +-delta, against 0.
    weights = torch.tensor([[0.0], [1.0], [-1.0]], dtype=torch.float64)
    biases, x = torch.zeros(3, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
    y, ball = torch.tensor([0]), NormBall(INF, 1.0)
    assert worst_gaps(weights, biases, x, y, ball).tolist() == [[0, 1, 1]]
    bound = float(loss_bound(weights, biases, x, y, ball))
    assert bound == pytest.approx(math.log(1 + 2 * math.e), rel=ROUNDING)
    attained = math.log(1 + math.e + 1 / math.e)  # at either end
    assert bound - attained > 0.4


@enumerable
@each_seed
def test_robust_error_counts_those_that_some_vertex_makes_a_mistake(ball, seed):
    """A gap is linear in delta: if some perturbation closes it, then some vertex does."""
    weights, biases, x, y = problem(seed, n=40)
    ball, mistakes = ball.with_radius(ball.radius / 4), 0
    for i in range(40):
        logits = logits_at_vertices(weights, biases, x[i], ball)
        others = np.delete(logits, int(y[i]), axis=1).max(axis=1)
        mistakes += bool((others >= logits[:, y[i]]).any())
    assert robust_error(weights, biases, x, y, ball) == ErrorCount(mistakes, 40)
    assert 0 < mistakes < 40


class Largest(TorchDispatchMode):
    """Notes the largest tensor that any operation makes."""

    entries = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        for each in result if isinstance(result, tuple | list) else [result]:
            if isinstance(each, Tensor) and operation is not torch.ops.aten.expand.default:
                self.entries = max(self.entries, each.numel())
        return result


@each_ball
@pytest.mark.parametrize("entries", [1, 45, 10**6])
def test_memory_is_bounded_and_chunks_change_no_result(ball, entries, monkeypatch):
    weights, biases, x, y = problem(4, n=30, d=5, k=4)
    boxed = hasattr(ball, "low")
    naive = (
        x @ weights.T
        + biases
        - (x @ weights.T + biases).gather(1, y[:, None])
        + ball.support(weights - weights[y][:, None], x[:, None] if boxed else None)
    )
    monkeypatch.setattr(multiclass, "ENTRIES", entries)
    with Largest() as largest:
        found = worst_gaps(weights, biases, x, y, ball)
        loss_bound(weights, biases, x, y, ball)
        robust_error(weights, biases, x, y, ball)
    torch.testing.assert_close(found, naive, rtol=ROUNDING, atol=ROUNDING)
    # The data and the gaps are there anyway; sets of p = 1 sort the twofold of a row's entries.
    anyway = max(x.numel(), naive.numel())
    if not boxed or entries < 10**6:
        assert largest.entries <= max(anyway, 2 * entries, 2 * weights.numel())
    else:
        assert largest.entries >= 30 * 4 * 5, "the largest is noticed"


def test_a_tie_counts_as_an_error_and_just_less_does_not():
    weights = torch.tensor([[1.0], [-1.0], [-9.0]], dtype=torch.float64)
    biases, x = torch.zeros(3, dtype=torch.float64), torch.tensor([[0.25]], dtype=torch.float64)
    y = torch.tensor([0])
    assert robust_error(weights, biases, x, y, NormBall(INF, 0.25)) == ErrorCount(1, 1)
    assert robust_error(weights, biases, x, y, NormBall(INF, 0.25 - 2**-20)) == ErrorCount(0, 1)


@each_ball
def test_radius_zero_is_the_clean_cross_entropy_and_error(ball):
    weights, biases, x, y = problem(1, n=30)
    ball = ball.with_radius(0)
    clean = torch.nn.functional.cross_entropy(x @ weights.T + biases, y, reduction="none")
    found = loss_bound(weights, biases, x, y, ball)
    torch.testing.assert_close(found, clean, rtol=ROUNDING, atol=ROUNDING)
    predicted = (x @ weights.T + biases).argmax(dim=1)
    assert robust_error(weights, biases, x, y, ball).k == int((predicted != y).sum())


@pytest.mark.parametrize("losses", [loss_bound, largest_gap_losses])
@each_ball
def test_the_losses_can_be_trained_on(ball, losses):
    """Autograd reaches the weights, with the slope that finite differences find."""
    weights, biases, x, y = problem(2)
    direction, _, _, _ = problem(3)
    point = weights.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(losses(point, biases, x, y, ball).mean(), point)

    def value(t):
        return float(losses(weights + t * direction, biases, x, y, ball).mean())

    slope = (value(1e-5) - value(-1e-5)) / 2e-5
    # h^2 times a third derivative along a direction of length about 4.
    assert float((gradient * direction).sum()) == pytest.approx(slope, abs=1e-7)


W, B, X, Y = problem(0)
BALL = NormBall(INF, 0.1)


@pytest.mark.parametrize("function", [worst_gaps, loss_bound, largest_gap_losses, robust_error])
class TestRefused:
    @pytest.mark.parametrize(
        ("weights", "biases", "came"),
        [
            (W[:, 1:], B, "(4, 4) and (4,)"),
            (W, B[1:], "(4, 5) and (3,)"),
            (W[:1], B[:1], "(1, 5) and (1,)"),
            (W[0], B, "(5,) and (4,)"),
            (W[0, 0], B, "() and (4,)"),
        ],
    )
    def test_weights_that_do_not_fit(self, function, weights, biases, came):
        text = f"weights must have shape (k, 5) and biases (k,) with k >= 2, got {came}"
        with says(ValueError, text):
            function(weights, biases, X, Y, BALL)

    @pytest.mark.parametrize(
        ("y", "came", "advice"),
        [
            (Y + 4, "6 and 7", "count the classes from 0"),
            (Y + 1, "4", "count from 0, use y.long() - 1"),
            (5 - 2 * Y, "-1", "use (y == 1).long() for labels -1 and +1"),
        ],
    )
    def test_labels_that_are_no_class_numbers(self, function, y, came, advice):
        text = f"y must hold class numbers from 0 to 3 for 4 logits, got {came}: {advice}"
        with says(ValueError, text):
            function(W, B, X, y, BALL)

    def test_no_labels_at_all(self, function):
        with pytest.raises(ValueError, match=r"^y must have shape \(8,\), one label for each exam"):
            function(W, B, X, Y[:0], BALL)
        with says(TypeError, "y must be a torch tensor, got list: use torch.as_tensor"):
            function(W, B, X, Y.tolist(), BALL)

    def test_examples_and_weights_that_are_no_numbers(self, function):
        with pytest.raises(ValueError, match=r"^x must hold at least one example and one feature"):
            function(W, B, X[:0], Y[:0], BALL)
        with pytest.raises(
            TypeError, match=r"^x must hold floating-point numbers, got torch.int64"
        ):
            function(W, B, (255 * X).long(), Y, BALL)
        with pytest.raises(ValueError, match=r"^weights must be finite, got 20 NaN or infinite"):
            function(W * math.nan, B, X, Y, BALL)
        with pytest.raises(ValueError, match=r"^biases must be finite, got 4 NaN or infinite"):
            function(W, B * math.nan, X, Y, BALL)
        with pytest.raises(TypeError, match=r"^biases must be a torch tensor, got list"):
            function(W, B.tolist(), X, Y, BALL)

    def test_several_dtypes(self, function):
        text = "weights, biases and x must have one dtype, got torch.float32, torch.float64 and "
        with says(TypeError, text + "torch.float64: use .to(x.dtype)"):
            function(W.float(), B, X, Y, BALL)

    def test_pixels_outside_the_box(self, function):
        with pytest.raises(ValueError, match=r"^x must lie in \[0, 1\], got values from"):
            function(W, B, 255 * X, Y, BALL.in_box())
