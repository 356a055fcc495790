"""What a chapter says reaches the page as it was said."""

import base64
import copy
import io
import logging
import sys
import types
from html.parser import HTMLParser

import IPython
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.image import imread
from myst_nb.ext.glue import extract_glue_data
from nbclient import NotebookClient

from lectures_code.mnist import Digits
from lectures_code.reporting import glue, picture, show_source, spread, table
from tests.oracles import says

PREFIX = "application/papermill.record/"
NO_NOTEBOOK = "showing this needs a notebook, got none: print it instead"


class Cells(HTMLParser):
    """The text of a table's cells, without the padding that HTML ignores, and the tags."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.tags, self.open = [], [], False
        self.feed(text)
        self.rows = [[cell.strip() for cell in row] for row in self.rows]

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        self.open = tag in ("td", "th")
        if self.open:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self.open = False

    def handle_data(self, data):
        if self.open:
            self.rows[-1][-1] += data


class Published:
    """A shell that keeps what it is asked to show."""

    def __init__(self):
        self.outputs = []
        self.display_formatter = types.SimpleNamespace(format=self.format)
        self.display_pub = types.SimpleNamespace(publish=self.publish)

    @staticmethod
    def format(value):
        data = {"text/plain": repr(value)}
        if hasattr(value, "_repr_html_"):
            data["text/html"] = value._repr_html_()
        return data, {"text/plain": {"of": type(value).__name__}}

    def publish(self, data, metadata=None):
        self.outputs.append((data, metadata))


@pytest.fixture
def shell(monkeypatch):
    shell = Published()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    return shell


@pytest.fixture
def no_shell(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)


def zero_one(source, origin="somewhere"):
    x, y = torch.zeros(3, 784, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    return Digits(x, y, x[:2], y[:2], (0, 1), source=source, origin=origin)


def drawing():
    figure = Figure(figsize=(2, 1), dpi=100)
    figure.subplots().plot([0, 1], [1, 0])
    return figure


def test_a_table_has_the_cells_that_it_was_given():
    rows = [["standard", "1 of 2115 (0.0005)"], ["robust", "8 of 2115 (0.0038)"]]
    found = table(["training", "mistakes"], rows)
    assert Cells(str(found)).rows == [["training", "mistakes"], *rows]
    assert Cells(found._repr_html_()).rows == [["training", "mistakes"], *rows]


@pytest.mark.parametrize(
    "cell", ["0.10", "1e5", "007", "1.0", "-0.0", "+3", "12,665", "nan", "0x10", "1_000", "−3"]
)
def test_numbers_are_not_formatted_again(cell):
    assert Cells(str(table(["n", "m"], [[cell, "x"], ["2.125", "y"]]))).rows[1] == [cell, "x"]


@pytest.mark.parametrize(
    ("cells", "aligned"),
    [
        (["1 of 9 (0.1111)", "12 of 99 (0.1212)"], True),
        (["+0.5", "−3", "inf", ""], True),
        (["12", "none"], False),
        (["information", "nano"], False),
    ],
)
def test_columns_of_numbers_alone_are_aligned_at_their_right(cells, aligned):
    found = str(table(["7", "n"], [["7", cell] for cell in cells]))
    assert found.count("text-align: right") == (len(cells) + 1) * aligned, "the first names the row"


def test_a_column_without_a_name_has_no_header_and_no_rows_are_a_table_too():
    found = Cells(str(table(["", "n"], [["a", "1"]])))
    assert found.rows == [["", "n"], ["a", "1"]] and found.tags.count("th") == 1
    assert Cells(str(table(["n"], []))).rows == [["n"]]


def test_what_the_numbers_are_about_is_the_caption_and_is_text():
    found = str(table(["n"], [["1"]], card="norm inf; <b>"))
    assert found.startswith("<table>\n<caption>norm inf; &lt;b&gt;</caption>\n<thead>")
    assert "caption" not in str(table(["n"], [["1"]]))


def test_values_of_any_kind_are_shown_as_their_text():
    rows = [[1, 0.5, None, True], (2, np.float64(0.25), torch.tensor(3), "")]
    expected = [["1", "0.5", "None", "True"], ["2", "0.25", "tensor(3)", ""]]
    assert Cells(str(table("abcd", rows))).rows[1:] == expected


def test_markup_in_cells_and_headers_is_text():
    nasty = '<b>x</b> & "y" <script>'
    found = Cells(str(table([nasty, "n"], [[nasty, "1 < 2"]])))
    assert found.rows == [[nasty, "n"], [nasty, "1 < 2"]]
    assert not {"b", "script"} & set(found.tags)


def test_rows_may_come_from_a_generator_or_be_none():
    assert len(Cells(str(table(["k"], ([k] for k in range(3))))).rows) == 4
    assert Cells(str(table(["k", "n"], []))).rows == [["k", "n"]]


def test_a_glued_value_is_published_under_the_builder_s_prefix_and_nothing_else_is(shell, capsys):
    glue("jump", "1789 of 2115")
    metadata = {"text/plain": {"of": "str"}, "scrapbook": {"name": "jump", "mime_prefix": PREFIX}}
    assert shell.outputs == [({PREFIX + "text/plain": "'1789 of 2115'"}, metadata)]
    assert capsys.readouterr() == ("", "")


def test_a_glued_picture_is_html_with_its_description(shell):
    glue("picture", picture(drawing(), "a falling line"))
    ((data, _),) = shell.outputs
    assert data[PREFIX + "text/plain"] == "a falling line"
    assert data[PREFIX + "text/html"].startswith("<img ")


def test_glue_needs_a_notebook(no_shell):
    with says(RuntimeError, NO_NOTEBOOK):
        glue("jump", 1)


def test_glue_needs_a_notebook_also_where_ipython_is_only_imported(monkeypatch):
    monkeypatch.setattr(IPython, "get_ipython", lambda: None)
    with says(RuntimeError, NO_NOTEBOOK):
        glue("jump", 1)


class Image(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_a_picture_is_a_png_in_the_page_with_its_description():
    alt = "lines \"a\" & <b>: where 'x' > 0"
    shown = picture(drawing(), alt)
    ((tag, attributes),) = Image(shown._repr_html_()).found
    assert tag == "img" and attributes["alt"] == alt
    kind, _, data = attributes["src"].partition(",")
    assert kind == "data:image/png;base64"
    pixels = imread(io.BytesIO(base64.b64decode(data, validate=True)), format="png")
    height, width, _ = pixels.shape
    assert 50 < height < 150 and 100 < width < 250, "cut to what is drawn, at 100 dots an inch"
    assert np.ptp(pixels[..., :3]) > 0.5, "something is drawn"
    assert repr(shown) == shown.text == alt


def test_drawing_a_picture_changes_no_setting_and_opens_no_figure():
    before = dict(plt.rcParams)
    assert picture(drawing(), "a falling line") == picture(drawing(), "a falling line")
    assert dict(plt.rcParams) == before
    assert plt.get_fignums() == []


def test_on_full_mnist_nothing_is_shown_and_an_empty_notice_handed_over(shell):
    assert show_source(zero_one("mnist")) is None
    ((data, metadata),) = shell.outputs
    assert data == {PREFIX + "text/plain": "", PREFIX + "text/html": ""}
    assert metadata["scrapbook"] == {"name": "data-notice", "mime_prefix": PREFIX}


def test_on_the_sample_a_box_is_shown_and_handed_over(shell):
    show_source(zero_one("sample", origin="5,000 images <in> a library"))
    (data, _), (handed_over, metadata) = shell.outputs
    text = (
        "MNIST was not available when this was computed. It uses 5,000 images <in> a library: "
        "3 images to train on and 2 to test on. The figures are real, but they are not those of "
        "the lecture."
    )
    assert data["text/plain"] == text
    assert data["text/html"].startswith('<div class="admonition warning">')
    assert "&lt;in&gt;" in data["text/html"] and "<in>" not in data["text/html"]
    assert ">Computed on a sample<" in data["text/html"]
    assert handed_over == {PREFIX + kind: value for kind, value in data.items()}
    assert metadata["scrapbook"]["name"] == "data-notice"


@pytest.mark.parametrize("source", ["mnist", "sample"])
def test_the_notice_needs_a_notebook(no_shell, source):
    with says(RuntimeError, NO_NOTEBOOK):
        show_source(zero_one(source))


SETUP = """
import torch
from matplotlib.figure import Figure
from lectures_code.mnist import Digits
from lectures_code.reporting import glue, picture, show_source, table
figure = Figure(); figure.subplots().plot([0, 1])
values = {"text": "1 of 2115", "number": 0.025, "picture": picture(figure, "a line"),
          "table": table(["k"], [["0.10"]])}
def data(source):
    x, y = torch.zeros(2, 784), torch.ones(2)
    return Digits(x, y, x, y, (0, 1), source=source, origin="a library")
"""
OURS = "for name, value in values.items(): glue(name, value)"
THEIRS = """
from myst_nb import glue as their_glue
for name, value in values.items(): their_glue(name, value, display=False)
"""


@pytest.fixture(scope="module")
def notebook():
    shown = [
        "show_source(data('mnist'))",
        "show_source(data('sample'))",
        "table(['k'], [['0.10']])",
    ]
    cells = [SETUP, OURS, THEIRS, *shown]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    return NotebookClient(notebook, timeout=120, kernel_name="python3").execute()


def glued(cell):
    one = nbformat.v4.new_notebook(cells=[nbformat.from_dict(cell)])
    found = extract_glue_data(one, [0], logging.getLogger("test"))
    return {name: output["data"] for name, output in found.items()}


def test_the_book_s_builder_reads_what_was_glued_as_if_by_its_own_function(notebook):
    ours, theirs = (glued(notebook.cells[k]) for k in (1, 2))
    assert list(ours) == ["text", "number", "picture", "table"]
    assert ours == theirs
    assert ours["text"]["text/plain"] == "'1 of 2115'"
    assert ours["picture"]["text/html"].startswith('<img class="picture" alt="a line" ')


def test_in_a_notebook_glue_shows_nothing_and_a_table_shows_html(notebook):
    for output in notebook.cells[1].outputs:
        assert all(kind.startswith(PREFIX) for kind in output["data"])
    (shown,) = notebook.cells[5].outputs
    assert Cells(shown["data"]["text/html"]).rows == [["k"], ["0.10"]]


def test_in_a_notebook_the_notice_is_seen_on_the_sample_only(notebook):
    on_mnist, on_sample = (copy.deepcopy(notebook.cells[k]) for k in (3, 4))
    assert glued(on_mnist)["data-notice"]["text/html"] == ""
    notice = glued(on_sample)["data-notice"]["text/html"]
    assert "Computed on a sample" in notice

    def seen(cell):
        return [output["data"] for output in cell.outputs if "scrapbook" not in output.metadata]

    assert seen(on_mnist) == []
    assert [data["text/html"] for data in seen(on_sample)] == [notice]


@pytest.mark.parametrize(
    ("values", "form", "expected"),
    [
        ([7, 3, 5], "{:g}", "3 to 7"),
        ([0.1234, 0.1231], "{:.3f}", "0.123"),
        (iter([2]), "{:g}", "2"),
    ],
)
def test_a_spread_names_the_least_and_the_largest_once_if_they_print_alike(values, form, expected):
    assert spread(values, form) == expected
