"""The book's parts and pages in their order, and the ids that they have in the one document."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sphinx_external_toc.parsing import parse_toc_yaml


@dataclass(frozen=True)
class Entry:
    """A page of the book: its name, as ``book/lecture/mnist``, and its depth below its part."""

    name: str
    depth: int


@dataclass(frozen=True)
class Part:
    """Pages in their order, under a caption; without one, their titles are on the highest level."""

    caption: str | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Heading:
    """A line of the contents: its level from 1, its text, and the id that it leads to."""

    level: int
    text: str
    target: str


def contents(toc: Path) -> list[Part]:
    """Return the book's parts as its table of contents has them, the root page in the first.

    Parameters
    ----------
    toc : Path
        A ``_toc.yml`` of jupyter-book 1.x.
    """
    site = parse_toc_yaml(toc)

    def below(name: str, depth: int) -> list[Entry]:
        entries = [Entry(name, depth)]
        for tree in site[name].subtrees:
            for child in tree.files():
                entries += below(child, depth + 1)
        return entries

    parts = [Part(None, (Entry(site.root.docname, 0),))]
    for tree in site.root.subtrees:
        entries = [entry for child in tree.files() for entry in below(child, 0)]
        parts.append(Part(tree.caption, tuple(entries)))
    return parts


def anchor(name: str, fragment: str = "") -> str:
    """Return the document's id for a page, or for an id on it: unique, as pages' names are."""
    page = name.replace("/", ".")
    return f"{page}--{fragment}" if fragment else page


def part_anchor(part: Part) -> str:
    """Return the document's id for a part's caption."""
    return f"part--{anchor(part.entries[0].name)}"
