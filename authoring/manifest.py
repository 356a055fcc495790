"""The numbers that a build has computed: kept with a release, compared with a build of one's own.

    python -m authoring.manifest write             _build/html's numbers to _build/manifest.json
    python -m authoring.manifest verify MANIFEST   compare them with those of a release

A manifest says what they were computed with, and has for each chapter and cell the text that it
prints, its tables and its figures' data, and the values for the prose. It has no pictures, and not
what explorers start from.
"""

import argparse
import ast
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from authoring.outputs import once
from booksite.facts import facts
from booksite.finished import ROOT, SITE, unfinished

EXECUTED = ROOT / "_build" / "jupyter_execute"  # the chapters as the last build has run them
MANIFEST = ROOT / "_build" / "manifest.json"
#: Relative, of numbers that are not whole: figures' data have six digits, the last of which may
#: differ between processors. Below the second one a number is what rounding has left of 0.
TOLERANCE, NOTHING = 1e-5, 1e-12
SHOWN = 5  # lines that differ, of one cell
NUMBER = re.compile(r"([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)")

Chapters = dict[str, dict[str, list[str]]]


def numbers(executed: Path = EXECUTED) -> Chapters:
    """Return the lines of each place of each chapter: a cell by its id, a value by its name."""
    chapters: Chapters = {}
    for path in sorted(executed.rglob("*.ipynb")):
        places = chapters[path.relative_to(executed).with_suffix("").as_posix()] = {}
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            found = [line for output in once(cell.get("outputs", [])) for line in lines(output)]
            if found:
                places[f"cell {cell['id']}"] = found
        glued = path.with_suffix(".glue.json")
        if glued.exists():
            for name, output in json.loads(glued.read_text(encoding="utf-8")).items():
                places[f"value {name}"] = lines(output)
    return chapters


def lines(output: dict) -> list[str]:
    """Return an output as lines of text, without what only sets it."""
    data = output.get("data", {})
    text = "".join(data.get("text/csv", data.get("text/plain", "")))
    if output["output_type"] == "stream" and output["name"] == "stdout":
        text = "".join(output["text"])
    elif text.startswith(("'", '"')):  # a text, or a table's markup, as Python writes it
        text = re.sub(r"<[^>]+>", " ", ast.literal_eval(text))
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def versions() -> dict[str, str]:
    """Return what this build was made with."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):  # no git, or it does not know this folder
        commit = "unknown"
    made_with = facts("force")
    del made_with["Chapters"]
    return {"Commit": commit, **made_with}


def differing(released: str, own: str) -> tuple[str, str] | None:
    """Return the first numbers in which two lines differ, or both lines; None if they agree."""
    theirs, ours = NUMBER.split(released), NUMBER.split(own)
    if theirs[::2] != ours[::2]:
        return released, own
    for a, b in zip(theirs[1::2], ours[1::2], strict=True):
        whole = all(number.lstrip("+-").isdigit() for number in (a, b))
        close = math.isclose(float(a), float(b), rel_tol=TOLERANCE, abs_tol=NOTHING)
        if a != b and (whole or not close):
            return a, b
    return None


def differences(released: Chapters, own: Chapters) -> Iterator[str]:
    """Yield what differs, by chapter and place."""
    for chapter in sorted(released.keys() | own.keys()):
        theirs, ours = released.get(chapter, {}), own.get(chapter, {})
        for place in dict.fromkeys([*theirs, *ours]):
            if place not in theirs or place not in ours:
                where = "in the release only" if place in theirs else "not in the release"
                yield f"{chapter}, {place}: {where}"
                continue
            pairs = enumerate(zip_longest(theirs[place], ours[place], fillvalue=""), start=1)
            found = [(n, *pair) for n, lines in pairs if (pair := differing(*lines))]
            for n, a, b in found[:SHOWN]:
                yield f"{chapter}, {place}, line {n}: released {a[:80]!r}, here {b[:80]!r}"
            if len(found) > SHOWN:
                yield f"{chapter}, {place}: and {len(found) - SHOWN} more lines"


def read(path: Path) -> tuple[dict[str, str], Chapters]:
    """Return the versions and the numbers of a manifest, or end the program and say what to do."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        return dict(manifest["versions"]), dict(manifest["chapters"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(
            f"Nothing compared: a release's manifest.json is needed, and {path} is none ({error}): "
            "download it from the release, and name it with make verify MANIFEST=..."
        )


def verify(path: Path) -> int:
    """Print in what this build differs from the release of this manifest; return the exit code."""
    theirs, released = read(path)
    ours, own = versions(), numbers()
    for name in dict.fromkeys([*theirs, *ours]):
        if theirs.get(name) != ours.get(name):
            print(f"made with: {name}: released {theirs.get(name)}, here {ours.get(name)}")
    found = list(differences(released, own))
    print(*found, sep="\n", end="\n" if found else "")
    n_lines = sum(len(lines) for places in own.values() for lines in places.values())
    print(f"{n_lines} lines compared, numbers within {TOLERANCE:g}: {len(found)} differences")
    return int(bool(found))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["write", "verify"])
    parser.add_argument("manifest", nargs="?", type=Path, default=MANIFEST)
    options = parser.parse_args(arguments)
    problem = unfinished()
    if problem is None and (SITE / ".draft").exists():
        problem = "the site is a draft, whose numbers were computed earlier: run make book"
    if problem:
        sys.exit(f"No numbers: {problem}")
    if options.action == "write":
        manifest = {"versions": versions(), "chapters": numbers()}
        text = json.dumps(manifest, indent=1, ensure_ascii=False)
        options.manifest.write_text(f"{text}\n", encoding="utf-8")
        return 0
    return verify(options.manifest)


if __name__ == "__main__":
    sys.exit(main())
