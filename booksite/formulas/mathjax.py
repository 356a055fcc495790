"""TeX to SVG and MathML, by MathJax's own files in a JavaScript engine, without a browser.

`Typesetter().typeset(r"x^2", display=False)` is a `Formula`: an SVG drawing that takes the colour
and the size of the text around it, and its MathML, which a screen reader can speak.
"""

import json
import re
import weakref
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

from py_mini_racer import MiniRacer

from booksite.formulas.drawing import NAME, PREFIX, Formula, formula_of

PACKAGE = "sphinx-mathjax-offline"
FILES = [
    "startup",
    "core",
    "adaptors/liteDOM",
    "input/tex-full",
    "output/svg",
    "output/svg/fonts/tex",
    "a11y/assistive-mml",
]
# What MathJax expects of a browser before it is loaded: no loader, no start of its own.
BROWSER = """
var global = globalThis, console = {log() {}, warn() {}, error() {}}, setTimeout = (call) => call();
var MathJax = {loader: {load: []}, startup: {typeset: false, ready() {}}};
"""


class TexError(ValueError):
    """A formula that cannot be typeset; its text says why, and what to do."""


class Typesetter:
    """MathJax 3 with the commands of LaTeX and the ams packages."""

    def __init__(self) -> None:
        self._engine = MiniRacer()
        # At the latest when the interpreter begins to exit: left to the engine's own `__del__`,
        # closing waits for a thread that no longer runs, and Python 3.13 never exits.
        weakref.finalize(self, self._engine.close)
        self._formulas: dict[tuple[str, bool], Formula] = {}
        folder = _mathjax()
        self._engine.eval(BROWSER)
        for name in FILES:
            self._engine.eval((folder / f"{name}.js").read_text(encoding="utf-8") + ";0")
        ours = Path(__file__).with_name("mathjax.js")
        self._engine.eval(ours.read_text(encoding="utf-8") + ";0")

    def typeset(self, tex: str, *, display: bool) -> Formula:
        """Return the formula that `tex` means, within a line or (`display`) on its own.

        A TexError says that `tex` is not understood, numbers or refers by itself, or needs a
        character that MathJax has no outline of.
        """
        key = (tex, display)
        if key not in self._formulas:
            answer = json.loads(self._engine.call("typeset", tex, display))
            if "problem" in answer:
                raise TexError(f"TeX is not understood: {answer['problem']}, in {_excerpt(tex)}")
            _check(answer["html"], tex)
            self._formulas[key] = formula_of(answer["html"])
        return self._formulas[key]

    def glyphs(self) -> dict[str, str]:
        """Return the outlines of all glyphs so far: name to path, in units of 1/1000 em."""
        cache = ElementTree.fromstring(self._engine.call("outlines"))
        return {NAME + path.attrib["id"].removeprefix(PREFIX): path.attrib["d"] for path in cache}


def _mathjax() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(
            f"MathJax is needed to typeset formulas, and the package {PACKAGE}, which carries it, "
            "is not installed: run make, which installs what pyproject.toml lists"
        )
    return Path(spec.submodule_search_locations[0]) / "static" / "mathjax"


def _check(html: str, tex: str) -> None:
    """Refuse what MathJax lets pass, but a page cannot show."""
    strange = re.findall(r"<text[^>]*>([^<]*)</text>", html)
    if strange:
        raise TexError(
            f"there is no outline of {' '.join(strange)}, in {_excerpt(tex)}: "
            "write the words beside the formula"
        )
    if 'data-mml-node="mlabeledtr"' in html:
        raise TexError(f"\\tag is not for pages, in {_excerpt(tex)}: give the equation a label")
    if "<a " in html or 'class="MathJax_ref"' in html:
        raise TexError(f"\\ref is not for pages, in {_excerpt(tex)}: refer with {{eq}}`label`")
    if "merror" in html:
        raise TexError(f"TeX is not understood, in {_excerpt(tex)}")


def _excerpt(tex: str) -> str:
    line = " ".join(tex.split())
    return line if len(line) <= 80 else line[:77] + "..."
