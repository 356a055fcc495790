"""One source, three editions: solutions folded, left out, or open.

`solutions` in `_config.yml` is the switch: `folded` for the site, `none` for students, `open` for
a lecturer. It holds for pages, PDF and notebooks, and nothing is read or executed again for it.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import ENUM
from sphinx_exercise.nodes import solution_node

#: The tag of the code cells of a solution.
TAG = "solution"


def show(app: Sphinx, doctree: nodes.document, docname: str | None = None) -> None:
    """Leave solutions out of a page, or open all that it folds, as the switch says."""
    if app.config.solutions == "none":
        for solution in list(doctree.findall(solution_node)):
            solution.parent.remove(solution)
    elif app.config.solutions == "open":
        for node in doctree.findall(nodes.Element):
            if "dropdown" in node.get("classes", ()):
                node["classes"].remove("dropdown")


def register(app: Sphinx) -> None:
    """Connect the switch to Sphinx."""
    app.add_config_value("solutions", "folded", "", ENUM("folded", "none", "open"))
    app.connect("doctree-resolved", show)
