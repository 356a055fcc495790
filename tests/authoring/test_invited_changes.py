"""Each chapter runs to its end with each change that one of its exercises invites.

And on the sample, where MNIST can't be had. A reader must not be stopped by a check that only holds
for the chapter's own numbers. The runs take minutes: `make invited`.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from nbclient.exceptions import CellExecutionError
from nbformat import v4

from authoring import notebooks


@dataclass(frozen=True)
class Change:
    """What an exercise tells its reader to change: one text of the chapter's code by another."""

    exercise: str
    chapter: str
    old: str
    new: str
    # What the outputs must then say, and what they must say no more.
    says: tuple[str, ...] = field(default=())
    never: tuple[str, ...] = field(default=())


CHANGES = [
    *(
        Change(
            "ex-more-seeds",
            "lecture/mnist",
            "seeds = range(40)",
            f"seeds = range({n})",
            says=(f"{n} seeds",),
            never=("40 seeds",),
        )
        for n in (160, 5)  # the longest run begins first
    ),
    *(
        Change("ex-smaller-radius", "lecture/min_max", "epsilon = 0.4", f"epsilon = {radius}")
        for radius in ("0.2", "0.1", "0.0")
    ),
    Change("ex-smooth-envelope", "lecture/danskin", "example = 0.5", "example = 2.0"),
    *(
        Change("ex-other-epsilon", "lecture/mnist", "epsilon = 0.2", f"epsilon = {radius}")
        for radius in ("0.1", "0.4")
    ),
    Change("ex-l2", "lecture/mnist", "NormBall(torch.inf, epsilon)", "NormBall(2, 2.0)"),
    # No exercise asks for these two, but the front page does: "change a number".
    Change("", "lecture/linear_models", "d, epsilon = 8, 0.2", "d, epsilon = 8, 0.1"),
    Change("", "beyond/exact_optimum", "epsilon = 0.2", "epsilon = 0.1"),
    Change("ex-smaller-box", "beyond/box", "epsilon = 0.2", "epsilon = 0.1"),
    Change("", "beyond/kink_and_noise", "epsilon = 0.2", "epsilon = 0.1"),
    Change(
        "ex-between",
        "beyond/kink_and_noise",
        "tried = 0.1, 0.2, 0.3, 0.35, 0.4",
        "tried = 0.32, 0.35, 0.37",
    ),
    Change("ex-half-the-attack", "beyond/every_radius", "epsilon = 0.2", "epsilon = 0.1"),
    Change("", "beyond/not_linear", "epsilon = 0.2", "epsilon = 0.1"),
    Change("", "beyond/ten_classes", "epsilon = 0.15", "epsilon = 0.2"),
    Change("", "networks/inner_maximum", "epsilon = 0.5", "epsilon = 0.25"),
    Change("", "networks/training", "epsilon = 0.2", "epsilon = 0.1"),
    Change("", "networks/report", "epsilon = 0.2", "epsilon = 0.1"),
    Change(
        "ex-another-start", "networks/proven", "seed, n_epochs = 0, 12", "seed, n_epochs = 1, 12"
    ),
]

# Words by which an exercise asks for a change of the chapter's code.
INVITES = re.compile(
    r"\b(?:run the chapter again|(?:Set|Change|Replace|Halve|Double|Lower|Raise)\b[^.]*`)"
)
EXERCISE = re.compile(
    r"^:::+\s*\{exercise\}.*?:label: (?P<label>[\w-]+)(?P<text>.*?)^:::+\s*$", re.M | re.S
)


def exercises(notebook):
    """The exercises of a chapter: label and text."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for found in EXERCISE.finditer(cell.source):
                yield found["label"], found["text"]


def uninvited(notebook, labels):
    """The exercises that ask for a change of the code and are not among those that are run."""
    return [
        label for label, text in exercises(notebook) if INVITES.search(text) and label not in labels
    ]


def changed(path, old, new, folder):
    """A copy of the chapter at `path` in which the code's one `old` reads `new`."""
    notebook = notebooks.read(path)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    found = sum(cell.source.count(old) for cell in cells)
    assert found == 1, f"{path.name} must have {old!r} once in its code, it is there {found} times"
    for cell in cells:
        cell.source = cell.source.replace(old, new)
    copy = folder / path.name
    copy.write_text(notebooks.canonical(notebook), encoding="utf-8")
    return copy


def shown(notebook):
    """What the outputs of a notebook say, as one text."""
    said = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            said += [output.get("text", ""), data.get("text/plain", ""), data.get("text/html", "")]
    return "\n".join(said)


@pytest.mark.invited
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: f"{change.chapter}: {change.new}")
def test_the_chapter_runs_to_its_end(change, tmp_path):
    path = notebooks.CHAPTERS / f"{change.chapter}.ipynb"
    # A reader waits longer than a build does: four times the seeds take four times as long.
    copy = changed(path, change.old, change.new, tmp_path)
    said = shown(notebooks.execute(copy, threads=1, timeout=1200))
    assert all(text in said for text in change.says)
    assert not any(text in said for text in change.never)


@pytest.mark.invited
@pytest.mark.parametrize("path", notebooks.chapters(), ids=lambda path: path.stem)
def test_the_chapter_runs_to_its_end_on_the_sample(path, tmp_path, monkeypatch):
    """As where there is neither MNIST nor a network: checks must not hold for all of it alone."""
    monkeypatch.delenv("MNIST_DIR", raising=False)
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody answers there
    said = shown(notebooks.execute(path, threads=1))
    assert ("load_zero_one" not in str(notebooks.read(path))) or "sample" in said


@pytest.mark.parametrize("path", notebooks.chapters(), ids=lambda path: path.stem)
def test_no_exercise_invites_a_change_that_is_not_run(path):
    assert not uninvited(notebooks.read(path), {change.exercise for change in CHANGES})


def test_every_change_belongs_to_an_exercise_of_its_chapter():
    for change in CHANGES:
        notebook = notebooks.read(notebooks.CHAPTERS / f"{change.chapter}.ipynb")
        assert not change.exercise or change.exercise in dict(exercises(notebook))


def written(folder: Path, *cells):
    path = folder / "chapter.ipynb"
    path.write_text(notebooks.canonical(v4.new_notebook(cells=list(cells))), encoding="utf-8")
    return path


def test_a_check_that_holds_for_the_chapter_s_own_number_alone_is_found(tmp_path):
    (tmp_path / "changed").mkdir()
    code = v4.new_code_cell("epsilon = 0.4\nassert epsilon > 0.3\nprint(f'radius {epsilon}')")
    path = written(tmp_path, code)
    assert "radius 0.4" in shown(notebooks.execute(path))
    with pytest.raises(CellExecutionError):
        notebooks.execute(changed(path, "epsilon = 0.4", "epsilon = 0.2", tmp_path / "changed"))
    with pytest.raises(AssertionError, match=r"must have 'epsilon = 0\.1' once"):
        changed(path, "epsilon = 0.1", "epsilon = 0.2", tmp_path / "changed")


def test_an_exercise_that_asks_for_an_untried_change_is_found(tmp_path):
    text = ":::{exercise}\n:label: ex-new\n\nSet `epsilon` to something else.\n:::\n"
    notebook = notebooks.read(written(tmp_path, v4.new_markdown_cell(text)))
    assert uninvited(notebook, set()) == ["ex-new"]
    assert uninvited(notebook, {"ex-new"}) == []
