"""Small files in MNIST's place, and what must hold of what is loaded from them."""

import gzip
import hashlib
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from lectures_code.mnist import MnistNotFoundError, download, files, load_zero_one

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
NAMES = [IMAGES, LABELS, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
DIGITS = {"train": [0, 7, 1, 1, 0, 2, 1], "t10k": [1, 9, 0]}
REAL = os.environ.get("MNIST_DIR")
SHIPPED_PROBE_SECONDS = download.PROBE_SECONDS
SHIPPED_FILES = dict(files.FILES)
ROOT = Path(__file__).parent.parent.parent.parent


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
FAKE = {name: FAKE[name] for name in files.FILES}
FAKE_FILES = {
    name: files.IdxFile(
        hashlib.sha256(data).hexdigest(),
        (len(DIGITS[name.partition("-")[0]]), *([28, 28] if "images" in name else [])),
    )
    for name, data in FAKE.items()
}


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


def assert_is_fake_mnist(data, wanted=(0, 1)):
    """Against numpy's reading of the same arrays, image by image."""
    assert (data.source, data.digits) == ("mnist", wanted)
    code = {wanted[0]: -1.0, wanted[1]: 1.0} if len(wanted) == 2 else dict(enumerate(wanted))
    for part, x, y in [("train", data.x_train, data.y_train), ("t10k", data.x_test, data.y_test)]:
        rows = [i for i, digit in enumerate(DIGITS[part]) if digit in wanted]
        expected = fake_pixels(part)[rows].reshape(len(rows), 784) / 255
        np.testing.assert_array_equal(x.numpy(), expected)
        assert y.tolist() == [code[DIGITS[part][i]] for i in rows]
        assert x.dtype == torch.float64
        assert y.dtype == (torch.float64 if len(wanted) == 2 else torch.int64)


SIZE = len(FAKE[IMAGES])
WHOLE = gzip.compress(FAKE[IMAGES])
FLIPPED = FAKE[IMAGES][:-1] + bytes([FAKE[IMAGES][-1] ^ 1])
MEMBER = gzip.compress(bytes(2**24), 9)  # 16 kB; put together, gzip files are one gzip file
