"""The project's commands, on any system: python run.py COMMAND ... [NAME=VALUE ...]

`make COMMAND` calls this. Needed: Python 3.11 or newer; everything else goes into .venv, which the
first command makes. NAME=VALUE sets a variable of the environment:

    TORCH_INDEX  where PyTorch's CPU build is, if the package index in use would choose another
    MNIST_DIR    a folder with the files of MNIST
    PORT         the port of serve
    MANIFEST     the manifest that verify compares with
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
INSTALLED = VENV / "installed-from-pyproject"
GROUPS = ("content", "book", "test", "lint", "bench", "release")
CLEANED = ("_build", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis")

# Each command, what it is for, and the programs of .venv that it runs, or other commands after @.
# Coverage is of the package, by its own tests: traced, those in a browser take many times as long.
COMMANDS = """
book       execute all chapters, build the site into _build/html
    python -m booksite.build book
test       unit and property tests, the notebook linter, every chapter against its stored outputs
    {pytest} {most} tests {nbval}
coverage   the package's own tests, and which of its lines they leave out
    {pytest} -p no:nbval --cov --cov-report=term tests/course
invited    every chapter with each change that one of its exercises asks for, in minutes
    {pytest} --dist load -m invited tests/authoring
explore    property tests with fresh examples, 20 times as many, in an hour
    HYPOTHESIS_PROFILE=explore {pytest} {unit}
lowest     the package's tests with the lowest versions that pyproject.toml admits
fonts      layout and PDF with the fonts DejaVu, Liberation and Noto alone, each in turn
    {pytest} --dist load -m fonts tests/browser
paint      that the built pages are light, do not move, and are soon painted
    {pytest} --dist load -m paint tests/browser
    python -m pytest -m alone tests/browser
draft      build the site from the stored outputs, in seconds
    python -m booksite.build draft
serve      serve _build/html at http://127.0.0.1:8000/, or at another PORT
    python -m booksite.finished
    python -m http.server {port} --bind 127.0.0.1 --directory _build/html
offline    one zip of the site, to unpack and open as files: _build/lecture-offline.zip
    python -m booksite.offline
pdf        the whole book as one PDF, from the site, with the system's Chromium: _build/lecture.pdf
    python -m booksite.paper.pdf
sheets     a sheet of questions and one of solutions for each page of practice: _build/sheets
    python -m booksite.sheets
slides     a deck for each chapter, for the site, as pages and as PDF: _build/html/slides
    python -m booksite.slides
edition    the chapters as notebooks for any notebook reader, one of them run: _build/edition
    python -m booksite.build edition
    python -m pytest -q -m edition tests/booksite/edition tests/browser/test_jupyterlab.py
manifest   the numbers that this build has computed: _build/manifest.json
    python -m authoring.manifest write
verify     compare them with those of a release, MANIFEST=...
    python -m authoring.manifest verify {manifest}
downloads  what the front page offers besides the site's pages, from the site: _build/html/downloads
    @slides
    @offline
    @pdf
    @sheets
    python -m booksite.downloads
    {pytest} --dist load -m downloads tests/browser
release    what a release attaches: _build/release
    @downloads
    @edition
    @manifest
    python -m booksite.release
links      ask each page on another host that the book links to
    python -m booksite.build links
notebooks  execute the chapters and store their outputs
    python -m authoring.notebooks write
bench      run the benchmarks, results in _build/bench
    python -m benchmarks.{benchmark}
rooms      measure the chapters in an environment like Binder's, in ten minutes, for the appendix
    python -m booksite.build edition
    python -m benchmarks.rooms
digits     train and attack a network on all ten digits; go on where a killed one was
    python -m benchmarks.ten_digits
seeds      run chapters 12 and 13 with ten seeds, for their tables; in ten minutes
    python -m benchmarks.other_seeds
record     run the benchmarks, and keep their figures for the appendix
    @bench
lint       ruff, oxlint for JavaScript, mypy, zizmor for workflows, and the notebook linter
    ruff check .
    ruff format --check .
    oxlint
    mypy
    zizmor --offline --quiet .github
    check-jsonschema --builtin-schema vendor.github-workflows {workflows}
    check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
    python -m authoring.lint
clean      remove what was built; .venv stays
"""
# One thread for each of pytest's processes: more would fight for the same cores.
PYTEST = (
    "OMP_NUM_THREADS=1 python -m pytest --numprocesses logical --maxprocesses 4 --dist loadscope"
)
# Tests of the site sometimes wait for browsers and builds: another process runs beside them.
ELSEWHERE = ("alone", "paint", "fonts", "invited", "edition", "downloads")
SOME = min(4, (os.cpu_count() or 1) + 1)
MOST = f'--numprocesses {SOME} -m "not {" and not ".join(ELSEWHERE)}"'
# The package's own tests, without those of the book and the site.
UNIT = "tests/course tests/repository"


def program(name: str, venv: Path = VENV) -> str:
    """The path of a program of a virtual environment, whether it is there or not."""
    return str(venv / ("Scripts" if os.name == "nt" else "bin") / name)


def environment() -> dict[str, str]:
    """What every program finds in its environment.

    Chapters run as they would for anyone: with matplotlib's notebook backend, with the packages of
    .venv alone, and without the settings of the reader's own IPython. pip installs into .venv,
    whatever its settings say of other places.
    """
    elsewhere = {f"PIP_{name}" for name in ("TARGET", "PREFIX", "ROOT", "PYTHON", "DRY_RUN")}
    unwanted = {"MPLBACKEND", "PYTHONPATH", "PYTHONHOME", *elsewhere}
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    data = kept.get("MNIST_DIR")
    if data and not data.startswith("~"):  # chapters run in their own folder
        kept["MNIST_DIR"] = str(Path.cwd() / data)
    # A debugger's advice has no place in their standard error; Windows has an encoding of its own.
    ours = {"PYDEVD_DISABLE_FILE_VALIDATION": "1", "PYTHONUTF8": "1", "PIP_USER": "0"}
    return {**kept, **ours, "IPYTHONDIR": str(VENV / "ipython")}


def call(*words: str, **variables: str) -> None:
    """Run a program in the project's folder; if it fails, end with its exit code."""
    done = subprocess.run(words, cwd=ROOT, env={**environment(), **variables}, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def answer(*words: str) -> str | None:
    """What .venv's Python prints, called with these words; None if it is not there, or fails."""
    python = [program("python"), *words]
    try:
        done = subprocess.run(python, cwd=ROOT, env=environment(), capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.decode().strip()


def make_venv(venv: Path) -> None:
    """Make a virtual environment with the Python that runs this, or say what it lacks."""
    version = sys.version.split()[0]
    if sys.version_info < (3, 11):  # noqa: UP036  an older one can still read this file
        sys.exit(f"Python 3.11 or newer is needed, this is {version}: name one, make PYTHON=...")
    if not (find_spec("ensurepip") and find_spec("venv")):
        sys.exit(
            f"{sys.executable} cannot make virtual environments: install its venv package "
            "(Debian, Ubuntu: apt install python3-venv)"
        )
    print(f"Making {venv.name} with Python {version}", flush=True)
    call(sys.executable, "-m", "venv", "--clear", str(venv))


def pip(*words: str, venv: Path = VENV) -> None:
    """Install into a virtual environment."""
    options = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    call(program("python", venv), *options, *words)


def install() -> None:
    """Make .venv what pyproject.toml asks for, unless it is that already."""
    asked = ROOT / "pyproject.toml"
    if INSTALLED.exists() and INSTALLED.stat().st_mtime >= asked.stat().st_mtime:
        return
    if answer("-m", "pip", "--version") is None:
        make_venv(VENV)
    print("Installing into .venv (once, some minutes)", flush=True)
    pip("pip>=25.1")
    # torch goes first and alone: asked for together with a package that depends on it, pip may
    # choose a build of several GB.
    index = os.environ.get("TORCH_INDEX")
    pip("--group", "torch", *(["--index-url", index] if index else []))
    groups = [word for group in GROUPS for word in ("--group", group)]
    pip(*groups, "--editable", ".[sample]")
    check = "from importlib.metadata import version as v; v('torch'); v('lectures_code')"
    if answer("-c", check) is None:
        sys.exit(
            "pip was to install into .venv, and what it installed is not there: see where its "
            "settings lead (pip config list)"
        )
    profile = VENV / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    # Kernels warn at every start that they listen on this machine's loopback without encryption.
    (profile / "ipython_kernel_config.py").write_text('c.IPKernelApp.log_level = "ERROR"\n')
    INSTALLED.touch()


def test_lowest() -> None:
    """Test the package with the lowest versions, in an environment that is made anew each time.

    The lowest torch needs TORCH_INDEX: the package index has it with several GB for graphics
    cards, so without TORCH_INDEX the pinned one stays.
    """
    venv = ROOT / ".venv-lowest"
    make_venv(venv)
    pip("pip>=25.1", venv=venv)
    lines = (ROOT / "tests" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    (torch,) = (line for line in lines if line.startswith("torch=="))
    index = os.environ.get("TORCH_INDEX")
    pip(*([torch, "--index-url", index] if index else ["--group", "torch"]), venv=venv)
    others = venv / "lowest.txt"
    others.write_text("\n".join(line for line in lines if line != torch) + "\n", encoding="utf-8")
    # pyparsing's later releases warn at each formula that matplotlib 3.9 draws.
    tools = "pytest pytest-xdist hypothesis cvxpy clarabel nbclient nbformat pyyaml myst-nb"
    needed = ["--editable", ".[sample]", *tools.split(), "pyparsing<3.3"]
    pip("--constraint", str(others), *needed, venv=venv)
    run("{pytest} {unit}", venv)


def run(line: str, venv: Path = VENV) -> None:
    """Run a line of a command: variables for it alone, a program, and its arguments."""
    values = {
        "pytest": PYTEST,
        "most": MOST,
        "unit": UNIT,
        "port": os.environ.get("PORT", "8000"),
        "manifest": shlex.quote(str(Path.cwd() / os.environ.get("MANIFEST", ""))),
        # No shell is there to find them.
        "workflows": " ".join(
            path.relative_to(ROOT).as_posix() for path in ROOT.glob(".github/workflows/*.yml")
        ),
    }
    if "{nbval}" in line:  # whether outputs can be compared, and chapters must be run for it
        mode = answer("-m", "authoring.outputs") or "--nbval"
        options = "--nbval-current-env --nbval-sanitize-with tests/authoring/nbval.cfg book"
        values["nbval"] = "-p no:nbval" if mode == "built" else f"{mode} {options}"
    line = line.format(**values)
    print(line, flush=True)
    words, variables = shlex.split(line), {}
    while "=" in words[0]:
        name, _, variables[name] = words.pop(0).partition("=")
    call(program(words[0], venv), *words[1:], **variables)


def commands() -> dict[str, list[str]]:
    """The lines of each command."""
    blocks = re.findall(r"(?m)^(\w+) .*\n((?: .*\n)*)", COMMANDS)
    return {name: [line.strip() for line in lines.splitlines()] for name, lines in blocks}


def execute(command: str) -> None:
    """Run all lines of a command."""
    if command == "clean":
        for path in [*map(ROOT.joinpath, CLEANED), *ROOT.glob(".coverage*")]:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        return
    if command == "lowest":
        return test_lowest()
    install()
    for line in commands()[command]:
        if line.startswith("@"):
            execute(line[1:])
        elif "{benchmark}" in line:
            (ROOT / "_build" / "bench").mkdir(parents=True, exist_ok=True)
            for path in sorted(ROOT.glob("benchmarks/[a-z]*.py")):
                run(line.replace("{benchmark}", path.stem))
        else:
            run(line)
    if command == "record":
        for path in (ROOT / "_build" / "bench").glob("*.json"):
            shutil.copy(path, ROOT / "benchmarks" / "results")


def main(arguments: list[str]) -> None:
    """Run the commands that are named, or say which there are."""
    settings = dict(word.split("=", 1) for word in arguments if "=" in word)
    asked = [word for word in arguments if "=" not in word]
    if not asked or set(asked) - commands().keys():
        print(__doc__)
        print(*re.findall(r"(?m)^\w.*", COMMANDS), sep="\n")
        sys.exit(f"no such command: {' '.join(asked)}" if asked else 0)
    # What would end a name in PATH or in a script's first line.
    if os.name != "nt" and set(str(ROOT)) & set('$:\\"`'):
        sys.exit(
            "The folder's name must be without $ : \\ \" and `, "
            f"and it is {ROOT}: rename or move it"
        )
    os.environ.update(settings)
    for command in asked:
        execute(command)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
