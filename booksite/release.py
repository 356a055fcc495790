"""What a release attaches: the site, its PDF, the readers' edition, the package, their checksums.

    python -m booksite.release     -> _build/release

`make release` makes its parts first.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from booksite import downloads
from booksite.finished import ROOT
from booksite.offline import pack


def collect(root: Path, release: Path) -> None:
    """Fill the folder `release` with what the checkout in `root` has built, and its package."""
    if release.exists():
        shutil.rmtree(release)
    release.mkdir(parents=True)
    downloads.collect(root / "_build", release)
    shutil.copy(root / "_build" / "manifest.json", release)  # authoring's
    pack(root / "_build" / "edition", release / "lecture-notebooks.zip")
    build = [sys.executable, "-m", "build", "--outdir", str(release), str(root)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    sums = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(release.iterdir())
    ]
    # As sha256sum --check reads it.
    (release / "SHA256SUMS").write_text("".join(sums), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    folder = ROOT / "_build" / "release"
    collect(ROOT, folder)
    print((folder / "SHA256SUMS").read_text(encoding="utf-8"), end="")
