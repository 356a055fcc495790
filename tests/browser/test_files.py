"""References, alt texts and tables of data in the built site, read from its files."""

from tests.browser.checks.files import (
    alt_texts,
    figure_data,
    figures,
    html_files,
    links,
    parsed,
    repeated_ids,
    style_sheets,
)
from tests.browser.driving import assert_none


def test_every_page_of_the_contents_is_there(site, pages):
    assert [page for page in pages if not (site / page).is_file()] == []
    assert len(html_files(site)) >= len(pages)


def test_every_reference_leads_somewhere_within_the_site(site):
    assert_none(links(site))


def test_style_sheets_refer_to_what_is_there(site):
    assert_none(style_sheets(site))


def test_every_image_says_what_it_shows(site, page_path):
    assert_none(alt_texts(site / page_path))


def test_every_figure_has_its_data(executed_site, page_path):
    assert_none(figure_data(executed_site, executed_site / page_path))


def test_the_chapters_have_figures(site, pages):
    assert sum(len(figures(parsed(site / page))) for page in pages) >= 10


def test_every_id_is_on_a_page_once(site, page_path):
    assert_none(repeated_ids(site / page_path))
