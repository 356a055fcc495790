"""Where separability ends in the box and for thresholds: both proofs, computed in other ways."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from lectures_code.exact import separate
from lectures_code.exact.dual import in_small_fractions
from lectures_code.features import Threshold
from lectures_code.perturbations import NormBall
from tests.course.exact.exactly import excess
from tests.oracles import INF

KINDS = {"box": None, "thresholds": Threshold(0.5)}
each_kind = pytest.mark.parametrize("kind", KINDS)
BESIDE = 1e-5  # the margin is of this size so far below the radius: the programme sees 1e-7


def images(seed, n=30, d=12):
    """Images of eight grey levels, of which three pixels tell the classes apart more or less."""
    draw = np.random.default_rng(seed)
    x, y = draw.integers(0, 8, (n, d)) / 7, np.where(np.arange(n) % 2, 1.0, -1.0)
    x[:, :3] += 0.35 * y[:, None]
    return torch.from_numpy(x.clip(0, 1)), torch.from_numpy(y)


def ends(kind, x, radius):
    low, high = (x - radius).clamp(min=0).numpy(), (x + radius).clamp(max=1).numpy()
    return (low > 0.5, high > 0.5) if kind == "thresholds" else (low, high)


def least_worst_margins(kind, x, y, radius, theta, intercept):
    """Each pixel at the worse end of its interval, for one classifier."""
    low, high = ends(kind, x, radius)
    y, theta = y.numpy()[:, None], theta.numpy()
    worst = np.minimum(y * theta * low, y * theta * high).sum(axis=1)
    return worst + y[:, 0] * intercept


def widest(kind, x, y, radius):
    """The largest least worst margin of all classifiers with |theta|_1 <= 1, by one programme."""
    low, high = (end.astype(float) for end in ends(kind, x, radius))
    (n, d), y = x.shape, y.numpy()
    ones = (y > 0)[:, None]
    # theta = u - v: a one's worst pixel is low for u and high for v, a zero's the other way round.
    margins = np.hstack([np.where(ones, low, -high), np.where(ones, -high, low), y[:, None]])
    found = linprog(
        np.append(np.zeros(2 * d + 1), -1.0),
        A_ub=np.vstack(
            [np.hstack([-margins, np.ones((n, 1))]), np.append(np.ones(2 * d), [0.0, 0.0])]
        ),
        b_ub=np.append(np.zeros(n), 1.0),
        bounds=[(0, None)] * (2 * d) + [(None, None), (0, None)],
    )
    return found.x[-1]


@each_kind
@given(seed=st.integers(0, 10**6))
@settings(max_examples=15)
@example(seed=6)  # not separable at any radius
@example(seed=22)  # separable up to the second of the radii at which pixels cross the threshold
def test_both_proofs_hold_and_meet_where_a_linear_programme_says(kind, seed):
    x, y = images(seed)
    found = separate(x, y, NormBall(INF, 0).in_box(), feature=KINDS[kind])
    assert found.radius <= found.upper_bound <= found.radius + 1e-9
    if found.radius:
        assert widest(kind, x, y, found.radius - BESIDE) > 1e-7
        theta, intercept = found.classifier.theta, float(found.classifier.intercept)
        for share in (0.0, 0.5, 1 - 1e-12):
            margins = least_worst_margins(kind, x, y, share * found.radius, theta, intercept)
            assert margins.min() > 0
    # Just above it the largest margin is 0, up to the tolerance of the programme.
    assert widest(kind, x, y, found.upper_bound + BESIDE) <= 1e-9
    assert found.alpha.min() >= 0 and found.alpha.sum() > 0.5
    assert excess(kind, x, y, found.upper_bound, found.alpha) <= 0


def test_the_margin_of_the_oracle_is_that_of_its_own_classifier_where_it_can_be_seen():
    # One pixel, at 0.9 and 0.2: at radius 0.1 the ends are 0.8 and 0.3, half of 0.5 apart.
    x, y = torch.tensor([[0.9], [0.2]]).double(), torch.tensor([1.0, -1.0])
    assert widest("box", x, y, 0.1) == pytest.approx(0.25)
    assert widest("thresholds", x, y, 0.1) == pytest.approx(0.5)
    assert widest("thresholds", x, y, 0.45) == 0


@given(st.lists(st.integers(1, 30), min_size=2, max_size=6), st.integers(1, 30))
def test_weights_in_whole_proportions_are_found_again(counts, rest):
    whole = np.array([*counts, sum(counts)], float)
    y = np.append(np.ones(len(counts)), -1.0)
    rounded = whole / (3 * rest)  # no binary fraction
    found = in_small_fractions(rounded, y)
    assert found.min() > 0 and (found * y).sum() == 0
    assert (found * whole[0] == found[0] * whole).all()  # the proportions, without rounding


def test_weights_in_no_small_proportion_stay_as_they_are():
    weights = np.array([1.0, 1 / np.pi, 1 / np.sqrt(2), 1 + 1 / np.pi - 1 / np.sqrt(2)])
    assert (in_small_fractions(weights, np.array([1.0, 1.0, -1.0, -1.0])) == weights).all()
