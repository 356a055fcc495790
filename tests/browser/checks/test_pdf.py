"""The checks of a PDF: each finds what is lost, and nothing else."""

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import NameObject

from booksite.paper.pdf import print_document
from tests.browser import paper_book
from tests.browser.checks.pdf import bookmarks, dangling, links, lost, tagged, texts, untagged

PRINTED = """<html lang="en"><style>
@page {{ size: A6; margin: 20mm; @top-left {{ content: "Head" }}
@bottom-center {{ content: counter(page) }} }}</style><article>{}</article></html>"""


@pytest.fixture
def printed(browser, tmp_path):
    """A function that prints an article: the text of each page."""

    def to_texts(article):
        page = browser.new_page()
        page.set_content(PRINTED.format(article))
        page.pdf(path=tmp_path / "printed.pdf", prefer_css_page_size=True)
        page.close()
        return texts(tmp_path / "printed.pdf")

    return to_texts


LIGATURES = "<p>The <b>ﬁrst</b> eﬀect is di\ufb03cult.</p><pre>well-\nknown</pre>"


def test_a_text_is_kept_whichever_letters_are_drawn_as_one(printed):
    plain = "<p>The first effect is difficult.</p><pre>well-\nknown</pre>"
    for written in (plain, LIGATURES):
        for document in (plain, LIGATURES):
            assert lost(PRINTED.format(document), printed(written)) == []


def test_a_mark_alone_need_not_be_kept(printed):
    document = PRINTED.format("<table><td>42 seconds</td><td>✅</td></table>")
    assert lost(document, printed("<p>42 seconds</p>")) == []


def test_a_text_that_two_pages_share_is_kept(printed):
    article = f"<p>{' '.join(f'number {n},' for n in range(900))} and no more.</p>"
    pages = printed(article)
    assert len(pages) > 2
    assert lost(PRINTED.format(article), pages) == []


def test_a_short_text_may_turn_a_page_behind_which_a_box_has_its_title():
    document = "<article><p>Let <svg></svg>, with some constant</p></article>"
    before, after = "Head 1 Let , with Theorem 2", "Head 2 some constant . More."
    assert lost(document, [before, after]) == []
    assert lost(document, [before, "Head 2 a constant . More."]) == [",withsomeconstant"]
    assert lost(document, ["Head 1 Let , but Theorem 2", after]) == [",withsomeconstant"]


@pytest.mark.parametrize(
    ("written", "missing"),
    [
        ("<p>The rst line.</p><p>Another.</p>", "Thefirstline."),
        ("<p>The \ufffdrst line.</p><p>Another.</p>", "Thefirstline."),
        ("<p>The first line.</p><p>Anoher.</p>", "Another."),
        ("<p>The first line.</p><p hidden>Another.</p>", "Another."),
        ("<p>The line first.</p><p>Another.</p>", "Thefirstline."),
    ],
)
def test_a_text_that_is_lost_is_found(printed, written, missing):
    document = PRINTED.format("<p>The first line.</p><p>Another.</p>")
    assert lost(document, printed(written)) == [missing]


TAGGED = f"""<html lang="en"><a href="#there">A link</a><h1 id="there">There</h1>
<figure role="group"><img alt="A dot." src="data:image/png;base64,{paper_book.png()}"></figure>
</html>"""


@pytest.fixture
def writer(browser, tmp_path):
    """A small PDF with tags, words for its figure and a link, to be spoilt."""
    print_document(browser, TAGGED, tmp_path / "good.pdf")
    return PdfWriter(clone_from=tmp_path / "good.pdf")


@pytest.fixture
def read(writer, tmp_path):
    """A function that writes what is left of the PDF, and reads it."""

    def spoilt():
        writer.write(tmp_path / "spoilt.pdf")
        return PdfReader(tmp_path / "spoilt.pdf")

    return spoilt


def test_a_good_pdf_has_no_fault(read):
    reader = read()
    assert untagged(reader) == dangling(reader) == []
    assert tagged(reader, "/Figure") == ["A dot."] and links(reader) == ["there"]


def test_missing_tags_are_found(writer, read):
    for key in ("/StructTreeRoot", "/MarkInfo", "/Lang"):
        del writer.root_object[NameObject(key)]
    assert len(untagged(read())) == 3


def test_bookmarks_are_those_that_are_there(writer, read):
    assert bookmarks(read()) == []
    above = writer.add_outline_item(title="One", page_number=0)
    writer.add_outline_item(title="Two", page_number=0, parent=above)
    assert bookmarks(read()) == [(1, "One", 1), (2, "Two", 1)]


def test_a_figure_without_its_words_is_found(writer, read):
    for thing in writer._objects:
        if isinstance(thing, dict) and thing.get("/Alt") == "A dot.":
            del thing[NameObject("/Alt")]
    assert tagged(read(), "/Figure") == [""]


def test_a_link_that_leads_nowhere_is_found(writer, read):
    del writer.root_object["/Dests"].get_object()[NameObject("/there")]
    assert dangling(read()) == ["there"]
