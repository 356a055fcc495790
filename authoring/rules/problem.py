"""What a rule finds, and what rules look at: a notebook's cells and outputs."""

from collections.abc import Iterator
from typing import NamedTuple

from nbformat import NotebookNode

PICTURES = ("image/png", "image/jpeg", "image/svg+xml", "image/gif")


class Problem(NamedTuple):
    """One finding: in which cell (None: in the file as a whole), what is wrong, what to do."""

    cell: int | None
    what: str
    to_do: str


def cells(notebook: NotebookNode, kind: str) -> list[tuple[int, NotebookNode]]:
    return [(n, c) for n, c in enumerate(notebook.cells, start=1) if c.cell_type == kind]


def code_cells(notebook: NotebookNode) -> list[tuple[int, NotebookNode]]:
    return [(n, c) for n, c in cells(notebook, "code") if c.source.strip()]


def outputs(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    for number, cell in code_cells(notebook):
        for output in cell.outputs:
            yield number, output


def texts(output: NotebookNode) -> Iterator[str]:
    """Yield the parts of an output that a reader sees as text."""
    yield "".join(output.get("text", ""))
    for kind, value in output.get("data", {}).items():
        if kind not in {"image/png", "image/jpeg", "image/gif"} and not isinstance(value, dict):
            yield "".join(value)
