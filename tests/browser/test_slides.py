"""The decks of slides: each fits its slides, can be read, is offline, and prints a page a slide."""

import pytest
from pypdf import PdfReader

from booksite.slides.decks import names
from tests.browser.built_site import ROOT
from tests.browser.checks.files import alt_texts
from tests.browser.checks.pages import accessibility
from tests.browser.checks.slides import layout, letters_of_pictures
from tests.browser.driving import assert_none

pytestmark = pytest.mark.downloads


@pytest.mark.parametrize("name", names(ROOT))
def test_a_deck_can_be_read_from_the_last_row(open_deck, decks, name):
    page = open_deck(name)
    found = [*layout(page), *letters_of_pictures(page, decks), *alt_texts(decks / f"{name}.html")]
    page.set_viewport_size({"width": 960, "height": 720})
    page.evaluate("deck.resize(true)")
    found += [f"4:3: {problem}" for problem in layout(page)]
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{(decks / name).as_uri()}.html?print-pdf")
    page.wait_for_selector("html.reveal-print .pdf-page")
    found += [f"on paper: {problem}" for problem in layout(page)]
    assert_none(found)
    printed = PdfReader(decks / f"{name}.pdf")
    assert len(printed.pages) == page.evaluate("Reveal.getTotalSlides()")
    assert {tuple(sheet.mediabox.upper_right) for sheet in printed.pages} == {(960, 540)}


def test_axe_finds_nothing_on_the_slides_of_a_deck(decks, open_page):
    page = open_page(decks / "mnist.html", width=1280, height=720)
    page.goto(f"{page.url}?print-pdf")  # all of them at once
    page.wait_for_selector("html.reveal-print .pdf-page")
    found = page.guard.take()
    found += accessibility(page)
    page.guard.take()  # axe-core reads the style sheets itself, which a file may not
    assert_none(found)


def test_the_address_asks_for_a_narrow_projector(decks, open_page):
    page = open_page(decks / "danskin.html", width=960, height=720)
    page.goto(f"{page.url}?size=4x3")
    page.wait_for_function("Reveal.isReady()")
    assert page.evaluate("[Reveal.getConfig().width, Reveal.getScale()]") == [960, 1]
    assert layout(page) == []


def test_an_explorer_on_a_slide_has_its_keys_and_a_presenter_keeps_two(executed_site, open_deck):
    page = open_deck("min_max")
    number = page.evaluate(
        """Reveal.getSlides().findIndex(s => s.querySelector('[data-explorer="ball"]'))"""
    )
    page.evaluate("number => Reveal.slide(number)", number)
    slider = page.locator('[data-explorer="ball"] input[type="range"]').first
    slider.focus()
    before = slider.input_value()
    page.keyboard.press("ArrowRight")
    assert slider.input_value() != before
    assert page.evaluate("Reveal.getIndices().h") == number
    page.keyboard.press("PageDown")
    assert page.evaluate("Reveal.getIndices().h") == number + 1
    page.keyboard.press("PageUp")
    assert page.evaluate("Reveal.getIndices().h") == number


def test_the_speakers_window_shows_the_notes_of_a_file(open_deck):
    page = open_deck("danskin")
    with page.context.expect_page() as opened:
        page.keyboard.press("s")
    notes = opened.value.locator(".speaker-controls-notes .value")
    opened.value.wait_for_function(
        "document.querySelector('.speaker-controls-notes .value')?.textContent.includes('step 2')"
    )
    assert "question" in notes.text_content()
