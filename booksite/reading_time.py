"""How long a chapter takes to read, said below its title.

The rule: 200 words of prose a minute, with titles, captions, tables and boxes, a formula within a
line counting as one word; 20 seconds for a formula that is set apart; 30 seconds for a code cell
with what it prints; 30 seconds for each figure and each explorer. What is folded is not counted,
and the sum is rounded up. It is the rule of the appendix on the build, too.
"""

from math import ceil

from docutils import nodes
from sphinx.application import Sphinx

WORDS = 200  # a minute
SECONDS = {"formula": 20, "cell": 30, "figure": 30}


def seconds(node: nodes.Node) -> float:
    """The time that this part of a resolved page takes."""
    match node:
        case nodes.Text():
            return len(node.split()) * 60 / WORDS
        case nodes.math():
            return 60 / WORDS
        case nodes.math_block():
            return SECONDS["formula"]
        case nodes.raw():
            return SECONDS["figure"] if 'class="explorer"' in node.astext() else 0
        case nodes.image():
            return SECONDS["figure"]
        case nodes.literal_block() | nodes.comment():
            return 0
        case nodes.Element() if "dropdown" in node.get("classes", ()):
            return 0
    cell = node.get("nb_element") == "cell_code"
    return cell * SECONDS["cell"] + sum(seconds(child) for child in node.children)


def say(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Say how long a chapter takes, below its title; pages of practice take what they take."""
    path = app.env.doc2path(docname)
    if app.builder.name != "html" or not path.endswith(".ipynb") or "practice/" in docname:
        return
    title = next(doctree.findall(nodes.title))
    text = f"About {ceil(seconds(doctree) / 60)} minutes of reading."
    title.parent.insert(1, nodes.paragraph(text, text, classes=["reading-time"]))
