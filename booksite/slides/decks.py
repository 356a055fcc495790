"""Write the decks: with sphinx-revealjs, from `slides/` and the site's last build."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from booksite.formulas import renderer

HERE = Path(__file__).resolve().parent
STYLE = HERE.parent / "style"
#: Of what sphinx-revealjs carries, what a deck loads.
KEPT = ("reveal.js", "reveal.css", "notes.js", "LICENSE")
MARKUP = "booksite.slides.markup"


class SlidesError(RuntimeError):
    """There are no slides; the message says why, and what to do."""


def names(root: Path) -> list[str]:
    """Return the decks' names, those of the chapters."""
    return sorted(path.stem for path in (root / "slides").glob("*.md"))


def settings(root: Path) -> dict[str, object]:
    """Return the Sphinx configuration of the decks."""
    site = root / "_build" / "html"
    sheets = ["palette.css", "formulas.css"]
    return {
        "project": "Adversarial training, executable",
        "language": "en",
        "extensions": ["myst_parser", "sphinx_revealjs", MARKUP],
        # Named, for Sphinx's own default keeps what other builds in this process have added to it.
        "source_suffix": {".md": "markdown"},
        "root_doc": names(root)[0],
        "myst_enable_extensions": ["dollarmath", "colon_fence", "attrs_block", "attrs_inline"],
        "myst_all_links_external": True,
        "html_math_renderer": "typeset",
        "html_copy_source": False,
        "revealjs_html_theme": "revealjs-simple",
        "revealjs_style_theme": sheets[0],
        "revealjs_static_path": [
            *(str(STYLE / sheet) for sheet in sheets),
            str(site / "_static" / "explorers" / "explorer.css"),
            str(HERE / "deck.css"),
            str(HERE / "deck.js"),
        ],
        "revealjs_css_files": [*sheets[1:], "explorer.css", "deck.css"],
        "revealjs_js_files": ["deck.js"],
        "revealjs_script_conf": "deck.settings",
        "revealjs_script_plugins": [
            {"src": "revealjs/plugin/notes/notes.js", "name": "RevealNotes"}
        ],
        "book_executed": str(root / "_build" / "jupyter_execute"),
    }


def write_decks(root: Path, folder: Path) -> None:
    """Write all decks of the book in `root` into a folder, emptied before.

    The folder is to be moved to `slides` in the site. A SlidesError says what Sphinx has warned of.
    """
    shutil.rmtree(folder, ignore_errors=True)
    warnings = io.StringIO()
    with docutils_namespace():
        app = Sphinx(
            root / "slides",
            None,
            folder,
            folder.with_name("slides-read"),
            "revealjs",
            confoverrides=settings(root),
            freshenv=True,
            status=None,
            warning=warnings,
        )
        app.build(force_all=True)
    if said := re.sub(r"\x1b\[[\d;]*m", "", warnings.getvalue()):
        raise SlidesError(f"the decks must be made without a warning, Sphinx says:\n{said}")
    _lighten(folder)
    for page in folder.glob("*.html"):
        text = renderer.with_outlines(page.read_text(encoding="utf-8"))
        # reveal.js makes all of it an application, which must not hold a main part.
        text = text.replace('class="slides" role="main"', 'class="slides"')
        page.write_text(text, encoding="utf-8")


def _lighten(folder: Path) -> None:
    """Remove what no deck loads."""
    for path in (folder / "_static" / "revealjs").rglob("*"):
        if path.is_file() and path.name not in KEPT:
            path.unlink()
    for path in sorted((folder / "_static").rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    for name in (".buildinfo", "objects.inv", "searchindex.js", "genindex.html", "search.html"):
        (folder / name).unlink(missing_ok=True)
