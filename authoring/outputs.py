"""Compare the outputs that a chapter stores with those of the last build, which has executed it.

    python -m authoring.outputs     print how outputs can be compared: "built", by this module; or
                                    pytest's option: --nbval, or without full MNIST --nbval-lax

Compared is all that is printed, word by word, and tables and values for the prose. Left out are
pictures, whose bytes depend on libraries, and explorers, which pages show in a way of their own.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from authoring.notebooks import CHAPTERS, full_mnist_is_here
from booksite.finished import ROOT, outdated

EXECUTED = ROOT / "_build" / "jupyter_execute"
GLUED = "application/papermill.record/"
PICTURES = ("image/png", "image/svg+xml", "text/csv")  # a figure's data come from the build alone

Outputs = dict[str, Any]


def mode() -> str:
    """How the stored outputs, which are those of full MNIST, can be compared with computed ones."""
    if not full_mnist_is_here():
        print("Full MNIST is missing, so nothing is compared.", file=sys.stderr)
        return "--nbval-lax"
    draft = ROOT / "_build" / "html" / ".draft"
    return "--nbval" if outdated(ROOT) or draft.exists() else "built"


def differences(path: Path) -> Iterator[str]:
    """Yield where the outputs that a chapter stores are not those of the last build."""
    executed = EXECUTED / path.relative_to(CHAPTERS.parent)
    values = executed.with_suffix(".glue.json")
    glued = json.loads(values.read_text(encoding="utf-8")) if values.exists() else {}
    yield from compared(read(path), read(executed), glued)


def read(path: Path) -> list[dict]:
    """The cells of a notebook."""
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def compared(stored: list[dict], executed: list[dict], glued: Outputs) -> Iterator[str]:
    """Yield what differs, cell by cell, and of the values for the prose, which `glued` has."""
    values: Outputs = {}
    for number, (ours, theirs) in enumerate(zip(stored, executed, strict=True), start=1):
        kept = shown(ours.get("outputs", []), values)
        made = shown(once(theirs.get("outputs", [])), {})
        if kept != made:
            yield f"cell {number}: stored {kept}, built {made}"
    made = {name: comparable(output) for name, output in glued.items()}
    for name in sorted(values.keys() | made.keys()):
        if values.get(name) != made.get(name):
            yield f"value {name}: stored {values.get(name)}, built {made.get(name)}"


def once(outputs: Iterable[dict]) -> Iterator[dict]:
    """The outputs of a cell as MyST-NB has executed it, each once.

    A stream that arrived in parts is whole in the first of them, and the others are still there.
    """
    names = set()
    for output in outputs:
        if output["output_type"] != "stream" or output["name"] not in names:
            yield output
        names.add(output.get("name"))


def shown(outputs: Iterable[dict], values: Outputs) -> Outputs:
    """What a cell shows: its streams by their words, and the rest. Its values go to `values`.

    How words are spaced depends on the parts in which a stream has arrived.
    """
    found: Outputs = {"stdout": [], "stderr": [], "rest": []}
    for output in outputs:
        name = output.get("metadata", {}).get("scrapbook", {}).get("name")
        if output["output_type"] == "stream":
            found[output["name"]] += "".join(output["text"]).split()
        elif name is not None:
            values[name] = comparable(output)
        else:
            found["rest"].append((output["output_type"], comparable(output)))
    return found


def comparable(output: dict) -> Outputs:
    """The data of an output by kind, without pictures."""
    data = {
        kind.removeprefix(GLUED): "".join(text) if isinstance(text, list) else text
        for kind, text in output.get("data", {}).items()
    }
    is_explorer = "data-explorer" in data.get("text/html", "")
    unlike = (*PICTURES, "text/html") if is_explorer else PICTURES
    return {kind: text for kind, text in data.items() if kind not in unlike}


if __name__ == "__main__":
    print(mode())
