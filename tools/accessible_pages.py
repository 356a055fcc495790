"""A Sphinx extension: mends, in finished pages, what the theme and docutils write against WAI-ARIA.

tests/site checks every page with axe-core; this is what it found that no style sheet can mend.
"""

import re
from pathlib import Path

from finished_site import finish_pages
from sphinx.application import Sphinx

MENDINGS = [
    # The theme's left side bar holds the book's name and the search outside any landmark.
    (
        re.compile(r'(<div id="pst-primary-sidebar")(?=[ >])'),
        r'\1 role="navigation" aria-label="Book"',
    ),
    # docutils gives a bibliography the roles of ARIA 1.1, which ARIA 1.2 withdraws, within a list
    # that holds anchors as well.
    (re.compile(r' role="doc-biblioentry"'), ""),
    (re.compile(r'<div role="list" class="citation-list">'), '<div class="citation-list">'),
    # The corner of a table heads nothing: it is a cell without content.
    (re.compile(r"<th((?: [^>]*)?)>\s*(?:<p>\s*</p>)?\s*</th>"), r"<td\1></td>"),
]


def mended(page: str) -> str:
    """Return the page with its faults mended; a page without them is returned as it is."""
    for pattern, replacement in MENDINGS:
        page = pattern.sub(replacement, page)
    return page


def mend(app: Sphinx, error: Exception | None) -> None:
    """Mend all pages of the finished site."""
    if not error and app.builder.format == "html":
        finish_pages(Path(app.outdir), mended)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the extension to Sphinx."""
    app.connect("build-finished", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
