"""What a first view costs: bytes on the wire, and when and how steadily the page is painted."""

import os
import time
from dataclasses import dataclass, field

from playwright.sync_api import Page

LIMIT_BYTES = 450_000
LIMIT_PAINT = 1.0  # seconds, of a processor four times slower than an ordinary computer's
LIMIT_SHIFT = 0.1  # a fraction of the window, times a fraction of its height
SLOWDOWN = 4
# Seconds that `WORK` takes on an ordinary computer of 2024: what a page's painting mostly is.
ORDINARY = 0.16
WORK = """() => {
    const start = performance.now();
    for (let round = 0; round < 20; round++) {
        const box = document.createElement("div");
        box.innerHTML = "<p class=a>some <b>text</b> of words</p>".repeat(500);
        document.body.append(box);
        box.getBoundingClientRect();
        box.remove();
    }
    return (performance.now() - start) / 1000;
}"""
QUIET = 0.8  # seconds without a request, after which a page counts as loaded
LONGEST_LOAD = 30.0  # seconds
# The theme's icons as a script: larger than a whole page may be.
NOT_ALLOWED = "fontawesome"

# Entries from before the observer was made are delivered too. Chromium never reports the largest
# paint of a page in the background or without any content: that must not pass as a quick one.
OBSERVE = """() => new Promise((done) => {
    const seen = {paint: null, what: "", shift: 0, shifts: []};
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
            seen.paint = entry.startTime / 1000;
            const at = entry.element;
            seen.what = at ? `<${at.localName}> ${at.id} ${at.className}`.trim() : entry.url;
        }
    }).observe({type: "largest-contentful-paint", buffered: true});
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
            seen.shift += entry.value;
            for (const {node} of entry.sources)
                if (node) seen.shifts.push(
                    [entry.value.toFixed(3), node.nodeName, node.id, node.className].join(" "));
        }
    }).observe({type: "layout-shift", buffered: true});
    setTimeout(() => done(seen), 100);
})"""
# Slowly enough for what starts when it comes into view.
SCROLL = """async () => {
    const pause = (time) => new Promise((done) => setTimeout(done, time));
    for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight / 2) {
        scrollTo({top: y, behavior: "instant"});
        await pause(60);
    }
    await pause(300);
}"""


@dataclass
class FirstView:
    """What a page loads by itself: the size of each answer on the wire, with its headers."""

    sizes: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.sizes.values())

    def problems(self) -> list[str]:
        """Say whether it is too much, the largest first, and whether the icons' script is in it."""
        found = [f"{url} is loaded" for url in self.sizes if NOT_ALLOWED in url]
        if self.total > LIMIT_BYTES:
            largest = sorted(self.sizes.items(), key=lambda item: -item[1])[:8]
            parts = ", ".join(f"{url.rpartition('/')[2][:40]} {size:,}" for url, size in largest)
            found.append(f"{self.total:,} bytes, at most {LIMIT_BYTES:,} are allowed: {parts}")
        return found


class Wire:
    """Follows what a page loads, from now on.

    Parameters
    ----------
    page : Page
        A page that has not been anywhere yet.
    """

    def __init__(self, page: Page) -> None:
        self.view = FirstView()
        self._page = page
        self._under_way: dict[str, str] = {}
        self._last = time.monotonic()
        self._session = page.context.new_cdp_session(page)
        self._session.on("Network.requestWillBeSent", self._sent)
        self._session.on("Network.loadingFinished", self._arrived)
        self._session.on("Network.loadingFailed", self._arrived)
        self._session.send("Network.enable")
        self._session.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def wait(self) -> None:
        """Wait until nothing has been under way for a while."""
        end = time.monotonic() + LONGEST_LOAD
        while self._under_way or time.monotonic() - self._last < QUIET:
            self._page.wait_for_timeout(50)
            if time.monotonic() > end:
                raise TimeoutError(
                    f"a page must have loaded after {LONGEST_LOAD} s, still under way: "
                    + ", ".join(self._under_way.values())
                )

    def close(self) -> None:
        """Follow no longer."""
        self._session.detach()

    def _sent(self, event: dict) -> None:
        url = event["request"]["url"]
        if not url.startswith(("data:", "blob:")):
            self._under_way[event["requestId"]] = url
            self._last = time.monotonic()

    def _arrived(self, event: dict) -> None:
        url = self._under_way.pop(event["requestId"], None)
        if url is not None:
            sizes, size = self.view.sizes, int(event.get("encodedDataLength", 0))
            sizes[url] = sizes.get(url, 0) + size
            self._last = time.monotonic()


def weigh(page: Page, url: str) -> FirstView:
    """Load a page for the first time, with all of its figures, and weigh what comes.

    Figures that would load only when a reader comes to them are loaded too; an explorer's script
    that does so is not.
    """
    wire = Wire(page)
    page.goto(url, wait_until="load")
    wire.wait()
    page.evaluate("() => { for (const image of document.images) image.loading = 'eager' }")
    page.wait_for_function("[...document.images].every((image) => image.complete)")
    wire.wait()
    wire.close()
    return wire.view


def slowdown_here(page: Page) -> float:
    """Return the factor by which this machine must be slowed down, at least 1 and at most SLOWDOWN.

    A machine that is slower than an ordinary computer, or busy, needs less of it.
    """
    took = min(page.evaluate(WORK) for _ in range(5))
    return min(SLOWDOWN, max(1.0, SLOWDOWN * ORDINARY / took))


def slow_down(page: Page, factor: float) -> None:
    """Make this page's processor slower by a factor, as a cheap phone's is, until it is closed."""
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": factor})


def paint(page: Page, url: str, *, scroll: bool = False) -> dict:
    """Load a page and return its largest contentful paint (seconds) and the sum of its shifts.

    The sum counts every shift, those soon after an input too, and not only the worst burst as the
    metric in its usual form does: it is never smaller.
    """
    page.goto(url, wait_until="networkidle")
    if scroll:
        page.evaluate(SCROLL)
    return page.evaluate(OBSERVE)


def paint_problems(seen: dict) -> list[str]:
    """Say what of a page's painting is beyond the limits."""
    found = []
    if seen["paint"] is None:
        found.append("the browser reports no largest contentful paint")
    elif seen["paint"] >= LIMIT_PAINT:
        found.append(
            f"largest contentful paint, {seen['what']}, after {seen['paint']:.2f} s, "
            f"at most {LIMIT_PAINT} s are allowed (this machine has {os.cpu_count()} processors, "
            f"its load is {os.getloadavg()[0]:.1f})"
        )
    return found + shift_problems(seen)


def shift_problems(seen: dict) -> list[str]:
    """Say whether the page shifts too much, and what moved."""
    if seen["shift"] < LIMIT_SHIFT:
        return []
    moved = "; ".join(seen["shifts"][:6])
    return [f"layout shift of {seen['shift']:.3f}, less than {LIMIT_SHIFT} is allowed: {moved}"]
