"""make with a program in Python's place; and the profiles of property tests."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
# Notes how it was called; as `-m venv` it puts itself into the new environment. Its first lines are
# a shell's, and a string to Python: a program that `#!` names may have no space in its path.
STUB = f"""#!/bin/sh
'''exec' "{sys.executable}" -S "$0" "$@"
' '''
import json, os, pathlib, runpy, sys
if sys.argv[1:2] == ["run.py"]:
    sys.executable = sys.argv.pop(0)
    sys.exit(runpy.run_path("run.py", run_name="__main__") and 0)
note = {{"arguments": sys.argv[1:], "folder": os.getcwd(), **os.environ}}
with open(os.environ["STUB_LOG"], "a", encoding="utf-8") as log:
    print(json.dumps(note), file=log)
if sys.argv[1:3] == ["-m", "venv"]:
    bin = pathlib.Path(sys.argv[-1], "bin")
    bin.mkdir(parents=True)
    for name in ("python", "check-jsonschema", "mypy", "oxlint", "ruff", "zizmor"):
        (bin / name).write_text(pathlib.Path(sys.argv[0]).read_text())
        (bin / name).chmod(0o755)
sys.exit(os.environ.get("STUB_FAILS", "no such thing") in " ".join(sys.argv))
"""
# What a shell or make would take for something else, where a name is not quoted.
GOOD = ["two  spaces and -n", "ümläut #2, 50% R&D; a=b (x) it's", "[a-z]*", "~x"]
BAD = ["a$b", "$(x)", "a:b", 'so "called"', "a\\b", "`a`"]


@pytest.fixture
def make(tmp_path):
    """A function that runs make in a checkout below a folder of this name: the run, the notes."""
    python = tmp_path / "stub" / "python3"
    python.parent.mkdir()
    python.write_text(STUB)
    python.chmod(0o755)
    log = tmp_path / "stub" / "log"

    def run(*arguments, name="a", **environment):
        course = tmp_path / "checkouts" / name / "course"
        course.mkdir(parents=True, exist_ok=True)
        for file in ("Makefile", "run.py", "pyproject.toml"):
            shutil.copy(ROOT / file, course)
        log.write_text("")
        kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        command = ["make", f"PYTHON={python}", *arguments]
        variables = {**kept, "STUB_LOG": str(log), **environment}
        options = {"capture_output": True, "text": True, "timeout": 60}
        result = subprocess.run(command, cwd=course, env=variables, **options)
        return result, [json.loads(line) for line in log.read_text().splitlines()], course

    return run


TARGETS = [
    *("book", "draft", "serve", "offline", "pdf"),
    *("test", "paint", "notebooks", "bench", "lint"),
]


@pytest.mark.parametrize("name", GOOD)
def test_a_folder_may_have_any_ordinary_name(make, name, tmp_path):
    result, notes, course = make(*TARGETS, name=name)
    assert result.returncode == 0, result.stdout + result.stderr
    assert {note["folder"] for note in notes} == {str(course)}
    assert {note["IPYTHONDIR"] for note in notes} == {f"{course}/.venv/ipython"}
    assert (course / ".venv/ipython/profile_default/ipython_kernel_config.py").is_file()
    # Nothing is made outside of the checkout, and nothing in it that make clean would not know.
    assert [path.name for path in (tmp_path / "checkouts").iterdir()] == [name]
    assert [path.name for path in course.parent.iterdir()] == ["course"]
    made = {path.name for path in course.iterdir()}
    assert made == {"Makefile", "run.py", "pyproject.toml", ".venv", "_build"}


@pytest.mark.parametrize("name", BAD)
def test_a_folder_whose_name_cannot_work_is_refused_at_once(make, name):
    result, notes, course = make("book", name=name)
    assert result.returncode != 0
    assert result.stderr.splitlines()[0] == (
        f"The folder's name must be without $ : \\ \" and `, and it is {course}: rename or move it"
    )
    assert notes == []
    assert {path.name for path in course.iterdir()} == {"Makefile", "run.py", "pyproject.toml"}


def test_the_python_itself_may_lie_in_a_folder_with_a_space(make, tmp_path):
    python = tmp_path / "my python"
    shutil.copy(tmp_path / "stub" / "python3", python)
    result, _, course = make("draft", f"PYTHON={python}")
    assert result.returncode == 0, result.stderr
    assert (course / ".venv/bin/python").is_file()


FOLDERS = {
    "data": "{course}/data",
    "../data": "{course}/../data",
    "my data": "{course}/my data",
    "my /data": "{course}/my /data",
    "/a/b": "/a/b",
    "/my data/b": "/my data/b",
    # The loader knows a home folder better than make does.
    "~/data": "~/data",
}


@pytest.mark.parametrize("form", ["argument", "environment"])
def test_a_relative_mnist_dir_is_one_of_the_checkout(make, form):
    make("draft")
    for given, meant in FOLDERS.items():
        arguments, variables = [f"MNIST_DIR={given}"], {}
        if form == "environment":
            arguments, variables = [], {"MNIST_DIR": given}
        result, notes, course = make("book", "test", *arguments, **variables)
        assert result.returncode == 0, result.stderr
        assert {note["MNIST_DIR"] for note in notes} == {meant.format(course=course)}


def test_no_mnist_dir_is_none(make):
    _, notes, _ = make("book")
    assert not any("MNIST_DIR" in note for note in notes)


def test_settings_that_lead_pip_elsewhere_do_not_hold(make):
    elsewhere = dict.fromkeys(["PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"], "/elsewhere")
    wanted = {"PIP_INDEX_URL": "https://example.org/simple"}
    _, notes, _ = make("draft", PIP_USER="1", PIP_DRY_RUN="1", **elsewhere, **wanted)
    installs = [note for note in notes if note["arguments"][:2] == ["-m", "pip"]]
    assert len(installs) >= 3
    for note in installs:
        assert note["PIP_USER"] == "0"
        assert not {*elsewhere, "PIP_DRY_RUN"} & set(note)
        assert wanted.items() <= note.items()


def test_what_pip_has_put_elsewhere_is_noticed(make):
    result, _, course = make("draft", STUB_FAILS="importlib.metadata")
    assert result.returncode != 0
    assert "pip was to install into .venv, and what it installed is not there" in result.stderr
    assert not (course / ".venv" / "installed-from-pyproject").exists()


def test_an_address_of_an_index_reaches_pip_whole(make):
    address = "https://example.org/whl?a=1&b=2"
    _, notes, _ = make("draft", f"TORCH_INDEX={address}")
    assert [address] == [n["arguments"][-1] for n in notes if "torch" in n["arguments"]]


TEST = """
import pytest
from hypothesis import given, settings, strategies as st

@pytest.mark.parametrize("case", [1, 2])
@given(st.integers())
@settings(max_examples=5)
def test_own_number(case, drawn):
    print("drawn", case, drawn)

@given(st.integers())
def test_default_number(drawn):
    print("drawn", 3, drawn)
"""


@pytest.fixture
def draws(tmp_path):
    """What the tests above draw in a profile: a list for each of the three."""
    shutil.copy(Path(__file__).parent.parent / "conftest.py", tmp_path)
    (tmp_path / "test_draws.py").write_text(TEST)

    def run(profile):
        environment = {k: v for k, v in os.environ.items() if k != "HYPOTHESIS_PROFILE"}
        # Plugins take longer to load than these tests to run, and none of them is needed.
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        if profile is not None:
            environment["HYPOTHESIS_PROFILE"] = profile
        # In CI Hypothesis repeats its draws by itself: here it must not.
        for name in ("CI", "GITHUB_ACTIONS", "TF_BUILD"):
            environment.pop(name, None)
        command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", tmp_path]
        options = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True}
        done = subprocess.run(command, **options)
        assert done.returncode == 0, done.stdout + done.stderr
        words = [line.lstrip(".").split() for line in done.stdout.splitlines()]
        drawn = [row for row in words if row[:1] == ["drawn"]]
        return [[row[2] for row in drawn if row[1] == case] for case in "123"]

    return run


def test_without_a_profile_every_run_draws_the_same(draws):
    first, second = draws(None), draws("gate")
    assert first == second
    assert len(first[0]) == len(first[1]) == 5 and len(first[2]) == 100


def test_exploration_draws_anew_and_twenty_times_as_much(draws):
    first, second = draws("explore"), draws("explore")
    assert first != second
    assert len(first[0]) == len(first[1]) == 100 and len(first[2]) == 2000
