"""The book's parts and pages in their order, and the ids that they have in the one document."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sphinx_external_toc.parsing import parse_toc_yaml


@dataclass(frozen=True)
class Part:
    """Pages in their order, as ``book/lecture/mnist``, under a caption if there is one."""

    caption: str | None
    pages: tuple[str, ...]

    @property
    def anchor(self) -> str:
        """The document's id for the caption."""
        return f"part--{anchor(self.pages[0])}"


@dataclass(frozen=True)
class Heading:
    """A line of the contents: its level from 1, its text, and the id that it leads to."""

    level: int
    text: str
    target: str


def contents(toc: Path) -> list[Part]:
    """Return the parts of a `_toc.yml` of jupyter-book 1.x, the root page in the first."""
    site = parse_toc_yaml(toc)

    def below(name: str) -> list[str]:
        return [name, *(page for child in site[name].child_files() for page in below(child))]

    parts = [Part(None, (site.root.docname,))]
    for tree in site.root.subtrees:
        pages = [page for child in tree.files() for page in below(child)]
        parts.append(Part(tree.caption, tuple(pages)))
    return parts


def anchor(name: str, fragment: str = "") -> str:
    """Return the document's id for a page, or for an id on it: unique, as pages' names are."""
    page = name.replace("/", ".")
    return f"{page}--{fragment}" if fragment else page
