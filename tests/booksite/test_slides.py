"""Decks hold values, figures and explorers of the last build; an unknown name is an error."""

import json

import pytest
from nbformat import v4

from booksite.slides.decks import SlidesError, write_decks

SVG = '<svg width="100pt" height="50pt"></svg>'
EXPLORER = '<div class="explorer" data-explorer="ball" data-state="s"></div>'
DECK = """# One

:::{lecture} 7
:::

It makes {value}`errors` mistakes of {value}`one::all`.

:::{figure-of} fig-a
:::

:::{explorer-of} ball
:::

:::{erratum} 5
It was not so.
:::

:::{notes}
Say *two*.
:::
"""


def output(kind, **data):
    return v4.new_output(kind, {name.replace("_", "/"): text for name, text in data.items()})


@pytest.fixture
def book(tmp_path):
    """A function that makes decks of a book with one chapter from this source."""
    executed = tmp_path / "_build" / "jupyter_execute" / "book" / "part"
    executed.mkdir(parents=True)
    described = {"image": {"alt": "A curve & its end."}, "figure": {"name": "fig-a"}}
    figure = output("display_data", **{"image_svg+xml": SVG})
    cells = [
        v4.new_code_cell("plot()", outputs=[figure], metadata={"mystnb": described}),
        v4.new_code_cell("e", outputs=[output("display_data", text_html=EXPLORER)]),
    ]
    (executed / "one.ipynb").write_text(json.dumps(v4.new_notebook(cells=cells)))
    glued = {"errors": "'3 to 5'", "all": "90"}
    values = {name: {"data": {"text/plain": text}} for name, text in glued.items()}
    (executed / "one.glue.json").write_text(json.dumps(values))
    explorers = tmp_path / "_build" / "html" / "_static" / "explorers"
    explorers.mkdir(parents=True)
    (explorers / "explorer.css").touch()
    (tmp_path / "slides").mkdir()

    def make(source):
        (tmp_path / "slides" / "one.md").write_text(source, encoding="utf-8")
        write_decks(tmp_path, tmp_path / "decks")
        return tmp_path / "decks"

    return make


def test_a_deck_holds_what_the_build_has(book):
    folder = book(DECK)
    deck = (folder / "one.html").read_text(encoding="utf-8")
    assert '<section data-lecture="7">' in deck
    assert "It makes 3 to 5 mistakes of 90." in deck
    assert 'alt="A curve &amp; its end." width="240" height="120"' in deck
    assert (folder / "_images" / "one-fig-a.svg").read_text(encoding="utf-8") == SVG
    assert EXPLORER in deck
    assert 'href="../book/appendix/errata.html#slip-5"' in deck
    assert '<aside class="notes">\n<p>Say <em>two</em>.</p>\n</aside>' in deck
    assert {path.name for path in (folder / "_static" / "revealjs" / "dist").iterdir()} >= {
        "reveal.css",
        "reveal.js",
    }


def test_what_the_build_does_not_have_is_an_error(book):
    wrong = DECK.replace("fig-a", "fig-b").replace("ball", "sgd").replace("`errors`", "`mistakes`")
    with pytest.raises(SlidesError) as raised:
        book(wrong.replace("one::all", "two::all"))
    for said in (
        "a value of the chapter 'one' must be one of all, errors, got 'mistakes'",
        "a chapter must be one of one, got 'two'",
        "a figure of the chapter 'one' must be one of fig-a, got 'fig-b'",
        "an explorer of the chapter 'one' must be one of ball, got 'sgd'",
    ):
        assert said in str(raised.value)
