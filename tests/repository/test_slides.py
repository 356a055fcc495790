"""Sources of slides: a deck a chapter, the lecture's slides in order, notes, no result typed."""

import re
from pathlib import Path

import pytest

from authoring.notebooks import CHAPTERS, chapters

ROOT = Path(__file__).parent.parent.parent
DECKS = [path.stem for path in chapters() if path.parent.name != "practice"]
# The lecture's own: title and goals, two on adversarial training, a divider and five on linear
# models, three on MNIST, three of references.
LECTURE = list(range(1, 16))
LECTURE_CHAPTERS = ("min_max", "danskin", "linear_models", "mnist")
LECTURE_SLIDE = re.compile(r"^:::\{lecture\} (\d+)$", re.M)
# Radii, scales and constants that are given, not computed; the rest is {value}.
GIVEN = {"0.2", "0.3", "0.4", "0.3081"}
NUMBER = re.compile(r"\d+\.\d+|\d+ ?%")


def source(name):
    return (ROOT / "slides" / f"{name}.md").read_text(encoding="utf-8")


def slides(text):
    """The slides of a deck: title and text of each."""
    parts = re.split(r"^##? (.*)$", text, flags=re.M)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def faults(text):
    """What is wrong with a deck's source."""
    found = []
    for title, body in slides(text):
        if ":::{notes}" not in body and title not in ("In the book",) and "Reference" not in title:
            found.append(f"{title}: no notes")
        for number in NUMBER.findall(re.sub(r"\{value\}`.*?`", "", body)):
            if number not in GIVEN:
                found.append(f"{title}: {number} is typed")
    if not 8 <= len(slides(text)) <= 16:
        found.append(f"{len(slides(text))} slides")
    return found


def test_each_chapter_has_a_deck_and_there_is_no_other():
    assert len(DECKS) == 14
    assert {path.stem for path in (ROOT / "slides").glob("*.md")} == set(DECKS)


def test_the_first_decks_cover_the_lectures_slides_in_their_order():
    order = [path.stem for path in chapters() if path.parent == CHAPTERS / "lecture"]
    assert sorted(order) == sorted(LECTURE_CHAPTERS)
    numbers = [int(n) for name in LECTURE_CHAPTERS for n in LECTURE_SLIDE.findall(source(name))]
    assert numbers == sorted(numbers) and sorted(set(numbers)) == LECTURE


def test_each_erratum_of_the_lecture_is_on_a_slide():
    listed = re.findall(
        r"\(slip-(\d+)\)=", (CHAPTERS / "appendix" / "errata.md").read_text("utf-8")
    )
    shown = {n for name in DECKS for n in re.findall(r"(?m)^:::\{erratum\} (\d+)$", source(name))}
    assert shown == set(listed)


def own_number(text):
    """The numbers that a deck gives its chapter, below its title and where it leads to the book."""
    first = slides(text)[0][1]
    said = re.findall(r"(?m)^Chapter (\d+)\b", first)
    return said + re.findall(r"\[[Cc]hapter (\d+)\]\(\.\./book/", text)


def test_a_deck_says_the_number_that_its_chapter_has_in_the_contents(numbered):
    assert sorted(numbered) == sorted(DECKS)
    assert {name: own_number(source(name)) for name in numbered} == {
        name: [str(number)] * 2 for number, name in enumerate(numbered, 1)
    }


def test_another_number_is_found():
    deck = "# One\n\nChapter 2, *first*\n\n## In the book\n\n- [Chapter 1](../book/a.html)\n"
    assert own_number(deck) == ["2", "1"]


@pytest.mark.parametrize("name", DECKS)
def test_each_slide_has_notes_and_no_result_is_typed(name):
    assert faults(source(name)) == []


def test_what_a_deck_lacks_is_found():
    deck = "# One\n\n:::{notes}\nSay {value}`a`.\n:::\n\n## Two\n\nAn error of 0.17, or 3 %.\n"
    assert faults(deck) == ["Two: no notes", "Two: 0.17 is typed", "Two: 3 % is typed", "2 slides"]
