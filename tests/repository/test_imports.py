"""The package's modules are rooms in one house: each imports only from the rooms above it."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent.parent / "src" / "lectures_code"

# From the top down, in the order in which data flows.
ROOMS = [
    "checks",
    "progress",
    "mnist",
    "perturbations",
    "logistic",
    "attacks",
    "risk",
    "multiclass",
    "exact",
    "training",
    "danskin",
    "experiments",
    "figures",
    "reporting",
    "explorers",
]


def imported_rooms(source):
    """The rooms of the package that a module with this source imports, wherever it does so."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # `from . import risk` and `from lectures_code import risk` name the room last
            base = "lectures_code" if node.level else node.module
            inner = f".{node.module}" if node.level and node.module else ""
            names = [f"{base}{inner}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            if package == "lectures_code":
                yield rest.partition(".")[0]


def faults(package, rooms):
    """What is wrong with the imports of the modules in the folder `package`."""
    found = []
    for path in sorted(package.rglob("*.py")):
        room = path.relative_to(package).parts[0].removesuffix(".py")
        if room == "__init__":
            above = []
        elif room not in rooms:
            found.append(f"{room} has no place among the rooms")
            continue
        else:
            above = rooms[: rooms.index(room)] + [room] * (path.parent != package)
        for imported in imported_rooms(path.read_text(encoding="utf-8")):
            if imported not in above:
                found.append(f"{room} imports {imported or 'the whole package'}")
    return found


def test_each_room_imports_only_from_rooms_above_it():
    assert faults(PACKAGE, ROOMS) == []


def test_every_room_exists():
    assert [
        room
        for room in ROOMS
        if not any((PACKAGE / name).exists() for name in (room, f"{room}.py"))
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
