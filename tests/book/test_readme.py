"""What the README shows can be run as it stands there."""

import re
from pathlib import Path

import notebooks

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_code_in_the_readme_runs_and_shows_the_jump_under_attack(capsys):
    (source,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names = {}
    exec(source, names)
    clean, attacked = capsys.readouterr().out.splitlines()
    assert re.match(r"\d+ of \d+ \(", clean)
    risk, data, model = names["risk"], names["data"], names["model"]
    assert attacked == str(risk.robust_error(model, data.x_test, data.y_test, names["ball"]))
    assert risk.error(model, data.x_test, data.y_test).rate < 0.05
    assert risk.robust_error(model, data.x_test, data.y_test, names["ball"]).rate > 0.5


def test_commands_in_the_readme_are_targets_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))
    assert set(re.findall(r"(?m)(?:^|`)make ([a-z]+)", README)) <= targets


def test_files_that_the_readme_links_to_exist():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert links and [link for link in links if not (ROOT / link).exists()] == []


def test_picture_in_the_readme_is_the_one_that_the_chapter_computed():
    assert notebooks.FRONT.read_bytes() == notebooks.front_picture()
