"""How the exact solve grows with the number of examples, up to a million.

The examples are synthetic and lie in a memory-mapped file; the solver reads them in chunks, and its
working memory is bounded by a parameter.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks._report import report
from lectures_code.exact import solve
from lectures_code.perturbations import NormBall

SIZES, FEATURES, CHUNK = (10_000, 100_000, 1_000_000), 64, 50_000


def examples(folder: str, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two overlapping clouds, float32, written to a file in chunks and mapped from it."""
    rng = np.random.default_rng(0)
    y = np.where(rng.random(n) < 0.5, -1.0, 1.0)
    direction = rng.standard_normal(FEATURES) * (rng.random(FEATURES) < 0.3)
    mapped = np.memmap(Path(folder, f"{n}"), np.float32, "w+", shape=(n, FEATURES))
    for first in range(0, n, CHUNK):
        rows = slice(first, min(first + CHUNK, n))
        noise = rng.standard_normal((rows.stop - rows.start, FEATURES))
        mapped[rows] = 0.3 * y[rows, None] * direction + noise
    return torch.from_numpy(mapped), torch.from_numpy(y)


free = NormBall(torch.inf, 0.02)
for ball, file in ((free, "growth"), (free.in_box(-8.0, 8.0), "growth_in_box")):
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        for n in SIZES:
            x, y = examples(folder, n)
            start = time.perf_counter()
            optimum = solve(x, y, ball, memory=2**26)
            seconds[f"{n:,} examples"] = [time.perf_counter() - start]
            print(f"{n:,}: {optimum.status}, relative gap {optimum.relative_gap:.1e}")
    question = f"How does the exact solve grow{', in a box' * (ball is not free)}?"
    report(question, seconds, baseline=f"{SIZES[0]:,} examples", file=file)
