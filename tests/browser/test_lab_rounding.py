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
# What is shown beside the mistakes takes long to leave a browser, and in flat lists numbers do not.
RUN = """([given, indices, radii, boxes, names]) => {
    const cases = radii.map((radius, k) => ({ index: indices[k], radius, inBox: boxes[k] }));
    const all = module.mathematics.all({ ...given, cases });
    const shown = names.map((name) => [name, all.cases.map((each) => each[name])]);
    return { free: all.free, boxed: all.boxed, ...Object.fromEntries(shown) };
}"""


def lab(page, model, images, labels):
    """A function that asks the lab in this page for a value of each case: (index, radius, box)."""
    mathematics(page, "attack_lab")
    stored = as_json("it", model, len(images) // len(labels))
    given = {"model": stored, "images": images, "labels": labels}
    return lambda cases, *names: page.evaluate(
        RUN, [given, *map(list, zip(*cases, strict=True)), names]
    )


@pytest.fixture(params=[0.0, 0.1, 0.25, 1 / 3, 0.5, 0.7])
def each_byte(request, blank_page):
    """An image of each byte, one pixel with a weight of 1: nothing is rounded but the pixels.

    Bytes 51, 102, 153 and 204 (0.2 to 0.8) are 0.1 or 0.3 from one half, but for rounding.
    """
    one = torch.ones(1).double()
    model = MonotoneClassifier(Threshold(request.param), LinearClassifier(one, -0.5 * one[0]))
    x = torch.arange(256).double()[:, None] / 255
    y = model(x).sign()
    return model, x, y, lab(blank_page, model, list(range(256)), (y > 0).int().tolist())


def test_counts_at_the_sliders_radii_and_around_each_distance_are_the_packages(each_byte):
    model, x, y, run = each_byte
    ties = (x[:, 0] - model.feature.at).abs()
    near = [ties, *(ties.nextafter(torch.full_like(ties, end)) for end in (-1, 2))]
    radii = [*(k / 200 for k in range(101)), *torch.cat(near).clamp(min=0).tolist()]
    cases = [(0, radius, in_box) for radius in radii for in_box in BALLS]
    found = run(cases, "mistakes")
    for key, ball in zip(("free", "boxed"), BALLS.values(), strict=True):
        assert found[key] == certified_radii(model, x, y, ball).tolist()
    for case, mistakes in zip(cases, found["mistakes"], strict=True):
        ball = BALLS[case[2]].with_radius(case[1])
        assert mistakes == robust_error(model, x, y, ball).k, case


@pytest.mark.parametrize(("radius", "in_box"), list(itertools.product((0.1, 0.3, 0.4), BALLS)))
def test_each_bytes_score_is_the_packages_and_says_whether_it_falls(each_byte, radius, in_box):
    model, x, y, run = each_byte
    found = run([(k, radius, in_box) for k in range(256)], "y", "attackedScore")
    ball = BALLS[in_box].with_radius(radius)
    attacked = ball.perturbed(x, linear_maximiser(model, x, y, ball))
    scores = found["attackedScore"]
    assert scores == model(attacked).tolist()
    falls = [distance <= radius for distance in found["boxed" if in_box else "free"]]
    assert falls == [label * score <= 0 for label, score in zip(found["y"], scores, strict=True)]


@pytest.mark.parametrize("theta", [(1.0, 1.0), (1.0, 2.0), (1.0, 1.0, 1.0)])
def test_where_the_whole_box_just_leads_to_a_tie_an_image_falls_if_it_does_in_the_package(
    blank_page, theta
):
    """Ones in all pixels have a score of 0, and many images fall only there, if at all.

    1 - 204 / 255 is not 51 / 255 in rounded numbers: the way to the face must be the same number.
    Weights of which sums are exact, for the two languages add in orders of their own.
    """
    theta = torch.tensor(theta).double()
    steps = torch.arange(6).double() * 51 / 255
    x = torch.cartesian_prod(*[steps] * len(theta))
    model, y = LinearClassifier(theta, -theta.sum()), -torch.ones(len(x)).double()
    run = lab(blank_page, model, (255 * x).round().int().ravel().tolist(), [0] * len(y))
    cases = [(0, k / 200, in_box) for k in range(201) for in_box in BALLS]
    found = run(cases, "mistakes")
    assert all(radius > 0 for radius in found["boxed"][:-1]), "all but the last are right"
    curves = {in_box: error_curve(model, x, y, ball) for in_box, ball in BALLS.items()}
    for case, mistakes in zip(cases, found["mistakes"], strict=True):
        assert mistakes == curves[case[2]].at(case[1]).k, case
