"""The checks of slides: each finds its fault, and nothing where there is none."""

import pytest

from tests.browser.checks import slides as checks
from tests.browser.driving import html

STUB = """<script>globalThis.Reveal = {
    getSlides: () => [...document.querySelectorAll("section")],
    getIndices: () => ({h: 0}), slide() {} };</script>
<style>section { position: absolute; left: 0; top: 0; width: 1280px; height: 720px; font-size: 30px;
    overflow: hidden } p { margin: 0 }</style>"""
PICTURE = '<p class="picture"><img alt="A curve." width="500" height="500" src="data:,"></p>'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<p style="margin-top: 700px">Two</p>', "beyond the slide: <p> Two"),
        ('<p style="width: 1300px">Two</p>', "20 pixels beyond the slide"),
        ('<p style="font-size: 23px">Two</p>', "letters of 23.0 pixels"),
        ("<div class=live><svg viewBox='0 0 9 9' width=5><text>2</text></svg></div>", "letters of"),
        ('<p style="color: #999">Two</p>', "a contrast of 2.85"),
        ('<p style="background: #345; color: #567">Two</p>', "a contrast of"),
        (f'{PICTURE}<p style="position: absolute; top: 9px">Two</p>', "lies on a picture: <p> Two"),
        ('<p style="width: 60px; overflow: auto"><b>Incomprehensible</b></p>', "is cut off"),
        ('<aside class="notes" style="font-size: 9px">Say two.</aside>', None),
        (f"{PICTURE}<p>Two</p>", None),
    ],
)
def test_what_cannot_be_read_is_found(open_html, body, expected):
    page = open_html(html(f"<section><p>One</p>{body}</section>", STUB), height=720)
    found = checks.layout(page)
    if expected is None:
        assert found == []
    else:
        assert any(expected in problem for problem in found), found


@pytest.mark.parametrize(("width", "is_found"), [(240, False), (200, True)])
def test_small_letters_of_a_figure_are_found(open_html, tmp_path, width, is_found):
    figure = (
        '<svg height="50pt" width="100pt"><g transform="translate(3 4) scale(0.1 -0.1)"/></svg>'
    )
    (tmp_path / "figure.svg").write_text(figure)
    picture = f'<p class="picture"><img alt="" src="figure.svg" width="{width}"></p>'
    page = open_html(html(picture), {"figure.svg": figure})
    assert bool(checks.letters_of_pictures(page, tmp_path)) == is_found
