"""The base of all explorers: how they are shown with a kernel, without one, and in the book."""

import base64
import math
import zlib
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import matplotlib.pyplot as plt
import traitlets
from ipywidgets import DOMWidget
from matplotlib.figure import Figure

from lectures_code.checks import check_count, real
from lectures_code.reporting import picture

FOLDER = Path(__file__).parent
STILL = "A picture of the first state: run this cell, or open this page on the site, to move it."


@cache
def source(name: str) -> str:
    """The ECMAScript module of an explorer, with the shared toolkit in front.

    Parameters
    ----------
    name : str
        The explorer's name, that of its file without ``.js``.

    Returns
    -------
    str
        A module without imports, so that a page can load it from anywhere.
    """
    return _joined("toolkit.js", f"{name}.js")


def style(*names: str) -> str:
    """The style sheet of these explorers: what all share, then each one's own rules."""
    return _joined("base.css", *(f"{name}.css" for name in names))


def _joined(*files: str) -> str:
    return "\n".join((FOLDER / file).read_text(encoding="utf-8") for file in files)


class Number(traitlets.Float):
    """A trait that takes a real number of any type and keeps a float; NaN is in no range."""

    def validate(self, obj: traitlets.HasTraits, value: object) -> float:
        number = real(value)
        if math.isnan(number) and (self.max < math.inf or not isinstance(value, float)):
            self.error(obj, value)
        return super().validate(obj, number)


class Whole(traitlets.Int):
    """A trait that takes a whole number >= 0 of any integer type and keeps an int."""

    def validate(self, obj: traitlets.HasTraits, value: Any) -> int:
        try:
            return super().validate(obj, check_count(str(self.name), value, least=0))
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from None


class Explorer(anywidget.AnyWidget):
    """Base of the explorers: an anywidget with a name and a still picture.

    A subclass sets ``name``, ``_esm = source(name)`` and ``_css = style(name)``, declares its
    settings as synchronised traits (numbers, strings, lists; large arrays as bytes), and implements
    :meth:`figure` and :attr:`alt`.
    """

    name: str

    def figure(self) -> Figure:
        """The picture of the current state, for readers without JavaScript and for print."""
        raise NotImplementedError

    @property
    def alt(self) -> str:
        """What the picture shows, in words."""
        raise NotImplementedError

    def still(self) -> Figure:
        """:meth:`figure`, closed so that a notebook does not show it a second time."""
        figure = self.figure()
        plt.close(figure)
        return figure

    def html(self, image: str, *, attributes: str = "", note: str = STILL) -> str:
        """A ``div`` for a page without a kernel: the still picture, which a script may replace.

        `image` and further `attributes` of the element are HTML; `note`, unless it is empty, is a
        sentence below the picture.
        """
        below = f'<p class="explorer-note">{escape(note)}</p>' if note else ""
        return (
            f'<div class="explorer" data-explorer="{self.name}"{attributes}>'
            f'<div class="explorer-still">{image}</div>{below}</div>'
        )

    def settings(self) -> dict[str, object]:
        """The explorer's own synchronised traits, without those that every widget has."""
        inherited = DOMWidget.class_traits(sync=True)
        names = self.traits(sync=True).keys() - inherited.keys()
        return {name: getattr(self, name) for name in sorted(names) if not name.startswith("_")}

    def page_state(self) -> dict[str, dict[str, Any]]:
        """What the site's host needs to start the explorer without a kernel.

        ``"values"`` are the settings; ``"bytes"`` those that are bytes, compressed with zlib and
        written in base64.
        """
        values = self.settings()
        packed = {
            name: base64.b64encode(zlib.compress(value, 9)).decode()
            for name, value in values.items()
            if isinstance(value, bytes)
        }
        return {
            "values": {name: value for name, value in values.items() if name not in packed},
            "bytes": packed,
        }

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live view where there is a kernel, and the still picture where there is none."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        image = picture(self.still(), self.alt)
        stills = {"text/plain": image.text, "text/html": self.html(image.html)}
        return {**(data or {}), **stills}, metadata
