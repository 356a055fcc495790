"""The checks of a page, and axe-core: each finds its fault, and nothing where there is none."""

import pytest

from tests.browser.checks import pages as checks
from tests.browser.driving import html, set_theme

# An outline of the kind that typeset formulas refer to, and a formula that is as it should be.
GLYPHS = (
    '<svg style="position:absolute;width:0;height:0"><path id="f-x" d="M0 0H400V400H0Z"/></svg>'
)
DRAWING = '<svg width="1ex" height="1ex" viewBox="0 0 400 400"><use href="#f-x"/></svg>'
GOOD = f'<span class="math">{DRAWING}<math><mi>x</mi></math></span>'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (r"so that \(x\) is small", "raw TeX"),
        ("so that $$x$$ is small", "raw TeX"),
        (r"<p>the value \frac{1}{2}</p>", "raw TeX"),
        (r"<details>\theta is folded away</details>", "raw TeX"),
        (r'<img src="data:," alt="The loss at \theta, from left to right.">', "raw TeX in alt"),
        (f"<span class=math>{DRAWING}</span>", "no MathML"),
        (f"<span class=math>{DRAWING}<math></math></span>", "no MathML"),
        ("<span class=math><math><mi>x</mi></math></span>", "not typeset"),
        (GOOD.replace('width="1ex"', 'width="0"'), "of no size"),
        (GOOD.replace("#f-x", "#f-y"), "no outline #f-y"),
        (GOOD.replace('<use href="#f-x"/>', ""), "of no size"),
        (f"<details>{GOOD.replace('#f-x', '#f-y')}</details>", "no outline #f-y"),
        (GOOD.replace("<mi>x</mi>", "<merror><mi>x</mi></merror>"), "in error"),
        (GOOD.replace("<use", '<g data-mml-node="merror"></g><use'), "in error"),
    ],
)
def test_a_formula_that_is_not_well_is_found(open_html, body, expected):
    page = open_html(html(GLYPHS + body))
    page.guard.take()
    found = checks.formulas(page)
    assert any(expected in problem for problem in found), found
    bare = open_html(html(GLYPHS + body), javascript=False)
    bare.guard.take()
    assert checks.formulas(bare) == found


@pytest.mark.parametrize(
    "body",
    [
        GOOD,
        f"<div class=math>{GOOD}</div>",
        f"<details><summary>more</summary>{GOOD}</details>",
        r"<code>\frac{1}{2}</code><pre>$$x$$</pre><script>const tex = '\\theta';</script>",
        "a price of $5, or C:\\",
    ],
)
def test_a_typeset_formula_is_no_problem(open_html, body):
    assert checks.formulas(open_html(html(GLYPHS + body))) == []


WIDE = '<div style="width:{width}px">wide</div>'


@pytest.mark.parametrize("width", checks.WIDTHS)
def test_what_sticks_out_is_found(open_html, width):
    page = open_html(html(WIDE.format(width=width + 40)))
    found = checks.overflow(page, width)
    assert any("the page is" in problem for problem in found)
    assert any("<div> ends at" in problem for problem in found)
    assert checks.overflow(page, width + 60) == []


def test_what_sticks_out_is_found_where_the_page_hides_it(open_html):
    style = "<style>html, body { overflow-x: hidden }</style>"
    assert checks.overflow(open_html(html(WIDE.format(width=600), style)), 320) != []
    style = "<style>html, body { overflow-x: clip }</style>"
    assert checks.overflow(open_html(html(WIDE.format(width=600), style)), 320) != []


def test_what_scrolls_in_its_own_box_does_not_stick_out(open_html):
    box = f'<div style="overflow-x:auto">{WIDE.format(width=600)}</div>'
    assert checks.overflow(open_html(html(box)), 320) == []


def test_a_formula_beyond_its_paragraph_is_found_in_the_margin_of_the_page(open_html):
    wide = GOOD.replace('width="1ex"', 'width="270"')
    style = "<style>p { margin: 0 30px }</style>"
    found = checks.overflow(open_html(html(f"{GLYPHS}<p>{wide}</p>", style)), 320)
    assert found == ["320 px: a formula ends 26 px beyond its paragraph"]
    assert checks.overflow(open_html(html(f"{GLYPHS}<p>{GOOD}</p>", style)), 320) == []


def test_an_unbreakable_formula_is_found(open_html):
    wide = GOOD.replace('width="1ex"', 'width="338"')
    page = open_html(html(f"{GLYPHS}<dl><dd>{wide}</dd></dl>"))
    assert any("the page is" in problem for problem in checks.overflow(page, 320))


KEYS = "tabindex=0 style='overflow-x:auto"
HINT = "background: linear-gradient(white, blue)"
EQUATION = (
    '<div class="math" style="display:flex;{flow}"><div class="formula" tabindex="0" style="'
    f'overflow-x:auto;{HINT}"><div style="width:{{width}}px">x</div></div>'
    '<span class="eqno">(1.2)</span></div>'
)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (f"<div {KEYS}'>{WIDE.format(width=600)}</div>", "scrolls without a hint"),
        (f"<div {KEYS};{HINT}'>{WIDE.format(width=600)}</div>", None),
        (f"<div style='overflow-x:auto;{HINT}'>{WIDE.format(width=600)}</div>", "the keyboard"),
        (
            f"<section style='background:red'><div {KEYS};{HINT}'>"
            f"{WIDE.format(width=600)}</div></section>",
            "scrolls without a hint",
        ),
        (f"<div style='overflow-x:auto'>{WIDE.format(width=60)}</div>", None),
        ("<table style='width:9px;overflow-wrap:anywhere'><td>0.0246", "a table breaks 0.0246"),
        ("<table style='width:9px;overflow-wrap:anywhere'><td>median", "a table breaks median"),
        ("<table style='width:9px'><td>median 0.0246 to 0.0355", None),
        (EQUATION.format(flow="", width=600), "beside its number (1.2)"),
        (EQUATION.format(flow="flex-direction:column", width=600), None),
        (EQUATION.format(flow="", width=60), None),
    ],
)
def test_what_a_narrow_page_hides_or_breaks_is_found(open_html, body, problem):
    page = open_html(html(f"<article>{body}</article>"), width=320)
    found = checks.narrow(page, keys=True)
    assert (problem in found[0] and len(found) == 1) if problem else found == []


def test_an_image_that_is_not_shown_is_found(open_html):
    page = open_html(
        html('<img src="no.png" alt="One that is missing."><img src="yes.svg" alt="Here.">'),
        files={"yes.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'},
    )
    assert checks.images(page) == ["image not shown: One that is missing."]
    assert any("no.png (status 404)" in problem for problem in page.guard.take())


@pytest.mark.parametrize(
    ("still", "problems"),
    [
        ('<img src="a.svg" alt="">', 0),
        ("", 1),
        ('<img src="a.svg" alt="" hidden>', 1),
        ('<img src="data:image/png;base64,AA" alt="">', 1),
    ],
)
def test_an_explorer_without_its_picture_is_found(open_html, still, problems):
    page = open_html(
        html(f'<div class="explorer" data-explorer="ball">{still}</div>'),
        files={"a.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'},
        javascript=False,
    )
    assert checks.stills(page) == problems * ["no still picture of the explorer ball"]


# Enough on white, too little on grey.
FAINT = "<b style='color:#757575'>faint</b> "
# Told apart from black words, and not from blue ones.
LINK = "words <a href='#here' style='color:#06f;text-decoration:none'>elsewhere</a> and words"
LINKS = f"<p style='color:#000'>{LINK}</p>" * 50


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ('<img src="data:,">', "image-alt"),
        ("<button></button>", "button-name"),
        ("<input type=range>", "label"),
        ("<p style='color:#999;background:#fff'>pale</p>", "color-contrast"),
        ("<p>dark</p>" * 50 + "<p><em style='color:#999'>pale</em></p>", "color-contrast"),
        (FAINT * 50 + f"<div style='background:#bbb'><span>{FAINT}</span></div>", "color-contrast"),
        (LINKS + f"<p id=here style='color:#05c'>{LINK}</p>", "link-in-text"),
        ("<h3>too deep</h3>", "heading-order"),
        ("<div style='height:20px;overflow:auto'><p style='height:99px'>x</p></div>", "scrollable"),
    ],
)
def test_a_violation_is_found(open_html, body, rule):
    page = open_html(html(f"<main><h1>A page</h1>{body}</main>"))
    page.guard.take()
    found = checks.accessibility(page)
    assert found and all(problem.startswith(rule) for problem in found)


def test_a_page_without_fault_has_no_violation(open_html):
    page = open_html(html("<main><h1>A page</h1><p>Text.</p></main>"))
    assert checks.accessibility(page) == []


def test_a_fault_in_the_dark_theme_alone_is_found(open_html):
    style = (
        "<style>body{background:#fff;color:#111}"
        "[data-theme=dark] body{background:#111;color:#333;transition:all 9s}</style>"
    )
    page = open_html(html("<main><h1>A page</h1></main>", style))
    assert checks.accessibility(page) == []
    set_theme(page, "dark")
    assert any(problem.startswith("color-contrast") for problem in checks.accessibility(page))
    found = checks.accessibility(page, colours_only=True)
    assert found and all(problem.startswith("color-contrast") for problem in found)
