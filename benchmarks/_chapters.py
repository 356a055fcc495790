"""Chapters as programs."""

import json
from pathlib import Path


def code_cells(chapter: Path) -> list[str]:
    """The code of a chapter, cell by cell, without the one that installs the package."""
    cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return [cell for cell in code if "%pip" not in cell]
