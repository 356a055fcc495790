"""What chapters show: outputs are there, compared, and the same on any machine."""

import ast
import re
from collections.abc import Iterator

from nbformat import NotebookNode

from authoring.rules.problem import PICTURES, Problem, code_cells, outputs, texts

MAX_PICTURE_KB = 200
ABSOLUTE_PATH = re.compile(r"(?<![\w:/.<-])/(?:[\w.+-]+/)+[\w.+-]*|\b[A-Za-z]:\\[\w\\]+")
ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")
EMBEDDED = re.compile(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=]+")
UNCOMPARED = {"nbval-skip", "nbval-ignore-output", "nbval-raises-exception", "raises-exception"}


def check_executed_in_order(notebook: NotebookNode) -> Iterator[Problem]:
    """Every code cell was run, from the top, once."""
    for expected, (number, cell) in enumerate(code_cells(notebook), start=1):
        if cell.get("execution_count") != expected:
            yield Problem(
                number,
                f"its execution count is {cell.get('execution_count')}, not {expected}",
                "run make notebooks",
            )


def check_outputs_present(notebook: NotebookNode) -> Iterator[Problem]:
    """The notebook has outputs, and so has each cell that prints or ends in a value."""
    cells = code_cells(notebook)
    if cells and not any(cell.outputs for _, cell in cells):
        yield Problem(None, "no cell has an output", "run make notebooks")
    for number, cell in cells:
        if not cell.outputs and _must_show_something(cell.source):
            yield Problem(number, "its output is missing", "run make notebooks")


def check_outputs_are_compared(notebook: NotebookNode) -> Iterator[Problem]:
    """No cell asks `pytest --nbval` to look away."""
    for number, cell in code_cells(notebook):
        markers = [tag for tag in cell.metadata.get("tags", []) if tag in UNCOMPARED]
        markers += re.findall(r"(?m)^\s*#\s*(NBVAL_(?:SKIP|IGNORE_OUTPUT))\s*$", cell.source)
        for marker in markers:
            yield Problem(
                number,
                f"{marker} keeps its output from being compared",
                "show what every run reproduces, and remove the marker",
            )


def check_no_errors(notebook: NotebookNode) -> Iterator[Problem]:
    """No stored output is an error or was written to standard error."""
    for number, output in outputs(notebook):
        if output.output_type == "error":
            yield Problem(
                number, f"its output is an error ({output.ename})", "fix the cell, make notebooks"
            )
        if output.get("name") == "stderr":
            yield Problem(number, "it writes to standard error", "remove the cause of the warning")


def check_outputs_are_portable(notebook: NotebookNode) -> Iterator[Problem]:
    """No output names a folder of one machine or an address in one process's memory."""
    for number, output in outputs(notebook):
        for text in texts(output):
            text = EMBEDDED.sub("", text)  # its letters can look like a path
            if found := ABSOLUTE_PATH.search(text):
                yield Problem(number, f"its output names the path {found[0]}", "do not show it")
            if found := ADDRESS.search(text):
                yield Problem(
                    number,
                    f"its output shows the memory address {found[0]}",
                    "give the result a name, or show a value of it",
                )


def check_no_plot_repr(notebook: NotebookNode) -> Iterator[Problem]:
    """No cell shows the text of a matplotlib object beside its figure."""
    for number, output in outputs(notebook):
        text = "".join(output.get("data", {}).get("text/plain", ""))
        if output.output_type == "execute_result" and re.match(r"\W*<?(Axes|matplotlib)\b", text):
            yield Problem(
                number,
                f"its output shows {text.splitlines()[0][:40]}",
                "give the result of the plotting call a name, as in `axes = plot_...`",
            )


def check_pictures_are_small(notebook: NotebookNode) -> Iterator[Problem]:
    """No stored picture is large: they are committed at every change."""
    for number, output in outputs(notebook):
        for kind in PICTURES:
            size = len("".join(output.get("data", {}).get(kind, ""))) / 1000
            if size > MAX_PICTURE_KB:
                yield Problem(
                    number,
                    f"its {kind} has {size:.0f} kB, more than {MAX_PICTURE_KB}",
                    "make the figure smaller or simpler",
                )


def _must_show_something(source: str) -> bool:
    """Return whether a cell surely has an output: it prints, or its last line is a value.

    A call at the end may return None, so that it says nothing; magics are left out.
    """
    try:
        body = ast.parse(re.sub(r"(?m)^(\s*)[%!].*$", r"\1pass", source)).body
    except SyntaxError:
        return False
    calls = [s.value for s in body if isinstance(s, ast.Expr) and isinstance(s.value, ast.Call)]
    if any(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls):
        return True
    last = body[-1] if body else None
    return isinstance(last, ast.Expr) and not isinstance(last.value, ast.Call)
