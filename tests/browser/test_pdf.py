"""The PDF of the whole book: nothing of the pages is lost, and it can be read without eyes."""

import re
import shutil
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader

from booksite.paper.builder import BookError, assemble
from booksite.paper.contents import contents
from booksite.paper.document import WholeBook
from booksite.paper.pdf import main, print_book, whole_book
from tests.browser import paper_book
from tests.browser.checks.pdf import bookmarks, dangling, links, normal, tagged, texts, untagged

NAMES = ["book/front", "book/first", "book/deeper", "book/second", "book/last"]


# What a reader of the site sees only after a click, or in the margin.
HIDDEN = [
    *("The answer that was hidden.", "folded_away = 1", "what the folded cell printed"),
    *("What the first tab says.", "What the second tab says.", "Its title", "What was folded."),
    *("What the note hid.", "A note in the margin."),
]


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The folder of a small book that has been built; tests copy what they change."""
    folder = tmp_path_factory.mktemp("a paper")
    (folder / "book").mkdir()
    paper_book.build(folder)
    return folder


@pytest.fixture(scope="module")
def assembled(book):
    """The text of the small book's pages."""
    return assemble(book)


@pytest.fixture
def changed(book, assembled):
    """A function that replaces something in the text of the book: the changed book."""

    def change(old, new):
        assert old in assembled.body
        text = replace(assembled, body=assembled.body.replace(old, new))
        return whole(book, text)

    return change


def whole(book, text):
    """The book with this text, whose title and author must be escaped where they are shown."""
    return WholeBook(text, contents(book / "_toc.yml"), book, title="A <book>", author="Its author")


@pytest.fixture(scope="module")
def document(book, assembled):
    return BeautifulSoup(whole(book, assembled).render(), "html.parser")


def test_the_pages_follow_the_table_of_contents(book, document):
    parts = contents(book / "_toc.yml")
    assert [part.caption for part in parts] == [None, "One part", "Another part"]
    assert [page for part in parts for page in part.pages] == NAMES
    articles = [article["id"] for article in document.select("article")]
    assert articles == [name.replace("/", ".") for name in NAMES]


def test_headings_are_numbered_as_in_the_site_and_lie_below_their_part(book, assembled):
    headings = [(heading.level, heading.text) for heading in whole(book, assembled).headings()]
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
    assert "Click to" not in document.get_text() and "\\(" not in document.get_text()


def test_titles_are_text_and_no_markup(document):
    assert document.title.get_text() == "A <book>"
    assert document.select_one(".book-title").get_text() == "A <book>"


def test_a_page_that_is_missing_is_named(changed):
    with pytest.raises(BookError, match=r"book/second are missing: run make book"):
        changed('id="document-book/second"', 'id="document-book/other"')


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("#document-book/first#equation-eq-one", "#nowhere", "none: #book.second--nowhere: "),
        ("One.", '<svg><use href="#lost"/></svg>', "none: #lost: "),
    ],
)
def test_what_leads_nowhere_is_refused(changed, old, new, said):
    with pytest.raises(BookError, match=said):
        changed(old, new).render()


def test_without_what_a_build_has_read_the_remedy_is_named(book, tmp_path):
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(book / name, tmp_path)
    with pytest.raises(BookError, match=r"what a build in this place has read.*run make book"):
        assemble(tmp_path)


def test_what_sphinx_warns_of_is_refused(book):
    path, options = book / "_config.yml", "navbar_persistent: []"
    config = path.read_text(encoding="utf-8")
    assert options in config
    path.write_text(config.replace(options, f"{options}\n      nonsense: 1"), encoding="utf-8")
    try:
        with pytest.raises(BookError, match=r"Sphinx says:\n.*unsupported theme option 'nonsense'"):
            assemble(book)
    finally:
        path.write_text(config, encoding="utf-8")


@pytest.fixture(scope="module")
def pdf(lacking, book, tmp_path_factory):
    lacking("browser")
    path = tmp_path_factory.mktemp("pdf") / "book.pdf"
    pages = print_book(whole_book(book), path)
    assert pages == len(PdfReader(path).pages)
    return path


@pytest.fixture
def reader(pdf):
    return PdfReader(pdf)


@pytest.fixture(scope="module")
def text(pdf):
    """The text of each page."""
    return texts(pdf)


def test_it_is_tagged_and_says_its_language_title_and_author(reader):
    assert untagged(reader) == []
    assert reader.root_object["/Lang"] == "en"
    assert reader.metadata.title == "Adversarial training, executable"
    assert reader.metadata.author == "The lectures_code authors"


def test_bookmarks_are_parts_chapters_and_sections_on_their_pages(reader, text, book, assembled):
    found = bookmarks(reader)
    expected = [(heading.level, heading.text) for heading in whole(book, assembled).headings()]
    assert [(level, text) for level, text, _ in found] == expected
    for _, title, page in found:
        if "ℓ" not in title:  # a formula is drawn
            assert title in text[page - 1]


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
def clumsy(lacking, book, assembled, tmp_path_factory):
    """A PDF without the rules for paper, and with a fold that nothing marks as one."""
    lacking("browser")
    copy = shutil.copytree(book, tmp_path_factory.mktemp("clumsy") / "book")
    only_headings = "html.whole-book h1 { display: block !important }"
    (copy / "_build/html/_static/print.css").write_text(only_headings, encoding="utf-8")
    marked = '<details class="admonition hide above-input">'
    assert marked in assembled.body
    body = assembled.body.replace(marked, '<details class="admonition">')
    print_book(whole(copy, replace(assembled, body=body)), copy / "book.pdf")
    return " ".join(texts(copy / "book.pdf"))


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


def test_links_inside_have_their_targets(reader):
    assert dangling(reader) == []
    found = links(reader)
    assert "book.first--fig-one" in found and "https://example.org/far" in found


def test_a_file_that_is_missing_is_refused(lacking, changed, tmp_path):
    lacking("browser")
    book = changed("One.", '<img alt="" src="lost.png"><img src="https://a.test/b">')
    with pytest.raises(BookError, match=r"file:.*lost\.png, https://a\.test/b: build"):
        print_book(book, tmp_path / "x.pdf")
    assert not (tmp_path / "x.pdf").exists()


def test_a_heading_that_is_not_printed_is_refused(lacking, changed, tmp_path):
    lacking("browser")
    book = changed("One.", "<style>#book\\.last h2 {display: none}</style>")
    with pytest.raises(BookError, match="must be printed, these are not: 'Last page'"):
        print_book(book, tmp_path / "x.pdf")


def test_without_chromium_the_command_says_what_to_do(book, monkeypatch, tmp_path):
    monkeypatch.setenv("CHROMIUM", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("booksite.paper.browser.PLACES", ())
    arguments = ["--root", book, "--pdf", tmp_path / "x.pdf"]
    monkeypatch.setattr("sys.argv", ["program", *map(str, arguments)])
    with pytest.raises(SystemExit, match=r"No PDF: Chromium or Chrome is needed.*CHROMIUM="):
        main()
