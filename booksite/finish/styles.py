"""Each page loads one style sheet, without rules for what no page has.

A browser paints nothing before it has all style sheets of a page, and the theme and the other
extensions bring a dozen of them, most of whose rules are about things that this site does not have.
Once all pages are finished, their sheets are joined in their order, and the rules left out whose
classes are in no page and in no script.
"""

import hashlib
import itertools
import posixpath
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import tinycss2

from booksite.finish.pages import finish_pages, pages

SHEET = re.compile(
    r'[ \t]*<link(?![^>]*\bmedia=)(?=[^>]*\brel="stylesheet")[^>]*\bhref="([^"?]+)[^"]*"[^>]*>\n?'
)
CLASSES = re.compile(r'\bclass="([^"]*)"')
WORDS = re.compile(r"[\w-]+")
DATA = re.compile(r"searchindex|^[0-9a-f]{16}$")  # scripts that hold no names of classes


def names_in_use(folder: Path) -> set[str]:
    """Return the classes of all pages of a site, and all words of its scripts."""
    names: set[str] = set()
    for path in pages(folder):
        page = path.read_text(encoding="utf-8")
        for classes in CLASSES.findall(page):
            names.update(classes.split())
        for script in re.findall(r"<script\b[^>]*>(.*?)</script>", page, flags=re.DOTALL):
            names.update(WORDS.findall(script))
    for path in (folder / "_static").rglob("*.js"):
        if not DATA.search(path.stem):
            names.update(WORDS.findall(path.read_text(encoding="utf-8")))
    return names


def pruned(rules: Iterable[tinycss2.ast.Node], names: set[str]) -> Iterator[str]:
    """Yield the rules, without selectors of classes that are not among `names`.

    A class may also be put together by a script, from a name that ends in a hyphen.
    """
    beginnings = tuple(name for name in names if len(name) > 3 and name.endswith("-"))
    for rule in rules:
        if rule.type == "qualified-rule":
            kept = [
                tinycss2.serialize(selector)
                for selector in _selectors(rule.prelude)
                if all(n in names or n.startswith(beginnings) for n in _classes(selector))
            ]
            if kept:
                yield f"{','.join(kept)}{{{tinycss2.serialize(rule.content)}}}"
        elif rule.type == "at-rule" and rule.lower_at_keyword in {"media", "supports", "container"}:
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            if content := "".join(pruned(inner, names)):
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{content}}}"
        elif rule.type == "at-rule" and rule.lower_at_keyword != "charset":
            yield rule.serialize()
        elif rule.type == "error":
            raise ValueError(f"a style sheet must hold rules, got: {rule.message}")


def _selectors(prelude: list[tinycss2.ast.Node]) -> Iterator[list[tinycss2.ast.Node]]:
    """Yield the selectors between the commas of a rule's head."""
    selector: list[tinycss2.ast.Node] = []
    for token in prelude:
        if token == ",":
            yield selector
            selector = []
        else:
            selector.append(token)
    yield selector


def _classes(selector: list[tinycss2.ast.Node]) -> Iterator[str]:
    """Yield the classes that an element must have; those inside of :not() or :is() it need not."""
    for dot, name in itertools.pairwise(selector):
        if dot == "." and name.type == "ident":
            yield name.value


def sheet(path: Path, base: Path) -> str:
    """Return a style sheet with its imports in place, and addresses that hold in `base`."""
    style = path.read_text(encoding="utf-8")

    def moved(address: re.Match) -> str:
        if re.match(r"[a-z]+:|#|/", address[2]):
            return address[0]
        place = posixpath.relpath((path.parent / address[2]).as_posix(), base.as_posix())
        return f"url({address[1]}{place}{address[1]})"

    def imported(statement: re.Match) -> str:
        return sheet((path.parent / statement[1]).resolve(), base)

    style = re.sub(r"""url\((["']?)([^"')]+)\1\)""", moved, style)
    return re.sub(r"""@import\s+["']([^"']+)["'];""", imported, style)


def join(site: Path) -> None:
    """Give each page of the finished site its one style sheet."""
    static = site.resolve() / "_static"
    names = names_in_use(site)

    @cache  # the theme's sheet, the largest, is part of each page's
    def used(file: str) -> str:
        style = sheet(static / file, static)
        rules = tinycss2.parse_stylesheet(style, skip_comments=True, skip_whitespace=True)
        return "\n".join(pruned(rules, names))

    @cache
    def name_of(files: tuple[str, ...]) -> str:
        style = "\n".join(map(used, files))
        name = f"style.{hashlib.sha256(style.encode()).hexdigest()[:12]}.css"
        (static / name).write_text(style, encoding="utf-8")
        return name

    def finish(page: str) -> str:
        found = list(SHEET.finditer(page))
        if not found or re.search(r"style\.[0-9a-f]{12}\.css", found[0][1]):
            return page
        up = found[0][1].split("_static/")[0]
        name = name_of(tuple(link[1].split("_static/", 1)[1] for link in found))
        page = SHEET.sub("", page)
        link = f'<link rel="stylesheet" href="{up}_static/{name}">'
        return page.replace("</title>", f"</title>\n{link}", 1)

    finish_pages(site, finish)
