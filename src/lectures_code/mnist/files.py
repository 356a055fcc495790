"""MNIST's four files: what each must hold, verified by its hash whenever it is read."""

import gzip
import hashlib
import io
import math
import os
import stat
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor


@dataclass(frozen=True)
class IdxFile:
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
FILES = {
    "t10k-labels-idx1-ubyte": IdxFile(
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", (10_000,)
    ),
    "train-labels-idx1-ubyte": IdxFile(
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", (60_000,)
    ),
    "t10k-images-idx3-ubyte": IdxFile(
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", (10_000, 28, 28)
    ),
    "train-images-idx3-ubyte": IdxFile(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", (60_000, 28, 28)
    ),
}


def read_folder(place: str, path: str | os.PathLike[str], tried: list[str]) -> dict[str, bytes]:
    """Return a folder's good files, decompressed; add to `tried` what is wrong with the others."""
    folder = Path(os.path.expanduser(path)).absolute()
    files: dict[str, bytes] = {}
    problems = []
    if not os.path.isdir(folder):
        problems.append("no such folder")
    else:
        for name in FILES:
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
            return verified(_read_start(folder / place, FILES[name].most), name)
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


def verified(raw: bytes, name: str) -> bytes:
    """Return the decompressed bytes of the file called `name`, if they are MNIST's."""
    expected = FILES[name]
    data = raw
    if raw.startswith(b"\x1f\x8b"):  # by content: some servers decompress what they send
        try:
            with gzip.open(io.BytesIO(raw)) as file:
                data = file.read(expected.size + 1)  # what is longer may be longer than memory
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"truncated or corrupted: {error}") from None
    try:
        check_hash(data, expected.sha256)
    except ValueError as error:
        # Of a longer file only the start was read, and nobody knows the hash of that.
        hashes = f" ({error})" if len(data) <= expected.size else ""
        raise ValueError(_diagnosis(data, expected) + hashes) from None
    return data


def check_hash(data: bytes, expected: str) -> None:
    """Raise a ValueError with both hashes unless `data` has the one that is expected."""
    got = hashlib.sha256(data).hexdigest()
    if got != expected:
        raise ValueError(f"SHA-256 of the decompressed bytes must be {expected}, got {got}")


def _diagnosis(data: bytes, expected: IdxFile) -> str:
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
        size = f"{len(data):,}" if len(data) < expected.size else "more"
        return f"must be {expected.size:,} bytes long, got {size}"
    return "corrupted: of the right form, but with other contents"


def array(files: dict[str, bytes], name: str) -> Tensor:
    """Take a verified file's content out of `files`: unsigned bytes, in its own shape."""
    expected = FILES[name]
    writable = bytearray(files.pop(name))  # torch warns of memory that can't be written to
    offset = len(expected.header)
    return torch.frombuffer(writable, dtype=torch.uint8, offset=offset).reshape(expected.shape)
