"""How long each chapter takes to execute, from a fresh kernel, and the site to build from outputs.

Each is run once, for it takes seconds; the appendix has the times of the build that is shown.
A build begins with the chapters that took longest here (booksite/execution.py).
"""

import subprocess
import time

from authoring.notebooks import ROOT, chapters, execute
from benchmarks._report import report

seconds = {}
for chapter in chapters():
    start = time.perf_counter()
    execute(chapter)
    seconds[f"{chapter.parent.name}/{chapter.stem}"] = [time.perf_counter() - start]
start = time.perf_counter()
subprocess.run(["make", "draft"], cwd=ROOT, check=True, capture_output=True)
seconds["make draft"] = [time.perf_counter() - start]
report("How long does the book take?", seconds, baseline="make draft", file="build")
