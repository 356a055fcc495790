"""Each page of practice as a sheet of questions and as one of solutions, as notebook and as PDF.

    python -m booksite.sheets     _build/html -> _build/sheets/questions, _build/sheets/solutions

The site must have been built. The sheets are the page as it was read, with the switch of
solutions.py at `none` and at `open`; their links lead to the site.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import yaml

from booksite.edition.builder import EditionBuilder
from booksite.finished import ROOT, unfinished
from booksite.paper.browser import BrowserMissingError
from booksite.paper.builder import BookError, PaperBuilder, built, paper_builder
from booksite.paper.contents import Part
from booksite.paper.document import WholeBook
from booksite.paper.pdf import print_book

#: The folder of each kind of sheet, and what it does with solutions.
KINDS = {"questions": "none", "solutions": "open"}
PRACTICE = "book/practice/"


class SheetBuilder(PaperBuilder):
    """One page for paper, whose links lead to the site: no other page is at hand."""

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:
        """The address of a page on the site."""
        return f"{self.config.site_address}{docname}.html"

    def get_relative_uri(self, from_: str, to: str, typ: str | None = None) -> str:
        """The same from everywhere."""
        return self.get_target_uri(to)


def write_sheets(root: Path, folder: Path) -> list[Path]:
    """Write all sheets of the book in `root` into a folder, emptied before; return the PDFs.

    A BookError says that there is no build or what is wrong with it, a BrowserMissingError that
    there is no Chromium.
    """
    author = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["author"]
    shutil.rmtree(folder, ignore_errors=True)
    pdfs = []
    for kind, solutions in KINDS.items():
        (folder / kind).mkdir(parents=True)
        for page, notebook in _notebooks(root, solutions).items():
            path = folder / kind / f"{page.removeprefix(PRACTICE)}.ipynb"
            path.write_text(notebook, encoding="utf-8")
        for page, book in _documents(root, solutions, author).items():
            pdfs.append(folder / kind / f"{page.removeprefix(PRACTICE)}.pdf")
            print_book(book, pdfs[-1])
    return pdfs


def _notebooks(root: Path, solutions: str) -> dict[str, str]:
    """The text of each page's notebook."""
    with built(root, "edition", solutions=solutions) as app:
        builder = app.builder
        assert isinstance(builder, EditionBuilder)
        return {
            page: builder.text(page, app.env.get_and_resolve_doctree(page, builder))
            for page in sorted(app.env.all_docs)
            if page.startswith(PRACTICE)
        }


def _documents(root: Path, solutions: str, author: str) -> dict[str, WholeBook]:
    """Each page as a document of its own."""
    with built(root, "singlehtml", solutions=solutions) as app:
        builder = paper_builder(app, SheetBuilder)
        pages = [page for page in sorted(app.env.all_docs) if page.startswith(PRACTICE)]
        return {
            page: WholeBook(
                builder.text(page),
                [Part(None, (page,))],
                root,
                title=app.env.titles[page].astext(),
                author=author,
                front=False,
            )
            for page in pages
        }


def main() -> None:
    """Write the sheets of this checkout."""
    if problem := unfinished(ROOT / "_build" / "html"):
        sys.exit(f"No sheets: {problem}")
    try:
        pdfs = write_sheets(ROOT, ROOT / "_build" / "sheets")
    except (BookError, BrowserMissingError) as error:
        sys.exit(f"No sheets: {error}")
    print(f"{ROOT / '_build' / 'sheets'}: {len(pdfs)} sheets, each as notebook and as PDF")


if __name__ == "__main__":
    main()
