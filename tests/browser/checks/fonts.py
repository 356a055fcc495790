"""One family of fonts for a browser, as on a machine that has no other: by a file of fontconfig.

What a reader's system has decides how wide letters are and which letters are drawn as one. The
files of the fonts stay where they are; a browser that is started with FONTCONFIG_FILE in its
environment sees only those that the file lets through.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page


@dataclass(frozen=True)
class Family:
    """A serif, a sans serif and a monospaced face that belong together, and Debian's package."""

    serif: str
    sans: str
    mono: str
    package: str

    @property
    def faces(self) -> tuple[str, str, str]:
        """The three names."""
        return self.serif, self.sans, self.mono


FAMILIES = {
    "dejavu": Family("DejaVu Serif", "DejaVu Sans", "DejaVu Sans Mono", "fonts-dejavu"),
    "liberation": Family(
        "Liberation Serif", "Liberation Sans", "Liberation Mono", "fonts-liberation"
    ),
    "noto": Family("Noto Serif", "Noto Sans", "Noto Sans Mono", "fonts-noto-mono"),
}
# What a browser asks for where a page leaves the choice to it.
GENERIC = (
    ("serif", "Times New Roman"),
    ("sans-serif", "sans", "system-ui", "Arial"),
    ("monospace", "Courier New"),
)
# Each system has some font with the symbols of mathematics; no page asks for these by name.
SYMBOLS = ("Noto Sans Math", "Noto Sans Display")
CONFIGURATION = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>/usr/local/share/fonts</dir>
  <dir prefix="xdg">fonts</dir>
  <cachedir>{cache}</cachedir>
  <selectfont>
    <rejectfont>
      <pattern><patelt name="scalable"><bool>true</bool></patelt></pattern>
      <pattern><patelt name="scalable"><bool>false</bool></patelt></pattern>
    </rejectfont>
    <acceptfont>{accepted}</acceptfont>
  </selectfont>
{aliases}
  <match target="pattern">
    <edit name="family" mode="append_last" binding="weak"><string>{default}</string></edit>
  </match>
</fontconfig>
"""


def configuration(family: Family, folder: Path) -> Path:
    """Write a configuration of fontconfig, with which a system has this family alone.

    Symbols that the family lacks come from others.
    """
    aliases = [
        f'  <alias binding="same"><family>{name}</family>'
        f"<prefer><family>{face}</family></prefer></alias>"
        for names, face in zip(GENERIC, family.faces, strict=True)
        for name in names
    ]
    accepted = [
        f'<pattern><patelt name="family"><string>{face}</string></patelt></pattern>'
        for face in (*family.faces, *SYMBOLS)
    ]
    path = folder / "fonts.conf"
    path.write_text(
        CONFIGURATION.format(
            cache=folder / "cache",
            accepted="".join(accepted),
            aliases="\n".join(aliases),
            default=family.sans,
        ),
        encoding="utf-8",
    )
    return path


def lacking_faces(family: Family, configuration: Path) -> str | None:
    """Say which faces a system with this configuration does not have, and how to get them."""
    try:
        command = ["fc-list", "--format", "%{family}\n"]
        variables = {**os.environ, "FONTCONFIG_FILE": str(configuration)}
        listed = subprocess.check_output(command, env=variables, text=True)
    except FileNotFoundError:
        return "fontconfig's fc-list is not installed (Debian: apt install fontconfig)"
    have = {name for line in listed.splitlines() for name in line.split(",")}
    missing = [face for face in (*family.faces, *SYMBOLS) if face not in have]
    if not missing:
        return None
    return (
        f"the fonts {', '.join(missing)} are missing (Debian: apt install {family.package} "
        "fonts-noto-core)"
    )


def drawn_with(page: Page, selector: str) -> dict[str, int]:
    """Return the fonts that the browser drew this element's text with, and how many letters each.

    Of the first element that matches. Letters that a face lacks come from another.
    """
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument", {"depth": 0})["root"]["nodeId"]
    node = session.send("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
    assert node, f"{selector} must be on the page, and is not"
    fonts = session.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    session.detach()
    return {font["familyName"]: int(font["glyphCount"]) for font in fonts}


def mainly(fonts: dict[str, int]) -> str | None:
    """Return the font that drew most letters, None where nothing was drawn."""
    return max(fonts, key=fonts.get, default=None)
