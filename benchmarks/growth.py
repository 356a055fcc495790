"""How the exact solve grows with the number of examples, up to a million.

The examples are synthetic and lie in a memory-mapped file; the solver reads them in chunks, and its
working memory is bounded by a parameter. They are clamped to a box, at whose faces about a third of
the pixels lie: the box stops the adversary at these.

Each solve has a process of its own, of which the peak of memory is recorded. That includes the
pages of the mapped file that the system keeps, 256 bytes an example, and could give back.
"""

import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks._report import report
from lectures_code.exact import solve
from lectures_code.perturbations import NormBall

SIZES, FEATURES, CHUNK = (10_000, 100_000, 1_000_000), 64, 50_000
FACES = (-1.0, 1.0)


def examples(folder: str, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two overlapping clouds in a box, float32, written to a file in chunks and mapped from it."""
    rng = np.random.default_rng(0)
    y = np.where(rng.random(n) < 0.5, -1.0, 1.0)
    direction = rng.standard_normal(FEATURES) * (rng.random(FEATURES) < 0.3)
    mapped = np.memmap(Path(folder, f"{n}"), np.float32, "w+", shape=(n, FEATURES))
    for first in range(0, n, CHUNK):
        rows = slice(first, min(first + CHUNK, n))
        noise = rng.standard_normal((rows.stop - rows.start, FEATURES))
        mapped[rows] = np.clip(0.3 * y[rows, None] * direction + noise, *FACES)
    return torch.from_numpy(mapped), torch.from_numpy(y)


def measured(n: int, ball: NormBall) -> tuple[float, int]:
    """Seconds of a solve, and the peak of this process's memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        x, y = examples(folder, n)
        start = time.perf_counter()
        optimum = solve(x, y, ball, memory=2**26)
        seconds = time.perf_counter() - start
    assert optimum.status == "optimal" and optimum.relative_gap <= 1e-9
    print(f"{n:,}: {optimum.status}, relative gap {optimum.relative_gap:.1e}", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return seconds, round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6)


def main() -> None:
    free = NormBall(torch.inf, 0.02)
    for ball, file in ((free, "growth"), (free.in_box(*FACES), "growth_in_box")):
        seconds, peaks = {}, {}
        for n in SIZES:
            with multiprocessing.get_context("spawn").Pool(1) as process:
                time_taken, peak = process.apply(measured, (n, ball))
            seconds[f"{n:,} examples"], peaks[f"{n:,} examples"] = [time_taken], peak
        question = f"How does the exact solve grow{', in a box' * (ball is not free)}?"
        report(
            question, seconds, baseline=f"{SIZES[0]:,} examples", file=file, peak_megabytes=peaks
        )


if __name__ == "__main__":
    main()
