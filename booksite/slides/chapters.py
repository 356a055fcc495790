"""What the last build of the site has of a chapter: its values, its figures, its explorers."""

from __future__ import annotations

import ast
import base64
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from booksite.figures.links import SVG_SIZE

#: Dots to an inch of the pictures that are stored in notebooks; those of a build say it.
STORED_DPI = 144
POINTS = 72


class MissingError(LookupError):
    """The build has nothing of this name; the message says what it has."""


@dataclass(frozen=True)
class Picture:
    """A figure as the build has drawn it.

    Attributes
    ----------
    content : bytes
        The file.
    suffix : str
        Of its name: ``".svg"`` or ``".png"``.
    size : tuple of float
        Width and height in points of 1/72 inch, in which its letters have 10 and more.
    alt : str
        What it shows, in words, from the chapter.
    """

    content: bytes
    suffix: str
    size: tuple[float, float]
    alt: str


@cache
def chapter(executed: Path, name: str) -> Chapter:
    """Return the chapter of this name; a MissingError says that there is none."""
    paths = [p for p in executed.glob(f"book/*/{name}.ipynb") if p.parent.name != "practice"]
    if len(paths) != 1:
        known = sorted({p.stem for p in executed.glob("book/*/*.ipynb")})
        raise MissingError(f"a chapter must be one of {', '.join(known)}, got {name!r}")
    cells = json.loads(paths[0].read_text(encoding="utf-8"))["cells"]
    glued = paths[0].with_suffix(".glue.json")
    values = json.loads(glued.read_text(encoding="utf-8")) if glued.is_file() else {}
    return Chapter(name, cells, values)


@dataclass(frozen=True, eq=False)
class Chapter:
    """A chapter with its outputs: the cells, and what was glued, by name."""

    name: str
    cells: list[dict[str, Any]]
    glued: dict[str, dict[str, Any]]

    def value(self, name: str) -> str:
        """Return a glued value as text; a MissingError says which there are."""
        if name not in self.glued:
            raise MissingError(self._unknown("a value", name, self.glued))
        text = "".join(self.glued[name]["data"]["text/plain"])
        return str(ast.literal_eval(text)) if text.startswith(("'", '"')) else text

    def figure(self, name: str) -> Picture:
        """Return the figure of this name; a MissingError says which there are."""
        figures: dict[str, tuple[dict[str, Any], str]] = {}
        for cell in self.cells:
            described = cell["metadata"].get("mystnb", {})
            for data in (output.get("data", {}) for output in cell.get("outputs", [])):
                if any(kind.startswith("image/") for kind in data):
                    known = described.get("figure", {}).get("name", "")
                    figures[known] = data, described.get("image", {}).get("alt", "")
        if name not in figures:
            raise MissingError(self._unknown("a figure", name, figures))
        data, alt = figures[name]
        if "image/svg+xml" in data:
            text = "".join(data["image/svg+xml"])
            found = SVG_SIZE.search(text)
            assert found, "matplotlib's SVG says how large it is"
            return Picture(text.encode(), ".svg", (float(found[1]), float(found[2])), alt)
        content = base64.b64decode("".join(data["image/png"]))
        return Picture(content, ".png", _size_of_png(content), alt)

    def explorer(self, kind: str) -> str:
        """Return an explorer's element, as HTML; a MissingError says which there are."""
        outputs = [output for cell in self.cells for output in cell.get("outputs", [])]
        elements: dict[str, str] = {}
        for output in [*self.glued.values(), *outputs]:
            text = "".join(output.get("data", {}).get("text/html", ""))
            if found := re.search(r'class="explorer" data-explorer="(\w+)"', text):
                elements.setdefault(found[1], text)
        if kind not in elements:
            raise MissingError(self._unknown("an explorer", kind, elements))
        return elements[kind]

    def _unknown(self, what: str, name: str, known: dict[str, Any]) -> str:
        return (
            f"{what} of the chapter {self.name!r} must be one of "
            f"{', '.join(sorted(filter(None, known))) or 'none'}, got {name!r}"
        )


def _size_of_png(content: bytes) -> tuple[float, float]:
    import io

    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        dpi = image.info.get("dpi", (STORED_DPI, STORED_DPI))
        width, height = (POINTS * n / float(each) for n, each in zip(image.size, dpi, strict=True))
    return width, height
