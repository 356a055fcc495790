"""The theme's icons without the theme's script: a font of only those that the site shows.

The theme brings thousands of icons three times: as a script of 1.5 MB, as fonts of 300 KB, and as
a rule for each in its style sheet. `subset` keeps in the style sheet what pages use, and puts
fonts of these few glyphs into it.
"""

import re
from base64 import b64encode
from io import BytesIO
from pathlib import Path

from fontTools import subset as fonts
from fontTools.ttLib import TTFont

# .fa-bars:before,.fa-navicon:before{content:"\f0c9"}
RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\?([^"]+?) ?"\}')
# A font of the icons, and the file that it is in.
FACE = re.compile(r"@font-face\{[^{}]*?/(fa-[\w-]+)\.woff2[^{}]*\}")
# Where pages and scripts name icons.
CLASSES = re.compile(r'class="([^"]*\bfa-[^"]*)"')
NAMES = re.compile(r"(?<![\w-])fa-[a-z0-9-]+")
# Classes that name a style, a size or a movement, and no icon.
NO_ICONS = re.compile(
    r"fa-(solid|regular|brands|classic|sharp|[1-9]x|10x|2?x[sl]|sm|lg|fw|ul|li|border|inverse|beat"
    r"|bounce|fade|beat-fade|shake|spin|spin-reverse|spin-pulse|pulse|rotate-.*|flip.*|pull-.*"
    r"|stack.*)"
)


def named(page: str) -> set[str]:
    """Return the icons that a page's classes name: `{"fa-bars", ...}`."""
    names = {name for classes in CLASSES.findall(page) for name in NAMES.findall(classes)}
    return {name for name in names if not NO_ICONS.fullmatch(name)}


def code_points(style: str) -> dict[str, int]:
    """Return the character of each icon that the theme's style sheet knows."""
    return {
        name: int(code, 16) if len(code) > 1 else ord(code)
        for selectors, code in RULE.findall(style)
        for name in NAMES.findall(selectors)
    }


def shown_by_styles(*styles: str) -> set[int]:
    """Return the characters that style sheets show before or after other things."""
    rest = " ".join(RULE.sub("", style) for style in styles)
    escaped = {int(code, 16) for code in re.findall(r'"\\([ef][0-9a-f]{3})"', rest)}
    return escaped | {ord(letter) for letter in rest if "\ue000" <= letter <= "\uf8ff"}


def subset(style: str, names: set[str], others: set[int], folder: Path) -> str:
    """Return the theme's style sheet with these icons alone, and their glyphs in it.

    `names` are icons as `named` returns them, `others` characters that have no class; `folder` has
    the theme's fonts. An icon that the style sheet does not know raises a KeyError, a sheet of
    another form a ValueError.
    """
    if not RULE.search(style) or not FACE.search(style):
        raise ValueError(
            "the theme's style sheet must name icons and their fonts, but does not: "
            "see whether this release of the theme shows them as booksite/finish/icons.py expects"
        )
    known = code_points(style)
    points = {known[name] for name in names} | others
    style = RULE.sub(lambda rule: rule[0] if names & set(NAMES.findall(rule[1])) else "", style)

    def face(rule: re.Match) -> str:
        font = _few_glyphs(folder / f"{rule[1]}.ttf", points)
        if font is None:
            return ""
        source = f"src:url(data:font/woff;base64,{b64encode(font).decode()})"
        return re.sub(r"src:[^;}]*", lambda _: source, rule[0])

    return FACE.sub(face, style)


def _few_glyphs(path: Path, points: set[int]) -> bytes | None:
    """Return the font with the glyphs of these characters, or None if it has none of them."""
    font = TTFont(path, recalcTimestamp=False)
    if not points & set(font.getBestCmap()):
        return None
    options = fonts.Options(
        layout_features=[], hinting=False, glyph_names=False, notdef_outline=True
    )
    maker = fonts.Subsetter(options)
    maker.populate(unicodes=points)
    maker.subset(font)
    font.flavor = "woff"
    file = BytesIO()
    font.save(file)
    return file.getvalue()
