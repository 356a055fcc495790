"""Fixes, in finished pages, what the theme and other extensions get wrong.

Most of it is against WAI-ARIA: tests/browser checks every page with axe-core, and this is what it
found that no style sheet can fix. Pages may be finished more than once.
"""

import re

FIXES = [
    # The theme's left side bar holds the book's name and the search outside any landmark.
    (
        re.compile(r'(<div id="pst-primary-sidebar")(?=[ >])(?! role=)'),
        r'\1 role="navigation" aria-label="Book"',
    ),
    # docutils gives a bibliography the roles of ARIA 1.1, which ARIA 1.2 withdraws, within a list
    # that holds anchors as well.
    (re.compile(r' role="doc-biblioentry"'), ""),
    (re.compile(r'<div role="list" class="citation-list">'), '<div class="citation-list">'),
    # These extensions give the contents of all their boxes on a page the same id.
    (re.compile(r' id="(?:exercise|solution|proof)-content"'), ""),
    (re.compile(r'(<div class="proof\b[^"]*") id="proof"'), r"\1"),
    # The corner of a table heads nothing: it is a cell without content.
    (re.compile(r"<th((?: [^>]*)?)>\s*(?:<p>\s*</p>)?\s*</th>"), r"<td\1></td>"),
    # The logos in menus wait until a menu is opened.
    (re.compile(r'<img (?=alt="[^"]*" src="[^"]*/_static/images/logo_)'), '<img loading="lazy" '),
]


def fixed(page: str) -> str:
    """Return the page with its faults fixed; a page without them is returned as it is."""
    for pattern, replacement in FIXES:
        page = pattern.sub(replacement, page)
    return page
