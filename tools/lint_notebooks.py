"""Check the rules that chapters must keep; print `file: cell N: problem: what to do`.

    python tools/lint_notebooks.py [FILE ...]     notebooks and Markdown pages; all of book/ if none

Cells are counted from 1, Markdown and code alike. A notebook passes every check below; a Markdown
page those of its prose (typed decimals, pictures without alt text). The exit code is 1 if anything
was found.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml
from nbformat import NotebookNode
from notebooks import CHAPTERS, ROOT, canonical, chapters, read
from questions import QUESTION

MAX_LINES = 15
MAX_PICTURE_KB = 200
MIN_ALT = 20  # characters: fewer name a figure, but do not say what it shows

# The first code cell of every chapter. Colab opens a notebook without its repository. And PyTorch
# reads, when it is imported, how long its waiting threads spin: by default so long that on a busy
# machine, as Binder's are, they hold up the very thread that they wait for (see the Makefile).
SETUP_CELL = """\
import importlib.util
import os

os.environ.setdefault("GOMP_SPINCOUNT", "20000")
if importlib.util.find_spec("lectures_code") is None:
    %pip install -q git+{repository}"""

# Decimals and percentages that may stand in prose, each with the reason why it is not a result.
ALLOWED_NUMBERS = {
    "0.0004": "the lecture's test error, quoted",
    "0.845": "the lecture's error under attack, quoted",
    "0.025": "the lecture's error after adversarial training, quoted",
    "0.2": "the lecture's radius, a parameter",
    "0.1": "a parameter: a radius, a step size",
    "0.5": "one half",
}

# What stands before a number that is a name and no quantity: Python 3.11, CC BY 4.0, Section 2.1.
NAMED = re.compile(
    r"\b(?:Python|PyTorch|version|BY|BY-SA|Chapters?|Sections?|Figures?|Tables?|Equations?"
    r"|Theorem|Lemma|Proposition|Corollary|Definition|Algorithm)[\s~]+\d+(?:\.\d+)+"
)
NUMBER = re.compile(
    r"(?<![\w.])(?:\d+(?:\.\d+)?\s?(?:\\?%|percent|per cent)"  # 83 %, 83.1\%
    r"|(?:\d+(?:,\d{3})*)?\.\d+(?:e[-+]?\d+)?"  # 0.83, .5, 1.5e-3
    r"|\d+e[-+]?\d+)(?![\w]|\.\d)"  # 1e-3
)
ABSOLUTE_PATH = re.compile(r"(?<![\w:/.<-])/(?:[\w.+-]+/)+[\w.+-]*|\b[A-Za-z]:\\[\w\\]+")
ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")
EMBEDDED = re.compile(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=]+")
PICTURES = ("image/png", "image/jpeg", "image/svg+xml", "image/gif")
UNCOMPARED = {"nbval-skip", "nbval-ignore-output", "nbval-raises-exception", "raises-exception"}
FENCE = re.compile(r"^\s*(?P<fence>`{3,}|~{3,}|:{3,})\s*(?P<info>\S*)\s*(?P<argument>.*)$")


class Problem(NamedTuple):
    """One finding: in which cell (None: in the file as a whole), what is wrong, what to do."""

    cell: int | None
    what: str
    to_do: str


def lint_notebook(path: Path, *, repository: str) -> list[Problem]:
    """Return what is wrong with the notebook at `path`, in the order of its cells."""
    notebook = read(path)
    problems = [problem for check in CHECKS for problem in check(notebook)]
    problems += check_setup_cell(notebook, repository)
    problems += check_canonical(notebook, path.read_text(encoding="utf-8"))
    return sorted(problems, key=lambda problem: problem.cell or 0)


def lint_page(path: Path) -> list[Problem]:
    """Return what is wrong with the prose of the Markdown page at `path`."""
    text = path.read_text(encoding="utf-8")
    return [*typed_numbers(text, cell=None), *pictures_without_alt(text, cell=None)]


# Outputs


def check_executed_in_order(notebook: NotebookNode) -> Iterator[Problem]:
    """Every code cell was run, from the top, once."""
    for expected, (number, cell) in enumerate(_code(notebook), start=1):
        if cell.get("execution_count") != expected:
            yield Problem(
                number,
                f"its execution count is {cell.get('execution_count')}, not {expected}",
                "run make notebooks",
            )


def check_outputs_present(notebook: NotebookNode) -> Iterator[Problem]:
    """The notebook has outputs, and so has each cell that prints or ends in a value."""
    cells = _code(notebook)
    if cells and not any(cell.outputs for _, cell in cells):
        yield Problem(None, "no cell has an output", "run make notebooks")
    for number, cell in cells:
        if not cell.outputs and _must_show_something(cell.source):
            yield Problem(number, "its output is missing", "run make notebooks")


def check_outputs_are_compared(notebook: NotebookNode) -> Iterator[Problem]:
    """No cell asks `pytest --nbval` to look away."""
    for number, cell in _code(notebook):
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
    for number, output in _outputs(notebook):
        if output.output_type == "error":
            yield Problem(
                number, f"its output is an error ({output.ename})", "fix the cell, make notebooks"
            )
        if output.get("name") == "stderr":
            yield Problem(number, "it writes to standard error", "remove the cause of the warning")


def check_outputs_are_portable(notebook: NotebookNode) -> Iterator[Problem]:
    """No output names a folder of one machine or an address in one process's memory."""
    for number, output in _outputs(notebook):
        for text in _texts(output):
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
    for number, output in _outputs(notebook):
        text = "".join(output.get("data", {}).get("text/plain", ""))
        if output.output_type == "execute_result" and re.match(r"\W*<?(Axes|matplotlib)\b", text):
            yield Problem(
                number,
                f"its output shows {text.splitlines()[0][:40]}",
                "give the result of the plotting call a name, as in `axes = plot_...`",
            )


def check_pictures_are_small(notebook: NotebookNode) -> Iterator[Problem]:
    """No stored picture is large: they are committed at every change."""
    for number, output in _outputs(notebook):
        for kind in PICTURES:
            size = len("".join(output.get("data", {}).get(kind, ""))) / 1000
            if size > MAX_PICTURE_KB:
                yield Problem(
                    number,
                    f"its {kind} has {size:.0f} kB, more than {MAX_PICTURE_KB}",
                    "make the figure smaller or simpler",
                )


# Alt text


def check_figures_have_alt(notebook: NotebookNode) -> Iterator[Problem]:
    """Every figure says in words what it shows, in its cell's metadata."""
    for number, cell in _code(notebook):
        pictures = [
            output for output in cell.outputs if any(k in output.get("data", {}) for k in PICTURES)
        ]
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if pictures and len(alt.strip()) < MIN_ALT:
            yield Problem(
                number,
                f"its figure has no alt text of at least {MIN_ALT} characters"
                + (f", only {alt!r}" if alt else ""),
                'say what it shows in the cell\'s metadata: {"mystnb": {"image": {"alt": "..."}}}',
            )
        if len(pictures) > 1:
            yield Problem(
                number,
                f"it shows {len(pictures)} figures, which would share one alt text",
                "draw them as one figure, or in a cell each",
            )


def check_markdown_pictures_have_alt(notebook: NotebookNode) -> Iterator[Problem]:
    """So does every picture that a Markdown cell shows."""
    for number, cell in _cells(notebook, "markdown"):
        yield from pictures_without_alt(cell.source, cell=number)


def pictures_without_alt(text: str, *, cell: int | None) -> Iterator[Problem]:
    """Find the pictures without alt text in Markdown: `![]()`, `<img>`, figure and image."""
    prose = _without_code(text)
    for found in re.finditer(r"!\[\s*\]\(([^)]*)\)", prose):
        yield Problem(cell, f"the picture {found[1]} has no alt text", "write it: ![what it shows]")
    for found in re.finditer(r"<img\b[^>]*>", prose):
        if not re.search(r"\balt\s*=\s*[\"'][^\"']", found[0]):
            yield Problem(cell, f"{found[0]} has no alt text", 'add alt="what it shows"')
    lines = prose.splitlines()
    for place, line in enumerate(lines):
        fence = FENCE.match(line)
        if fence and fence["info"] in {"{figure}", "{image}"}:
            options = []
            for option in lines[place + 1 :]:
                if not re.match(r"\s*:[\w-]+:", option):
                    break
                options.append(option.strip())
            if not any(re.match(r":alt:\s*\S", option) for option in options):
                yield Problem(
                    cell,
                    f"the picture {fence['argument']} has no alt text",
                    "add the option :alt: what it shows",
                )


# Prose


def check_asks_its_reader(notebook: NotebookNode) -> Iterator[Problem]:
    """A chapter asks its reader, at least once, what to expect."""
    asks = re.compile(rf"(?:\A|\n\n)\*\*{re.escape(QUESTION)}\*\* ")
    if not any(asks.search(cell.source) for _, cell in _cells(notebook, "markdown")):
        yield Problem(
            None,
            "it asks its reader nothing",
            f"add a paragraph that begins with **{QUESTION}** before a result",
        )


def check_no_typed_numbers(notebook: NotebookNode) -> Iterator[Problem]:
    """No result is typed: decimals and percentages reach the prose from the computation."""
    for number, cell in _cells(notebook, "markdown"):
        yield from typed_numbers(cell.source, cell=number)
    for number, cell in _code(notebook):
        settings = cell.metadata.get("mystnb", {})
        for text in (
            settings.get("image", {}).get("alt", ""),
            settings.get("figure", {}).get("caption", ""),
        ):
            yield from typed_numbers(text, cell=number)


def typed_numbers(text: str, *, cell: int | None) -> Iterator[Problem]:
    """Find the decimals and percentages in Markdown, formulas included, code and names not."""
    for found in NUMBER.finditer(_without_names(_without_code(text))):
        number = re.sub(r"[\s\\]|per\s?cent", "", found[0])
        if number not in ALLOWED_NUMBERS:
            yield Problem(
                cell,
                f"the number {found[0]} is typed into the prose",
                "let it come from the computation (glue), or, if it is no result, "
                "add it with its reason to ALLOWED_NUMBERS",
            )


def _without_code(text: str) -> str:
    """Blank fenced code, code spans, roles other than math and comments; keep directives."""
    kept, directives, code = [], [], None
    for line in re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL).splitlines():
        fence = FENCE.match(line)
        mark = fence["fence"] if fence else ""
        if code:
            code = None if mark.startswith(code) and not fence["info"] else code
            continue
        if fence and not fence["info"] and directives and mark.startswith(directives[-1]):
            directives.pop()
        elif fence and _holds_code(fence["info"]):
            code = mark
            continue
        elif fence:
            directives.append(mark)
        # As a colon fence, a directive's own marks are not taken for those of a code span.
        kept.append(line.replace("`", ":") if fence else line)
    text = re.sub(r"\{math\}(`+)(.+?)\1", r"$\2$", "\n".join(kept), flags=re.DOTALL)
    span = r"(?:\{[\w:-]+\})?(?<!`)(`+)(?!`)(?:(?!\n\n).)+?(?<!`)\1(?!`)"
    return re.sub(span, "", text, flags=re.DOTALL)


def _holds_code(info: str) -> bool:
    """Return whether a fence with this info string holds code; most directives hold prose."""
    return not info.startswith("{") or info.startswith("{code") or info == "{bibliography}"


def _without_names(text: str) -> str:
    """Blank addresses, arXiv numbers, options that are lengths, and numbers that are names."""
    text = re.sub(r"https?://[^\s)>]+|\]\([^)\s]*\)", "", text)
    text = re.sub(r"arXiv:\s?\d{4}\.\d{4,5}(v\d+)?", "", text, flags=re.IGNORECASE)
    text = re.sub(r"(?m)^\s*:(?:width|height|scale|figwidth|widths):.*$", "", text)
    return NAMED.sub("", text)


# Code


def check_cells_are_short(notebook: NotebookNode) -> Iterator[Problem]:
    """No cell is longer than a reader takes in at once."""
    for number, cell in _code(notebook):
        lines = len(cell.source.splitlines())
        if lines > MAX_LINES:
            yield Problem(
                number,
                f"it has {lines} lines, more than {MAX_LINES}",
                "split it, or move what it computes into the package",
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
    for number, cell in _code(notebook):
        for pattern, what, to_do in forbidden:
            if re.search(pattern, cell.source, flags=re.MULTILINE):
                yield Problem(number, what, to_do)


def check_setup_cell(notebook: NotebookNode, repository: str) -> Iterator[Problem]:
    """The first code cell installs the package where it is missing; the site does not show it."""
    expected = SETUP_CELL.format(repository=repository)
    number, cell = next(iter(_code(notebook)), (None, None))
    if cell is None or cell.source != expected:
        yield Problem(
            number, "the first code cell is not the one that sets up Colab", f"use\n{expected}\n"
        )
    elif "remove-cell" not in cell.metadata.get("tags", []):
        yield Problem(number, "the set-up cell shows on the site", "tag it remove-cell")


# The file


def check_kernel(notebook: NotebookNode) -> Iterator[Problem]:
    """The kernel is the one that every installation has."""
    name = notebook.metadata.get("kernelspec", {}).get("name")
    if name != "python3":
        yield Problem(None, f"its kernel is {name}, not python3", "run make notebooks")


def check_no_timing(notebook: NotebookNode) -> Iterator[Problem]:
    """No cell carries the time at which it was run."""
    for number, cell in _code(notebook):
        for key in {"execution", "ExecuteTime"} & set(cell.metadata):
            yield Problem(number, f"its metadata holds {key}", "run make notebooks")


def check_canonical(notebook: NotebookNode, text: str) -> Iterator[Problem]:
    """The file's text is the one that `make notebooks` writes for this content."""
    if canonical(notebook) != text:
        yield Problem(None, "it is not stored in canonical form", "run make notebooks")


CHECKS = [
    check_executed_in_order,
    check_outputs_present,
    check_outputs_are_compared,
    check_no_errors,
    check_outputs_are_portable,
    check_no_plot_repr,
    check_pictures_are_small,
    check_figures_have_alt,
    check_markdown_pictures_have_alt,
    check_asks_its_reader,
    check_no_typed_numbers,
    check_cells_are_short,
    check_chapters_only_call,
    check_kernel,
    check_no_timing,
]


def _cells(notebook: NotebookNode, kind: str) -> list[tuple[int, NotebookNode]]:
    return [(n, c) for n, c in enumerate(notebook.cells, start=1) if c.cell_type == kind]


def _code(notebook: NotebookNode) -> list[tuple[int, NotebookNode]]:
    return [(n, c) for n, c in _cells(notebook, "code") if c.source.strip()]


def _outputs(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    for number, cell in _code(notebook):
        for output in cell.outputs:
            yield number, output


def _texts(output: NotebookNode) -> Iterator[str]:
    """Yield the parts of an output that a reader sees as text."""
    yield "".join(output.get("text", ""))
    for kind, value in output.get("data", {}).items():
        if kind not in {"image/png", "image/jpeg", "image/gif"} and not isinstance(value, dict):
            yield "".join(value)


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


def repository_address() -> str:
    """Return the address of the project's repository, which _config.yml states."""
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]


def main(arguments: list[str]) -> int:
    paths = [Path(argument).resolve() for argument in arguments]
    paths = paths or [*chapters(), *sorted(CHAPTERS.rglob("*.md"))]
    found = 0
    for path in paths:
        if path.suffix == ".ipynb":
            problems = lint_notebook(path, repository=repository_address())
        else:
            problems = lint_page(path)
        name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        for cell, what, to_do in problems:
            print(f"{name}: " + (f"cell {cell}: " if cell else "") + f"{what}: {to_do}")
        found += len(problems)
    print(f"{len(paths)} files linted, {found} problems")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
