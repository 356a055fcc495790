"""The envelope explorer shows what the package computes."""

import itertools

import pytest
import torch

from lectures_code.danskin import ValueFunction, difference_quotient
from lectures_code.explorers.envelope import FAMILIES, EnvelopeExplorer
from tests.browser import explorer_pages as explorers
from tests.oracles import vector

# On the slider's grid; off it; so near a kink that the package counts it as one; not so near.
THETAS = [k / 20 for k in range(-40, 41, 8)] + [-1, 0.15, 1, 0.333, -1.777, 1e-14, -1e-9]
MISSES = (0, 0.05, 0.5, 0.75, 1)
SETTINGS = list(itertools.product(FAMILIES, THETAS))
# Exponentials and logarithms are rounded differently in the two languages, by a few units in the
# last place of numbers of size 10.
TOLERANCE = 1e-12
H = 2.0**-20
# Of a difference quotient: that rounding, divided by H.
QUOTIENT_TOLERANCE = 1e-8
ONE = torch.ones(1, dtype=torch.float64)


def one_sided(phi, theta):
    return [sign * float(phi.directional_derivative(theta, sign * ONE)) for sign in (-1, 1)]


@pytest.fixture(scope="module")
def explorer():
    return EnvelopeExplorer()


@pytest.fixture
def explore(blank_page):
    """A function that gives pairs of a setting and what is shown for it, all in one call."""
    explorers.mathematics(blank_page, "envelope")

    def pairs(misses=(0,), settings=SETTINGS):
        asked = [
            {"family": family, "theta": theta, "miss": miss}
            for (family, theta), miss in itertools.product(settings, misses)
        ]
        shown = blank_page.evaluate("all => all.map(module.mathematics.explore)", asked)
        return zip([(*each.values(),) for each in asked], shown, strict=True)

    return pairs


def test_values_maximisers_and_slopes_equal_the_packages_on_a_grid(explore):
    kinks = set()
    for (family, theta, _), shown in explore():
        phi, at = EnvelopeExplorer(family, theta).value_function, vector(theta)
        best = phi.deltas[phi.maximisers(at), 0]
        assert shown["value"] == pytest.approx(float(phi(at)), abs=TOLERANCE)
        # All points or one: as a set they are known from their number and their ends.
        assert len(best) == (len(phi.deltas) if shown["kink"] else 1)
        assert shown["maximisers"] == [best.min(), best.max()]
        assert shown["slopes"] == pytest.approx(one_sided(phi, at), abs=TOLERANCE)
        kinks |= {(family, theta)} if shown["kink"] else set()
    assert kinks == {("logistic", 0), ("logistic", 1e-14)}


def test_slopes_by_differences_equal_the_packages_and_nearly_those_by_danskin(explore):
    for (family, theta, _), shown in explore():
        formula = FAMILIES[family].g

        def envelope(at, formula=formula):
            # The quadratic family's maximiser moves with the weight; the ends serve the others.
            candidates = torch.stack([-ONE, at.clamp(-1, 1), ONE])
            return formula(at, candidates).max()

        theirs = [difference_quotient(envelope, vector(theta), ONE, h) for h in (-H, H)]
        assert shown["quotients"] == pytest.approx(theirs, abs=QUOTIENT_TOLERANCE)
        # A second derivative of at most 1, times H; within H of a kink a quotient sees both sides.
        if abs(theta) != 1e-9:
            assert shown["quotients"] == pytest.approx(shown["slopes"], abs=H)


def test_the_inexact_maximiser_its_value_and_its_gradient_equal_the_packages(explore):
    for (family, theta, miss), shown in explore(MISSES):
        explorer, at = EnvelopeExplorer(family, theta, miss), vector(theta)
        phi = explorer.value_function
        near = ValueFunction(phi.g, vector(explorer.inexact_maximiser)[:, None])
        gradient = float(near.gradient(at))
        left, right = one_sided(phi, at)
        error = max(left - gradient, gradient - right, 0)
        assert shown["delta"] == pytest.approx(explorer.inexact_maximiser, abs=TOLERANCE)
        assert -1 <= shown["delta"] <= 1
        assert shown["eta"] == pytest.approx(float(phi(at) - near(at)), abs=TOLERANCE)
        assert shown["gradient"] == pytest.approx(gradient, abs=TOLERANCE)
        assert shown["error"] == pytest.approx(error, abs=TOLERANCE)


def test_a_step_is_said_to_go_up_exactly_where_the_envelope_rises(explore):
    seen = set()
    for (family, theta, miss), shown in explore(MISSES):
        explorer = EnvelopeExplorer(family, theta, miss)
        phi, at = explorer.value_function, vector(theta)
        near = ValueFunction(phi.g, vector(explorer.inexact_maximiser)[:, None])
        gradient = near.gradient(at)
        if gradient == 0:
            expected = "none"
        else:
            slope = float(phi.directional_derivative(at, -gradient))
            # The envelopes are convex: where the slope is 0 is the minimum, and any step leaves it.
            expected = "up" if slope >= 0 else "down"
        assert shown["step"] == expected, (family, theta, miss)
        seen.add(expected)
    assert seen == {"up", "down", "none"}


def test_in_the_quadratic_family_the_gradient_is_off_by_the_root_of_twice_what_is_missed(explore):
    smooth = [("quadratic", theta) for theta in (-0.5, 0, 0.3, 1)]
    for _, shown in explore(MISSES, smooth):
        assert shown["error"] == pytest.approx((2 * shown["eta"]) ** 0.5, abs=1e-8)


def test_the_drawn_curves_are_the_packages(blank_page):
    call = explorers.mathematics(blank_page, "envelope")
    for family, delta in itertools.product(FAMILIES, (-1, -0.5, 0.25, 1)):
        theirs = [
            float(FAMILIES[family].g(vector(theta), vector(delta)[:, None])) for theta in THETAS
        ]
        assert call("curve", family, delta, THETAS) == pytest.approx(theirs, abs=TOLERANCE)
    for family in FAMILIES:
        tops = [
            float(EnvelopeExplorer(family, theta).value_function(vector(theta))) for theta in THETAS
        ]
        assert call("envelope", family, THETAS) == pytest.approx(tops, abs=TOLERANCE)


def expected_texts(family, theta, miss):
    explorer, at = EnvelopeExplorer(family, theta, miss), vector(theta)
    phi = explorer.value_function
    best = float(phi.deltas[phi.maximisers(at)[0], 0])
    near = ValueFunction(phi.g, vector(explorer.inexact_maximiser)[:, None])
    slope, gradient = float(phi.gradient(at)), float(near.gradient(at))
    return [
        f"{phi(at):.3f}", f"{best:.2f}", f"{slope:.3f}", f"{slope:.3f}",
        f"{explorer.inexact_maximiser:.2f}", f"{phi(at) - near(at):.4f}", f"{gradient:.3f}",
        f"{abs(gradient - slope):.3f}",
    ]  # fmt: skip


def test_the_page_shows_the_packages_numbers_before_and_after_changes(page):
    assert explorers.texts(page) == expected_texts("logistic", 1.0, 0.0)
    explorers.slide(page, theta=1.35, miss=0.7)
    assert explorers.texts(page) == expected_texts("logistic", 1.35, 0.7)
    page.locator("input[value=quadratic]").check()
    assert explorers.texts(page) == expected_texts("quadratic", 1.35, 0.7)
    page.locator("input[value=logistic]").check()
    explorers.slide(page, theta=-0.4)
    assert explorers.texts(page) == expected_texts("logistic", -0.4, 0.7)


def test_at_the_kink_both_slopes_are_shown_and_a_step_goes_up(page):
    explorers.slide(page, theta=0)
    assert explorers.texts(page)[1:4] == ["all of [-1, 1]", "-0.750 to 0.250", "-0.750 to 0.250"]
    assert page.locator(".envelope-wedge").count() == 1
    assert page.locator(".envelope-verdict").inner_text() == "A step against it goes up."
    explorers.slide(page, theta=0.05)
    assert page.locator(".envelope-wedge").count() == 0
    assert page.locator(".envelope-verdict").inner_text() == "A short step against it goes down."


def test_the_tangent_at_the_inexact_maximiser_appears_with_its_entry_in_the_key(page):
    plot, key = page.locator(".explorer-drawing .envelope-off"), page.get_by_text("tangent at δ̂")
    assert plot.count() == 0 and not key.is_visible()
    explorers.slide(page, miss=0.5)
    assert plot.count() == 1 and key.is_visible()


def test_the_keyboard_alone_moves_everything_and_the_change_is_said(page):
    explorers.walk(
        page,
        ("logistic", "ArrowDown", {"family": "quadratic"}),
        ("theta", "ArrowLeft", {"theta": 0.95}),
        ("miss", "End", {"miss": 1}),
    )
    assert explorers.said(page, "θ = 0.95").endswith("A step against it goes up.")
    assert page.locator("input[name=miss]").get_attribute("aria-valuetext") == "1.00"


@pytest.mark.parametrize("which", [0, 1], ids=["on the envelope", "on the axis"])
def test_the_weight_can_be_dragged_and_is_drawn_to_the_kink(page, which):
    x, y = explorers.centre(page.locator(".envelope-point").nth(which))
    unit = page.locator(".explorer-drawing").evaluate("svg => svg.getScreenCTM().a") * 290 / 4
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 0.5 * unit, y - 30, steps=3)
    assert explorers.result(page)["theta"] == 1.5
    page.mouse.move(x - 0.93 * unit, y, steps=5)
    page.mouse.up()
    shown = explorers.result(page)
    assert shown["theta"] == 0 and shown["kink"]
    page.mouse.move(x, y)
    assert explorers.result(page) == shown


def test_a_finger_drags_the_weight_without_scrolling_the_page(page):
    x, y = explorers.centre(page.locator(".envelope-point").first)
    scrolled = page.evaluate("scrollY")
    session = page.context.new_cdp_session(page)

    def touch(kind, *points):
        points = [{"x": x, "y": y} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (x + 12, y + 10))
    touch("touchMove", (x + 30, y + 60))
    touch("touchMove", (x + 60, y + 90))
    touch("touchEnd")
    page.wait_for_function(
        "JSON.parse(document.querySelector('.explorer-live').dataset.result).theta > 1.5"
    )
    assert page.evaluate("scrollY") == scrolled


def test_the_explorer_lives_in_its_chapter(open_page):
    page = open_page("book/lecture/danskin.html")
    explorers.start(page)
    assert explorers.texts(page) == expected_texts("logistic", 1.0, 0.0)
    explorers.slide(page, theta=-0.5)
    assert explorers.texts(page) == expected_texts("logistic", -0.5, 0.0)
