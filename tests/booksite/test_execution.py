"""A build executes chapters at once, each in its folder, and shows what came of them."""

import json
import os
import re
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from nbformat import v4

from authoring.notebooks import canonical
from booksite import build as program
from booksite import execution
from booksite.finished import unfinished
from tests.booksite import small_book

# Each of two chapters waits until the other one has begun: one after the other, both fail.
MEETING = """\
import time
from pathlib import Path

Path("{name} is here").touch()
end = time.monotonic() + 60
while not Path("{other} is here").exists():
    assert time.monotonic() < end, "the other chapter has not begun"
    time.sleep(0.01)
print("{name} has met {other} in", Path.cwd().name)"""
FAILING = """\
print("before the fault")
1 / 0"""
FAULT = "ZeroDivisionError: division by zero"
TOC = "root: book/one\nchapters:\n  - file: book/two\n  - file: book/three\n"


def chapter(source):
    cells = [v4.new_markdown_cell("# A chapter"), v4.new_code_cell(source)]
    return canonical(v4.new_notebook(cells=cells))


def without_colours(text):
    return re.sub(r"\x1b\[[\d;]*m", "", text)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A book of two chapters that meet and one that fails: what its build said, and its folder."""
    if execution.usable_cores() < 2:
        pytest.skip("chapters meet on two cores, and this process may use one")
    book = tmp_path_factory.mktemp("book")
    meeting = [MEETING.format(name=a, other=b) for a, b in (("one", "two"), ("two", "one"))]
    sources = {"one.ipynb": meeting[0], "three.ipynb": FAILING, "two.ipynb": meeting[1]}
    pages = {name: chapter(source) for name, source in sources.items()}
    return small_book.build(book, pages, toc=TOC), book


@pytest.mark.parametrize(("name", "other"), [("one", "two"), ("two", "one")])
def test_two_chapters_run_at_once_each_in_its_folder(built, name, other):
    page = (built[1] / "_build" / "html" / "book" / f"{name}.html").read_text(encoding="utf-8")
    assert f"{name} has met {other} in book" in page


def test_a_failing_chapter_fails_the_build_and_keeps_what_came_before(built):
    result, book = built
    assert result.exit_code == 1
    assert "three.ipynb: WARNING: Executing notebook failed: CellExecutionError" in result.stderr
    site = book / "_build" / "html"
    assert [path.relative_to(site).as_posix() for path in site.rglob("*.err.log")] == [
        "reports/book/three.err.log"
    ]
    log = (site / "reports" / "book" / "three.err.log").read_text(encoding="utf-8")
    assert FAULT in without_colours(log)
    assert "before the fault" in (site / "book" / "three.html").read_text(encoding="utf-8")


def test_the_traceback_of_a_failing_chapter_is_printed_when_the_build_ends(
    built, capsys, monkeypatch
):
    monkeypatch.setenv("IPYTHONDIR", "")  # which a build sets
    monkeypatch.setattr(program, "write_profile", lambda folder: None)
    with pytest.raises(program.BuildError, match="jupyter-book has ended with 1"):
        program.build(built[1], "book")
    assert without_colours(capsys.readouterr().err).rstrip().endswith(FAULT)
    assert "did not finish" in unfinished(built[1] / "_build" / "html")


def test_every_chapter_that_has_begun_was_asked_for(built):
    """Otherwise MyST-NB has executed it as well."""
    assert execution.BEGUN == {}


@pytest.mark.parametrize(("most", "cores", "at_once"), [(2, 8, 2), (8, 3, 3), (2, 1, 1)])
def test_as_many_run_at_once_as_the_configuration_and_the_cores_allow(
    most, cores, at_once, tmp_path, monkeypatch
):
    running, counts, together = [], [], threading.Barrier(at_once)

    def execute(notebook, **_):
        running.append(notebook)
        counts.append(len(running))
        together.wait(timeout=60)  # broken, and an error, where fewer run at once
        running.pop()
        together.wait(timeout=60)
        return SimpleNamespace(nb=notebook)

    monkeypatch.setattr(execution, "single_nb_execution", execute)
    monkeypatch.setattr(execution, "usable_cores", lambda: cores)
    for number in range(6):
        (tmp_path / f"{number}.ipynb").write_text(chapter(f"{number}"), encoding="utf-8")
    settings = {"nb_execution_mode": "force", "chapters_at_once": most}
    settings |= {"nb_execution_allow_errors": False, "nb_execution_timeout": 300}
    app = SimpleNamespace(config=SimpleNamespace(**settings))
    env = SimpleNamespace(doc2path=lambda name: tmp_path / f"{name}.ipynb")
    execution.execute_ahead(app, env, [f"{number}" for number in range(6)])
    assert len(execution.BEGUN) == 6
    for begun in execution.BEGUN.values():
        begun.get(timeout=60)
    execution.BEGUN.clear()
    assert max(counts) == at_once


def test_nothing_is_executed_where_the_configuration_does_not_say_so():
    app = SimpleNamespace(config=SimpleNamespace(nb_execution_mode="off"))
    execution.execute_ahead(app, None, ["chapter"])
    assert execution.BEGUN == {}


def test_chapters_without_a_recorded_time_come_first_then_the_longest(tmp_path):
    rows = [
        {"what": f"book/{name}", "median seconds": s}
        for name, s in (("a", 1.5), ("b", 20), ("c", 3))
    ]
    record = tmp_path / "build.json"
    record.write_text(json.dumps({"rows": rows}), encoding="utf-8")
    names = ["a.ipynb", "index.md", "b.ipynb", "new.ipynb", "c.ipynb"]
    ordered = execution.longest_first([Path("book", name) for name in names], record)
    assert [path.stem for path in ordered] == ["new", "b", "c", "a"]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs a system with affinity")
def test_a_process_bound_to_one_core_uses_one():
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert execution.usable_cores() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert execution.usable_cores() == len(before)


def test_a_notebook_that_has_not_begun_is_executed_all_the_same(tmp_path):
    notebook = v4.new_notebook(cells=[v4.new_code_cell("6 * 7")])
    options = {"cwd": str(tmp_path), "timeout": 60, "allow_errors": False}
    result = execution.result_of(notebook, **options)
    assert result.err is None
    assert notebook.cells[0].outputs[0].data["text/plain"] == "42"
