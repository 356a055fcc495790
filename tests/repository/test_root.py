"""What lies at the top of the repository was put there on purpose."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FOLDERS = {
    ".ci",
    ".github",
    "authoring",
    "benchmarks",
    "book",
    "booksite",
    "slides",
    "src",
    "tests",
}
FILES = {
    *(".gitignore", ".oxlintrc.json", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE"),
    *("LICENSE-TEXT", "Makefile", "README.md", "_config.yml", "_toc.yml", "environment.yml"),
    *("pyproject.toml", "run.py"),
}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="unpacked, nothing tells what is tracked")
def test_nothing_strays_to_the_top():
    listed = ["git", "ls-files", "-z"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [Path(name) for name in names.split("\0") if name]
    assert {path.name for path in paths if path.parent == Path()} == FILES
    assert {path.parts[0] for path in paths if path.parent != Path()} == FOLDERS
