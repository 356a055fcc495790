"""The data of a matplotlib figure, read off what is drawn, so that table and picture cannot differ.

One CSV a figure, a header and then a row for each point, for each edge of a band, and for each row
of an image's pixels:

    panel       number of the axes from the upper left, with its title if it has one
    series      name in the legend; without one, the artist's label less its leading underscore
    kind        line, points, area, bar, arrow, image, horizontal line, vertical band, ...
    x, y        coordinates in the axes' own units; the axes' labels stand behind these two names
    value       what a colour stands for, where it does
    column 0..  the pixels of an image, from the left; y counts its rows from the top

Columns that a figure has no use for are left out. Numbers have six significant digits.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection, PathCollection, QuadMesh
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Annotation
from numpy.typing import ArrayLike

# What the labels of the book's axes hold of TeX, as a spreadsheet can show it.
PLAIN = {
    r"\epsilon": "ε",
    r"\delta": "δ",
    r"\theta": "θ",
    r"\varphi": "φ",
    r"\Psi": "Ψ",
    r"\infty": "∞",
    r"\leq": "≤",
    r"\|": "‖",
    r"\,": "",
    r"\log": "log",
}
# Names that matplotlib gives to artists that were given none.
UNNAMED = re.compile(r"_child\d+$|_nolegend_$|_container\d+$|$")


class Row(NamedTuple):
    """One row of the table, before its panel is known; an absent number is None."""

    kind: str
    x: float | None = None
    y: float | None = None
    value: float | None = None
    pixels: tuple[float | str, ...] = ()


def table(figure: Figure) -> str:
    """Return what `figure` shows as CSV, or "" where it shows no data.

    Text, legend and ticks are not read, nor what is drawn in other coordinates than the axes'. A
    collection whose data are not known to be read raises a TypeError.
    """
    panels = [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]
    rows = [
        (_panel(number, ax), series, row)
        for number, ax in enumerate(panels, start=1)
        for series, row in _rows(ax)
    ]
    return _csv(rows, _label(panels, "x"), _label(panels, "y")) if rows else ""


def _rows(ax: Axes) -> Iterator[tuple[str, Row]]:
    """Yield the rows of one panel with the names of their series, which are all different."""
    taken: Counter[str] = Counter()
    for name, kind, artist in _artists(ax):
        rows = list(_read(artist, ax))
        if not rows:  # an artist that stands for others in the legend
            continue
        name = name or kind
        taken[name] += 1
        for row in rows:
            yield name if taken[name] == 1 else f"{name} ({taken[name]})", row


def _artists(ax: Axes) -> Iterator[tuple[str, str, Artist | BarContainer]]:
    """Yield what is drawn in the axes: its name or "", a name for want of one, the artist."""
    bars = {bar for c in ax.containers if isinstance(c, BarContainer) for bar in c}
    for container in ax.containers:
        if isinstance(container, BarContainer):
            yield _name(container), "bars", container
    for kind, artists in (
        ("image", ax.images),
        ("area", [patch for patch in ax.patches if patch not in bars]),
        ("line", ax.lines),
        ("collection", ax.collections),
        ("arrow", ax.texts),
    ):
        for artist in artists:
            yield _name(artist), kind, artist


def _name(artist: Artist | BarContainer) -> str:
    label = str(artist.get_label() or "")
    return "" if UNNAMED.match(label) else _plain(label.removeprefix("_"))


def _read(artist: Artist | BarContainer, ax: Axes) -> Iterator[Row]:
    """Yield the rows of one artist."""
    if isinstance(artist, BarContainer):
        for bar in artist:
            yield Row("bar", bar.get_x() + bar.get_width() / 2, bar.get_y() + bar.get_height())
    elif isinstance(artist, AxesImage):
        yield from _image_rows(artist)
    elif isinstance(artist, Line2D):
        yield from _line_rows(artist, ax)
    elif isinstance(artist, Patch):
        yield from _patch_rows(artist, ax)
    elif isinstance(artist, Annotation):
        if artist.arrow_patch is not None and artist.xycoords == artist.anncoords == "data":
            yield from _points("arrow", [artist.xyann, artist.xy])
    elif isinstance(artist, Collection):
        yield from _collection_rows(artist, ax)


def _line_rows(line: Line2D, ax: Axes) -> Iterator[Row]:
    x_is_data, y_is_data = line.get_transform().contains_branch_seperately(ax.transData)
    x, y = np.asarray(line.get_xdata(orig=False)), np.asarray(line.get_ydata(orig=False))
    if x_is_data and y_is_data:
        joined = line.get_linestyle() not in ("None", "", " ")
        yield from _points("line" if joined else "points", zip(x, y, strict=True))
    elif y_is_data and len(y):
        yield Row("horizontal line", y=y[0])
    elif x_is_data and len(x):
        yield Row("vertical line", x=x[0])


def _patch_rows(patch: Patch, ax: Axes) -> Iterator[Row]:
    x_is_data, y_is_data = patch.get_transform().contains_branch_seperately(ax.transData)
    outline = patch.get_patch_transform().transform_path(patch.get_path())
    polygons = outline.to_polygons(closed_only=False)
    corners = np.concatenate(polygons) if polygons else np.empty((0, 2))
    if x_is_data and y_is_data:
        yield from _points("area", corners)
    elif x_is_data and len(corners):
        yield from (Row("vertical band", x=x) for x in (corners[:, 0].min(), corners[:, 0].max()))
    elif y_is_data and len(corners):
        yield from (Row("horizontal band", y=y) for y in (corners[:, 1].min(), corners[:, 1].max()))


def _image_rows(image: AxesImage) -> Iterator[Row]:
    pixels = np.asarray(image.get_array())
    largest = 255 if pixels.dtype == np.uint8 else 1
    for y, row in enumerate(pixels):
        if pixels.ndim == 3:  # colours themselves, not values that a colour map shows
            row = [to_hex(tuple(pixel / largest)) for pixel in row]
        yield Row("image", y=y, pixels=tuple(row))


def _collection_rows(collection: Collection, ax: Axes) -> Iterator[Row]:
    array = collection.get_array()
    values = np.empty(0) if array is None else _filled(array)
    if isinstance(collection, PathCollection):
        yield from _points("points", _filled(collection.get_offsets()), values)
    elif isinstance(collection, QuadMesh):
        places = np.asarray(collection.get_coordinates())
        if values.size != places[..., 0].size:  # a value for each cell, not for each corner
            places = (places[:-1, :-1] + places[1:, :-1] + places[:-1, 1:] + places[1:, 1:]) / 4
        yield from _points("mesh", places.reshape(-1, 2), values.ravel())
    elif all(collection.get_transform().contains_branch_seperately(ax.transData)):
        kind = "line" if isinstance(collection, LineCollection) else "area"
        if isinstance(collection, ContourSet):
            kind, values = "contour", np.asarray(collection.levels)
        for k, path in enumerate(collection.get_paths()):
            value = values[k : k + 1]
            for polygon in map(np.asarray, path.to_polygons(closed_only=False)):
                yield from _points(kind, polygon, value.repeat(len(polygon)))
    else:
        raise TypeError(
            "a figure's collections must be points, lines, areas or a mesh in the axes' own units, "
            f"got {collection!r}: draw it in another way, or let booksite/figures/table.py read it"
        )


def _filled(array: ArrayLike) -> np.ndarray:
    """Return an array of floats, with NaN where it was masked."""
    return np.ma.filled(np.ma.asarray(array).astype(float), np.nan)


def _points(kind: str, points: Iterable[Any], values: Sequence | np.ndarray = ()) -> Iterator[Row]:
    """Yield a row for each pair, with its value if there are values."""
    points = list(points)
    for (x, y), value in zip(points, values if len(values) else [None] * len(points), strict=True):
        yield Row(kind, x, y, value)


def _panel(number: int, ax: Axes) -> str:
    title = _plain(ax.get_title())
    return f"{number}: {title}" if title else str(number)


def _label(panels: list[Axes], axis: str) -> str:
    """Return the header of a coordinate: with the axes' label, where all that have one agree."""
    labels = {_plain(getattr(ax, f"get_{axis}label")()) for ax in panels} - {""}
    return f"{axis}: {labels.pop()}" if len(labels) == 1 else axis


def _plain(text: str) -> str:
    """Return a label with its TeX in plain letters."""
    for tex, letter in PLAIN.items():
        text = text.replace(tex, letter)
    return " ".join(text.replace("$", "").split())


def _csv(rows: list[tuple[str, str, Row]], x: str, y: str) -> str:
    n_pixels = max(len(row.pixels) for *_, row in rows)
    header = ["panel", "series", "kind", x, y, "value", *(f"column {k}" for k in range(n_pixels))]
    lines = [
        [panel, series, row.kind, _number(row.x), _number(row.y), _number(row.value)]
        + [_number(pixel) for pixel in row.pixels]
        + [""] * (n_pixels - len(row.pixels))
        for panel, series, row in rows
    ]
    used = [k for k in range(len(header)) if k < 3 or any(line[k] for line in lines)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([line[k] for k in used] for line in [header, *lines])
    return text.getvalue()


def _number(value: float | str | None) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    value = float(value)
    # + 0.0 turns the negative zero into the positive one.
    return "" if np.isnan(value) else f"{value + 0.0:.6g}"
