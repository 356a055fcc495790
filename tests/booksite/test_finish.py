"""Finished pages: no fault of ARIA, and of icons, scripts and styles what they use."""

import base64
import re
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest
import tinycss2
from fontTools.ttLib import TTFont

from booksite.finish import aria, icons, scripts
from booksite.finish.styles import join, names_in_use, pruned, sheet
from tests.booksite import small_site


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


HASH = "0123456789abcdef" * 4


STYLES = ["copybutton.css", f"mystnb.{HASH}.css", "ours.css"]


SCRIPTS = ["documentation_options.js", "doctools.js", "design-tabs.js", None]


def files_kept(body):
    """What is left of these files for a page with this body, by name: the attributes."""
    context = {"body": body}
    for kind, names in (("css_files", STYLES), ("script_files", SCRIPTS)):
        context[kind] = [
            SimpleNamespace(filename=name and f"_static/{name}", attributes={}) for name in names
        ]
    scripts.keep_used(None, "page", "page.html", context, None)
    files = context["css_files"] + context["script_files"]
    return {
        file.filename and file.filename.removeprefix("_static/"): file.attributes for file in files
    }


@pytest.mark.parametrize(
    ("body", "uses"),
    [
        ("<p>Words about cells and highlight</p>", set()),
        ('<div class="highlight-python">', {"copybutton.css"}),
        ('<div class="cell docutils">', {f"mystnb.{HASH}.css"}),
        ('<div class="sd-tab-set docutils">', {"design-tabs.js"}),
    ],
)
def test_a_page_keeps_what_it_uses(body, uses):
    assert (
        files_kept(body).keys()
        == {"ours.css", "documentation_options.js", "doctools.js", None} | uses
    )


def test_scripts_wait_except_for_those_that_others_need_at_once():
    found = files_kept("")
    assert "defer" in found["doctools.js"]
    assert found["documentation_options.js"] == found[None] == {}


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """A function that builds a site of one page in the book's theme: its folder, the warnings."""

    def run(text):
        return small_site.build(tmp_path_factory.mktemp("site"), text)

    return run


def test_a_site_is_without_the_themes_icon_script_and_fonts(build):
    site, warnings = build("# Words\n\nWords.\n")
    page = (site / "index.html").read_text(encoding="utf-8")
    style = (site / "_static" / scripts.THEME_STYLE).read_text(encoding="utf-8")
    assert warnings == ""
    assert "fontawesome" not in page and "preload" not in page
    assert "searchtools" not in page
    assert '<script defer src="_static/searchtools.js">' in (site / "search.html").read_text(
        "utf-8"
    )
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


def test_finishing_a_page_twice_changes_nothing(build):
    site, _ = build("# Words\n\nWords.\n")
    page = (site / "index.html").read_text(encoding="utf-8")
    assert page.count('role="navigation" aria-label="Book"') == 1
    assert page.count("Object.defineProperty") == 1
    assert aria.fixed(page) == page


PAGE = """<html><head><title>A page</title>
<link href="../_static/styles/theme.css?v=1" rel="stylesheet" />
<link rel="stylesheet" type="text/css" href="../_static/book.css" />
<link media="print" rel="stylesheet" href="../_static/print.css" />
</head><body class="{}"><script>const state = "from-script";</script></body></html>"""


def rules_kept(style, *names):
    rules = tinycss2.parse_stylesheet(style, skip_comments=True, skip_whitespace=True)
    return "".join(pruned(rules, set(names)))


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("p{a:1}", "p{a:1}"),
        (".used{a:1}.unused{a:1}", ".used{a:1}"),
        (".unused,.used{a:1}", ".used{a:1}"),
        (".used .unused{a:1}", ""),
        ("p:not(.unused){a:1}", "p:not(.unused){a:1}"),
        (":is(.used, .unused) a{a:1}", ":is(.used, .unused) a{a:1}"),
        ('#name[href=".x"]{a:1}', '#name[href=".x"]{a:1}'),
        ("@media print{.unused{a:1}}", ""),
        ("@media print{.used{a:1}.unused{a:1}}", "@media print{.used{a:1}}"),
        ("@keyframes x{from{a:1}}", "@keyframes x{from{a:1}}"),
        (".tooltip-end{a:1}", ".tooltip-end{a:1}"),
        (".a\\:b{a:1}", ".a\\:b{a:1}"),
    ],
)
def test_rules_stay_exactly_if_their_classes_occur(style, expected):
    assert rules_kept(style, "used", "tooltip-", "a:b") == expected


def test_what_is_no_rule_is_refused():
    with pytest.raises(ValueError, match="a style sheet must hold rules"):
        rules_kept("}")


@pytest.fixture
def site(tmp_path):
    static = tmp_path / "_static"
    (static / "styles").mkdir(parents=True)
    (static / "styles" / "theme.css").write_text('@import "../basic.css";.one{b:url("x.png")}')
    (static / "basic.css").write_text("@charset 'utf-8';.two{a:1}.unused{a:1}")
    (static / "book.css").write_text(".from-script{a:1}.three{b:url(data:,x)}.dialog-open{a:1}")
    (static / "a.js").write_text('element.classList.add("dialog-" + state)')
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "page.html").write_text(PAGE.format("one three two"))
    return tmp_path


def joined(site):
    join(site)
    return (site / "book" / "page.html").read_text()


def test_classes_come_from_pages_and_scripts(site):
    assert {"one", "two", "three", "from-script", "dialog-"} <= names_in_use(site)
    assert "unused" not in names_in_use(site)


def test_imports_and_addresses_hold_in_the_new_place(site):
    style = sheet(site / "_static" / "styles" / "theme.css", site / "_static")
    assert style == """@charset 'utf-8';.two{a:1}.unused{a:1}.one{b:url("styles/x.png")}"""


def test_a_page_loads_one_sheet_with_all_that_applies_in_order(site):
    page = joined(site)
    (file,) = (site / "_static").glob("style.*.css")
    assert f'<link rel="stylesheet" href="../_static/{file.name}">' in page
    assert page.count("stylesheet") == 2 and 'media="print"' in page
    assert file.read_text().split("\n") == [
        ".two{a:1}",
        '.one{b:url("styles/x.png")}',
        ".from-script{a:1}",
        ".three{b:url(data:,x)}",
        ".dialog-open{a:1}",
    ]


def test_joining_twice_changes_nothing(site):
    assert joined(site) == joined(site)
