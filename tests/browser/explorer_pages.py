"""Explorers outside of the book: the mathematics alone, and each on a page with the host."""

import json
from pathlib import Path

from booksite.explorers import pages
from booksite.explorers.pages import KEY, bundle
from lectures_code.explorers.base import source, style

HOST = Path(pages.__file__).with_name("host.js")
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>An explorer</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="explorers/explorer.css">
<script src="host.js" defer></script></head>
<body><main><h1>An explorer</h1>{body}</main></body></html>"""


def mathematics(page, name):
    """Load an explorer's module into a page: returns `call(function, *arguments)`."""
    page.evaluate(
        """async (source) => {
          const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
          window.mathematics = (await import(address)).mathematics;
        }""",
        source(name),
    )

    def call(function, *arguments):
        return page.evaluate("([f, a]) => window.mathematics[f](...a)", [function, arguments])

    return call


def written(explorer):
    """A page with this explorer as the book has it, for the fixture `open_html`: HTML and files."""
    data, metadata = bundle(explorer)
    key, state = metadata[KEY]["key"], metadata[KEY]["state"]
    module = f"explorers.module({json.dumps(explorer.name)}, {json.dumps(source(explorer.name))});"
    files = {
        "host.js": HOST.read_text(encoding="utf-8"),
        "explorers/explorer.css": style(explorer.name),
        f"explorers/{explorer.name}.js": module,
        f"explorers/{key}.js": f"explorers.state({json.dumps(key)}, {json.dumps(state)});",
    }
    return PAGE.format(body=data["text/html"]), files


def start(page):
    """Wait until the page's explorer lives; returns its element."""
    page.locator(".explorer").scroll_into_view_if_needed()
    page.wait_for_selector(".explorer[data-live]")
    return page.locator(".explorer-live")


def result(page):
    """What the page's explorer shows, at full precision."""
    return json.loads(page.locator(".explorer-live").get_attribute("data-result"))


def slide(page, name, value):
    """Set a range input as a reader would, and let the explorer answer."""
    page.locator(f".explorer-live input[name={name}]").fill(str(value))
