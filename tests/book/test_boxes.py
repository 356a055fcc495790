"""A box stands where the book mends a slip of the slides, and a question looks like a question."""

import re
from itertools import pairwise

from notebooks import CHAPTERS, chapters, read

ERRATUM = re.compile(
    r"^:::\{admonition\} Erratum (?P<title>\d+)\n:class: erratum\n:name: erratum-(?P<name>\d+)\n"
    r"\n(?P<text>.+?)\n:::$",
    re.MULTILINE | re.DOTALL,
)
QUESTION = "**What do you expect?**"
QUESTION_MARK = "{.expect}"


def pages() -> dict[str, str]:
    """The prose of all pages of the book, by file name."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in CHAPTERS.rglob("*.md")}
    for path in chapters():
        cells = (cell for cell in read(path).cells if cell.cell_type == "markdown")
        texts[path.name] = "\n\n".join(cell.source for cell in cells)
    return texts


def unmarked_slips(errata: str, texts: dict[str, str]) -> list[str]:
    """What is wrong between the list of errata and the boxes of the chapters."""
    listed = re.findall(r"(?m)^(\d+)\. \(slip-\1\)=$", errata)
    problems = [] if listed else ["the list of errata has no entry with a target"]
    boxes = [(name, box) for name, text in texts.items() for box in ERRATUM.finditer(text)]
    for number in listed:
        found = [name for name, box in boxes if box["name"] == number]
        if len(found) != 1:
            problems.append(f"erratum {number} has {len(found)} boxes, not one")
        if f"](#erratum-{number})" not in errata:
            problems.append(f"erratum {number} does not lead to its box")
    for name, box in boxes:
        number = box["name"]
        if box["title"] != number or number not in listed:
            problems.append(f"{name}: the box {number} stands for no erratum of the list")
        if f"](#slip-{number})" not in box["text"]:
            problems.append(f"{name}: the box {number} does not lead back to the list")
    return problems


def unmarked_questions(text: str) -> list[str]:
    """The questions to the reader that would look like any other paragraph."""
    lines = ["", *text.splitlines()]
    return [
        line
        for before, line in pairwise(lines)
        if line.startswith(QUESTION) and before != QUESTION_MARK
    ]


def test_every_slip_has_one_box_where_it_is_mended_and_links_lead_both_ways():
    texts = pages()
    assert unmarked_slips(texts["errata.md"], texts) == []


def test_a_slip_without_a_box_and_a_box_without_a_way_back_are_found():
    errata = "1. (slip-1)=\n   *Here:* [the box](#erratum-1).\n\n2. (slip-2)=\n   Nowhere.\n"
    box = ":::{admonition} Erratum 1\n:class: erratum\n:name: erratum-1\n\nA slip.\n:::\n"
    assert unmarked_slips(errata, {"chapter": box}) == [
        "erratum 2 has 0 boxes, not one",
        "erratum 2 does not lead to its box",
        "chapter: the box 1 does not lead back to the list",
    ]
    stray = box.replace("erratum-1", "erratum-3")
    assert "chapter: the box 3 stands for no erratum of the list" in unmarked_slips(
        errata, {"chapter": stray}
    )
    assert unmarked_slips("1. A slip.", {}) == ["the list of errata has no entry with a target"]


def test_every_question_to_the_reader_is_marked_as_one():
    texts = pages()
    assert [line for text in texts.values() for line in unmarked_questions(text)] == []
    assert sum(text.count(QUESTION) for text in texts.values()) > 10


def test_a_question_without_a_mark_is_found():
    assert unmarked_questions(f"{QUESTION} A six?") == [f"{QUESTION} A six?"]
    assert unmarked_questions(f"Text.\n\n{QUESTION_MARK}\n{QUESTION} A six?") == []
