"""How a chapter says what it computed: tables, numbers for the prose, the box about the data."""

import base64
import io
import sys
from collections.abc import Iterable, Sequence
from html import escape

from matplotlib.figure import Figure
from tabulate import tabulate

from lectures_code.mnist import ZeroOne


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> object:
    """A table that a notebook shows as such.

    Parameters
    ----------
    headers : sequence of str
        The columns' names.
    rows : iterable of sequences
        The cells, as they shall be read: format numbers first.

    Returns
    -------
    object
        HTML in a notebook; its ``str`` is the HTML's text.
    """
    # Numbers come as strings that were rounded on purpose: nothing may format them again.
    return tabulate(
        [[str(cell) for cell in row] for row in rows],
        headers=headers,
        tablefmt="html",
        disable_numparse=True,
    )


def glue(name: str, value: object) -> None:
    """Hand a computed value to the book's prose, on any page, under a name; it shows nothing.

    Parameters
    ----------
    name : str
        Name that the prose refers to.
    value : object
        The value, rounded as it shall be read, or a :class:`Picture`.

    Raises
    ------
    RuntimeError
        Outside of a notebook, where there is no prose to hand it to.

    Notes
    -----
    The book's builder, MyST-NB, looks for outputs whose types carry this prefix. Writing them
    here, not through its own function, lets chapters run where it is not installed.
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None:
        raise RuntimeError(f"glue needs a notebook to hand {name!r} over, got none: print it")
    prefix = "application/papermill.record/"
    data, metadata = shell.display_formatter.format(value)
    shell.display_pub.publish(
        {prefix + mime: content for mime, content in data.items()},
        {**metadata, "scrapbook": {"name": name, "mime_prefix": prefix}},
    )


class Picture:
    """A figure as one piece of HTML, with its description: what another page can show.

    Parameters
    ----------
    figure : matplotlib Figure
        What is drawn.
    alt : str
        What a reader who cannot see it should know.
    """

    def __init__(self, figure: Figure, alt: str) -> None:
        self.figure, self.alt = figure, alt

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        png = io.BytesIO()
        self.figure.savefig(png, bbox_inches="tight")
        data = base64.b64encode(png.getvalue()).decode()
        alt = escape(self.alt)
        return f'<img class="picture" alt="{alt}" src="data:image/png;base64,{data}" />'


class DataNotice:
    """A box that says so when a page was computed on the sample; empty on full MNIST.

    Parameters
    ----------
    data : ZeroOne
        What the page is computed on.
    """

    def __init__(self, data: ZeroOne) -> None:
        n_train, n_test = len(data.x_train), len(data.x_test)
        self.text = (
            ""
            if data.source == "mnist"
            else f"MNIST could not be had when this page was computed. It uses {data.origin}: "
            f"{n_train} images to train on and {n_test} to test on. Its figures are real, but they "
            "are not those of the lecture."
        )

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        if not self.text:
            return ""
        return (
            '<div class="admonition warning"><p class="admonition-title">Computed on a sample</p>'
            f"<p>{escape(self.text)}</p></div>"
        )
