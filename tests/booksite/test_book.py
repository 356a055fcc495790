"""The book's build fails where it must; and what the appendix shows of builds comes from them."""

import json
import re

import pytest
from nbformat import v4

from authoring.notebooks import canonical
from booksite import facts, long_outputs
from tests.booksite import small_book

PROSE = "# A chapter\n\n(a-place)=\n## A place\n\nAs {ref}`a-place` says, $x^2$."
FIGURE = """\
from io import BytesIO
from IPython.display import Image, display
from PIL import Image as Picture

file = BytesIO()
Picture.new("L", (1, 1)).save(file, format="PNG")
display(Image(data=file.getvalue()))"""
ALT = "A single pixel, which stands for a figure."


BAD = {
    "failing": (PROSE, "1 / 0"),
    "printing": ("# Another chapter", "print('x' * 400_000)"),
    "referring": (
        "# A third chapter\n\n{ref}`no-place` {py:func}`lectures_code.risk.nothing` "
        "{cite}`unknown1900`",
        "1",
    ),
}


def chapter(prose, source):
    cell = v4.new_code_cell(source, metadata={"mystnb": {"image": {"alt": ALT}}})
    return canonical(v4.new_notebook(cells=[v4.new_markdown_cell(prose), cell]))


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    book = tmp_path_factory.mktemp("book")
    pages = {"chapter.ipynb": chapter(PROSE, FIGURE)}
    result = small_book.build(book, pages, toc="root: book/chapter")
    assert result.exit_code == 0, result.stdout + result.stderr
    return book, (book / "_build" / "html" / "book" / "chapter.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    """A book each of whose chapters has a fault of its own: the run that failed, and its folder."""
    book = tmp_path_factory.mktemp("bad")
    pages = {f"{name}.ipynb": chapter(*content) for name, content in BAD.items()}
    toc = "root: book/failing\nchapters:\n  - file: book/printing\n  - file: book/referring\n"
    result = small_book.build(book, pages, toc=toc)
    assert result.exit_code != 0
    return result, book


def test_alt_text_in_a_cells_metadata_reaches_the_page(good):
    assert f'alt="{ALT}"' in good[1]


def test_launch_buttons_open_the_readers_edition_and_the_edit_button_the_chapter(good):
    addresses = re.findall(r'href="(https://[^"]+chapter\.ipynb)"', good[1])
    project = "adversarial-training-lecture/adversarial-training-lecture"
    assert set(addresses) == {
        f"https://mybinder.org/v2/gh/{project}/edition?urlpath=lab/tree/book/chapter.ipynb",
        f"https://colab.research.google.com/github/{project}/blob/edition/book/chapter.ipynb",
        f"https://github.com/{project}/edit/main/book/chapter.ipynb",
    }


def test_mathematics_is_drawn_by_the_build(good):
    book, page = good
    assert "<math><msup><mi>x</mi><mn>2</mn></msup></math>" in page
    assert "mathjax.js" not in page.lower() and "tex-chtml" not in page
    assert not (book / "_build" / "html" / "_static" / "mathjax").exists()
    assert "cdn" not in page.lower() and "thebe" not in page.lower()


def test_a_build_leaves_the_notebook_as_it_was(good):
    assert '"execution_count": null' in (good[0] / "book" / "chapter.ipynb").read_text("utf-8")


def test_a_failing_cell_is_a_warning_and_its_log_shows_why(bad):
    result, book = bad
    (log,) = book.rglob("*.err.log")
    assert "failing.ipynb: WARNING: Executing notebook failed" in result.stderr
    assert "ZeroDivisionError" in log.read_text(encoding="utf-8")


def test_a_cell_that_prints_too_much_is_a_warning_soon(bad):
    """Without the limit this line alone takes minutes, more than a build here may take."""
    text = "an output must have at most 20,000 letters of printed text, this cell's has 400,001"
    assert re.search(rf"printing\.ipynb:20001: WARNING: {text}: print less", bad[0].stderr)


@pytest.mark.parametrize(
    "output",
    [
        v4.new_output("stream", text="x" * 30_000),
        v4.new_output("execute_result", {"text/plain": "x" * 30_000, "text/html": "<p>"}),
    ],
)
def test_only_the_printed_text_of_a_long_output_is_shortened(output):
    short = long_outputs.shorten(output)
    assert long_outputs.printed(short) == "x" * long_outputs.MAX_PRINTED
    assert long_outputs.printed(output) == "x" * 30_000, "the output itself was changed"
    assert short.output_type == output.output_type
    assert short.get("data", {}).get("text/html") == output.get("data", {}).get("text/html")


def test_an_output_that_is_short_enough_stays_as_it_is():
    output = v4.new_output("stream", text="x" * long_outputs.MAX_PRINTED)
    assert long_outputs.shorten(output) is output


def test_broken_references_are_warnings(bad):
    for text in (
        "WARNING: undefined label: 'no-place'",
        "WARNING: py:func reference target not found: lectures_code.risk.nothing",
        'WARNING: could not find bibtex key "unknown1900"',
    ):
        assert text in bad[0].stderr


def test_recorded_benchmarks_become_a_table_with_their_machine(tmp_path):
    result = {
        "question": "Which is faster?",
        "baseline": "the loop",
        "machine": "a machine, 2 cores",
        "threads": 2,
        "script": "which.py",
        "rows": [
            {
                "what": "all at once",
                "median seconds": 1.5,
                "ratio": 0.25,
                "least ratio": 0.2,
                "largest ratio": 0.5,
            }
        ],
    }
    (tmp_path / "which.json").write_text(json.dumps(result))
    text = facts.benchmarks(tmp_path)
    assert "**Which is faster?**" in text
    assert "| all at once | 1.5 | 0.25 | 0.2 to 0.5 |" in text
    assert "Ratios are to *the loop*, in the same run. a machine, 2 cores, 2 thread(s)." in text
    assert "memory" not in text
    result["peak_megabytes"] = {"all at once": 1234}
    (tmp_path / "which.json").write_text(json.dumps(result))
    assert "Peak of memory: all at once 1,234 MB." in facts.benchmarks(tmp_path)


def test_no_recorded_benchmark_is_no_table(tmp_path):
    assert facts.benchmarks(tmp_path / "nowhere") == ""


def test_what_machines_could_gain_follows_from_the_time_of_one_minibatch(tmp_path):
    file = tmp_path / "scaling.json"
    result = {"minibatches": 80, "rows": [{"what": "alone", "median seconds": 1.6}]}
    file.write_text(json.dumps(result))
    found = facts.scaling(file)
    assert found["minibatch"] == "20 ms"
    # At 1 Gbit/s two processes exchange 666 kB each way in 5.3 ms: 20 / 15.3.
    assert "| 1 Gbit/s | 1.3 | 1.5 | 1.7 | 1.8 |" in found["scaling"]


def test_the_memory_of_a_class_is_that_of_its_heaviest_chapter_and_a_server_for_each(tmp_path):
    run = {"seconds": 20, "kernel MB": 400, "server MB": 90}
    heavy = {"seconds": 41, "kernel MB": 560, "server MB": 90}
    runs = ["one thread, 1", "one thread, 4", "all cores, 1", "all cores, 4"]
    rows = [{"chapter": "lecture/min_max", **heavy}, {"chapter": "lecture/light", **run}]
    threads = [{"chapter": "lecture/min_max", **dict.fromkeys(runs, run), "one thread, 4": heavy}]
    result = {"machine": "a machine", "environment MB": 1234, "readers": 4}
    result |= {"rows": rows, "threads": threads}
    (tmp_path / "binder.json").write_text(json.dumps(result))
    found = facts.rooms(tmp_path / "binder.json")
    assert "| lecture: min max | 41 s | 560 MB |" in found["rooms"]
    assert "| lecture: light | 20 s | 400 MB |" in found["rooms"]
    assert "| lecture: min max | 20 s | 41 s | 20 s | 20 s |" in found["rooms_threads"]
    assert found["rooms_size"] == "1,234 MB (a machine)"
    assert found["student_memory"] == "650 MB"
    assert [line for line in found["class_memory"].split("\n")][2:] == [
        "| 10 | 7 GB |",
        "| 100 | 65 GB |",
        "| 1,000 | 650 GB |",
    ]


def test_facts_name_the_data_only_where_chapters_were_executed():
    assert "Data" in facts.facts("force")
    assert "Data" not in facts.facts("off")
