"""Every figure, theorem and exercise is referred to from the text, a chapter by its own number."""

import re

import pytest
from nbformat import v4

from authoring.notebooks import CHAPTERS, read

# A directive whose label is among its first options.
LABELLED = re.compile(r"^:::+\{(?:prf:\w+|exercise)\}.*\n(?::\w+:.*\n)*?:label: (\S+)", re.M)
REFERRED = re.compile(r"\{(?:ref|numref|prf:ref)\}`(?:[^`<]*<)?([\w-]+)>?`")


def labels_and_references(notebooks, pages=()):
    """The labels of figures and boxes, and those that the text refers to."""
    labels, text = [], "\n".join(pages)
    for cell in (cell for notebook in notebooks for cell in notebook.cells):
        if cell.cell_type == "markdown":
            labels += LABELLED.findall(cell.source)
            text += f"\n{cell.source}"
        elif figure := cell.metadata.get("mystnb", {}).get("figure"):
            labels.append(figure["name"])
    return labels, set(REFERRED.findall(text))


@pytest.fixture(scope="module")
def book():
    notebooks = [read(path) for path in sorted(CHAPTERS.rglob("*.ipynb"))]
    pages = [path.read_text(encoding="utf-8") for path in CHAPTERS.rglob("*.md")]
    return labels_and_references(notebooks, pages)


def test_the_text_refers_to_each(book):
    labels, referred = book
    assert len(labels) > 100 and len(set(labels)) == len(labels)
    assert [label for label in labels if label not in referred] == []


def test_a_label_in_its_own_box_or_solution_is_no_reference():
    source = (
        ":::{exercise} A name\n:class: x\n:label: ex-a\n\nText.\n:::\n\n:::{solution} ex-a\n:::"
    )
    figure = v4.new_code_cell(metadata={"mystnb": {"figure": {"name": "fig-a"}}})
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell(source), figure])
    assert labels_and_references([notebook]) == (["ex-a", "fig-a"], set())
    referring = ["See {ref}`the first <ex-a>` and {numref}`fig-a`."]
    assert labels_and_references([notebook], referring)[1] == {"ex-a", "fig-a"}


def misnumbered(text, chapters):
    """The links that call a chapter by another number than its place among the chapters."""
    links = re.findall(r"\[chapter (\d+)\]\([^)]*?(\w+)\.ipynb", text)
    return [(number, name) for number, name in links if chapters[int(number) - 1] != name]


def test_a_chapter_is_called_by_its_own_number(numbered):
    sources = [*CHAPTERS.rglob("*.ipynb"), *CHAPTERS.rglob("*.md")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    assert text.count("[chapter 1]") > 1 and misnumbered(text, numbered) == []
    assert misnumbered("[chapter 2](../lecture/a.ipynb#x)", ["a", "b"]) == [("2", "a")]
