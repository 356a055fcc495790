"""Facts that pages show by a substitution, found when the book is built.

`{{ build_facts }}` is what this build is made with. Sphinx and the chapters' kernels run in one
environment, so what Sphinx finds holds for both. `{{ benchmarks }}` are the recorded benchmarks,
`{{ rooms }}` what was measured in an environment like Binder's.
"""

import json
import os
import platform
from importlib.metadata import version
from math import ceil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

# Where `make record` keeps the latest benchmarks.
RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
PACKAGES = ["torch", "numpy", "scipy", "matplotlib", "jupyter-book", "sphinx", "myst-nb"]


def facts(execution_mode: str) -> dict[str, str]:
    """Return what a build with this execution mode is made with: the fact's name, and its value."""
    if execution_mode == "force":
        chapters = {"Chapters": "executed by this build", "Data": _data()}
    else:  # what their stored outputs were computed on is not known here
        chapters = {"Chapters": "shown with their stored outputs"}
    return {
        **chapters,
        "Package": f"`lectures_code` {version('lectures_code')}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        **{name: version(name) for name in PACKAGES},
        "Machine": f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores",
    }


def _data() -> str:
    from lectures_code.mnist import load_zero_one

    data = load_zero_one()
    name = "full MNIST" if data.source == "mnist" else "the sample of MNIST"
    n_train, n_test = len(data.y_train), len(data.y_test)
    return f"{name}: {n_train:,} zeros and ones to train on, {n_test:,} to test on"


def benchmarks(folder: Path = RESULTS) -> str:
    """Return the recorded benchmarks as Markdown: for each question its table and its machine."""
    parts = []
    for path in sorted(folder.glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        rows = [
            f"| {row['what']} | {row['median seconds']:g} | {row['ratio']:g} "
            f"| {row['least ratio']:g} to {row['largest ratio']:g} |"
            for row in result["rows"]
        ]
        head = ["| What | Seconds (median) | Ratio | Range of the ratio |", "|---|---|---|---|"]
        note = (
            f"Ratios are to *{result['baseline']}*, in the same run. {result['machine']}, "
            f"{result['threads']} thread(s). `benchmarks/{result['script']}`"
        )
        if peaks := result.get("peak_megabytes"):
            each = ", ".join(f"{what} {peak:,} MB" for what, peak in peaks.items())
            note += f" Peak of memory: {each}."
        parts += [f"**{result['question']}**", "\n".join([*head, *rows]), note]
    return "\n\n".join(parts)


def rooms(file: Path = RESULTS / "rooms" / "binder.json") -> dict[str, str]:
    """Return what was measured of the chapters in an environment like Binder's, as Markdown.

    ``rooms`` is a table of seconds and memory, ``rooms_threads`` one that compares threads,
    ``rooms_size`` the environment's size and the machine, and ``class_memory`` what a class needs
    if each student runs the heaviest chapter.
    Nothing is returned where nothing was measured.
    """
    if not file.exists():
        return {}
    result = json.loads(file.read_text(encoding="utf-8"))
    n, heaviest = result["readers"], 0
    table = ["| Chapter | time | memory |", "|---|---|---|"]
    for row in result["rows"]:
        heaviest = max(heaviest, row["kernel MB"] + row["server MB"])
        table.append(f"| {_title(row)} | {row['seconds']} s | {row['kernel MB']} MB |")
    threads = [
        f"| Chapter | one thread: alone | beside {n - 1} | all cores: alone | beside {n - 1} |",
        "|---|---|---|---|---|",
    ]
    for row in result["threads"]:
        runs = [row[f"{name}, {k}"] for name in ("one thread", "all cores") for k in (1, n)]
        seconds = " | ".join(f"{run['seconds']} s" for run in runs)
        threads.append(f"| {_title(row)} | {seconds} |")
    memory = ["| Students | Memory |", "|---|---|"]
    memory += [f"| {n:,} | {ceil(n * heaviest / 1000):,} GB |" for n in (10, 100, 1000)]
    return {
        "rooms": "\n".join(table),
        "rooms_threads": "\n".join(threads),
        "rooms_size": f"{result['environment MB']:,} MB ({result['machine']})",
        "class_memory": "\n".join(memory),
        "student_memory": f"{heaviest} MB",
    }


def scaling(file: Path = RESULTS / "scaling.json") -> dict[str, str]:
    """Return how much faster several machines could train, from the time of one minibatch."""
    result = json.loads(file.read_text(encoding="utf-8"))
    minibatch = result["rows"][0]["median seconds"] / result["minibatches"]  # alone
    size = 4 * 166_406  # bytes of all gradients
    table = ["| processes | 2 | 4 | 8 | 16 |", "|---|---|---|---|---|"]
    for gigabits in (1, 10):
        seconds = size / (gigabits * 1e9 / 8)
        gains = [minibatch / (minibatch / k + 2 * (k - 1) / k * seconds) for k in (2, 4, 8, 16)]
        table.append(f"| {gigabits} Gbit/s | {' | '.join(f'{gain:.1f}' for gain in gains)} |")
    return {"scaling": "\n".join(table), "minibatch": f"{1000 * minibatch:.0f} ms"}


def _title(row: dict[str, str]) -> str:
    return row["chapter"].replace("_", " ").replace("/", ": ")


def add_substitutions(app: Sphinx, config: Config) -> None:
    """Put the facts as Markdown tables into `config`, for pages to show."""
    rows = [f"| {name} | {value} |" for name, value in facts(config.nb_execution_mode).items()]
    config.myst_substitutions = {
        **config.myst_substitutions,
        "build_facts": "\n".join(["| What | Which |", "|---|---|", *rows]),
        "benchmarks": benchmarks(),
        **rooms(),
        **scaling(),
    }
