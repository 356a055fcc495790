"""A site that is missing or older than its sources is not tested in silence."""

import os

import pytest

from booksite.finished import MARK
from tests.browser.built_site import chapter_paths, page_paths, what_is_missing

TOC = """\
format: jb-book
root: book/index
parts:
  - chapters:
      - file: book/one
        sections:
          - file: book/two
  - chapters:
      - file: book/three
"""


@pytest.fixture
def project(tmp_path):
    """A project whose site was built after its sources were written."""
    (tmp_path / "_toc.yml").write_text(TOC)
    (tmp_path / "_config.yml").write_text("title: A book\n")
    for folder in ("book", "booksite", "src", "_build/html/book"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "src" / "code.py").write_text("")
    (tmp_path / "book" / "one.ipynb").write_text("{}")
    for page in ("index", "one", "two", "three"):
        (tmp_path / "_build" / "html" / "book" / f"{page}.html").write_text("")
    for file in ("search.html", MARK):
        (tmp_path / "_build" / "html" / file).write_text("")
    for file in tmp_path.rglob("*"):
        built = "_build" in file.parts
        os.utime(file, (1000 + built, 1000 + built))
    return tmp_path


def test_pages_come_in_the_order_of_the_contents_and_then_the_search(project):
    names = ["book/index.html", "book/one.html", "book/two.html", "book/three.html"]
    assert page_paths(project) == [*names, "search.html"]
    assert chapter_paths(project) == names[:2]


def test_a_site_newer_than_its_sources_is_tested(project):
    assert what_is_missing(project) == {"site": None, "executed": None}


@pytest.mark.parametrize("source", ["src/code.py", "book/one.ipynb", "_config.yml", "_toc.yml"])
def test_a_site_older_than_a_source_is_not(project, source):
    os.utime(project / source, (1002, 1002))
    missing = what_is_missing(project)
    assert f"older than {source}" in missing["site"]
    assert missing["executed"]


def test_one_old_page_makes_the_site_old(project):
    os.utime(project / "_build" / "html" / "book" / "two.html", (900, 900))
    assert "older than" in what_is_missing(project)["site"]


def test_by_products_are_no_sources(project):
    for folder in ("src/__pycache__", "src/code.egg-info", "book/.ipynb_checkpoints"):
        (project / folder).mkdir()
        (project / folder / "file").write_text("")
    assert what_is_missing(project)["site"] is None


def test_a_project_without_a_site_has_none(project):
    for page in (project / "_build" / "html" / "book").iterdir():
        page.unlink()
    assert "no site" in what_is_missing(project)["site"]


def test_a_site_whose_build_did_not_finish_is_not_tested(project):
    (project / "_build" / "html" / MARK).unlink()
    missing = what_is_missing(project)
    assert "did not finish" in missing["site"]
    assert missing["executed"] == missing["site"]


def test_a_draft_has_no_data_of_figures(project):
    (project / "_build" / "html" / ".draft").touch()
    missing = what_is_missing(project)
    assert missing["site"] is None
    assert "draft" in missing["executed"]


@pytest.fixture
def run(run_tests, tmp_path):
    """Run tests that need a browser, where CHROMIUM names none."""
    (tmp_path / "test_it.py").write_text(
        "def test_one(blank_page):\n    pass\n\ndef test_two(browser):\n    pass\n"
        "def test_three():\n    pass\n"
    )
    return lambda **environment: run_tests(CHROMIUM="/no/such/program", **environment)


def test_without_a_browser_one_line_says_what_is_skipped(run):
    result = run()
    assert result.returncode == 0
    assert "1 passed, 2 skipped" in result.stdout
    said = [line for line in result.stdout.splitlines() if line.startswith("SKIPPED")]
    assert len(said) == 1
    assert "CHROMIUM must name a program" in said[0]


def test_where_a_browser_is_required_its_lack_is_a_failure(run):
    result = run(REQUIRE_BROWSER="1")
    assert result.returncode == 1
    assert "1 passed, 2 errors" in result.stdout
    assert "REQUIRE_BROWSER is set" in result.stdout
