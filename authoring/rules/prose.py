"""What chapters say: pictures in words, a question to the reader, no number typed by hand."""

import re
from collections.abc import Iterator

from nbformat import NotebookNode

from authoring.rules.problem import PICTURES, Problem, cells, code_cells
from booksite.questions import QUESTION

MIN_ALT = 20  # characters: fewer name a figure, but do not say what it shows
# Decimals and percentages that may stand in prose, each with the reason why it is not a result.
ALLOWED_NUMBERS = {
    "0.0004": "the lecture's test error, quoted",
    "0.845": "the lecture's error under attack, quoted",
    "0.025": "the lecture's error after adversarial training, quoted",
    "0.2": "the lecture's radius, a parameter",
    "0.1": "a parameter: a radius, a step size",
    "0.3": "a parameter: the radius of published results on pairs of digits",
    "0.25": "a parameter: a radius to train at",
    "0.4": "a parameter: a radius to train at",
    "0.5": "one half",
    "0.1307": "the mean by which MNIST's pixels are normalised, quoted",
    "0.3081": "the deviation by which MNIST's pixels are normalised, quoted",
}
# What stands before a number that is a name and no quantity: Python 3.11, CC BY 4.0, Section 2.1.
NAMED = re.compile(
    r"\b(?:Python|PyTorch|version|BY|BY-SA|Chapters?|Sections?|Figures?|Tables?|Equations?"
    r"|Theorem|Lemma|Proposition|Corollary|Definition|Algorithm)[\s~]+\d+(?:\.\d+)+"
)
NUMBER = re.compile(
    r"(?<![\w.])(?:\d+(?:\.\d+)?\s?(?:\\?%|percent|per cent)"  # 83 %, 83.1\%
    r"|(?:\d+(?:,\d{3})*)?\.\d+(?:e[-+]?\d+)?"  # 0.83, .5, 1.5e-3
    r"|\d+e[-+]?\d+)(?![\w]|\.\d)"  # 1e-3
)
FENCE = re.compile(r"^\s*(?P<fence>`{3,}|~{3,}|:{3,})\s*(?P<info>\S*)\s*(?P<argument>.*)$")


def check_figures_have_alt(notebook: NotebookNode) -> Iterator[Problem]:
    """Every figure says in words what it shows, in its cell's metadata."""
    for number, cell in code_cells(notebook):
        pictures = [
            output for output in cell.outputs if any(k in output.get("data", {}) for k in PICTURES)
        ]
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if pictures and len(alt.strip()) < MIN_ALT:
            yield Problem(
                number,
                f"its figure has no alt text of at least {MIN_ALT} characters"
                + (f", only {alt!r}" if alt else ""),
                'say what it shows in the cell\'s metadata: {"mystnb": {"image": {"alt": "..."}}}',
            )
        if len(pictures) > 1:
            yield Problem(
                number,
                f"it shows {len(pictures)} figures, which would share one alt text",
                "draw them as one figure, or in a cell each",
            )


def check_markdown_pictures_have_alt(notebook: NotebookNode) -> Iterator[Problem]:
    """So does every picture that a Markdown cell shows."""
    for number, cell in cells(notebook, "markdown"):
        yield from pictures_without_alt(cell.source, cell=number)


def pictures_without_alt(text: str, *, cell: int | None) -> Iterator[Problem]:
    """Find the pictures without alt text in Markdown: `![]()`, `<img>`, figure and image."""
    prose = _without_code(text)
    for found in re.finditer(r"!\[\s*\]\(([^)]*)\)", prose):
        yield Problem(cell, f"the picture {found[1]} has no alt text", "write it: ![what it shows]")
    for found in re.finditer(r"<img\b[^>]*>", prose):
        if not re.search(r"\balt\s*=\s*[\"'][^\"']", found[0]):
            yield Problem(cell, f"{found[0]} has no alt text", 'add alt="what it shows"')
    lines = prose.splitlines()
    for place, line in enumerate(lines):
        fence = FENCE.match(line)
        if fence and fence["info"] in {"{figure}", "{image}"}:
            options = []
            for option in lines[place + 1 :]:
                if not re.match(r"\s*:[\w-]+:", option):
                    break
                options.append(option.strip())
            if not any(re.match(r":alt:\s*\S", option) for option in options):
                yield Problem(
                    cell,
                    f"the picture {fence['argument']} has no alt text",
                    "add the option :alt: what it shows",
                )


def check_asks_its_reader(notebook: NotebookNode) -> Iterator[Problem]:
    """A chapter asks its reader, at least once, what to expect."""
    asks = re.compile(rf"(?:\A|\n\n)\*\*{re.escape(QUESTION)}\*\* ")
    if not any(asks.search(cell.source) for _, cell in cells(notebook, "markdown")):
        yield Problem(
            None,
            "it asks its reader nothing",
            f"add a paragraph that begins with **{QUESTION}** before a result",
        )


def check_no_typed_numbers(notebook: NotebookNode) -> Iterator[Problem]:
    """No result is typed: decimals and percentages reach the prose from the computation."""
    for number, cell in cells(notebook, "markdown"):
        yield from typed_numbers(cell.source, cell=number)
    for number, cell in code_cells(notebook):
        settings = cell.metadata.get("mystnb", {})
        for text in (
            settings.get("image", {}).get("alt", ""),
            settings.get("figure", {}).get("caption", ""),
        ):
            yield from typed_numbers(text, cell=number)


def typed_numbers(text: str, *, cell: int | None) -> Iterator[Problem]:
    """Find the decimals and percentages in Markdown, formulas included, code and names not."""
    for found in NUMBER.finditer(_without_names(_without_code(text))):
        number = re.sub(r"[\s\\]|per\s?cent", "", found[0])
        if number not in ALLOWED_NUMBERS:
            yield Problem(
                cell,
                f"the number {found[0]} is typed into the prose",
                "let it come from the computation (glue), or, if it is no result, "
                "add it with its reason to ALLOWED_NUMBERS",
            )


def _without_code(text: str) -> str:
    """Blank fenced code, code spans, roles other than math and comments; keep directives."""
    kept: list[str] = []
    directives: list[str] = []
    code = ""
    for line in re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL).splitlines():
        fence = FENCE.match(line)
        mark, info = (fence["fence"], fence["info"]) if fence else ("", "")
        if code:
            code = "" if mark.startswith(code) and not info else code
            continue
        if fence and not info and directives and mark.startswith(directives[-1]):
            directives.pop()
        elif fence and _holds_code(info):
            code = mark
            continue
        elif fence:
            directives.append(mark)
        # As a colon fence, a directive's own marks are not taken for those of a code span.
        kept.append(line.replace("`", ":") if fence else line)
    text = re.sub(r"\{math\}(`+)(.+?)\1", r"$\2$", "\n".join(kept), flags=re.DOTALL)
    span = r"(?:\{[\w:-]+\})?(?<!`)(`+)(?!`)(?:(?!\n\n).)+?(?<!`)\1(?!`)"
    return re.sub(span, "", text, flags=re.DOTALL)


def _holds_code(info: str) -> bool:
    """Return whether a fence with this info string holds code; most directives hold prose."""
    return not info.startswith("{") or info.startswith("{code") or info == "{bibliography}"


def _without_names(text: str) -> str:
    """Blank addresses, arXiv numbers, options that are lengths, and numbers that are names."""
    text = re.sub(r"https?://[^\s)>]+|\]\([^)\s]*\)", "", text)
    text = re.sub(r"arXiv:\s?\d{4}\.\d{4,5}(v\d+)?", "", text, flags=re.IGNORECASE)
    text = re.sub(r"(?m)^\s*:(?:width|height|scale|figwidth|widths):.*$", "", text)
    return NAMED.sub("", text)
