"""TeX to SVG and MathML, by MathJax's own files in a JavaScript engine, without a browser.

`Typesetter().typeset(r"x^2", display=False)` is a `Formula`: an SVG drawing that takes the colour
and the size of the text around it, and its MathML, which a screen reader can speak.
"""

import json
import re
import weakref
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

from py_mini_racer import MiniRacer

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
SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
# "translate(833,0)" and "translate(833)", which a glyph can have as its x and y instead
SHIFT = re.compile(r"translate\((-?[\d.]+)(?:, ?(-?[\d.]+))?\)")
DECIMAL = re.compile(r"-?\d+\.\d+")
# MathJax's names of outlines begin so, ours shorter.
PREFIX, NAME = "MJX-TEX-", "f-"


class TexError(ValueError):
    """A formula that cannot be typeset; its text says why, and what to do."""


@dataclass(frozen=True)
class Formula:
    """A typeset formula.

    Attributes
    ----------
    svg : str
        An `<svg>` without words, whose glyphs are `<use>` of the outlines in `Typesetter.glyphs`.
    mathml : str
        The formula as `<math>`.
    text : str
        Its symbols in a line of plain text, for titles.
    width : float
        Width of the drawing in ex.
    """

    svg: str
    mathml: str
    text: str
    width: float


class Typesetter:
    """MathJax 3 with the commands of LaTeX and the ams packages.

    Parameters
    ----------
    macros : dict of str to str or list, optional
        Commands of one's own in MathJax's notation: `{"R": r"\\mathbb{R}"}`, or with a number of
        arguments `{"norm": [r"\\|#1\\|", 1]}`.

    Raises
    ------
    RuntimeError
        If the package that carries MathJax is not installed.
    """

    def __init__(self, macros: dict | None = None):
        self._engine = MiniRacer()
        # At the latest when the interpreter begins to exit: left to the engine's own `__del__`,
        # closing waits for a thread that no longer runs, and Python 3.13 never exits.
        weakref.finalize(self, self._engine.close)
        self._formulas: dict[tuple[str, bool], Formula] = {}
        folder = _mathjax()
        self._engine.eval(BROWSER + f"var MACROS = {json.dumps(macros or {})};")
        for name in FILES:
            self._engine.eval((folder / f"{name}.js").read_text(encoding="utf-8") + ";0")
        ours = Path(__file__).with_name("typeset.js")
        self._engine.eval(ours.read_text(encoding="utf-8") + ";0")

    def typeset(self, tex: str, *, display: bool) -> Formula:
        """Return the formula that `tex` means, within a line or (`display`) on its own.

        Raises
        ------
        TexError
            If `tex` is not understood, numbers or refers by itself, or needs a character that
            MathJax has no outline of.
        """
        key = (tex, display)
        if key not in self._formulas:
            answer = json.loads(self._engine.call("typeset", tex, display))
            if "problem" in answer:
                raise TexError(f"TeX is not understood: {answer['problem']}, in {_excerpt(tex)}")
            _check(answer["html"], tex)
            self._formulas[key] = _formula(answer["html"])
        return self._formulas[key]

    def glyphs(self) -> dict[str, str]:
        """Return the outlines of all glyphs so far: name to path, in units of 1/1000 em."""
        cache = ElementTree.fromstring(self._engine.call("outlines"))
        return {NAME + path.get("id").removeprefix(PREFIX): path.get("d") for path in cache}


def _mathjax() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None:
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


def _formula(html: str) -> Formula:
    drawing = ElementTree.fromstring(re.search(r"<svg.*</svg>", html, re.DOTALL)[0])
    mathml = re.search(r"<math.*</math>", html, re.DOTALL)[0]
    mathml = mathml.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")
    text = "".join(ElementTree.fromstring(mathml.replace("&nbsp;", " ")).itertext())
    return Formula(
        svg=_light(drawing),
        mathml=re.sub(r">\s+<", "><", mathml),
        text=" ".join(text.split()),
        width=float(drawing.get("width").removesuffix("ex")),
    )


def _light(drawing: ElementTree.Element) -> str:
    """Return MathJax's drawing in as few letters as show the same."""
    (whole,) = drawing
    style = drawing.get("style", "").replace(" ", "").rstrip(";")
    box = " ".join(f"{float(number):.0f}" for number in drawing.get("viewBox").split())
    size = f'width="{drawing.get("width")}" height="{drawing.get("height")}"'
    content = "".join(_markup(child) for child in whole)
    return (
        f'<svg {size} viewBox="{box}" style="{style}" aria-hidden="true">'
        f'<g transform="scale(1,-1)">{content}</g></svg>'
    )


def _markup(node: ElementTree.Element, shift: str = "") -> str:
    tag = node.tag.removeprefix(SVG)
    kept = {name: value for name, value in node.attrib.items() if not name.startswith("data-")}
    link = kept.pop(LINK, None)
    attributes = {name: DECIMAL.sub(_rounded, value) for name, value in kept.items()}
    children = list(node)
    if tag == "g" and not attributes:
        return "".join(_markup(child) for child in children)
    if tag == "g" and set(attributes) == {"transform"} and len(children) == 1:
        only = children[0]
        move = SHIFT.fullmatch(attributes["transform"])
        if move and only.tag == SVG + "use" and "transform" not in only.attrib:
            x, y = (DECIMAL.sub(_rounded, value or "0") for value in move.groups())
            place = f' x="{x}"' if y == "0" else f' x="{x}" y="{y}"'
            return _markup(only, place)
    content = "".join(_markup(child) for child in children)
    href = f' href="#{NAME}{link.removeprefix("#" + PREFIX)}"' if link else ""
    listed = "".join(f' {name}="{value}"' for name, value in attributes.items())
    end = f">{content}</{tag}>" if content else "/>"
    return f"<{tag}{href}{shift}{listed}{end}"


def _rounded(match: re.Match) -> str:
    number = float(match[0])
    # Factors keep three digits; lengths are in thousandths of an em.
    return f"{number:.0f}" if abs(number) >= 10 else f"{number:.3g}"
