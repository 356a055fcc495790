"""No network, other processes, and caches that cannot be written."""

import json
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lectures_code.mnist import download, load, load_zero_one
from tests.course.mnist import fake
from tests.course.mnist import mirror as m


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
    monkeypatch.setattr(download, "PROBE_SECONDS", fake.SHIPPED_PROBE_SECONDS)
    released = threading.Event()
    hang_on_names(monkeypatch, released)
    with m.Mirror() as black_hole:
        black_hole.head = m.hang
        black_hole.answers[None] = [m.hang]
        monkeypatch.setattr(download, "MIRRORS", (black_hole.url, "http://mirror.invalid/"))
        start = time.monotonic()
        with pytest.warns(UserWarning, match="sample of 8 of"):
            data = load_zero_one()
        assert time.monotonic() - start < 10
    released.set()
    assert data.source == "sample"
    assert black_hole.asked == []


def test_mirrors_that_do_not_answer_are_named(monkeypatch):
    monkeypatch.setattr(download, "PROBE_SECONDS", 0.5)
    released = threading.Event()
    hang_on_names(monkeypatch, released)
    with socket.socket() as closed, m.Mirror() as black_hole:
        closed.bind(("127.0.0.1", 0))  # bound, but not listening: refuses connections
        refusing = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        black_hole.head = m.hang
        nameless = "http://mirror.invalid/"
        monkeypatch.setattr(download, "MIRRORS", (black_hole.url, nameless, refusing))
        message = fake.error_of()
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
    assert time.monotonic() - start < download.PROBE_SECONDS / 2


def test_a_mirror_that_only_answers_errors_is_asked_nevertheless(mirrors):
    mirrors[0].head = m.send(b"", status=405)
    fake.assert_is_fake_mnist(load_zero_one())


ELSEWHERE = """
import json, os, pathlib, signal, sys
from lectures_code.mnist import download, files, load
faked, mirrors, cache, killed = json.loads(sys.argv[1])
for name, sha256, shape in faked:
    files.FILES[name] = files.IdxFile(sha256, tuple(shape))
download.MIRRORS = mirrors
load.user_cache_path = lambda name: pathlib.Path(cache)
if killed:
    os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
print(load.load_zero_one(source="mnist").origin)
"""


def load_elsewhere(cache, *, killed=False):
    """Start a process that loads from the same mirrors into the same cache."""
    faked = [(name, file.sha256, file.shape) for name, file in fake.FAKE_FILES.items()]
    world = json.dumps([faked, download.MIRRORS, str(cache), killed])
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
    fake.assert_is_fake_mnist(data)


def test_concurrent_processes_do_not_disturb_each_other(cache, mirrors):
    processes = [load_elsewhere(cache) for _ in range(2)]
    results = [process.communicate(timeout=60) for process in processes]
    assert [errors for _, errors in results] == ["", ""]
    assert sorted(path.name for path in cache.iterdir()) == sorted(
        f"{name}.gz" for name in fake.NAMES
    )
    assert load_zero_one().origin == "the user's cache"


def test_a_reader_never_sees_half_a_file(tmp_path):
    path, wrong, stop = tmp_path / "file", [], threading.Event()
    contents = [bytes([i]) * 100_000 for i in range(2)]
    download._keep(contents[0], path)

    def read():
        while not stop.is_set():
            if path.read_bytes() not in contents:
                wrong.append("half a file")

    reader = threading.Thread(target=read)
    reader.start()
    for i in range(200):
        download._keep(contents[i % 2], path)
    stop.set()
    reader.join()
    assert wrong == []
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_a_cache_that_cannot_be_written_does_not_stop_the_load(cache, mirrors):
    cache.parent.touch()  # a file where a folder should be: not even root can write into it
    with pytest.warns(UserWarning, match=f"again next time: {cache}/.*: Not a directory. Fix"):
        data = load_zero_one()
    fake.assert_is_fake_mnist(data)
    assert data.origin == "a download that could not be kept"


def test_a_full_disk_does_not_stop_the_load_and_leaves_nothing(cache, mirrors, monkeypatch):
    def full(path, data):
        with open(path, "wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.warns(UserWarning, match="No space left on device"):
        data = load_zero_one()
    fake.assert_is_fake_mnist(data)
    assert data.origin == "a download that could not be kept"
    assert list(cache.iterdir()) == []


def refuse(name):
    raise RuntimeError("home directory cannot be resolved to an absolute path")


HOMELESS = {"refused": refuse, "literal": lambda name: Path("~/.cache", name)}


@pytest.fixture(params=HOMELESS)
def homeless(request, monkeypatch, tmp_path):
    """A user id that no list of users knows: platformdirs raises, or returns what is no path."""
    monkeypatch.setattr(load, "user_cache_path", HOMELESS[request.param])
    monkeypatch.chdir(tmp_path)


def test_without_a_home_a_named_folder_is_read(homeless, tmp_path, load_from):
    fake.assert_is_fake_mnist(load_from(fake.write_folder(tmp_path / "mnist")))


def test_without_a_home_a_download_is_not_kept(homeless, tmp_path, mirrors):
    warning = "again next time: the home folder is unknown. Fix that, or set MNIST_DIR"
    with pytest.warns(UserWarning, match=warning):
        data = load_zero_one()
    fake.assert_is_fake_mnist(data)
    assert data.origin == "a download that could not be kept"
    assert list(tmp_path.iterdir()) == []


def test_without_a_home_and_a_network_the_sample_is_taken(homeless, sample):
    with pytest.warns(UserWarning, match="sample of 8 of"):
        assert load_zero_one().source == "sample"
    assert "  - the user's cache: the home folder is unknown\n" in fake.error_of()
