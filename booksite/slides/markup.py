"""What the sources of slides may hold besides MyST's own markup.

    :::{lecture} 3                 the slide stands for slide 3 of the lecture
    :::{notes}                     for the speaker
    :::{erratum} 5                 what was corrected, with a link to the list

    {value}`name`                  a glued value of the deck's own chapter
    {value}`chapter::name`         one of another chapter

    :::{figure-of} fig-name        a figure, as large as its letters ask for
    :chapter: name                 of another chapter
    :width: 700                    smaller, in pixels of the slide; for pictures without letters
    :crop: 500                     only the upper part, so many pixels of it
    :tall: true                    beside the words, not among them
    :::

    :::{explorer-of} ball          an explorer, live
    :chapter: name
    :::

A name that the build does not have is a warning, with those that it has.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.writers.html5 import HTML5Translator
from sphinx_revealjs._ext.notes import RevealjsNotes, revealjs_notes
from sphinx_revealjs.nodes import revealjs_section

from booksite.formulas import renderer
from booksite.slides.chapters import Chapter, MissingError, chapter

logger = logging.getLogger(__name__)
#: Pixels of the slide for a point of a figure: its letters, of 10 points and more, get 24.
SCALE = 2.4
PICTURES = "_images"
ERRATA = "../book/appendix/errata.html#slip-"


def _chapter(directive: SphinxDirective | SphinxRole, name: str | None) -> Chapter:
    executed = Path(directive.config.book_executed)
    return chapter(executed, name or directive.env.docname)


class Value(SphinxRole):
    """A value that a chapter has computed, as text."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the text."""
        name, _, key = self.text.rpartition("::")
        try:
            return [nodes.Text(_chapter(self, name).value(key))], []
        except MissingError as error:
            logger.warning("%s", error, location=self.get_location())
            return [], []


class FigureOf(SphinxDirective):
    """A figure of a chapter, with the chapter's words for who does not see it."""

    required_arguments = 1
    option_spec: ClassVar = {
        "chapter": directives.unchanged,
        "width": directives.positive_int,
        "crop": directives.positive_int,
        "tall": directives.unchanged,
    }

    def run(self) -> list[nodes.Node]:
        """Write the picture beside the deck, and return its element."""
        try:
            picture = _chapter(self, self.options.get("chapter")).figure(self.arguments[0])
        except MissingError as error:
            logger.warning("%s", error, location=self.get_location())
            return []
        name = f"{self.options.get('chapter', self.env.docname)}-{self.arguments[0]}"
        path = Path(self.env.app.outdir, PICTURES, name + picture.suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture.content)
        width, height = (round(SCALE * points) for points in picture.size)
        if smaller := self.options.get("width"):
            width, height = smaller, round(height * smaller / width)
        height = self.options.get("crop", height)
        tall = " tall" if "tall" in self.options else ""
        html = (
            f'<p class="picture{tall}" style="--width: {width}px; --ratio: {width / height:.4f}">'
            f'<img alt="{escape(picture.alt)}" width="{width}" height="{height}" '
            f'src="{PICTURES}/{path.name}"></p>'
        )
        return [nodes.raw("", html, format="html")]


class ExplorerOf(SphinxDirective):
    """An explorer of a chapter, which is live where the chapters were executed."""

    required_arguments = 1
    option_spec: ClassVar = {"chapter": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """Return its element."""
        try:
            found = _chapter(self, self.options.get("chapter")).explorer(self.arguments[0])
        except MissingError as error:
            logger.warning("%s", error, location=self.get_location())
            return []
        # What is dragged in it turns no page.
        html = f'<div class="live" data-prevent-swipe>{found}</div>'
        return [nodes.raw("", html, format="html")]


class Lecture(SphinxDirective):
    """Which slide of the lecture this one stands for."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Mark the slide."""
        return [revealjs_section("", **{"data-lecture": self.arguments[0]})]


class Erratum(SphinxDirective):
    """What the book corrects in the lecture, where it does."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return a box that leads to the list of errata."""
        number = self.arguments[0]
        link = nodes.reference("", f"Corrected, erratum {number}", refuri=ERRATA + number)
        box = nodes.admonition("", nodes.title("", "", link), classes=["erratum"])
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]


def stand_alone(app: Sphinx, doctree: nodes.document) -> None:
    """Let no deck be missed in a table of contents: there is none."""
    app.env.metadata[app.env.docname]["orphan"] = True


def symbols_in_notes(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write formulas in notes as symbols: the speaker's window has no outlines of letters."""
    for notes in doctree.findall(revealjs_notes):
        for formula in list(notes.findall(nodes.math)):
            formula.parent.replace(formula, nodes.Text(renderer.in_symbols(formula)))


def visit_notes(translator: HTML5Translator, node: nodes.Element) -> None:
    """Begin the notes of a slide; sphinx-revealjs would write them as one line of plain text."""
    translator.body.append('<aside class="notes">\n')


def depart_notes(translator: HTML5Translator, node: nodes.Element) -> None:
    """End them."""
    translator.body.append("</aside>\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Make the markup known to Sphinx, after sphinx-revealjs."""
    app.add_config_value("book_executed", "", "env")
    app.add_role("value", Value())
    app.add_directive("lecture", Lecture)
    app.add_directive("notes", RevealjsNotes)
    app.add_directive("erratum", Erratum)
    app.add_directive("figure-of", FigureOf)
    app.add_directive("explorer-of", ExplorerOf)
    app.add_node(revealjs_notes, override=True, revealjs=(visit_notes, depart_notes))
    app.connect("doctree-read", stand_alone)
    app.connect("doctree-resolved", symbols_in_notes, priority=800)
    renderer.register(app)
    app.connect("doctree-resolved", renderer.keep_tex_from_search, priority=900)
    return {"parallel_read_safe": True}
