"""No file of code or style is too long to be read at once."""

from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FOLDERS = ("authoring", "benchmarks", "book", "booksite", "src", "tests")
SUFFIXES = {".py", ".js", ".css"}
MOST = 400
# To be split: nothing is added here.
STILL_LONG = {
    "src/lectures_code/mnist.py",
    "src/lectures_code/perturbations.py",
    "src/lectures_code/training.py",
    "tests/course/test_arguments.py",
    "tests/course/test_attacks.py",
    "tests/course/test_mnist.py",
    "tests/course/test_perturbations.py",
    "tests/course/test_risk.py",
    "tests/course/test_training.py",
}


def too_long(root: Path) -> dict[str, int]:
    """The files below `root` with more lines than `MOST`, and how many they have."""
    paths = [path for folder in FOLDERS for path in (root / folder).rglob("*")]
    lines = {
        path.relative_to(root).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in paths
        if path.suffix in SUFFIXES and path.is_file()
    }
    return {name: n_lines for name, n_lines in lines.items() if n_lines > MOST}


def test_no_file_is_too_long():
    assert {n: k for n, k in too_long(ROOT).items() if n not in STILL_LONG} == {}


def test_a_file_that_is_too_long_is_found(tmp_path):
    (tmp_path / "src" / "package").mkdir(parents=True)
    for name, n_lines in {"a.py": MOST, "b.css": MOST + 1, "c.md": MOST + 1}.items():
        (tmp_path / "src" / "package" / name).write_text("x\n" * n_lines, encoding="utf-8")
    assert too_long(tmp_path) == {"src/package/b.css": MOST + 1}
