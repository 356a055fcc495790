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


BAD = {}


def bad(cell, expected):
    """Register a change that makes a good chapter bad, with the finding that it must lead to."""

    def register(change):
        BAD[change.__name__] = (change, cell, expected)
        return change

    return register


@bad(4, "its execution count is None, not 3")
def cell_not_run(cells):
    cells[3].execution_count = None


@bad(4, "its execution count is 4, not 3")
def cells_run_out_of_order(cells):
    cells[3].execution_count, cells[4].execution_count = 4, 3


@bad(4, "its execution count is 13, not 3")
def outputs_of_several_runs(cells):
    cells[3].execution_count = 13


@bad(None, "no cell has an output")
def outputs_cleared(cells):
    for cell in cells:
        if cell.cell_type == "code":
            cell.outputs = []


@bad(4, "its output is missing")
def output_of_a_value_missing(cells):
    cells[3].outputs = []


@bad(6, "its output is missing")
def output_of_print_missing(cells):
    cells[5].outputs = []


@bad(4, "nbval-ignore-output keeps its output from being compared")
def output_not_compared(cells):
    cells[3].metadata["tags"] = ["nbval-ignore-output"]


@bad(4, "NBVAL_SKIP keeps its output from being compared")
def cell_skipped_by_a_comment(cells):
    cells[3].source = "# NBVAL_SKIP\nmistakes"


@bad(4, "its output is an error (ValueError)")
def error_stored(cells):
    cells[3].outputs = [v4.new_output("error", ename="ValueError", evalue="no", traceback=[])]


@bad(6, "writes to standard error")
def warning_stored(cells):
    cells[5].outputs.append(printed("careful\n", name="stderr"))


@bad(6, "names the path /home/someone/mnist")
def machine_path_in_output(cells):
    cells[5].outputs = [printed("read from /home/someone/mnist\n")]


@bad(6, "names the path C:\\Users\\someone")
def windows_path_in_output(cells):
    cells[5].outputs = [printed("read from C:\\Users\\someone\n")]


@bad(4, "shows the memory address 0x7f00deadbeef")
def memory_address_in_output(cells):
    cells[3].outputs = [value("<Curve object at 0x7f00deadbeef>", 3)]


@bad(4, "shows <Axes: xlabel='radius'>")
def plot_repr_in_output(cells):
    cells[3].outputs = [value("<Axes: xlabel='radius'>", 3)]


@bad(5, "more than 200")
def picture_too_large(cells):
    cells[4].outputs = [picture(content="A" * 200_004)]


@bad(5, "its figure has no alt text")
def figure_without_alt(cells):
    cells[4].metadata = {}


@bad(5, "only 'A plot'")
def figure_with_an_alt_that_says_nothing(cells):
    cells[4].metadata["mystnb"]["image"]["alt"] = "A plot"


@bad(5, "its figure has no alt text")
def svg_without_alt(cells):
    cells[4].outputs, cells[4].metadata = [picture("image/svg+xml", "<svg></svg>")], {}


@bad(5, "2 figures, which would share one alt text")
def two_figures_in_a_cell(cells):
    cells[4].outputs = [picture(), picture()]


@bad(1, "the picture digit.png has no alt text")
def markdown_picture_without_alt(cells):
    cells[0].source += "\n\n![](digit.png)"


@bad(1, "the picture digit.png has no alt text")
def figure_directive_without_alt(cells):
    cells[0].source += "\n\n```{figure} digit.png\n:name: fig\n\nA digit.\n```"


@bad(1, '<img src="digit.png"> has no alt text')
def html_picture_without_alt(cells):
    cells[0].source += '\n\n<img src="digit.png">'


@bad(None, "it asks its reader nothing")
def no_question(cells):
    cells[6].source = "Do you expect it? **What do you expect?** The lecture's error was 0.0004."


@bad(None, "it asks its reader nothing")
def question_in_code_only(cells):
    cells[6].source = "The lecture's error was 0.0004."
    cells[2].source = 'mistakes = """\n\n**What do you expect?** """'


@bad(7, "the number 0.831 is typed")
def decimal_typed_into_prose(cells):
    cells[6].source += " Ours is 0.831."


@bad(7, "the number 0.831 is typed")
def decimal_typed_into_a_formula(cells):
    cells[6].source += " $$r = 0.831$$"


@bad(7, "the number 0.831 is typed")
def decimal_typed_into_a_directive(cells):
    cells[6].source += "\n\n````{note}\n```python\n0.5\n```\nIt is 0.831.\n````"


@bad(7, "the number 0.831 is typed")
def decimal_typed_between_two_roles(cells):
    cells[6].source += " {math}`x` and 0.831 and `y`"


@bad(7, "the number 83 % is typed")
def percentage_typed_into_prose(cells):
    cells[6].source += " That is 83 % of all."


@bad(7, "the number 1e-9 is typed")
def exponent_typed_into_prose(cells):
    cells[6].source += " The gap is 1e-9."


@bad(5, "the number 0.831 is typed")
def decimal_typed_into_alt_text(cells):
    cells[4].metadata["mystnb"]["image"]["alt"] = "A curve that rises to 0.831 on the right."


@bad(5, "the number 0.831 is typed")
def decimal_typed_into_a_caption(cells):
    cells[4].metadata["mystnb"]["figure"] = {"caption": "It rises to 0.831."}


@bad(3, "it has 16 lines, more than 15")
def cell_too_long(cells):
    cells[2].source = "\n".join(f"x{i} = {i}" for i in range(16))


@bad(3, "it defines a class")
def class_in_a_chapter(cells):
    cells[2].source = "class Attack:\n    pass"


@bad(3, "it imports a plotting library")
def plotting_library_imported(cells):
    cells[2].source = "from matplotlib import pyplot"


@bad(3, "it draws by itself")
def plotting_code_in_a_chapter(cells):
    cells[2].source = "mistakes = 1\nplt.plot([mistakes])"


@bad(3, "it draws by itself")
def figure_shown_by_hand(cells):
    cells[2].source = "figure.show()"


@bad(3, "it sets a matplotlib backend")
def matplotlib_magic_left_over(cells):
    cells[2].source = "%matplotlib inline"


@bad(3, "a semicolon at its end hides output")
def semicolon_at_the_end(cells):
    cells[2].source = "plot_curve(mistakes);"


@bad(2, "not the one that sets up Colab")
def setup_cell_changed(cells):
    cells[1].source = "import lectures_code"


@bad(2, "the set-up cell shows on the site")
def setup_cell_not_hidden(cells):
    cells[1].metadata = {}


@pytest.mark.parametrize("name", BAD)
def test_bad_chapter_is_found(name, tmp_path):
    change, cell, expected = BAD[name]
    notebook = good_chapter()
    change(notebook.cells)
    problems = findings(notebook, tmp_path)
    assert any(p.cell == cell and expected in p.what for p in problems), problems


def test_every_check_of_a_cell_has_a_chapter_that_it_alone_fails():
    """Removing any one check must be noticed: some bad chapter is found by it and no other."""
    alone = set()
    for change, _, _ in BAD.values():
        notebook = good_chapter()
        change(notebook.cells)
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
