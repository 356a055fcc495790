"""The site gets what its explorers start from: their modules, and the executed book's states."""

import json
from types import SimpleNamespace

import pytest
import torch
from docutils import nodes
from docutils.utils import new_document
from sphinx import addnodes

from booksite import finish_site
from booksite.explorers.links import ExplorerLinks
from booksite.explorers.pages import KEY, bundle, states, write_scripts
from lectures_code.explorers.ball import BallExplorer
from lectures_code.explorers.base import source
from lectures_code.perturbations import NormBall


@pytest.fixture(scope="module")
def shown():
    return bundle(BallExplorer(NormBall(2, 1.0), torch.tensor([1.0, 0.5])))


def executed(folder, outputs, glued):
    """A notebook that was run with these outputs, and gave these to the prose."""
    folder.mkdir()
    notebook = {"cells": [{"cell_type": "markdown"}, {"cell_type": "code", "outputs": outputs}]}
    (folder / "chapter.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    (folder / "chapter.glue.json").write_text(json.dumps(glued), encoding="utf-8")
    return folder


def output(metadata):
    return {"output_type": "display_data", "data": {}, "metadata": metadata}


def test_a_page_gets_a_picture_and_the_key_of_its_state(shown):
    data, metadata = shown
    assert f'data-explorer="ball" data-state="{metadata[KEY]["key"]}"' in data["text/html"]
    assert '<img class="picture" alt="A norm ball' in data["text/html"]
    assert metadata[KEY]["state"]["values"] == {
        "inverse_q": 0.5,
        "radius": 1.0,
        "w1": 1.0,
        "w2": 0.5,
    }


def test_the_key_names_the_state(shown):
    other = bundle(BallExplorer(NormBall(1, 1.0), torch.tensor([1.0, 0.5])))
    again = bundle(BallExplorer(NormBall(2, 1.0), torch.tensor([1.0, 0.5])))
    keys = [metadata[KEY]["key"] for _, metadata in (shown, other, again)]
    assert keys[0] == keys[2] != keys[1]


def test_states_are_found_in_outputs_and_among_what_was_glued(shown, tmp_path):
    metadata = shown[1]
    glued = {"number": output({}), "front": output({KEY: {"key": "front", "state": {}}})}
    folder = executed(tmp_path / "run", [output({}), output(metadata)], glued)
    assert dict(states(folder)) == {metadata[KEY]["key"]: metadata[KEY]["state"], "front": {}}


def test_modules_and_states_are_written_as_scripts(shown, tmp_path):
    executed(tmp_path / "jupyter_execute", [output(shown[1])], {})
    site, key = tmp_path / "html", shown[1][KEY]["key"]
    write_scripts(site)
    files = (site / "_static" / "explorers").iterdir()
    written = {path.name: path.read_text(encoding="utf-8") for path in files}
    assert written["ball.js"] == f'explorers.module("ball", {json.dumps(source("ball"))});\n'
    assert written[f"{key}.js"].startswith(f'explorers.state("{key}", {{"values": ')
    assert "toolkit.js" not in written and ".explorer-live" in written["explorer.css"]


def test_a_failed_build_writes_nothing(tmp_path):
    app = SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=tmp_path / "html")
    finish_site(app, RuntimeError("a build that failed"))
    assert not (tmp_path / "html").exists()


@pytest.mark.parametrize(
    ("target", "builder", "address"),
    [
        ("../one.ipynb?show=ball&w1=-0.5", "html", "one from book/two?show=ball&w1=-0.5"),
        (
            "../one.ipynb?show=lab&chosen=a b",
            "html",
            "one from book/two?show=lab&chosen=a%20b",
        ),
        ("../one.ipynb?show=ball&w1=-0.5", "edition", "https://site/one.html?show=ball&w1=-0.5"),
        ("../three.ipynb?show=ball", "html", None),  # MyST warns of it
        ("../one.ipynb", "html", None),
    ],
)
def test_a_link_to_a_state_leads_to_the_page_and_elsewhere_to_the_site(target, builder, address):
    document = new_document("two")
    document += addnodes.pending_xref("", nodes.inline("", "There."), reftarget=target)
    document.settings.env = SimpleNamespace(
        app=SimpleNamespace(
            builder=SimpleNamespace(
                name=builder, get_relative_uri=lambda origin, page: f"{page} from {origin}"
            )
        ),
        config=SimpleNamespace(site_address="https://site/"),
        docname="book/two",
        found_docs={"one", "book/two"},
        path2doc=lambda path: path.removesuffix(".ipynb"),
        relfn2path=lambda name, origin: (name, name.removeprefix("../")),
    )
    ExplorerLinks(document).run()
    found = [node["refuri"] for node in document.findall(nodes.reference)]
    assert found == ([address] if address else [])
    assert document.astext() == "There."
