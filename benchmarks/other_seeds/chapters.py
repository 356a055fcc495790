"""The chapters on networks as programs: another seed goes in, counts come out."""

import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any
from unittest import mock

import matplotlib.pyplot as plt

from authoring.notebooks import ROOT
from benchmarks._chapters import code_cells
from lectures_code import reporting


@dataclass(frozen=True)
class Chapter:
    """A chapter, the texts of its code that another seed changes, and the counts that it glues."""

    name: str
    changes: Mapping[str, str]
    counts: Mapping[str, str]

    def code(self, seed: int) -> str:
        """Its code with another seed, up to the cell that shows what is recorded."""
        code = code_cells(ROOT / "book" / "networks" / f"{self.name}.ipynb")
        text = "\n".join(takewhile(lambda cell: 'recorded("other_seeds")' not in cell, code))
        for old, new in self.changes.items():
            if text.count(old) != 1:
                raise ValueError(f"{self.name} must say {old!r} once: change it here as well")
            text = text.replace(old, new.format(seed=seed))
        return text


CHAPTERS = [
    Chapter(
        "training",
        {
            "for seed in range(2)": "for seed in [{seed}]",
            "network = convolutional(0)": "network = convolutional({seed})",
        },
        {
            "one hidden layer, FGSM": "fgsm",
            "one hidden layer, FGSM from a random start": "start",
            "one hidden layer, PGD": "pgd",
            "one hidden layer, TRADES": "trades",
            "convolutional, PGD at a larger radius": "strongest",
        },
    ),
    Chapter(
        "proven",
        {"seed, n_epochs = 0, 12": "seed, n_epochs = {seed}, 12"},
        {
            "one hidden layer, units that see the image: found": "wide-attacked",
            "one hidden layer, units that see the image: not certified": "wide-view",
            "one hidden layer, units that see 4 x 4 pixels: found": "narrow-attacked",
            "one hidden layer, units that see 4 x 4 pixels: not certified": "narrow-view",
            "three hidden layers: found": "lower",
            "three hidden layers: not certified": "upper",
        },
    ),
]


def glued(code: str) -> dict[str, Any]:
    """What a chapter's code glues, for nobody to see."""
    values: dict[str, Any] = {}
    quiet = {"glue": values.__setitem__, "show_source": lambda data: None}
    quiet["table"] = lambda *columns, **card: None
    with mock.patch.multiple(reporting, **quiet), contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, "chapter", "exec"), {})
    plt.close("all")
    return values
