"""The first view of each chapter is light, soon painted, and does not move.

Times are measured on whatever machine this runs on, slowed down to a fourth of an ordinary
computer. Other work on it makes a paint later and never earlier, so the best of several loads is
the page's own time, and the test stops at the first load within the limits. All of them wait as a
reader would: they are for `make paint`, those of times when nothing else runs.
"""

import math

import pytest

from tests.browser.checks import paint as checks
from tests.browser.driving import assert_none

LOADS = 20


@pytest.mark.paint
def test_a_chapters_first_view_is_light(new_page, site_url, chapter_path):
    view = checks.weigh(new_page(), site_url + chapter_path)
    assert site_url + chapter_path in view.sizes
    assert_none(view.problems())


@pytest.mark.alone
def test_a_chapter_is_soon_painted_and_stands_still(new_page, site_url, chapter_path):
    seen = []
    for _ in range(LOADS):
        page = new_page()
        # Asked anew each time: what a shared machine gives changes from one minute to the next.
        checks.slow_down(page, checks.slowdown_here(page))
        seen.append(checks.paint(page, site_url + chapter_path))
        page.context.close()
        if not checks.paint_problems(seen[-1]):
            return
    assert_none(checks.paint_problems(min(seen, key=lambda load: load["paint"] or math.inf)))


@pytest.mark.paint
@pytest.mark.parametrize("width", [375, 1280])
def test_a_chapter_stands_still_while_it_is_read(new_page, site_url, chapter_path, width):
    page = new_page(width=width)
    assert_none(checks.shift_problems(checks.paint(page, site_url + chapter_path, scroll=True)))
