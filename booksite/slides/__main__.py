"""Make the decks of slides, as pages of the site and as PDF.

    python -m booksite.slides     _build/html -> _build/html/slides/NAME.html and NAME.pdf

The site must have been built.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from booksite.finished import ROOT, unfinished
from booksite.paper.browser import BrowserMissingError, launch
from booksite.slides.decks import SlidesError, write_decks

#: Explorers are printed as their still pictures.
NOT_PRINTED = "**/host.js"


def print_deck(browser: Browser, page: Path, pdf: Path) -> None:
    """Print a deck, one page a slide."""
    context = browser.new_context(color_scheme="light")
    tab = context.new_page()
    tab.route(NOT_PRINTED, lambda route: route.abort())
    tab.goto(f"{page.as_uri()}?print-pdf", wait_until="load")
    tab.wait_for_selector("html.reveal-print .pdf-page")
    tab.pdf(path=pdf, prefer_css_page_size=True, print_background=True, tagged=True, outline=True)
    context.close()


def make(root: Path) -> Path:
    """Make the decks of the book in `root`, and return their folder in its site.

    A SlidesError says what is wrong with them, a BrowserMissingError that there is no Chromium.
    """
    folder, made = root / "_build" / "html" / "slides", root / "_build" / "slides"
    write_decks(root, made)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for page in sorted(made.glob("*.html")):
            print_deck(browser, page, page.with_suffix(".pdf"))
        browser.close()
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)  # at once: whoever reads the site meanwhile finds whole decks, or none
    return folder


def main() -> None:
    """Make the decks of this checkout."""
    if problem := unfinished(ROOT / "_build" / "html"):
        sys.exit(f"No slides: {problem}")
    try:
        folder = make(ROOT)
    except (SlidesError, BrowserMissingError) as error:
        sys.exit(f"No slides: {error}")
    print(f"{folder}: {len(list(folder.glob('*.html')))} decks, each as page and as PDF")


if __name__ == "__main__":
    main()
