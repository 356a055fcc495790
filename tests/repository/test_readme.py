"""What the README shows can be run as it stands there."""

import re
from pathlib import Path

import run
from authoring import notebooks

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


def test_commands_in_the_readme_exist():
    assert set(re.findall(r"(?m)(?:^|`)make ([a-z]+)", README)) <= set(run.commands())


def test_files_that_the_readme_links_to_exist():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert links and [link for link in links if not (ROOT / link).exists()] == []


def test_picture_in_the_readme_is_the_one_that_the_chapter_computed():
    assert notebooks.FRONT.read_bytes() == notebooks.front_picture()


def unnamed(notebooks: list[Path], page: Path) -> list[str]:
    """The notebooks that this page has no link to."""
    links = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    targets = {(page.parent / link).resolve() for link in links}
    return [path.name for path in notebooks if path.resolve() not in targets]


def test_every_chapter_is_named_on_the_front_page_and_in_the_readme():
    for page in (ROOT / "README.md", ROOT / "book" / "index.md"):
        assert unnamed(notebooks.chapters(), page) == [], page


def test_a_chapter_without_a_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("[One](a/one.ipynb#part), `a/two.ipynb`")
    chapters = [tmp_path / "a" / "one.ipynb", tmp_path / "a" / "two.ipynb"]
    assert unnamed(chapters, page) == ["two.ipynb"]
