"""What every benchmark does with its rows: print them, write them as JSON, plot them."""

import json
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import matplotlib
import torch
from tabulate import tabulate

import lectures_code

matplotlib.use("Agg")
import matplotlib.pyplot as plt

OUT = Path(__file__).resolve().parent.parent / "_build" / "bench"


def interleaved(runs: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, list[float]]:
    """Time several functions in rounds, after one that does not count.

    A machine's speed drifts; in a round, all of them see the same drift. Each round has an order of
    its own, for what ran before leaves its traces in memory and caches.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    order = random.Random(0)
    for turn in range(rounds + 1):
        for name, run in order.sample(list(runs.items()), len(runs)):
            start = time.perf_counter()
            run()
            if turn > 0:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def origin() -> dict[str, object]:
    """What numbers depend on beside their program: versions and the machine."""
    return {
        "versions": {
            "lectures_code": lectures_code.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "machine": machine(),
    }


def machine() -> str:
    """The kind of machine, without its name."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def report(
    question: str,
    seconds: Mapping[str, list[float]],
    *,
    baseline: str,
    file: str,
    **of_each: int | Mapping[str, int],
) -> None:
    """Print medians and ratios to the baseline, write `file`.json and `file`.png.

    `of_each` says what else there is to know of each run, such as how many steps it takes.
    """
    base = seconds[baseline]
    rows = []
    for name, times in seconds.items():
        ratios = [mine / theirs for mine, theirs in zip(times, base, strict=True)]
        rows.append(
            {
                "what": name,
                "median seconds": round(statistics.median(times), 4),
                "ratio": round(statistics.median(ratios), 3),
                "least ratio": round(min(ratios), 3),
                "largest ratio": round(max(ratios), 3),
            }
        )
    print(f"{question}\n(ratios to: {baseline})\n")
    print(tabulate(rows, headers="keys"), "\n")
    OUT.mkdir(parents=True, exist_ok=True)
    result = {
        "question": question,
        "baseline": baseline,
        "machine": machine(),
        "script": Path(sys.argv[0]).name,
        "threads": torch.get_num_threads(),
        **of_each,
        "rows": rows,
    }
    (OUT / f"{file}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    figure, ax = plt.subplots(figsize=(6, 0.8 + 0.4 * len(rows)), layout="constrained")
    ax.barh([row["what"] for row in rows], [row["ratio"] for row in rows], color="#2b83ba")
    ax.set(xlabel=f"time, relative to: {baseline}", title=question)
    ax.invert_yaxis()
    figure.savefig(OUT / f"{file}.png", dpi=120)
    plt.close(figure)
