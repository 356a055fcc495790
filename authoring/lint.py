"""Check the rules that chapters must keep; print `file: cell N: problem: what to do`.

    python -m authoring.lint [FILE ...]     notebooks and Markdown pages; all of book/ if none

Cells are counted from 1, Markdown and code alike. A notebook passes every rule; a Markdown page
those of its prose (typed decimals, pictures without alt text). The exit code is 1 if anything was
found.
"""

import sys
from pathlib import Path

import yaml

from authoring.notebooks import CHAPTERS, ROOT, chapters, read
from authoring.rules import code, outputs, prose
from authoring.rules.problem import Problem

CHECKS = [
    outputs.check_executed_in_order,
    outputs.check_outputs_present,
    outputs.check_outputs_are_compared,
    outputs.check_no_errors,
    outputs.check_outputs_are_portable,
    outputs.check_no_plot_repr,
    outputs.check_pictures_are_small,
    prose.check_figures_have_alt,
    prose.check_markdown_pictures_have_alt,
    prose.check_asks_its_reader,
    prose.check_no_typed_numbers,
    code.check_cells_are_short,
    code.check_lines_are_short,
    code.check_chapters_only_call,
    code.check_generators_in_a_loop,
    code.check_figures_stand_alone,
    code.check_kernel,
    code.check_no_timing,
]


def lint_notebook(path: Path, *, repository: str) -> list[Problem]:
    """Return what is wrong with the notebook at `path`, in the order of its cells."""
    notebook = read(path)
    problems = [problem for check in CHECKS for problem in check(notebook)]
    problems += code.check_setup_cell(notebook, repository)
    problems += code.check_canonical(notebook, path.read_text(encoding="utf-8"))
    return sorted(problems, key=lambda problem: problem.cell or 0)


def lint_page(path: Path) -> list[Problem]:
    """Return what is wrong with the prose of the Markdown page at `path`."""
    text = path.read_text(encoding="utf-8")
    return [*prose.typed_numbers(text, cell=None), *prose.pictures_without_alt(text, cell=None)]


def repository_address() -> str:
    """Return the address of the project's repository, which _config.yml states."""
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]


def main(arguments: list[str]) -> int:
    paths = [Path(argument).resolve() for argument in arguments]
    paths = paths or [*chapters(), *sorted(CHAPTERS.rglob("*.md"))]
    found = 0
    for path in paths:
        if path.suffix == ".ipynb":
            problems = lint_notebook(path, repository=repository_address())
        else:
            problems = lint_page(path)
        name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        for cell, what, to_do in problems:
            print(f"{name}: " + (f"cell {cell}: " if cell else "") + f"{what}: {to_do}")
        found += len(problems)
    print(f"{len(paths)} files linted, {found} problems")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
