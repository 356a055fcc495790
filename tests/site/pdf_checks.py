"""What a PDF must have beside its looks: each check returns what is wrong, or what it found."""

from collections.abc import Iterator

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


def words(reader: PdfReader, *numbers: int) -> str:
    """Return the text of these pages (indices, as a list has them), or of all, in one line."""
    pages = [reader.pages[number] for number in numbers] if numbers else reader.pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())
