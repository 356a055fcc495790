"""What pages are made of besides their text: the book's own templates, style sheets and scripts."""

from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

HERE = Path(__file__).resolve().parent
# In the order in which they apply, after the theme's.
SHEETS = [
    "palette",
    "page",
    "text",
    "code",
    "figures",
    "tables",
    "formulas",
    "boxes",
    "self_tests",
    "frame",
    "reference",
    "front",
]


def add_files(app: Sphinx, config: Config) -> None:
    """Add style sheets, scripts and templates to what `config` lists."""
    explorers = ["explorers/screen.js", "explorers/host.js"]
    names = ["search/found.js", *explorers, "self_tests/self_tests.js"]
    scripts = [HERE / name for name in names]
    config.html_static_path = [
        *config.html_static_path,
        *map(str, [HERE / "style", *scripts]),
    ]
    config.templates_path = [str(HERE / "templates"), *config.templates_path]
    config.html_css_files = [
        *config.html_css_files,
        *(f"{name}.css" for name in SHEETS),
        ("print.css", {"media": "print"}),
    ]
    config.html_js_files = [
        *config.html_js_files,
        *((name, {"defer": "defer"}) for name in ("found.js", "self_tests.js")),
    ]
    # Formulas are drawn by the build: no page loads MathJax.
    config.html_math_renderer = "typeset"
    config.html_search_scorer = str(HERE / "search" / "scorer.js")
