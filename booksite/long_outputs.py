"""A cell that prints far too much gives a warning instead of an endless build.

MyST-NB looks for carriage returns, and Sphinx for the stems of words, in times that grow as the
square of a line's length: one line of a million letters keeps a build busy for an hour.
"""

from collections.abc import Callable
from functools import wraps

from myst_nb.core.execute.base import NotebookClientBase
from nbformat import NotebookNode

# Letters of printed text; 20,000 on one line take MyST-NB about a second.
MAX_PRINTED = 20_000

Outputs = tuple[int | None, list[NotebookNode]]  # a cell's count and its outputs


def printed(output: NotebookNode) -> str:
    """Return the plain text of an output: what was printed, or the value's own text."""
    return "".join(output.get("text") or output.get("data", {}).get("text/plain") or "")


def shorten(output: NotebookNode) -> NotebookNode:
    """Return the output with at most `MAX_PRINTED` letters of plain text."""
    text = printed(output)
    if len(text) <= MAX_PRINTED:
        return output
    output = NotebookNode(output)
    if "text" in output:
        output["text"] = text[:MAX_PRINTED]
    else:
        output["data"] = NotebookNode(output["data"], **{"text/plain": text[:MAX_PRINTED]})
    return output


def warn_and_shorten(code_cell_outputs: Callable[..., Outputs]) -> Callable[..., Outputs]:
    """Wrap the method by which MyST-NB reads a cell's outputs."""

    @wraps(code_cell_outputs)
    def outputs_of(self: NotebookClientBase, cell_index: int) -> Outputs:
        count, outputs = code_cell_outputs(self, cell_index)
        for output in outputs:
            if (length := len(printed(output))) > MAX_PRINTED:
                self.logger.warning(
                    f"an output must have at most {MAX_PRINTED:,} letters of printed text, this "
                    f"cell's has {length:,}: print less",
                    line=self.cell_line(cell_index),
                    subtype="output",
                )
        return count, [shorten(output) for output in outputs]

    return outputs_of


def limit_outputs() -> None:
    """Put the check before everything that reads outputs."""
    method = NotebookClientBase.code_cell_outputs
    if not hasattr(method, "__wrapped__"):
        NotebookClientBase.code_cell_outputs = warn_and_shorten(method)
