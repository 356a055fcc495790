"""Whether a built site is whole, and newer than its sources.

A build leaves a mark in its folder, as its very last step.

python -m booksite.finished     exit code 1 and what to do, unless _build/html holds a whole site
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
# Hidden, as what Sphinx leaves for itself is: no part of the site.
MARK = ".finished"
# What a page of the site is made from.
SOURCES = ("book", "booksite", "src", "_config.yml", "_toc.yml")
# Next to the sources, and no part of them: by-products of Python, Jupyter and pip, and the slides.
NO_SOURCES = ("__pycache__", ".ipynb_checkpoints", ".egg-info", "slides")


def unfinished(site: Path = SITE) -> str | None:
    """Say why there is no whole site in this folder, and what to do; None if there is one."""
    if (site / MARK).is_file():
        return None
    if site.is_dir():
        return (
            f"the build of the site in {site} did not finish: run make book (or make draft) again"
        )
    return f"a built site is needed, and there is none in {site}: run make book (or make draft)"


def outdated(root: Path, pages: list[Path] | None = None) -> str | None:
    """Say why the site of the project in `root` is not what its sources say; None if it is.

    Each build writes all pages, so the oldest of `pages`, or of all, tells when the last one began.
    """
    site = root / "_build" / "html"
    if problem := unfinished(site):
        return problem
    pages = list((site / "book").rglob("*.html")) if pages is None else pages
    if not pages or pages[0].name == "search.html":
        return "there is no site in _build/html (make book)"
    source = newest_source(root)
    if min(page.stat().st_mtime for page in pages) < source.stat().st_mtime:
        return f"_build/html is older than {source.relative_to(root).as_posix()} (make book)"
    return None


def newest_source(root: Path) -> Path:
    """Return the file below `root`, among those that the site is made from, that changed last."""
    files = []
    for source in SOURCES:
        path = root / source
        if path.is_file():
            files.append(path)
        for folder, folders, names in os.walk(path):
            folders[:] = [name for name in folders if not name.endswith(NO_SOURCES)]
            files += [Path(folder, name) for name in names]
    return max(files, key=lambda file: file.stat().st_mtime)


if __name__ == "__main__":
    sys.exit(unfinished())
