"""What goes wrong in a browser while a test looks elsewhere, held against the test."""

from playwright.sync_api import BrowserContext, Page

# What a browser says of a request that its own page has given up, by going elsewhere.
GIVEN_UP = "net::ERR_ABORTED"


class Guard:
    """Collects what no page of the site may do, in all pages of a browser context.

    Parameters
    ----------
    context : BrowserContext
        A context without pages yet. It must make sure that no host but the test's own is reached:
        here the attempts are recorded.
    scripts : bool
        Whether the context runs scripts. If not, it also refuses to load them.

    Attributes
    ----------
    foreign : list of str
        Requests to anywhere else.
    failed : list of str
        Requests that got no answer, or one that is an error.
    console : list of str
        Errors in the console; a failed request makes one more.
    uncaught : list of str
        Uncaught exceptions and unhandled rejections.
    requests : list of str
        Addresses of all requests, in order.
    """

    def __init__(self, context: BrowserContext, *, scripts: bool = True) -> None:
        self._expected = (GIVEN_UP,) if scripts else (GIVEN_UP, "csp")
        self._context = context
        self.begin()
        context.on("request", self._on_request)
        context.on("requestfailed", self._on_failure)
        context.on("response", self._on_response)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.uncaught.append(str(error.error)))
        context.on("page", self._on_page)

    def begin(self, *home: str) -> None:
        """Collect anew, for a test whose pages may load addresses that begin like these."""
        # Parts of the page itself, which no host is asked for.
        self._home = (*home, "data:", "blob:", "about:")
        self.foreign: list[str] = []
        self.failed: list[str] = []
        self.console: list[str] = []
        self.uncaught: list[str] = []
        self.requests: list[str] = []

    def problems(self) -> list[str]:
        """Return all that has been collected, in words."""
        self._settle()
        return [
            *(f"asks another host: {url}" for url in self.foreign),
            *(f"request failed: {what}" for what in self.failed),
            *(f"error in the console: {text}" for text in self.console),
            *(f"uncaught: {text}" for text in self.uncaught),
        ]

    def take(self) -> list[str]:
        """Return all that has been collected, and forget it: the test expected it."""
        taken = self.problems()
        for kind in (self.foreign, self.failed, self.console, self.uncaught):
            kind.clear()
        return taken

    def _settle(self) -> None:
        """Wait for what the browser has noticed but not told yet, an answer of each page."""
        for page in self._context.pages:
            if not page.is_closed():
                page.evaluate("0")

    def _on_page(self, page: Page) -> None:
        page.on(
            "websocket",
            lambda socket: (
                None if socket.url.startswith(self._home) else self.foreign.append(socket.url)
            ),
        )
        page.on("crash", lambda _: self.uncaught.append("the page crashed"))

    def _on_request(self, request) -> None:
        self.requests.append(request.url)
        if not request.url.startswith(self._home):
            self.foreign.append(request.url)

    def _on_failure(self, request) -> None:
        if request.failure not in self._expected:
            self.failed.append(f"{request.url} ({request.failure})")

    def _on_response(self, response) -> None:
        if response.status >= 400:
            self.failed.append(f"{response.url} (status {response.status})")

    def _on_console(self, message) -> None:
        if message.type == "error":
            place = message.location
            self.console.append(f"{message.text} ({place['url']}:{place['lineNumber'] + 1})")
