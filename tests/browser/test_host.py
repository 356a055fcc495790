"""The host starts an explorer when it comes near, over http and from a file, and fails softly."""

from pathlib import Path

import pytest
import torch

from lectures_code.explorers.ball import BallExplorer
from lectures_code.perturbations import NormBall
from tests.browser.explorer_pages import result, start, written


@pytest.fixture(scope="module")
def ball():
    return written(BallExplorer(NormBall(2, 1.0), torch.tensor([1.0, 0.5])))


def test_an_explorer_far_below_waits_until_it_comes_near(open_html, ball):
    page_html, files = ball
    page = open_html(page_html.replace("<h1>", '<div style="height: 9000px"></div><h1>'), files)
    page.wait_for_timeout(300)
    assert page.locator(".explorer-still img").count() == 1
    assert [url.rpartition("/")[2] for url in page.guard.requests[1:]] == [
        "explorer.css",
        "screen.js",
        "host.js",
    ]
    start(page)
    assert page.locator(".explorer-still").count() == 0


def test_an_explorer_starts_on_a_page_that_is_opened_as_a_file(new_page, ball, tmp_path):
    page_html, files = ball
    for name, content in {**files, "index.html": page_html}.items():
        path = Path(tmp_path, name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    page = new_page(home=(tmp_path.as_uri() + "/",))
    page.goto((tmp_path / "index.html").as_uri())
    start(page)
    assert result(page)["kind"] == "point"


@pytest.mark.parametrize("broken", ["export default {", "export default {};"])
def test_a_module_that_fails_leaves_the_picture_and_says_so(open_html, ball, broken):
    page_html, files = ball
    page = open_html(
        page_html, {**files, "explorers/ball.js": f"explorers.module('ball', {broken!r})"}
    )
    page.wait_for_selector(".explorer-note")
    assert "cannot be moved here" in page.locator(".explorer-note").inner_text()
    assert page.locator(".explorer-still img").is_visible()
    page.guard.take()


def test_without_scripts_there_is_the_picture(open_html, ball):
    page = open_html(*ball, javascript=False)
    image = page.locator(".explorer-still img")
    assert image.is_visible() and image.bounding_box()["width"] > 200
