"""A Sphinx extension: what this build is made with, as the substitution `{{ build_facts }}`.

Sphinx and the chapters' kernels run in one environment, so what Sphinx finds holds for both.
"""

import os
import platform
from importlib.metadata import version

from sphinx.application import Sphinx
from sphinx.config import Config

PACKAGES = ["torch", "numpy", "scipy", "matplotlib", "jupyter-book", "sphinx", "myst-nb"]


def facts(execution_mode: str) -> dict[str, str]:
    """Return what a build with this execution mode is made with: the fact's name, and its value."""
    if execution_mode == "force":
        chapters = {"Chapters": "executed by this build", "Data": _data()}
    else:  # what their stored outputs were computed on is not known here
        chapters = {"Chapters": "shown with their stored outputs"}
    return {
        **chapters,
        "Package": f"`lectures_code` {version('lectures_code')}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        **{name: version(name) for name in PACKAGES},
        "Machine": f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores",
    }


def _data() -> str:
    from lectures_code.mnist import load_zero_one

    data = load_zero_one()
    name = "full MNIST" if data.source == "mnist" else "the sample of MNIST"
    n_train, n_test = len(data.y_train), len(data.y_test)
    return f"{name}: {n_train:,} zeros and ones to train on, {n_test:,} to test on"


def add_substitution(app: Sphinx, config: Config) -> None:
    """Put the facts as a Markdown table into `config`, for pages to show."""
    rows = [f"| {name} | {value} |" for name, value in facts(config.nb_execution_mode).items()]
    table = "\n".join(["| What | Which |", "|---|---|", *rows])
    config.myst_substitutions = {**config.myst_substitutions, "build_facts": table}


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the extension to Sphinx."""
    app.connect("config-inited", add_substitution)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
