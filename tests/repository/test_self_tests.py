"""Self-tests of the chapters: two to four in each, and nothing but the question gives them away."""

import re

import pytest

from authoring.notebooks import CHAPTERS, read

PARTS = ("lecture", "beyond", "networks")
PATHS = [path for part in PARTS for path in sorted((CHAPTERS / part).glob("*.ipynb"))]
CHOICE = re.compile(r"^- \[([ x])\] (.*(?:\n  \S.*)*)", re.M)


def self_tests(path):
    """The choices of each self-test of a chapter: whether they are right, and their words."""
    sources = [cell.source for cell in read(path).cells if ":::{self-test}" in cell.source]
    for source in sources:
        assert re.fullmatch(r":::\{self-test\} [\w-]+\n.*\n:::", source, re.S), "alone in its cell"
        assert source.count(":::{self-test}") == 1
    return [[(mark == "x", text) for mark, text in CHOICE.findall(each)] for each in sources]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_each_chapter_has_two_to_four_of_three_to_five_choices(path):
    found = self_tests(path)
    assert 2 <= len(found) <= 4
    assert all(3 <= len(choices) <= 5 for choices in found)


def test_neither_place_nor_length_tells_which_choice_is_right():
    """By guessing the longest, or the one at any place, hardly more than chance is right."""
    found = [choices for path in PATHS for choices in self_tests(path)]
    places = [[is_right for is_right, _ in choices].index(True) for choices in found]
    longest = [max(choices, key=lambda choice: len(choice[1]))[0] for choices in found]
    shortest = [min(choices, key=lambda choice: len(choice[1]))[0] for choices in found]
    assert max(places.count(place) for place in range(4)) <= 0.4 * len(found)
    assert sum(longest) <= 0.4 * len(found) and sum(shortest) <= 0.4 * len(found)
