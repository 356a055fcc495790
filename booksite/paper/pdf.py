"""Print the whole book into one PDF: tagged, with bookmarks, with the system's Chromium.

    python -m booksite.paper.pdf     _build/html -> _build/lecture.pdf

The site must have been built. No script of it runs, and nothing is asked of the network.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path

import yaml
from playwright.sync_api import Browser, Route, sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, Fit, IndirectObject, NameObject

from booksite.finished import ROOT, unfinished
from booksite.paper.browser import BrowserMissingError, launch
from booksite.paper.builder import BookError, assemble
from booksite.paper.contents import contents
from booksite.paper.document import WholeBook


def whole_book(root: Path) -> WholeBook:
    """Return the pages of the book in the folder `root` as one document.

    A BookError says that it has not been built, or cannot be made into one document.
    """
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    return WholeBook(
        assemble(root),
        contents(root / "_toc.yml"),
        root,
        title=config["title"],
        author=config["author"],
        note=f"Version {citation['version']}<br>{config.get('html', {}).get('extra_footer', '')}",
    )


def print_book(book: WholeBook, pdf: Path) -> int:
    """Print a book into the file `pdf` and return the number of its pages.

    A BookError says that it asks for a file that is not there, a BrowserMissingError that there is
    no Chromium.
    """
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        draft = Path(folder) / "draft.pdf"
        browser = launch(playwright)
        try:
            # The contents' page numbers are known only when the book has been laid out.
            print_document(browser, book.render(), draft)
            numbers = _page_numbers(draft, book)
            print_document(browser, book.render(numbers), draft)
        finally:
            browser.close()
        if _page_numbers(draft, book) != numbers:
            raise BookError(
                "page numbers must stay when the contents show them, and they moved: report this, "
                "with the book"
            )
        return _finish(draft, pdf, book)


def print_document(browser: Browser, document: str, pdf: Path) -> None:
    """Print one HTML document; its style sheets say how large a page is.

    A BookError names what it asks for that is not there, or elsewhere.
    """
    missing: list[str] = []

    def only_files(route: Route) -> None:
        if route.request.url.startswith(("file:", "data:")):
            route.continue_()
        else:
            missing.append(route.request.url)
            route.abort()

    source = pdf.with_suffix(".html")
    source.write_text(document, encoding="utf-8")
    context = browser.new_context(java_script_enabled=False, color_scheme="light")
    page = context.new_page()
    page.route("**/*", only_files)
    page.on("requestfailed", lambda request: missing.append(request.url))
    page.emulate_media(media="print", color_scheme="light")
    page.goto(source.as_uri(), wait_until="load")
    page.pdf(path=pdf, tagged=True, prefer_css_page_size=True, print_background=True)
    context.close()
    if missing:
        raise BookError(
            "the book must consist of the site's own files, these are missing or from elsewhere: "
            + ", ".join(sorted(set(missing)))
            + ": build the site again (make book)"
        )


def _page_numbers(pdf: Path, book: WholeBook) -> dict[str, int]:
    """Return the number of the page that each heading of the contents is on, from 1."""
    reader = PdfReader(pdf)
    places = {
        name.removeprefix("/"): number + 1
        for name, place in reader.named_destinations.items()
        if (number := reader.get_destination_page_number(place)) is not None
    }
    hidden = [f"{heading.text!r}" for heading in book.headings() if heading.target not in places]
    if hidden:
        raise BookError(
            f"each heading of the contents must be printed, these are not: {', '.join(hidden)}: "
            "look for a style in booksite/style/print.css that hides them"
        )
    return {heading.target: places[heading.target] for heading in book.headings()}


def _finish(draft: Path, pdf: Path, book: WholeBook) -> int:
    """Write the PDF with bookmarks and author; return the number of its pages.

    Chromium has bookmarks of its own, but doubles the text of some headings and loses the space
    where another is broken into lines.
    """
    # It warns that its copy has more objects than the original: the bookmarks, for instance.
    logging.getLogger("pypdf").setLevel(logging.ERROR)
    reader = PdfReader(draft)
    writer = PdfWriter(clone_from=reader)
    above: list[tuple[int, IndirectObject]] = []
    for heading in book.headings():
        while above and above[-1][0] >= heading.level:
            above.pop()
        place = reader.named_destinations["/" + heading.target]
        item = writer.add_outline_item(
            title=heading.text,
            page_number=reader.get_destination_page_number(place),
            parent=above[-1][1] if above else None,
            fit=Fit.xyz(left=place.left, top=place.top),
            is_open=heading.level == 1,
        )
        above.append((heading.level, item))
    _tag_formulas(writer, book.formulas)
    writer.add_metadata({"/Title": book.title, "/Author": book.author})
    writer.page_mode = "/UseOutlines"
    pdf.parent.mkdir(parents=True, exist_ok=True)
    writer.write(pdf)
    return len(writer.pages)


def _tag_formulas(writer: PdfWriter, formulas: set[str]) -> None:
    """Tag as formulas what Chromium can only tag as figures."""
    tree = writer.root_object["/StructTreeRoot"]
    assert isinstance(tree, DictionaryObject), "the PDF is printed with tags"
    left = [tree["/K"]]
    while left:
        node = left.pop().get_object()
        if isinstance(node, ArrayObject):
            left += node
        elif isinstance(node, DictionaryObject):
            if node.get("/S") == "/Figure" and node.get("/Alt") in formulas:
                node[NameObject("/S")] = NameObject("/Formula")
            if "/K" in node:
                left.append(node["/K"])


def main() -> None:
    """Print the book that has been built into ``_build/lecture.pdf``, or as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--pdf", type=Path, default=ROOT / "_build" / "lecture.pdf")
    options = parser.parse_args()
    if problem := unfinished(options.root / "_build" / "html"):
        sys.exit(f"No PDF: {problem}")
    try:
        n_pages = print_book(whole_book(options.root), options.pdf)
    except (BookError, BrowserMissingError) as error:
        sys.exit(f"No PDF: {error}")
    print(f"{options.pdf}: {n_pages} pages, {options.pdf.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
