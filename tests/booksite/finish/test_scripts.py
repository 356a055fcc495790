"""Pages load what they use, show every icon without a script, and break no rule of ARIA."""

import base64
import re
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from booksite.finish import aria, icons, scripts
from tests.booksite import small_site

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


HEAD = """\
<head>
<link rel="stylesheet" href="_static/copybutton.css?v=1" />
<link rel="stylesheet" href="_static/mystnb.{hash}.css?v=1" />
<link rel="stylesheet" href="_static/book.css" />
<script defer src="_static/scripts/fontawesome.js?digest=1"></script>
<script src="_static/documentation_options.js"></script>
<script src="_static/doctools.js"></script>
<script data-x="y" src="_static/design-tabs.js"></script>
<script src="searchindex.js"></script>
</head>
""".replace("{hash}", "0123456789abcdef" * 4)


def loaded(page):
    return {scripts._name(tag[1] or tag[2]) for tag in scripts.LOADED.finditer(page)}


@pytest.mark.parametrize(
    ("body", "uses"),
    [
        ("<p>Words about cells and highlight</p>", set()),
        ('<div class="highlight-python">', {"copybutton.css"}),
        ('<div class="cell docutils">', {"mystnb.css"}),
        ('<div class="sd-tab-set docutils">', {"design-tabs.js"}),
        ('<div id="search-results">', {"searchindex.js"}),
    ],
)
def test_a_page_keeps_what_it_uses(body, uses):
    always = {"book.css", "documentation_options.js", "doctools.js"}
    assert loaded(scripts.light(HEAD + body)) == always | uses


def test_scripts_wait_except_for_the_one_that_others_need_at_once():
    page = scripts.light(HEAD)
    assert '<script defer src="_static/doctools.js">' in page
    assert '<script src="_static/documentation_options.js">' in page


def test_a_light_page_stays_as_it_is():
    page = scripts.light(HEAD)
    assert scripts.light(page) == page


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """A function that builds a site of one page in the book's theme: its folder, the warnings."""

    def run(text):
        return small_site.build(
            tmp_path_factory.mktemp("site"),
            text,
        )

    return run


def test_a_site_is_without_the_themes_icon_script_and_fonts(build):
    site, warnings = build("# Words\n\nWords.\n")
    page = (site / "index.html").read_text(encoding="utf-8")
    style = (site / "_static" / scripts.THEME_STYLE).read_text(encoding="utf-8")
    assert warnings == ""
    assert "fontawesome" not in page
    assert not list(site.rglob("fontawesome.js")) and not list(site.rglob("fa-*"))
    assert not list(site.rglob("*.map"))
    shown = {icons.code_points(style)[name] for name in icons.named(page)}
    assert len(shown) > 5
    assert shown <= {character for font, _ in fonts(style) for character in font}
    # The theme's script makes a button to close a banner.
    assert "fa-xmark" in icons.code_points(style)
    assert re.search(r"_static/style\.[0-9a-f]{12}\.css", page) and "theme.css" not in page
    assert 'role="navigation" aria-label="Book"' in page


def test_an_icon_that_the_theme_does_not_have_is_a_warning(build):
    _, warnings = build('# Words\n\n<i class="fa-solid fa-nonsense"></i>\n')
    assert "there is no icon fa-nonsense in the theme, and index.html shows it" in warnings


def test_only_empty_headings_become_cells():
    table = "<th>a</th><th class='x'> <p></p>\n</th><th></th><thead>"
    fixed = aria.fixed(table)
    assert fixed == "<th>a</th><td class='x'></td><td></td><thead>"


def test_a_bibliography_loses_withdrawn_roles():
    page = '<div role="list" class="citation-list"><div class="c" id="i" role="doc-biblioentry">'
    fixed = aria.fixed(page)
    assert fixed == '<div class="citation-list"><div class="c" id="i">'


def test_boxes_lose_the_ids_that_all_of_them_have():
    page = (
        '<section id="solution-content"></section><section id="exercise-content"></section>'
        '<div class="proof admonition" id="proof"><section id="proof-content"></section></div>'
        '<section id="proof"></section>'
    )
    assert aria.fixed(page) == (
        "<section></section><section></section>"
        '<div class="proof admonition"><section></section></div><section id="proof"></section>'
    )


def test_finishing_a_page_twice_changes_nothing(build):
    site, _ = build("# Words\n\nWords.\n")
    page = (site / "index.html").read_text(encoding="utf-8")
    assert page.count('role="navigation" aria-label="Book"') == 1
    assert page.count("Object.defineProperty") == 1
    assert aria.fixed(page) == page
