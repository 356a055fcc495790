"""axe-core finds nothing on any page, light or dark."""

import pytest

from tests.browser.driving import assert_none, set_theme
from tests.browser.page_checks import accessibility


def test_axe_finds_nothing_in_light_and_dark(open_page, page_path):
    page = open_page(page_path)
    found = page.guard.take()
    for mode in ("light", "dark"):
        set_theme(page, mode)
        found += [f"{mode}: {problem}" for problem in accessibility(page)]
    # axe-core reads the style sheets itself, and looks for what they import in the wrong folder.
    page.guard.take()
    assert_none(found)


def test_the_readers_choice_of_dark_is_dark(open_page, pages):
    def ground(page):
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    chosen = open_page(pages[0], dark=True)
    assert chosen.evaluate("document.documentElement.dataset.theme") == "dark"
    switched = open_page(pages[0])
    light = ground(switched)
    set_theme(switched, "dark")
    assert ground(switched) == ground(chosen) != light
    unscripted = open_page(pages[0], dark=True, javascript=False)
    assert ground(unscripted) == ground(chosen)
    assert ground(open_page(pages[0], javascript=False)) == light


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ('<img src="data:,">', "image-alt"),
        ("<button></button>", "button-name"),
        ("<input type=range>", "label"),
        ("<p style='color:#999;background:#fff'>pale</p>", "color-contrast"),
        ("<h3>too deep</h3>", "heading-order"),
        ("<div style='height:20px;overflow:auto'><p style='height:99px'>x</p></div>", "scrollable"),
    ],
)
def test_a_violation_is_found(open_html, body, rule):
    page = open_html(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>A page</title><body><main>'
        f"<h1>A page</h1>{body}</main></body></html>"
    )
    page.guard.take()
    found = accessibility(page)
    assert found and all(problem.startswith(rule) for problem in found)


def test_a_page_without_fault_has_no_violation(open_html):
    page = open_html(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>A page</title><body><main>'
        "<h1>A page</h1><p>Text.</p></main></body></html>"
    )
    assert accessibility(page) == []


def test_a_fault_in_the_dark_theme_alone_is_found(open_html):
    page = open_html(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>A page</title>'
        "<style>body{background:#fff;color:#111}"
        "[data-theme=dark] body{background:#111;color:#333;transition:all 9s}</style>"
        "<body><main><h1>A page</h1></main></body></html>"
    )
    assert accessibility(page) == []
    set_theme(page, "dark")
    assert any(problem.startswith("color-contrast") for problem in accessibility(page))
