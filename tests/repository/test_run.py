"""run.py: the commands of `make`, on systems without it too."""

import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

import run
from tests.oracles import says

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def called(monkeypatch):
    """What run.py has called, with the variables of each call; nothing is run or installed."""
    calls = []
    monkeypatch.setattr(run, "call", lambda *words, **given: calls.append((words, given)))
    monkeypatch.setattr(run, "answer", lambda *words: "--nbval")
    monkeypatch.setattr(run, "install", lambda: None)
    monkeypatch.setattr(run.os, "environ", {})
    return calls


def test_make_has_every_command_and_no_other():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    assert re.search(r"COMMANDS := (.*)", makefile)[1].split() == list(run.commands())


def test_every_program_that_a_command_calls_is_in_the_environment(called):
    for command in set(run.commands()) - {"lowest", "clean", "bench", "record"}:
        run.main([command])
    assert len(called) > 20
    assert [words[0] for words, _ in called if shutil.which(words[0]) is None] == []


def test_a_line_may_set_variables_and_keeps_quoted_words_whole(called):
    run.main(["explore"])
    assert [given for _, given in called] == [
        {"HYPOTHESIS_PROFILE": "explore", "OMP_NUM_THREADS": "1"}
    ]
    called.clear()
    run.main(["test"])
    markers = "not alone and not paint and not fonts and not invited and not edition"
    assert f"{markers} and not downloads" in called[-1][0]
    assert "--nbval" in called[-1][0] and called[-1][0][-1] == "book"


def test_settings_are_arguments_wherever_the_system_keeps_its_variables(called, tmp_path):
    run.main(["verify", "MANIFEST=my manifest.json", "serve", "PORT=9000"])
    assert called[0][0][-1] == str(Path.cwd() / "my manifest.json")
    assert "9000" in called[-1][0]


def test_on_windows_programs_lie_in_another_folder_and_a_folder_may_have_its_name(
    called, monkeypatch
):
    monkeypatch.setattr(run, "os", SimpleNamespace(name="nt", environ={}))
    monkeypatch.setattr(run, "ROOT", Path("C:\\Users\\A student"))
    run.main(["book"])
    program = str(run.VENV / "Scripts" / "python")
    assert [words for words, _ in called] == [(program, "-m", "booksite.build", "book")]


def test_commands_may_be_made_of_others(called):
    run.main(["release"])
    modules = [words[2] for words, _ in called if words[1] == "-m"]
    assert modules[:3] == ["booksite.slides", "booksite.offline", "booksite.paper.pdf"]
    assert modules[-2:] == ["authoring.manifest", "booksite.release"]


def test_clean_leaves_the_environment(called, monkeypatch, tmp_path):
    monkeypatch.setattr(run, "ROOT", tmp_path)
    for name in ("_build", ".ruff_cache", ".venv", "book"):
        (tmp_path / name).mkdir()
    (tmp_path / ".coverage").touch()
    run.main(["clean"])
    assert {path.name for path in tmp_path.iterdir()} == {".venv", "book"}


def test_without_a_command_it_says_which_there_are(capsys):
    with pytest.raises(SystemExit) as end:
        run.main([])
    assert end.value.code == 0
    assert "book       execute all chapters" in capsys.readouterr().out
    with says(SystemExit, "no such command: bok"):
        run.main(["bok"])


def test_a_python_that_is_too_old_or_incomplete_is_refused(called, monkeypatch):
    monkeypatch.setattr(run, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"cannot make virtual environments: install its venv"):
        run.make_venv(run.VENV)
    old = SimpleNamespace(version_info=(3, 9, 2), version="3.9.2 (old)", exit=run.sys.exit)
    monkeypatch.setattr(run, "sys", old)
    with says(
        SystemExit,
        "Python 3.11 or newer is needed, this is 3.9.2: name one, make PYTHON=...",
    ):
        run.make_venv(run.VENV)
    assert called == []
