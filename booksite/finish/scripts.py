"""A page loads what it uses, and nothing else.

The theme and other extensions give each page every script and style that some page might need.
What a page has no use for is left out of it, and scripts wait until it is read. Once all pages
are written, icons become a font of those that are shown (icons.py), and files that no page can ask
for leave the site. What the theme's own template loads is in templates/layout.html.
"""

import re
import shutil
from pathlib import Path
from posixpath import basename

from sphinx.application import Sphinx
from sphinx.util import logging

from booksite.finish import icons
from booksite.finish.pages import pages

logger = logging.getLogger(__name__)
THEME_STYLE = "styles/pydata-sphinx-theme.css"
FONTS = "vendor/fontawesome/webfonts"
# Files by their name, and what an article contains that uses them.
USES = {
    "clipboard.min.js": re.compile(r'class="highlight'),
    "copybutton.js": re.compile(r'class="highlight'),
    "copybutton.css": re.compile(r'class="highlight'),
    "design-tabs.js": re.compile(r'class="[^"]*\bsd-tab-set'),
    "sphinx-design.min.css": re.compile(r'class="[^"]*\bsd-'),
    "togglebutton.js": re.compile(r'class="[^"]*(?<![\w-])(toggle|admonition)(?![\w-])'),
    "togglebutton.css": re.compile(r'class="[^"]*(?<![\w-])(toggle|admonition)(?![\w-])'),
    "proof.css": re.compile(r'class="[^"]*\bproof\b|class="[^"]*\bprf'),
    "exercise.css": re.compile(r'class="[^"]*\b(exercise|solution)\b'),
    "self_tests.js": re.compile(r'class="self-test"'),
    "mystnb.css": re.compile(r'class="[^"]*(?<![\w-])(cell|cell_output|pasted-)'),
}
# Of no use once the pages are light: read by no page.
UNUSED = [
    "locales",
    "scripts/fontawesome.js",
    "vendor/fontawesome",
    "webpack-macros.html",
    "sbt-webpack-macros.html",
]
# What these define is used by scripts within the page.
AT_ONCE = {"documentation_options.js"}


def keep_used(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object
) -> None:
    """Keep what a page uses of the scripts and styles that it is given, and let scripts wait."""
    article = context.get("body", "")
    for kind in ("script_files", "css_files"):
        context[kind] = [
            file
            for file in context[kind]
            if (use := USES.get(_name(file.filename))) is None or use.search(article)
        ]
    for script in context["script_files"]:
        waits = {"defer", "async", "type"} & script.attributes.keys()
        if script.filename and not waits and _name(script.filename) not in AT_ONCE:
            script.attributes["defer"] = ""


def _name(address: str | None) -> str:
    """Return the file's name, without what stands in it for its content."""
    return re.sub(r"\.[0-9a-f]{32,}\.css$", ".css", basename(address or ""))


def light_icons(folder: Path) -> dict[str, list[str]]:
    """Put the icons of all pages into the theme's style sheet.

    Returns for each icon that the theme does not have the pages that name it.
    """
    static = folder / "_static"
    path = static / THEME_STYLE
    style = path.read_text(encoding="utf-8")
    if not (static / FONTS).is_dir():  # done by an earlier build, and nothing copied since
        return {}
    known = icons.code_points(style)
    missing: dict[str, list[str]] = {}
    names: set[str] = set()
    for page in pages(folder):
        named = icons.named(page.read_text(encoding="utf-8"))
        names |= named & set(known)
        for name in sorted(named - set(known)):
            missing.setdefault(name, []).append(page.relative_to(folder).as_posix())
    for script in static.rglob("*.js"):
        if script.name != "fontawesome.js":
            names |= set(icons.NAMES.findall(script.read_text(encoding="utf-8"))) & set(known)
    styles = [sheet.read_text(encoding="utf-8") for sheet in sorted(static.rglob("*.css"))]
    shown = icons.shown_by_styles(*styles)
    path.write_text(icons.subset(style, names, shown, static / FONTS), encoding="utf-8")
    return missing


def lighten(site: Path) -> None:
    """Make the finished site light."""
    static = site / "_static"
    for name, where in light_icons(site).items():
        logger.warning(
            "there is no icon %s in the theme, and %s shows it: choose another",
            name,
            ", ".join(where),
            type="icons",
        )
    for name in UNUSED:
        path = static / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for path in static.rglob("*.map"):
        path.unlink()
