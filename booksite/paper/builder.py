"""All pages of a built book as one text: by Sphinx's `singlehtml`, of what the last build read."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from docutils.io import StringOutput
from docutils.nodes import Node
from jupyter_book.config import get_final_config
from sphinx.application import Sphinx
from sphinx.builders.singlehtml import SingleFileHTMLBuilder
from sphinx.util.docutils import docutils_namespace

# What the theme's template loads, before the sheets that Sphinx knows of.
THEME_SHEETS = ("_static/styles/theme.css", "_static/styles/pydata-sphinx-theme.css")
EXPLORER_SHEET = "_static/explorers/explorer.css"


class BookError(RuntimeError):
    """The book cannot be made into one document; the message says why, and what to do."""


@dataclass(frozen=True)
class Text:
    """The text of all pages.

    Attributes
    ----------
    body : str
        HTML in which each page but the first follows a `<span id="document-NAME">`, and links to
        pages are `#document-NAME` or `#document-NAME#ID`.
    sheets : tuple of str
        The style sheets of the site, from its folder, in their order; those for print are last.
    language : str
        The language of the book.
    """

    body: str
    sheets: tuple[str, ...]
    language: str


class PaperBuilder(SingleFileHTMLBuilder):
    """`singlehtml`, of which only the text is wanted, with whole links."""

    def fix_refuris(self, tree: Node) -> None:
        """Leave the page's name in links: without it, ids that two pages have are the same."""

    def text(self, page: str | None = None) -> Text:
        """Return the text of all pages, or of one."""
        root = self.config.root_doc
        self.prepare_writing(set(self.env.all_docs))
        tree = self.env.get_and_resolve_doctree(page, self) if page else self.assemble_doctree()
        tree.settings = self.docsettings
        self.secnumbers = self.assemble_toc_secnumbers()[root]
        self.fignumbers = self.assemble_toc_fignumbers()[root]
        self.current_docname = page or root
        self.imgpath = self.dlpath = ""
        self.docwriter.write(tree, StringOutput(encoding="utf-8"))
        self.docwriter.assemble_parts()
        files = sorted(self._css_files, key=lambda file: file.priority)
        screen = [str(file.filename) for file in files if file.attributes.get("media") != "print"]
        paper = [str(file.filename) for file in files if str(file.filename) not in screen]
        return Text(
            self.docwriter.parts["fragment"],
            (*THEME_SHEETS, EXPLORER_SHEET, *screen, *paper),
            self.config.language,
        )


@contextmanager
def built(root: Path, builder: str, **settings: str) -> Iterator[Sphinx]:
    """Open the book in the folder `root` as its last build has read it, for another builder.

    Nothing is read or executed again; `settings` are values of the configuration. A BookError says
    that there is no build to take the pages from, or what Sphinx has warned of in the meantime.
    """
    build = root.resolve() / "_build"
    # Nothing is executed; as the site's appendix says what it was built with, that is kept as well.
    fixed = {"external_toc_path": "_toc.yml", "nb_execution_mode": "off", "nitpicky": True}
    config, _ = get_final_config(
        user_yaml=root / "_config.yml",
        cli_config={**fixed, "latex_individualpages": False},
        sourcedir=root,
    )
    warnings = io.StringIO()
    with docutils_namespace():
        app = Sphinx(
            root,
            None,
            build / "paper",
            build / ".doctrees",
            builder,
            confoverrides={**config, **settings},
            status=None,
            warning=warnings,
        )
        if not app.env.all_docs:
            raise BookError(
                f"{build} must hold what a build in this place has read, and does not: run make "
                "book (or make draft)"
            )
        yield app
    if said := re.sub(r"\x1b\[[\d;]*m", "", warnings.getvalue()):
        raise BookError(f"the pages must be joined without a warning, Sphinx says:\n{said}")


def paper_builder(app: Sphinx, kind: type[PaperBuilder] = PaperBuilder) -> PaperBuilder:
    """Return the builder for paper of an application that was opened for `singlehtml`."""
    # An extension that knows `singlehtml` for some nodes must not lose those of `html`.
    handlers = app.registry.translation_handlers
    handlers["singlehtml"] = {**handlers["html"], **handlers.get("singlehtml", {})}
    app.builder = builder = kind(app, app.env)
    builder.init()
    return builder


def assemble(root: Path) -> Text:
    """Return the text of the book in the folder `root`. Nothing is read or executed again.

    A BookError says that there is no build to take the pages from, or which reference is lost.
    """
    with built(root, "singlehtml") as app:
        return paper_builder(app).text()
