"""axe-core is asked as it should be: it finds faults, those of the dark theme as well."""

import pytest

from tests.browser.checks.pages import accessibility
from tests.browser.driving import set_theme


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
    found = accessibility(page, "color-contrast")
    assert found and all(problem.startswith("color-contrast") for problem in found)
