"""What chapters run, and the form of their files."""

import ast
import re
from collections.abc import Iterator

from nbformat import NotebookNode

from authoring.notebooks import canonical
from authoring.rules.problem import Problem, code_cells

MAX_LINES = 15
MAX_WIDTH = 88  # more letters scroll on the page
# The first code cell of every chapter. Colab opens a notebook without its repository. And PyTorch
# reads, when it is imported, how many threads to use: by default one for each core of the machine,
# in a container one for each of its host's. Alone one chapter gains by a second thread; on a busy
# machine, as Binder's are, all lose: waiting threads hold up the thread that they wait for.
SETUP_CELL = """\
import importlib.util
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
if importlib.util.find_spec("lectures_code") is None:
    %pip install -q git+{repository}"""


def check_cells_are_short(notebook: NotebookNode) -> Iterator[Problem]:
    """No cell is longer than a reader takes in at once."""
    for number, cell in code_cells(notebook):
        lines = len(cell.source.splitlines())
        if lines > MAX_LINES:
            yield Problem(
                number,
                f"it has {lines} lines, more than {MAX_LINES}",
                "split it, or move what it computes into the package",
            )


def check_lines_are_short(notebook: NotebookNode) -> Iterator[Problem]:
    """No line of a cell that the site shows is wider than the page."""
    for number, cell in code_cells(notebook):
        width = max(map(len, cell.source.splitlines()), default=0)
        if width > MAX_WIDTH and "remove-cell" not in cell.metadata.get("tags", []):
            yield Problem(
                number,
                f"a line has {width} letters, more than {MAX_WIDTH}",
                "break it: on the page it would scroll",
            )


def check_chapters_only_call(notebook: NotebookNode) -> Iterator[Problem]:
    """No class, no plotting code and no leftovers of interactive work."""
    forbidden = [
        (r"^\s*class\s+\w", "it defines a class", "move it into the package"),
        (
            r"^\s*(?:import|from)\s+(?:matplotlib|seaborn|plotly)\b",
            "it imports a plotting library",
            "call a function of lectures_code.figures",
        ),
        (r"\bplt\.|\.show\(\)", "it draws by itself", "call a function of lectures_code.figures"),
        (r"^\s*%matplotlib\b", "it sets a matplotlib backend", "remove the line"),
        (r";\s*\Z", "a semicolon at its end hides output", "give the result a name instead"),
    ]
    for number, cell in code_cells(notebook):
        for pattern, what, to_do in forbidden:
            if re.search(pattern, cell.source, flags=re.MULTILINE):
                yield Problem(number, what, to_do)


def check_generators_in_a_loop(notebook: NotebookNode) -> Iterator[Problem]:
    """No list holds generators that run when its loop is over, with the last value of that."""
    for number, cell in code_cells(notebook):
        lines = [line for line in cell.source.splitlines() if not line.lstrip().startswith("%")]
        try:
            nodes = list(ast.walk(ast.parse("\n".join(lines))))
        except SyntaxError:  # a magic inside a block, as in the cell that sets up
            continue
        for loop in nodes:
            if isinstance(loop, ast.ListComp) and isinstance(loop.elt, ast.GeneratorExp):
                targets = [ast.walk(each.target) for each in loop.generators]
                set_here = {n.id for target in targets for n in target if isinstance(n, ast.Name)}
                used = {n.id for n in ast.walk(loop.elt) if isinstance(n, ast.Name)}
                for name in sorted(set_here & used):
                    what = f"each generator of a list will see the last {name} of its loop"
                    yield Problem(number, what, "make it a list, which is computed at once")


def check_figures_stand_alone(notebook: NotebookNode) -> Iterator[Problem]:
    """What a cell shows beside its figure would be a figure of the same name, and no page builds.

    `show_source` shows something only where MNIST is not at hand, so that no author sees it.
    """
    for number, cell in code_cells(notebook):
        beside = re.search(r"\b(show_source|table)\(", cell.source)
        if beside and "figure" in cell.metadata.get("mystnb", {}):
            yield Problem(number, f"{beside[1]} shows beside a figure", "give it a cell of its own")


def check_setup_cell(notebook: NotebookNode, repository: str) -> Iterator[Problem]:
    """The first code cell installs the package where it is missing; the site does not show it."""
    expected = SETUP_CELL.format(repository=repository)
    number, cell = next(iter(code_cells(notebook)), (None, None))
    if cell is None or cell.source != expected:
        yield Problem(
            number, "the first code cell is not the one that sets up Colab", f"use\n{expected}\n"
        )
    elif "remove-cell" not in cell.metadata.get("tags", []):
        yield Problem(number, "the set-up cell shows on the site", "tag it remove-cell")


def check_kernel(notebook: NotebookNode) -> Iterator[Problem]:
    """The kernel is the one that every installation has."""
    name = notebook.metadata.get("kernelspec", {}).get("name")
    if name != "python3":
        yield Problem(None, f"its kernel is {name}, not python3", "run make notebooks")


def check_no_timing(notebook: NotebookNode) -> Iterator[Problem]:
    """No cell carries the time at which it was run."""
    for number, cell in code_cells(notebook):
        for key in {"execution", "ExecuteTime"} & set(cell.metadata):
            yield Problem(number, f"its metadata holds {key}", "run make notebooks")


def check_canonical(notebook: NotebookNode, text: str) -> Iterator[Problem]:
    """The file's text is the one that `make notebooks` writes for this content."""
    if canonical(notebook) != text:
        yield Problem(None, "it is not stored in canonical form", "run make notebooks")
