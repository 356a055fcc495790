"""No file of code or style is too long to be read at once, and no line too wide."""

from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FOLDERS = ("authoring", "benchmarks", "book", "booksite", "src", "tests")
SUFFIXES = {".py", ".js", ".css"}
MOST = 400
WIDEST = 110  # characters; of Python's lines ruff takes care


def lines_of_files(root: Path) -> dict[str, list[str]]:
    """The lines of each file of code or style below `root`, by its path."""
    paths = [path for folder in FOLDERS for path in (root / folder).rglob("*")]
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8").splitlines()
        for path in paths
        if path.suffix in SUFFIXES and path.is_file()
    }


def too_long(root: Path) -> dict[str, int]:
    """The files below `root` with more lines than `MOST`, and how many they have."""
    return {name: len(lines) for name, lines in lines_of_files(root).items() if len(lines) > MOST}


def too_wide(root: Path) -> list[str]:
    """The lines of scripts and style sheets below `root` that are wider than `WIDEST`."""
    return [
        f"{name}:{number}"
        for name, lines in lines_of_files(root).items()
        for number, line in enumerate(lines, start=1)
        if len(line) > WIDEST and not name.endswith(".py")
    ]


def test_no_file_is_too_long():
    assert too_long(ROOT) == {}


def test_no_line_is_too_wide():
    assert too_wide(ROOT) == []


def test_a_file_that_is_too_long_is_found(tmp_path):
    (tmp_path / "src" / "package").mkdir(parents=True)
    for name, n_lines in {"a.py": MOST, "b.css": MOST + 1, "c.md": MOST + 1}.items():
        (tmp_path / "src" / "package" / name).write_text("x\n" * n_lines, encoding="utf-8")
    assert too_long(tmp_path) == {"src/package/b.css": MOST + 1}


def test_a_line_that_is_too_wide_is_found(tmp_path):
    (tmp_path / "book").mkdir()
    text = "/* " + "ä" * (WIDEST - 6) + " */\n/* " + "ä" * (WIDEST - 5) + " */\n"
    (tmp_path / "book" / "a.css").write_text(text, encoding="utf-8")
    assert too_wide(tmp_path) == ["book/a.css:2"]
