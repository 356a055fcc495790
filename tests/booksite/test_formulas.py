"""Formulas: MathJax draws what the TeX means, and they arrive on the page whole."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup
from docutils import nodes

from booksite.formulas import mathjax, renderer
from booksite.formulas.mathjax import TexError, Typesetter
from booksite.formulas.words import linear_text
from tests.booksite import small_site

ROOT = Path(__file__).parent.parent.parent


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


PAGE = """\
# The $\\ell_\\infty$ ball

As {eq}`two` says ($x$, and $y$-like), not {math}`z`!

$$
a &= b \\\\
  &= \\nabla c
$$ (two)

$$ d $$

\\begin{align*}
e &= f \\\\ g &= h
\\end{align*}

| symbol | meaning |
|---|---|
| $\\mathbb{R}$ | real $q_{uvw}$ |

```{figure} dot.png
:name: dot
:alt: A dot.

A caption with $\\zeta$.
```

Too wide: $a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p + q + r + s + t$.
"""


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """A function that builds a site of one page: its folder, and the warnings."""

    def run(text):
        folder = tmp_path_factory.mktemp("site")
        # A picture is only copied: any bytes will do.
        (folder / "dot.png").write_bytes(b"")
        return small_site.build(
            folder, text, myst_enable_extensions=["amsmath", "dollarmath"], numfig=True
        )

    return run


@pytest.fixture(scope="module")
def site(build):
    folder, warnings = build(PAGE)
    assert warnings == ""
    return folder


@pytest.fixture(scope="module")
def page(site):
    return (site / "index.html").read_text(encoding="utf-8")


def test_no_tex_and_no_script_for_it_is_on_the_page(page):
    body = page[page.index("<body") :]
    assert "\\nabla" not in body and "\\(" not in body and "\\[" not in body
    assert not re.search(r"<script[^>]*mathjax", page, re.IGNORECASE)


def test_equations_keep_number_anchor_and_reference(page):
    place = page.index('<div class="math notranslate" id="equation-two">')
    assert '<span class="eqno">(1)' in page[place : place + 120]
    assert '<a class="reference internal" href="#equation-two">(1)</a>' in page
    # Of the three displayed formulas only one has a number.
    assert page.count('class="eqno"') == 1


def test_formulas_stand_in_titles_tables_and_captions(page):
    caption = page[page.index("<figcaption") : page.index("</figcaption")]
    table = page[page.index("<tbody") : page.index("</tbody")]
    article = page[page.index("<article") :]
    heading = article[article.index("<h1") : article.index("</h1")]
    assert "<mi>ζ</mi>" in caption and "f-I-1D701" in caption
    assert "ℝ" in table or '<mi mathvariant="double-struck">R</mi>' in table
    assert "<mi>ℓ</mi>" in heading
    # A window's title is plain text.
    assert re.search(r"<title>The ℓ∞ ball", page)


def test_lines_that_are_aligned_are_below_one_another(page):
    place = page.index('id="equation-two"')
    assert page[place : page.index("</math>", place)].count("<mtr>") == 2


def test_punctuation_stays_at_its_formula(page):
    assert '<span class="tied">(<span class="math' in page
    assert re.search(r"<mi>y</mi></math></span>-like\),</span>", page)
    assert re.search(r"<mi>z</mi></math></span>!</span>", page)


def test_no_letter_is_lost_or_doubled_at_a_formula():
    for text in ("maximises\n", "maximises ", "it maximises", "(", ""):
        formula = nodes.math("", "x")
        paragraph = nodes.paragraph("", "", nodes.Text(text), formula, nodes.Text(", twice"))
        renderer._take_neighbours(formula)
        first, _, last = paragraph.children
        assert first + formula["before"] == text
        assert formula["after"] + last == ", twice"


def test_only_what_may_have_to_scroll_takes_the_keyboards_focus(page):
    assert 'class="formula" tabindex' not in page
    wide = page[page.index("Too wide") :]
    assert 'class="math notranslate wide"' in wide


def test_each_outline_is_on_the_page_once(page):
    ids = re.findall(r'<path id="(f-[^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(ids) == set(re.findall(r'href="#(f-[^"]+)"', page))


def test_finishing_a_page_twice_changes_nothing(page):
    assert renderer.with_outlines(page) == page


def test_search_finds_words_and_no_tex(site):
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert "caption" in index and r"The \u2113\u221e ball" in index
    for tex in ("nabla", "zeta", "mathbb", "q_", "uvw", "svg"):
        assert tex not in index


@pytest.mark.parametrize("text", ["# A\n\nBad $\\frac{1}$.\n", "# A\n\n$$\n\\nonsense\n$$\n"])
def test_bad_tex_is_a_warning_with_its_place(build, text):
    folder, warnings = build(text)
    assert re.search(r"index\.md:3: WARNING: TeX is not understood", warnings)
    assert "merror" not in (folder / "index.html").read_text(encoding="utf-8")


def test_a_wide_formula_on_its_own_can_be_reached_and_is_named(build):
    folder, _ = build("# A\n\n$$ " + " + ".join("abcdefghijklmn") + " $$\n")
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert '<div class="formula" tabindex="0" role="group" aria-label="Formula">' in page


@pytest.mark.parametrize(
    "mathml, text",
    [
        ("<msub><mi>x</mi><mi>i</mi></msub><mi>y</mi>", "x_i y"),
        ("<mi>a</mi><mo>=</mo><mo>−</mo><mn>1</mn>", "a = −1"),
        ("<mi>a</mi><mo>−</mo><mn>1</mn>", "a − 1"),
        ("<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac>", "(a + b)/2"),
        ("<mi>f</mi><mo>′</mo><mi>log</mi><mo>\u2061</mo><mi>x</mi>", "f′log x"),
        ("<msup><mi>f</mi><mo>′</mo></msup>", "f′"),
        ("<mover><mi>θ</mi><mo>^</mo></mover>", "θ\u0302"),
        ("<msqrt><mi>d</mi><mo>+</mo><mn>1</mn></msqrt>", "√(d + 1)"),
        ("<munderover><mo>∑</mo><mi>i</mi><mi>N</mi></munderover><mi>a</mi>", "∑_i^N a"),
        ("<mtable><mtr><mtd><mi>a</mi></mtd><mtd><mi>b</mi></mtd></mtr></mtable>", "a b"),
    ],
)
def test_a_formula_has_a_line_of_text(mathml, text):
    formula = BeautifulSoup(f"<math>{mathml}</math>", "html.parser").math
    assert linear_text(formula) == text
