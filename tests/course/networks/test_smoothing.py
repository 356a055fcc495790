"""Randomised smoothing: exact for linear scores, and a confidence bound that holds as often."""

import copy
import math

import pytest
import torch
from scipy.stats import binomtest, norm

from lectures_code.experiments import seeded
from lectures_code.networks.smoothing import smoothed_radii
from lectures_code.perturbations import NormBall
from lectures_code.risk import certified_radii
from tests.course.networks.cases import dense
from tests.oracles import random_problem, says

MODEL, X, Y = random_problem(1, n=8)
EXACT = certified_radii(MODEL, X, Y, NormBall(2, 1.0))


def smoothed(model=MODEL, x=X, y=Y, **changes):
    how = {"sigma": 0.5, "n_draws": 2000, "confidence": 0.99, "generator": seeded(0), **changes}
    return smoothed_radii(model, x, y, **how)


@pytest.mark.parametrize("sigma", [0.25, 1.0, 4.0])
def test_a_linear_score_has_its_distance_to_the_boundary_for_every_sigma(sigma):
    """Half of the draws on each side: at a confidence of 1/2 the estimate is in the middle."""
    found = smoothed(sigma=sigma, n_draws=100_000, confidence=0.5)
    certain = (EXACT.abs() / sigma) < 3  # beyond, 100,000 draws hold too few of the rarer kind
    assert certain.sum() >= 3
    p = norm.cdf(EXACT / sigma)
    # Four standard deviations of the estimate of p, through the derivative of its quantile.
    spread = 4 * sigma * (p * (1 - p) / 100_000) ** 0.5 / norm.pdf(EXACT / sigma)
    assert ((found - EXACT).abs() <= torch.as_tensor(spread) + 1e-9)[certain].all()


def test_the_bound_is_above_the_truth_as_seldom_as_it_says():
    confidence, runs = 0.9, 200
    draw = seeded(3)
    found = torch.stack(
        [smoothed(n_draws=200, confidence=confidence, generator=draw) for _ in range(runs)]
    )
    too_large = int((found > EXACT).sum())
    # 1,600 bounds, each too large with a probability of at most 0.1: 4 standard deviations more.
    n = runs * len(X)
    assert too_large <= 0.1 * n + 4 * (0.09 * n) ** 0.5
    assert too_large > 0, "a bound that never errs would be looser than it need be"


def test_the_radius_is_that_of_the_clopper_pearson_bound():
    """Counted anew with the same noise, and scipy's own interval, two-sided, for the bound."""
    x, y, n = X[:1], Y[:1], 1500
    noise = torch.cat(
        [
            torch.randn(size, 5, generator=draw, dtype=x.dtype)
            for draw in [seeded(7)]
            for size in (1000, 500)
        ]
    )
    right = int((y * MODEL(x + 0.5 * noise) > 0).sum())
    low = binomtest(right, n).proportion_ci(confidence_level=0.98, method="exact").low
    expected = 0.5 * norm.ppf(low)
    found = smoothed(x=x, y=y, n_draws=n, generator=seeded(7))
    assert 0 < right < n
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_all_votes_certify_what_the_docstring_says_and_none_certifies_nothing():
    far = torch.full((1, 5), 100.0, dtype=torch.float64)
    side = float(MODEL(far).sign())
    right, wrong = (smoothed(x=far, y=torch.tensor([sign * side])) for sign in (1, -1))
    assert float(right) == pytest.approx(0.5 * norm.ppf(0.01 ** (1 / 2000)))
    assert float(wrong) == -math.inf


def test_a_network_votes_in_evaluation_mode_and_is_left_as_it_was():
    model = dense(3).train()
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    x = torch.rand(2, 4, generator=seeded(1), dtype=torch.float64)
    found = smoothed(model, x, torch.tensor([0, 2]))
    assert found.shape == (2,) and found.dtype == torch.float64
    assert model.training and torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("confidence", [1, -0.5, math.nan])
def test_a_confidence_that_is_none_is_refused(confidence):
    with says(
        ValueError,
        f"confidence must be a number in [0, 1), got {confidence!r}: use 0.999",
    ):
        smoothed(confidence=confidence)
