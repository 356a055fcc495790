"""One zip of the built site, which a reader unpacks and opens as files: ``index.html`` at its top.

    python -m booksite.offline     _build/html -> _build/lecture-offline.zip

The same site gives the same bytes: entries are sorted, and bear no time and no user of their own.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from pathlib import Path

from booksite.finished import ROOT, SITE, unfinished

# Zip's earliest date, for every entry.
TIME = (1980, 1, 1, 0, 0, 0)
#: The folder of what else a reader may download (downloads.py).
DOWNLOADS = "downloads"
# A build's reports for its maker, and other downloads; scripts' source maps (.map), which debuggers
# read, stay out too.
LEFT_OUT = ("reports", DOWNLOADS)


def site_files(html: Path, names: str = "*") -> list[Path]:
    """Return the files of a built site, sorted by their path; hidden ones are the build's own."""
    files = []
    for path in html.rglob(names):
        parts = path.relative_to(html).parts
        hidden = any(part.startswith(".") for part in parts)
        left_out = hidden or parts[0] in LEFT_OUT or path.suffix == ".map"
        if path.is_file() and not left_out:
            files.append(path)
    return sorted(files, key=lambda path: path.relative_to(html).as_posix())


def pack(html: Path, archive: Path, names: str = "*") -> int:
    """Write the zip of the site in the folder `html`, and return the number of files in it.

    With `names`, a pattern, only of files with such names.

    An older `archive` is replaced only when the new one is complete.
    """
    files = site_files(html, names)
    archive.parent.mkdir(parents=True, exist_ok=True)
    unfinished = archive.with_name(archive.name + ".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for path in files:
            entry = zipfile.ZipInfo(path.relative_to(html).as_posix(), TIME)
            entry.create_system = 3  # Unix, wherever the zip is made: attributes are Unix's
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, path.read_bytes())
    unfinished.replace(archive)
    return len(files)


def main() -> None:
    """Pack ``_build/html`` into ``_build/lecture-offline.zip``, or as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--html", type=Path, default=SITE)
    parser.add_argument("--zip", type=Path, default=ROOT / "_build" / "lecture-offline.zip")
    options = parser.parse_args()
    if problem := unfinished(options.html):
        sys.exit(f"No zip: {problem}")
    n_files = pack(options.html, options.zip)
    print(f"{options.zip}: {n_files} files, {options.zip.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
