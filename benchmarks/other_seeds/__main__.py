"""The chapters on networks with other seeds: how much of their counts is chance?

    python -m benchmarks.other_seeds

Runs the chapters' own code, up to where they show what is recorded here, for each of ten seeds in
place of theirs, and writes _build/other_seeds.json. Takes ten minutes on two cores.
"""

import json
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from authoring.notebooks import ROOT
from benchmarks._report import origin
from benchmarks.other_seeds.chapters import CHAPTERS, glued
from lectures_code.mnist import load_zero_one
from lectures_code.progress import progress

OUT = ROOT / "_build" / "other_seeds.json"
SEEDS = range(10)


def main() -> None:
    """Run all of them, as many at once as there are cores, and write what they counted."""
    data = load_zero_one()
    tasks = [(chapter, seed) for chapter in CHAPTERS for seed in SEEDS]
    # One thread each, for the whole process: the chapters' counts are of one thread.
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        # All are read before the first runs: a chapter may change meanwhile.
        runs = pool.map(glued, [chapter.code(seed) for chapter, seed in tasks])
        found = list(progress(runs, label="seeds", total=len(tasks)))
    counts: dict[str, dict[str, list[int]]] = {}
    for (chapter, _), values in zip(tasks, found, strict=True):
        rows = counts.setdefault(chapter.name, {name: [] for name in chapter.counts})
        for name, key in chapter.counts.items():
            rows[name].append(int(values[key]))
    result = {
        "question": "What do the counts of the networks' chapters owe to their seeds?",
        "script": "benchmarks/other_seeds",
        "data": {"source": str(data.source), "training images": len(data.x_train)},
        "test images": len(data.x_test),
        "seeds": list(SEEDS),
        "counts": counts,
        **origin(),
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for name, rows in counts.items():
        print(
            name, *(f"  {row}: {', '.join(map(str, each))}" for row, each in rows.items()), sep="\n"
        )


if __name__ == "__main__":
    main()
