"""The ball explorer shows what the package computes."""

import itertools
import math

import pytest
import torch

from lectures_code.explorers.ball import BallExplorer
from lectures_code.perturbations import NormBall
from tests.browser import explorer_pages as explorers

INVERSE_Q = (0.0, 0.05, 0.3, 0.5, 0.75, 0.95, 1.0)
WEIGHTS = [(1, 0.6), (-0.05, 1.95), (1, 0), (0, -1.5), (1, 1), (-0.7, 0.7), (0, 0), (2, -2)]
# Powers and roots are rounded differently in the two languages, by a few units in the last place.
TOLERANCE = 1e-12


def ball(inverse_q, radius):
    return NormBall(math.inf if inverse_q == 1 else 1 / (1 - inverse_q), radius)


@pytest.fixture(scope="module")
def explorer():
    return BallExplorer(NormBall(math.inf, 1.0), torch.tensor([1.0, 0.6]))


@pytest.fixture
def explore(blank_page):
    call = explorers.mathematics(blank_page, "ball")
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
    call = explorers.mathematics(blank_page, "ball")
    for p in (1, 1.25, 2, 7, math.inf):
        points = torch.tensor(call("outline", p, 1.5), dtype=torch.float64)
        lengths = torch.linalg.vector_norm(points, ord=p, dim=1)
        assert torch.allclose(lengths, torch.full_like(lengths, 1.5), rtol=0, atol=TOLERANCE)


def test_the_page_shows_the_packages_numbers_before_and_after_a_change(page):
    assert explorers.texts(page) == ["1", "1.60", "1.60", "(1.00, 1.00)"]
    explorers.slide(page, w1=-1.5, inverse_q=0.5, radius=0.5)
    weights = torch.tensor([-1.5, explorers.result(page)["w"][1]], dtype=torch.float64)
    theirs = NormBall(2, 0.5)
    best = ", ".join(f"{value:.2f}" for value in theirs.maximiser(weights).tolist())
    numbers = [float(weights.norm()), float(theirs.support(weights))]
    assert explorers.texts(page) == ["2", *(f"{value:.2f}" for value in numbers), f"({best})"]


def test_the_keyboard_alone_moves_everything_and_the_change_is_said(page):
    explorers.walk(
        page, ("inverse_q", "ArrowLeft", "value"), ("w1", "ArrowUp", "w"), ("w2", "End", "w")
    )
    assert "largest value" in explorers.said(page, "largest")
    assert page.locator("input[name=w2]").get_attribute("aria-valuetext") == "2.00"


def test_the_arrow_can_be_dragged_and_snaps_to_the_axis(page):
    x, y = explorers.centre(page.locator(".ball-tip"))
    _, axis = explorers.start_of_line(page.locator(".ball-weights"))
    explorers.drag(page, (x, y), (x - 50, axis + 1))
    shown = explorers.result(page)
    assert shown["w"][1] == 0 and shown["w"][0] != 1 and shown["kind"] == "edge"
    assert "not unique" in explorers.texts(page)[3]


def test_a_notebooks_own_rules_for_outputs_do_not_squeeze_the_numbers(open_html, files):
    """JupyterLab's, which come before an explorer's and are as specific."""
    html, scripts = files
    rules = "<style>.explorer dt { float: left; width: 20%; font-weight: bold }</style>"
    page = open_html(html.replace("<link rel", f"{rules}<link rel", 1), scripts, width=375)
    explorers.start(page)
    terms = page.locator(".explorer-readout dt")
    heights = terms.evaluate_all("(terms) => terms.map((term) => term.offsetHeight)")
    assert len(heights) > 3 and max(heights) < 1.5 * min(heights)
