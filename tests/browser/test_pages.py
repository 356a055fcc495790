"""Every page in the browser: nothing goes wrong, formulas are typeset, nothing sticks out.

And axe-core finds nothing, light or dark.

Requests to other hosts, failed requests, errors in the console and unhandled rejections fail each
of these tests when its page is closed (checks/guard.py; checks/test_guard.py shows that they do).
"""

import pytest

from booksite.questions import QUESTION
from tests.browser.checks import pages as checks
from tests.browser.driving import assert_none, set_theme


def test_a_page_passes(open_page, page_path):
    page = open_page(page_path)
    found = checks.formulas(page) + checks.images(page)
    for width in checks.WIDTHS:
        found += checks.overflow(page, width)
        found += [f"{width} px: {problem}" for problem in checks.narrow(page)]
    found += page.guard.take()
    found += [f"light: {problem}" for problem in checks.accessibility(page)]
    # What a theme changes are colours.
    set_theme(page, "dark")
    found += [f"dark: {problem}" for problem in checks.accessibility(page, colours_only=True)]
    # axe-core reads the style sheets itself, and looks for what they import in the wrong folder.
    page.guard.take()
    assert_none(found)
    # Only code can be copied.
    code = page.locator(".cell_input pre").count()
    if code:
        page.wait_for_selector(".cell_input .copybtn", state="attached")
    assert page.locator(".cell_input .copybtn").count() == code
    assert page.locator(".output .copybtn").count() == 0


@pytest.mark.parametrize("width", [320, 375])
@pytest.mark.parametrize("name", ["linear_models", "mnist"])  # formulas, code and tables
def test_what_scrolls_on_a_phone_is_in_reach_of_the_keyboard(open_page, name, width):
    page = open_page(f"book/lecture/{name}.html", width=width)
    assert_none(checks.narrow(page, keys=True))


# As `load_pair` writes one where a sample stands in MNIST's place; no page of this site has one.
NOTICE = """() => {
    const cell = document.querySelector("article .cell_output:has(> .output.stream)");
    cell.innerHTML = `<div class="output stderr highlight-myst-ansi notranslate">
        <div class="highlight"><pre tabindex="0">${"a notice ".repeat(20)}</pre></div></div>`;
    const lines = cell.querySelector("pre");
    return lines.scrollWidth > lines.clientWidth;
}"""


@pytest.mark.parametrize("dark", [False, True])
def test_a_notice_that_scrolls_shows_that_it_does(open_page, dark):
    page = open_page("book/lecture/mnist.html", width=375, dark=dark)
    assert page.evaluate(NOTICE)
    assert_none(checks.narrow(page))


def test_a_page_passes_without_scripts(open_page, page_path):
    page = open_page(page_path, javascript=False)
    assert_none(checks.formulas(page) + checks.stills(page))
    if page_path == "search.html":
        assert "JavaScript" in page.locator("main").inner_text()
    else:
        assert page.locator("article h1").first.is_visible()


def test_formulas_come_from_the_build(open_page, site, pages):
    texts = [(site / page).read_text(encoding="utf-8").lower() for page in pages]
    assert not any("mathjax.js" in text or "tex-chtml" in text for text in texts)
    chapters = [page for page in pages if page.startswith("book/lecture/")]
    assert len(chapters) == 4
    for chapter in chapters:
        assert checks.count_formulas(open_page(chapter, javascript=False)) >= 10


def test_each_question_of_a_chapter_looks_like_one(site, chapter_path):
    page = (site / chapter_path).read_text(encoding="utf-8")
    assert page.count('<p class="expect"><strong>') == page.count(f"<strong>{QUESTION}</strong>")


def test_a_reader_without_scripts_gets_from_page_to_page(open_page, pages):
    page = open_page(pages[0], javascript=False)
    for expected in pages[1:4]:
        page.locator("a.right-next").click()
        page.wait_for_url(f"**/{expected}")
    page.locator(".bd-sidebar-primary").get_by_role("link").filter(has_text="Notation").click()
    page.wait_for_url("**/book/appendix/notation.html")


def test_the_front_address_leads_to_the_book(open_page, site):
    for address in ("index.html", site / "index.html"):
        page = open_page(address)
        page.wait_for_url("**/book/index.html")


FRAME = """<!doctype html><html lang="en"><title>A platform</title>
<iframe sandbox="allow-scripts" src="{}" width="1100" height="800"></iframe></html>"""


def test_where_storage_is_blocked_the_theme_can_be_chosen(open_html, site_url, pages):
    page = open_html(FRAME.format(site_url + pages[1]))
    frame = page.frames[1]
    frame.wait_for_load_state()
    before = frame.evaluate("document.documentElement.dataset.mode")
    frame.locator(".theme-switch-button:visible").first.click()
    assert frame.evaluate("document.documentElement.dataset.mode") != before


def test_where_storage_is_blocked_the_search_finds(open_html, site_url):
    page = open_html(FRAME.format(site_url + "search.html?q=danskin"))
    frame = page.frames[1]
    frame.wait_for_selector("#search-results li a")


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
