"""The check that a PDF has kept a document's text: it finds what is lost, and nothing else."""

import pytest

from tests.browser.checks.pdf import lost, texts

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
