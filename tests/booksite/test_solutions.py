"""One switch folds solutions, leaves them out, or opens them."""

from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document
from nbformat import v4
from sphinx_exercise.nodes import solution_node

from booksite.edition.builder import edition_of
from booksite.edition.markdown import Cell
from booksite.solutions import show


def shown(switch):
    """A page with an exercise's hints and solution, as the switch shows it."""
    page = new_document("page")
    page += nodes.admonition("", nodes.paragraph("", "A hint."), classes=["dropdown"])
    page += solution_node("", nodes.paragraph("", "So it is."), classes=["dropdown"])
    page += nodes.paragraph("", "The end.")
    show(SimpleNamespace(config=SimpleNamespace(solutions=switch)), page)
    return page


def folded(page):
    return [type(node).__name__ for node in page if "dropdown" in node.get("classes", ())]


def test_the_site_folds_hints_and_solutions():
    assert folded(shown("folded")) == ["admonition", "solution_node"]


def test_students_get_hints_and_no_solutions():
    page = shown("none")
    assert folded(page) == ["admonition"]
    assert page.astext().split("\n\n") == ["A hint.", "The end."]


def test_a_lecturer_gets_all_of_them_open():
    page = shown("open")
    assert folded(page) == []
    assert page.astext().split("\n\n") == ["A hint.", "So it is.", "The end."]


@pytest.mark.parametrize(
    ("switch", "sources", "is_folded"),
    [
        ("folded", ["answer = ...", "# Solution", "last"], True),
        ("none", ["answer = ...", "last"], None),
        ("open", ["answer = ...", "# Solution", "last"], False),
    ],
)
def test_a_notebook_has_the_cells_of_a_solution_as_the_switch_says(switch, sources, is_folded):
    source = v4.new_notebook(
        cells=[
            v4.new_markdown_cell("# Title"),
            v4.new_code_cell("answer = ..."),
            v4.new_code_cell("# Solution", metadata={"tags": ["solution"]}),
            v4.new_code_cell("last"),
        ]
    )
    parts = ["# Title", Cell(1), *([] if switch == "none" else [Cell(2)]), "Text.", Cell(3)]
    cells = edition_of(source, parts, "address", solutions=switch).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert [cell.source for cell in code] == sources
    found = ["jupyter" in cell.metadata for cell in code if "tags" in cell.metadata]
    assert found == ([] if is_folded is None else [is_folded])
