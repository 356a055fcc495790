"""The notebook linter passes a good chapter, and each of its checks fails on a bad one."""

import base64
import copy

import nbformat
import pytest
from nbformat import v4

from authoring import lint
from authoring.notebooks import NOTEBOOK_METADATA, canonical
from authoring.rules import code

REPOSITORY = "https://example.org/lecture"
PNG = base64.b64encode(b"not looked at").decode()


def code_cell(source, count, outputs=(), **metadata):
    cell = v4.new_code_cell(source, execution_count=count, outputs=list(outputs))
    cell.metadata.update(metadata)
    return cell


def printed(text, name="stdout"):
    return v4.new_output("stream", name=name, text=text)


def value(text, count):
    return v4.new_output("execute_result", {"text/plain": text}, execution_count=count)


def picture(kind="image/png", content=PNG):
    return v4.new_output("display_data", {kind: content, "text/plain": "<Figure>"})


def good_chapter():
    """A chapter that keeps every rule: set-up, claim, value, figure, what it means."""
    setup = code.SETUP_CELL.format(repository=REPOSITORY)
    alt = {"image": {"alt": "The curve falls from one half to zero as the radius shrinks."}}
    notebook = v4.new_notebook(
        metadata=copy.deepcopy(NOTEBOOK_METADATA),
        cells=[
            v4.new_markdown_cell("# A chapter\n\nThe radius is $\\epsilon = 0.2$."),
            code_cell(setup, 1, tags=["remove-cell"]),
            code_cell("mistakes = 1", 2),
            code_cell("mistakes", 3, [value("1", 3)]),
            code_cell("axes = plot_curve(mistakes)", 4, [picture()], mystnb=alt),
            code_cell("print(mistakes)", 5, [printed("1\n")]),
            v4.new_markdown_cell("**What do you expect?** The lecture's error was 0.0004."),
        ],
    )
    for place, cell in enumerate(notebook.cells):
        cell.id = f"cell-{place}"
    return notebook


def findings(notebook, tmp_path, text=None):
    """What the linter says of `notebook`, stored in canonical form unless a text is given."""
    path = tmp_path / "chapter.ipynb"
    path.write_text(text or canonical(notebook), encoding="utf-8")
    return lint.lint_notebook(path, repository=REPOSITORY)


def test_good_chapter_passes(tmp_path):
    nbformat.validate(good_chapter())
    assert findings(good_chapter(), tmp_path) == []


QUESTION = "**What do you expect?**"
LECTURE = "The lecture's error was 0.0004."
FAILED = v4.new_output("error", ename="ValueError", evalue="no", traceback=[])
LONG = "\n".join(f"x{i} = {i}" for i in range(16))
TYPED = "the number 0.831 is typed"


def described(**how):
    """Metadata of a cell with a figure."""
    return {"mystnb": {"image": {"alt": "The curve falls from one half to zero."}} | how}


# What makes a good chapter bad: the cell that the finding names, the finding, and for each cell
# that changes, counted from 1, its new parts; what is "added" comes to the end of its source.
BAD = [
    (4, "its execution count is None, not 3", {4: {"execution_count": None}}),
    (4, "its execution count is 4, not 3", {4: {"execution_count": 4}, 5: {"execution_count": 3}}),
    (4, "its execution count is 13, not 3", {4: {"execution_count": 13}}),
    (None, "no cell has an output", {cell: {"outputs": []} for cell in range(2, 7)}),
    (4, "its output is missing", {4: {"outputs": []}}),
    (6, "its output is missing", {6: {"outputs": []}}),
    (
        4,
        "nbval-ignore-output keeps its output from being compared",
        {4: {"metadata": {"tags": ["nbval-ignore-output"]}}},
    ),
    (
        4,
        "NBVAL_SKIP keeps its output from being compared",
        {4: {"source": "# NBVAL_SKIP\nmistakes"}},
    ),
    (4, "its output is an error (ValueError)", {4: {"outputs": [FAILED]}}),
    (
        6,
        "writes to standard error",
        {6: {"outputs": [printed("1\n"), printed("careful\n", name="stderr")]}},
    ),
    (
        6,
        "names the path /home/someone/mnist",
        {6: {"outputs": [printed("read from /home/someone/mnist\n")]}},
    ),
    (
        6,
        "names the path C:\\Users\\someone",
        {6: {"outputs": [printed("read from C:\\Users\\someone\n")]}},
    ),
    (
        4,
        "shows the memory address 0x7f00deadbeef",
        {4: {"outputs": [value("<Curve object at 0x7f00deadbeef>", 3)]}},
    ),
    (4, "shows <Axes: xlabel='radius'>", {4: {"outputs": [value("<Axes: xlabel='radius'>", 3)]}}),
    (5, "more than 200", {5: {"outputs": [picture(content="A" * 200_004)]}}),
    (5, "its figure has no alt text", {5: {"metadata": {}}}),
    (5, "only 'A plot'", {5: {"metadata": described(image={"alt": "A plot"})}}),
    (
        5,
        "its figure has no alt text",
        {5: {"outputs": [picture("image/svg+xml", "<svg></svg>")], "metadata": {}}},
    ),
    (5, "2 figures, which would share one alt text", {5: {"outputs": [picture(), picture()]}}),
    (1, "the picture digit.png has no alt text", {1: {"added": "\n\n![](digit.png)"}}),
    (
        1,
        "the picture digit.png has no alt text",
        {1: {"added": "\n\n```{figure} digit.png\n:name: fig\n\nA digit.\n```"}},
    ),
    (1, '<img src="digit.png"> has no alt text', {1: {"added": '\n\n<img src="digit.png">'}}),
    (
        None,
        "it asks its reader nothing",
        {7: {"source": f"Do you expect it? {QUESTION} {LECTURE}"}},
    ),
    (
        None,
        "it asks its reader nothing",
        {7: {"source": LECTURE}, 3: {"source": f'mistakes = """\n\n{QUESTION} """'}},
    ),
    (7, TYPED, {7: {"added": " Ours is 0.831."}}),
    (7, TYPED, {7: {"added": " $$r = 0.831$$"}}),
    (7, TYPED, {7: {"added": "\n\n````{note}\n```python\n0.5\n```\nIt is 0.831.\n````"}}),
    (7, TYPED, {7: {"added": " {math}`x` and 0.831 and `y`"}}),
    (7, "the number 83 % is typed", {7: {"added": " That is 83 % of all."}}),
    (7, "the number 1e-9 is typed", {7: {"added": " The gap is 1e-9."}}),
    (5, TYPED, {5: {"metadata": described(image={"alt": "A curve that rises to 0.831."})}}),
    (5, TYPED, {5: {"metadata": described(figure={"caption": "It rises to 0.831."})}}),
    (3, "it has 16 lines, more than 15", {3: {"source": LONG}}),
    (3, "a line has 89 letters, more than 88", {3: {"source": f"mistakes = {'1' * 78}"}}),
    (3, "it defines a class", {3: {"source": "class Attack:\n    pass"}}),
    (3, "it imports a plotting library", {3: {"source": "from matplotlib import pyplot"}}),
    (3, "it draws by itself", {3: {"source": "mistakes = 1\nplt.plot([mistakes])"}}),
    (3, "it draws by itself", {3: {"source": "figure.show()"}}),
    (3, "it sets a matplotlib backend", {3: {"source": "%matplotlib inline"}}),
    (3, "a semicolon at its end hides output", {3: {"source": "plot_curve(mistakes);"}}),
    (
        3,
        "each generator of a list will see the last k of its loop",
        {3: {"source": "mistakes = [(k * m for m in range(2)) for k in range(3)]"}},
    ),
    (
        3,
        "show_source shows beside a figure",
        {3: {"source": "show_source(data)", "metadata": {"mystnb": {"figure": {"name": "a"}}}}},
    ),
    (2, "not the one that sets up Colab", {2: {"source": "import lectures_code"}}),
    (2, "the set-up cell shows on the site", {2: {"metadata": {}}}),
]


def bad_chapter(changes):
    notebook = good_chapter()
    for number, parts in changes.items():
        cell = notebook.cells[number - 1]
        cell.update(nbformat.from_dict({k: v for k, v in parts.items() if k != "added"}))
        cell.source += parts.get("added", "")
    return notebook


@pytest.mark.parametrize(("cell", "expected", "changes"), BAD)
def test_bad_chapter_is_found(cell, expected, changes, tmp_path):
    problems = findings(bad_chapter(changes), tmp_path)
    assert any(p.cell == cell and expected in p.what for p in problems), problems


def test_every_check_of_a_cell_has_a_chapter_that_it_alone_fails():
    """Removing any one check must be noticed: some bad chapter is found by it and no other."""
    alone = set()
    for _, _, changes in BAD:
        notebook = bad_chapter(changes)
        found = [check for check in lint.CHECKS if list(check(notebook))]
        if len(found) == 1:
            alone.add(found[0])
    of_the_file = {code.check_kernel, code.check_no_timing}
    assert set(lint.CHECKS) - alone - of_the_file == set()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('"name": "python3"', '"name": "conda-env"', "its kernel is conda-env, not python3"),
        ('"metadata": {},', '"metadata": {"execution": {}},', "its metadata holds execution"),
        ('"metadata": {},', '"metadata": {"collapsed": true},', "not stored in canonical form"),
        ("\n  {\n", "\n {\n", "not stored in canonical form"),
        ('{\n "cells"', '{"cells"', "not stored in canonical form"),
    ],
)
def test_bad_file_is_found(before, after, expected, tmp_path):
    notebook = good_chapter()
    del notebook.cells[0]  # so that the first cell without metadata is one of code
    text = canonical(notebook)
    assert before in text
    problems = findings(notebook, tmp_path, text.replace(before, after, 1))
    assert any(expected in problem.what for problem in problems), problems


def test_pages_are_linted_as_well(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("# A page\n\nIt is 0.831. ![](digit.png)\n", encoding="utf-8")
    assert lint.main([str(page)]) == 1
    out = capsys.readouterr().out
    assert f"{page}: the number 0.831 is typed into the prose: let it come" in out
    assert "1 files linted, 2 problems" in out


def test_command_names_file_cell_problem_and_remedy(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(lint, "repository_address", lambda: REPOSITORY)
    notebook, path = good_chapter(), tmp_path / "chapter.ipynb"
    path.write_text(canonical(notebook), encoding="utf-8")
    assert lint.main([str(path)]) == 0
    notebook.cells[3].outputs = []
    path.write_text(canonical(notebook), encoding="utf-8")
    assert lint.main([str(path)]) == 1
    assert f"{path}: cell 4: its output is missing: run make notebooks" in capsys.readouterr().out


def test_the_book_keeps_every_rule():
    """What `python -m authoring.lint` says; where this fails, its output names each problem."""
    assert lint.main([]) == 0
