"""A resolved document as plain Markdown, with HTML and TeX that any notebook reader shows.

Numbers and references are resolved already. A construct that is not known here is an error: no
reader shall meet markup that only the book's builder understands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

from docutils import nodes
from sphinx.environment import BuildEnvironment

from booksite.formulas.renderer import aligned

# Where Markdown or TeX would take a letter of the text for markup.
SPECIAL = re.compile(r"([\\`*$]|(?<!\w)_|_(?!\w)|(?<=\])\()")
# What would begin a heading, a quotation or a list: a line may begin with a value and a full stop.
BEGINNING = re.compile(r"^([ \t]*)(\d*)(#|>|[-+](?=\s|$)|(?<=\d)[.)](?=\s|$))", re.MULTILINE)

# A citation has its year in round brackets: square ones are a formula's to some readers.
ROUND = str.maketrans("[]", "()")


class UnknownConstructError(ValueError):
    """The book uses a construct for which the readers' edition has no form."""


@dataclass(frozen=True)
class Cell:
    """Where a code cell of the chapter stands: its number among all cells, from 0."""

    index: int
    #: What stands below it: a caption and a number.
    caption: str | None = None


class Markdown:
    """Writes the parts of one document; links lead to the site at the address `site`."""

    def __init__(self, environment: BuildEnvironment, docname: str, site: str) -> None:
        self.environment, self.docname, self.site = environment, docname, site

    def parts(self, node: nodes.Element, level: int = 0) -> Iterator[str | Cell]:
        """The blocks below a section, as text, and between them the code cells."""
        for child in node.children:
            if isinstance(child, nodes.section):
                yield from self.parts(child, level + 1)
            elif isinstance(child, nodes.title):
                yield f"{'#' * level} {self._section_number(node)}{self._inline(child)}"
            elif _is_cell(child):
                yield Cell(child["cell_index"], self._caption(child))
            elif any(_is_cell(each) for each in child.findall(nodes.container)):
                yield from self._solution_with_cells(child)
            else:
                yield from self._block(child)

    def _solution_with_cells(self, node: nodes.Element) -> Iterator[str | Cell]:
        """A solution: its prose folded under its title, and between the pieces its cells."""
        title, content = node.children
        prose: list[nodes.Node] = []
        more = ""
        for child in [*content.children, None]:
            if child is not None and not _is_cell(child):
                prose.append(child)
                continue
            if prose:
                yield "\n\n".join(self._titled(node, title.astext() + more, prose, more))
                prose, more = [], ", continued"
            if child is not None:
                yield Cell(child["cell_index"], self._caption(child))

    def _section_number(self, section: nodes.Element) -> str:
        numbers = self.environment.toc_secnumbers.get(self.docname, {})
        anchor = f"#{section['ids'][0]}" if f"#{section['ids'][0]}" in numbers else ""
        is_top = isinstance(section.parent, nodes.document)
        number = numbers.get("" if is_top else anchor, ())
        return f"{'.'.join(map(str, number))}. " if number else ""

    def _number(self, kind: str, name: str) -> str:
        number = self.environment.toc_fignumbers.get(self.docname, {}).get(kind, {}).get(name, ())
        return ".".join(map(str, number))

    def _caption(self, cell: nodes.Element) -> str | None:
        captions = []
        for figure in cell.findall(nodes.figure):
            for caption in figure.findall(nodes.caption):
                number = self._number("figure", figure["ids"][0])
                captions.append(f"**Fig. {number}.** {self._inline(caption)}")
        return "\n\n".join(captions) or None

    # ------------------------------------------------------------------------------- blocks

    def _blocks(self, children: Iterable[nodes.Node]) -> list[str]:
        return [block for child in children for block in self._block(child)]

    def _block(self, node: nodes.Node) -> Iterator[str]:
        """The Markdown of a node that stands by itself: one text for each block."""
        name = type(node).__name__
        write = getattr(self, f"write_{name}", None)
        if write is None:
            raise UnknownConstructError(
                f"{self.docname}: a readers' edition has no form for {name}: give it one in "
                "booksite/edition/markdown.py, or write it otherwise"
            )
        yield from write(node)

    def write_paragraph(self, node: nodes.Element) -> Iterator[str]:
        yield self._inline(node)

    def write_target(self, node: nodes.Element) -> Iterator[str]:
        yield from ()

    def write_comment(self, node: nodes.Element) -> Iterator[str]:
        yield from ()

    def write_container(self, node: nodes.Element) -> Iterator[str]:
        yield from self._blocks(node.children)

    write_section = write_container

    def write_block_quote(self, node: nodes.Element) -> Iterator[str]:
        yield quoted("\n\n".join(self._blocks(node.children)))

    def write_literal_block(self, node: nodes.Element) -> Iterator[str]:
        language = node.get("language", "")
        yield f"```{'' if language in ('none', 'default') else language}\n{node.astext()}\n```"

    def write_math_block(self, node: nodes.Element) -> Iterator[str]:
        tex = " ".join(aligned(node.astext(), node).split())
        number = self._number("displaymath", node["ids"][0]) if node["ids"] else ""
        # In one line: within a quotation some readers take the marks of further lines for TeX.
        tag = rf" \tag{{{number}}}" if number else ""
        yield f"$${tex}{tag}$$"

    def write_raw(self, node: nodes.Element) -> Iterator[str]:
        if node.get("format") != "html":
            raise UnknownConstructError(f"{self.docname}: raw text must be HTML, got {node}")
        yield node.astext()

    def write_bullet_list(self, node: nodes.Element) -> Iterator[str]:
        yield "\n".join(self._item(item, "- ") for item in node.children)

    def write_enumerated_list(self, node: nodes.Element) -> Iterator[str]:
        first = node.get("start", 1)
        items = enumerate(node.children, first)
        yield "\n".join(self._item(item, f"{number}. ") for number, item in items)

    def _item(self, item: nodes.Element, mark: str) -> str:
        lines = "\n\n".join(self._blocks(item.children)).split("\n")
        indent = " " * len(mark)
        return mark + "\n".join([lines[0], *(indent + line if line else "" for line in lines[1:])])

    def write_table(self, node: nodes.Element) -> Iterator[str]:
        head = [self._row(row) for part in node.findall(nodes.thead) for row in part.children]
        body = [self._row(row) for part in node.findall(nodes.tbody) for row in part.children]
        rule = "|" + " --- |" * head[0].count(" | ") + " --- |"
        yield "\n".join([*head, rule, *body])

    def _row(self, row: nodes.Element) -> str:
        cells = [" ".join(self._blocks(entry.children)).replace("|", r"\|") for entry in row]
        return f"| {' | '.join(cells)} |"

    # ---------------------------------------------------------------------- titled blocks

    def write_admonition(self, node: nodes.Element) -> Iterator[str]:
        title, rest = self._title_and_rest(node)
        yield from self._titled(node, title, rest)

    def write_self_test(self, node: nodes.Element) -> Iterator[str]:
        question, *choices, answers = node.children
        yield f"**Self-test.** {self._inline(question)}"
        yield "\n".join(f"- {self._inline(choice)}" for choice in choices)
        yield "<details>\n<summary>Answers</summary>"
        yield from self._blocks(answers.children)
        yield "</details>"

    def write_theorem_node(self, node: nodes.Element) -> Iterator[str]:
        title, rest = self._title_and_rest(node)
        number = self._number(node["countertype"], node["ids"][0])
        heading = f"**{node['realtype'].title()} {number}**{title and f' {title.strip()}'}"
        yield quoted("\n\n".join([heading, *self._blocks(rest)]))

    write_algorithm_node = write_theorem_node

    def write_proof_node(self, node: nodes.Element) -> Iterator[str]:
        (content,) = node.children
        yield quoted("\n\n".join(self._blocks(content.children)))

    def write_exercise_enumerable_node(self, node: nodes.Element) -> Iterator[str]:
        title, rest = self._title_and_rest(node)
        number = self._number("exercise", node["ids"][0])
        heading = f"**{title.replace('%s', number) or f'Exercise {number}'}**"
        yield quoted("\n\n".join([heading, *self._blocks(rest)]))

    def write_solution_node(self, node: nodes.Element) -> Iterator[str]:
        yield from self._titled(node, node.children[0].astext(), node.children[1:])

    def _titled(
        self, node: nodes.Element, title: str, content: list[nodes.Node], more: str = ""
    ) -> Iterator[str]:
        """Content of a node under a title, folded if the site folds the node.

        `more` is what a folded one's title says besides the node's.
        """
        if "dropdown" in node["classes"]:
            yield folded(node.children[0].astext() + more, self._blocks(content))
        else:
            heading = [f"**{' '.join(title.split())}**"] if title else []
            yield quoted("\n\n".join([*heading, *self._blocks(content)]))

    def _title_and_rest(self, node: nodes.Element) -> tuple[str, list[nodes.Node]]:
        first = node.children[0] if node.children else None
        if isinstance(first, nodes.title):
            return self._inline(first) or first.get("title", ""), node.children[1:]
        return "", node.children

    # ------------------------------------------------------------------------------ inline

    def _inline(self, node: nodes.Node) -> str:
        text = "".join(self._span(child) for child in node.children).strip()
        return BEGINNING.sub(r"\1\2\\\3", text)

    def _span(self, node: nodes.Node) -> str:
        """The Markdown of a node within a line."""
        if isinstance(node, nodes.Text):
            text = plain(node.astext())
            is_citation = "bibtex-citation" in node.parent.get("classes", ())
            return text.translate(ROUND) if is_citation else text
        if isinstance(node, nodes.math):
            return f"${' '.join((node.get('tex') or node.astext()).split())}$"
        if isinstance(node, nodes.literal):
            return f"`{node.astext()}`"
        if isinstance(node, nodes.target):
            return ""
        if isinstance(node, nodes.image):
            return f"![{node.get('alt', '')}]({node['uri']})"
        inner = "".join(self._span(child) for child in node.children)
        if isinstance(node, nodes.emphasis):
            return f"*{inner.strip()}*"
        if isinstance(node, nodes.strong):
            return f"**{inner.strip()}**"
        if isinstance(node, nodes.reference):
            return f"[{inner.strip()}]({self._address(node)})"
        if isinstance(node, nodes.inline):
            return inner
        raise UnknownConstructError(
            f"{self.docname}: a readers' edition has no form for {type(node).__name__} in a line"
        )

    def _address(self, node: nodes.reference) -> str:
        if "refid" in node:
            return f"{self.site}{self.docname}.html#{node['refid']}"
        if node["refuri"].startswith("#"):
            return f"{self.site}{self.docname}.html{node['refuri']}"
        return node["refuri"]


def _is_cell(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def plain(text: str) -> str:
    """Markdown that shows the text as it is, within a line."""
    return SPECIAL.sub(r"\\\1", text).replace("<", "&lt;")


def folded(title: str, blocks: list[str]) -> str:
    """Blocks that a click unfolds, under a title of plain text."""
    summary = f"<details>\n<summary>{escape(' '.join(title.split()))}</summary>"
    return "\n\n".join([summary, *blocks, "</details>"])


def quoted(text: str) -> str:
    """The text as a quotation, which every reader sets apart."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
