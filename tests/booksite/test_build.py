"""A site is built by one build at a time, and taken for whole only when its build has ended."""

import re
import shutil
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat import v4
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from booksite import build as program
from booksite import offline
from booksite.build import BuildError, build, draft_configuration, with_cells
from booksite.finished import MARK, unfinished
from booksite.paper import pdf
from tests.oracles import says

ROOT = Path(__file__).parent.parent.parent
HELD = "one build at a time can write {}, and another one is running: wait until it has ended, or "


def write_edition(root):
    """A readers' edition of one chapter, written by a process of its own."""
    chapters = root / "_build" / "edition" / "book"
    chapters.mkdir(parents=True, exist_ok=True)
    (chapters / "chapter.ipynb").write_text("edition")
    return chapters.parent


def fail(root):
    raise BuildError("jupyter-book has ended with 1: warnings stand above")


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A book whose builds call `book.run`, which may be replaced, in jupyter-book's place."""

    class Book:
        root = tmp_path
        site = tmp_path / "_build" / "html"

        @classmethod
        def run(cls, root, configuration):
            cls.site.mkdir(parents=True, exist_ok=True)
            (cls.site / "index.html").touch()
            return 0

    (tmp_path / "_config.yml").write_text("title: A book\n")
    monkeypatch.setattr(program, "run_jupyter_book", lambda *a: Book.run(*a))
    monkeypatch.setattr(program, "write_edition", write_edition)
    return Book


@pytest.mark.parametrize("kind", ["book", "draft"])
def test_a_build_that_ends_well_leaves_a_whole_site(book, kind):
    build(book.root, kind)
    assert unfinished(book.site) is None
    assert (book.site / "index.html").exists()
    assert (book.site / ".draft").exists() == (kind == "draft")


def test_the_notebooks_for_download_are_the_readers_edition(book):
    build(book.root, "book")
    assert (book.site / "_sources" / "book" / "chapter.ipynb").read_text() == "edition"


def test_without_a_readers_edition_there_is_no_whole_site(book, monkeypatch):
    monkeypatch.setattr(program, "write_edition", fail)
    with says(BuildError, "jupyter-book has ended with 1: warnings stand above"):
        build(book.root, "book")
    assert unfinished(book.site)


@pytest.mark.parametrize("end", [KeyboardInterrupt, OSError("no space left")])
def test_a_build_that_is_stopped_leaves_none(book, end):
    build(book.root, "book")

    def stopped(*_):
        book.site.mkdir(exist_ok=True)
        raise end

    book.run = stopped
    with pytest.raises((KeyboardInterrupt, OSError)):
        build(book.root, "draft")
    assert "did not finish" in unfinished(book.site)


def test_a_build_that_is_stopped_while_it_clears_the_old_site_leaves_none(book, monkeypatch):
    build(book.root, "book")

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(program.shutil, "rmtree", stopped)
    with pytest.raises(KeyboardInterrupt):
        build(book.root, "book")
    assert "did not finish" in unfinished(book.site)


def test_a_build_begins_with_nothing_of_an_earlier_one(book):
    book.site.mkdir(parents=True)
    (book.site / "half a page.html").touch()
    (book.site / ".draft").touch()
    build(book.root, "book")
    assert {path.name for path in book.site.iterdir()} == {"index.html", "_sources", MARK}


def test_a_build_that_fails_shows_why_and_leaves_no_whole_site(book, capsys):
    def failed(*_):
        (book.site / "reports").mkdir(parents=True)
        (book.site / "reports" / "one.err.log").write_text("ZeroDivisionError: division by zero")
        return 1

    book.run = failed
    text = (
        "jupyter-book has ended with 1: warnings stand above, and the tracebacks of failed cells "
        "below them"
    )
    with says(BuildError, text):
        build(book.root, "book")
    assert "ZeroDivisionError: division by zero" in capsys.readouterr().err
    assert unfinished(book.site)


def test_a_second_build_is_refused_until_the_first_has_ended_or_was_killed(book):
    program = (
        "import sys; from pathlib import Path; from booksite.build import alone\n"
        "with alone(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", program, str(book.root)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with first:
        assert first.stdout.readline() == b"held\n"
        with says(BuildError, HELD.format(book.site) + "stop it"):
            build(book.root, "draft")
        assert not book.site.exists()
        first.send_signal(signal.SIGKILL)
        first.wait(timeout=60)
    build(book.root, "draft")


def test_where_files_cannot_be_locked_a_build_runs_all_the_same(book, monkeypatch):
    def no_locks(*_):
        raise OSError("function not implemented")

    monkeypatch.setattr(program, "hold", no_locks)
    build(book.root, "book")
    assert unfinished(book.site) is None


def test_a_draft_is_built_with_the_books_configuration_and_executes_nothing(tmp_path):
    (tmp_path / "_build").mkdir()
    (tmp_path / "_config.yml").write_text((ROOT / "_config.yml").read_text("utf-8"), "utf-8")
    path = draft_configuration(tmp_path)
    whole, draft = (
        yaml.safe_load(file.read_text("utf-8")) for file in (ROOT / "_config.yml", path)
    )
    assert draft["execute"].pop("execute_notebooks") == "off"
    assert whole["execute"].pop("execute_notebooks") == "force"
    folders = draft["sphinx"].pop("local_extensions")
    assert folders.keys() == whole["sphinx"].pop("local_extensions").keys() == {"booksite"}
    assert (path.parent / folders["booksite"]).resolve() == tmp_path
    assert draft == whole


def test_warnings_name_the_cell_and_its_line(tmp_path):
    """As MyST-NB and Sphinx print them, for a reference in the third cell's second line."""
    cells = [v4.new_markdown_cell(text) for text in ("# A", "text", "text\n{ref}`nowhere`")]
    nbformat.write(v4.new_notebook(cells=cells), tmp_path / "index.ipynb")
    settings, printed = {"extensions": ["myst_nb"], "nb_execution_mode": "off"}, StringIO()
    folders = (tmp_path, None, tmp_path / "out", tmp_path / "trees")
    with docutils_namespace():
        Sphinx(*folders, "html", settings, status=None, warning=printed).build()
    assert re.search(r"index\.ipynb:\d{5}: WARNING: undefined label", printed.getvalue())
    assert "index.ipynb: cell 3, line 2: WARNING: undefined label" in with_cells(printed.getvalue())


def test_other_places_stay_as_they_are():
    text = "page.md:30002: WARNING: a; b.ipynb:12: c; /x/d.ipynb\n"
    assert with_cells(text) == text


# Those who use a site


def test_whole_missing_and_unfinished_sites_are_told_apart(tmp_path):
    site = tmp_path / "html"
    assert unfinished(site) == (
        f"a built site is needed, and there is none in {site}: run make book (or make draft)"
    )
    site.mkdir()
    (site / "index.html").touch()
    assert unfinished(site) == (
        f"the build of the site in {site} did not finish: run make book (or make draft) again"
    )
    (site / MARK).touch()
    assert unfinished(site) is None


@pytest.mark.parametrize(
    ("program", "folder", "option", "no"),
    [(offline, "--html=_build/html", "--zip", "No zip"), (pdf, "--root=.", "--pdf", "No PDF")],
)
def test_neither_zip_nor_pdf_is_made_of_an_unfinished_site(
    program, folder, option, no, tmp_path, monkeypatch
):
    site = Path("_build") / "html"
    monkeypatch.chdir(tmp_path)
    site.mkdir(parents=True)
    (site / "index.html").touch()
    monkeypatch.setattr("sys.argv", ["program", folder, option, "result"])
    with says(SystemExit, f"{no}: {unfinished(site)}"):
        program.main()
    assert [path.name for path in tmp_path.iterdir()] == ["_build"]


def test_an_unfinished_site_is_not_served(tmp_path):
    """`make serve` asks this program."""
    shutil.copytree(ROOT / "booksite", tmp_path / "booksite")
    site = tmp_path / "_build" / "html"
    site.mkdir(parents=True)
    command = [sys.executable, "-m", "booksite.finished"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (1, f"{unfinished(site)}\n")
    (site / MARK).touch()
    assert subprocess.run(command, cwd=tmp_path).returncode == 0
