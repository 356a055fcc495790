"""What is accepted as a proof, against exact arithmetic: fractions, and logarithms to 50 digits."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lectures_code.exact import dual, largest_gap_bound, lower_bound, separate, solve
from lectures_code.features import Threshold
from lectures_code.perturbations import NormBall, PixelIntervals
from tests.course.exact.exactly import excess
from tests.course.exact.problems import each_p, overlapping
from tests.oracles import INF

HALF = Threshold(0.5)
KINDS = ["free", "box", "intervals", "thresholds"]
each_kind = pytest.mark.parametrize("kind", KINDS)
TINY = 2.0**-55  # added to 1/2 it is lost


def set_of(kind, x, radius):
    """The perturbation set of a kind, and its feature."""
    if kind == "intervals":  # further up than down
        return PixelIntervals(x - radius, x + 1.5 * radius), None
    free = NormBall(INF, radius)
    return (free if kind == "free" else free.in_box()), (HALF if kind == "thresholds" else None)


def proven(kind, x, y, radius, alpha):
    """The bound, or None where the weights are refused."""
    ball, feature = set_of(kind, x, radius)
    try:
        return lower_bound(x, y, ball, alpha, feature=feature)
    except ValueError as error:
        assert str(error).startswith(("alpha must be feasible", "alpha must make the weighted"))
        return None


def entropy(alpha):
    """The mean of H(alpha_i)."""
    with localcontext() as context:
        context.prec = 50
        parts = [part for a in map(Decimal, alpha.tolist()) for part in (a, 1 - a) if part]
        return -sum(part * part.ln() for part in parts) / len(alpha)


def drawn(seed, n=10, d=2):
    """Pixels in eighths, and balanced weights: multiples of 1/128, and two TINY ones a class."""
    draw = np.random.default_rng(seed)
    x, y = torch.from_numpy(draw.integers(0, 9, (n, d)) / 8), torch.ones(n).double()
    y[::2] = -1.0
    ones, zeros = (draw.integers(0, 5, n // 2) for _ in range(2))
    ones[:2] = zeros[:2] = 0
    alpha = torch.zeros(n).double()
    alpha[y > 0] = torch.from_numpy(ones * zeros.sum() / 128).clamp(max=1)
    alpha[y < 0] = torch.from_numpy(zeros * ones.sum() / 128).clamp(max=1)
    alpha[:4] = TINY * int(draw.integers(0, 2))
    return x, y, alpha


def critical_radius(kind, x, y, alpha):
    """The least radius, up to rounding, at which the weights are feasible."""
    low, high = 0.0, 1.0
    for _ in range(55):
        middle = (low + high) / 2
        low, high = (low, middle) if excess(kind, x, y, middle, alpha) <= 0 else (middle, high)
    return high


@each_kind
@given(seed=st.integers(0, 10**6))
@settings(max_examples=15)
def test_what_is_accepted_is_feasible_and_proves_at_most_its_entropy(kind, seed):
    x, y, alpha = drawn(seed)
    if kind == "thresholds":  # at these radii some pixels just reach the threshold
        radii = [0.0, 0.1, 0.125, 0.25, 0.375]
    else:
        radius = critical_radius(kind, x, y, alpha)
        radii = [radius * (1 + e) for e in (-1e-9, -1e-15, -2e-16, 0, 2e-16, 1e-15, 1e-12)]
    for radius in radii:
        bound, exact = proven(kind, x, y, radius, alpha), excess(kind, x, y, radius, alpha)
        if bound is not None:
            assert exact <= 0
            assert Decimal(bound) <= entropy(alpha)
            assert bound == pytest.approx(float(entropy(alpha)), rel=1e-14)
        else:  # only for want of room for rounding errors
            assert exact > -1e-13
        if kind == "thresholds" and not (alpha == TINY).any():  # there are none
            assert (bound is not None) == (exact <= 0)


@each_kind
@pytest.mark.parametrize("many", [3, 10, 100])
def test_weights_that_are_lost_in_a_sum_of_floats_are_not_taken_for_nothing(kind, many):
    # Two examples are the same image under attack, and carry 1/2 each; the others, with next to no
    # weight, part the means. The adversary can move the two alone onto each other.
    images = {
        "free": ([0.75, 1.0, 0.25, 0.0], 0.25),
        "box": ([0.75, 1.0, 0.25, 0.0], 0.25),
        "intervals": ([0.75, 1.0, 0.125, 0.0], 0.25),
        "thresholds": ([0.9, 0.9, 0.9, 0.1], 0.25),
    }
    pixels, radius = images[kind]
    first, second, third, fourth = torch.tensor(pixels).double()[:, None, None]
    x = torch.cat([first, second.expand(many, 1), third, fourth.expand(many, 1)])
    y = torch.tensor([1.0] * (many + 1) + [-1.0] * (many + 1)).double()
    alpha = torch.tensor(([0.5] + [TINY] * many) * 2).double()
    assert excess(kind, x, y, radius, alpha) > 0
    assert proven(kind, x, y, radius, alpha) is None
    # Without them the means meet, with no room: that can be seen of whole numbers alone.
    alone = torch.where(alpha == TINY, 0.0, alpha)
    assert excess(kind, x, y, radius, alone) == 0
    bound = proven(kind, x, y, radius, alone)
    assert (bound is not None) == (kind == "thresholds")
    assert bound is None or Decimal(bound) <= entropy(alone)


@pytest.mark.parametrize("kind", ["intervals", "thresholds"])
@pytest.mark.parametrize("seed", range(3))
def test_a_certificate_with_some_weight_moved_is_refused(kind, seed):
    x, y = overlapping(seed)
    x, radius = x.clamp(0.02, 0.98), 0.15 if kind == "thresholds" else 0.04
    ball, feature = set_of(kind, x, radius)
    alpha = solve(x, y, ball, feature=feature).alpha
    assert proven(kind, x, y, radius, alpha) > 0 >= excess(kind, x, y, radius, alpha)
    # From one of the ones to another, in a power of two: the sums of the classes stay the same.
    ones = (y > 0).nonzero()[:, 0]
    giver, taker = ones[alpha[ones].argmax()], ones[alpha[ones].argmin()]
    portion = 2.0 ** math.floor(math.log2(float(alpha[giver]) / 8))
    moved = alpha.clone()
    moved[giver] -= portion
    moved[taker] += portion
    assert excess(kind, x, y, radius, moved) > 0
    assert proven(kind, x, y, radius, moved) is None


@given(st.lists(st.floats(0, 1), max_size=12), st.integers(0, 60), st.sampled_from([1.0, 3.0]))
def test_weights_that_are_said_to_add_up_exactly_do(weights, digits, largest):
    # Rounded to so many digits behind the point, or left as they are.
    weights = np.array(weights)
    weights = np.floor(weights * 2.0**digits) / 2.0**digits if digits < 55 else weights
    products = [v * k for v, k in zip(weights, [largest, 1.0] * 6, strict=False)]
    exact = sum(map(Fraction, weights)) * Fraction(largest)
    if dual.adds_exactly(weights, largest):
        assert Fraction(float(np.sum(products))) == sum(map(Fraction, products))
        assert Fraction(float(weights @ np.full(len(weights), largest))) == exact
    elif digits <= 40:  # multiples of a unit, of which 36 * 2**40 is no limit yet
        raise AssertionError("these add up exactly")


@given(st.integers(0, 10**6), st.integers(-30, 0), st.integers(-30, 0))
def test_weights_that_the_solver_balances_add_up_exactly(seed, first, second):
    y = np.where(np.arange(30) % 3 == 0, 1.0, -1.0)
    alpha = np.random.default_rng(seed).random(30) * 10.0 ** np.where(y > 0, first, second)
    weights = dual.balanced(alpha, y)
    assert dual.adds_exactly(weights[y > 0], 1.0) and dual.adds_exactly(weights[y < 0], 1.0)


@each_p
@pytest.mark.parametrize("size", [1e-140, 1e-160, 1e-170, 1e-290])
def test_pixels_whose_squares_are_lost_prove_nothing_else(p, size):
    # Two images 2 * size apart: at less than size they are separable, and the infimum is 0.
    x, y = size * torch.tensor([[1.0], [-1.0]]).double(), torch.tensor([1.0, -1.0])
    half = torch.full((2,), 0.5).double()
    with pytest.raises(ValueError, match="alpha must be feasible"):
        lower_bound(x, y, NormBall(p, 0.999 * size), half)
    assert lower_bound(x, y, NormBall(p, 1.001 * size), half) == pytest.approx(math.log(2))
    found = separate(x, y, NormBall(p, 0.0))
    assert found.radius <= size <= found.upper_bound
    assert found.upper_bound == pytest.approx(size, rel=1e-9)


@each_kind
def test_weights_below_the_least_numbers_prove_nothing(kind):
    # The products with the pixels are lost: 0, though the means lie apart.
    x, y = torch.tensor([[0.4], [0.3]]).double(), torch.tensor([1.0, -1.0])
    least = torch.full((2,), 5e-324, dtype=torch.float64)
    assert excess(kind, x, y, 0.01, least) > 0 or kind == "thresholds"
    assert not proven(kind, x, y, 0.01, least)
    three = torch.eye(3).double()
    flow = 5e-324 * (1 - three)
    ball = NormBall(INF, 0.1)
    with pytest.raises(ValueError, match="alpha must let the adversary"):
        largest_gap_bound(0.4 * three, torch.arange(3), ball, flow)


@each_p
@pytest.mark.filterwarnings("ignore:overflow encountered", "ignore:invalid value encountered")
def test_sums_that_overflow_prove_nothing(p):
    # Infinity less infinity, two rows at a time.
    y = torch.tensor([1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0]).double()
    x = 1.7e308 * torch.where(torch.arange(8) < 6, y, -y)[:, None]
    alpha = torch.full((8,), 0.9).double()
    with pytest.raises(ValueError, match="alpha must be feasible"):
        lower_bound(x, y, NormBall(p, 1.0), alpha, memory=64)
