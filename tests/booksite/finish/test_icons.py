"""Every icon that is shown is in the fonts, as the theme draws it, and no other."""

import base64
import re
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from booksite.finish import icons, scripts

THEME = Path(find_spec("pydata_sphinx_theme").submodule_search_locations[0])
STATIC = THEME / "theme" / "pydata_sphinx_theme" / "static"
FACE = re.compile(r"@font-face\{[^}]*font/woff;base64,([^)]*)\)[^}]*\}")


@pytest.fixture(scope="module")
def style():
    return (STATIC / scripts.THEME_STYLE).read_text(encoding="utf-8")


def fonts(style):
    """The fonts within a style sheet, each as its characters and its number of glyphs."""
    found = [TTFont(BytesIO(base64.b64decode(data))) for data in FACE.findall(style)]
    return [(set(font.getBestCmap()), font["maxp"].numGlyphs) for font in found]


def test_styles_and_sizes_are_no_icons():
    page = '<i class="theme-switch fa-solid fa-sun fa-lg"></i> <b class="x"> fa-car</b>'
    assert icons.named(page) == {"fa-sun"}


def test_aliases_have_the_same_character(style):
    points = icons.code_points(style)
    assert points["fa-pencil-alt"] == points["fa-pencil"] == 0xF303
    assert points["fa-at"] == ord("@")
    assert len(points) > 2000


def test_characters_in_other_rules_are_found_escaped_or_not():
    rules = 'a:after{content:"\\f107"} html{--bell:"\uf0f3"} .fa-x:before{content:"\\f00d"}'
    assert icons.shown_by_styles(rules) == {0xF107, 0xF0F3}


def test_the_fonts_hold_the_icons_that_are_shown_and_no_other(style):
    few = icons.subset(style, {"fa-bars", "fa-github"}, {0xF0F3}, STATIC / scripts.FONTS)
    characters = {character for font, _ in fonts(few) for character in font}
    assert characters == {0xF0C9, 0xF09B, 0xF0F3}
    assert all(glyphs <= 4 for _, glyphs in fonts(few))
    assert set(icons.code_points(few)) >= {"fa-bars", "fa-github"}
    assert "fa-rocket" not in icons.code_points(few)
    assert "webfonts" not in few
    assert len(few) < len(style) - 70_000


def test_an_icons_outline_is_the_themes(style):
    few = icons.subset(style, {"fa-rocket"}, set(), STATIC / scripts.FONTS)
    ours = TTFont(BytesIO(base64.b64decode(FACE.search(few)[1])))
    theirs = TTFont(STATIC / scripts.FONTS / "fa-solid-900.ttf")
    rockets = [font["glyf"][font.getBestCmap()[0xF135]] for font in (ours, theirs)]
    assert rockets[0].coordinates == rockets[1].coordinates


def test_another_release_of_the_theme_is_noticed():
    with pytest.raises(ValueError, match=r"must name icons.*finish/icons\.py"):
        icons.subset("body{color:red}", set(), set(), STATIC / scripts.FONTS)
