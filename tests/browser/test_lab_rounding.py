"""Where a radius reaches a threshold, or the box a tie, the attack lab counts as the package."""

import itertools

import pytest
import torch

from lectures_code.attacks import linear_maximiser
from lectures_code.explorers.stored import as_json
from lectures_code.features import MonotoneClassifier, Threshold
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import certified_radii, error_curve, robust_error
from tests.browser.explorer_pages import mathematics
from tests.oracles import INF

BALLS = {False: NormBall(INF, 1.0), True: NormBall(INF, 1.0).in_box()}


@pytest.fixture(params=[0.0, 0.1, 0.25, 1 / 3, 0.5, 0.7])
def each_byte(request, blank_page):
    """An image of each byte, one pixel with a weight of 1: nothing is rounded but the pixels.

    Bytes 51, 102, 153 and 204 (0.2 to 0.8) are 0.1 or 0.3 from one half, but for rounding.
    """
    call, one = mathematics(blank_page, "attack_lab"), torch.ones(1).double()
    model = MonotoneClassifier(Threshold(request.param), LinearClassifier(one, -0.5 * one[0]))
    x = torch.arange(256).double()[:, None] / 255
    y = model(x).sign()
    given = {"images": list(range(256)), "labels": (y > 0).int().tolist()}
    stored = as_json("it", model, 1)
    return model, x, y, lambda cases: call("all", {"model": stored, **given, "cases": cases})


def test_counts_at_the_sliders_radii_and_around_each_distance_are_the_packages(each_byte):
    model, x, y, run = each_byte
    ties = (x[:, 0] - model.feature.at).abs()
    near = [ties, *(ties.nextafter(torch.full_like(ties, end)) for end in (-1, 2))]
    radii = [*(k / 200 for k in range(101)), *torch.cat(near).clamp(min=0).tolist()]
    cases = [{"index": 0, "radius": r, "inBox": b} for r in radii for b in BALLS]
    found = run(cases)
    for key, ball in zip(("free", "boxed"), BALLS.values(), strict=True):
        assert found[key] == certified_radii(model, x, y, ball).tolist()
    for case, shown in zip(cases, found["cases"], strict=True):
        ball = BALLS[case["inBox"]].with_radius(case["radius"])
        assert shown["mistakes"] == robust_error(model, x, y, ball).k, case


@pytest.mark.parametrize(("radius", "in_box"), list(itertools.product((0.1, 0.3, 0.4), BALLS)))
def test_each_bytes_score_is_the_packages_and_says_whether_it_falls(each_byte, radius, in_box):
    model, x, y, run = each_byte
    found = run([{"index": k, "radius": radius, "inBox": in_box} for k in range(256)])
    ball = BALLS[in_box].with_radius(radius)
    attacked = ball.perturbed(x, linear_maximiser(model, x, y, ball))
    scores = [shown["attackedScore"] for shown in found["cases"]]
    assert scores == model(attacked).tolist()
    falls = [distance <= radius for distance in found["boxed" if in_box else "free"]]
    assert falls == [shown["y"] * shown["attackedScore"] <= 0 for shown in found["cases"]]


@pytest.mark.parametrize("theta", [(1.0, 1.0), (1.0, 2.0), (1.0, 1.0, 1.0)])
def test_where_the_whole_box_just_leads_to_a_tie_an_image_falls_if_it_does_in_the_package(
    blank_page, theta
):
    """Ones in all pixels have a score of 0, and many images fall only there, if at all.

    1 - 204 / 255 is not 51 / 255 in rounded numbers: the way to the face must be the same number.
    Weights of which sums are exact, for the two languages add in orders of their own.
    """
    call, theta = mathematics(blank_page, "attack_lab"), torch.tensor(theta).double()
    steps = torch.arange(6).double() * 51 / 255
    x = torch.cartesian_prod(*[steps] * len(theta))
    model, y = LinearClassifier(theta, -theta.sum()), -torch.ones(len(x)).double()
    cases = [{"index": 0, "radius": k / 200, "inBox": b} for k in range(201) for b in BALLS]
    images, labels = (255 * x).round().int().ravel().tolist(), [0] * len(y)
    given = {"images": images, "labels": labels, "cases": cases}
    found = call("all", {"model": as_json("it", model, len(theta)), **given})
    assert all(radius > 0 for radius in found["boxed"][:-1]), "all but the last are right"
    for case, shown in zip(cases, found["cases"], strict=True):
        curve = error_curve(model, x, y, BALLS[case["inBox"]])
        assert shown["mistakes"] == curve.at(case["radius"]).k, case
