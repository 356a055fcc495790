"""What the site needs to start its explorers without a kernel.

While the book is built, `bundle` is how an explorer is shown in a chapter: the still picture, and,
in the output's metadata, the state to start from. That state and the explorers' modules are written
to scripts beside the site's host (host.js), and pages with an explorer on them get host and style.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx

from lectures_code.explorers.base import FOLDER, Explorer, source, style
from lectures_code.reporting import picture

KEY = "explorer"  # in the metadata of an output
SHARED = {"toolkit"}  # modules that are part of all others


def bundle(explorer: Explorer, **_: object) -> tuple[dict[str, str], dict[str, object]]:
    """Return what a chapter shows for an explorer when it is run for the book: data, metadata."""
    state = explorer.page_state()
    text = json.dumps(state, sort_keys=True, allow_nan=False)
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    image = picture(explorer.still(), explorer.alt)
    page = explorer.html(image.html, attributes=f' data-state="{key}"', note="")
    return {"text/html": page, "text/plain": image.text}, {KEY: {"key": key, "state": state}}


def states(executed: Path) -> Iterator[tuple[str, object]]:
    """Yield key and state of each explorer in the executed notebooks, those that were glued too."""
    outputs = []
    for path in sorted(executed.rglob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        outputs += [output for cell in cells for output in cell.get("outputs", [])]
    for path in sorted(executed.rglob("*.glue.json")):
        outputs += json.loads(path.read_text(encoding="utf-8")).values()
    for output in outputs:
        if found := output.get("metadata", {}).get(KEY):
            yield found["key"], found["state"]


def write_scripts(site: Path) -> None:
    """Write the explorers' modules and states into the site."""
    folder = site / "_static" / "explorers"
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted({path.stem for path in FOLDER.glob("*.js")} - SHARED)
    scripts: dict[str, tuple[str, object]] = {name: ("module", source(name)) for name in names}
    scripts |= {key: ("state", state) for key, state in states(site.parent / "jupyter_execute")}
    for name, (kind, content) in scripts.items():
        call = f"explorers.{kind}({json.dumps(name)}, {json.dumps(content)});\n"
        Path(folder, f"{name}.js").write_text(call, encoding="utf-8")
    # One sheet for all pages: a reader's browser then keeps it from page to page.
    screen = Path(__file__).with_name("screen.css").read_text(encoding="utf-8")
    Path(folder, "explorer.css").write_text(style(*names) + screen, encoding="utf-8")


def add_host(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object) -> None:
    """Give host and style to a page with an explorer, and to no other."""
    if 'class="explorer"' in context.get("body", ""):
        for script in ("screen.js", "host.js"):
            app.add_js_file(script, loading_method="defer")
        app.add_css_file("explorers/explorer.css")
