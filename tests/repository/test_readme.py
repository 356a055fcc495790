"""README and front page show what is there; errata have boxes, and questions look like one."""

import re
from pathlib import Path

from docutils import nodes
from docutils.utils import new_document

import run
from authoring import notebooks
from authoring.notebooks import CHAPTERS, chapters, read
from booksite.questions import QUESTION, mark

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


ERRATUM = re.compile(
    r"^:::\{admonition\} Erratum (?P<title>\d+)\n:class: erratum\n:name: erratum-(?P<name>\d+)\n"
    r"\n(?P<text>.+?)\n:::$",
    re.MULTILINE | re.DOTALL,
)


def pages() -> dict[str, str]:
    """The prose of all pages of the book, by path."""
    texts = {path: path.read_text(encoding="utf-8") for path in CHAPTERS.rglob("*.md")}
    for path in chapters():
        cells = (cell for cell in read(path).cells if cell.cell_type == "markdown")
        texts[path] = "\n\n".join(cell.source for cell in cells)
    return {path.relative_to(CHAPTERS).as_posix(): text for path, text in texts.items()}


def unmarked_slips(errata: str, texts: dict[str, str]) -> list[str]:
    """What is wrong between the list of errata and the boxes of the chapters."""
    listed = re.findall(r"(?m)^(\d+)\. \(slip-\1\)=$", errata)
    problems = [] if listed else ["the list of errata has no entry with a target"]
    boxes = [(name, box) for name, text in texts.items() for box in ERRATUM.finditer(text)]
    for number in listed:
        found = [name for name, box in boxes if box["name"] == number]
        if len(found) != 1:
            problems.append(f"erratum {number} has {len(found)} boxes, not one")
        if f"](#erratum-{number})" not in errata:
            problems.append(f"erratum {number} does not lead to its box")
    for name, box in boxes:
        number = box["name"]
        if box["title"] != number or number not in listed:
            problems.append(f"{name}: the box {number} stands for no erratum of the list")
        if f"](#slip-{number})" not in box["text"]:
            problems.append(f"{name}: the box {number} does not lead back to the list")
    return problems


def test_every_slip_has_one_box_where_it_is_corrected_and_links_lead_both_ways():
    texts = pages()
    assert unmarked_slips(texts["appendix/errata.md"], texts) == []


def test_a_slip_without_a_box_and_a_box_without_a_way_back_are_found():
    errata = "1. (slip-1)=\n   *Here:* [the box](#erratum-1).\n\n2. (slip-2)=\n   Nowhere.\n"
    box = ":::{admonition} Erratum 1\n:class: erratum\n:name: erratum-1\n\nA slip.\n:::\n"
    assert unmarked_slips(errata, {"chapter": box}) == [
        "erratum 2 has 0 boxes, not one",
        "erratum 2 does not lead to its box",
        "chapter: the box 1 does not lead back to the list",
    ]
    stray = box.replace("erratum-1", "erratum-3")
    assert "chapter: the box 3 stands for no erratum of the list" in unmarked_slips(
        errata, {"chapter": stray}
    )
    assert unmarked_slips("1. A slip.", {}) == ["the list of errata has no entry with a target"]


def test_a_paragraph_that_begins_with_the_question_is_marked():
    document = new_document("page")
    question = nodes.paragraph(
        "", "", nodes.Text(""), nodes.strong("", QUESTION), nodes.Text(" A six?")
    )
    others = [
        nodes.paragraph("", "", nodes.Text("Ask: "), nodes.strong("", QUESTION)),
        nodes.paragraph("", QUESTION),
        nodes.paragraph("", "", nodes.strong("", "What else?")),
        nodes.paragraph(),
    ]
    document += [question, *others]
    mark(None, document)
    assert question["classes"] == ["expect"]
    assert [each["classes"] for each in others] == [[], [], [], []]


def test_no_page_marks_a_question_by_hand():
    """The linter finds a chapter without a question; what marks one is its words alone."""
    assert [name for name, text in pages().items() if "{.expect}" in text] == []
