"""Execute the chapters and store their outputs: the only way in which outputs are written.

    python -m authoring.notebooks write [CHAPTER ...]  restart, run all, write in canonical form
    python -m authoring.notebooks check [CHAPTER ...]  run with one thread, then two; only compare

Outputs are those of full MNIST, so `write` and `check` refuse to run without it.
"""

import argparse
import base64
import copy
import hashlib
import io
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "book"
FRONT = CHAPTERS / "pictures" / "front.png"  # the README's picture, from the chapter that glues it
CELL_TIMEOUT = 300  # seconds, as in _config.yml

KEPT_METADATA = {"mystnb", "tags"}
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    # Without the version of Python, which would differ from machine to machine.
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}


def chapters(folder: Path = CHAPTERS) -> list[Path]:
    """Return the notebooks under `folder`, in alphabetical order."""
    return sorted(p for p in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)


def canonical(notebook: NotebookNode) -> str:
    """Return the one text that a notebook's content has in this project.

    JSON with sorted keys, one space of indent and a newline at its end. Of the metadata only what
    the book reads is kept; a cell without an id of its own is given one that its place and source
    determine.
    """
    notebook = copy.deepcopy(notebook)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    taken: set[str] = set()
    for place, cell in enumerate(notebook.cells):
        cell.metadata = nbformat.from_dict(
            {key: value for key, value in cell.metadata.items() if key in KEPT_METADATA}
        )
        if cell.get("id", "") in {"", *taken}:
            cell["id"] = hashlib.sha256(f"{place} {cell.source}".encode()).hexdigest()[:8]
        taken.add(cell["id"])
        for output in cell.get("outputs", []):
            # A live view needs its kernel; in a stored notebook the still picture takes its place.
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def read(path: Path) -> NotebookNode:
    """Return the notebook at `path` as it is stored: nothing upgraded, nothing repaired."""
    return nbformat.from_dict(nbformat.reader.reads(path.read_text(encoding="utf-8")))


def execute(path: Path, *, threads: int | None = None, timeout: int = CELL_TIMEOUT) -> NotebookNode:
    """Return the notebook at `path`, all its cells run from the top in a fresh kernel.

    `timeout` is that of each cell, in seconds.
    """
    notebook = read(path)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    )
    environment = dict(os.environ)
    environment.pop("MPLBACKEND", None)
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    client.execute(env=environment)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            _shrink_png(output)
    return notebook


def full_mnist_is_here() -> bool:
    """Return whether the package can load full MNIST on this machine (it may download it)."""
    from lectures_code.mnist import load_zero_one

    try:
        return load_zero_one(source="mnist").source == "mnist"
    except Exception as error:  # whatever is wrong with the data, the sample must do
        print(f"Full MNIST cannot be loaded: {error}", file=sys.stderr)
        return False


def write(paths: list[Path]) -> int:
    """Execute `paths` and store their outputs; return the number of notebooks that changed."""
    texts = {}
    for path in paths:
        print(f"{_name(path)}: running", flush=True)
        texts[path] = canonical(execute(path))
    changed = [path for path, text in texts.items() if path.read_text(encoding="utf-8") != text]
    for path in changed:
        path.write_text(texts[path], encoding="utf-8", newline="\n")
        print(f"{_name(path)}: written")
    print(f"{len(changed)} of {len(paths)} notebooks changed")
    if FRONT.read_bytes() != (picture := front_picture()):
        FRONT.write_bytes(picture)
    return len(changed)


def front_picture() -> bytes:
    """Return the stored picture that the chapter on MNIST glues for the front page, as PNG."""
    for cell in read(CHAPTERS / "lecture" / "mnist.ipynb").cells:
        if "front-picture" in cell.source:
            pictures = (output.get("data", {}).get("image/png") for output in cell.outputs)
            return base64.b64decode(next(filter(None, pictures)))
    raise ValueError("no cell of mnist.ipynb glues the front-picture: mark the README's figure so")


def check(paths: list[Path]) -> int:
    """Execute `paths` with one thread, then two; return how many runs differ from what is stored.

    Figures are compared as well, which `pytest --nbval` does not do.
    """
    different = 0
    for path in paths:
        stored = canonical(read(path))
        for threads in (1, 2):
            same = canonical(execute(path, threads=threads)) == stored
            different += not same
            verdict = "as stored" if same else "DIFFERS from what is stored"
            print(f"{_name(path)}: {threads} thread(s): {verdict}", flush=True)
    return different


def _shrink_png(output: NotebookNode) -> None:
    """Encode a picture in `output` anew, losing nothing, where that makes it smaller."""
    stored = output.get("data", {}).get("image/png")
    if stored is None:
        return
    picture, smaller = base64.b64decode(stored), io.BytesIO()
    with Image.open(io.BytesIO(picture)) as image:
        image.save(smaller, format="PNG", optimize=True)
    if smaller.tell() < len(picture):
        picture = smaller.getvalue()
    output["data"]["image/png"] = base64.b64encode(picture).decode()


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Execute the chapters and store their outputs.")
    parser.add_argument("action", choices=["write", "check"])
    parser.add_argument("paths", nargs="*", type=Path, help="notebooks; all of book/ if none")
    options = parser.parse_args(arguments)
    paths = [path.resolve() for path in options.paths] or chapters()
    if not full_mnist_is_here():
        print("Outputs are stored from full MNIST only: set MNIST_DIR to a folder that holds it")
        return 1
    if options.action == "check":
        return int(check(paths) > 0)
    write(paths)
    return 0


if __name__ == "__main__":
    sys.exit(main())
