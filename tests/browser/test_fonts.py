"""Whichever fonts a reader has: nothing sticks out of a page, and the PDF keeps its text.

Under each of three families, which are on most systems with Linux: `make fonts`.
"""

import os

import pytest
from playwright.sync_api import sync_playwright
from pypdf import PdfReader

from booksite.paper.browser import FLAGS, find_chromium, launch
from booksite.paper.pdf import print_document, whole_book
from booksite.slides.decks import names
from tests.browser.built_site import ROOT
from tests.browser.checks import fonts
from tests.browser.checks import pdf as pdf_checks
from tests.browser.checks.pages import WIDTHS, overflow
from tests.browser.checks.slides import layout
from tests.browser.driving import assert_none

NONE = fonts.Family("No Serif", "No Sans", "No Mono", "no-fonts")


ASKED = {
    "serif": ("serif", "Georgia, serif", "Charter, 'Noto Serif', 'Liberation Serif', serif"),
    "sans": ("sans-serif", "system-ui", "Helvetica, sans-serif", "'Noto Sans', Arial, sans-serif"),
    "mono": ("monospace", "ui-monospace, Menlo, 'DejaVu Sans Mono', 'Liberation Mono', monospace"),
}


@pytest.fixture(scope="module", params=fonts.FAMILIES)
def family(request, stop, tmp_path_factory):
    """A family, which is all that browsers started from here on have."""
    family = fonts.FAMILIES[request.param]
    path = fonts.configuration(family, tmp_path_factory.mktemp(request.param))
    if reason := fonts.lacking_faces(family, path):
        stop(reason)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FONTCONFIG_FILE", str(path))
        yield family


@pytest.fixture(scope="module")
def browser(lacking, family):
    """The system's Chromium with this family alone, in the place of the one of other tests."""
    lacking("browser")
    with sync_playwright() as playwright:
        running = launch(playwright)
        yield running
        running.close()


@pytest.mark.fonts
def test_the_browser_draws_with_this_family_whatever_a_page_asks_for(open_html, family):
    asked = [(kind, name) for kind, names in ASKED.items() for name in names]
    page = open_html(
        "<!doctype html><html lang=en><title>Letters</title>"
        + "".join(f'<p id="n{n}" style="font-family: {a}">x</p>' for n, (_, a) in enumerate(asked))
    )
    for number, (kind, name) in enumerate(asked):
        assert fonts.drawn_with(page, f"#n{number}") == {getattr(family, kind): 1}, name


@pytest.mark.fonts
def test_the_books_letters_are_of_this_family(open_page, family):
    page = open_page("book/lecture/mnist.html")
    for selector, face in {
        ".bd-article p:not(.reading-time)": family.serif,
        ".bd-article pre": family.mono,
        ".bd-sidebar-primary .caption": family.sans,
    }.items():
        assert fonts.mainly(fonts.drawn_with(page, selector)) == face


@pytest.mark.fonts
def test_no_page_is_wider_than_its_window(open_page, family, page_path):
    page = open_page(page_path)
    assert_none([problem for width in WIDTHS for problem in overflow(page, width)])


@pytest.mark.fonts
@pytest.mark.parametrize("name", names(ROOT))
def test_no_slide_is_too_small_for_its_words(open_deck, family, name):
    page = open_deck(name)
    found = layout(page)
    page.set_viewport_size({"width": 960, "height": 720})
    page.evaluate("deck.resize(true)")
    assert_none([*found, *(f"4:3: {problem}" for problem in layout(page))])


@pytest.fixture(scope="module")
def document(site):
    return whole_book(ROOT).render()


@pytest.mark.fonts
def test_the_pdf_keeps_its_text(browser, document, family, tmp_path):
    path = tmp_path / "book.pdf"
    print_document(browser, document, path)
    used = pdf_checks.fonts(PdfReader(path))
    for face in family.faces:
        assert any(name.startswith(face.replace(" ", "")) for name in used), (face, used)
    assert_none(pdf_checks.lost(document, pdf_checks.texts(path)))


def test_what_is_missing_is_a_failure_where_it_is_required(stop, monkeypatch):
    monkeypatch.setenv("REQUIRE_BROWSER", "1")
    with pytest.raises(pytest.fail.Exception, match="REQUIRE_BROWSER is set, and no fonts"):
        stop("no fonts")
    monkeypatch.delenv("REQUIRE_BROWSER")
    with pytest.raises(pytest.skip.Exception, match="no fonts"):
        stop("no fonts")


@pytest.mark.fonts
def test_a_configuration_that_does_not_give_the_family_is_noticed(browser, family, tmp_path):
    """With faces that nobody has, the browser does not draw with them, nor with the family's."""
    environment = {**os.environ, "FONTCONFIG_FILE": str(fonts.configuration(NONE, tmp_path))}
    running = browser.browser_type.launch(
        executable_path=find_chromium(), args=list(FLAGS), env=environment
    )
    page = running.new_page()
    page.set_content("<p style='font-family: serif'>x</p>")
    assert fonts.mainly(fonts.drawn_with(page, "p")) not in (NONE.serif, family.serif)
    running.close()
