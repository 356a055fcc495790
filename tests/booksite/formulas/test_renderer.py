"""Formulas arrive on the page whole, with their numbers, and without their TeX."""

import re

import pytest
from docutils import nodes

from booksite.formulas import renderer
from tests.booksite import small_site

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
