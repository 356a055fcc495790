"""Pages for tests, each as if in a browser that was never used.

A new context takes the browser longer than most pages do, so one that a test has left is cleaned
and serves the next test with the same options.
"""

from collections import defaultdict

from playwright.sync_api import Browser, Page

from tests.browser.checks.guard import Guard

# Nothing listens here: what is sent to another host ends at this machine.
NOWHERE = {"server": "http://127.0.0.1:9", "bypass": "127.0.0.1"}
MILLISECONDS = 20_000  # longer than anything takes here, shorter than a test run
# The reader's choice in the theme's switch.
CHOICE = """try {{ for (const key of ["mode", "theme"])
    if (!localStorage.getItem(key)) localStorage.setItem(key, "{}") }} catch {{}}"""


class PagePool:
    """The pages of one browser."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._idle: dict[str, list[Page]] = defaultdict(list)

    def take(self, home: tuple[str, ...], options: dict) -> Page:
        """Return a page at no address yet, alone in a context with these options.

        Its `guard` is a `Guard`, for addresses that begin like those in `home`.
        """
        idle = self._idle[str(options)]
        page = idle.pop() if idle else self._make(options)
        page.guard.begin(*home)
        return page

    def _make(self, options: dict) -> Page:
        context = self._browser.new_context(proxy=NOWHERE, **options)
        context.set_default_timeout(MILLISECONDS)
        context.add_init_script(CHOICE.format(options["color_scheme"]))
        guard = Guard(context, scripts=options["java_script_enabled"])
        page = context.new_page()
        # Where a page that is given back has it; some browsers take that for the page's corner.
        page.mouse.move(-1, -1)
        page.guard, page.options = guard, options
        return page

    def give_back(self, page: Page) -> None:
        """Leave nothing of a test in a page; close it where the test has closed or opened one."""
        if page.is_closed() or len(page.context.pages) > 1:
            page.context.close()
            return
        page.evaluate("try { localStorage.clear(); sessionStorage.clear() } catch {}")
        page.unroute_all()
        page.mouse.move(-1, -1)
        page.goto("about:blank")
        page.set_viewport_size(page.options["viewport"])
        page.emulate_media(media="null", color_scheme=page.options["color_scheme"])
        self._idle[str(page.options)].append(page)
