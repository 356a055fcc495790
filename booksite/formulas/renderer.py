"""Formulas are typeset when the book is built; no page needs a script for them.

Each formula is an SVG drawing beside hidden MathML (mathjax.py). The outlines of the glyphs that
a page uses are written into it once, when it is finished. TeX that is not understood is a warning.
"""

import re
from functools import cache
from html import escape

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

from booksite.formulas.mathjax import Formula, TexError, Typesetter

logger = logging.getLogger(__name__)
# In ex: what fits on the narrowest phone beside a number and within a box, and in a line alone. A
# wider formula scrolls in its own box, or shrinks where it stands within a line.
FITS_ON_ITS_OWN, FITS_IN_A_LINE = 20, 30
GLYPH = re.compile(r'href="#(f-[\w-]+)"')
OUTLINES = '<svg class="glyphs"'


@cache
def typesetter() -> Typesetter:
    """Return the one typesetter of this process, started when the first formula is met."""
    return Typesetter()


def keep_tex_from_search(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Move each formula's TeX into an attribute, where the search index does not find it.

    A title keeps the formula's symbols, as the search shows titles. Letters that stand at a
    formula without a space are moved as well: no line may break between them.
    """
    if app.builder.format != "html":
        return
    for node in list(doctree.findall(_is_math)):
        node["tex"] = node.astext()
        if isinstance(node, nodes.math):
            _take_neighbours(node)
        symbols = in_symbols(node) if isinstance(node.parent, nodes.title) else ""
        node.children = []
        if symbols:
            node += nodes.Text(symbols)


def _is_math(node: nodes.Node) -> bool:
    return isinstance(node, nodes.math | nodes.math_block)


def _take_neighbours(node: nodes.math) -> None:
    place = node.parent.index(node)
    siblings = node.parent.children
    before = siblings[place - 1] if place else None
    after = siblings[place + 1] if place + 1 < len(siblings) else None
    if isinstance(after, nodes.Text):
        node["after"] = re.split(r"\s", after, maxsplit=1)[0][:12]
        node.parent.replace(after, nodes.Text(after[len(node["after"]) :]))
    if isinstance(before, nodes.Text):
        node["before"] = re.split(r"\s", before)[-1][-12:]
        node.parent.replace(before, nodes.Text(before[: len(before) - len(node["before"])]))


def in_symbols(node: nodes.Element) -> str:
    """Return a formula as a line of symbols, for names, which hold no drawing."""
    formula = _formula(node, display=False)
    return formula.text if formula else ""


def plain_titles(app: Sphinx, builder: Builder) -> None:
    """Write formulas in the titles of pages as symbols: a window's title shows no drawing."""
    if builder.format != "html":
        return
    for docname, title in builder.env.longtitles.items():
        if any(title.findall(nodes.math)):
            title = title.deepcopy()
            for node in list(title.findall(nodes.math)):
                node.parent.replace(node, nodes.Text(in_symbols(node)))
            builder.env.longtitles[docname] = title


def _formula(node: nodes.Element, *, display: bool) -> Formula | None:
    tex = node.get("tex") or node.astext()
    try:
        return typesetter().typeset(aligned(tex, node) if display else tex, display=display)
    except TexError as error:
        logger.warning("%s", error, location=node, type="typeset")
        return None


def aligned(tex: str, node: nodes.Element) -> str:
    """Return the TeX of a displayed formula: lines and paragraphs below one another.

    As Sphinx does it for every renderer: `\\\\` breaks lines that `&` aligns, and an empty line
    begins another formula.
    """
    if node.get("nowrap"):
        return tex
    parts = [part.strip() for part in tex.split("\n\n") if part.strip()]
    lines = [rf"\begin{{split}}{part}\end{{split}}" if r"\\" in part else part for part in parts]
    if len(lines) == 1:
        return lines[0]
    return r"\begin{aligned}" + r"\\".join(lines) + r"\end{aligned}"


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    """Write a formula that stands within a line."""
    formula = _formula(node, display=False)
    if formula:
        wide = " wide" if formula.width > FITS_IN_A_LINE else ""
        before, after = escape(node.get("before", "")), escape(node.get("after", ""))
        tied = bool(before or after) and not wide
        self.body.append(f'<span class="tied">{before}' if tied else before)
        self.body.append(self.starttag(node, "span", "", CLASS=f"math notranslate{wide}"))
        self.body.append(f"{formula.svg}{formula.mathml}</span>")
        self.body.append(f"{after}</span>" if tied else after)
    raise nodes.SkipNode


def visit_displaymath(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on lines of its own, with its number if it has one."""
    formula = _formula(node, display=True)
    if formula:
        self.body.append(self.starttag(node, "div", CLASS="math notranslate"))
        if node.get("number"):
            self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
            if node.get("ids"):
                self.add_permalink_ref(node, "Link to this equation")
            self.body.append("</span>")
        # What may have to be scrolled must be reached by the keyboard, and has a name.
        scrolls = formula.width > FITS_ON_ITS_OWN
        focus = ' tabindex="0" role="group" aria-label="Formula"' if scrolls else ""
        self.body.append(f'<div class="formula"{focus}>{formula.svg}{formula.mathml}</div></div>\n')
    raise nodes.SkipNode


def with_outlines(page: str) -> str:
    """Return the page with the outlines of the glyphs that it uses, before everything visible."""
    names = sorted(set(GLYPH.findall(page)))
    if not names or OUTLINES in page:
        return page
    glyphs = typesetter().glyphs()
    paths = "".join(f'<path id="{name}" d="{glyphs[name]}"/>' for name in names)
    outlines = f'{OUTLINES} aria-hidden="true"><defs>{paths}</defs></svg>'
    return re.sub(r"<body[^>]*>", lambda tag: f"{tag[0]}\n{outlines}", page, count=1)


def register(app: Sphinx) -> None:
    """Make this the way in which Sphinx writes formulas."""
    app.add_html_math_renderer("typeset", (visit_math, None), (visit_displaymath, None))
