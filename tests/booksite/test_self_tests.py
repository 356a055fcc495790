"""A self-test on a page: radio buttons and folded answers; one that is not whole stops a build."""

import json

import pytest
from bs4 import BeautifulSoup

from tests.booksite import small_site

GOOD = """:::{self-test} which-one
Which is *it*, of $x$ and {ref}`y <place>`?

- [ ] The first.

  It is not.

  See $x^2$.
- [x] The `second`.

  It is, plainly.
:::
"""
#: How a self-test goes wrong, and what is said of it.
BAD = {
    "no right choice": ("- [ ] A.\n\n  So.\n- [ ] B.\n\n  So.", "marked by [x]: 0 are"),
    "two right ones": ("- [x] A.\n\n  So.\n- [x] B.\n\n  So.", "marked by [x]: 2 are"),
    "one choice": ("- [x] A.\n\n  So.", "two choices or more, has 1"),
    "no explanation": ("- [x] A.\n- [ ] B.\n\n  So.", "choice a must be followed by a paragraph"),
    "a list for it": ("- [x] A.\n\n  So.\n- [ ] B.\n\n  - So.", "choice b must be followed by a"),
    "no mark": ("- [x] A.\n\n  So.\n- B.\n\n  So.", "choice b must begin with [ ]"),
    "no text": ("- [x] A.\n\n  So.\n-", "choice b must begin with [ ]"),
    "no list": ("More.", "one paragraph that asks, then a list"),
    "text below it": ("- [x] A.\n\n  So.\n- [ ] B.\n\n  So.\n\nMore.", "then a list of choices"),
}


EXTENSIONS = ["colon_fence", "dollarmath", "tasklist"]


def source(choices, name="a-name"):
    return f":::{{self-test}} {name}\nWhich?\n\n{choices}\n:::\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A site with one self-test."""
    folder = tmp_path_factory.mktemp("self-test")
    text = f"# A page\n\n(place)=\n## A place\n\n{GOOD}"
    site, warnings = small_site.build(folder, text, myst_enable_extensions=EXTENSIONS)
    assert warnings == ""
    return site


@pytest.fixture(scope="module")
def page(built):
    return BeautifulSoup((built / "index.html").read_text(encoding="utf-8"), "html.parser")


def test_the_search_finds_the_question_and_no_answer(built):
    index = (built / "searchindex.js").read_text(encoding="utf-8")
    terms = json.loads(index[len("Search.setIndex(") : -1])["terms"]
    assert "second" in terms
    assert not any(term.startswith("plain") for term in terms)


def words(tag):
    return " ".join(tag.get_text().split())


def test_a_question_is_a_group_of_radio_buttons_with_its_name(page):
    (group,) = page.select("fieldset.self-test")
    assert group["id"] == "self-test-which-one"
    assert words(group.legend).startswith("Self-test Which is it, of") and group.legend.em
    assert [words(label) for label in group.select("label")] == ["a) The first.", "b) The second."]
    buttons = group.select("label > input[type=radio]")
    assert [button["name"] for button in buttons] == ["self-test-which-one"] * 2
    assert group.legend.a["href"] == "#place"


def test_answers_are_folded_and_say_in_words_what_is_right(page):
    (folded,) = page.select("fieldset.self-test > details")
    first, second = folded.select("[role=status] > .answer")
    assert words(first).startswith("a) Not so. It is not. See") and first.math
    assert words(second) == "b) Right. It is, plainly."
    assert "right" in second["class"] and "right" not in first["class"]


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What a build says of a page with all that can be wrong."""
    folder = tmp_path_factory.mktemp("bad")
    questions = [source(choices, f"bad-{n}") for n, (choices, _) in enumerate(BAD.values())]
    questions += [GOOD, GOOD, source("", "No_Name")]
    text = "\n".join(["# A page", "", "(place)=", "## A place", *questions])
    _, warnings = small_site.build(folder, text, myst_enable_extensions=EXTENSIONS)
    return warnings


@pytest.mark.parametrize(
    ("name", "problem"),
    [(f"bad-{n}", problem) for n, (_, problem) in enumerate(BAD.values())],
    ids=BAD,
)
def test_a_self_test_that_is_not_whole_is_a_warning(said, name, problem):
    (line,) = (line for line in said.splitlines() if f"self-test {name}: " in line)
    assert problem in line


def test_a_name_must_be_one_and_the_only_one(said):
    assert "self-test No_Name: its name must be small letters, digits and hyphens" in said
    assert "self-test which-one: each needs a name of its own: index, index" in said
