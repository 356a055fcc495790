"""How a chapter says what it computed: tables, numbers for the prose, the box about the data."""

from collections.abc import Iterable, Sequence
from html import escape

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
    """Hand a computed value to the book's prose, on any page, under a name.

    Where the book's builder is not installed, in Colab say, it is printed instead.

    Parameters
    ----------
    name : str
        Name that the prose refers to.
    value : object
        The value, rounded as it shall be read.
    """
    try:
        from myst_nb import glue as hand_over
    except ImportError:
        print(f"{name}: {value}")
        return
    hand_over(name, value, display=False)


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
