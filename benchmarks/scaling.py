"""One training shared by processes: how much sooner it ends, on the cores that there are.

Trains the network of `make digits` on the sample of 4,000 images: by one process with one thread,
by one with a thread for each core, and by one process for each core. Each trains for an epoch
first, so that no time of starting up is in the figures.
"""

import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks._report import report
from lectures_code.mnist import load_ten
from lectures_code.networks.distributed import joined
from lectures_code.networks.ten_digits import fast_training

CORES = os.cpu_count() or 1
ROUNDS, EPOCHS, BATCH_SIZE = 3, 2, 100
ONE = [sys.executable, "-m", "benchmarks.scaling"]
SEVERAL = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={CORES}"]
RUNS = {
    "1 process, 1 thread": (1, ONE),
    f"1 process, {CORES} threads": (CORES, ONE),
    f"{CORES} processes, 1 thread each": (1, [*SEVERAL, "-m", "benchmarks.scaling"]),
}


def train() -> None:
    """Train, alone or as one of several processes; the first of them prints the seconds."""
    data = load_ten(source="sample")
    x, y = data.x_train.float(), data.y_train
    with tempfile.TemporaryDirectory() as folder, joined() as number:
        for n_epochs in (1, EPOCHS):
            start = time.perf_counter()
            file = Path(folder) / f"{n_epochs}.pt"
            fast_training(x, y, file=file, n_epochs=n_epochs, batch_size=BATCH_SIZE)
        if number == 0:
            print("seconds", time.perf_counter() - start)


def main() -> None:
    """Run all in turn, and report."""
    seconds: dict[str, list[float]] = {name: [] for name in RUNS}
    for _ in range(ROUNDS):
        for name, (threads, command) in RUNS.items():
            surroundings = {**os.environ, "OMP_NUM_THREADS": str(threads)}
            run = subprocess.run(
                [*command, "train"], env=surroundings, check=True, capture_output=True, text=True
            )
            seconds[name].append(float(run.stdout.split("seconds")[-1]))
    report(
        "Does a training gain by a second core?",
        seconds,
        baseline=next(iter(RUNS)),
        file="scaling",
        minibatches=EPOCHS * math.ceil(len(load_ten(source="sample").x_train) / BATCH_SIZE),
    )


if __name__ == "__main__":
    train() if sys.argv[1:] == ["train"] else main()
