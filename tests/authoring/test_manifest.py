"""A release's numbers: one that has changed is found, and what only looks different is not."""

import copy
import json

import pytest
from nbformat import v4

from authoring import manifest
from authoring.manifest import differences, differing, lines, main, numbers
from booksite.finished import MARK
from tests.oracles import says

TABLE = "'<table>\\n<tr><th>x  </th></tr>\\n<tr><td>   0.5</td><td>3 of 7</td></tr>\\n</table>'"


@pytest.fixture
def build(tmp_path, monkeypatch):
    """A finished build of one chapter, and a function that writes its manifest."""
    site, executed = tmp_path / "html", tmp_path / "executed"
    (executed / "book").mkdir(parents=True)
    site.mkdir()
    (site / MARK).touch()
    cell = v4.new_code_cell("1", id="one")
    cell.outputs = [
        v4.new_output("stream", name="stdout", text="risk 0.118652\nmistakes: 39\n"),
        v4.new_output("stream", name="stderr", text="a download of 3 MB\n"),
        v4.new_output("execute_result", data={"text/plain": TABLE}),
        v4.new_output("display_data", data={"text/csv": "x,y\n1,0.25\n", "text/plain": "<Figure>"}),
    ]
    (executed / "book" / "a.ipynb").write_text(json.dumps(v4.new_notebook(cells=[cell])))
    glued = {"threshold": {"output_type": "display_data", "data": {"text/plain": "'0.0367'"}}}
    (executed / "book" / "a.glue.json").write_text(json.dumps(glued))
    for name, path in {"SITE": site, "MANIFEST": tmp_path / "manifest.json"}.items():
        monkeypatch.setattr(manifest, name, path)
    monkeypatch.setattr(manifest, "unfinished", lambda: None)
    monkeypatch.setattr(manifest, "numbers", lambda: numbers(executed))
    monkeypatch.setattr(manifest, "versions", lambda: {"torch": "2.13.0"})
    main(["write"])
    return tmp_path / "manifest.json"


def changed(path, change):
    """The same manifest after `change`."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    return ["verify", str(path)]


def test_a_manifest_has_what_cells_print_tables_data_and_values(build):
    content = json.loads(build.read_text(encoding="utf-8"))
    assert content == {
        "versions": {"torch": "2.13.0"},
        "chapters": {
            "book/a": {
                "cell one": ["risk 0.118652", "mistakes: 39", "x", "0.5 3 of 7", "x,y", "1,0.25"],
                "value threshold": ["0.0367"],
            }
        },
    }


def test_a_build_agrees_with_its_own_manifest(build, capsys):
    assert main(["verify", str(build)]) == 0
    assert "7 lines compared, numbers within 1e-05: 0 differences" in capsys.readouterr().out


def test_a_changed_number_is_found_and_shown(build, capsys):
    def change(content):
        content["chapters"]["book/a"]["cell one"][1] = "mistakes: 38"

    assert main(changed(build, change)) == 1
    assert "book/a, cell one, line 2: released '38', here '39'" in capsys.readouterr().out


def test_another_version_is_shown_and_is_no_difference(build, capsys):
    assert main(changed(build, lambda content: content["versions"].update(torch="2.12.0"))) == 0
    assert "made with: torch: released 2.12.0, here 2.13.0" in capsys.readouterr().out


def test_what_one_of_the_two_lacks_is_found(build):
    own = numbers(build.parent / "executed")
    fewer = copy.deepcopy(own)
    del fewer["book/a"]["cell one"]
    assert list(differences(own, fewer)) == ["book/a, cell one: in the release only"]
    assert list(differences(fewer, own)) == ["book/a, cell one: not in the release"]
    assert len(list(differences(own, {}))) == 2
    fewer = copy.deepcopy(own)
    fewer["book/a"]["cell one"].pop()
    (line,) = differences(own, fewer)
    assert line == "book/a, cell one, line 6: released '1,0.25', here ''"


def test_of_many_lines_that_differ_some_are_shown_and_all_counted():
    one, other = ({"a": {"cell b": [f"{k} {n}" for n in range(20)]}} for k in (1, 2))
    shown = list(differences(one, other))
    assert len(shown) == 6 and shown[-1] == "a, cell b: and 15 more lines"


@pytest.mark.parametrize(
    ("released", "own", "expected"),
    [
        ("risk 0.118652", "risk 0.118653", None),
        ("risk 0.1187", "risk 0.1188", ("0.1187", "0.1188")),
        ("-1e-17", "2.5e-18", None),
        ("0.5", "-0.5", ("0.5", "-0.5")),
        ("100000000", "100000001", ("100000000", "100000001")),
        ("1 of 7", "1 of 8", ("7", "8")),
        ("optimal", "separable", ("optimal", "separable")),
        ("2 steps", "2 epochs", ("2 steps", "2 epochs")),
        ("nan", "0.5", ("nan", "0.5")),
    ],
)
def test_counts_and_words_are_exact_and_other_numbers_within_the_tolerance(released, own, expected):
    assert differing(released, own) == expected
    assert differing(own, released) == (expected and expected[::-1])


def test_text_that_looks_like_markup_in_what_a_cell_prints_is_kept():
    assert lines({"output_type": "stream", "name": "stdout", "text": ["1 < 2 > 0\n"]}) == [
        "1 < 2 > 0"
    ]


@pytest.mark.parametrize("content", [None, "no JSON", "[]", '{"versions": {}}', '{"chapters": 3}'])
def test_a_manifest_that_is_none_is_refused_with_what_to_do(build, content, tmp_path):
    path = tmp_path / "other.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    text = f"Nothing compared: a release's manifest.json is needed, and {path} is none"
    with pytest.raises(SystemExit) as end:
        main(["verify", str(path)])
    assert str(end.value).startswith(text)
    assert str(end.value).endswith(
        "download it from the release, and name it with make verify MANIFEST=..."
    )


def test_without_git_the_commit_is_unknown(monkeypatch):
    monkeypatch.setattr(manifest, "facts", lambda mode: {"Chapters": "executed", "numpy": "2"})
    monkeypatch.setenv("PATH", "")
    assert manifest.versions() == {"Commit": "unknown", "numpy": "2"}


def test_a_draft_has_no_numbers_of_its_own(build):
    (build.parent / "html" / ".draft").touch()
    with says(
        SystemExit,
        "No numbers: the site is a draft, whose numbers were computed earlier: run make book",
    ):
        main(["write"])
