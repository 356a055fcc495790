"""The folder of the readers' edition, which is published as a branch of its own.

It is all that Binder, Colab or a class's hub needs: the chapters as notebooks, at the paths that
they have in the book, the package that these import, and what Binder makes its image from.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from string import Template

import nbformat
import yaml

FILES = Path(__file__).parent / "files"
#: What the package is installed from, and an environment made from.
PACKAGE = ("pyproject.toml", "environment.yml", "LICENSE", "LICENSE-TEXT", "CITATION.cff")


def write_folder(root: Path, folder: Path) -> None:
    """Put all that is not a chapter into the folder of the edition of the book in `root`."""
    for name in PACKAGE:
        shutil.copy(root / name, folder)
    unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(root / "src", folder / "src", ignore=unwanted)
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    readme = Template((FILES / "README.md").read_text(encoding="utf-8")).substitute(
        title=config["title"],
        site=config["sphinx"]["config"]["site_address"],
        repository=config["repository"]["url"],
        chapters="\n".join(_rows(root, folder, config)),
    )
    (folder / "README.md").write_text(readme, encoding="utf-8")
    shutil.copy(FILES / "postBuild", folder)  # with its mode: Binder runs it


def _rows(root: Path, folder: Path, config: dict) -> Iterator[str]:
    """A line for each chapter, in the book's order, with the places that open it."""
    launch, repository = config["launch_buttons"], config["repository"]
    project = "/".join(repository["url"].split("/")[-2:])
    toc = (root / "_toc.yml").read_text(encoding="utf-8")
    notebooks = [path.relative_to(folder).as_posix() for path in folder.rglob("*.ipynb")]
    for notebook in sorted(notebooks, key=lambda notebook: toc.index(notebook[: -len(".ipynb")])):
        path = folder / notebook
        title = nbformat.read(path, as_version=4).cells[0].source.split("\n")[0].lstrip("# ")
        binder = (
            f"{launch['binderhub_url']}/v2/gh/{project}/{repository['branch']}"
            f"?urlpath=lab/tree/{notebook}"
        )
        colab = f"{launch['colab_url']}/github/{project}/blob/{repository['branch']}/{notebook}"
        yield f"| [{title}]({notebook}) | [Binder]({binder}) | [Colab]({colab}) |"
