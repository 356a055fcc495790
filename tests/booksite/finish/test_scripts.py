"""Pages load what they use, and show every icon without a script."""

import re
from types import SimpleNamespace

import pytest

from booksite.finish import aria, icons, scripts
from tests.booksite import small_site
from tests.booksite.finish.test_icons import fonts

HASH = "0123456789abcdef" * 4


STYLES = ["copybutton.css", f"mystnb.{HASH}.css", "ours.css"]


SCRIPTS = ["documentation_options.js", "doctools.js", "design-tabs.js", None]


def kept(body):
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
    assert kept(body).keys() == {"ours.css", "documentation_options.js", "doctools.js", None} | uses


def test_scripts_wait_except_for_those_that_others_need_at_once():
    found = kept("")
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
