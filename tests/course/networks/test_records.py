"""What is stored: that it can be read, agrees with itself, and with the chapters that show it."""

import json

import pytest

from authoring.notebooks import ROOT
from authoring.outputs import shown
from benchmarks.other_seeds.chapters import CHAPTERS, Chapter, glued
from lectures_code.networks.records import recorded
from lectures_code.reporting import spread
from tests.oracles import says

each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)


def test_an_unknown_record_is_refused_and_the_others_are_named():
    told = "name must be that of a record, got 'three': there are other_seeds, ten_digits"
    with says(ValueError, told):
        recorded("three")


@each_chapter
def test_every_row_has_a_count_for_each_seed(chapter):
    record = recorded("other_seeds")
    rows = record["counts"][chapter.name]
    assert list(rows) == list(chapter.counts)
    assert len(record["seeds"]) == len(set(record["seeds"])) >= 10
    assert {len(counts) for counts in rows.values()} == {len(record["seeds"])}
    assert all(0 <= count < record["test images"] for counts in rows.values() for count in counts)


def test_no_attack_finds_more_than_is_not_certified():
    rows = recorded("other_seeds")["counts"]["proven"]
    pairs = [name.removesuffix(": found") for name in rows if name.endswith(": found")]
    assert len(pairs) == 3
    for name in pairs:
        found, open_ = rows[f"{name}: found"], rows[f"{name}: not certified"]
        assert all(low <= high for low, high in zip(found, open_, strict=True))


@each_chapter
def test_the_record_of_the_chapters_own_seeds_is_what_the_chapter_stores(chapter):
    """It fails when a chapter was changed and the record was not made anew."""
    book = json.loads((ROOT / "book" / "networks" / f"{chapter.name}.ipynb").read_text("utf-8"))
    values = {}
    for cell in book["cells"]:
        shown(cell.get("outputs", ()), values)
    record = recorded("other_seeds")
    assert record["seeds"][:2] == [0, 1]
    for row, name in chapter.counts.items():
        (text,) = values[name].values()
        n_own = 2 if name in ("fgsm", "start", "pgd", "trades") else 1
        assert text.strip("'") == spread(record["counts"][chapter.name][row][:n_own])


@each_chapter
def test_another_seed_changes_what_it_names_and_leaves_out_the_record(chapter):
    own, other = chapter.code(0), chapter.code(7)
    for old, new in chapter.changes.items():
        assert new.format(seed=7) in other and (old not in other)
    assert len(own) == len(other)
    assert 'recorded("other_seeds")' not in own and "%pip" not in own
    compile(own, chapter.name, "exec")


def test_a_text_that_has_moved_is_an_error():
    moved = Chapter("training", {"nowhere = 1": "nowhere = {seed}"}, {})
    with says(ValueError, "training must say 'nowhere = 1' once: change it here as well"):
        moved.code(1)


def test_nobody_sees_what_a_chapter_shows(capsys):
    code = "from lectures_code.reporting import glue, table\nprint(1)\nglue('a', 2)\ntable([], [])"
    assert glued(code) == {"a": 2}
    assert capsys.readouterr().out == ""
