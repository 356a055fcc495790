"""What the site needs to start its explorers without a kernel: a Sphinx extension.

While the book is built, `bundle` is how an explorer is shown in a chapter: the still picture, and,
in the output's metadata, the state to start from. The extension writes that state, and the
explorers' modules, to scripts beside the site's host (`book/assets/explorers.js`), and gives host
and style to the pages with an explorer on them.
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


def write_scripts(app: Sphinx, exception: Exception | None) -> None:
    """Write the explorers' modules and states into the site."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir, "_static", "explorers")
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted({path.stem for path in FOLDER.glob("*.js")} - SHARED)
    scripts = {name: ("module", source(name)) for name in names}
    scripts |= {
        key: ("state", state) for key, state in states(Path(app.outdir).parent / "jupyter_execute")
    }
    for name, (kind, content) in scripts.items():
        call = f"explorers.{kind}({json.dumps(name)}, {json.dumps(content)});\n"
        Path(folder, f"{name}.js").write_text(call, encoding="utf-8")
    # One sheet for all pages: a reader's browser then keeps it from page to page.
    Path(folder, "explorer.css").write_text(style(*names), encoding="utf-8")


def add_host(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object) -> None:
    """Give host and style to a page with an explorer, and to no other."""
    if 'class="explorer"' in context.get("body", ""):
        app.add_js_file("explorers.js", loading_method="defer")
        app.add_css_file("explorers/explorer.css")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the extension to Sphinx."""
    app.connect("html-page-context", add_host)
    app.connect("build-finished", write_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
