"""The sheets of a page of practice: questions without solutions, and with all of them open."""

import nbformat
import pypdfium2
import pytest
from nbformat import v4
from pypdf import PdfReader

from authoring.notebooks import canonical
from booksite.paper.builder import BookError
from booksite.sheets import write_sheets
from tests.booksite import small_book
from tests.browser import paper_book

SETTINGS = {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
SITE = "https://adversarial-training-lecture.github.io/adversarial-training-lecture/"
ADDRESS = f"{SITE}book/front.html"
TOC = "root: book/front\nparts:\n  - chapters:\n      - file: book/practice/one\n"
QUESTION = """# Practice: one

See {doc}`../front` and {eq}`eq-one`.

$$ a = b $$ (eq-one)

:::{exercise}
:label: ex-one
Find $x_1^2$.
:::

:::{admonition} Two hints
:class: dropdown
Look well.
:::
"""


def page():
    """A page of practice, with outputs that were stored."""

    def code(source, says, **metadata):
        output = v4.new_output("execute_result", {"text/plain": says}, execution_count=1)
        return v4.new_code_cell(source, execution_count=1, outputs=[output], metadata=metadata)

    cells = [
        v4.new_markdown_cell(QUESTION),
        code("answer = ...", "No answer yet."),
        v4.new_markdown_cell(":::{solution-start} ex-one\n:class: dropdown\n:::"),
        v4.new_markdown_cell("It is so."),
        code("# Solution\nanswer = 5", "Passed.", tags=["solution"]),
        v4.new_markdown_cell(":::{solution-end}\n:::"),
        v4.new_markdown_cell("The last words."),
    ]
    return canonical(v4.new_notebook(cells=cells, metadata=SETTINGS))


@pytest.fixture(scope="module")
def sheets(lacking, tmp_path_factory):
    """The folder of the sheets of a small book; their words, by kind."""
    lacking("browser")
    book = tmp_path_factory.mktemp("book")
    config = (small_book.ROOT / "_config.yml").read_text(encoding="utf-8")
    config = config.replace("execute_notebooks: force", 'execute_notebooks: "off"')
    (book / "_config.yml").write_text(config, encoding="utf-8")
    (book / "book" / "practice").mkdir(parents=True)
    pages = {"front.md": paper_book.LAST, "practice/one.ipynb": page()}
    result = small_book.build(book, pages, toc=TOC)
    assert result.exit_code == 0, result.stdout + result.stderr
    write_sheets(book, book / "sheets")
    return book / "sheets"


def links(sheet):
    marks = [mark.get_object() for mark in sheet.get("/Annots", [])]
    return [mark["/A"]["/URI"] for mark in marks if "/URI" in mark.get("/A", {})]


def words(pdf):
    with pypdfium2.PdfDocument(pdf) as document:
        return "\n".join(sheet.get_textpage().get_text_range() for sheet in document)


@pytest.mark.parametrize(("kind", "is_solved"), [("questions", False), ("solutions", True)])
def test_a_sheet_has_the_solutions_or_not(sheets, kind, is_solved):
    text = words(sheets / kind / "one.pdf")
    notebook = nbformat.read(sheets / kind / "one.ipynb", as_version=4)
    prose = "\n".join(cell.source for cell in notebook.cells)
    for each in (text, prose):
        assert "Find" in each and "Look well." in each and "answer = ..." in each
        assert "The last words." in each
        for solved in ("It is so.", "answer = 5", "Solution to"):
            assert (solved in each) == is_solved, solved
    assert ("Passed." in text) == is_solved
    assert ("<details>" in prose) != is_solved, "for a lecturer nothing is folded"
    assert not any("jupyter" in cell.metadata for cell in notebook.cells)


def test_a_sheets_links_lead_to_the_site(sheets):
    source = (sheets / "questions" / "one.ipynb").read_text(encoding="utf-8")
    assert ADDRESS in source
    marks = [
        mark for sheet in PdfReader(sheets / "questions" / "one.pdf").pages for mark in links(sheet)
    ]
    assert ADDRESS in marks


def test_without_a_build_there_are_no_sheets(tmp_path):
    for name in ("_config.yml", "_toc.yml"):
        (tmp_path / name).write_bytes((small_book.ROOT / name).read_bytes())
    with pytest.raises(BookError, match="run make book"):
        write_sheets(tmp_path, tmp_path / "sheets")
