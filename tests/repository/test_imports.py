"""Each part imports from those before it, each room from those above it; no file is too long."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

# Each part imports from those before it. Rooms from the top down, in the order in which data flows.
PARTS = {
    "lectures_code": ROOT / "src" / "lectures_code",
    "booksite": ROOT / "booksite",
    "authoring": ROOT / "authoring",
}


def rooms_of(package):
    """The rooms that the table in the package's docstring names, from the top down."""
    source = (package / "__init__.py").read_text(encoding="utf-8")
    return re.findall(r"(?m)^    (\w+) {2,}\w", ast.get_docstring(ast.parse(source)))


ROOMS = {"lectures_code": rooms_of(PARTS["lectures_code"])}
ROOMS["booksite"] = [
    *(
        "finished",
        "questions",
        "self_tests",
        "reading_time",
        "solutions",
        "facts",
        "execution",
        "long_outputs",
        "files",
        "finish",
        "formulas",
    ),
    *(
        "explorers",
        "figures",
        "offline",
        "paper",
        "edition",
        "sheets",
        "slides",
        "downloads",
        "release",
        "build",
        "__init__",
    ),
]
ROOMS["authoring"] = ["notebooks", "outputs", "rules", "lint", "manifest"]


def imported_modules(source, part):
    """The full names that a module of this part with this source imports, wherever it does so."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # `from . import risk` and `from lectures_code import risk` name the room last
            base = part if node.level else node.module
            inner = f".{node.module}" if node.level and node.module else ""
            yield from (f"{base}{inner}.{alias.name}" for alias in node.names)


def faults(folder, rooms, part="lectures_code"):
    """What is wrong with the imports of the modules in the folder of this part."""
    parts = list(PARTS)
    found = []
    for path in sorted(folder.rglob("*.py")):
        room = path.relative_to(folder).parts[0].removesuffix(".py")
        if room in rooms:
            above = rooms[: rooms.index(room)] + [room] * (path.parent != folder)
        elif room == "__init__":
            above = []
        else:
            found.append(f"{room} has no place among the rooms")
            continue
        for name in imported_modules(path.read_text(encoding="utf-8"), part):
            top, _, rest = name.partition(".")
            imported = rest.partition(".")[0]
            if top == part and imported not in above:
                found.append(f"{room} imports {imported or 'the whole package'}")
            elif top in parts[parts.index(part) + 1 :]:
                found.append(f"{room} imports {top}")
    return found


@pytest.mark.parametrize("part", PARTS)
def test_each_room_imports_only_from_rooms_above_it(part):
    assert faults(PARTS[part], ROOMS[part], part) == []


@pytest.mark.parametrize("part", PARTS)
def test_every_room_exists(part):
    assert [
        room
        for room in ROOMS[part]
        if not any((PARTS[part] / name).exists() for name in (room, f"{room}.py"))
    ] == []


@pytest.mark.parametrize(
    ("room", "source", "expected"),
    [
        ("risk", "from lectures_code.attacks import pgd", []),
        ("risk", "from lectures_code.training import train", ["risk imports training"]),
        ("risk", "import lectures_code.training", ["risk imports training"]),
        ("risk", "import lectures_code.training as t", ["risk imports training"]),
        ("risk", "from lectures_code import training", ["risk imports training"]),
        ("risk", "from . import training", ["risk imports training"]),
        ("risk", "from .training import train", ["risk imports training"]),
        ("risk", "def f():\n    import lectures_code.training", ["risk imports training"]),
        ("risk", "from lectures_code.risk import error", ["risk imports risk"]),
        ("risk", "import lectures_code", ["risk imports the whole package"]),
        ("risk", "import torch, lectures", []),
        ("risk", "from booksite.build import build", ["risk imports booksite"]),
        ("risk", "import authoring", ["risk imports authoring"]),
        ("utils", "", ["utils has no place among the rooms"]),
        ("__init__", "from lectures_code.risk import error", ["__init__ imports risk"]),
    ],
)
def test_a_wrong_import_is_found(room, source, expected, tmp_path):
    (tmp_path / f"{room}.py").write_text(source, encoding="utf-8")
    assert faults(tmp_path, ["attacks", "risk", "training"]) == expected


def test_files_of_one_room_may_import_each_other(tmp_path):
    (tmp_path / "explorers").mkdir()
    (tmp_path / "explorers" / "ball.py").write_text("from lectures_code.explorers.host import Host")
    (tmp_path / "explorers" / "lab.py").write_text("from lectures_code.figures import plot")
    assert faults(tmp_path, ["explorers", "figures"]) == ["explorers imports figures"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from booksite.paper import pdf", []),
        ("from lectures_code.risk import error", []),
        ("from authoring.notebooks import read", ["build imports authoring"]),
        ("from booksite.offline import pack", ["build imports offline"]),
    ],
)
def test_a_part_imports_from_those_before_it(source, expected, tmp_path):
    (tmp_path / "build.py").write_text(source, encoding="utf-8")
    assert faults(tmp_path, ["paper", "build", "offline"], "booksite") == expected


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
