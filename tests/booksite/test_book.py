"""The book's build, under the project's configuration, fails where it must and shows what it must.

Each book here has one chapter."""

import re

import pytest
from nbformat import v4

from authoring.notebooks import canonical
from booksite import long_outputs
from tests.booksite import small_book

PROSE = "# A chapter\n\n(a-place)=\n## A place\n\nAs {ref}`a-place` says, $x^2$."
FIGURE = """\
from io import BytesIO
from IPython.display import Image, display
from PIL import Image as Picture

file = BytesIO()
Picture.new("L", (1, 1)).save(file, format="PNG")
display(Image(data=file.getvalue()))"""
ALT = "A single pixel, which stands for a figure."


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """A function that builds a book of this prose and this code: the finished run, its folder."""

    def run(prose, source):
        book = tmp_path_factory.mktemp("book")
        cell = v4.new_code_cell(source, metadata={"mystnb": {"image": {"alt": ALT}}})
        notebook = v4.new_notebook(cells=[v4.new_markdown_cell(prose), cell])
        chapter = {"chapter.ipynb": canonical(notebook)}
        return small_book.build(book, chapter, toc="root: book/chapter"), book

    return run


@pytest.fixture(scope="module")
def good(build):
    result, book = build(PROSE, FIGURE)
    assert result.returncode == 0, result.stdout + result.stderr
    return book, (book / "_build" / "html" / "book" / "chapter.html").read_text(encoding="utf-8")


def test_alt_text_in_a_cells_metadata_reaches_the_page(good):
    assert f'alt="{ALT}"' in good[1]


def test_launch_buttons_open_the_chapter_as_a_notebook(good):
    assert "colab.research.google.com/github/" in good[1]
    assert "/blob/main/book/chapter.ipynb" in good[1]
    assert "urlpath=lab/tree/book/chapter.ipynb" in good[1]


def test_mathematics_is_drawn_by_the_build(good):
    book, page = good
    assert "<math><msup><mi>x</mi><mn>2</mn></msup></math>" in page
    assert "mathjax.js" not in page.lower() and "tex-chtml" not in page
    assert not (book / "_build" / "html" / "_static" / "mathjax").exists()
    assert "cdn" not in page.lower() and "thebe" not in page.lower()


def test_a_build_leaves_the_notebook_as_it_was(good):
    assert '"execution_count": null' in (good[0] / "book" / "chapter.ipynb").read_text("utf-8")


def test_a_failing_cell_fails_the_build_and_shows_why(build):
    result, book = build(PROSE, "1 / 0")
    (log,) = book.rglob("*.err.log")
    assert result.returncode != 0
    assert "ZeroDivisionError" in log.read_text(encoding="utf-8")


def test_a_cell_that_prints_too_much_fails_the_build_soon(build):
    """Without the limit this line alone takes minutes, more than a build here may take."""
    result, _ = build(PROSE, "print('x' * 400_000)")
    assert result.returncode != 0
    text = "an output must have at most 20,000 letters of printed text, this cell's has 400,001"
    assert re.search(rf"chapter\.ipynb:20001: WARNING: {text}: print less", result.stderr)


@pytest.mark.parametrize(
    "output",
    [
        v4.new_output("stream", text="x" * 30_000),
        v4.new_output("execute_result", {"text/plain": "x" * 30_000, "text/html": "<p>"}),
    ],
)
def test_only_the_printed_text_of_a_long_output_is_shortened(output):
    short = long_outputs.shorten(output)
    assert long_outputs.printed(short) == "x" * long_outputs.MAX_PRINTED
    assert long_outputs.printed(output) == "x" * 30_000, "the output itself was changed"
    assert short.output_type == output.output_type
    assert short.get("data", {}).get("text/html") == output.get("data", {}).get("text/html")


def test_an_output_that_is_short_enough_stays_as_it_is():
    output = v4.new_output("stream", text="x" * long_outputs.MAX_PRINTED)
    assert long_outputs.shorten(output) is output


def test_broken_references_fail_the_build(build):
    prose = PROSE + " {ref}`no-place` {py:func}`lectures_code.risk.nothing` {cite}`nobody1900`"
    result, _ = build(prose, "1")
    assert result.returncode != 0
    assert "undefined label: 'no-place'" in result.stderr
    assert "reference target not found: lectures_code.risk.nothing" in result.stderr
    assert 'could not find bibtex key "nobody1900"' in result.stderr
