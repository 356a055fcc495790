"""A mirror of files on 127.0.0.1 that answers as it is told to, for tests of downloads."""

from collections.abc import Callable

from tests.local_server import LocalServer, QuietHandler

LONGEST_HANG = 20.0  # seconds: even a test that fails leaves no thread behind for longer

Answer = Callable[["_Handler"], None]
GZIPPED = {"Content-Encoding": "gzip"}


def send(body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """Answer with all of `body`."""

    def answer(handler: "_Handler") -> None:
        handler.start(status, len(body), headers or {})
        handler.write(body)

    return answer


def send_unsized(body: bytes) -> Answer:
    """Answer with all of `body`, without saying how long it is."""

    def answer(handler: "_Handler") -> None:
        handler.start(200, None, {})
        handler.write(body)

    return answer


def endless(piece: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """Answer with `piece` over and over, for as long as anyone listens."""

    def answer(handler: "_Handler") -> None:
        handler.start(status, None, headers or {})
        while handler.write(piece) and not handler.server.owner.closing.is_set():
            pass

    return answer


def redirect(url: str) -> Answer:
    """Answer that the file is at another address."""
    return send(b"", status=302, headers={"Location": url})


def cut_off(body: bytes, after: int) -> Answer:
    """Promise all of `body`, send its first `after` bytes, and close the connection."""

    def answer(handler: "_Handler") -> None:
        handler.start(200, len(body), {})
        handler.write(body[:after])

    return answer


def stall(body: bytes, after: int, seconds: float = LONGEST_HANG) -> Answer:
    """Send the first `after` bytes of `body`, and the rest only after some time of silence."""

    def answer(handler: "_Handler") -> None:
        cut_off(body, after)(handler)
        if not handler.server.owner.closing.wait(seconds):
            handler.write(body[after:])

    return answer


def trickle(body: bytes, every: float) -> Answer:
    """Send `body` a byte at a time, often enough for no silence to be noticed."""

    def answer(handler: "_Handler") -> None:
        handler.start(200, len(body), {})
        for i in range(min(len(body), int(LONGEST_HANG / every))):
            if not handler.write(body[i : i + 1]) or handler.server.owner.closing.wait(every):
                return

    return answer


def hang(handler: "_Handler") -> None:
    """Accept the connection and say nothing."""
    handler.server.owner.closing.wait(LONGEST_HANG)


class Mirror(LocalServer):
    """A server of answers by file name: `answers[name]` is a list, of which the last one repeats.

    Use as a context manager. `answers[None]` is for every other name; `asked` records the names
    of all GET requests, in order. HEAD requests are answered by `head`.
    """

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.answers: dict[str | None, list[Answer]] = {None: [send(b"not here", status=404)]}
        self.asked: list[str] = []
        self.head: Answer = send(b"")

    @property
    def url(self) -> str:
        return f"{super().url}mnist/"

    def next_answer(self, name: str) -> Answer:
        """Record that `name` was asked for, and return what to answer."""
        before = self.asked.count(name)
        self.asked.append(name)
        answers = self.answers.get(name, self.answers[None])
        return answers[min(before, len(answers) - 1)]


class _Handler(QuietHandler):
    def do_HEAD(self) -> None:
        self.server.owner.head(self)

    def do_GET(self) -> None:
        self.server.owner.next_answer(self.path.rpartition("/")[2])(self)

    def start(self, status: int, length: int | None, headers: dict[str, str]) -> None:
        """Send the status and the headers."""
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()

    def write(self, body: bytes) -> bool:
        """Send part of a body, and say whether anyone still listens."""
        try:
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:
            return False
        return True
