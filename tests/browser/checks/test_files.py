"""The checks of a site's files: each finds its fault, and nothing where there is none."""

import pytest

from tests.browser.checks.files import alt_texts, figure_data, links, repeated_ids, style_sheets

SAYS = "A curve that falls from the left to the right."


def test_an_id_that_two_elements_have_is_found(small_site):
    folder = small_site('<p id="a"></p><p id="b"></p><p id="a"></p>')
    assert repeated_ids(folder / "book" / "page.html") == ["a"]


@pytest.fixture
def small_site(tmp_path):
    """A function that writes a site of two pages, the first with this body; returns its folder."""

    def write(body, head=""):
        (tmp_path / "book").mkdir()
        (tmp_path / "a b.csv").write_text("x,y\n1,2\n")
        (tmp_path / "book" / "other.html").write_text("<p id='there'>there</p><a name='old'></a>")
        (tmp_path / "book" / "page.html").write_text(f"<head>{head}</head><body>{body}</body>")
        return tmp_path

    return write


@pytest.mark.parametrize(
    "body",
    [
        '<a href="other.html#there">',
        '<a href="other.html#old">',
        '<a href="#">',
        '<a href="">',
        '<p id="é"><a href="#%C3%A9">',
        '<a href="../a%20b.csv">',
        '<a href="other.html?q=x#there">',
        '<a href="https://example.org/#anything">',
        '<a href="mailto:someone@example.org">',
        '<img src="data:image/png;base64,AA">',
        '<link rel="canonical" href="https://example.org/page.html">',
    ],
)
def test_a_reference_that_leads_somewhere_is_no_problem(small_site, body):
    assert links(small_site(body)) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<a href="missing.html">', "missing.html: there is no such file"),
        ('<a href="other.html#nowhere">', "there is no 'nowhere' on that page"),
        ('<a href="#nowhere">', "there is no 'nowhere' on that page"),
        ('<a href="../../outside.html">', "leads out of the site"),
        ('<a href="/book/other.html">', "leads out of the site"),
        ('<a href="http://127.0.0.1:8000/">', "a reader cannot follow"),
        ('<a href="file:///home/someone/page.html">', "a reader cannot follow"),
        ('<img src="missing.png">', "missing.png: there is no such file"),
        ('<img srcset="../a%20b.csv 1x, missing.png 2x">', "missing.png: there is no such file"),
        ('<script src="missing.js"></script>', "missing.js: there is no such file"),
        ('<meta http-equiv="Refresh" content="0; url=missing.html">', "missing.html"),
        ('<script src="https://example.org/a.js"></script>', "<script> loads https://"),
        ('<link rel="preconnect" href="//example.org">', "<link> loads //example.org"),
        ('<link rel="stylesheet" href="https://example.org/a.css">', "<link> loads"),
        ('<iframe src="https://example.org/"></iframe>', "<iframe> loads"),
        ('<form action="https://example.org/">', "sends what a reader types"),
    ],
)
def test_a_reference_that_leads_nowhere_or_elsewhere_is_found(small_site, body, expected):
    found = links(small_site(body))
    assert len(found) == 1
    assert found[0].startswith("book/page.html: ")
    assert expected in found[0]


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("p { background: url(missing.png) }", "missing.png: there is no such file"),
        ('@import "https://example.org/a.css";', "loads https://example.org/a.css"),
        ("p { background: url('//example.org/a.png') }", "loads //example.org/a.png"),
        ('p { background: url("data:image/png;base64,AA") }', None),
        ("p { background: url(a%20b.csv) } /* url(missing.png) */", None),
    ],
)
def test_a_style_sheet_that_refers_to_nothing_is_found(small_site, style, expected):
    folder = small_site("")
    (folder / "style.css").write_text(style)
    found = style_sheets(folder)
    assert found == ([] if expected is None else [f"style.css: {expected}"])


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (f'<img src="a.png" alt="{SAYS}">', None),
        ('<img src="a.png" alt="" role="presentation">', None),
        ('<img src="a.png" alt="" aria-hidden="true">', None),
        ('<a class="btn btn-sm" href="#"><span><img src="a.svg" alt="A logo"></span></a>', None),
        ('<a class="btn" href="#"><img src="a.svg"></a>', "says nothing"),
        ('<a href="#"><img src="a.svg" alt="A plot"></a>', "says only 'A plot'"),
        ('<img src="a.png">', "says nothing"),
        ('<img src="a.png" alt="">', "says nothing"),
        ('<img src="a.png" alt="   ">', "says nothing"),
        ('<img src="a.png" alt="../_images/a_long_name_of_a_file.png">', "only a file's name"),
        ('<img src="x/a_long_name_without_an_end.png" alt="a_long_name_without_an_end">', "name"),
        ('<img src="a.png" alt="A plot">', "says only 'A plot'"),
        (f'<img src="a.png" alt="{SAYS}" aria-hidden="true">', "is decorative, and says"),
    ],
)
def test_an_image_that_does_not_say_what_it_shows_is_found(small_site, image, expected):
    found = alt_texts(small_site(image) / "book" / "page.html")
    assert len(found) == (expected is not None)
    assert all(expected in problem for problem in found)


@pytest.mark.parametrize(
    ("behind", "expected"),
    [
        ('<a href="../_downloads/figure-data/good.csv">Data (CSV)</a>', None),
        ("", "no link to its data"),
        ('<a href="../_downloads/figure-data/missing.csv">Data (CSV)</a>', "is no table"),
        ('<a href="../_downloads/figure-data/empty.csv">Data (CSV)</a>', "is no table"),
        ('<a href="../a%20b.csv">Data (CSV)</a>', "no link to its data"),
    ],
)
@pytest.mark.parametrize("place", ["inside", "behind"])
def test_a_figure_without_its_data_is_found(small_site, behind, expected, place):
    inside, after = (behind, "") if place == "inside" else ("", f"<p>{behind}</p>")
    folder = small_site(f'<figure id="fig"><img src="a.png">{inside}</figure>{after}')
    data = folder / "_downloads" / "figure-data"
    data.mkdir(parents=True)
    (data / "good.csv").write_text("x,y\n1,2\n")
    (data / "empty.csv").write_text("x,y\n")
    found = figure_data(folder, folder / "book" / "page.html")
    assert len(found) == (expected is not None)
    assert all(expected in problem for problem in found)
