"""The Chromium of this system, for what needs a real browser: tests of the site, and the PDF.

Building the book needs none. Playwright's own download of a browser is not used.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

# The shell without windows, by the names that Debian and playwright give it, comes first: with it
# the tests of the site take a fifth less time.
NAMES = (
    "chromium-headless-shell",
    "chrome-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)
# Where macOS and Windows have one; Edge, which every Windows has, is a Chromium too.
PLACES = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
# A browser that asks nothing of the network by itself, and runs in containers, whose user is often
# root (no sandbox then) and which have no graphics card.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


class BrowserMissingError(RuntimeError):
    """There is no Chromium on this system; the message says what to do."""


def find_chromium() -> str | None:
    """Return the path of a Chromium or Chrome: ``$CHROMIUM``, one on PATH, or in its usual place.

    A BrowserMissingError says that ``$CHROMIUM`` names nothing that can be run: another browser
    than the one that was asked for would be a surprise.
    """
    if wanted := os.environ.get("CHROMIUM"):
        if found := shutil.which(wanted):
            return found
        raise BrowserMissingError(
            f"CHROMIUM must name a program that can be run, got {wanted!r}: correct it, or unset "
            "it to have one looked for"
        )
    for name in NAMES:
        if found := shutil.which(name):
            return found
    return next((place for place in PLACES if Path(place).is_file()), None)


def launch(playwright: Playwright) -> Browser:
    """Start the system's Chromium, headless; a BrowserMissingError says that there is none."""
    executable = find_chromium()
    if executable is None:
        raise BrowserMissingError(
            "Chromium or Chrome is needed, and there is none on PATH: install one (Debian: "
            "apt install chromium-headless-shell), or name one with CHROMIUM=/path/to/chromium"
        )
    return playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
