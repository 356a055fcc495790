"""The folder that Binder, Colab and a class's hub open, and the buttons that lead to it."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import nbformat
import pytest
from nbformat import v4

from booksite.edition.folder import FILES, write_folder
from lectures_code import mnist
from tests.booksite.small_book import ROOT

REPOSITORY = "adversarial-training-lecture/adversarial-training-lecture"
#: How the two services' own documentation writes the addresses of a notebook on GitHub.
BINDER = re.compile(
    r"https://mybinder\.org/v2/gh/([^/]+/[^/]+)/(\w+)\?urlpath=lab/tree/([\w/]+\.ipynb)"
)
COLAB = re.compile(
    r"https://colab\.research\.google\.com/github/([^/]+/[^/]+)/blob/(\w+)/([\w/]+\.ipynb)"
)
NAMES = [
    "book/lecture/min_max.ipynb",
    "book/lecture/mnist.ipynb",
    "book/beyond/exact_optimum.ipynb",
    "book/beyond/kink_and_noise.ipynb",
    "book/practice/min_max.ipynb",  # of the same name as its chapter
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edition")
    for name in reversed(NAMES):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        title = v4.new_markdown_cell(f"# Title of {path.stem}\n\nText.")
        nbformat.write(v4.new_notebook(cells=[title]), path)
    write_folder(ROOT, folder)
    return folder


@pytest.mark.parametrize("form", [BINDER, COLAB], ids=["Binder", "Colab"])
def test_its_readme_opens_each_chapter_in_the_books_order(folder, form):
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert form.findall(readme) == [(REPOSITORY, "edition", name) for name in NAMES]
    assert re.findall(r"^\| \[Title of (\w+)\]\(([\w/.]+)\)", readme, re.MULTILINE) == [
        (Path(name).stem, name) for name in NAMES
    ]
    assert "$" not in readme, "every place of the template is filled"


def test_each_link_of_its_readme_to_a_file_leads_to_one(folder):
    readme = (folder / "README.md").read_text(encoding="utf-8")
    files = [link for link in re.findall(r"\]\(([^)]+)\)", readme) if "://" not in link]
    assert len(files) > len(NAMES)
    assert [link for link in files if not (folder / link).is_file()] == []


def test_it_holds_the_whole_package_and_nothing_that_a_run_has_left(folder):
    package = {path.relative_to(folder) for path in (folder / "src").rglob("*") if path.is_file()}
    tracked = subprocess.run(
        ["git", "ls-files", "src"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert package == set(map(Path, tracked))
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    named = [project["readme"], *project["license-files"]]
    assert all((folder / name).is_file() for name in named), "setuptools asks for these"


def test_a_class_gets_the_branch_by_the_address_that_the_appendix_gives(folder):
    """nbgitpuller's: the repository, its branch, and the chapter below the folder of its name."""
    page = (ROOT / "book" / "appendix" / "rooms.md").read_text(encoding="utf-8")
    (address,) = re.findall(r"https://hub\.example\.org\S+", page)
    parts = urlsplit(address)
    assert parts.path == "/hub/user-redirect/git-pull"
    query = dict(parse_qsl(parts.query, strict_parsing=True))
    assert query == {
        "repo": f"https://github.com/{REPOSITORY}",
        "branch": "edition",
        "urlpath": f"lab/tree/{REPOSITORY.split('/')[1]}/{NAMES[0]}",
    }


@pytest.mark.parametrize("found", [True, False], ids=["with MNIST", "without"])
def test_after_its_build_binder_has_mnist_or_says_that_it_has_not(found, tmp_path):
    """Binder runs this file as a program; without MNIST in reach its image is made all the same."""
    script = shutil.copy(FILES / "postBuild", tmp_path)
    assert os.access(script, os.X_OK)
    data = os.environ.get("MNIST_DIR", "")
    if found and not data:
        pytest.skip("needs full MNIST: name its folder in MNIST_DIR")
    bin_folder = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        [script],
        env={**os.environ, "PATH": bin_folder, "MNIST_DIR": data if found else str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0
    if found:
        assert result.stdout == f"MNIST: {mnist.load_zero_one(source='mnist').origin}\n"
    else:
        assert "sessions will try to download it" in result.stderr
        assert "MnistNotFoundError" in result.stderr, "why it could not"
