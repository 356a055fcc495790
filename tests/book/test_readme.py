"""What the README shows can be run as it stands there."""

import re
from pathlib import Path

import notebooks

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_code_in_the_readme_runs_and_shows_the_jump_and_the_drop(capsys):
    (source,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names = {}
    exec(source, names)
    printed = capsys.readouterr().out.splitlines()
    clean, attacked, robust_clean, robust_attacked = (
        int(re.match(r"(\d+) of \d+ \(", line)[1]) for line in printed
    )
    n = len(names["data"].y_test)
    assert clean < 0.05 * n and robust_clean < 0.1 * n
    assert robust_attacked < 0.3 * attacked and attacked > 0.5 * n


def test_commands_in_the_readme_are_targets_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    rules = re.findall(r"^([a-z ]+):(?!=)", makefile, flags=re.MULTILINE)
    targets = {target for rule in rules for target in rule.split()}
    assert set(re.findall(r"(?m)(?:^|`)make ([a-z]+)", README)) <= targets


def test_files_that_the_readme_links_to_exist():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert links and [link for link in links if not (ROOT / link).exists()] == []


def test_picture_in_the_readme_is_the_one_that_the_chapter_computed():
    assert notebooks.FRONT.read_bytes() == notebooks.front_picture()
