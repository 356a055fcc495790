"""Weight, paint and shifts are measured as they are, and what is too much is found."""

import base64
import io
import random

import pytest
from PIL import Image

from tests.browser.checks import paint as checks
from tests.browser.driving import assert_none, html


@pytest.fixture
def serve(server):
    """A function that serves a page and files beside it, and returns the page's address."""

    def write(body, files=None):
        for name, content in (files or {}).items():
            server.write(f"_paint/{name}", content)
        return server.write("_paint/index.html", html(body))

    return write


NOISE = random.Random(0).randbytes(checks.LIMIT_BYTES)  # does not get smaller by compression


def test_text_counts_as_it_is_sent_compressed(new_page, serve):
    view = checks.weigh(new_page(), serve("<p>" + "so light " * 100_000))
    assert_none(view.problems())
    assert 500 < view.total < 20_000


def test_a_heavy_page_is_found(new_page, serve):
    url = serve("<script src='a.js'></script>", {"a.js": "//" + base64.b64encode(NOISE).decode()})
    (problem,) = checks.weigh(new_page(), url).problems()
    assert "at most 450,000 are allowed: a.js 4" in problem


def test_figures_further_down_count(new_page, serve):
    body = "<div style='height:20000px'></div><img src='a.png' alt='' loading=lazy>"
    file = io.BytesIO()
    Image.frombytes("L", (600, 750), NOISE).save(file, format="PNG")
    (problem,) = checks.weigh(new_page(), serve(body, {"a.png": file.getvalue()})).problems()
    assert "a.png 45" in problem


def test_what_a_script_loads_later_counts(new_page, serve):
    body = "<script>setTimeout(() => fetch('a.txt').then((answer) => answer.text()), 300)</script>"
    (problem,) = checks.weigh(new_page(), serve(body, {"a.txt": NOISE.hex()})).problems()
    assert "a.txt" in problem


def test_the_script_of_icons_is_found(new_page, serve):
    url = serve("<script src='fontawesome.js'></script>", {"fontawesome.js": "1"})
    (problem,) = checks.weigh(new_page(), url).problems()
    assert problem.endswith("fontawesome.js is loaded")


def test_a_view_of_exactly_the_limit_is_allowed():
    assert checks.FirstView({"a": checks.LIMIT_BYTES}).problems() == []
    assert checks.FirstView({"a": checks.LIMIT_BYTES, "b": 1}).problems() != []


def test_a_page_that_keeps_its_reader_waiting_is_found(new_page, serve):
    late = (
        "<script>const end = performance.now() + 1100; while (performance.now() < end);</script>"
        "<p style='font-size:60px'>at last</p>"
    )
    seen = checks.paint(new_page(), serve(late))
    assert seen["paint"] > 1
    assert any("largest contentful paint" in problem for problem in checks.paint_problems(seen))


@pytest.mark.alone
def test_a_slow_processor_makes_the_same_work_last_longer(blank_page):
    alone = min(blank_page.evaluate(checks.WORK) for _ in range(5))
    checks.slow_down(blank_page, 8)
    assert min(blank_page.evaluate(checks.WORK) for _ in range(5)) > 2 * alone
    blank_page.context.close()


@pytest.mark.alone
def test_a_slow_machine_is_slowed_down_less(blank_page, monkeypatch):
    monkeypatch.setattr("tests.browser.checks.paint.ORDINARY", 1e9)
    assert checks.slowdown_here(blank_page) == checks.SLOWDOWN
    monkeypatch.setattr("tests.browser.checks.paint.ORDINARY", 0)
    assert checks.slowdown_here(blank_page) == 1
    monkeypatch.setattr("tests.browser.checks.paint.ORDINARY", blank_page.evaluate(checks.WORK))
    assert 1 < checks.slowdown_here(blank_page) <= checks.SLOWDOWN


def test_a_page_on_which_nothing_is_painted_is_found(new_page, serve):
    seen = checks.paint(new_page(), serve(""))
    assert checks.paint_problems(seen) == ["the browser reports no largest contentful paint"]


def test_a_page_that_moves_is_found(new_page, serve):
    moves = (
        "<div id=top></div><p style='font-size:60px'>text</p><script>"
        "setTimeout(() => { document.getElementById('top').style.height = '500px' }, 200)</script>"
    )
    seen = checks.paint(new_page(), serve(moves))
    assert seen["shift"] > 0.1
    assert any("layout shift" in problem for problem in checks.paint_problems(seen))
    still = checks.paint(new_page(), serve("<p style='font-size:60px'>text</p>"))
    assert checks.paint_problems(still) == []


def test_a_page_that_moves_when_it_is_scrolled_is_found(new_page, serve):
    # what is inserted pushes down all that is in view below the middle of the window
    moves = (
        "<style>html { overflow-anchor: none } p { font-size: 60px }</style>"
        + "<p>text</p>" * 50
        + "<script>addEventListener('scroll', () => setTimeout(() => {"
        "  const box = document.createElement('div'); box.style.height = '400px';"
        "  document.elementFromPoint(50, innerHeight / 2).before(box); }, 200), {once: true})"
        "</script>"
    )
    url = serve(moves)
    assert checks.shift_problems(checks.paint(new_page(), url)) == []
    assert checks.shift_problems(checks.paint(new_page(), url, scroll=True)) != []
