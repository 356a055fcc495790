"""A release holds every part, and a checksum of each."""

import hashlib
import re
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from booksite import downloads, release
from booksite.offline import site_files
from booksite.slides.decks import names

PARTS = [
    *("lecture.pdf", "lecture-offline.zip", "manifest.json"),
    *("sheets/questions/a.ipynb", "sheets/solutions/b.pdf", "html/slides/a.pdf"),
]


@pytest.fixture
def built(tmp_path, monkeypatch):
    """A checkout with everything built, where building the package makes an empty wheel."""
    (tmp_path / "_build" / "edition" / "book").mkdir(parents=True)
    (tmp_path / "_build" / "edition" / "book" / "a.ipynb").write_text("{}")
    for name in [*PARTS, "html/slides/a.html"]:
        path = tmp_path / "_build" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)

    def package(arguments, **_):
        Path(arguments[arguments.index("--outdir") + 1], "a-1-py3-none-any.whl").touch()

    monkeypatch.setattr(release.subprocess, "run", package)
    return tmp_path


def test_every_part_has_its_checksum(built):
    folder = built / "_build" / "release"
    folder.mkdir()
    (folder / "of an earlier release").touch()
    release.collect(built, folder)
    names = [*downloads.FILES, "manifest.json", "lecture-notebooks.zip", "a-1-py3-none-any.whl"]
    assert {path.name for path in folder.iterdir()} == {*names, "SHA256SUMS"}
    sums = dict(line.split()[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert sums == {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in names}
    with zipfile.ZipFile(folder / "lecture-notebooks.zip") as edition:
        assert edition.namelist() == ["book/a.ipynb"]
    for name, packed in (("slides", "a.pdf"), ("questions", "a.ipynb"), ("solutions", "b.pdf")):
        with zipfile.ZipFile(folder / f"lecture-{name}.zip") as archive:
            assert archive.namelist() == [packed]


@pytest.mark.parametrize("name", PARTS)
def test_a_part_that_was_not_built_is_missed(built, name):
    (built / "_build" / name).unlink()
    file = Path(name)
    missed = file.name if file.parent == Path() else file.parent.as_posix()
    with pytest.raises(FileNotFoundError, match=missed):
        release.collect(built, built / "_build" / "release")


def test_the_front_page_names_all_files_on_the_site_and_all_decks():
    config = SimpleNamespace(site_address="https://site/", myst_substitutions={})
    downloads.add_links(None, config)
    linked = re.findall(r"\]\((.*?)\)", config.myst_substitutions["downloads"])
    assert linked == [f"https://site/downloads/{name}" for name in downloads.FILES]
    linked = re.findall(r"\[(\d+)\]\((.*?)\)", config.myst_substitutions["decks"])
    assert linked[0] == ("1", "https://site/slides/min_max.html") and linked[11][0] == "12"
    assert {Path(link).stem for _, link in linked} == set(names(downloads.ROOT))


def test_what_else_may_be_downloaded_is_not_in_the_zip_of_the_site(tmp_path):
    for name in ("index.html", "downloads/lecture.pdf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in site_files(tmp_path)] == ["index.html"]
