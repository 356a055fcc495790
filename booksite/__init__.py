"""What a build does to the book's pages: one Sphinx extension, told step by step in README.md."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# Imports stand within the functions: kernels load a part of this package, without Sphinx.


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect each step to Sphinx, in the order in which a page meets them."""
    from booksite import (
        downloads,
        execution,
        facts,
        files,
        long_outputs,
        questions,
        reading_time,
        solutions,
    )
    from booksite.edition.builder import EditionBuilder
    from booksite.explorers import pages as explorers
    from booksite.explorers.links import ExplorerLinks
    from booksite.figures import links
    from booksite.finish import scripts
    from booksite.formulas import renderer
    from booksite.self_tests import directive

    # The configuration is read.
    app.connect("config-inited", files.add_files)
    app.connect("config-inited", facts.add_substitutions)
    app.connect("config-inited", downloads.add_links)

    # Chapters are executed.
    execution.register(app)

    # A page is read, and before it, if it is a chapter, its outputs.
    long_outputs.limit_outputs()
    links.register(app)
    # Before pictures are collected (priority 500), so that all see the same document.
    app.connect("doctree-read", links.prepare_figures, priority=400)
    app.connect("doctree-read", questions.mark)
    directive.register(app)

    # Its references are resolved: after the extensions that number and refer.
    app.add_post_transform(ExplorerLinks)
    solutions.register(app)
    app.connect("doctree-resolved", reading_time.say, priority=800)  # of what is then shown
    app.connect("doctree-resolved", renderer.keep_tex_from_search, priority=900)

    # It is written.
    app.connect("write-started", renderer.plain_titles)
    renderer.register(app)
    app.connect("html-page-context", explorers.add_host)
    app.connect("html-page-context", scripts.keep_used, priority=900)  # of what all have added

    # All pages are written, and the files of other extensions as well.
    app.connect("build-finished", finish_site, priority=900)

    # It is written as a notebook for other readers: by a builder of its own.
    app.add_builder(EditionBuilder)
    app.add_config_value("site_address", "", "env")

    # The threads of the engine that typesets formulas do not survive a fork.
    return {"parallel_read_safe": True, "parallel_write_safe": False}


def finish_site(app: Sphinx, error: Exception | None) -> None:
    """Finish the pages that Sphinx has written, step by step."""
    from booksite.explorers import pages as explorers
    from booksite.figures import links
    from booksite.finish import aria, pages, scripts, styles
    from booksite.formulas import renderer

    if error or app.builder.format != "html":
        return
    site = Path(app.outdir)
    links.write_files(app)
    explorers.write_scripts(site)
    pages.finish_pages(site, lambda page: aria.fixed(renderer.with_outlines(page)))
    scripts.lighten(site)
    styles.join(site)
