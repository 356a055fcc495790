"""A book of a few pages, built under the project's own configuration."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def build(
    folder: Path,
    pages: dict[str, str],
    *,
    toc: str,
    builder: Sequence[str] = (),
    **environment: str,
) -> subprocess.CompletedProcess:
    """Build a book of these files of `book/` in `folder`; `toc` is what follows its format.

    The configuration is the project's, which executes chapters, or the one that `folder` holds.
    `builder` holds options that name another builder.
    """
    if not (folder / "_config.yml").exists():
        shutil.copy(ROOT / "_config.yml", folder)
    shutil.copytree(ROOT / "booksite", folder / "booksite")
    shutil.copytree(ROOT / "book" / "pictures", folder / "book" / "pictures")
    (folder / "_toc.yml").write_text(f"format: jb-book\n{toc}", encoding="utf-8")
    for name, text in {"references.bib": "", **pages}.items():
        (folder / "book" / name).write_text(text, encoding="utf-8")
    settings = {**os.environ, "NO_COLOR": "1", **environment}
    settings.pop("MPLBACKEND", None)
    program = str(Path(sys.executable).with_name("jupyter-book"))
    command = [program, "build", ".", "-n", "-W", "--keep-going", *builder]
    options = {"capture_output": True, "text": True, "timeout": 240}
    return subprocess.run(command, cwd=folder, env=settings, **options)
