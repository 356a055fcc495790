"""The perturbations of a certificate: class means coincide, and every example stays in its set."""

import math
from fractions import Fraction

import pytest
import torch

from lectures_code.exact import certificate_perturbations, lower_bound, solve
from lectures_code.logistic import LinearClassifier, losses
from lectures_code.perturbations import NormBall
from lectures_code.risk import worst_margins
from tests.course.exact.problems import RADII, overlapping
from tests.oracles import INF, says

BALLS = [
    *(NormBall(p, radius) for p, radius in RADII.items()),
    *(NormBall(INF, radius).in_box() for radius in (0.05, 0.2, 0.6)),
]
each_ball = pytest.mark.parametrize("ball", BALLS, ids=str)
# Means of 60 numbers in [-1, 2], each formed of a few operations.
ROUNDING = 60 * 8 * 2.0**-52


@each_ball
@pytest.mark.parametrize("seed", range(3))
def test_the_class_means_coincide_and_the_examples_stay_in_their_sets(ball, seed):
    x, y = overlapping(seed)
    alpha = solve(x, y, ball).alpha
    delta = certificate_perturbations(x, y, ball, alpha)
    one, zero = (
        [
            sum(Fraction(a) * Fraction(v) for a, v in zip(own, column, strict=True))
            for column in (x + delta)[y == label].T.tolist()
        ]
        for label in (1, -1)
        for own in [alpha[y == label].tolist()]
    )
    total = Fraction(sum(map(Fraction, alpha[y == 1].tolist())))
    assert max(abs(a - b) for a, b in zip(one, zero, strict=True)) <= ROUNDING * total
    # The definition of the set, written out.
    assert (torch.linalg.vector_norm(delta, ball.p, dim=1) <= ball.radius * (1 + 1e-12)).all()
    if hasattr(ball, "low"):
        assert (x + delta).min() >= -1e-15 and (x + delta).max() <= 1 + 1e-15


@each_ball
def test_they_prove_the_bound_for_every_classifier(ball):
    x, y = overlapping(4)
    alpha = solve(x, y, ball).alpha
    moved = x + certificate_perturbations(x, y, ball, alpha)
    bound = lower_bound(x, y, ball, alpha)
    draw = torch.Generator().manual_seed(0)
    for scale in (0.0, 0.1, 1.0, 10.0):
        weights = scale * torch.randn(11, generator=draw, dtype=torch.float64)
        model = LinearClassifier(weights[:10], weights[10])
        scores = model(moved)
        assert abs((alpha * y) @ scores) <= 1e-11 * (1 + scale) * alpha.sum()
        assert losses(scores, y).mean() >= bound - 1e-12


@each_ball
def test_at_the_optimum_they_are_worst_perturbations(ball):
    x, y = overlapping(5)
    optimum = solve(x, y, ball, tol=1e-12)
    moved = x + certificate_perturbations(x, y, ball, optimum.alpha)
    margins = y * optimum.classifier(moved)
    # The gap is at least the mean of what the perturbations leave of margins above the worst.
    excess = optimum.alpha * (margins - worst_margins(optimum.classifier, x, y, ball))
    assert excess.min() >= -1e-12 and excess.mean() <= optimum.gap + 1e-12


def test_of_several_common_points_it_is_the_one_nearest_to_the_middle():
    # Paper in both classes stays paper, though the adversary might darken both.
    x, y = torch.tensor([[0, 0.4], [0, 0.6]], dtype=torch.float64), torch.tensor([1.0, -1.0])
    half = torch.full((2,), 0.5).double()
    delta = certificate_perturbations(x, y, NormBall(INF, 0.3).in_box(), half)
    assert delta[:, 0].tolist() == [0, 0]
    assert (x + delta)[:, 1].tolist() == pytest.approx([0.5, 0.5], abs=1e-15)


def test_what_proves_nothing_is_refused():
    x, y = torch.tensor([[0.0], [1.0]]).double(), torch.tensor([1.0, -1.0])
    ball, half = NormBall(INF, 0.1), torch.full((2,), 0.5).double()
    with pytest.raises(ValueError, match=r"alpha must be feasible at radius 0\.1"):
        certificate_perturbations(x, y, ball, half)
    with pytest.raises(ValueError, match="weighted interval means of the classes overlap"):
        certificate_perturbations(x, y, ball.in_box(), half)
    text = (
        "alpha must have a positive entry, got zeros: they prove only that a risk is not negative, "
        "use the alpha of an optimum"
    )
    with says(ValueError, text):
        certificate_perturbations(x, y, ball, torch.zeros(2).double())
    assert math.isfinite(certificate_perturbations(x.float(), y, NormBall(INF, 0.6), half).sum()), (
        "float32 examples will do"
    )
