"""The readers' edition: each chapter as a notebook that any notebook reader shows well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
from docutils import nodes
from nbformat import NotebookNode, v4
from sphinx.builders import Builder

from booksite.edition.markdown import Cell, Markdown, folded, plain
from booksite.solutions import TAG

#: What only the book's builder reads: values that a chapter hands to the prose.
GLUED = "application/papermill.record/"
#: How Jupyter and Colab are told to fold a cell.
FOLDED = {"jupyter": {"source_hidden": True, "outputs_hidden": True}, "cellView": "form"}
HEADING = re.compile(r"#+ ")


class EditionBuilder(Builder):
    """Writes one notebook for each chapter."""

    name = "edition"
    format = "edition"
    epilog = "The readers' edition is in %(outdir)s."
    allow_parallel = True

    def get_outdated_docs(self) -> Iterator[str]:
        """All chapters."""
        return iter(self._chapters())

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:
        """The address of a page on the site: other notebooks may not be at hand."""
        return f"{self.config.site_address}{docname}.html"

    def get_relative_uri(self, from_: str, to: str, typ: str | None = None) -> str:
        """The same from everywhere."""
        return self.get_target_uri(to)

    def prepare_writing(self, docnames: set[str]) -> None:
        """Nothing has to be prepared."""

    def _chapters(self) -> list[str]:
        documents = sorted(self.env.found_docs)
        return [name for name in documents if self.env.doc2path(name).endswith(".ipynb")]

    def write_doc(self, docname: str, doctree: nodes.document) -> None:
        """Write the edition of a chapter."""
        if docname not in self._chapters():
            return
        path = Path(self.outdir, f"{docname}.ipynb")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text(docname, doctree), encoding="utf-8")

    def text(self, docname: str, doctree: nodes.document) -> str:
        """The edition of a chapter as the text of a notebook."""
        source = nbformat.read(self.env.doc2path(docname), as_version=4)
        markdown = Markdown(self.env, docname, self.config.site_address)
        edition = edition_of(
            source,
            list(markdown.parts(doctree)),
            self.get_target_uri(docname),
            solutions=self.config.solutions,
        )
        return nbformat.writes(edition) + "\n"


def edition_of(
    source: NotebookNode, parts: list[str | Cell], address: str, *, solutions: str = "folded"
) -> NotebookNode:
    """The notebook of these parts, with the chapter's code cells as they are, in their order.

    `solutions` says what becomes of the cells of solutions: ``"folded"``, ``"none"``, ``"open"``.
    """
    cells: list[NotebookNode] = []
    code = iter(
        [
            (k, _folded(cell) if solutions == "folded" else cell)
            for k, cell in enumerate(source.cells)
            if cell.cell_type == "code" and not (solutions == "none" and _is_solution(cell))
        ]
    )
    blocks: list[str] = []

    def end_text() -> None:
        if blocks:
            cells.append(v4.new_markdown_cell("\n\n".join(blocks)))
            blocks.clear()

    for part in parts:
        if isinstance(part, str):
            if HEADING.match(part):
                end_text()
            blocks.append(part)
            continue
        end_text()
        for index, cell in code:  # cells before it that the site does not show come as well
            cells.append(_code_cell(cell))
            if index == part.index:
                break
        if part.caption:
            blocks.append(part.caption)
        blocks += _in_words(source.cells[part.index])
    end_text()
    cells += [_code_cell(cell) for _, cell in code]
    first = next(cell for cell in cells if cell.cell_type == "markdown")
    first.source += f"\n\n*This notebook is also [a page]({address}) of the book's site.*"
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return v4.new_notebook(cells=cells, metadata=source.metadata)


def _is_solution(cell: NotebookNode) -> bool:
    return TAG in cell.metadata.get("tags", ())


def _folded(cell: NotebookNode) -> NotebookNode:
    """The cell, folded if it belongs to a solution."""
    metadata = {**cell.metadata, **(FOLDED if _is_solution(cell) else {})}
    return nbformat.from_dict({**cell, "metadata": metadata})


def _in_words(cell: NotebookNode) -> list[str]:
    """A cell's picture in words, folded: readers other than VS Code show no alt text of outputs."""
    alt = _alt(cell)
    has_picture = any("image/png" in output.get("data", {}) for output in cell.outputs)
    return [folded("The figure in words", [plain(alt)])] if alt and has_picture else []


def _alt(cell: NotebookNode) -> str | None:
    return cell.metadata.get("mystnb", {}).get("image", {}).get("alt")


def _code_cell(cell: NotebookNode) -> NotebookNode:
    """The code cell with those of its outputs that a notebook reader understands."""
    alt = _alt(cell)
    outputs = [readable for output in cell.outputs if (readable := _readable(output, alt))]
    kept = {"tags", *FOLDED}
    metadata = {key: value for key, value in cell.metadata.items() if key in kept}
    return v4.new_code_cell(
        cell.source, outputs=outputs, execution_count=cell.execution_count, metadata=metadata
    )


def _readable(output: NotebookNode, alt: str | None) -> NotebookNode | None:
    """The output without what only the book's builder reads, and a picture with its words.

    They are its plain text, which VS Code takes for the picture's alt text.
    """
    if "data" not in output:
        return output
    data = {kind: value for kind, value in output.data.items() if not kind.startswith(GLUED)}
    if not data:
        return None
    output = nbformat.from_dict({**output, "data": data, "metadata": {}})
    if alt and "image/png" in data:
        output.data["text/plain"] = alt
    return output
