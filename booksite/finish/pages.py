"""The pages of a site that Sphinx has written, for the steps that finish them."""

from collections.abc import Callable, Iterator
from pathlib import Path


def pages(folder: Path) -> Iterator[Path]:
    """Return the pages of a built site, in order."""
    for path in sorted(folder.rglob("*.html")):
        if not {"_static", "_sources"} & set(path.relative_to(folder).parts):
            yield path


def finish_pages(folder: Path, finish: Callable[[str], str]) -> None:
    """Replace the text of each page by what `finish` makes of it."""
    for path in pages(folder):
        page = path.read_text(encoding="utf-8")
        finished = finish(page)
        if finished != page:
            path.write_text(finished, encoding="utf-8")
