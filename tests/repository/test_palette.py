"""The palette's colours can be read on every ground they stand on, and are those of the figures."""

import re

import pytest

from authoring.notebooks import ROOT
from lectures_code.figures import style

PALETTE = ROOT / "booksite" / "style" / "palette.css"
LETTERS = ("ink", "quiet", "blue", "vermilion", "green", "purple", "amber")
GROUNDS = ("page", "ground", "target")
LINES = ("blue", "vermilion", "green", "purple", "amber")


def colours(css: str, mode: str) -> dict[str, str]:
    """The colours that a style sheet names `--lecture-...` for one of the two modes."""
    block = re.search(rf'html\[data-theme="{mode}"\] \{{(.*?)\}}', css, re.DOTALL)
    assert block, f"no block for {mode}"
    return dict(re.findall(r"--lecture-([\w-]+): (#[0-9a-f]{6});", block[1]))


def luminance(colour: str) -> float:
    """Relative luminance of a colour #rrggbb, as WCAG 2.2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours #rrggbb, as WCAG 2.2 defines it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def too_faint(named: dict[str, str], letters, grounds, at_least: float) -> list[str]:
    """The pairs of a letter's colour and a ground whose contrast is too low."""
    return [
        f"{letter} on {ground}: {contrast(named[letter], named[ground]):.2f}"
        for letter in letters
        for ground in grounds
        if contrast(named[letter], named[ground]) < at_least
    ]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_letters_reach_the_contrast_of_4_5_on_every_ground(mode):
    named = colours(PALETTE.read_text(encoding="utf-8"), mode)
    assert too_faint(named, LETTERS, GROUNDS, 4.5) == []


def test_without_scripts_dark_is_the_same_dark():
    css = PALETTE.read_text(encoding="utf-8")
    assert colours(css, "auto") == colours(css, "dark") != {}


def test_edges_and_marks_are_the_figures_colours():
    css = PALETTE.read_text(encoding="utf-8")
    lines = dict(re.findall(r"--lecture-line-(\w+): (#[0-9a-f]{6});", css))
    assert lines == {name: getattr(style, name.upper()) for name in LINES}


def test_contrast_is_that_of_the_standard_and_a_faint_letter_is_found():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    named = colours(
        'html[data-theme="light"] {--lecture-ink: #999999; --lecture-page: #ffffff;}', "light"
    )
    assert too_faint(named, ["ink"], ["page"], 4.5) == ["ink on page: 2.85"]
