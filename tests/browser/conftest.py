"""What tests of the site in a real browser need: the site, a server, a browser, watched pages.

Without a Chromium, or without a site that is up to date, the tests that need it are skipped with
one line that says so; with REQUIRE_BROWSER=1 in the environment they fail instead.
"""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from booksite.finished import MARK
from booksite.paper.browser import BrowserMissingError, find_chromium, launch
from booksite.slides import decks as slides
from tests.browser.built_site import ROOT, SITE, chapter_paths, page_paths, what_is_missing
from tests.browser.page_pool import PagePool
from tests.browser.site_server import SiteServer

# With an icon of its own, or the browser asks the server for one.
BLANK = """<!doctype html><html lang="en"><meta charset="utf-8">
<link rel="icon" href="data:,"><title>Blank</title><body></body></html>"""
SKIPPED = "not all of the site is tested:"


def pytest_generate_tests(metafunc):
    """A test with an argument `page_path` runs on all pages, with `chapter_path` on chapters."""
    for name, paths in (("page_path", page_paths), ("chapter_path", chapter_paths)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, paths())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Report what is skipped for the same reason as one, in one line, and not test by test."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple) and SKIPPED in report.longrepr[2]:
        report.longrepr = (str(Path(__file__).parent), None, report.longrepr[2])
    return report


def missing_browser():
    """Say that there is no Chromium to test with, or return None."""
    try:
        return (
            None
            if find_chromium()
            else "there is no Chromium (install it, or name one in CHROMIUM)"
        )
    except BrowserMissingError as error:
        return str(error)


@pytest.fixture(scope="session")
def stop():
    """A function that skips the test for this reason, or fails it with REQUIRE_BROWSER."""

    def skip_or_fail(reason):
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(f"REQUIRE_BROWSER is set, and {reason}", pytrace=False)
        pytest.skip(f"{SKIPPED} {reason}")

    return skip_or_fail


@pytest.fixture(scope="session")
def lacking(stop):
    """A function that skips the test, or fails it, where one of these things is missing.

    All of them are named whichever was asked for, so that there is one line in the report.
    """
    missing = {"browser": missing_browser(), **what_is_missing()}
    said = "; ".join(dict.fromkeys(what for what in missing.values() if what))

    def need(thing):
        if missing[thing]:
            stop(said)

    return need


@pytest.fixture(scope="session")
def site(lacking) -> Path:
    """The folder of the built site."""
    lacking("site")
    return SITE


@pytest.fixture(scope="session")
def executed_site(lacking) -> Path:
    """The folder of the built site, where its chapters were executed: it is not a draft."""
    lacking("executed")
    return SITE


@pytest.fixture(scope="session")
def server():
    """A `SiteServer` of the site; without one it still runs, and serves written pages."""
    with SiteServer(SITE) as running:
        yield running


@pytest.fixture(scope="session")
def site_url(site, server) -> str:
    """The address of the built site, with a slash at its end."""
    return server.url


@pytest.fixture(scope="session")
def pages(site) -> list[str]:
    """The paths of all pages in the order of the contents; `page_path` goes over them."""
    return page_paths()


# Not of session scope: while playwright runs, asyncio's loop counts as running in this process,
# and tests elsewhere that start one of their own, as those that execute notebooks do, would fail.
@pytest.fixture(scope="module")
def browser(lacking):
    """The system's Chromium, driven by playwright's synchronous interface."""
    lacking("browser")
    with sync_playwright() as playwright:
        running = launch(playwright)
        yield running
        running.close()


@pytest.fixture(scope="module")
def pool(browser):
    return PagePool(browser)


@pytest.fixture
def new_page(pool, server):
    """A function that opens a page in a context of its own, guarded, at no address yet.

    `dark` is both the system's preference and the reader's choice in the theme's switch. The page's
    `guard` is a `Guard`: what it has collected at the end of the test fails the test, unless the
    test takes it.
    """
    opened = []

    def make(
        *,
        width=1280,
        height=900,
        dark=False,
        javascript=True,
        reduced_motion=True,
        touch=False,
        home=(),
    ):
        options = {
            "viewport": {"width": width, "height": height},
            "color_scheme": "dark" if dark else "light",
            "java_script_enabled": javascript,
            "reduced_motion": "reduce" if reduced_motion else "no-preference",
            "has_touch": touch,
        }
        opened.append(pool.take((server.url, *home), options))
        return opened[-1]

    yield make
    found = []
    for page in opened:
        found += page.guard.problems()
        pool.give_back(page)
    assert not found, "\n".join(["a page of this test must not do this:", *found])


@pytest.fixture
def open_page(request, server, new_page):
    """A function that opens a page of the site, guarded (see `new_page`), and waits for its load.

    `open_page(path, *, width=1280, height=900, dark=False, javascript=True, reduced_motion=True,
    touch=False)`: `path` is relative to the site, and may end in a fragment; a `pathlib.Path` is
    opened as a file, and may load what lies in its folder and below.
    """

    def open_at(path, **options):
        if isinstance(path, Path):
            home = path.parent.resolve().as_uri() + "/"
            if path.resolve().is_relative_to(SITE.resolve()):
                home = SITE.resolve().as_uri() + "/"
            page = new_page(home=(home,), **options)
            page.goto(path.resolve().as_uri(), wait_until="load")
        else:
            request.getfixturevalue("site")
            page = new_page(**options)
            page.goto(server.url + path, wait_until="load")
        return page

    return open_at


@pytest.fixture(scope="session")
def decks(site, lacking) -> Path:
    """The folder of the decks of slides: those of this site, or made now."""
    lacking("browser")
    sources = [site / MARK, *(ROOT / "slides").glob("*.md"), *slides.HERE.glob("*.*")]
    newest = max(path.stat().st_mtime for path in sources)
    folder = site / "slides"
    files = [folder / f"{name}.{kind}" for name in slides.names(ROOT) for kind in ("html", "pdf")]
    if not all(file.is_file() and file.stat().st_mtime >= newest for file in files):
        # In a process of its own: it drives a browser, too.
        subprocess.run([sys.executable, "-m", "booksite.slides"], cwd=ROOT, check=True)
    return folder


@pytest.fixture
def open_deck(decks, open_page):
    """A function that opens a deck as a file, with its explorers started, at its first slide."""

    def open_at(name):
        page = open_page(decks / f"{name}.html", width=1280, height=720)
        page.wait_for_function("Reveal.isReady()")
        for number in page.evaluate(
            """() => Reveal.getSlides().flatMap((slide, k) =>
                slide.querySelector(".explorer[data-state]") ? [k] : [])"""
        ):
            page.evaluate("number => Reveal.slide(number)", number)
            page.wait_for_selector(".present .present .explorer[data-live]")
        page.evaluate("Reveal.slide(0)")
        return page

    return open_at


@pytest.fixture
def open_html(server, new_page):
    """A function that opens a page which the test has written, guarded; no site is needed.

    `open_html(html, files=None, **options)`: `html` is a whole page, `files` what lies beside it,
    by name; the options are those of `open_page`.
    """
    numbers = itertools.count()

    def open_written(html, files=None, **options):
        folder = f"_written/{next(numbers)}/"
        for name, content in (files or {}).items():
            server.write(folder + name, content)
        page = new_page(**options)
        page.goto(server.write(folder + "index.html", html), wait_until="load")
        return page

    return open_written


@pytest.fixture
def blank_page(open_html):
    """An empty page, guarded, on the server: a place to evaluate a widget's module in."""
    return open_html(BLANK)


@pytest.fixture(scope="module")
def files(explorer):
    """The module's explorer as the book has it: HTML, and what lies beside it."""
    from tests.browser.explorer_pages import written  # loads PyTorch, which few tests need

    return written(explorer)


@pytest.fixture
def page(open_html, files):
    """The module's explorer alone on a narrow page, and alive."""
    page = open_html(*files, width=375, touch=True)
    page.locator(".explorer").scroll_into_view_if_needed()
    page.wait_for_selector(".explorer[data-live]")
    return page


@pytest.fixture
def run_tests(tmp_path):
    """A function that runs the tests in `tmp_path` with these fixtures, in a process of its own."""

    def run(**environment):
        plugins = ["-p", "tests.browser.conftest", "-p", "no:cacheprovider"]
        inherited = {name: value for name, value in os.environ.items() if name != "REQUIRE_BROWSER"}
        inherited["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # they take seconds to load
        command = [sys.executable, "-m", "pytest", "-ra", *plugins, "."]
        variables = {**inherited, "PYTHONPATH": str(ROOT), **environment}
        options = {"capture_output": True, "text": True, "timeout": 120}
        return subprocess.run(command, cwd=tmp_path, env=variables, **options)

    return run
