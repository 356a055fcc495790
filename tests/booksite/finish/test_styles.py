"""Pages load one style sheet, in which nothing is missing that applies to something."""

import pytest
import tinycss2

from booksite.finish.styles import join, names_in_use, pruned, sheet

PAGE = """<html><head><title>A page</title>
<link href="../_static/styles/theme.css?v=1" rel="stylesheet" />
<link rel="stylesheet" type="text/css" href="../_static/book.css" />
<link media="print" rel="stylesheet" href="../_static/print.css" />
</head><body class="{}"><script>const state = "from-script";</script></body></html>"""


def kept(style, *names):
    rules = tinycss2.parse_stylesheet(style, skip_comments=True, skip_whitespace=True)
    return "".join(pruned(rules, set(names)))


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("p{a:1}", "p{a:1}"),
        (".used{a:1}.unused{a:1}", ".used{a:1}"),
        (".unused,.used{a:1}", ".used{a:1}"),
        (".used .unused{a:1}", ""),
        ("p:not(.unused){a:1}", "p:not(.unused){a:1}"),
        (":is(.used, .unused) a{a:1}", ":is(.used, .unused) a{a:1}"),
        ('#name[href=".x"]{a:1}', '#name[href=".x"]{a:1}'),
        ("@media print{.unused{a:1}}", ""),
        ("@media print{.used{a:1}.unused{a:1}}", "@media print{.used{a:1}}"),
        ("@keyframes x{from{a:1}}", "@keyframes x{from{a:1}}"),
        (".tooltip-end{a:1}", ".tooltip-end{a:1}"),
        (".a\\:b{a:1}", ".a\\:b{a:1}"),
    ],
)
def test_rules_stay_exactly_if_their_classes_occur(style, expected):
    assert kept(style, "used", "tooltip-", "a:b") == expected


def test_what_is_no_rule_is_refused():
    with pytest.raises(ValueError, match="a style sheet must hold rules"):
        kept("}")


@pytest.fixture
def site(tmp_path):
    static = tmp_path / "_static"
    (static / "styles").mkdir(parents=True)
    (static / "styles" / "theme.css").write_text('@import "../basic.css";.one{b:url("x.png")}')
    (static / "basic.css").write_text("@charset 'utf-8';.two{a:1}.unused{a:1}")
    (static / "book.css").write_text(".from-script{a:1}.three{b:url(data:,x)}.dialog-open{a:1}")
    (static / "a.js").write_text('element.classList.add("dialog-" + state)')
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "page.html").write_text(PAGE.format("one three two"))
    return tmp_path


def joined(site):
    join(site)
    return (site / "book" / "page.html").read_text()


def test_classes_come_from_pages_and_scripts(site):
    assert {"one", "two", "three", "from-script", "dialog-"} <= names_in_use(site)
    assert "unused" not in names_in_use(site)


def test_imports_and_addresses_hold_in_the_new_place(site):
    style = sheet(site / "_static" / "styles" / "theme.css", site / "_static")
    assert style == """@charset 'utf-8';.two{a:1}.unused{a:1}.one{b:url("styles/x.png")}"""


def test_a_page_loads_one_sheet_with_all_that_applies_in_order(site):
    page = joined(site)
    (file,) = (site / "_static").glob("style.*.css")
    assert f'<link rel="stylesheet" href="../_static/{file.name}">' in page
    assert page.count("stylesheet") == 2 and 'media="print"' in page
    assert file.read_text().split("\n") == [
        ".two{a:1}",
        '.one{b:url("styles/x.png")}',
        ".from-script{a:1}",
        ".three{b:url(data:,x)}",
        ".dialog-open{a:1}",
    ]


def test_joining_twice_changes_nothing(site):
    assert joined(site) == joined(site)
