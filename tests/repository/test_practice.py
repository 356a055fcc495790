"""Pages of practice: each exercise of a module has its hints, its check and its solution."""

import re

import pytest
from nbformat import v4

from authoring.notebooks import CHAPTERS, read
from lectures_code import practice

PAGES = sorted((CHAPTERS / "practice").glob("*.ipynb"))
EXERCISE = re.compile(r"^:::\{exercise\}\n:label: (ex-[\w-]+)$", re.M)
HINTS = re.compile(
    r"^:::\{admonition\} Two hints\n:class: dropdown\n\n1\. .*\n2\. .*\n:::$", re.M | re.S
)
FEWEST = 6


def blocks(notebook):
    """The cells of each exercise: from the one that asks to the one before the next."""
    found = []
    for cell in notebook.cells:
        labels = EXERCISE.findall(cell.source) if cell.cell_type == "markdown" else []
        if labels:
            found.append((labels[0], []))
            assert len(labels) == 1, f"{labels}: a cell each"
        if found:
            found[-1][1].append(cell)
    return found


def said(cell):
    """What a cell showed last."""
    return "".join(cell.outputs[-1].get("data", {}).get("text/plain", "")) if cell.outputs else ""


def faults(label, cells):
    """What is missing of an exercise, or not in its place."""
    found, solved = [], None
    if not HINTS.search(cells[0].source):
        found.append(f"{label}: two hints, folded, belong to its cell")
    start = f":::{{solution-start}} {label}\n:class: dropdown\n:::"
    for cell in cells:
        if cell.cell_type == "markdown":
            solved = cell.source == start or (solved and cell.source != ":::{solution-end}\n:::")
        elif bool(solved) != ("solution" in cell.metadata.get("tags", [])):
            found.append(f"{label}: cells of a solution, and no others, have the tag solution")
        elif solved and not cell.source.startswith("# Solution\n"):
            found.append(f"{label}: a cell of a solution begins with the line # Solution")
    checks = [
        ("solution" in cell.metadata.get("tags", []), said(cell))
        for cell in cells
        if cell.cell_type == "code" and f'\ncheck("{label}", ' in cell.source
    ]
    if checks != [(False, "No answer yet."), (True, "Passed.")]:
        found.append(f"{label}: an open check, then one that its solution passes; got {checks}")
    return found


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_each_exercise_has_its_hints_its_check_and_its_solution(path):
    assert [fault for block in blocks(read(path)) for fault in faults(*block)] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_has_the_exercises_of_its_module_and_enough_of_them(path):
    (module,) = (m for m in practice.CHAPTERS if m.__name__.endswith(f".{path.stem}"))
    labels = [label for label, _ in blocks(read(path))]
    assert labels == [exercise.name for exercise in module.EXERCISES]
    assert len(labels) >= FEWEST


def test_each_module_has_a_page_and_page_and_chapter_lead_to_each_other():
    assert len(PAGES) == len(practice.CHAPTERS)
    for path in PAGES:
        (chapter,) = (p for p in CHAPTERS.glob(f"*/{path.name}") if p != path)
        there, back = f"](../practice/{path.name})", f"](../{chapter.parent.name}/{path.name})"
        assert any(there in cell.source for cell in read(chapter).cells), path.stem
        assert any(back in cell.source for cell in read(path).cells), path.stem


# ---------------------------------------------------------------------- what these would find


def exercise(*, hints=True, tag="solution", first="# Solution", open_says="No answer yet."):
    """The cells of an exercise, with a fault."""

    def code(source, says, tags=()):
        shown = v4.new_output("execute_result", {"text/plain": says}, execution_count=1)
        return v4.new_code_cell(source, outputs=[shown], metadata={"tags": list(tags)})

    fold = ":::{admonition} Two hints\n:class: dropdown\n\n1. One.\n2. Two.\n:::"
    return [
        v4.new_markdown_cell(f":::{{exercise}}\n:label: ex-a\n\nDo.\n:::\n\n{fold * hints}"),
        code('answer = ...\ncheck("ex-a", answer)', open_says),
        v4.new_markdown_cell(":::{solution-start} ex-a\n:class: dropdown\n:::"),
        v4.new_markdown_cell("So."),
        code(f'{first}\ncheck("ex-a", 5)', "Passed.", [tag]),
        v4.new_markdown_cell(":::{solution-end}\n:::"),
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"hints": False}, ["ex-a: two hints, folded, belong to its cell"]),
        ({"first": "x = 5"}, ["ex-a: a cell of a solution begins with the line # Solution"]),
    ],
)
def test_a_fault_is_found(change, expected):
    ((label, cells),) = blocks(v4.new_notebook(cells=exercise(**change)))
    assert faults(label, cells) == expected


@pytest.mark.parametrize("change", [{"tag": "other"}, {"open_says": "Passed."}])
def test_a_check_without_its_tag_and_one_that_is_answered_are_found(change):
    assert any("an open check" in fault for fault in faults("ex-a", exercise(**change)))


def test_a_solution_that_is_missing_and_a_stray_tag_are_found():
    cells = exercise()
    assert any("an open check" in fault for fault in faults("ex-a", cells[:2]))
    cells[1].metadata.tags = ["solution"]
    assert any("and no others" in fault for fault in faults("ex-a", cells))
