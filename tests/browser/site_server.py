"""A server of the built site on 127.0.0.1, as a host on the internet would serve it: compressed."""

import gzip
import mimetypes
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.local_server import LocalServer, QuietHandler

# Seconds: a connection on which nothing comes is closed, so that no thread is left behind.
LONGEST_SILENCE = 15.0
# What hosts of static sites compress; fonts and pictures are compressed already.
TEXT_TYPES = ("text/", "application/json", "application/javascript", "image/svg+xml")
# Systems disagree about these, and a module is not run under another type.
TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".csv": "text/csv",
    ".woff2": "font/woff2",
}


class SiteServer(LocalServer):
    """Serves the files below `root`, and pages that a test has written, on a free port.

    Parameters
    ----------
    root : Path
        The folder that is served. It need not exist: written pages are served without it.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(_Handler)
        self.root = root.resolve()
        self._written: dict[str, bytes] = {}
        self._packed: dict[tuple[str, int], bytes] = {}

    def write(self, path: str, content: str | bytes) -> str:
        """Serve `content` under `path`, where a file of the site would be hidden by it."""
        self._written[path] = content.encode() if isinstance(content, str) else content
        return self.url + path

    def read(self, path: str) -> bytes | None:
        """Return what is served under this path, None where there is nothing."""
        if path in self._written:
            return self._written[path]
        if path == "favicon.ico":
            # Browsers ask for it where a page names no icon; it is the host's, not the site's.
            return b""
        file = (self.root / path).resolve()
        if file.is_dir():
            file /= "index.html"
        return file.read_bytes() if file.is_relative_to(self.root) and file.is_file() else None

    def packed(self, body: bytes, path: str) -> bytes:
        """Return `body` compressed, once for each file."""
        key = (path, hash(body))
        if key not in self._packed:
            self._packed[key] = gzip.compress(body, 6, mtime=0)
        return self._packed[key]


def media_type(path: str) -> str:
    """Return the type that a file of this name is served as."""
    suffix = Path(path).suffix
    guessed = TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    return "text/html" if suffix == "" else guessed


class _Handler(QuietHandler):
    protocol_version = "HTTP/1.1"
    timeout = LONGEST_SILENCE

    def do_GET(self) -> None:
        site = self.server.owner
        path = unquote(urlsplit(self.path).path).lstrip("/")
        body = site.read(path)
        kind = media_type(path)
        status = 200 if body is not None else 404
        if body is None:
            body, kind = f"There is no {path} here".encode(), "text/plain"
        packs = kind.startswith(TEXT_TYPES) and "gzip" in self.headers.get("Accept-Encoding", "")
        if packs:
            body = site.packed(body, path)
        self.send_response(status)
        text = kind.startswith(TEXT_TYPES)
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if text else kind)
        self.send_header("Content-Length", str(len(body)))
        # Each page of a test is a first visit.
        self.send_header("Cache-Control", "no-store")
        if packs:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True
