"""A figure as SVG and as PNG: the same each time, and with ink that follows the page's mode."""

import base64
import functools
import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# CSS pixels to an inch of figure; a PNG has twice as many.
PIXELS_PER_INCH = 110

# Letters and lines on a dark page, and how much of the white of an image's paper is left there.
DARK_INK = "#b4bcc6"
DARK_PAPER = 0.72

# The picture is no part of the page, but asks for the same mode: browsers answer with the mode of
# the element that shows the picture, so also with the one that the page's switch was set to.
# Where a browser does not, the ink stays what it is elsewhere, which reads on both grounds.
STYLE = (
    "<style>:root{{color:{ink}}}@media (prefers-color-scheme:dark){{"
    f":root{{{{color:{DARK_INK}}}}}image{{{{opacity:{DARK_PAPER}}}}}}}}}</style>"
)
NUMBERS = re.compile(r'(\s(?:d|x|y)=")([^"]*)(")')
LONG_DECIMAL = re.compile(r"-?\d+\.\d{3,}")
EMBEDDED_PNG = re.compile(r"(data:image/png;base64,)([A-Za-z0-9+/=\s]+)")


def png_of(figure: "Figure") -> bytes:
    """Return a figure as a PNG of twice the size at which it is shown."""
    from PIL import Image

    drawn, file, dpi = io.BytesIO(), io.BytesIO(), 2 * PIXELS_PER_INCH
    figure.savefig(drawn, format="png", dpi=dpi, bbox_inches="tight")
    with Image.open(drawn) as image:
        image.save(file, format="PNG", optimize=True, dpi=(dpi, dpi))
    return file.getvalue()


def svg_of(figure: "Figure") -> str:
    """Return a figure as an SVG, the same each time, whose ink follows the page's mode.

    Letters are outlines: a reader's fonts would be wider or narrower than the space that is left
    for them, and the mathematics would come apart.
    """
    import matplotlib

    from lectures_code.figures.style import INK

    file = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "figure", "svg.fonttype": "path"}):
        nothing = dict.fromkeys(["Creator", "Date", "Format", "Type"])
        figure.savefig(file, format="svg", bbox_inches="tight", metadata=nothing)
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r">\s+<", "><", svg)
    # A hundredth of a point is a sixtieth of a pixel.
    svg = NUMBERS.sub(lambda found: found[1] + _rounded(found[2]) + found[3], svg)
    svg = EMBEDDED_PNG.sub(lambda found: found[1] + _smaller(found[2]), svg)
    head, body = svg.split(">", maxsplit=1)
    return f"{head}>{STYLE.format(ink=INK)}{body.replace(INK, 'currentColor')}"


def _rounded(numbers: str) -> str:
    """Round the decimals of a path or a place to hundredths of a point."""
    short = LONG_DECIMAL.sub(
        lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), numbers
    )
    return " ".join(short.split())


@functools.lru_cache(maxsize=64)
def _smaller(encoded: str) -> str:
    """Encode an embedded picture anew, in grey where it is grey, losing nothing."""
    from PIL import Image, ImageChops

    file = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
        red, green, blue, alpha = image.convert("RGBA").split()
        is_grey = not any(ImageChops.difference(red, other).getbbox() for other in (green, blue))
        is_opaque = alpha.getextrema() == (255, 255)
        (red if is_grey and is_opaque else image).save(file, format="PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()
