"""The built site as files: where it is, which pages it has, whether it is what the sources say."""

from pathlib import Path

from sphinx_external_toc.parsing import parse_toc_yaml

from booksite.finished import outdated

ROOT = Path(__file__).parent.parent.parent
SITE = ROOT / "_build" / "html"
# Sphinx's own pages, which the table of contents does not name, where they exist.
BESIDES = ("search.html", "genindex.html", "py-modindex.html", "prf-prf.html")


def contents(toc: Path) -> list[str]:
    """Return the documents that a table of contents names, in its order."""
    names = parse_toc_yaml(toc)

    def below(name: str) -> list[str]:
        return [name, *(each for child in names[name].child_files() for each in below(child))]

    return below(names.root.docname)


def page_paths(root: Path = ROOT) -> list[str]:
    """Return the paths of all pages, from the site's folder, in the order of the contents.

    Those of the table of contents are named whether they have been built or not: a page that is
    missing is a failure. The front address, `index.html`, only leads to the first of them.
    """
    site = root / "_build" / "html"
    return [f"{document}.html" for document in contents(root / "_toc.yml")] + [
        page for page in BESIDES if (site / page).exists()
    ]


def chapter_paths(root: Path = ROOT) -> list[str]:
    """Return the paths of the front page and of all pages that are made from notebooks."""
    first, *others = page_paths(root)
    return [first, *(p for p in others if (root / p).with_suffix(".ipynb").exists())]


def what_is_missing(root: Path = ROOT) -> dict[str, str | None]:
    """Say why the site cannot be tested, or not all of it, with None for what can be.

    Each build writes all pages, so the oldest of them tells when the last one began. What only an
    execution of the chapters yields, the figures' data, is not in a draft, which says that it is
    one (run.py).

    Returns
    -------
    dict
        ``"site"``: why there is none that is what the sources say. ``"executed"``: why there is
        none whose chapters were executed.
    """
    site = root / "_build" / "html"
    pages = [site / page for page in page_paths(root) if (site / page).exists()]
    wrong = outdated(root, pages)
    draft = (
        "_build/html holds a draft, without the figures' data (make book)"
        if (site / ".draft").exists()
        else None
    )
    return {"site": wrong, "executed": wrong or draft}
