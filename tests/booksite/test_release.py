"""A release holds every part, and a checksum of each."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from booksite import release


@pytest.fixture
def built(tmp_path, monkeypatch):
    """A checkout with everything built, where building the package makes an empty wheel."""
    (tmp_path / "_build" / "edition" / "book").mkdir(parents=True)
    (tmp_path / "_build" / "edition" / "book" / "a.ipynb").write_text("{}")
    (tmp_path / "_build" / "html" / "slides").mkdir(parents=True)
    for name in ("a.html", "a.pdf"):
        (tmp_path / "_build" / "html" / "slides" / name).touch()
    for name in release.PARTS:
        (tmp_path / "_build" / name).write_text(name)

    def package(arguments, **_):
        Path(arguments[arguments.index("--outdir") + 1], "a-1-py3-none-any.whl").touch()

    monkeypatch.setattr(release.subprocess, "run", package)
    return tmp_path


def test_every_part_has_its_checksum(built):
    folder = built / "_build" / "release"
    folder.mkdir()
    (folder / "of an earlier release").touch()
    release.collect(built, folder)
    names = [*release.PARTS, "lecture-notebooks.zip", "lecture-slides.zip", "a-1-py3-none-any.whl"]
    assert {path.name for path in folder.iterdir()} == {*names, "SHA256SUMS"}
    sums = dict(line.split()[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert sums == {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in names}
    with zipfile.ZipFile(folder / "lecture-notebooks.zip") as edition:
        assert edition.namelist() == ["book/a.ipynb"]
    with zipfile.ZipFile(folder / "lecture-slides.zip") as slides:
        assert slides.namelist() == ["a.pdf"]


@pytest.mark.parametrize("name", release.PARTS)
def test_a_part_that_was_not_built_is_missed(built, name):
    (built / "_build" / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        release.collect(built, built / "_build" / "release")
