"""A chapter's edition in JupyterLab, as Binder opens it: an explorer before and after its run."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
import torch

from authoring.notebooks import ROOT
from lectures_code.perturbations import NormBall
from tests.browser import explorer_pages as explorers

pytestmark = pytest.mark.edition
CHAPTER = ROOT / "_build" / "edition" / "book" / "lecture" / "min_max.ipynb"
SECONDS = 120
#: Whether the server has a kernel that is ready and to which the page is connected. While it starts
#: one, it may answer with an error.
CONNECTED = """async () => {
    const answer = await fetch('/api/kernels');
    const kernels = answer.ok ? await answer.json() : [];
    return kernels.some(each => each.connections > 0 && each.execution_state === 'idle');
}"""


@pytest.fixture(scope="module")
def jupyterlab(tmp_path_factory):
    """The address at which JupyterLab opens a chapter's first explorer, and what it needs."""
    folder = tmp_path_factory.mktemp("jupyterlab")
    notebook = nbformat.read(CHAPTER, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    (explorer,) = (cell for cell in code if "BallExplorer(" in cell.source)
    notebook.cells = [*code[:2], explorer]
    nbformat.write(notebook, folder / "chapter.ipynb")
    places = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("RUNTIME", "CONFIG", "DATA")}
    process = subprocess.Popen(
        [Path(sys.executable).with_name("jupyter-lab"), "--no-browser", "--allow-root", "--port=0"],
        cwd=folder,
        env={**os.environ, **places, "IPYTHONDIR": str(folder / "ipython")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    said = folder / "RUNTIME" / f"jpserver-{process.pid}.json"
    try:
        for _ in range(SECONDS * 10):
            if said.exists() and said.stat().st_size and process.poll() is None:
                break
            time.sleep(0.1)
        server = json.loads(said.read_text(encoding="utf-8"))
        yield f"{server['url']}doc/tree/chapter.ipynb?token={server['token']}"
    finally:
        process.terminate()
        process.wait(timeout=SECONDS)


def test_an_explorer_is_a_picture_at_first_and_lives_when_its_cell_has_run(jupyterlab, browser):
    page = browser.new_page()
    page.set_default_timeout(1000 * SECONDS)
    page.goto(jupyterlab)
    output = page.locator(".jp-OutputArea-output")
    output.get_by_role("img").first.wait_for()
    assert "run this cell" in output.first.inner_text()
    assert page.locator(".explorer-live").count() == 0

    # Before there is a kernel, "Run All Cells" clears the outputs and runs nothing, and the page
    # calls it idle as well: the server knows whether the page is connected to one.
    for _ in range(SECONDS * 5):
        if page.evaluate(CONNECTED):
            break
        time.sleep(0.2)
    page.locator("[data-status=idle]").first.wait_for(state="attached")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.locator(".explorer-live").wait_for()
    explorers.slide(page, w1=-1.5, inverse_q=0.5, radius=0.5)
    shown = explorers.result(page)
    weights = torch.tensor(shown["w"], dtype=torch.float64)
    assert weights[0] == -1.5
    assert shown["value"] == pytest.approx(float(NormBall(2, 0.5).support(weights)), abs=1e-12)
    page.close()
