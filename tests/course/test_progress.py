"""The bar: seen by those who watch, and by nobody else."""

import io
import sys
import types

import pytest
from jupyter_client.manager import start_new_kernel

from lectures_code.progress import is_watched, progress


class Terminal(io.StringIO):
    """A standard error that is (or isn't) a terminal."""

    def __init__(self, *, tty):
        super().__init__()
        self.tty = tty

    def isatty(self):
        return self.tty


@pytest.fixture
def stderr(monkeypatch):
    """Put a stream in the place of standard error."""

    def put(*, tty):
        stream = Terminal(tty=tty)
        monkeypatch.setattr(sys, "stderr", stream)
        return stream

    return put


@pytest.fixture
def ipython(monkeypatch):
    """Put a notebook's shell where IPython keeps it."""

    def put(shell):
        fake = types.SimpleNamespace(get_ipython=lambda: shell)
        monkeypatch.setitem(sys.modules, "IPython", fake)

    return put


def kernel_that_was_sent(request):
    return types.SimpleNamespace(kernel=types.SimpleNamespace(get_parent=lambda: request))


@pytest.mark.parametrize("tty", [True, False])
@pytest.mark.parametrize("total", [None, 3])
def test_items_pass_through_watched_or_not(stderr, tty, total):
    stderr(tty=tty)
    assert list(progress(iter("abc"), label="letters", total=total)) == ["a", "b", "c"]
    assert list(progress([], label="nothing")) == []


def test_items_are_asked_for_one_by_one(stderr):
    stderr(tty=False)
    asked = []
    source = (asked.append(k) or k for k in range(10))
    for item in progress(source, label="numbers"):
        assert asked == list(range(item + 1))
        if item == 3:
            break
    assert asked == [0, 1, 2, 3]


def test_nothing_is_drawn_when_nobody_watches(stderr, capsys):
    stream = stderr(tty=False)
    list(progress(range(5), label="epochs"))
    assert stream.getvalue() == ""
    assert capsys.readouterr().out == ""


def test_a_terminal_sees_the_label_and_afterwards_an_empty_line(stderr, capsys):
    stream = stderr(tty=True)
    list(progress(range(5), label="epochs"))
    drawn = stream.getvalue()
    assert "epochs" in drawn and "/5" in drawn
    assert drawn.rsplit("\r", 2)[1].strip() == "", "the bar is wiped out in the end"
    assert capsys.readouterr().out == ""


def test_a_terminal_watches(stderr):
    stderr(tty=True)
    assert is_watched() is True


def test_without_a_terminal_and_a_kernel_nobody_watches(stderr, monkeypatch):
    stderr(tty=False)
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert is_watched() is False


def test_ipython_without_a_shell_is_nobody(stderr, ipython):
    stderr(tty=False)
    ipython(None)
    assert is_watched() is False


def test_a_shell_in_a_pipe_is_nobody(stderr, ipython):
    stderr(tty=False)
    ipython(types.SimpleNamespace())  # IPython's own shell has no kernel
    assert is_watched() is False


@pytest.mark.parametrize("allow_stdin", [True, False])
def test_a_kernel_is_watched_by_those_who_can_be_asked(stderr, ipython, allow_stdin):
    stderr(tty=False)
    ipython(kernel_that_was_sent({"content": {"allow_stdin": allow_stdin}}))
    assert is_watched() is allow_stdin


@pytest.mark.parametrize("request_", [{}, {"content": {}}])
def test_a_kernel_that_was_asked_nothing_is_not_watched(stderr, ipython, request_):
    stderr(tty=False)
    ipython(kernel_that_was_sent(request_))
    assert is_watched() is False


def test_a_real_kernel_tells_a_reader_from_a_builder():
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        heard = []

        def keep(message):
            if message["msg_type"] == "stream":
                heard.append(message["content"]["text"])

        code = "from lectures_code.progress import is_watched; print(is_watched())"
        for allow_stdin in (True, False):
            client.execute_interactive(code, allow_stdin=allow_stdin, output_hook=keep, timeout=60)
        assert "".join(heard).split() == ["True", "False"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
