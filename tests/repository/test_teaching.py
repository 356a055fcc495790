"""Pages for those who teach: terms are those of the chapters, plans add up, labels exist."""

import re

from authoring.notebooks import CHAPTERS, chapters, read

TEACHING = CHAPTERS / "teaching"
TERM = re.compile(r"\{term\}`(?:[^`<]*<)?([^`<>]+)>?`")


def prose(path):
    """The Markdown of a chapter."""
    return "\n\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")


def unlinked(glossary, texts):
    """The entries of a glossary to which no text refers."""
    (entries,) = re.findall(r"(?ms)^:::\{glossary\}$(.*?)^:::$", glossary)
    terms = re.findall(r"(?m)^(\w.*)$", entries)
    used = {term.lower() for text in texts for term in TERM.findall(text)}
    return [term for term in terms if term.lower() not in used]


def test_a_chapter_leads_to_each_entry_of_the_glossary():
    """And that each reference has its entry, the build says."""
    glossary = (TEACHING / "glossary.md").read_text(encoding="utf-8")
    assert unlinked(glossary, map(prose, chapters())) == []


def test_an_entry_without_a_reference_is_found():
    glossary = (
        ":::{glossary}\n:sorted:\n\nA b\n  Text, {term}`c`.\n\nc\n  More.\n\nd\n  Last.\n:::\n"
    )
    assert unlinked(glossary, ["{term}`a b` and **{term}`words <d>`**"]) == ["c"]


# ---------------------------------------------------------------------------------------- plans

PLANS = ("plan_lecture", "plan_beyond", "plan_networks")
ROW = re.compile(r"^\| \[([^|]+)\]\(([^)|]+)\) \| (\d+|–) \| (\d+|–) \|$", re.M)
REST = re.compile(r"^\| (An exercise, and questions) \| (\d+) \| (\d+) \|$", re.M)
LABEL = re.compile(r"\{ref\}`(?:[^`<]*<)?((?:ex|self-test)-[\w-]+)>?`")
ITEM = re.compile(r"^- .+(?:\n  .+)*", re.M)
#: What a chapter ends with: nobody lectures on it.
ENDS = {"Try it", "What to remember", "What you have seen", "Further reading"}


def plans():
    """The plan of each chapter: its Markdown by the chapter's path."""
    found = {}
    for name in PLANS:
        text = (TEACHING / f"{name}.md").read_text(encoding="utf-8")
        for part in re.split(r"(?m)^## ", text)[1:]:
            (chapter,) = re.findall(r"\[Chapter\]\(\.\./([^)]+)\)", part)
            found[CHAPTERS / chapter] = part
    return found


def items(plan, title):
    """The items of the list below a title."""
    below = plan.split(f"**{title}.**")[1].split("\n**")[0]
    return ITEM.findall(below)


def faults(plan, headings, labels):
    """What a plan lacks, of a chapter with these headings and tests of these labels."""
    rows, rest = ROW.findall(plan), REST.findall(plan)
    found = [f"a row for {name}" for name in headings if name not in [row[0] for row in rows]]
    found += [f"no such section: {row[0]}" for row in rows if row[0] not in headings]
    for column, length in ((-2, 45), (-1, 90)):
        minutes = [0 if row[column] == "–" else int(row[column]) for row in rows + rest]
        if sum(minutes) != length:
            found.append(f"{sum(minutes)} minutes of {length}")
    for title in ("Goals", "Misconceptions"):
        lines = items(plan, title)
        if len(lines) < 3:
            found.append(f"{title}: three at least")
        for line in lines:
            named = LABEL.findall(line)
            if not named or not set(named) <= labels:
                found.append(f"{title}: what tests it in this chapter, in {line!r}")
    return found


def exercises(text):
    """The labels of the exercises of a page."""
    return set(re.findall(r"^:label: (ex-[\w-]+)$", text, re.M))


def self_tests(text):
    """The labels of its self-tests."""
    return {f"self-test-{name}" for name in re.findall(r"(?m)^:::\{self-test\} (\S+)$", text)}


def test_each_chapter_has_a_plan_that_adds_up_and_names_its_exercises():
    found = plans()
    taught = [path for path in chapters() if path.parent.name != "practice"]
    assert sorted(found) == sorted(taught)
    for path, plan in found.items():
        text, practice = prose(path), prose(CHAPTERS / "practice" / path.name)
        headings = [h for h in re.findall(r"(?m)^## (.+)$", text) if h not in ENDS]
        labels = exercises(text) | exercises(practice) | self_tests(text)
        assert faults(plan, headings, labels) == [], path.stem


def test_the_one_lecture_takes_90_minutes():
    text = (TEACHING / "plan.md").read_text(encoding="utf-8")
    minutes = re.findall(r"(?m)^\| \[.*\| (\d+) \|$", text)
    assert len(minutes) > 5 and sum(map(int, minutes)) == 90


def test_faults_of_a_plan_are_found():
    goals = 3 * "- do it ({ref}`ex-a`);\n"
    row = "| [One](../a.ipynb#one) | 40 | 80 |\n"
    rest = "| An exercise, and questions | 5 | 10 |\n"
    plan = f"**Goals.** To\n\n{goals}\n{row}{rest}\n**Misconceptions.**\n\n{goals}"
    assert faults(plan, ["One"], {"ex-a"}) == []
    assert faults(plan, ["One", "Two"], {"ex-a"}) == ["a row for Two"]
    assert faults(plan, ["One"], {"ex-b"})[0].startswith("Goals: what tests it")
    late = plan.replace("80", "81").replace("One", "Won")
    expected = ["a row for One", "no such section: Won", "91 minutes of 90"]
    assert faults(late, ["One"], {"ex-a"}) == expected
    assert "Goals: three at least" in faults(plan.replace(goals, ""), ["One"], set())


def test_the_script_that_counts_what_has_passed_runs(monkeypatch, capsys):
    """On a page of practice as it is stored, where the solutions have passed."""
    page = (TEACHING / "class.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"(?s)```python\n(.*?)```", page)
    path = CHAPTERS / "practice" / "min_max.ipynb"
    monkeypatch.setattr("sys.argv", ["passed.py", str(path)])
    exec(script, {})
    name, found, said = capsys.readouterr().out.partition(str(path))
    number, *passed = said.split()
    assert (name, found, int(number)) == ("", str(path), len(passed))
    assert set(passed) == exercises(prose(path))
