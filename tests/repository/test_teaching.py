"""Pages for those who teach: terms are those of the chapters."""

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
