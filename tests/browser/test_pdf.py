"""The PDF of the whole book: nothing of the pages is lost, and it can be read without eyes."""

import re
import shutil
from html import unescape

import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader, PdfWriter
from pypdf.generic import NameObject

from booksite.paper.contents import contents
from booksite.paper.document import BookError, WholeBook
from booksite.paper.pdf import main, print_book
from tests.browser import paper_book
from tests.browser.built_site import ROOT
from tests.browser.checks.pdf import bookmarks, dangling, links, normal, tagged, texts, untagged

NAMES = ["book/front", "book/first", "book/deeper", "book/second", "book/last"]


# What a reader of the site sees only after a click, or in the margin.
HIDDEN = [
    "The answer that was hidden.",
    "folded_away = 1",
    "what the folded cell printed",
    "What the first tab says.",
    "What the second tab says.",
    "Its title",
    "What was folded.",
    "What the note hid.",
    "A note in the margin.",
]


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The folder of a small book that has been built; tests copy what they change."""
    folder = tmp_path_factory.mktemp("paper")
    (folder / "book").mkdir()
    paper_book.build(folder)
    return folder


def whole(book):
    return WholeBook(
        book / "_build" / "html", book / "_toc.yml", title="A <book>", author="Its author"
    )


@pytest.fixture
def changed(book, tmp_path):
    """A function that replaces something on a page of a copy of the book: the copy."""

    def change(name, old, new):
        copy = tmp_path / "changed"
        shutil.copytree(book, copy)
        path = copy / "_build" / "html" / f"{name}.html"
        page = path.read_text(encoding="utf-8")
        assert old in page
        path.write_text(page.replace(old, new), encoding="utf-8")
        return copy

    return change


@pytest.fixture(scope="module")
def document(book):
    return BeautifulSoup(whole(book).render(), "html.parser")


def test_the_pages_follow_the_table_of_contents(book, document):
    parts = contents(book / "_toc.yml")
    assert [part.caption for part in parts] == [None, "One part", "Another part"]
    assert [entry.name for part in parts for entry in part.entries] == NAMES
    articles = [article["id"] for article in document.select("article")]
    assert articles == [name.replace("/", ".") for name in NAMES]


def test_headings_are_numbered_as_in_the_site_and_lie_below_their_part(book):
    headings = [(heading.level, heading.text) for heading in whole(book).headings()]
    assert headings == [
        (1, "The front"),
        (1, "One part"),
        (2, "1. First chapter"),
        (3, "1.1. A place"),
        (3, "1.2. On ℓ_1 and more"),
        (3, "1.3. A deeper page"),
        (4, "1.3.1. In it"),
        (2, "2. Second chapter"),
        (3, "2.1. A place"),
        (1, "Another part"),
        (2, "Last page"),
    ]


def test_no_id_occurs_twice_and_every_reference_inside_has_its_target(document):
    ids = [tag["id"] for tag in document.find_all(id=True)]
    assert len(ids) == len(set(ids)) > 20
    for tag in document.find_all(href=re.compile("^#")):
        assert tag["href"][1:] in ids


def test_links_to_other_pages_lead_to_their_places_in_the_document(document):
    second = document.find(id="book.second")
    targets = {link.get_text(): link["href"] for link in second.find_all("a")}
    assert targets["(1.1)"] == "#book.first--equation-eq-one"
    assert targets["Fig. 1.1"] == "#book.first--fig-one"
    assert targets["https://example.org/far"] == "https://example.org/far"
    assert "the index" in second.get_text() and "the index" not in targets


def test_pages_share_the_outlines_of_glyphs(document):
    outlines = [path["id"] for path in document.select("body > svg path")]
    used = [use["href"][1:] for use in document.find_all("use")]
    assert set(outlines) == set(used) and len(used) > len(outlines)


def test_nothing_in_the_document_waits_for_a_click(document):
    assert not document.select("details, summary, button, input, script, a.headerlink")
    assert "Click to" not in document.get_text()


def test_titles_are_text_and_no_markup(document):
    assert document.title.get_text() == "A <book>"
    assert document.select_one(".book-title").get_text() == "A <book>"


def test_a_page_that_is_missing_is_named(book, tmp_path):
    copy = shutil.copytree(book, tmp_path / "copy")
    (copy / "_build" / "html" / "book" / "second.html").unlink()
    with pytest.raises(BookError, match=r"book/second\.html is needed.*run make book"):
        whole(copy)


@pytest.mark.parametrize(
    "name, old, new, said",
    [
        ("book/second", "#equation-eq-one", "#nowhere", r"#nowhere on book/second\.html"),
        ("book/last", 'class="bd-article', 'class="other', r"last\.html must be a page of"),
        ("book/last", "One.", r'<span class="math">\(x\)</span>', r"formulas must be typeset"),
        ("book/last", "One.", '<svg><use href="#lost"/></svg>', r"uses #lost"),
    ],
)
def test_what_cannot_be_printed_is_refused(changed, name, old, new, said):
    with pytest.raises(BookError, match=said):
        whole(changed(name, old, new))


@pytest.fixture(scope="module")
def pdf(lacking, book, tmp_path_factory):
    lacking("browser")
    path = tmp_path_factory.mktemp("pdf") / "book.pdf"
    pages = print_book(book / "_build" / "html", book / "_config.yml", book / "_toc.yml", path)
    assert pages == len(PdfReader(path).pages)
    return path


@pytest.fixture
def reader(pdf):
    return PdfReader(pdf)


@pytest.fixture(scope="module")
def text(pdf):
    """The text of each page."""
    return texts(pdf)


@pytest.fixture
def writer(pdf):
    """The PDF, to be spoilt."""
    return PdfWriter(clone_from=pdf)


@pytest.fixture
def spoilt(writer, tmp_path):
    """A function that writes what is left of the PDF, and reads it."""

    def read():
        writer.write(tmp_path / "spoilt.pdf")
        return PdfReader(tmp_path / "spoilt.pdf")

    return read


def test_it_is_tagged_and_says_its_language_title_and_author(reader):
    assert untagged(reader) == []
    assert reader.root_object["/Lang"] == "en"
    assert reader.metadata.title == "Adversarial training, executable"
    assert reader.metadata.author == "The lectures_code authors"


def test_missing_tags_are_found(writer, spoilt):
    for key in ("/StructTreeRoot", "/MarkInfo", "/Lang"):
        del writer.root_object[NameObject(key)]
    assert len(untagged(spoilt())) == 3


def test_bookmarks_are_parts_chapters_and_sections_on_their_pages(reader, text, book):
    found = bookmarks(reader)
    expected = [(heading.level, heading.text) for heading in whole(book).headings()]
    assert [(level, text) for level, text, _ in found] == expected
    for _, title, page in found:
        if "ℓ" not in title:  # a formula is drawn
            assert title in text[page - 1]


def test_missing_bookmarks_are_found(writer, spoilt):
    del writer.root_object[NameObject("/Outlines")]
    assert bookmarks(spoilt()) == []


def test_the_contents_show_the_number_at_the_foot_of_each_page(reader, text):
    for _, title, page in bookmarks(reader):
        assert re.search(re.escape(normal(title)) + rf" ?{page}\b", text[1]), title
        # What stands in a margin comes first: the page's title, then the number at its foot.
        assert re.match(rf".+? {page} ", text[page - 1])


def test_it_begins_with_the_title_and_ends_with_the_last_words(text):
    assert text[0].startswith("Adversarial training, executable The lectures_code")
    assert "Version 1.2.3 Code under" in text[0]
    assert "These are the last words." in text[-1]


@pytest.mark.parametrize("hidden", HIDDEN)
def test_what_was_hidden_is_printed(text, hidden):
    assert hidden in " ".join(text)


@pytest.fixture(scope="module")
def clumsy(lacking, book, tmp_path_factory):
    """A PDF without the rules for paper, and with a fold that nothing marks as one."""
    lacking("browser")
    folder = tmp_path_factory.mktemp("clumsy")
    html = shutil.copytree(book / "_build" / "html", folder / "html")
    only_headings = "html.whole-book h1 { display: block !important }"
    (html / "_static" / "print.css").write_text(only_headings, encoding="utf-8")
    page = (html / "book" / "first.html").read_text(encoding="utf-8")
    marked = '<details class="admonition hide above-input">'
    assert marked in page
    page = page.replace(marked, '<details class="admonition">')
    (html / "book" / "first.html").write_text(page, encoding="utf-8")
    print_book(html, book / "_config.yml", book / "_toc.yml", folder / "book.pdf")
    return " ".join(texts(folder / "book.pdf"))


def test_what_stays_hidden_is_missed(clumsy):
    assert [text for text in HIDDEN if text not in clumsy] == [
        "What the first tab says.",
        "What the second tab says.",
    ]


def test_a_buttons_words_are_found(clumsy):
    assert "Show code" in clumsy


def test_a_line_of_code_that_is_cut_is_noticed(clumsy):
    assert clumsy.count("long ") < paper_book.LONG.count("long ")


def test_no_word_is_printed_that_belongs_to_a_button(text):
    assert "Click to" not in " ".join(text) and "Show code" not in " ".join(text)


def test_long_lines_of_code_are_broken_and_not_cut(text):
    assert " ".join(text).count("long ") == paper_book.LONG.count("long ")


def test_figures_explorers_and_formulas_have_their_words(reader):
    assert tagged(reader, "/Figure") == [paper_book.ALT, paper_book.STILL]
    formulas = tagged(reader, "/Formula")
    assert formulas[:2] == ["x_1^2 ≤ ϵ", "max_(δ ∈ Δ) a/(b_1)"] and "y = x_1^2" in formulas


def test_a_figure_without_its_words_is_found(writer, spoilt):
    for thing in writer._objects:
        if isinstance(thing, dict) and thing.get("/Alt") == paper_book.ALT:
            del thing[NameObject("/Alt")]
    assert tagged(spoilt(), "/Figure") == ["", paper_book.STILL]


def test_links_inside_have_their_targets(reader):
    assert dangling(reader) == []
    found = links(reader)
    assert "book.first--fig-one" in found and "https://example.org/far" in found


def test_a_link_that_leads_nowhere_is_found(writer, spoilt):
    del writer.root_object["/Dests"].get_object()[NameObject("/book.first--fig-one")]
    assert set(dangling(spoilt())) == {"book.first--fig-one"}


def test_a_file_that_is_missing_is_refused(lacking, changed, tmp_path):
    lacking("browser")
    copy = changed("book/last", "One.", '<img alt="" src="lost.png"><img src="https://a.test/b">')
    with pytest.raises(BookError, match=r"file:.*lost\.png, https://a\.test/b: build"):
        print_book(
            copy / "_build" / "html", copy / "_config.yml", copy / "_toc.yml", tmp_path / "x.pdf"
        )
    assert not (tmp_path / "x.pdf").exists()


def test_a_heading_that_is_not_printed_is_refused(lacking, changed, tmp_path):
    lacking("browser")
    copy = changed("book/last", "</head>", "<style>#book\\.last h2 {display: none}</style></head>")
    with pytest.raises(BookError, match="must be printed, these are not: 'Last page'"):
        print_book(
            copy / "_build" / "html", copy / "_config.yml", copy / "_toc.yml", tmp_path / "x.pdf"
        )


def test_without_chromium_the_command_says_what_to_do(book, monkeypatch, tmp_path):
    monkeypatch.setenv("CHROMIUM", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("booksite.paper.browser.MAC_PLACES", ())
    arguments = ["--html", book / "_build" / "html", "--toc", book / "_toc.yml"]
    arguments += ["--pdf", tmp_path / "x.pdf"]
    monkeypatch.setattr("sys.argv", ["print_book.py", *map(str, arguments)])
    with pytest.raises(SystemExit, match=r"No PDF: Chromium or Chrome is needed.*CHROMIUM="):
        main()


@pytest.fixture(scope="module")
def lecture_file(lacking, site, tmp_path_factory):
    """This book's own PDF."""
    lacking("browser")
    path = tmp_path_factory.mktemp("lecture") / "lecture.pdf"
    print_book(site, ROOT / "_config.yml", ROOT / "_toc.yml", path)
    return path


@pytest.fixture(scope="module")
def lecture(lecture_file):
    return PdfReader(lecture_file)


@pytest.fixture(scope="module")
def articles(site):
    """The article of each page, as the site has it."""
    names = [entry.name for part in contents(ROOT / "_toc.yml") for entry in part.entries]
    soups = {
        name: BeautifulSoup((site / f"{name}.html").read_text(encoding="utf-8"), "html.parser")
        for name in names
    }
    return {name: soup.select_one("article.bd-article") for name, soup in soups.items()}


def test_this_book_is_tagged_and_its_links_lead_somewhere(lecture):
    assert untagged(lecture) == [] and dangling(lecture) == []


def test_this_book_has_a_bookmark_for_each_page_and_section(lecture, articles):
    headings = [
        heading
        for article in articles.values()
        for heading in article.find_all(["h1", "h2"])
        if not heading.find("math")
    ]
    found = {text for _, text, _ in bookmarks(lecture)}
    for heading in headings:
        for link in heading.select("a.headerlink"):
            link.extract()
        assert " ".join(heading.get_text().split()) in found


def test_this_books_pictures_keep_their_words(lecture, articles):
    expected = [
        unescape(image["alt"])
        for article in articles.values()
        for image in article.select("img:not(.only-dark)")
    ]
    assert tagged(lecture, "/Figure") == expected


def test_this_books_solutions_are_printed_and_nothing_is_folded(lecture_file, articles):
    text = " ".join(texts(lecture_file))
    assert "Click to" not in text
    solutions = [s for a in articles.values() for s in a.select(".solution > section > p")]
    plain = [p.get_text() for p in solutions if not p.find(["span", "code", "a", "em"])]
    assert solutions
    for paragraph in plain:
        assert "".join(normal(paragraph).split()) in "".join(text.split())
