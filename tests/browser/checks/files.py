"""Checks of the site's files, without a browser: each returns a list of problems."""

import posixpath
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag

# An address with a scheme is not resolved here.
SCHEME = re.compile(r"[a-zA-Z][\w+.-]*:|//")
URL_IN_CSS = re.compile(r"url\(\s*(['\"]?)(.*?)\1\s*\)|@import\s+(['\"])(.*?)\3")
COMMENT_IN_CSS = re.compile(r"/\*.*?\*/", re.DOTALL)
FILE_NAME = re.compile(r"\.(png|svg|jpe?g|gif|webp|avif)$", re.IGNORECASE)
SHORTEST_ALT = 20  # characters: less cannot say what a figure shows
# Icons of the theme's controls, which a word is enough for.
CONTROL = re.compile(r"^(btn|toggler)$")
# What a browser fetches by itself, or a reader follows.
REFERENCES = {"href", "src", "srcset", "poster", "data", "action", "xlink:href"}
# Links that name another page for whoever looks for it; browsers do not fetch them.
NOT_FETCHED = {"canonical", "alternate", "license", "author", "index", "search", "next", "prev"}
DATA_FOLDER = "_downloads/figure-data/"


@cache
def parsed(file: Path) -> BeautifulSoup:
    """Return a page's elements, parsed once."""
    return BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser")


def html_files(site: Path) -> list[Path]:
    """Return all pages of the site, those that only lead on too; not the theme's templates."""
    files = [file for file in site.rglob("*.html") if "_static" not in file.parts]
    return [file for file in sorted(files) if "reports" not in file.relative_to(site).parts]


@cache
def anchors(file: Path) -> set[str]:
    """Return what a fragment on this page may name."""
    page = parsed(file)
    return {tag["id"] for tag in page.find_all(id=True)} | {
        tag["name"] for tag in page.find_all("a", attrs={"name": True})
    }


def references(page: BeautifulSoup) -> Iterator[tuple[Tag, str]]:
    """Yield each element of a page that refers to something, and the address."""
    for tag in page.find_all(True):
        for name in REFERENCES & tag.attrs.keys():
            # a name here is not an address: <data>, <button action>
            if name == "data" and tag.name != "object":
                continue
            value = tag[name]
            for part in value.split(",") if name == "srcset" else [value]:
                yield tag, part.strip().split(" ")[0] if name == "srcset" else part.strip()
        if tag.name == "meta" and tag.get("http-equiv", "").lower() == "refresh":
            yield tag, tag["content"].partition("url=")[2]


def broken_link(site: Path, file: Path, address: str) -> str | None:
    """Say what an address on a page of the site leads to that is not there."""
    parts = urlsplit(address)
    inside = unquote(parts.path)
    if inside.startswith("/"):
        return "leads out of the site, which lies in a folder of its host"
    target = file if not inside else Path(posixpath.normpath((file.parent / inside).as_posix()))
    if not target.is_relative_to(site):
        return "leads out of the site"
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return "there is no such file"
    if parts.fragment and target.suffix == ".html":
        fragment = unquote(parts.fragment)
        if fragment not in anchors(target):
            return f"there is no {fragment!r} on that page"
    return None


def links(site: Path) -> list[str]:
    """Say which references within the site lead nowhere, and which parts come from elsewhere."""
    found = []
    for file in html_files(site):
        name = file.relative_to(site).as_posix()
        for tag, address in references(parsed(file)):
            if SCHEME.match(address):
                if foreign := _foreign(tag, address):
                    found.append(f"{name}: {foreign}")
            elif address in ("", "#"):
                continue
            elif broken := broken_link(site, file, address):
                found.append(f"{name}: {address}: {broken}")
    return found


def _foreign(tag: Tag, address: str) -> str | None:
    """Say what a browser would load from elsewhere for this element."""
    if address.startswith(("data:", "blob:", "about:")):
        return None
    if tag.name in ("a", "area") and SCHEME.match(address):
        wrong = address.startswith(("file:", "javascript:")) or "127.0.0.1" in address
        return f"a reader cannot follow {address}" if wrong else None
    if tag.name == "link" and NOT_FETCHED & set(tag.get("rel", [])):
        return None
    if tag.name == "form":
        return f"<form> sends what a reader types to {address}"
    return f"<{tag.name}> loads {address}"


def style_sheets(site: Path) -> list[str]:
    """Say what style sheets refer to that is not there, or on another host."""
    found = []
    for file in sorted(site.rglob("*.css")):
        text = COMMENT_IN_CSS.sub("", file.read_text(encoding="utf-8"))
        for match in URL_IN_CSS.finditer(text):
            address = match[2] or match[4] or ""
            name = file.relative_to(site).as_posix()
            if address.startswith(("data:", "#")):
                continue
            if SCHEME.match(address):
                found.append(f"{name}: loads {address}")
            elif broken := broken_link(site, file, address.partition("#")[0].partition("?")[0]):
                found.append(f"{name}: {address}: {broken}")
    return found


def repeated_ids(file: Path) -> list[str]:
    """Return the ids that more than one element of a page has."""
    counted = Counter(tag["id"] for tag in parsed(file).find_all(id=True))
    return sorted(name for name, count in counted.items() if count > 1)


def alt_texts(file: Path) -> list[str]:
    """Say which images of a page do not say what they show."""
    found = []
    for image in parsed(file).find_all("img"):
        alt = image.get("alt")
        source = image.get("src", "")[:60]
        hidden = image.get("aria-hidden") == "true"
        if hidden or image.get("role") in ("presentation", "none"):
            if alt:
                found.append(f"{source} is decorative, and says {alt!r}")
        elif not (alt or "").strip():
            found.append(f"{source} says nothing, and is not marked as decorative")
        elif FILE_NAME.search(alt.strip()) or alt.strip() == Path(source).stem:
            found.append(f"{source} says only a file's name, {alt!r}")
        elif len(alt.strip()) < SHORTEST_ALT and not _is_icon(image):
            found.append(f"{source} says only {alt!r}")
    return found


def _is_icon(image: Tag) -> bool:
    return bool(
        CONTROL.match(" ".join(image.get("class", []))) or image.find_parent(class_=CONTROL)
    )


def figures(page: BeautifulSoup) -> list[Tag]:
    """Return the figures of a page that show something which was computed."""
    return [figure for figure in page.find_all("figure") if figure.find(["img", "svg", "picture"])]


def figure_data(site: Path, file: Path) -> list[str]:
    """Say which figures of a page have no table of their data to download."""
    found = []
    for figure in figures(parsed(file)):
        hrefs = [link.get("href", "") for link in figure.find_all("a")]
        # the link may also stand right behind the figure
        behind = figure.find_next_sibling()
        if behind is not None and behind.name != "figure":
            hrefs += [link.get("href", "") for link in behind.find_all("a")]
        tables = [
            Path(posixpath.normpath((file.parent / unquote(href)).as_posix()))
            for href in hrefs
            if DATA_FOLDER in href and href.endswith(".csv")
        ]
        name = figure.get("id", "without a name")
        if not tables:
            found.append(f"figure {name}: no link to its data")
        for table in tables:
            lines = table.read_text(encoding="utf-8").splitlines() if table.is_file() else []
            if len([line for line in lines if "," in line]) < 2:
                found.append(f"figure {name}: {table.name} is no table with a head and a row")
    return found
