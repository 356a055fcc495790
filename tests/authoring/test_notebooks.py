"""Outputs are stored in one canonical form, by one run from top to bottom, and from full MNIST."""

import base64
import io
from types import SimpleNamespace

import pytest
from nbclient.exceptions import CellExecutionError
from nbformat import v4
from PIL import Image

from authoring import notebooks
from authoring.lint import lint_notebook


def stored(tmp_path, *sources):
    """A notebook with these code cells on disk, never run."""
    path = tmp_path / "chapter.ipynb"
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])
    path.write_text(notebooks.canonical(notebook), encoding="utf-8")
    return path


def test_canonical_form_is_stable_under_reading_and_writing(tmp_path):
    path = stored(tmp_path, "1 + 1", "print('ε ≤ 1')")
    assert notebooks.canonical(notebooks.read(path)) == path.read_text(encoding="utf-8")


def notebook_of(*cells, metadata=None):
    """A notebook of these cells as they are: nbformat's constructor repairs what it is given."""
    content = {"cells": cells, "metadata": metadata or {}, "nbformat": 4, "nbformat_minor": 5}
    return notebooks.nbformat.from_dict(content)


def test_canonical_form_keeps_what_the_book_reads_and_drops_the_rest():
    cell = v4.new_code_cell("1", metadata={"tags": ["remove-cell"], "collapsed": True})
    cell.metadata["execution"] = {"iopub.execute_input": "2026-01-01T00:00:00Z"}
    text = notebooks.canonical(notebook_of(cell, metadata={"kernelspec": {"name": "conda-env"}}))
    assert "remove-cell" in text and '"name": "python3"' in text
    assert "collapsed" not in text and "iopub" not in text and "conda-env" not in text
    assert cell.metadata["collapsed"], "the notebook itself was changed"


def test_cells_without_an_id_of_their_own_are_given_the_same_one_each_time():
    def text():
        cells = [v4.new_code_cell("1"), v4.new_code_cell("1"), v4.new_markdown_cell("a")]
        del cells[0]["id"]
        cells[1]["id"] = cells[2]["id"] = "twice"
        return notebooks.canonical(notebook_of(*cells))

    assert text() == text()
    ids = [cell.id for cell in notebooks.nbformat.reads(text(), 4).cells]
    assert len(set(ids)) == 3 and ids[1] == "twice"


def test_execution_starts_afresh_and_twice_gives_the_same_text(tmp_path):
    path = stored(tmp_path, "import os", "os.environ.get('OMP_NUM_THREADS')", "print('done')")
    texts = [notebooks.canonical(notebooks.execute(path, threads=1)) for _ in range(2)]
    assert texts[0] == texts[1]
    cells = notebooks.nbformat.reads(texts[0], 4).cells
    assert [cell.execution_count for cell in cells] == [1, 2, 3]
    assert cells[1].outputs[0].data["text/plain"] == "'1'"


def test_a_failing_cell_leaves_every_notebook_as_it_was(tmp_path, capsys):
    path = stored(tmp_path, "1 + 1", "1 / 0")
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="division by zero"):
        notebooks.write([path])
    assert path.read_bytes() == before


def test_writing_stores_outputs_and_writing_again_changes_nothing(tmp_path, capsys):
    path = stored(tmp_path, "1 + 1")
    assert notebooks.write([path]) == 1
    assert '"2"' in path.read_text(encoding="utf-8")
    assert not any("make notebooks" in p.to_do for p in lint_notebook(path, repository=""))
    assert notebooks.write([path]) == 0


def test_check_finds_a_chapter_whose_outputs_depend_on_the_run(tmp_path, capsys):
    path = stored(tmp_path, "import os", "os.environ['OMP_NUM_THREADS']")
    assert notebooks.check([path]) == 2, "nothing was stored yet"
    path.write_text(notebooks.canonical(notebooks.execute(path, threads=1)), encoding="utf-8")
    assert notebooks.check([path]) == 1, "the second run has another number of threads"
    assert "2 thread(s): DIFFERS" in capsys.readouterr().out


@pytest.mark.parametrize(("source", "code"), [("mnist", 0), ("sample", 1)])
def test_outputs_are_stored_on_full_mnist_alone(source, code, tmp_path, monkeypatch, capsys):
    def load_zero_one(*, source):
        if found.source != source:
            raise RuntimeError("no usable MNIST was found")
        return found

    found = SimpleNamespace(source=source)
    monkeypatch.setattr("lectures_code.mnist.load_zero_one", load_zero_one)
    monkeypatch.setattr(notebooks, "write", lambda paths: 0)
    assert notebooks.main(["write", str(tmp_path)]) == code
    if code:
        assert "set MNIST_DIR" in capsys.readouterr().out


def test_pictures_lose_bytes_but_no_pixel():
    file = io.BytesIO()
    Image.effect_noise((60, 60), 20).save(file, format="PNG", compress_level=0)
    output = notebooks.nbformat.from_dict(
        {"data": {"image/png": base64.b64encode(file.getvalue()).decode()}}
    )
    notebooks._shrink_png(output)
    smaller = base64.b64decode(output.data["image/png"])
    assert len(smaller) < len(file.getvalue())
    with Image.open(io.BytesIO(smaller)) as after, Image.open(file) as before:
        assert after.tobytes() == before.tobytes()


def test_chapters_are_found_in_order_and_checkpoints_left_out(tmp_path):
    for name in ("b.ipynb", "a.ipynb", ".ipynb_checkpoints/a-checkpoint.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in notebooks.chapters(tmp_path)] == ["a.ipynb", "b.ipynb"]
