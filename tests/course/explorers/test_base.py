"""What all explorers share: still pictures without a kernel, states that a page can start from."""

import base64
import zlib

import matplotlib.pyplot as plt
import traitlets

from lectures_code.explorers.base import Explorer, source, style


class Pixels(Explorer):
    """An explorer with a setting of each kind."""

    name = "pixels"
    _esm = "export default { render() {} }"
    images = traitlets.Bytes(bytes(range(100))).tag(sync=True)
    radius = traitlets.Float(0.2).tag(sync=True)
    private = traitlets.Float(1.0)

    def figure(self):
        return plt.subplots()[0]

    alt = 'Nothing but "axes" & a frame.'


def test_a_module_is_the_toolkit_and_the_explorers_own_text():
    text = source("ball")
    assert text.index("const SVG") < text.index("export const mathematics")
    assert text.count("export default") == 1 and "import " not in text


def test_a_style_sheet_is_what_all_share_and_then_the_explorers_own_rules():
    text = style("ball", "sgd")
    assert text.index(".explorer-live {") < text.index(".ball-set {") < text.index(".sgd-path {")
    assert ".sgd-path" not in style("ball")


def test_the_state_holds_the_explorers_own_synchronised_settings():
    state = Pixels().page_state()
    assert state["values"] == {"radius": 0.2}
    assert zlib.decompress(base64.b64decode(state["bytes"]["images"])) == bytes(range(100))


def test_a_notebook_gets_a_live_view_and_a_still_picture():
    data, _ = Pixels()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"] == Pixels.alt
    assert 'data-explorer="pixels"' in data["text/html"] and "run this cell" in data["text/html"]
    assert 'alt="Nothing but &quot;axes&quot; &amp; a frame."' in data["text/html"]


def test_the_still_picture_is_not_shown_twice():
    before = plt.get_fignums()
    Pixels().still()
    assert plt.get_fignums() == before


def test_what_a_notebook_stores_holds_no_bytes():
    data, _ = Pixels()._repr_mimebundle_()
    stored = data["text/html"] + data["text/plain"]
    assert base64.b64encode(bytes(range(30))).decode() not in stored and "images" not in stored
