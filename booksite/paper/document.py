"""One HTML document out of the pages of the built site, in the order of the table of contents.

The document is for paper: nothing in it is folded, nothing waits for a script or a click. Each
page's ids get its name in front, so that ids stay unique and links between pages become links
inside the document.
"""

from __future__ import annotations

import posixpath
import re
from html import escape
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag

from booksite.formulas.words import name_formulas
from booksite.paper.contents import Entry, Heading, anchor, contents, part_anchor

# What needs a screen, and what search engines and scripts read.
SCREEN_ONLY = (
    "a.headerlink, button, input, select, script, nav, .toctree-wrapper, .only-dark, "
    ".d-print-none, .noprint, .figure-data, .sd-summary-state-marker, i[class*=fa-]"
)
# Attributes whose value is one id, or several with spaces between.
ID_REFERENCES = (
    "for",
    "headers",
    "aria-activedescendant",
    "aria-controls",
    "aria-describedby",
    "aria-details",
    "aria-labelledby",
    "aria-owns",
)


class BookError(RuntimeError):
    """The site cannot be made into one document; the message says why, and what to do."""


class WholeBook:
    """The pages of a built site as one document.

    Parameters
    ----------
    html : Path
        The folder of the built site.
    toc : Path
        Its table of contents, ``_toc.yml``.
    title, author, note : str
        For the title page; `note` (HTML) stands at its foot.

    Raises
    ------
    BookError
        If a page is missing or is not a page of this theme, if a formula has not been typeset, or
        if a link inside the book leads nowhere.
    """

    def __init__(self, html: Path, toc: Path, *, title: str, author: str, note: str = "") -> None:
        self.title, self.author, self.note = title, author, note
        self._html = html.resolve()
        self.parts = contents(toc)
        entries = [entry for part in self.parts for entry in part.entries]
        soups = {entry.name: self._read(entry.name) for entry in entries}
        root = soups[entries[0].name]
        self.language = str(root.html.get("lang") or "en")
        self._head = self._styles(soups)
        self._articles = {name: _article(name, soup) for name, soup in soups.items()}
        self._ids = {name: _ids(article) for name, article in self._articles.items()}
        self._carried = _Carried(soups)
        #: The text of each formula, which stands for it where it cannot be seen.
        self.formulas: set[str] = set()
        self._broken: list[str] = []
        for part in self.parts:
            for entry in part.entries:
                self._join(entry, below_part=part.caption is not None)
        if self._broken:
            raise BookError(
                "each link inside the book must have a target, these have none: "
                + ", ".join(self._broken)
                + ": build the site again (make book), which names the page at fault"
            )

    def headings(self) -> list[Heading]:
        """Return what the contents list: parts, pages and their sections."""
        found = []
        for part in self.parts:
            if part.caption:
                found.append(Heading(1, part.caption, part_anchor(part)))
            for entry in part.entries:
                top = entry.depth + (1 if part.caption is None else 2)
                for tag in self._articles[entry.name].find_all(_levels(top, top + 1)):
                    found.append(Heading(int(tag.name[1]), _text(tag), str(tag["id"])))
        return found

    def render(self, page_numbers: dict[str, int] | None = None) -> str:
        """Return the document.

        Parameters
        ----------
        page_numbers : dict of str to int, optional
            For each id of :meth:`headings` the number that the contents show. Without it they show
            a number of three digits in its place, so that the lines break as they will.
        """
        body = [self._title_page(), self._contents(page_numbers)]
        for part in self.parts:
            opening = ""
            if part.caption:
                opening = f'<h1 class="part" id="{part_anchor(part)}">{escape(part.caption)}</h1>'
            for number, entry in enumerate(part.entries):
                if number:
                    opening = ""
                body.append(
                    f'<div class="chapter" style="page: {_page_name(entry.name)}">'
                    f"{opening}{self._articles[entry.name]}</div>"
                )
        return (
            f'<!DOCTYPE html>\n<html lang="{escape(self.language)}" data-theme="light" '
            f'data-mode="light" class="whole-book">\n<head>\n<meta charset="utf-8">\n'
            f"<title>{escape(self.title)}</title>\n"
            f'<meta name="author" content="{escape(self.author)}">\n'
            f"{self._head}\n<style>\n{self._running_heads()}\n</style>\n</head>\n"
            f"<body>{self._carried.svg()}"
            '<main class="bd-main"><div class="bd-content">'
            '<div class="bd-article-container">\n'
            + "\n".join(body)
            + "\n</div></div></main></body>\n</html>\n"
        )

    def _read(self, name: str) -> BeautifulSoup:
        path = self._html / f"{name}.html"
        if not path.is_file():
            raise BookError(
                f"a built site with the page {name}.html is needed, and {self._html.name} has no "
                "such page: run make book (or make draft) first"
            )
        return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")

    def _styles(self, soups: dict[str, BeautifulSoup]) -> str:
        """Return the pages' style sheets and styles, each once, in the order of the pages.

        Those for print come last, as on each page: another page's sheet must not undo them. After
        them comes the book's own.
        """
        styles: dict[str, bool] = {}
        for name, soup in soups.items():
            for tag in soup.head.select("link[rel~=stylesheet][href], style"):
                if tag.find_parent("noscript"):
                    continue
                if tag.name == "link":
                    tag["href"] = self._file(name, str(tag["href"])) or tag["href"]
                styles.setdefault(str(tag), tag.get("media") == "print")
        sheets = sorted(styles, key=lambda style: styles[style])
        book = Path(__file__).with_name("book.css").read_text(encoding="utf-8")
        return "\n".join([*sheets, f"<style>\n{book}</style>"])

    def _running_heads(self) -> str:
        """Return a kind of page for each page of the site, with its title at the head."""
        rules = []
        for part in self.parts:
            for entry in part.entries:
                heading = self._articles[entry.name].find(re.compile("^h[1-6]$"))
                text = _text(heading) if heading else self.title
                text = text.replace("\\", "\\\\").replace('"', '\\"').replace("<", "\\3c ")
                rules.append(
                    f"@page {_page_name(entry.name)} {{ @top-left {{ content: {chr(34)}{text}"
                    f"{chr(34)}; }} }}"
                )
        return "\n".join(rules)

    def _title_page(self) -> str:
        return (
            '<div class="title-page">'
            f'<p class="book-title">{escape(self.title)}</p>'
            f'<p class="book-author">{escape(self.author)}</p>'
            f'<p class="book-note">{self.note}</p></div>'
        )

    def _contents(self, page_numbers: dict[str, int] | None) -> str:
        lines = []
        for heading in self.headings():
            number = "000" if page_numbers is None else str(page_numbers[heading.target])
            lines.append(
                f'<li class="level-{heading.level}"><a href="#{escape(heading.target)}">'
                f'<span class="contents-text">{escape(heading.text)}</span>'
                f'<span class="contents-page">{number}</span></a></li>'
            )
        return (
            '<div class="contents"><p class="contents-title">Contents</p><ul>'
            + "".join(lines)
            + "</ul></div>"
        )

    def _join(self, entry: Entry, *, below_part: bool) -> None:
        """Make an article of its own page a piece of the document."""
        article = self._articles[entry.name]
        _open(article)
        self.formulas.update(name_formulas(article))
        for figure in article.find_all("figure"):
            figure["role"] = "group"  # the picture in it has the words
        _shift_headings(article, entry.depth + int(below_part))
        ids = self._ids[entry.name]
        for tag in article.find_all(True):
            self._relink(entry.name, tag)
            self._rename(entry.name, tag, ids)
        article["id"] = anchor(entry.name)
        self._give_headings_ids(entry.name, article)

    def _give_headings_ids(self, name: str, article: Tag) -> None:
        """Give each heading an id of its own, for the contents to lead to."""
        for number, heading in enumerate(article.find_all(re.compile("^h[1-6]$"))):
            heading.attrs.setdefault("id", anchor(name, f"heading-{number}"))

    def _relink(self, name: str, tag: Tag) -> None:
        """Make what a tag refers to hold from the document's place."""
        for key in ("src", "poster", "data"):
            if key in tag.attrs and tag.name in ("img", "source", "video", "object", "embed"):
                tag[key] = self._file(name, str(tag[key])) or tag[key]
        for key in ("href", "xlink:href"):
            if key not in tag.attrs:
                continue
            target = str(tag[key])
            if tag.name == "a":
                self._link(name, tag, key, target)
            elif target.startswith("#"):  # an SVG's <use>
                inside = target[1:] in self._ids[name]
                tag[key] = "#" + (anchor if inside else self._carried.target)(name, target[1:])
            else:
                tag[key] = self._file(name, target) or target

    def _link(self, name: str, tag: Tag, key: str, target: str) -> None:
        address = urlsplit(target)
        if address.scheme or address.netloc:
            return
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(address.path)))
        page = path.removesuffix(".html") if address.path else name
        fragment = unquote(address.fragment)
        if page not in self._ids:  # a file, or a page that is not in the book, as the index
            tag.name = "span"
            del tag[key]
        elif fragment and fragment not in self._ids[page]:
            self._broken.append(f"{target} on {name}.html")
        else:
            tag[key] = "#" + anchor(page, fragment)

    def _rename(self, name: str, tag: Tag, ids: set[str]) -> None:
        """Give the tag's id, and those that it refers to, the page's name."""
        for key, value in list(tag.attrs.items()):
            words = value if isinstance(value, list) else str(value)
            if key == "id":
                tag[key] = anchor(name, str(value))
            elif key in ID_REFERENCES:
                words = words if isinstance(words, list) else words.split()
                tag[key] = " ".join(anchor(name, word) for word in words if word in ids)
            elif isinstance(words, str) and "url(" in words:
                tag[key] = re.sub(
                    r"""url\((["']?)#([^"')]+)\1\)""",
                    lambda found: f"url(#{anchor(name, found[2])})",
                    words,
                )

    def _file(self, name: str, target: str) -> str | None:
        """Return the address of a file that a page refers to; None for what is no file."""
        address = urlsplit(target)
        if address.scheme or address.netloc or not address.path:
            return None
        place = self._html / posixpath.dirname(name) / unquote(address.path)
        return place.resolve().as_uri()


class _Carried:
    """What drawings use from outside of their page's article, as the outlines of glyphs.

    Pages that have the same thing by the same id share it.
    """

    def __init__(self, soups: dict[str, BeautifulSoup]) -> None:
        self._soups = soups
        self._things: dict[str, str] = {}
        self._targets: dict[tuple[str, str], str] = {}

    def target(self, name: str, target: str) -> str:
        """Return the document's id of the thing with this id on a page."""
        if (name, target) not in self._targets:
            self._targets[name, target] = self._take(name, target)
        return self._targets[name, target]

    def _take(self, name: str, target: str) -> str:
        thing = self._soups[name].find(id=target)
        if thing is None:
            raise BookError(
                f"a drawing on {name}.html uses #{target}, which is not on the page: build the "
                "site again (make book)"
            )
        shared = anchor("carried", target)
        content = str(thing)
        if self._things.setdefault(shared, content) != content:
            shared = anchor(f"carried.{name}", target)
            self._things[shared] = content
        return shared

    def svg(self) -> str:
        """Return a drawing of no size that defines what was taken."""
        if not self._things:
            return ""
        defined = []
        for target, content in self._things.items():
            thing = BeautifulSoup(content, "html.parser").find()
            thing["id"] = target
            defined.append(str(thing))
        return (
            '<svg width="0" height="0" style="position: absolute" aria-hidden="true"><defs>'
            + "".join(defined)
            + "</defs></svg>"
        )


def _page_name(name: str) -> str:
    return "page-" + re.sub(r"\W", "-", name)


def _text(heading: Tag) -> str:
    """Return a heading's text, that of its formulas included."""
    plain = BeautifulSoup(str(heading), "html.parser")
    for formula in plain.select("[role=img][aria-label]"):
        formula.replace_with(formula["aria-label"])
    return " ".join(plain.get_text().split())


def _levels(first: int, last: int) -> list[str]:
    return [f"h{level}" for level in range(first, min(last, 6) + 1)]


def _article(name: str, soup: BeautifulSoup) -> Tag:
    article = soup.select_one("article.bd-article")
    if article is None:
        raise BookError(
            f"{name}.html must be a page of sphinx-book-theme, with an <article>: it has none. "
            "Build the site again: make book"
        )
    for tag in article.select(SCREEN_ONLY):
        tag.decompose()
    for formula in article.select(".math"):
        if formula.get_text().lstrip().startswith(("\\(", "\\[")):
            raise BookError(
                f"formulas must be typeset when the site is built, {name}.html still has "
                f"{formula.get_text().strip()[:40]!r}: build the site again (make book)"
            )
    return article


def _ids(article: Tag) -> set[str]:
    """Return the ids on a page. Of two that are the same only the first counts, as in a browser."""
    seen: set[str] = set()
    for tag in article.find_all(id=True):
        if tag["id"] in seen:
            del tag["id"]
        else:
            seen.add(tag["id"])
    return seen


def _open(article: Tag) -> None:
    """Unfold what a reader of the site unfolds by a click."""
    for details in article.find_all("details"):
        summary = details.find("summary", recursive=False)
        if summary is not None:
            if "hide" in details.get("class", []):  # a cell's "Show code cell source"
                summary.decompose()
            else:
                summary.name = "p"
                summary["class"] = [*summary.get("class", []), "summary"]
        details.name = "div"
        details.attrs.pop("open", None)
        details["class"] = [*details.get("class", []), "unfolded"]
    for tag in article.select(".dropdown, .toggle, .toggle-hidden"):
        folded = ("dropdown", "toggle", "toggle-hidden")
        tag["class"] = [kind for kind in tag["class"] if kind not in folded]


def _shift_headings(article: Tag, by: int) -> None:
    """Move headings down by some levels; HTML has six."""
    for heading in article.find_all(re.compile("^h[1-6]$")):
        heading.name = f"h{min(int(heading.name[1]) + by, 6)}"
