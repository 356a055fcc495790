"""Download what is missing, from several mirrors, within bounded time and space.

The downloaders of libraries bound neither the time that a DNS server takes nor the bytes that a
server sends. Here both are bounded.
"""

import os
import tempfile
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, as_completed
from contextlib import suppress
from pathlib import Path
from threading import Thread

import requests
from tqdm import tqdm

from lectures_code.mnist.data import MnistNotFoundError
from lectures_code.mnist.files import FILES, verified
from lectures_code.progress import is_watched

#: Where the files are downloaded from, each under its published name, compressed.
MIRRORS: tuple[str, ...] = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)

# Seconds. The first is what a machine without any network waits before it takes the sample; the
# last is for everything, so that a slow network does not use up the time that a book gives a cell.
PROBE_SECONDS = 6.0

CONNECT_SECONDS, SILENCE_SECONDS, TRANSFER_SECONDS = 5.0, 15.0, 100.0

DOWNLOAD_SECONDS = 200.0

ROUNDS, PAUSE_SECONDS = 2, 1.0

CHUNK_BYTES = 2**16


def download(files: dict[str, bytes], cache: Path | None, tried: list[str]) -> list[str]:
    """Add what `files` lacks to it and to the cache; return why the cache could not keep it."""
    deadline = time.monotonic() + DOWNLOAD_SECONDS
    mirrors = _answering_mirrors(tried)
    lost = [] if cache else ["the home folder is unknown"]
    for name in [name for name in FILES if name not in files]:
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
    file = f"{next(iter(FILES))}.gz"
    patience = 2 * PROBE_SECONDS  # only so that the thread ends: we don't wait for that
    asked = {
        _in_background(requests.head, mirror + file, timeout=patience): mirror for mirror in MIRRORS
    }
    with suppress(TimeoutError):
        for answer in as_completed(asked, timeout=PROBE_SECONDS):
            mirror = asked[answer]
            if answer.exception() is None:
                return deque(sorted(MIRRORS, key=lambda other: other != mirror))
            tried.append(f"{mirror}: {answer.exception()}")
    tried += [
        f"{mirror}: no answer within {PROBE_SECONDS:g} s"
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
    for attempt in range(ROUNDS * len(mirrors)):
        if attempt >= len(mirrors):
            time.sleep(PAUSE_SECONDS)
        left = deadline - time.monotonic()
        if left <= 0:
            tried.append(f"the mirrors: not finished within {DOWNLOAD_SECONDS:g} s in all")
            break
        url = f"{mirrors[0]}{name}.gz"
        try:
            raw = _get(url, most=FILES[name].most, seconds=min(TRANSFER_SECONDS, left))
            return raw, verified(raw, name)
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
            timeout=(CONNECT_SECONDS, SILENCE_SECONDS),
            headers={"Accept-Encoding": "identity"},
            hooks={"response": _discard_redirect},
        ) as response:
            response.raise_for_status()
            # What a server compressed all the same is decompressed later, within bounds.
            response.raw.headers.discard("Content-Encoding")
            total, name = response.raw.length_remaining, url.rpartition("/")[2]
            with tqdm(desc=name, total=total, unit="B", unit_scale=True, disable=hidden) as bar:
                for chunk in response.iter_content(CHUNK_BYTES):
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
