"""axe-core finds nothing on any page, light or dark."""

from tests.browser.checks.pages import accessibility
from tests.browser.driving import assert_none, set_theme


def test_axe_finds_nothing_in_light_and_dark(open_page, page_path):
    page = open_page(page_path)
    found = page.guard.take()
    set_theme(page, "light")
    found += [f"light: {problem}" for problem in accessibility(page)]
    # What a theme changes are colours.
    set_theme(page, "dark")
    found += [f"dark: {problem}" for problem in accessibility(page, colours_only=True)]
    # axe-core reads the style sheets itself, and looks for what they import in the wrong folder.
    page.guard.take()
    assert_none(found)


def test_the_readers_choice_of_dark_is_dark(open_page, pages):
    def ground(page):
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    chosen = open_page(pages[0], dark=True)
    assert chosen.evaluate("document.documentElement.dataset.theme") == "dark"
    switched = open_page(pages[0])
    light = ground(switched)
    set_theme(switched, "dark")
    assert ground(switched) == ground(chosen) != light
    unscripted = open_page(pages[0], dark=True, javascript=False)
    assert ground(unscripted) == ground(chosen)
    assert ground(open_page(pages[0], javascript=False)) == light
