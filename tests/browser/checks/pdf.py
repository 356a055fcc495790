"""What a PDF must have beside its looks: each check returns what is wrong, or what it found."""

import itertools
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
from bs4 import BeautifulSoup, NavigableString, Tag
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject


def untagged(reader: PdfReader) -> list[str]:
    """Return what a PDF lacks that a screen reader needs: tags, and the language."""
    root = reader.root_object
    problems = []
    if not root.get("/MarkInfo", {}).get("/Marked"):
        problems.append("it is not marked as tagged")
    if "/K" not in root.get("/StructTreeRoot", {}):
        problems.append("it has no tree of tags")
    if not root.get("/Lang"):
        problems.append("it does not say its language")
    return problems


def bookmarks(reader: PdfReader) -> list[tuple[int, str, int]]:
    """Return each bookmark: its level from 1, its text, and its page from 1."""

    def below(items, level):
        for item in items:
            if isinstance(item, list):
                yield from below(item, level + 1)
            else:
                yield level, item.title, reader.get_destination_page_number(item) + 1

    return list(below(reader.outline, 1))


def links(reader: PdfReader) -> list[str]:
    """Return the targets of all links: names in the document, and addresses."""
    found = []
    for page in reader.pages:
        for annotation in page.get("/Annots", []):
            annotation = annotation.get_object()
            if "/Dest" in annotation:
                found.append(str(annotation["/Dest"]).removeprefix("/"))
            elif "/A" in annotation:
                found.append(str(annotation["/A"].get("/URI", "")))
    return found


def dangling(reader: PdfReader) -> list[str]:
    """Return the links that lead nowhere: to a name that is not there, or to a file."""
    names = {name.removeprefix("/") for name in reader.named_destinations}
    return [
        target
        for target in links(reader)
        if target not in names and not target.startswith(("http://", "https://", "mailto:"))
    ]


def tagged(reader: PdfReader, *kinds: str) -> list[str]:
    """Return the alternative texts of the elements with one of these tags, in their order."""
    tree = reader.root_object.get("/StructTreeRoot")
    nodes = _nodes(tree["/K"]) if tree else ()
    return [str(node.get("/Alt", "")) for node in nodes if node.get("/S") in kinds]


def _nodes(node: object) -> Iterator[DictionaryObject]:
    node = node.get_object()
    if isinstance(node, ArrayObject):
        for child in node:
            yield from _nodes(child)
    elif isinstance(node, DictionaryObject):
        yield node
        if "/K" in node:
            yield from _nodes(node["/K"])


def texts(pdf: Path) -> list[str]:
    """Return the text of each page, in one line each."""
    with pypdfium2.PdfDocument(pdf) as document:
        found = [page.get_textpage().get_text_range() for page in document]
    # This is how pdfium writes a hyphen at a line's end.
    return [normal(" ".join(text.replace("\ufffe", "-").split())) for text in found]


def normal(text: str) -> str:
    """Return text as a search compares it: "fi" may be one letter of a font, U+FB01.

    Letters for private use, as a font of icons has them, are left out.
    """
    return re.sub("[\ue000-\uf8ff]", "", unicodedata.normalize("NFKC", text))


def fonts(reader: PdfReader) -> set[str]:
    """Return the names of the fonts of all pages, without the mark of a part of a font."""
    found = set()
    for page in reader.pages:
        for font in page["/Resources"].get("/Font", {}).values():
            # Chromium's own fonts of shapes have no name.
            name = str(font.get_object().get("/BaseFont", ""))
            found.add(name.removeprefix("/").split("+")[-1])
    return found


SHORTEST_PART = 20  # letters: less would be found somewhere by chance
BLOCKS = re.compile(
    "p|li|td|th|dt|dd|pre|div|figcaption|h[1-6]|ul|ol|dl|table|tr|section|article|figure|aside|"
    "blockquote|caption|br"
)


def pieces(article: Tag) -> Iterator[str]:
    """Yield an article's text without spaces, in pieces between formulas, pictures and blocks."""
    piece: list[str] = []

    def parts(tag: Tag) -> Iterator[str | None]:
        for child in tag.children:
            if type(child) is NavigableString:
                yield str(child)
            elif not isinstance(child, Tag):
                continue
            elif child.name in ("svg", "math", "img", "script", "style") or (
                child.get("role") == "img"
            ):
                yield None
            elif BLOCKS.fullmatch(child.name):
                yield None
                yield from parts(child)
                yield None
            else:
                yield from parts(child)

    for part in [*parts(article), None]:
        if part is not None:
            piece.append(part)
            continue
        text = _dense("".join(piece))
        # A mark alone, as the tick of a run that succeeded, is nothing that is searched for.
        if any(letter.isalnum() for letter in text):
            yield text
        piece.clear()


def lost(document: str, pages: list[str]) -> list[str]:
    """Return the pieces of a document's articles that the PDF printed from it does not say.

    Parameters
    ----------
    document : str
        The HTML.
    pages : list of str
        The text of each page of the PDF, as `texts` returns it, with a running head and the
        page's number, from 1, before what stands on the page.
    """
    bodies = [
        _dense(re.sub(rf"^.*? {number} ", "", page, count=1))
        for number, page in enumerate(pages, start=1)
    ]
    text = "".join(bodies)

    def turns_a_page(piece: str) -> bool:
        # Between its parts may stand the titles of boxes: they come last in the text of a page.
        return any(
            after.startswith(piece[cut:]) and piece[:cut] in before
            for before, after in itertools.pairwise(bodies)
            for cut in range(1, len(piece))
        )

    def said(piece: str) -> bool:
        if piece in text or turns_a_page(piece):
            return True
        # Of a box that two pages share, the parts may come early or late on their pages.
        cut = max(n for n in range(len(piece)) if piece[:n] in text)
        return min(cut, len(piece) - cut) >= SHORTEST_PART and said(piece[cut:])

    articles = BeautifulSoup(document, "html.parser").find_all("article")
    return [piece for each in articles for piece in pieces(each) if not said(piece)]


def _dense(text: str) -> str:
    return "".join(normal(text).split())
