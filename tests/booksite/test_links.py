"""A link that leads nowhere fails `make links`."""

import re

import pytest

from tests.booksite import small_book
from tests.local_server import LocalServer, QuietHandler


class Pages(QuietHandler):
    """A host that has the page /there and no other."""

    def do_GET(self):
        self.send_response(200 if self.path == "/there" else 404)
        self.end_headers()

    do_HEAD = do_GET


@pytest.fixture
def host():
    with LocalServer(Pages) as server:
        yield server.url.rstrip("/")


@pytest.mark.parametrize("page", ["there", "gone"])
def test_a_link_that_leads_nowhere_is_named_and_is_a_failure(page, host, tmp_path):
    text = f"# A page\n\n[A link]({host}/{page}).\n"
    done = small_book.build(
        tmp_path, {"index.md": text}, toc="root: book/index", builder=["--builder", "linkcheck"]
    )
    assert (done.exit_code == 0) == (page == "there"), done.stdout + done.stderr
    assert bool(re.search(rf"broken\W.*{host}/gone", done.stdout)) == (page == "gone")
