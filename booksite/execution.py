"""A build executes some chapters at once, and begins with the one that takes longest.

MyST-NB executes a chapter when Sphinx comes to its page, one after the other, and most kernels keep
one core busy. Here all of them begin before the first page is read, and where MyST-NB would execute
a chapter it waits for its result. What it makes of that stays its own: outputs, warnings,
tracebacks and the table of times.
"""

from __future__ import annotations

import json
import os
from collections.abc import Hashable
from math import inf
from multiprocessing.pool import AsyncResult, ThreadPool
from pathlib import Path

import nbformat
from jupyter_cache.executors.utils import ExecutionResult, single_nb_execution
from myst_nb.core.execute import direct
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from booksite.facts import RESULTS

# The results of the chapters that have begun, and that MyST-NB has not asked for.
BEGUN: dict[Hashable, AsyncResult[ExecutionResult]] = {}


def execute_ahead(app: Sphinx, env: BuildEnvironment, names: list[str]) -> None:
    """Begin to execute the chapters among these documents, which Sphinx is about to read."""
    BEGUN.clear()
    if app.config.nb_execution_mode != "force":
        return
    # Its threads end with the process, and with them kernels of a build that was stopped.
    pool = ThreadPool(min(app.config.chapters_at_once, usable_cores()))
    for path in longest_first([Path(env.doc2path(name)) for name in names]):
        notebook = nbformat.read(path, as_version=4)
        options = {  # as MyST-NB gives them
            "cwd": os.path.abspath(path.parent),
            "allow_errors": app.config.nb_execution_allow_errors,
            "timeout": app.config.nb_execution_timeout,
            "meta_override": True,
        }
        begun = pool.apply_async(single_nb_execution, [notebook], options)
        BEGUN[key(notebook, options)] = begun
    pool.close()


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def longest_first(paths: list[Path], record: Path = RESULTS / "build.json") -> list[Path]:
    """Return the notebooks among `paths`: those without a recorded time, then the longest first."""
    rows = json.loads(record.read_text(encoding="utf-8"))["rows"]
    seconds = {row["what"]: row["median seconds"] for row in rows}
    chapters = [path for path in paths if path.suffix == ".ipynb"]
    return sorted(
        chapters, key=lambda path: seconds.get(f"{path.parent.name}/{path.stem}", inf), reverse=True
    )


def key(notebook: NotebookNode, options: dict[str, object]) -> Hashable:
    """Return what determines an execution: the cells and the options."""
    return (*(cell.source for cell in notebook.cells), *sorted(options.items()))


def result_of(notebook: NotebookNode, **options: object) -> ExecutionResult:
    """Wait for a notebook's result and fill it in; one that has not begun is executed here."""
    begun = BEGUN.pop(key(notebook, options), None)
    if begun is None:
        return single_nb_execution(notebook, **options)
    while not begun.ready():  # on Windows, Ctrl-C does not end a wait without a limit
        begun.wait(1)
    result = begun.get()
    notebook.update(result.nb)
    return result


def register(app: Sphinx) -> None:
    """Put this in the place of MyST-NB's execution."""
    app.add_config_value("chapters_at_once", 2, "")
    app.connect("env-before-read-docs", execute_ahead)
    direct.single_nb_execution = result_of
