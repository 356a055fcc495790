"""Whether a built site is whole: a build leaves a mark in its folder, as its very last step.

python -m booksite.finished     exit code 1 and what to do, unless _build/html holds a whole site
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
# Hidden, as what Sphinx leaves for itself is: no part of the site.
MARK = ".finished"


def unfinished(site: Path = SITE) -> str | None:
    """Say why there is no whole site in this folder, and what to do; None if there is one."""
    if (site / MARK).is_file():
        return None
    if site.is_dir():
        return (
            f"the build of the site in {site} did not finish: run make book (or make draft) again"
        )
    return f"a built site is needed, and there is none in {site}: run make book (or make draft)"


if __name__ == "__main__":
    sys.exit(unfinished())
