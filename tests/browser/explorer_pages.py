"""Explorers outside of the book: the mathematics alone, and each on a page with the host."""

import json
from pathlib import Path

from booksite.explorers import pages
from booksite.explorers.pages import KEY, bundle
from lectures_code.explorers.base import source, style
from tests.browser.driving import load_module

FOLDER = Path(pages.__file__).parent
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>An explorer</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="explorers/explorer.css">
<script src="screen.js" defer></script><script src="host.js" defer></script></head>
<body><main><article><h1>An explorer</h1>{body}</article></main></body></html>"""


def mathematics(page, name):
    """Load an explorer's module into a page: returns `call(function, *arguments)`."""
    load_module(page, source(name))

    def call(function, *arguments):
        return page.evaluate("([f, a]) => module.mathematics[f](...a)", [function, arguments])

    return call


def written(explorer):
    """A page with this explorer as the book has it, for the fixture `open_html`: HTML and files."""
    data, metadata = bundle(explorer)
    key, state = metadata[KEY]["key"], metadata[KEY]["state"]
    module = f"explorers.module({json.dumps(explorer.name)}, {json.dumps(source(explorer.name))});"
    files = {
        **{name: (FOLDER / name).read_text(encoding="utf-8") for name in ("screen.js", "host.js")},
        "explorers/explorer.css": style(explorer.name)
        + (FOLDER / "screen.css").read_text(encoding="utf-8"),
        f"explorers/{explorer.name}.js": module,
        f"explorers/{key}.js": f"explorers.state({json.dumps(key)}, {json.dumps(state)});",
    }
    return PAGE.format(body=data["text/html"]), files


def start(page, name=None):
    """Wait until the explorer of this name, or the page's only one, lives; returns its element."""
    selector = f"[data-explorer={name}]" if name else ".explorer"
    page.locator(selector).scroll_into_view_if_needed()
    page.wait_for_selector(f"{selector}[data-live]")
    return page.locator(selector)


def result(page):
    """What the page's explorer shows, at full precision."""
    return json.loads(page.locator(".explorer-live").get_attribute("data-result"))


def slide(page, **values):
    """Set range inputs as a reader would, one after another, and let the explorer answer."""
    for name, value in values.items():
        page.locator(f".explorer-live input[name={name}]").fill(str(value))


def texts(page, selector="dd"):
    """What the page says in these places, with a hyphen for each minus sign."""
    return [text.replace("−", "-") for text in page.locator(selector).all_inner_texts()]


def walk(page, *steps):
    """Go through controls by the keyboard alone: name, key, and what of the result then changes.

    What changes is named, or given with the values that it must have then.
    """
    for name, key, changes in steps:
        page.keyboard.press("Tab")
        focus = "(({ name, value, textContent }) => [name, value, textContent])"
        assert name in page.evaluate(f"{focus}(document.activeElement)")
        before = result(page)
        page.keyboard.press(key)
        after = result(page)
        if isinstance(changes, dict):
            assert changes.items() <= after.items() and not changes.items() <= before.items()
        else:
            assert after[changes] != before[changes]


def said(page, part):
    """What is said when a reader pauses; on a busy machine something may be said before."""
    status = page.locator("[role=status]").filter(has_text=part)
    status.wait_for(state="attached")
    return status.inner_text()


def centre(locator):
    """The middle of what is drawn, in the window's coordinates."""
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def start_of_line(locator):
    """Where a drawn line begins, in the window's coordinates."""
    point = "line => line.getPointAtLength(0).matrixTransform(line.getScreenCTM())"
    return locator.evaluate(f"line => (({{ x, y }}) => [x, y])(({point})(line))")


def drag(page, begin, *stops, steps=4):
    """Press the mouse at a point, move it through others, and let it go."""
    page.mouse.move(*begin)
    page.mouse.down()
    for stop in stops:
        page.mouse.move(*stop, steps=steps)
    page.mouse.up()
