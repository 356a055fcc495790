"""Pages break no rule of ARIA that the theme and other extensions break."""

from booksite.finish import aria


def test_only_empty_headings_become_cells():
    table = "<th>a</th><th class='x'> <p></p>\n</th><th></th><thead>"
    fixed = aria.fixed(table)
    assert fixed == "<th>a</th><td class='x'></td><td></td><thead>"


def test_a_bibliography_loses_withdrawn_roles():
    page = '<div role="list" class="citation-list"><div class="c" id="i" role="doc-biblioentry">'
    fixed = aria.fixed(page)
    assert fixed == '<div class="citation-list"><div class="c" id="i">'


def test_boxes_lose_the_ids_that_all_of_them_have():
    page = (
        '<section id="solution-content"></section><section id="exercise-content"></section>'
        '<div class="proof admonition" id="proof"><section id="proof-content"></section></div>'
        '<section id="proof"></section>'
    )
    assert aria.fixed(page) == (
        "<section></section><section></section>"
        '<div class="proof admonition"><section></section></div><section id="proof"></section>'
    )
