"""The site's files: references, alt texts and data; and the zip, which opens as files."""

import os
import zipfile

import pytest

from booksite import offline
from tests.browser.built_site import page_paths
from tests.browser.checks import files as checks
from tests.browser.checks.pages import images
from tests.browser.driving import assert_none


def test_every_page_of_the_contents_is_there(site, pages):
    assert [page for page in pages if not (site / page).is_file()] == []
    assert len(checks.html_files(site)) >= len(pages)


def test_every_reference_leads_somewhere_within_the_site(site):
    assert_none(checks.links(site))


def test_style_sheets_refer_to_what_is_there(site):
    assert_none(checks.style_sheets(site))


def test_every_image_says_what_it_shows(site, page_path):
    assert_none(checks.alt_texts(site / page_path))


def test_every_figure_has_its_data(executed_site, page_path):
    assert_none(checks.figure_data(executed_site, executed_site / page_path))


def test_the_chapters_have_figures(site, pages):
    assert sum(len(checks.figures(checks.parsed(site / page))) for page in pages) >= 10


def test_a_chapter_is_read_in_25_minutes(site, chapter_path):
    said = checks.parsed(site / chapter_path).select_one("p.reading-time")
    numbered = chapter_path.startswith(("book/lecture/", "book/beyond/", "book/networks/"))
    assert bool(said) == numbered
    if said:
        assert int(said.text.split()[1]) <= 25


def test_every_id_is_on_a_page_once(site, page_path):
    assert_none(checks.repeated_ids(site / page_path))


NAMES = ["a.html", "b/z.html", "b/é.png", "index.html"]


@pytest.fixture
def small(tmp_path):
    """A folder with the files of a site, and others that are none of it."""
    folder = tmp_path / "html"
    for name in [*NAMES, ".buildinfo", "b/.hidden", "reports/x.err.log", "b/x.js.map"]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"what {name} holds")
    return folder


def packed(folder, path):
    offline.pack(folder, path)
    return path


def test_it_holds_the_sites_files_sorted_and_whole(small, tmp_path):
    assert offline.pack(small, tmp_path / "site.zip") == len(NAMES)
    with zipfile.ZipFile(tmp_path / "site.zip") as archive:
        assert archive.namelist() == NAMES
        assert archive.testzip() is None
        for name in NAMES:
            assert archive.read(name).decode() == f"what {name} holds"


def test_times_modes_and_names_of_folders_leave_no_trace(small, tmp_path):
    first = packed(small, tmp_path / "first.zip").read_bytes()
    moved = small.rename(tmp_path / "elsewhere")
    os.utime(moved / "a.html", (0, 0))
    (moved / "a.html").chmod(0o600)
    assert packed(moved, tmp_path / "second.zip").read_bytes() == first


def test_a_change_of_one_file_is_seen(small, tmp_path):
    first = packed(small, tmp_path / "first.zip").read_bytes()
    (small / "a.html").write_text("other")
    assert packed(small, tmp_path / "second.zip").read_bytes() != first


def test_an_older_zip_stays_until_the_new_one_is_complete(small, tmp_path, monkeypatch):
    path = packed(small, tmp_path / "site.zip")
    before = path.read_bytes()

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", fail)
    with pytest.raises(OSError, match="no space left"):
        offline.pack(small, path)
    assert path.read_bytes() == before


def test_without_a_site_the_command_says_what_to_do(tmp_path, monkeypatch):
    arguments = ["--html", str(tmp_path / "html"), "--zip", str(tmp_path / "site.zip")]
    monkeypatch.setattr("sys.argv", ["offline.py", *arguments])
    with pytest.raises(SystemExit, match=r"No zip: a built site is needed.*run make book"):
        offline.main()
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def unpacked(site, tmp_path_factory):
    """This book's zip, unpacked into a folder whose name has a space and an accent in it."""
    folder = tmp_path_factory.mktemp("offline") / "à lire"
    offline.pack(site, folder.parent / "site.zip")
    with zipfile.ZipFile(folder.parent / "site.zip") as archive:
        archive.extractall(folder)
    return folder


def test_its_index_leads_to_the_book(unpacked, new_page):
    page = new_page(home=(unpacked.as_uri() + "/",))
    page.goto((unpacked / "index.html").as_uri())
    first, *_ = page_paths()
    page.wait_for_url((unpacked / first).as_uri())
    page.get_by_role("heading", level=1).wait_for()


def test_its_pages_open_as_files_load_only_files_and_pass(unpacked, page_path, new_page):
    """What a page asks for and does not get, or gets from elsewhere, fails the test: its guard.

    The bytes are those of the site, whose formulas are looked at there (test_pages.py).
    """
    page = new_page(home=(unpacked.as_uri() + "/",))
    page.goto((unpacked / page_path).as_uri(), wait_until="load")
    assert page.locator("h1").count() > 0
    assert_none(images(page))


def test_a_page_without_its_style_is_found(unpacked, new_page, tmp_path):
    """The guard sees what is missing from files as it does over http."""
    page = new_page(home=(tmp_path.as_uri() + "/",))
    (tmp_path / "page.html").write_text("<link rel='stylesheet' href='lost.css'>")
    page.goto((tmp_path / "page.html").as_uri(), wait_until="load")
    assert any("lost.css" in problem for problem in page.guard.take())
