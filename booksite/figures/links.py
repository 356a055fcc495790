"""Each figure at its size, and with a link to its data.

The kernels of `make book` put a figure's data beside its picture (kernel.py). The data become a
file of the site, named for the page and the figure, and a link below the figure leads there.
Outputs that were stored otherwise, as those that `make draft` shows, get no link.
"""

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

from docutils import nodes
from myst_nb.core.render import MimeData, NbElementRenderer, load_mime_renders
from PIL import Image
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxTranslator
from sphinx.util.osutil import relative_uri
from sphinx.writers.html5 import HTML5Translator

from booksite.figures.picture import PIXELS_PER_INCH
from booksite.formulas.renderer import in_symbols

CSV = "text/csv"
FOLDER = "_downloads/figure-data"  # in the site; `_downloads` is where Sphinx has its own
STORED_DPI = 144  # of the pictures in notebooks, which do not say: see lectures_code.figures.style
POINTS_PER_INCH = 72
SVG_SIZE = re.compile(r'<svg\b[^>]*?\swidth="([\d.]+)pt"[^>]*?\sheight="([\d.]+)pt"')


class Data(nodes.Element):
    """The data of a figure, as CSV; of no output format, and gone once a picture is chosen."""


class KeepData:
    """For MyST-NB, which warns of types that it does not know: CSV is kept in the document."""

    mime_priority_overrides = ()

    @staticmethod
    def handle_mime(
        renderer: NbElementRenderer, data: MimeData, inline: bool
    ) -> list[nodes.Element] | None:
        return [Data(text=data.string)] if data.mime_type == CSV else None


def prepare_figures(app: Sphinx, document: nodes.document) -> None:
    """Note the size of each picture that a cell shows, and put a link below those with data."""
    docname = app.env.docname
    figures: dict[str, str] = {}
    for number, output in enumerate(_outputs(document), start=1):
        pictures = list(output.findall(nodes.image))
        for picture in pictures:
            _set_size(picture, Path(app.env.relfn2path(picture["uri"], docname)[1]))
        for data in list(output.findall(Data)):
            frame = output.parent if isinstance(output.parent, nodes.figure) else None
            name = _file_name(docname, frame, number)
            figures[name] = data["text"]
            if pictures:
                _add_link(output, frame, name, pictures[0].get("alt", ""))
            data.parent.parent.remove(data.parent)
    app.env.metadata[docname]["figure_data"] = figures


def _outputs(document: nodes.document) -> Iterator[nodes.container]:
    """Yield the outputs that are pictures, each with all its types."""
    for node in list(document.findall(nodes.container)):
        types = [child.get("mime_type", "") for child in node.children]
        if node.get("nb_element") == "mime_bundle" and any(t.startswith("image/") for t in types):
            yield node


def _set_size(picture: nodes.image, path: Path) -> None:
    """Give a picture the width and height at which its figure is shown, in CSS pixels."""
    if "width" in picture or "height" in picture:  # its cell says how large it shall be
        return
    if path.suffix == ".svg":
        head = path.read_text(encoding="utf-8")[:1000]
        found = SVG_SIZE.search(head)
        if found is None:
            return
        width, height = (float(number) / POINTS_PER_INCH for number in found.groups())
    else:
        with Image.open(path) as image:
            dpi = image.info.get("dpi", (STORED_DPI, STORED_DPI))
            width, height = (n / each for n, each in zip(image.size, dpi, strict=True))
    picture["shown"] = [round(PIXELS_PER_INCH * width), round(PIXELS_PER_INCH * height)]


def _file_name(docname: str, frame: nodes.figure | None, number: int) -> str:
    """Return a name that says what is in the file: page and figure."""
    name = frame["names"][0] if frame is not None and frame["names"] else f"figure-{number}"
    return re.sub(r"[^\w.-]+", "-", f"{docname.rsplit('/', maxsplit=1)[-1]}-{name}.csv")


def _add_link(output: nodes.Element, frame: nodes.figure | None, name: str, alt: str) -> None:
    """Put the link into the figure's legend, or after the picture where there is no figure."""
    caption = frame.next_node(nodes.caption) if frame is not None else None
    link = DataLink(file=name, of=_words(caption) if caption else alt)
    if frame is None or caption is None:
        output.parent.insert(output.parent.index(output) + 1, link)
    elif legend := frame.next_node(nodes.legend):
        legend += link
    else:
        frame += nodes.legend("", link)


def _words(caption: nodes.caption) -> str:
    """Return a caption as text, with symbols where it has formulas."""
    caption = caption.deepcopy()
    for formula in list(caption.findall(nodes.math)):
        formula.parent.replace(formula, nodes.Text(in_symbols(formula)))
    return " ".join(caption.astext().split())


class DataLink(nodes.General, nodes.Element):
    """The link to a figure's data: the name of the file, and in words which figure it is of."""


def visit_data_link(translator: HTML5Translator, node: DataLink) -> None:
    page = translator.builder.get_target_uri(translator.docnames[0])
    address = relative_uri(page, f"{FOLDER}/{node['file']}")
    # The name begins with what is to be read, for readers who control their browser by voice.
    label = escape(f"Data (CSV) of the figure: {node['of']}", quote=True)
    translator.body.append(
        f'<p class="figure-data"><a href="{escape(address)}" download aria-label="{label}">'
        "Data (CSV)</a></p>\n"
    )
    raise nodes.SkipNode


def skip(translator: SphinxTranslator, node: nodes.Element) -> None:
    raise nodes.SkipNode


def visit_image(translator: HTML5Translator, node: nodes.image) -> None:
    """Write a picture with the attributes that keep the page from moving when it arrives."""
    type(translator).visit_image(translator, node)
    if "shown" in node:
        width, height = node["shown"]
        tag = translator.body[-1]
        size = f' width="{width}" height="{height}" decoding="async"'
        translator.body[-1] = tag.replace("<img", "<img" + size, 1)


def depart_image(translator: HTML5Translator, node: nodes.image) -> None:
    type(translator).depart_image(translator, node)


def write_files(app: Sphinx) -> None:
    """Write the data of all figures into the site."""
    folder = Path(app.outdir, *FOLDER.split("/"))
    for metadata in app.env.metadata.values():
        for name, text in metadata.get("figure_data", {}).items():
            folder.mkdir(parents=True, exist_ok=True)
            # Excel takes a file for Unicode only if it begins with this mark.
            (folder / name).write_text(text, encoding="utf-8-sig", newline="")


def register(app: Sphinx) -> None:
    """Make figures' data known to MyST-NB, and to Sphinx how data and pictures are written."""
    # MyST-NB asks installed packages only for renderers, which this one is not, and keeps the list
    # of them for the length of the build.
    if KeepData not in load_mime_renders():
        load_mime_renders().append(KeepData)
    app.add_node(Data)
    app.add_node(DataLink, html=(visit_data_link, None), latex=(skip, None), text=(skip, None))
    app.add_node(nodes.image, override=True, html=(visit_image, depart_image))
