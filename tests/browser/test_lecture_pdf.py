"""The PDF that `make pdf` has made of this book: nothing of the site is lost."""

import itertools
from html import unescape

import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader

from booksite.finished import MARK
from booksite.paper.contents import contents
from tests.browser.built_site import ROOT
from tests.browser.checks.pdf import bookmarks, dangling, normal, tagged, texts, untagged

pytestmark = pytest.mark.downloads


@pytest.fixture(scope="module")
def lecture_file(site):
    """The book's PDF, which must be of this site."""
    made = ROOT / "_build" / "lecture.pdf"
    assert made.is_file() and made.stat().st_mtime > (site / MARK).stat().st_mtime, "run make pdf"
    return made


@pytest.fixture(scope="module")
def lecture(lecture_file):
    return PdfReader(lecture_file)


@pytest.fixture(scope="module")
def articles(site):
    """The article of each page, as the site has it."""
    names = [page for part in contents(ROOT / "_toc.yml") for page in part.pages]
    soups = {
        name: BeautifulSoup((site / f"{name}.html").read_text(encoding="utf-8"), "html.parser")
        for name in names
    }
    return {name: soup.select_one("article.bd-article") for name, soup in soups.items()}


def test_it_is_tagged_and_its_links_lead_somewhere(lecture):
    assert untagged(lecture) == [] and dangling(lecture) == []


def test_it_has_a_bookmark_for_each_page_and_section(lecture, articles):
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


def test_pictures_keep_their_words(lecture, articles):
    expected = [
        unescape(image["alt"])
        for article in articles.values()
        for image in article.select("img:not(.only-dark)")
    ]
    assert tagged(lecture, "/Figure") == expected


def test_solutions_are_printed_and_nothing_is_folded(lecture_file, articles):
    pages = ["".join(text.split()) for text in texts(lecture_file)]
    text = "".join(pages)
    assert "Clickto" not in text

    def printed(words):
        """Also where a page ends in the middle: what else stands on it may come in between."""
        return words in text or any(
            words[:cut] in page and words[cut:] in following
            for page, following in itertools.pairwise(pages)
            for cut in range(20, len(words))
        )

    solutions = [s for a in articles.values() for s in a.select(".solution > section > p")]
    plain = [p.get_text() for p in solutions if not p.find(["span", "code", "a", "em"])]
    assert solutions
    for paragraph in plain:
        assert printed("".join(normal(paragraph).split())), paragraph
