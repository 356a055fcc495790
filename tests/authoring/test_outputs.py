"""Each chapter's stored outputs are those of the last build: nbval then need not run it again."""

import copy

import pytest

from authoring import notebooks, outputs

PNG = "iVBORw0KGgo="
CELLS = [
    {"outputs": [{"output_type": "stream", "name": "stdout", "text": ["1 of 9\n", "2 of 9\n"]}]},
    {"outputs": [{"output_type": "execute_result", "data": {"text/html": "<td>3</td>"}}]},
    {"outputs": [{"output_type": "display_data", "data": {"image/png": PNG, "text/plain": "f"}}]},
    {
        "outputs": [
            {
                "output_type": "display_data",
                "data": {"application/papermill.record/text/plain": "'4'"},
                "metadata": {"scrapbook": {"name": "value"}},
            }
        ]
    },
]
GLUED = {"value": {"output_type": "display_data", "data": {"text/plain": "'4'"}}}


@pytest.fixture
def executed():
    """The cells as a build executes them: a stream's parts, other figures, values apart."""
    cells = copy.deepcopy(CELLS)
    cells[0]["outputs"].append({"output_type": "stream", "name": "stdout", "text": "2 of 9\n"})
    cells[2]["outputs"][0]["data"] = {"image/svg+xml": "<svg>", "text/csv": "1", "text/plain": "f"}
    cells[3]["outputs"] = []
    return cells


@pytest.fixture(scope="module")
def mode():
    """Asked once: to know whether a build is of these sources takes a look at all of them."""
    return outputs.mode()


@pytest.mark.parametrize("path", notebooks.chapters(), ids=lambda path: path.stem)
def test_a_chapter_stores_what_the_last_build_has_computed(path, mode):
    if mode != "built":
        pytest.skip("the chapters have not been built as they are: nbval runs them")
    assert list(outputs.differences(path)) == []


def test_a_builds_own_forms_are_no_difference(executed):
    assert list(outputs.compared(CELLS, executed, GLUED)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda cells: cells[0].update(outputs=[]), "cell 1: stored {'stdout': ['1', 'of', '9'"),
        (lambda cells: cells[0]["outputs"][0].update(text="3 of 9"), "cell 1: "),
        (lambda cells: cells[1]["outputs"][0]["data"].update({"text/html": "4"}), "cell 2: "),
        (lambda cells: cells[2]["outputs"][0]["data"].update({"text/plain": "g"}), "cell 3: "),
        (lambda cells: cells[3]["outputs"].append(CELLS[1]["outputs"][0]), "cell 4: "),
    ],
)
def test_a_change_of_what_a_cell_shows_is_found(executed, change, said):
    change(executed)
    (found,) = outputs.compared(CELLS, executed, GLUED)
    assert found.startswith(said)


@pytest.mark.parametrize("glued", [{}, {"value": {"data": {"text/plain": "'5'"}}}])
def test_a_change_of_a_value_for_the_prose_is_found(executed, glued):
    (found,) = outputs.compared(CELLS, executed, glued)
    assert found.startswith("value value: stored {'text/plain': \"'4'\"}, built ")


@pytest.mark.parametrize(
    ("full", "site", "mode"),
    [
        (True, "draft", "--nbval"),
        (True, "old", "--nbval"),
        (True, "whole", "built"),
        (False, "whole", "--nbval-lax"),
    ],
)
def test_outputs_are_compared_on_full_mnist_and_run_anew_where_no_build_has_them(
    full, site, mode, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(outputs, "full_mnist_is_here", lambda: full)
    monkeypatch.setattr(outputs, "ROOT", tmp_path)
    monkeypatch.setattr(outputs, "outdated", lambda root: "old" if site == "old" else None)
    if site == "draft":
        (tmp_path / "_build" / "html").mkdir(parents=True)
        (tmp_path / "_build" / "html" / ".draft").touch()
    assert outputs.mode() == mode
    assert ("nothing is compared" in capsys.readouterr().err) == (not full)
