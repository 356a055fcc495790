"""How the kernels of `make book` show things; other kernels do not load this.

An IPython extension, and `write_profile`, which writes the IPython profile that loads it.

A figure is shown as one picture, SVG or PNG for screens of twice the density, whichever is smaller
on the wire, with its data beside it as `text/csv`, which booksite/figures/links.py makes a file of.
Widgets open no connection to the kernel, which will not be there when the page is read, so that
no state of theirs is stored.
"""

import base64
import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any

from booksite.figures.picture import png_of, svg_of
from booksite.finished import ROOT

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell
    from matplotlib.figure import Figure

    from lectures_code.explorers.base import Explorer


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """Register the book's way to show figures and widgets with a kernel's shell."""
    # The inline backend's formatter for PNG would come before ours.
    shell.config.InlineBackend.figure_formats = set()
    assert shell.display_formatter is not None, "a kernel's shell shows what its cells give"
    formatter = shell.display_formatter.mimebundle_formatter
    # By name: a chapter without figures does not wait for matplotlib.
    formatter.for_type_by_name("matplotlib.figure", "Figure", show_figure)
    formatter.for_type_by_name("lectures_code.explorers.base", "Explorer", show_explorer)
    close_comms()


def close_comms() -> None:
    """Let widgets, imported before or after this, talk to nobody."""
    import comm
    import ipykernel.ipkernel  # noqa: F401  sets the function below once, when it is imported

    comm.create_comm = comm.DummyComm


def show_figure(figure: "Figure") -> dict[str, str]:
    """Return a figure as a bundle for the notebook: the lighter picture, and its data."""
    from booksite.figures.table import table

    svg, png = svg_of(figure), png_of(figure)
    bundle = {"text/csv": table(figure)}
    if len(gzip.compress(svg.encode(), mtime=0)) <= len(png):
        bundle["image/svg+xml"] = svg
    else:
        bundle["image/png"] = base64.b64encode(png).decode()
    return {kind: content for kind, content in bundle.items() if content}


def show_explorer(explorer: "Explorer") -> tuple[dict[str, str], dict[str, object]]:
    """Return an explorer as a page without a kernel needs it, see booksite/explorers/pages.py."""
    from booksite.explorers.pages import bundle

    return bundle(explorer)


def write_profile(folder: Path) -> None:
    """Write the IPython profile of the book's kernels, for IPYTHONDIR=`folder`."""
    settings: list[tuple[str, Any]] = [
        # Kernels warn at every start that they listen on this machine's loopback unencrypted.
        ("IPKernelApp.log_level", "ERROR"),
        ("InteractiveShellApp.extensions", [__name__]),
    ]
    lines = ["import sys", "", f"sys.path.append({str(ROOT)!r})"]
    lines += [f"c.{name} = {value!r}" for name, value in settings]
    profile = folder / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    config = profile / "ipython_kernel_config.py"
    config.write_text("\n".join([*lines, ""]), encoding="utf-8")
