"""The time that a chapter takes to read follows from what is in it."""

from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document

from booksite.reading_time import say, seconds
from booksite.self_tests.directive import self_test_answers

PROSE = nodes.paragraph("", "one two three four five six seven eight nine ten")  # 3 seconds


def cell(*outputs):
    source = nodes.literal_block("", "a long program, which is not counted by its words")
    return nodes.container("", source, *outputs, nb_element="cell_code")


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (PROSE, 3),
        (nodes.admonition("", PROSE.deepcopy()), 3),
        (nodes.admonition("", PROSE.deepcopy(), classes=["dropdown"]), 0),
        (self_test_answers("", PROSE.deepcopy()), 0),
        (nodes.paragraph("", "", nodes.math("", r"a + b = \frac{c}{d}")), 0.3),
        (nodes.math_block("", "a + b"), 20),
        (cell(), 30),
        (cell(nodes.literal_block("", "1 2 3")), 30),
        (cell(nodes.figure("", nodes.image(), nodes.caption("", "one two"))), 30 + 30 + 0.6),
        (cell(nodes.raw("", '<div class="explorer"><img></div>', format="html")), 60),
        (nodes.raw("", "<br>", format="html"), 0),
    ],
)
def test_each_part_takes_its_time(node, expected):
    assert seconds(node) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("path", "builder", "said"),
    [
        # Two minutes for the cells, and a moment for the title: rounded up.
        ("lecture/one.ipynb", "html", ["About 3 minutes of reading."]),
        ("lecture/one.ipynb", "edition", []),
        ("practice/one.ipynb", "html", []),
        ("index.md", "html", []),
    ],
)
def test_a_chapter_says_it_below_its_title_and_other_pages_do_not(path, builder, said):
    page = new_document("page")
    title = nodes.title("", "A title")
    page += nodes.section("", title, *(cell() for _ in range(4)))
    environment = SimpleNamespace(doc2path=lambda _: path)
    say(SimpleNamespace(builder=SimpleNamespace(name=builder), env=environment), page, path)
    below = page[0].children[1 : 1 + len(said)]
    assert [node.astext() for node in below] == said
    assert len(page[0]) == 5 + len(said)
