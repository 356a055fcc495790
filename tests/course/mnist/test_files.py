"""What a folder can hold instead of MNIST's files."""

import gzip
import hashlib
import os
import re
import socket
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from lectures_code.mnist import load_zero_one
from tests.course.mnist import fake

BAD = {
    "truncated": (
        fake.FAKE[fake.IMAGES][:-9],
        f"must be {fake.SIZE:,} bytes long, got {fake.SIZE - 9:,}",
    ),
    "corrupted": (fake.FLIPPED, "corrupted: of the right form, but with other contents"),
    "empty": (b"", "empty"),
    "labels": (fake.FAKE[fake.LABELS], "magic number must be 0x00000803, got 0x00000801"),
    "other type": (
        fake.idx(fake.fake_pixels("train"), magic=0x0D03),
        "magic number must be 0x00000803, got 0x00000d03",
    ),
    "test set": (fake.FAKE["t10k-images-idx3-ubyte"], "shape must be (7, 28, 28), got (3, 28, 28)"),
    "only a magic number": (fake.FAKE[fake.IMAGES][:4], "shape must be (7, 28, 28), got (0, 0, 0)"),
    "web page": (b"\n <!DOCTYPE html><p>Sign in</p>", "a web page, not MNIST"),
}
BAD_GZIP = {
    "truncated": fake.WHOLE[: len(fake.WHOLE) // 2],
    "without its checksum": fake.WHOLE[:-8],
    "wrong checksum": fake.WHOLE[:-8] + b"\0" * 8,
    "corrupted": fake.WHOLE[:200]
    + bytes(byte ^ 0xFF for byte in fake.WHOLE[200:300])
    + fake.WHOLE[300:],
    "only a magic number": b"\x1f\x8b",
    "unknown method": b"\x1f\x8b\xff" + fake.WHOLE[3:],
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_named_with_its_fault_and_both_hashes(tmp_path, kind):
    bad, fault = BAD[kind]
    message = fake.error_of(folder=fake.write_folder(tmp_path, **{fake.IMAGES: bad}))
    expected, got = fake.FAKE_FILES[fake.IMAGES].sha256, hashlib.sha256(bad).hexdigest()
    assert (
        f"the folder passed in ({tmp_path}): {fake.IMAGES}: {fault} "
        f"(SHA-256 of the decompressed bytes must be {expected}, got {got})\n"
    ) in message


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_named_as_well_if_it_is_compressed(tmp_path, kind):
    bad, fault = BAD[kind]
    message = fake.error_of(
        folder=fake.write_folder(tmp_path, compressed=fake.NAMES, **{fake.IMAGES: bad})
    )
    assert f"{fake.IMAGES}.gz: {fault} (SHA-256 of" in message


@pytest.mark.parametrize("kind", BAD_GZIP)
def test_a_broken_gzip_file_is_named(tmp_path, kind):
    folder = fake.write_folder(tmp_path)
    (folder / fake.IMAGES).unlink()
    (folder / f"{fake.IMAGES}.gz").write_bytes(BAD_GZIP[kind])
    message = fake.error_of(folder=folder)
    assert f"({tmp_path}): {fake.IMAGES}.gz: truncated or corrupted: " in message


TOO_LONG = {
    "by a byte": fake.FAKE[fake.IMAGES] + b"!",
    "by more than is read of a file": fake.FAKE[fake.IMAGES] + bytes(3 * 2**16),
}


@pytest.mark.parametrize("compressed", [(), fake.NAMES], ids=["plain", "compressed"])
@pytest.mark.parametrize("kind", TOO_LONG)
def test_a_file_that_is_too_long_is_named_without_a_hash_of_what_was_not_read(
    tmp_path, kind, compressed
):
    folder = fake.write_folder(tmp_path, compressed=compressed, **{fake.IMAGES: TOO_LONG[kind]})
    file = f"{fake.IMAGES}.gz" if compressed else fake.IMAGES
    assert f"({folder}): {file}: must be {fake.SIZE:,} bytes long, got more\n" in fake.error_of(
        folder=folder
    )


HUGE = {
    "compressed": lambda path: path.write_bytes(fake.MEMBER * 640),  # unpacks to 10 GB
    "plain": lambda path: (path.touch(), os.truncate(path, 10 * 2**30)),  # takes no disk
}


@pytest.mark.parametrize("kind", HUGE)
def test_a_huge_file_takes_neither_memory_nor_time_and_the_next_source_is_taken(
    tmp_path, cache, mirrors, kind
):
    fake.write_folder(cache)
    fake.write_folder(tmp_path / "bad")
    for folder in (cache, tmp_path / "bad"):
        (folder / fake.IMAGES).unlink()
        HUGE[kind](folder / f"{fake.IMAGES}.gz")
    start = time.monotonic()
    tracemalloc.start()
    assert load_zero_one(source="mnist").origin == "a download"
    assert f"{fake.IMAGES}.gz: magic number must be 0x00000803, got 0x00000000\n" in fake.error_of(
        folder=tmp_path / "bad"
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6  # what is read of a file with its 65 kB of margin, and what HTTP takes
    assert time.monotonic() - start < 10
    assert load_zero_one().origin == "the user's cache"


def test_what_cannot_be_compressed_is_still_read_whole():
    """The margin above a file's size is more than gzip ever adds, and far from doubling it."""
    for name, file in fake.SHIPPED_FILES.items():
        noise = np.random.default_rng(0).bytes(file.size)
        assert len(gzip.compress(noise, 0)) < file.most, name
        assert file.most <= file.size + 2**16


def listening(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))  # what it leaves when it closes is a socket still


NO_FILES = {
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
    "socket": listening,
    "endless device": lambda path: path.symlink_to("/dev/zero"),
    "link to a folder": lambda path: path.symlink_to(path.parent),
}


@pytest.fixture
def short_path():
    """A socket's path may have about 100 characters."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_regular_file_is_named_and_never_opened(short_path, monkeypatch, kind, end):
    folder = fake.write_folder(short_path)
    (folder / fake.IMAGES).unlink()
    NO_FILES[kind](folder / f"{fake.IMAGES}{end}")
    opened, real = [], Path.open
    monkeypatch.setattr(Path, "open", lambda path, *a: opened.append(path.name) or real(path, *a))
    message = fake.error_of(folder=folder)
    assert f"the folder passed in ({folder}): {fake.IMAGES}{end}: not a regular file\n" in message
    assert sorted(opened) == sorted(set(fake.NAMES) - {fake.IMAGES})


@pytest.mark.parametrize("kind", ["folder", "pipe", "endless device"])
def test_what_is_no_regular_file_in_the_cache_is_downloaded_and_replaced_or_named(
    cache, mirrors, kind
):
    fake.write_folder(cache)
    (cache / fake.IMAGES).unlink()
    bad = cache / f"{fake.IMAGES}.gz"
    NO_FILES[kind](bad)
    if kind != "folder":
        assert load_zero_one().origin == "a download"
        assert load_zero_one().origin == "the user's cache"
        return
    for _ in range(2):
        with pytest.warns(UserWarning) as caught:
            data = load_zero_one()
        fake.assert_is_fake_mnist(data)
        assert data.origin == "a download that could not be kept"
        assert [str(warning.message) for warning in caught] == [
            "MNIST was downloaded but could not be kept, so it will be downloaded again next time: "
            f"{bad}: Is a directory. Fix that, or set MNIST_DIR to a folder that holds MNIST."
        ]
        assert caught[0].filename == __file__


def test_a_file_without_permission_is_named(tmp_path, monkeypatch):
    def refuse(path, mode):
        raise PermissionError(13, "Permission denied", str(path))

    folder = fake.write_folder(tmp_path)
    monkeypatch.setattr(Path, "open", refuse)
    message = fake.error_of(folder=folder)
    assert all(
        re.search(rf"{name}: \[Errno 13\] Permission denied", message) for name in fake.NAMES
    )


def test_a_good_file_makes_up_for_a_bad_one_beside_it(tmp_path):
    folder = fake.write_folder(tmp_path, compressed=fake.NAMES)
    (folder / fake.IMAGES).mkdir()
    (folder / fake.LABELS).write_bytes(b"<html>")
    fake.assert_is_fake_mnist(load_zero_one(folder=folder))


def test_two_bad_files_of_a_name_are_both_named(tmp_path):
    folder = fake.write_folder(tmp_path, **{fake.IMAGES: b"<html>"})
    (folder / f"{fake.IMAGES}.gz").write_bytes(BAD_GZIP["truncated"])
    message = fake.error_of(folder=folder)
    assert f"{fake.IMAGES}: a web page" in message
    assert f"; {fake.IMAGES}.gz: truncated or corrupted" in message


@pytest.mark.parametrize("beside", [(), ("MNIST",), ("MNIST", "raw")], ids=len)
def test_files_that_are_not_there_are_named(tmp_path, beside):
    """A file where torchvision has a folder makes no difference."""
    folder = fake.write_folder(tmp_path)
    (folder / fake.LABELS).unlink()
    if beside:
        path = folder.joinpath(*beside)
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert f"({tmp_path}): {fake.LABELS}: not there, nor {fake.LABELS}.gz\n" in fake.error_of(
        folder=folder
    )
