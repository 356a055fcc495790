"""What the front page offers besides its pages.

    python -m booksite.downloads     _build -> _build/html/downloads

`make downloads` makes its parts first. They weigh more than the site, so `make book` does without:
links lead to the published site, wherever the page is read.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from booksite.finished import ROOT
from booksite.offline import DOWNLOADS, pack

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

#: Each file, where below `_build` it is or what it packs, and how a link calls it.
FILES = {
    "lecture.pdf": ("lecture.pdf", "*", "The book as one PDF"),
    "lecture-offline.zip": ("lecture-offline.zip", "*", "the site as a zip, to read offline"),
    "lecture-questions.zip": ("sheets/questions", "*", "the exercises as sheets"),
    "lecture-solutions.zip": ("sheets/solutions", "*", "the same with solutions"),
    # The decks themselves are in the site: they start its explorers.
    "lecture-slides.zip": ("html/slides", "*.pdf", "the slides as PDF"),
}


def decks(root: Path) -> list[str]:
    """The names of the decks of slides, in the order of the chapters."""
    contents = (root / "_toc.yml").read_text(encoding="utf-8")
    pages = dict.fromkeys(re.findall(r"file: book/\w+/(\w+)", contents))
    return [page for page in pages if (root / "slides" / f"{page}.md").exists()]


def add_links(app: Sphinx, config: Config) -> None:
    """Put the links to all files and to the decks into `config`, for the front page to show."""
    address = config.site_address
    files = [f"[{text}]({address}{DOWNLOADS}/{name})" for name, (_, _, text) in FILES.items()]
    slides = [
        f"[{number}]({address}slides/{name}.html)" for number, name in enumerate(decks(ROOT), 1)
    ]
    config.myst_substitutions = {
        **config.myst_substitutions,
        "downloads": _listed(files),
        "decks": _listed(slides),
    }


def _listed(links: list[str]) -> str:
    return ", ".join(links[:-1]) + f" and {links[-1]}"


def collect(build: Path, folder: Path) -> None:
    """Put all files, from what `build` has, into a folder.

    Raises
    ------
    FileNotFoundError
        If a part is missing; the message says which.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, (source, pattern, _) in FILES.items():
        path = build / source
        if not path.exists() or (path.is_dir() and not pack(path, folder / name, pattern)):
            raise FileNotFoundError(f"{path} must be there, and is not: run make downloads")
        if path.is_file():
            shutil.copy(path, folder / name)


if __name__ == "__main__":
    try:
        collect(ROOT / "_build", ROOT / "_build" / "html" / DOWNLOADS)
    except FileNotFoundError as error:
        sys.exit(str(error))
