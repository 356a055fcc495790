"""One HTML document out of all pages of a book, in the order of the table of contents.

The document is for paper: nothing in it is folded, nothing waits for a script or a click. Each
page's ids get its name in front, so that they stay unique.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag
from bs4.element import AttributeValueList
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from booksite.formulas import renderer
from booksite.formulas.words import name_formulas
from booksite.paper.builder import BookError, Text
from booksite.paper.contents import Heading, Part, anchor

# What needs a screen, and what search engines and scripts read.
SCREEN_ONLY = (
    "a.headerlink, button, input, select, script, nav, .toctree-wrapper, .only-dark, "
    ".d-print-none, .noprint, .figure-data, .sd-summary-state-marker, i[class*=fa-]"
)
PAGE = "document-"  # the ids of what stands before a page begin so, and the links to it
HEADINGS = re.compile("^h[1-6]$")


class WholeBook:
    """The pages of a book as one document.

    Parameters
    ----------
    text : Text
        The text of all pages.
    parts : list of Part
        The table of contents.
    root : Path
        The folder of the book, with the built site in it.
    title, author, note : str
        For the title page; `note` (HTML) stands at its foot.
    front : bool
        Whether the document has a title page and contents; without them a PDF has no bookmarks.

    Raises
    ------
    BookError
        If a page is missing.
    """

    def __init__(
        self,
        text: Text,
        parts: list[Part],
        root: Path,
        *,
        title: str,
        author: str,
        note: str = "",
        front: bool = True,
    ) -> None:
        self.title, self.author, self.note, self.front = title, author, note, front
        self.parts = parts
        self._text, self._root = text, root.resolve()
        self._articles = _articles(text.body, [page for part in parts for page in part.pages])
        self._ids = {name: _ids(article) for name, article in self._articles.items()}
        #: The text of each formula, which stands for it where it cannot be seen.
        self.formulas: set[str] = set()
        for name, article in self._articles.items():
            self._join(name, article)

    def headings(self) -> list[Heading]:
        """Return what the contents list: parts, pages and their sections; without contents, none.

        Only what contents lead to has a place in a PDF that bookmarks can name.
        """
        found = []
        for part in self.parts if self.front else []:
            if part.caption:
                found.append(Heading(1, part.caption, part.anchor))
            for page in part.pages:
                tags = self._articles[page].find_all(HEADINGS)
                levels = [int(tag.name[1]) for tag in tags]
                for level, tag in zip(levels, tags, strict=True):
                    if level <= levels[0] + 1:
                        found.append(Heading(level, _words(tag), str(tag["id"])))
        return found

    def render(self, page_numbers: dict[str, int] | None = None) -> str:
        """Return the document; a BookError names the links inside the book that lead nowhere.

        `page_numbers` has for each id of :meth:`headings` the number that the contents show.
        Without it they show a number of three digits in its place, so that the lines break as they
        will.
        """
        chapters = [
            {
                "page": "page-" + re.sub(r"\W", "-", page),
                "title": _words(self._articles[page].find(HEADINGS)),
                "part": part if part.caption and page == part.pages[0] else None,
                "article": str(self._articles[page]),
            }
            for part in self.parts
            for page in part.pages
        ]
        environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent),
            autoescape=True,
            undefined=StrictUndefined,
        )
        site = self._root / "_build" / "html"
        document = environment.get_template("book.html").render(
            book=self,
            language=self._text.language,
            sheets=[(site / sheet).as_uri() for sheet in self._text.sheets],
            style=Path(__file__).with_name("book.css").read_text(encoding="utf-8"),
            chapters=chapters,
            numbers=page_numbers or {},
        )
        document = renderer.with_outlines(document)
        targets = set(re.findall(r' href="(#[^"]*)"', document))
        if lost := targets - {f"#{each}" for each in re.findall(r' id="([^"]*)"', document)}:
            raise BookError(
                "each link inside the book must have a target, these have none: "
                f"{', '.join(sorted(lost))}: build the site again (make book)"
            )
        return document

    def _join(self, name: str, article: Tag) -> None:
        """Make the article of a page a piece of the document."""
        _open(article)
        self.formulas.update(name_formulas(article))
        for figure in article.find_all("figure"):
            figure["role"] = "group"  # the picture in it has the words
        for tag in article.find_all(True):
            if "id" in tag.attrs:
                tag["id"] = anchor(name, str(tag["id"]))
            if not urlsplit(str(tag.get("src", "data:"))).scheme:
                tag["src"] = (self._root / unquote(str(tag["src"]))).as_uri()
            if "href" in tag.attrs:
                self._relink(name, tag, str(tag["href"]))
        article["id"] = anchor(name)
        for number, heading in enumerate(article.find_all(HEADINGS)):
            heading.attrs.setdefault("id", anchor(name, f"heading-{number}"))

    def _relink(self, name: str, tag: Tag, target: str) -> None:
        """Make a reference hold in the document."""
        if target.startswith("#" + PAGE):
            page, _, fragment = target.removeprefix("#" + PAGE).partition("#")
            tag["href"] = "#" + anchor(page, unquote(fragment))
        elif target.startswith("#") and (tag.name == "a" or target[1:] in self._ids[name]):
            tag["href"] = "#" + anchor(name, unquote(target[1:]))
        elif tag.name == "a" and not urlsplit(target).scheme:
            # A file, or a page that is not in the book, as the index.
            tag.name = "span"
            del tag["href"]


def _articles(body: str, names: list[str]) -> dict[str, Tag]:
    """Return the text of each page, in the order of the names; what needs a screen is left out."""
    soup = BeautifulSoup(body, "html.parser")
    articles = {}
    # The last page first: those that lie within another are taken out of it.
    for mark in [*reversed(soup.select(f'span[id^="{PAGE}"]')), None]:
        content = list(mark.next_siblings if mark else soup.contents)
        article = soup.new_tag("article", attrs={"class": "bd-article"})
        article.extend(content)
        articles[str(mark.extract()["id"]).removeprefix(PAGE) if mark else names[0]] = article
    if missing := [name for name in names if name not in articles]:
        raise BookError(
            f"all pages of the contents are needed, {', '.join(missing)} are missing: run make book"
        )
    for article in articles.values():
        for tag in article.select(SCREEN_ONLY):
            tag.decompose()
    return {name: articles[name] for name in names}


def _ids(article: Tag) -> set[str]:
    """Return the ids on a page. Of two that are the same only the first counts, as in a browser."""
    seen: set[str] = set()
    for tag in article.find_all(id=True):
        if tag["id"] in seen:
            del tag["id"]
        else:
            seen.add(str(tag["id"]))
    return seen


def _open(article: Tag) -> None:
    """Unfold what a reader of the site unfolds by a click."""
    for details in article.find_all("details"):
        summary = details.find("summary", recursive=False)
        if summary is not None:
            if "hide" in details.get_attribute_list("class"):  # a cell's "Show code cell source"
                summary.decompose()
            else:
                summary.name = "p"
                _set_classes(summary, [*summary.get_attribute_list("class"), "summary"])
        details.name = "div"
        details.attrs.pop("open", None)
        _set_classes(details, [*details.get_attribute_list("class"), "unfolded"])
    for tag in article.select(".dropdown, .toggle, .toggle-hidden"):
        folded = ("dropdown", "toggle", "toggle-hidden")
        _set_classes(tag, [kind for kind in tag["class"] if kind not in folded])


def _set_classes(tag: Tag, classes: Iterable[str]) -> None:
    tag["class"] = AttributeValueList(classes)


def _words(heading: Tag | None) -> str:
    """Return a heading's text, that of its formulas included; of none, no text."""
    plain = BeautifulSoup(str(heading or ""), "html.parser")
    for formula in plain.select("[role=img][aria-label]"):
        formula.replace_with(str(formula["aria-label"]))
    return " ".join(plain.get_text().split())
