"""The chapter on MNIST as a whole, its 40 seeds aside, against the bare recipe.

Both are whole processes: Python's start, the imports and the loading of MNIST are part of what a
reader waits for. The chapter's code cells are run as a script.
"""

import subprocess
import sys

from authoring.notebooks import ROOT
from benchmarks._chapters import code_cells
from benchmarks._report import interleaved, report

CHAPTER = ROOT / "book" / "lecture" / "mnist.ipynb"
BARE = """
from benchmarks._recipe import train
from lectures_code.mnist import load_zero_one
data = load_zero_one()
for epsilon in (0.0, 0.2):
    model = train(data.x_train, data.y_train, epsilon=epsilon)
    for attack in (0.0, 0.2):
        shift = -attack * data.y_test[:, None] * model.weight.sign()
        wrong = data.y_test * model(data.x_test + shift)[:, 0] <= 0
        print(epsilon, attack, int(wrong.sum()))
"""


QUIET = """
import torch
from lectures_code import experiments, logistic, reporting
reporting.glue = reporting.show_source = lambda *_: None
untrained = logistic.LinearClassifier(torch.zeros(784, dtype=torch.float64), 0.0)
experiments.train_from_seeds = lambda data, seeds, *_, **__: [untrained for _ in seeds]
"""


def chapter_as_a_script() -> str:
    """The chapter's code, with nothing for its 40 seeds to do and nobody to show things to."""
    code = code_cells(CHAPTER)
    assert any("train_from_seeds(" in cell for cell in code), "the seeds' cell has moved"
    return "\n".join([QUIET, *code])


def process(code: str) -> subprocess.CompletedProcess:
    """Run the code in a fresh interpreter that finds the recipe."""
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


seconds = interleaved(
    {
        "bare recipe": lambda: process(BARE),
        "chapter, its 40 seeds aside": lambda: process(chapter_as_a_script()),
    },
    rounds=3,
)
report("What does the chapter cost?", seconds, baseline="bare recipe", file="chapter")
