"""MathJax's drawing of a formula in as few letters as show the same, beside its MathML."""

import re
from dataclasses import dataclass
from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
# "translate(833,0)" and "translate(833)", which a glyph can have as its x and y instead
SHIFT = re.compile(r"translate\((-?[\d.]+)(?:, ?(-?[\d.]+))?\)")
DECIMAL = re.compile(r"-?\d+\.\d+")
# MathJax's names of outlines begin so, ours shorter.
PREFIX, NAME = "MJX-TEX-", "f-"


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


def formula_of(html: str) -> Formula:
    """Return the formula that MathJax has written as `html`."""
    drawing = ElementTree.fromstring(_element(html, "svg"))
    mathml = _element(html, "math").replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")
    text = "".join(ElementTree.fromstring(mathml.replace("&nbsp;", " ")).itertext())
    return Formula(
        svg=_light(drawing),
        mathml=re.sub(r">\s+<", "><", mathml),
        text=" ".join(text.split()),
        width=float(drawing.attrib["width"].removesuffix("ex")),
    )


def _element(html: str, name: str) -> str:
    """Return the outermost element of this name."""
    end = f"</{name}>"
    return html[html.index(f"<{name}") : html.rindex(end) + len(end)]


def _light(drawing: ElementTree.Element) -> str:
    """Return MathJax's drawing in as few letters as show the same."""
    (whole,) = drawing
    style = drawing.get("style", "").replace(" ", "").rstrip(";")
    box = " ".join(f"{float(number):.0f}" for number in drawing.attrib["viewBox"].split())
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
