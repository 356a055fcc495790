"""What a chapter reports: tables, numbers for the prose, a notice about its data."""

import base64
import io
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from matplotlib.figure import Figure
from tabulate import JupyterHTMLStr, tabulate

from lectures_code.mnist import Digits


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], *, card: object = "") -> object:
    """A table that a notebook displays, with columns of numbers aligned right.

    Parameters
    ----------
    headers : sequence of str
        The columns' names.
    rows : iterable of sequences
        The cells, with numbers already formatted.
    card : object
        What the numbers are about, as text: the table's caption. Of a robust error that is a
        :class:`lectures_code.networks.evaluation.ThreatModel`.

    Returns
    -------
    object
        HTML in a notebook; its ``str`` is the HTML's text.
    """
    cells = [[str(cell) for cell in row] for row in rows]
    # Numbers come as strings that were rounded on purpose: nothing may format them again.
    html = tabulate(
        cells,
        headers=headers,
        tablefmt="html",
        disable_numparse=True,
        colalign=_alignment(cells),
    )
    # An empty header cell is none, and screen readers should not announce one.
    html = re.sub(r"<th[^>]*>\s*</th>", "<td></td>", html)
    caption = f"<caption>{escape(str(card))}</caption>\n" if str(card) else ""
    return JupyterHTMLStr(html.replace("<thead>", caption + "<thead>", 1))


def _alignment(rows: list[list[str]]) -> list[str] | None:
    """How each column is aligned: right, from the second one on, if all of it is numbers.

    A cell counts as a number if it begins like one: 12, +0.5, inf, "1 of 20 (0.05)", "3 to 7".
    """
    number = re.compile(r"[-+\u2212]?(?:\d|inf\b|nan\b|\u221e)|$")
    numeric = [all(map(number.match, column)) for column in zip(*rows, strict=False)]
    return ["right" if k and found else "left" for k, found in enumerate(numeric)] or None


def spread(values: Iterable[float], form: str = "{:g}") -> str:
    """The least and the largest value, as ``"3 to 7"``; one number where both print alike.

    `form` formats each.
    """
    values = list(values)
    least, largest = form.format(min(values)), form.format(max(values))
    return least if least == largest else f"{least} to {largest}"


def glue(name: str, value: object) -> None:
    """Store a computed value under a name, for the prose of any page of the book.

    Parameters
    ----------
    name : str
        Name that the prose refers to.
    value : object
        The value, already rounded, an :class:`Html`, or an explorer, which becomes a still picture
        where no kernel runs.

    Raises
    ------
    RuntimeError
        Outside a notebook.

    Notes
    -----
    The book's builder, MyST-NB, looks for outputs whose types carry this prefix. Writing them
    here, not through its own function, lets chapters run where it is not installed.
    """
    prefix = "application/papermill.record/"
    shell = _shell()
    data, metadata = shell.display_formatter.format(value)
    data.pop("application/vnd.jupyter.widget-view+json", None)  # lives in its own notebook only
    shell.display_pub.publish(
        {prefix + mime: content for mime, content in data.items()},
        {**metadata, "scrapbook": {"name": name, "mime_prefix": prefix}},
    )


@dataclass(frozen=True)
class Html:
    """HTML to show on a page, and a description in words."""

    html: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


def picture(figure: Figure, alt: str) -> Html:
    """A figure as one piece of HTML, which another page can show.

    Parameters
    ----------
    figure : matplotlib Figure
        What is drawn.
    alt : str
        What a reader who cannot see it should know.

    Returns
    -------
    Html
        An image that carries its own pixels.
    """
    kind, content = _drawn(figure)
    source = f"data:{kind};base64,{content}"
    return Html(f'<img class="picture" alt="{escape(alt)}" src="{source}" />', alt)


def _drawn(figure: Figure) -> tuple[str, str]:
    """The media type and content in base64: SVG where the notebook shows figures as SVG."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        shown, _ = shell.display_formatter.format(figure)
        if svg := shown.get("image/svg+xml"):
            return "image/svg+xml", base64.b64encode(svg.encode()).decode()
    png = io.BytesIO()
    figure.savefig(png, bbox_inches="tight")
    return "image/png", base64.b64encode(png.getvalue()).decode()


def show_source(data: Digits) -> None:
    """Display a notice if the page is computed on a sample; on full MNIST, display nothing.

    The notice is also stored under the name ``data-notice``, for other pages that show this page's
    numbers.

    Parameters
    ----------
    data : Digits
        What the page is computed on.

    Raises
    ------
    RuntimeError
        Outside a notebook.
    """
    notice = Html("", "")
    if data.source == "sample":
        text = (
            f"MNIST was not available when this was computed. It uses {data.origin}: "
            f"{len(data.x_train)} images to train on and {len(data.x_test)} to test on. "
            "The figures are real, but they are not those of the lecture."
        )
        title = '<p class="admonition-title">Computed on a sample</p>'
        notice = Html(f'<div class="admonition warning">{title}<p>{escape(text)}</p></div>', text)
        _shell().display_pub.publish({"text/html": notice.html, "text/plain": notice.text})
    glue("data-notice", notice)


def _shell() -> Any:
    """The notebook's shell, which takes what a cell shows."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None:
        raise RuntimeError("showing this needs a notebook, got none: print it instead")
    return shell
