"""A question to the reader looks like one.

Without a mark in the text, which a notebook would show outside of the book.
"""

from docutils import nodes
from sphinx.application import Sphinx

QUESTION = "What do you expect?"


def mark(app: Sphinx | None, doctree: nodes.document) -> None:
    """Give the class `expect` to each paragraph that begins with the question in bold."""
    for paragraph in doctree.findall(nodes.paragraph):
        # In front of bold text at the beginning MyST leaves an empty one.
        first = next((child for child in paragraph.children if child.astext()), None)
        if isinstance(first, nodes.strong) and first.astext() == QUESTION:
            paragraph["classes"].append("expect")
