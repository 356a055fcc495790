"""The chapter on MNIST as a whole, its 40 seeds aside, against the bare recipe.

Both are whole processes: Python's start, the imports and the loading of MNIST are part of what a
reader waits for. The chapter's code cells are run as a script.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from _report import interleaved, report

HERE = Path(__file__).resolve().parent
CHAPTER = HERE.parent / "book" / "lecture" / "mnist.ipynb"
BARE = """
from _recipe import train
from lectures_code.mnist import load_zero_one
data = load_zero_one()
for epsilon in (0.0, 0.2):
    model = train(data.x_train, data.y_train, epsilon=epsilon)
    for attack in (0.0, 0.2):
        shift = -attack * data.y_test[:, None] * model.weight.sign()
        wrong = data.y_test * model(data.x_test + shift)[:, 0] <= 0
        print(epsilon, attack, int(wrong.sum()))
"""


def chapter_as_a_script(seeds: int) -> str:
    """The chapter's code with fewer seeds, and what IPython gives a cell replaced by nothing."""
    cells = [cell for cell in json.loads(CHAPTER.read_text(encoding="utf-8"))["cells"]]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    code = [cell for cell in code if "%pip" not in cell]
    assert sum("range(40)" in cell for cell in code) == 1, "the chapter's seeds have moved"
    quiet = "import lectures_code.reporting as r\nr.glue = r.show_source = lambda *_: None"
    return "\n".join([quiet, *code]).replace("range(40)", f"range({seeds})")


def process(code: str, folder: str) -> subprocess.CompletedProcess:
    """Run the code in a fresh interpreter that finds the recipe."""
    script = Path(folder, "script.py")
    script.write_text(f"import sys; sys.path.insert(0, {str(HERE)!r})\n{code}", encoding="utf-8")
    return subprocess.run([sys.executable, script], check=True, capture_output=True)


with tempfile.TemporaryDirectory() as folder:
    seconds = interleaved(
        {
            "bare recipe": lambda: process(BARE, folder),
            "chapter, 1 seed for its 40": lambda: process(chapter_as_a_script(1), folder),
        },
        rounds=3,
    )
report("What does the chapter cost?", seconds, baseline="bare recipe", file="chapter")
