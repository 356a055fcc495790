"""A formula in a line of text, for what shows no drawing: alternative text, bookmarks.

The notation is the usual one of plain text: ``x_i``, ``x^2``, ``(a + b)/2``, ``max_(δ ∈ Δ)``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from bs4 import Tag

INVISIBLE = "\u2061\u2062\u2063\u2064"
# What MathML sets above a letter, as the character that plain text sets above it.
ACCENTS = {
    "^": "\u0302",
    "ˆ": "\u0302",
    "~": "\u0303",
    "˜": "\u0303",
    "¯": "\u0304",
    "ˉ": "\u0304",
    "―": "\u0304",
    "→": "\u20d7",
    "˙": "\u0307",
    "¨": "\u0308",
}
PRIMES = "′″‴"
# Where a name of several letters, an index or a fraction ends, which must not run into the next.
END = "\0"


def linear_text(formula: Tag) -> str:
    """Return a formula, a ``<math>`` of presentational MathML, as a line of text."""
    text = _text(formula)
    text = re.sub(rf"(?<=[^\W_]|[)⊤∗]){END}+(?=[^\W_]|[∑∏∫√])", " ", text).replace(END, "")
    return " ".join(text.split())


def _text(node: Tag) -> str:
    if node.name in ("mi", "mn", "mtext", "ms"):
        text = node.get_text()
        return f"{END}{text}{END}" if node.name == "mi" and len(text) > 1 else text
    if node.name == "mo":
        return _operator(node)
    if node.name == "mspace":
        return " "
    parts = [_text(child) for child in node.find_all(True, recursive=False)]
    build = BUILDERS.get(node.name)
    return build(*parts) if build else "".join(parts)


def _operator(node: Tag) -> str:
    text = node.get_text().translate({ord(character): None for character in INVISIBLE})
    if text == ",":
        return ", "
    if len(text) == 1 and unicodedata.category(text) == "Sm" and text not in "∇∂∑∏∫¬√+−-/|∥∗⋅′":
        return f" {text} "  # a relation
    if text in ("+", "−", "-", "⋅", "|", "∣") and _stands_between(node):
        return f" {text} " if text in "+−-⋅" else text
    return text


def _stands_between(node: Tag) -> bool:
    """Whether an operator has something to its left that it joins with what is to its right."""
    before, after = node.find_previous_sibling(), node.find_next_sibling()
    if before is None or after is None:
        return False
    return not (before.name == "mo" and before.get_text() not in (")", "]", "}", "|", "∥", "⟩"))


def _grouped(text: str) -> str:
    text = text.strip(" " + END)
    bracketed = text.startswith("(") and text.find(")") == len(text) - 1
    return text if len(text) <= 1 or text.isalnum() or bracketed else f"({text})"


def _below(base: str, low: str) -> str:
    return base if low.strip() == "⏟" else f"{base}_{_grouped(low)}{END}"


def _above(base: str, high: str) -> str:
    high = high.strip()
    if high and all(character in PRIMES for character in high):
        return base + high
    return f"{base}^{_grouped(high)}{END}"


def _over(base: str, high: str) -> str:
    accent = ACCENTS.get(high.strip())
    return base + accent if accent and len(base) == 1 else _above(base, high)


def _fraction(numerator: str, denominator: str) -> str:
    return f"{_grouped(numerator)}/{_grouped(denominator)}{END}"


def _root(*parts: str) -> str:
    return f"√{_grouped(''.join(parts))}{END}"


def _cells(*parts: str) -> str:
    return " ".join(parts)


def _rows(*parts: str) -> str:
    return "; ".join(" ".join(part.split()) for part in parts)


BUILDERS: dict[str, Callable[..., str]] = {
    "msub": _below,
    "msup": _above,
    "msubsup": lambda base, low, high: _above(_below(base, low), high),
    "munder": _below,
    "mover": _over,
    "munderover": lambda base, low, high: _above(_below(base, low), high),
    "mfrac": _fraction,
    "msqrt": _root,
    "mroot": lambda base, degree: f"{_root(base)}[{degree}]",
    "mtr": _cells,
    "mtable": _rows,
}


def name_formulas(article: Tag) -> Iterator[str]:
    """Give each drawn formula of an article its text as its name, in place of its hidden MathML.

    Yields the names.
    """
    for formula in article.select(".math svg + math"):
        drawing, name = formula.find_previous_sibling("svg"), linear_text(formula)
        assert isinstance(drawing, Tag), "the selector names it"
        del drawing["aria-hidden"]
        drawing["role"] = "img"
        drawing["aria-label"] = name
        formula.decompose()
        yield name
