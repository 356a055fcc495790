"""A book of a few pages, built under the project's own configuration in this process."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from click.testing import CliRunner, Result
from jupyter_book.cli.main import main as jupyter_book

ROOT = Path(__file__).parent.parent.parent


def build(
    folder: Path,
    pages: dict[str, str],
    *,
    toc: str,
    builder: Sequence[str] = (),
    **environment: str,
) -> Result:
    """Build a book of these files of `book/` in `folder`; `toc` is what follows its format.

    The configuration is the project's, which executes chapters, or the one that `folder` holds.
    `builder` holds options that name another builder. No process of its own is started: loading
    Sphinx, its extensions and PyTorch takes longer than such a build.
    """
    if not (folder / "_config.yml").exists():
        shutil.copy(ROOT / "_config.yml", folder)
    shutil.copytree(ROOT / "book" / "pictures", folder / "book" / "pictures")
    (folder / "_toc.yml").write_text(f"format: jb-book\n{toc}", encoding="utf-8")
    for name, text in {"references.bib": "", **pages}.items():
        (folder / "book" / name).write_text(text, encoding="utf-8")
    settings = {"NO_COLOR": "1", "MPLBACKEND": None, **environment}
    command = ["build", str(folder), "-n", "-W", "--keep-going", *builder]
    path = [*sys.path]
    try:
        return CliRunner().invoke(jupyter_book, command, env=settings)
    finally:
        sys.path[:] = path  # the configuration adds the book's folder to it
