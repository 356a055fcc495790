"""The ball explorer shows what the package computes."""

import itertools
import math

import pytest
import torch

from lectures_code.explorers.ball import BallExplorer
from lectures_code.perturbations import NormBall
from tests.browser.explorer_pages import mathematics, result, slide, start, written

INVERSE_Q = (0.0, 0.05, 0.3, 0.5, 0.75, 0.95, 1.0)
WEIGHTS = [(1, 0.6), (-0.05, 1.95), (1, 0), (0, -1.5), (1, 1), (-0.7, 0.7), (0, 0), (2, -2)]
# Powers and roots are rounded differently in the two languages, by a few units in the last place.
TOLERANCE = 1e-12


def ball(inverse_q, radius):
    return NormBall(math.inf if inverse_q == 1 else 1 / (1 - inverse_q), radius)


@pytest.fixture
def explore(blank_page):
    call = mathematics(blank_page, "ball")
    return lambda w, inverse_q, radius: call(
        "explore", {"w": w, "inverseQ": inverse_q, "radius": radius}
    )


def test_values_and_maximisers_equal_the_packages_on_a_grid(explore):
    for inverse_q, w, radius in itertools.product(INVERSE_Q, WEIGHTS, (0.1, 1.0, 2.0)):
        shown = explore(w, inverse_q, radius)
        theirs, weights = ball(inverse_q, radius), torch.tensor(w, dtype=torch.float64)
        chosen = torch.tensor(shown["chosen"], dtype=torch.float64)
        assert shown["value"] == pytest.approx(float(theirs.support(weights)), abs=TOLERANCE)
        assert torch.allclose(chosen, theirs.maximiser(weights), rtol=0, atol=TOLERANCE)


def test_every_end_of_an_edge_is_a_maximiser_and_edges_are_found(explore):
    for inverse_q, w in itertools.product(INVERSE_Q, WEIGHTS):
        shown = explore(w, inverse_q, 1.0)
        theirs, weights = ball(inverse_q, 1.0), torch.tensor(w, dtype=torch.float64)
        for end in torch.tensor(shown["ends"], dtype=torch.float64).reshape(-1, 2):
            assert theirs.contains(end)
            assert float(end @ weights) == pytest.approx(shown["value"], abs=TOLERANCE)
        if w == (0, 0):
            assert shown["kind"] == "ball"
        else:
            flat = (inverse_q == 1 and 0 in w) or (inverse_q == 0 and abs(w[0]) == abs(w[1]))
            assert (shown["kind"], len(shown["ends"])) == (("edge", 2) if flat else ("point", 1))


def test_the_outline_lies_on_the_sphere(blank_page):
    call = mathematics(blank_page, "ball")
    for p in (1, 1.25, 2, 7, math.inf):
        points = torch.tensor(call("outline", p, 1.5), dtype=torch.float64)
        lengths = torch.linalg.vector_norm(points, ord=p, dim=1)
        assert torch.allclose(lengths, torch.full_like(lengths, 1.5), rtol=0, atol=TOLERANCE)


@pytest.fixture
def page(open_html):
    explorer = BallExplorer(NormBall(math.inf, 1.0), torch.tensor([1.0, 0.6]))
    page = open_html(*written(explorer), width=375, touch=True)
    start(page)
    return page


def shown_texts(page):
    return [text.replace("−", "-") for text in page.locator("dd").all_inner_texts()]


def test_the_page_shows_the_packages_numbers_before_and_after_a_change(page):
    assert shown_texts(page) == ["1", "1.60", "1.60", "(1.00, 1.00)"]
    slide(page, "w1", -1.5)
    slide(page, "inverse_q", 0.5)
    slide(page, "radius", 0.5)
    weights = torch.tensor([-1.5, result(page)["w"][1]], dtype=torch.float64)
    theirs = NormBall(2, 0.5)
    best = ", ".join(f"{value:.2f}" for value in theirs.maximiser(weights).tolist())
    numbers = [float(weights.norm()), float(theirs.support(weights))]
    assert shown_texts(page) == ["2", *(f"{value:.2f}" for value in numbers), f"({best})"]


def test_the_keyboard_alone_moves_everything_and_the_change_is_said(page):
    page.keyboard.press("Tab")
    for name, key in (("inverse_q", "ArrowLeft"), ("w1", "ArrowUp"), ("w2", "End")):
        assert page.evaluate("document.activeElement.name") == name
        before = result(page)
        page.keyboard.press(key)
        assert result(page) != before
        page.keyboard.press("Tab")
    page.wait_for_function(
        "document.querySelector('[role=status]').textContent.includes('largest')"
    )
    assert "largest value" in page.locator("[role=status]").inner_text()
    assert page.locator("input[name=w2]").get_attribute("aria-valuetext") == "2.00"


def test_the_arrow_can_be_dragged_and_snaps_to_the_axis(page):
    box = page.locator(".ball-tip").bounding_box()
    axis = page.locator(".ball-weights").evaluate(
        "line => line.getPointAtLength(0).matrixTransform(line.getScreenCTM()).y"
    )
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 40, axis + 1, steps=4)
    page.mouse.up()
    shown = result(page)
    assert shown["w"][1] == 0 and shown["w"][0] != 1 and shown["kind"] == "edge"
    assert "not unique" in shown_texts(page)[3]


def test_a_notebooks_own_rules_for_outputs_do_not_squeeze_the_numbers(open_html):
    """JupyterLab's, which come before an explorer's and are as specific."""
    page, files = written(BallExplorer(NormBall(2.0, 1.0), torch.tensor([1.0, 0.6])))
    rules = "<style>.explorer dt { float: left; width: 20%; font-weight: bold }</style>"
    opened = open_html(page.replace("<link rel", f"{rules}<link rel", 1), files, width=375)
    start(opened)
    terms = opened.locator(".explorer-readout dt")
    heights = terms.evaluate_all("(terms) => terms.map((term) => term.offsetHeight)")
    assert len(heights) > 3 and max(heights) < 1.5 * min(heights)
