"""A site of one page in the book's theme, built in this process."""

import re
from io import StringIO
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace


def build(folder: Path, text: str, **settings: object) -> tuple[Path, str]:
    """Build `index.md` with this text in `folder`: the built site, and the build's warnings."""
    (folder / "index.md").write_text(text, encoding="utf-8")
    settings = {
        "extensions": ["myst_nb", "booksite"],
        "nb_execution_mode": "off",
        "html_theme": "sphinx_book_theme",
        **settings,
    }
    warnings = StringIO()
    with docutils_namespace():
        folders = (folder, None, folder / "out", folder / "trees")
        Sphinx(*folders, "html", settings, status=None, warning=warnings).build()
    return folder / "out", re.sub(r"\x1b\[[\d;]*m", "", warnings.getvalue())
