"""What MathJax draws is what the TeX means, and is measured as the text is."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from booksite.formulas import mathjax, renderer
from booksite.formulas.mathjax import TexError, Typesetter

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.fixture(scope="module")
def typesetter():
    return Typesetter()


def mathml(formula):
    return ElementTree.fromstring(formula.mathml)


def test_mathml_says_what_the_tex_means(typesetter):
    root = mathml(typesetter.typeset(r"\frac{a}{b_1}", display=False))
    (fraction,) = root
    assert fraction.tag == "mfrac"
    assert "".join(fraction[0].itertext()) == "a"
    assert [child.tag for child in fraction[1]] == ["mi", "mn"]
    assert fraction[1].tag == "msub"


def test_each_glyph_stands_where_tex_puts_it(typesetter):
    drawing = typesetter.typeset("xx", display=False).svg
    # The advance width of the math italic x is 572 thousandths of an em.
    assert drawing.count('<use href="#f-I-1D465"') == 2
    assert 'x="572"' in drawing and 'viewBox="0 -442 1144 453"' in drawing


def test_a_drawing_is_measured_in_the_size_of_the_text(typesetter):
    one = typesetter.typeset("x", display=False)
    three = typesetter.typeset("xxx", display=False)
    assert three.width == pytest.approx(3 * one.width, abs=0.01)
    assert f'width="{one.width}ex"' in one.svg
    # The descender of y hangs below the line.
    assert "vertical-align:-0.464ex" in typesetter.typeset("y", display=False).svg


def test_displayed_operators_are_larger(typesetter):
    inline = typesetter.typeset(r"\sum_i x_i", display=False)
    displayed = typesetter.typeset(r"\sum_i x_i", display=True)
    assert "f-SO-2211" in inline.svg and "f-LO-2211" in displayed.svg
    assert mathml(displayed).get("display") == "block"


def test_every_glyph_that_is_used_has_an_outline(typesetter):
    drawing = typesetter.typeset(
        r"\mathbb{R}^d \ni \hat{\theta} \mapsto \sqrt{\|\theta\|_1}", display=True
    ).svg
    used = set(renderer.GLYPH.findall(drawing))
    assert len(used) >= 8
    assert used <= set(typesetter.glyphs())
    assert all(path.startswith("M") for path in typesetter.glyphs().values() if path)


def test_colour_is_that_of_the_text(typesetter):
    drawing = typesetter.typeset(r"\frac{1}{2} \cancel{x}", display=False).svg
    assert "fill=" not in drawing and "rgb" not in drawing and "#0" not in drawing


def test_a_formula_depends_on_no_other(typesetter):
    with pytest.raises(TexError):
        typesetter.typeset(r"\newcommand{\mine}{x}\mine", display=False)
    with pytest.raises(TexError, match=r"Undefined control sequence \\mine"):
        typesetter.typeset(r"\mine", display=False)


@pytest.mark.parametrize(
    ("tex", "says"),
    [
        (r"\frac{1}", "Missing argument for \\frac"),
        ("x^", "Missing superscript"),
        (r"\left( x", "missing \\right"),
        (r"\text{日}", "there is no outline of 日"),
        (r"x \tag{1}", "give the equation a label"),
        (r"\eqref{one}", "refer with {eq}"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_a_reason(typesetter, tex, says):
    with pytest.raises(TexError, match=re.escape(says)):
        typesetter.typeset(tex, display=True)


def test_without_mathjax_the_package_is_named(monkeypatch):
    monkeypatch.setattr(mathjax, "PACKAGE", "no-such-package")
    with pytest.raises(RuntimeError, match=r"no-such-package.*run make"):
        Typesetter()


def test_a_process_that_has_typeset_closes_the_engine_and_ends():
    """Left open, the engine keeps Python 3.13 from ever exiting, and its thread alive elsewhere."""
    program = """if True:
        import atexit, threading
        # What is registered first is called last.
        atexit.register(lambda: print(threading.active_count(), "thread"))
        from booksite.formulas.mathjax import Typesetter
        typesetter = Typesetter()
        typesetter.typeset("x", display=False)
        """
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "1 thread\n", "")
