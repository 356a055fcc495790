"""The readers' edition of the book's own chapters, as `make edition` has written it."""

import re

import nbformat
import pytest
import yaml

from authoring.notebooks import CHAPTERS, ROOT, chapters, execute, read
from booksite.finished import SITE, outdated
from tests.booksite.edition.test_edition import MARKUP

pytestmark = pytest.mark.edition
EDITION = ROOT / "_build" / "edition"
PATHS = [path.relative_to(CHAPTERS.parent) for path in chapters()]
each_chapter = pytest.mark.parametrize("path", PATHS, ids=str)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(notebook):
    """What the cells printed and which tables they showed: no pictures, and no explorers."""
    found = []
    for cell in code(notebook):
        shown = [each.get("text") or each.get("data", {}).get("text/html") for each in cell.outputs]
        found.append([text for text in shown if text and "data-explorer" not in text])
    return found


@each_chapter
def test_it_has_the_chapters_code_cells_and_no_markup_of_the_builder(path):
    edition = nbformat.read(EDITION / path, as_version=4)
    nbformat.validate(edition)
    chapter = read(ROOT / path)
    assert [cell.source for cell in code(edition)] == [cell.source for cell in code(chapter)]
    prose = [cell.source for cell in edition.cells if cell.cell_type == "markdown"]
    assert [found for text in prose for found in MARKUP.findall(text)] == []
    assert texts(edition) == texts(chapter)
    shown = [output.get("data", {}) for cell in code(edition) for output in cell.outputs]
    n_pictures = sum("image/png" in data for data in shown)
    assert "\n".join(prose).count("<summary>The figure in words</summary>") == n_pictures


@each_chapter
def test_formulas_and_links_are_whole(path):
    """An odd number of marks would turn the text between two formulas into a formula."""
    edition = nbformat.read(EDITION / path, as_version=4)
    for cell in edition.cells:
        if cell.cell_type == "markdown":
            for block in cell.source.split("\n\n"):
                assert block.replace(r"\$", "").count("$") % 2 == 0, block
                assert "](#" not in block and "](/" not in block and ".md)" not in block, block


def test_each_link_to_the_site_leads_to_a_place_there():
    if reason := outdated(ROOT):
        pytest.skip(reason)
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["sphinx"]["config"]
    link = re.compile(rf"\]\({re.escape(config['site_address'])}([^)#]*)#?([^)]*)\)")
    texts = [(EDITION / path).read_text("utf-8") for path in PATHS]
    places = {place for text in texts for place in link.findall(text)}
    assert len(places) > 100
    pages = {page: (SITE / page).read_text("utf-8") for page, _ in places}
    missing = [each for each in places if each[1] and f'id="{each[1]}"' not in pages[each[0]]]
    assert missing == []


def test_an_edition_runs_and_gives_the_chapters_outputs():
    path = CHAPTERS.name + "/lecture/danskin.ipynb"
    assert texts(execute(EDITION / path)) == texts(read(ROOT / path))
