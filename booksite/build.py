"""Build the book's site into _build/html: one build at a time, with a mark when it is whole.

    python -m booksite.build book      execute all chapters
    python -m booksite.build draft     show their stored outputs
    python -m booksite.build edition   write them as notebooks for other readers (as `book` does)
    python -m booksite.build links     ask each page on another host that the book links to

A build begins with an empty folder and ends with the mark of finished.py. So a build that was
stopped at any moment is never taken for a finished one, and leaves nothing to the next.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TextIO

from booksite.edition.folder import write_folder
from booksite.figures.kernel import write_profile
from booksite.finished import MARK, ROOT

if sys.platform == "win32":
    import msvcrt

    def hold(file: TextIO) -> None:
        """Lock a file for this process; a BlockingIOError says that another one holds it."""
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            raise BlockingIOError from None
else:
    import fcntl

    def hold(file: TextIO) -> None:
        """Lock a file for this process; a BlockingIOError says that another one holds it."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


# As MyST-NB counts: the cell, counted from 1, and the line in it, as one number.
PLACE = re.compile(r"\.ipynb:(\d+)(\d{4})(?=:)")


class BuildError(RuntimeError):
    """There is no build; the message says why, and what to do."""


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold the lock of the builds in one checkout; the system frees it however the process ends.

    A BuildError says that another build holds it.
    """
    folder = root / "_build"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            hold(lock)
        except BlockingIOError:
            raise BuildError(
                f"one build at a time can write {folder / 'html'}, and another one is running: "
                "wait until it has ended, or stop it"
            ) from None
        except OSError:  # some network drives have no locks
            pass
        yield


def build(root: Path, kind: str) -> None:
    """Build the site of the book in `root`, as ``"book"`` or as ``"draft"``.

    A BuildError says that another build is running, or that this one has failed.
    """
    site = root / "_build" / "html"
    with alone(root):
        # Before anything else: a removal that is stopped half way leaves no site either.
        (site / MARK).unlink(missing_ok=True)
        if site.exists():
            shutil.rmtree(site)
        configuration = root / "_config.yml"
        if kind == "draft":
            site.mkdir(parents=True)
            (site / ".draft").touch()
            configuration = draft_configuration(root)
        # When the chapters have run, the pages keep one core busy, and this has the other one.
        with ProcessPoolExecutor(1, initializer=give_way) as meanwhile:
            readers = meanwhile.submit(write_edition, root) if kind == "book" else None
            code = run_jupyter_book(root, configuration)
        if code:
            for log in sorted((site / "reports").rglob("*.err.log")):
                print(log.read_text(encoding="utf-8"), file=sys.stderr)
            raise BuildError(
                f"jupyter-book has ended with {code}: warnings stand above, and the tracebacks of "
                "failed cells below them"
            )
        if readers:  # what the pages' download buttons lead to
            shutil.copytree(
                readers.result() / "book", site / "_sources" / "book", dirs_exist_ok=True
            )
        (site / MARK).touch()


def give_way() -> None:
    """In a process beside the site's build: let the chapters go first, and print no progress."""
    sys.stdout, sys.stderr = StringIO(), NamingCells(sys.stderr)
    if hasattr(os, "nice"):
        os.nice(10)


def draft_configuration(root: Path) -> Path:
    """Write the configuration that executes nothing; paths in it are relative to its folder."""
    text = (root / "_config.yml").read_text(encoding="utf-8")
    text = text.replace("execute_notebooks: force", 'execute_notebooks: "off"')
    text = re.sub(r"(?m)^(    booksite:) \.$", r"\1 ..", text)
    path = root / "_build" / "draft.yml"
    path.write_text(text, encoding="utf-8")
    return path


def write_edition(root: Path) -> Path:
    """Write the readers' edition, of the chapters' stored outputs, and return its folder.

    A BuildError says that its build has failed.
    """
    built = build_apart(root, "--builder", "custom", "--custom-builder", "edition")
    edition = root / "_build" / "edition"
    if edition.exists():
        shutil.rmtree(edition)
    shutil.move(built / "edition", edition)
    shutil.rmtree(edition / "_static")  # what other extensions leave for pages
    write_folder(root, edition)
    return edition


def build_apart(root: Path, *builder: str) -> Path:
    """Run another builder on the stored outputs, and return the folder that holds what it wrote.

    Apart from what the site's build has read: the PDF is made of that. A BuildError says that it
    has failed.
    """
    apart = root / "_build" / "readers"
    options = [*builder, "--path-output", str(apart)]
    if code := run_jupyter_book(root, draft_configuration(root), *options):
        raise BuildError(f"jupyter-book has ended with {code}: warnings stand above")
    return apart / "_build"


def run_jupyter_book(root: Path, configuration: Path, *builder: str) -> int | str | None:
    """Run jupyter-book in this process and return its exit code, 0 or None if all is well."""
    from jupyter_book.cli.main import main as jupyter_book

    profile = Path(sys.prefix) / "ipython-book"
    write_profile(profile)
    os.environ["IPYTHONDIR"] = str(profile)
    options = ["--all", "-n", "-W", "--keep-going", "--config", str(configuration)]
    try:
        jupyter_book(["build", str(root), *options, *builder])
    except SystemExit as end:
        return end.code
    return 0


def with_cells(text: str) -> str:
    """Replace MyST-NB's places in notebooks by the cell and the line in it, both from 1."""
    return PLACE.sub(lambda place: f".ipynb: cell {place[1]}, line {int(place[2])}", text)


class NamingCells:
    """A stream that passes on what is written to it, with places in notebooks made readable."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text` to the stream."""
        return self._stream.write(with_cells(text))

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def main() -> None:
    """Build the site of this checkout, as the argument says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=["book", "draft", "edition", "links"])
    kind = parser.parse_args().kind
    sys.stderr = NamingCells(sys.stderr)
    try:
        if kind == "edition":
            with alone(ROOT):
                write_edition(ROOT)
        elif kind == "links":
            with alone(ROOT):
                build_apart(ROOT, "--builder", "linkcheck")
        else:
            build(ROOT, kind)
    except BuildError as error:
        failed = {"edition": "No edition", "links": "Not every link leads to a page"}
        sys.exit(f"{failed.get(kind, 'No site')}: {error}")


if __name__ == "__main__":
    main()
