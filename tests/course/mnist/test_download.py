"""What a mirror can answer, and how long that can take."""

import gzip
import hashlib
import io
import shutil
import sys
import threading
import time

import pytest
import yaml

from lectures_code.mnist import download, load, load_zero_one
from tests.course.mnist import fake
from tests.course.mnist import mirror as m


def test_a_download_is_verified_and_kept_as_it_came(cache, mirrors):
    first, _ = mirrors
    fake.assert_is_fake_mnist(load_zero_one(source="mnist"))
    assert sorted(path.name for path in cache.iterdir()) == sorted(
        f"{name}.gz" for name in fake.NAMES
    )
    assert gzip.decompress((cache / f"{fake.IMAGES}.gz").read_bytes()) == fake.FAKE[fake.IMAGES]
    assert first.asked == [f"{name}.gz" for name in fake.FAKE_FILES]


def test_only_what_the_cache_lacks_is_downloaded(cache, mirrors):
    first, _ = mirrors
    fake.write_folder(cache, **{fake.IMAGES: fake.FLIPPED})
    fake.assert_is_fake_mnist(load_zero_one())
    assert first.asked == [f"{fake.IMAGES}.gz"]


@pytest.mark.parametrize(
    ("answer", "file"),
    [
        (m.send(fake.FAKE[fake.IMAGES]), fake.IMAGES),
        (m.send(fake.WHOLE, headers=m.GZIPPED), f"{fake.IMAGES}.gz"),
    ],
    ids=["itself", "by asking us to"],
)
def test_a_mirror_that_decompresses_what_it_sends_is_understood(cache, mirrors, answer, file):
    first, second = mirrors
    first.answers[f"{fake.IMAGES}.gz"] = [answer]
    fake.assert_is_fake_mnist(load_zero_one())
    assert (cache / file).exists()
    assert second.asked == []
    assert load_zero_one().origin == "the user's cache"


def test_a_redirect_is_followed(mirrors):
    first, second = mirrors
    first.answers[f"{fake.IMAGES}.gz"] = [m.redirect(f"{second.url}{fake.IMAGES}.gz")]
    fake.assert_is_fake_mnist(load_zero_one())
    assert second.asked == [f"{fake.IMAGES}.gz"]


TOO_MUCH = f"must be at most {fake.FAKE_FILES[fake.IMAGES].most:,} bytes long, got more"
FAULTS = {
    "answers 404": (m.send(b"gone", status=404), "404 Client Error: Not Found for url"),
    "answers 503": (m.send(b"busy", status=503), "503 Server Error: Service Unavailable for url"),
    "never answers": (m.hang, "Read timed out. (read timeout=0.4)"),
    "falls silent": (m.stall(fake.WHOLE, 100), "Read timed out"),
    "trickles": (m.trickle(fake.WHOLE, every=0.05), "not finished within 2 s"),
    "cuts off": (m.cut_off(fake.WHOLE, 100), "IncompleteRead(100 bytes read"),
    "sends half a file": (m.send(fake.WHOLE[:100]), "truncated or corrupted: "),
    "sends a web page": (m.send(b"<html>Sign in</html>"), "a web page, not MNIST"),
    "sends nothing": (m.send(b""), "empty (SHA-256"),
    "sends other images": (m.send(gzip.compress(fake.FLIPPED)), "corrupted: of the right form"),
    "says what it sends is encoded": (
        m.send(b"not so", headers=m.GZIPPED),
        "magic number must be 0x00000803, got 0x6e6f7420",
    ),
    "sends no end": (m.endless(bytes(2**16)), TOO_MUCH),
    "sends no end of gzip": (m.endless(fake.MEMBER), TOO_MUCH),
    "sends no end of encoded gzip": (m.endless(fake.MEMBER, headers=m.GZIPPED), TOO_MUCH),
    "sends more than it should": (m.send(bytes(10**7)), TOO_MUCH),
    "sends what unpacks twice to 10 GB": (
        m.send(gzip.compress(fake.MEMBER * 640), headers={"Content-Encoding": "gzip, gzip"}),
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
    del first.answers[f"{fake.IMAGES}.gz"]
    fake.assert_is_fake_mnist(load_zero_one(source="mnist"))
    assert first.asked.count(f"{fake.IMAGES}.gz") == 1
    assert second.asked == [f"{fake.IMAGES}.gz"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_all_mirrors_is_named(monkeypatch, impatient, cache, mirrors, fault):
    first, _ = mirrors
    monkeypatch.setattr(download, "MIRRORS", (first.url,))
    monkeypatch.setattr(download, "ROUNDS", 1)
    answer, words = FAULTS[fault]
    first.answers[f"{fake.IMAGES}.gz"] = [answer]
    message = fake.error_of()
    assert f"  - {first.url}{fake.IMAGES}.gz: " in message
    assert words in message
    assert not (cache / f"{fake.IMAGES}.gz").exists()


def test_a_wrong_download_shows_both_hashes(mirrors):
    mirrors[0].answers[f"{fake.IMAGES}.gz"] = [m.send(gzip.compress(fake.FLIPPED))]
    mirrors[1].answers[f"{fake.IMAGES}.gz"] = [m.send(gzip.compress(fake.FLIPPED))]
    message = fake.error_of()
    assert message.count(fake.FAKE_FILES[fake.IMAGES].sha256) == 2
    assert message.count(hashlib.sha256(fake.FLIPPED).hexdigest()) == 2


def test_a_failed_file_is_tried_again(mirrors, monkeypatch):
    first, second = mirrors
    pauses = []
    monkeypatch.setattr(download.time, "sleep", pauses.append)
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0.5)
    busy, good = m.send(b"busy", status=503), m.send(fake.WHOLE)
    first.answers[f"{fake.IMAGES}.gz"] = [busy, good]
    second.answers[f"{fake.IMAGES}.gz"] = [busy]
    fake.assert_is_fake_mnist(load_zero_one())
    assert first.asked.count(f"{fake.IMAGES}.gz") == 2
    assert second.asked.count(f"{fake.IMAGES}.gz") == 1
    assert pauses == [0.5]


def test_a_mirror_that_failed_once_is_not_asked_first_again(mirrors):
    first, second = mirrors
    name = f"{next(iter(fake.FAKE_FILES))}.gz"
    first.answers[name] = [m.send(b"busy", status=503)]
    fake.assert_is_fake_mnist(load_zero_one())
    assert first.asked == [name]
    assert second.asked == [f"{name}.gz" for name in fake.FAKE_FILES]


def test_tries_are_bounded_and_the_rest_is_left_alone(mirrors):
    for mirror in mirrors:
        mirror.answers = {None: [m.send(b"busy", status=503)]}
    fake.error_of()
    assert [len(mirror.asked) for mirror in mirrors] == [download.ROUNDS] * 2
    assert {name for mirror in mirrors for name in mirror.asked} == {
        f"{next(iter(fake.FAKE_FILES))}.gz"
    }


def test_nothing_is_printed_but_on_a_terminal(mirrors, capfd, monkeypatch):
    load_zero_one()
    assert capfd.readouterr() == ("", "")
    shutil.rmtree(load.user_cache_path("lectures_code"))
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    load_zero_one()
    assert all(f"{name}.gz: 100%" in terminal.getvalue() for name in fake.NAMES)


def test_a_mirror_that_sends_no_length_is_understood(mirrors):
    mirrors[0].answers[f"{fake.IMAGES}.gz"] = [m.send_unsized(fake.WHOLE)]
    fake.assert_is_fake_mnist(load_zero_one())
    assert mirrors[1].asked == []


def test_a_cell_of_the_book_outlasts_all_downloads():
    config = yaml.safe_load((fake.ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert config["execute"]["timeout"] >= download.DOWNLOAD_SECONDS + 60


def test_dripping_mirrors_are_given_up_in_time_and_the_sample_is_taken(
    monkeypatch, mirrors, sample
):
    """Each file would take 10 s or more, of 16 tries that may take 0.5 s each."""
    monkeypatch.setattr(download, "TRANSFER_SECONDS", 0.5)
    monkeypatch.setattr(download, "DOWNLOAD_SECONDS", 1.2)
    for mirror in mirrors:
        mirror.head = m.send(b"")
        mirror.answers = {None: [m.trickle(bytes(200), every=0.05)]}
    start = time.monotonic()
    message = fake.error_of()
    assert 1 < time.monotonic() - start < 3
    assert "the mirrors: not finished within 1.2 s in all\n" in message
    assert message.count(".gz: not finished within 0.5 s\n") == 2
    with pytest.warns(UserWarning, match="sample of 8 of"):
        assert load_zero_one().source == "sample"
    assert time.monotonic() - start < 6


def test_slow_files_are_given_up_in_time_although_each_comes(monkeypatch, cache, mirrors):
    """Three of four need 0.8 s each, and there is time for two; those are kept for the next try."""
    monkeypatch.setattr(download, "DOWNLOAD_SECONDS", 2.2)
    for name in list(fake.FAKE)[:3]:
        body = gzip.compress(fake.FAKE[name])
        mirrors[0].answers[f"{name}.gz"] = [m.stall(body, len(body) - 1, seconds=0.8)]
    assert "the mirrors: not finished within 2.2 s in all" in fake.error_of()
    assert sorted(path.name for path in cache.iterdir()) == [
        f"{name}.gz" for name in sorted(list(fake.FAKE)[:2])
    ]
    assert load_zero_one().origin == "a download"


def test_a_download_that_was_given_up_ends(monkeypatch, impatient, mirrors):
    """Nobody waits for it, so it must not go on until the network or the memory is used up."""
    before = set(threading.enumerate())
    monkeypatch.setattr(download, "MIRRORS", (mirrors[0].url,))
    monkeypatch.setattr(download, "ROUNDS", 1)
    monkeypatch.setattr(download, "CHUNK_BYTES", 1)
    mirrors[0].answers[f"{fake.IMAGES}.gz"] = [m.trickle(bytes(10_000), every=0.02)]
    assert "not finished within 2 s" in fake.error_of()
    deadline = time.monotonic() + 5
    while left := set(threading.enumerate()) - before:  # ours, and the mirror's that sends to it
        assert time.monotonic() < deadline, left
        time.sleep(0.01)
