"""The readers' edition: what the site shows, in what any notebook reader understands."""

import re
from html import unescape
from types import SimpleNamespace

import nbformat
import pytest
from docutils import nodes
from markdown_it import MarkdownIt
from nbformat import v4

from authoring.notebooks import canonical
from booksite.edition.builder import edition_of
from booksite.edition.markdown import Cell, Markdown, UnknownConstructError
from tests.booksite import small_book

SITE = "https://adversarial-training-lecture.github.io/adversarial-training-lecture/book/"
BIBLIOGRAPHY = """
@article{doe, author={Jane Doe}, title={On it}, journal={J}, year={2001}}
@article{roe, author={Ann Roe and Bo Poe and Cy Coe}, title={Of it}, journal={J}, year={2002}}
"""
TEXT = r"""# A chapter

See {cite:p}`doe`, {cite:t}`doe`, {cite:t}`roe`, {eq}`eq-one`, {numref}`fig-one`,
{ref}`there <place>`, {prf:ref}`thm-one`, {doc}`other`, **{term}`words <word>`** and
[a link](https://example.org/far). The value is
{glue:text}`value`, in `code` of 2 * 3 * 4_5.

(place)=
## A place with $x_1^2$

```{math}
:label: eq-one
\max_{\delta}
\frac{a}{b}
```

:::{prf:theorem} Named
:label: thm-one
For all $x < 1$:

1. first, and
2. second.
:::

:::{prf:proof}
It is plain.
:::

:::{admonition} Erratum 1
:class: erratum
A slip.

$$
a &= b \\
  &= c
$$
:::

:::{exercise}
:label: ex-one
Find it.
:::

:::{solution} ex-one
:class: dropdown
It was hidden. {glue:text}`value`
:::

:::{admonition} A < hint
:class: dropdown
Look.
:::

:::{self-test} which-one
Which, in {eq}`eq-one`?

- [ ] The first, $x_1$.

  It is not.
- [x] The second.

  It is.

  So it is.
:::

| one | two |
| --- | --- |
| $a$ | b |
"""
OTHER = "# Another\n\n:::{glossary}\nword\n  It is said.\n:::\n\n```{bibliography}\n```\n"
FIGURE = {
    "image": {"alt": "A square, 2*3*4 in words."},
    "figure": {"caption": "A square.", "name": "fig-one"},
}
#: How markup of the book's builder looks: directives, their options, roles, targets.
MARKUP = re.compile(r"^ *:::|^ *`{3,}\{|^ *:\w+: |\{[\w:]+\}`|^\([\w-]+\)=$", re.MULTILINE)
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


def chapter(text=TEXT):
    glued = v4.new_output(
        "display_data",
        {"application/papermill.record/text/plain": "'7 of 9'"},
        metadata={"scrapbook": {"mime_prefix": "application/papermill.record/", "name": "value"}},
    )
    plot = v4.new_output("display_data", {"image/png": PIXEL, "text/plain": "<Figure>"})
    cells = [
        v4.new_code_cell("import os  # the first", metadata={"tags": ["remove-cell"]}),
        v4.new_markdown_cell(text),
        v4.new_code_cell("glue('value', 7)", outputs=[glued]),
        v4.new_code_cell("plot()", outputs=[plot], metadata={"mystnb": FIGURE}),
        v4.new_markdown_cell(":::{exercise}\n:label: ex-two\nDo it.\n:::"),
        v4.new_markdown_cell(":::{solution-start} ex-two\n:class: dropdown\n:::"),
        v4.new_markdown_cell("Before. $x_2$"),
        v4.new_code_cell("# Solution\ndo()", metadata={"tags": ["solution"]}),
        v4.new_markdown_cell("After."),
        v4.new_markdown_cell(":::{solution-end}\n:::"),
        v4.new_markdown_cell("The end."),
    ]
    for count, cell in enumerate([cell for cell in cells if cell.cell_type == "code"], 1):
        cell.execution_count = count
    return v4.new_notebook(cells=cells)


def write(folder, notebook):
    """Write the edition of a book with this chapter and another page."""
    project = small_book.ROOT / "_config.yml"
    text = project.read_text("utf-8").replace(
        "execute_notebooks: force", 'execute_notebooks: "off"'
    )
    (folder / "_config.yml").write_text(text, encoding="utf-8")
    pages = {
        "chapter.ipynb": canonical(notebook),
        "other.md": OTHER,
        "references.bib": BIBLIOGRAPHY,
    }
    toc = (
        "root: book/other\nparts:\n  - numbered: true\n    chapters:\n      - file: book/chapter\n"
    )
    builder = ["--builder", "custom", "--custom-builder", "edition"]
    return small_book.build(folder, pages, toc=toc, builder=builder)


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edition")
    result = write(folder, chapter())
    assert result.exit_code == 0, result.stdout + result.stderr
    return nbformat.read(folder / "_build" / "edition" / "book" / "chapter.ipynb", as_version=4)


@pytest.fixture(scope="module")
def prose(edition):
    return "\n\n".join(cell.source for cell in edition.cells if cell.cell_type == "markdown")


@pytest.mark.parametrize(
    "text",
    [
        "# 1. A chapter",
        f"See ([Doe, 2001]({SITE}other.html#id",
        ", Doe ([2001](",
        ", Roe *et al.* ([2002](",
        f"[(1.1)]({SITE}chapter.html#equation-eq-one)",
        f"[Fig. 1.1]({SITE}chapter.html#fig-one)",
        f"[there]({SITE}chapter.html#place)",
        f"[Theorem 1.1]({SITE}chapter.html#thm-one)",
        f"[Another]({SITE}other.html), **[words]({SITE}other.html#term-word)**",
        "[a link](https://example.org/far)",
        "The value is\n7 of 9, in `code` of 2 \\* 3 \\* 4_5.",
        "## 1.1. A place with $x_1^2$",
        r"$$\max_{\delta} \frac{a}{b} \tag{1.1}$$",
        "> **Theorem 1.1** (Named)\n>\n> For all $x < 1$:\n>\n> 1. first, and\n> 2. second.",
        "> Proof. It is plain.",
        "> **Erratum 1**\n>\n> A slip.\n>\n> $$\\begin{split}a &= b \\\\ &= c\\end{split}$$",
        "> **Exercise 1.1**\n>\n> Find it.",
        "<details>\n<summary>Solution to Exercise 1.1</summary>\n\nIt was hidden. 7 of 9\n\n"
        "</details>",
        "<details>\n<summary>A &lt; hint</summary>\n\nLook.\n\n</details>",
        f"**Self-test.** Which, in [(1.1)]({SITE}chapter.html#equation-eq-one)?\n\n"
        "- a) The first, $x_1$.\n- b) The second.\n\n<details>\n<summary>Answers</summary>\n\n"
        "**a) Not so.** It is not.\n\n**b) Right.** It is.\n\nSo it is.\n\n</details>",
        "| one | two |\n| --- | --- |\n| $a$ | b |",
        "**Fig. 1.1.** A square.\n\n<details>\n<summary>The figure in words</summary>\n\n"
        "A square, 2\\*3\\*4 in words.\n\n</details>",
        f"*This notebook is also [a page]({SITE}chapter.html) of the book's site.*",
    ],
)
def test_each_construct_reads_well(prose, text):
    assert text in prose


def test_no_markup_of_the_builder_is_left(prose):
    assert MARKUP.findall(prose) == []
    assert len(MARKUP.findall(TEXT)) > 15, "the markup of the chapter itself is found"


def test_code_cells_are_the_chapters_in_their_order(edition):
    sources = [cell.source for cell in edition.cells if cell.cell_type == "code"]
    assert sources == [cell.source for cell in chapter().cells if cell.cell_type == "code"]
    assert sources[0].startswith("import os"), "also the one that the site does not show"


def test_values_for_the_prose_are_no_outputs_and_pictures_have_their_words(edition):
    """VS Code takes a picture's plain text for its alt text."""
    first, glued, plot, _ = (cell for cell in edition.cells if cell.cell_type == "code")
    assert first.outputs == glued.outputs == []
    (shown,) = plot.outputs
    assert shown.data["image/png"] == PIXEL
    assert shown.data["text/plain"] == "A square, 2*3*4 in words."


def test_a_solution_is_folded_and_its_cell_stands_where_the_book_has_it(edition):
    title = "<details>\n<summary>Solution to Exercise 1.2</summary>\n\n"
    place = next(k for k, cell in enumerate(edition.cells) if cell.source.startswith("# Solution"))
    before, cell, after = edition.cells[place - 1 : place + 2]
    assert before.source.endswith(f"> Do it.\n\n{title}Before. $x_2$\n\n</details>")
    assert cell.metadata.jupyter == {"source_hidden": True, "outputs_hidden": True}
    assert cell.metadata.tags == ["solution"]
    more = title.replace("</", ", continued</")
    assert after.source.startswith(f"{more}After.\n\n</details>\n\nThe end.")
    others = [each for each in edition.cells if each is not cell]
    assert not any("jupyter" in each.metadata for each in others)


def test_an_edition_is_a_valid_notebook_and_the_same_each_time(edition):
    nbformat.validate(edition)
    parts = ["# Title", Cell(2), "Text."]
    first, second = (edition_of(chapter(), parts, "address") for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    "words",
    [
        ["against\n", "39", "."],  # JupyterLab made a list of it
        ["against\n", "1", ". And"],
        ["against\n", "1", ") and"],
        ["against\n", "-", " and"],
        ["against\n", "+", "\nand"],
        ["against\n", "#", " 5"],
        ["against\n", "> 5"],
        ["- and", "\n12. more"],
        ["39", ". is a value"],
    ],
    ids="".join,
)
def test_no_line_of_a_paragraph_begins_a_list_a_quotation_or_a_heading(words):
    paragraph = nodes.paragraph("", "", *(nodes.inline(word, word) for word in words))
    (text,) = Markdown(None, "chapter", SITE).write_paragraph(paragraph)
    (shown,) = re.findall(r"^<p>(.*)</p>\n$", MarkdownIt().render(text), re.DOTALL)
    assert unescape(shown) == "".join(words)
    # In some readers any list may interrupt a paragraph: what a line is alone, it is there.
    for line in text.split("\n"):
        assert MarkdownIt().render(line).startswith("<p>")


@pytest.mark.parametrize(
    "node",
    [
        nodes.sidebar(),
        nodes.paragraph("", "", nodes.subscript()),
        nodes.list_item("", nodes.definition_list()),
        nodes.raw("", "", format="latex"),
    ],
    ids=lambda node: str(node)[1:12],
)
def test_a_construct_that_is_not_known_is_an_error(node):
    with pytest.raises(UnknownConstructError, match=r"^chapter: "):
        list(Markdown(SimpleNamespace(), "chapter", SITE).parts(nodes.section("", node)))
