"""The first look shows what the package computes, and the page keeps its place when it starts."""

import pytest
import torch

from lectures_code.explorers.first_look import FirstLook
from lectures_code.features import MonotoneClassifier, Threshold
from lectures_code.logistic import LinearClassifier
from tests.browser.explorer_pages import mathematics, result, said, slide, start, texts, walk

# 784 terms, whose sizes sum to about 100, are added in an order of its own by each language.
ROUNDING = 1e-11


def drawn(seed=0):
    """A random image, and a classifier that an attack of a radius around 0.1 turns."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randint(256, (784,), generator=draw).double() / 255
    theta = torch.randn(784, generator=draw, dtype=torch.float64) / 10
    theta[::7] = 0
    label = 1.0 if seed % 2 else -1.0
    return LinearClassifier(theta, float(0.1 * label * theta.abs().sum() - theta @ x)), x, label


@pytest.mark.parametrize("thresholded", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_perturbation_scores_and_probabilities_equal_the_packages(blank_page, seed, thresholded):
    call = mathematics(blank_page, "first_look")
    model, x, y = drawn(seed)
    model = MonotoneClassifier(Threshold(0.5), model) if thresholded else model
    look = FirstLook(model, x, y)
    for radius in (0.0, 0.005, 0.1, 0.2, 0.3):
        look.radius = radius
        given = {"model": look.classifier, "image": list(look.image), "digit": look.digit}
        shown = call("look", {**given, "radius": radius})
        _, image, delta = look._attacked()
        scores = torch.cat([model(image), model(image + delta)])
        numbers = [shown["score"], shown["attackedScore"]]
        assert numbers == pytest.approx(scores.tolist(), rel=ROUNDING, abs=ROUNDING)
        numbers = [shown["probability"], shown["attackedProbability"]]
        assert numbers == pytest.approx(torch.sigmoid(scores).tolist(), rel=ROUNDING, abs=ROUNDING)
        assert torch.equal(torch.tensor(shown["delta"], dtype=torch.float64), delta[0])


@pytest.fixture(scope="module")
def explorer():
    return FirstLook(*drawn())


def test_the_answer_follows_the_slider(page):
    model, x, _ = drawn()
    before = float(model(x[None]))
    for radius in (0.2, 0.05, 0.3, 0.0):
        slide(page, radius=radius)
        attacked = float(model((x + radius * model.theta.sign())[None]))
        names = ["a one" if score > 0 else "a zero" for score in (before, attacked)]
        assert texts(page, ".look-answer") == [names[0], f"± {radius:.3f}", names[1]]
        details = texts(page, ".look-detail")
        assert [details[0], details[4]] == [f"score {before:+.2f}", f"score {attacked:+.2f}"]
        probability = float(torch.sigmoid(torch.tensor(attacked)))
        text = f"{probability:.3f}" if probability <= 0.999 else "> 0.999"
        assert details[5] == f"P(1) {text}"
        assert result(page)["wrong"] == (attacked >= 0)
        assert page.locator(".look-wrong").count() == (attacked >= 0)


def test_the_keyboard_moves_the_radius_and_the_change_is_said(page):
    walk(page, ("radius", "Home", {"radius": 0, "wrong": False}))
    said(page, "zero")
    page.keyboard.press("End")
    assert "says a one" in said(page, "wrong")


@pytest.mark.parametrize("width", [1280, 375, 320])
def test_the_page_keeps_its_place_when_the_explorer_starts(open_html, files, width):
    page_html, scripts = files
    below = page_html.replace("</main>", "<p id=below>Below</p></main>")
    still = open_html(below, {**scripts, "host.js": ""}, width=width)
    live = open_html(below, scripts, width=width)
    start(live)
    places = [each.locator("#below").bounding_box()["y"] for each in (still, live)]
    assert places[0] == pytest.approx(places[1], abs=0.5)
    image = still.locator(".explorer-still img").bounding_box()
    box = still.locator(".explorer-still").bounding_box()
    assert image["height"] <= box["height"] and image["width"] <= width
    assert live.evaluate("document.documentElement.scrollWidth") <= width
    slider = live.locator("input[name=radius]").bounding_box()
    assert slider["y"] + slider["height"] <= places[1], "the controls fit into what is reserved"


def test_without_scripts_nothing_is_reserved_below_the_picture(open_html, files):
    page = open_html(*files, width=375, javascript=False)
    image = page.locator(".explorer-still img").bounding_box()
    box = page.locator(".explorer-still").bounding_box()
    assert box["height"] == pytest.approx(image["height"], abs=2)


def test_on_the_front_page_it_starts_at_once_and_the_answer_is_wrong(open_page):
    page = open_page("book/index.html", width=375)
    page.wait_for_selector("[data-explorer=first_look][data-live]")
    assert texts(page, ".look-answer") == ["a zero", "± 0.200", "a one"]
    page.locator("input[name=radius]").press("Home")
    assert texts(page, ".look-answer") == ["a zero", "± 0.000", "a zero"]
