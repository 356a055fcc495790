"""Self-tests in the page: answered by the keyboard alone, kept, erased, and without scripts."""

import pytest

from tests.browser.checks.pages import accessibility, overflow
from tests.browser.driving import assert_none, has_visible_focus, set_theme, tab_to
from tests.browser.test_pages import FRAME

CHAPTER = "book/lecture/min_max.html"
OTHER = "self-test-of-another-page"


@pytest.fixture
def page(open_page):
    page = open_page(CHAPTER)
    page.wait_for_selector(".self-test[data-live]")
    return page


def said(test):
    """What a self-test says, as far as it is shown."""
    return test.locator("[role=status]").inner_text()


def place_of_right(test):
    """Which choice of a self-test is right, counted from 0."""
    return test.locator(".answer").evaluate_all(
        "answers => answers.findIndex((answer) => answer.classList.contains('right'))"
    )


def answer(test, *, right):
    """Take a choice, right or wrong, and return its place."""
    place = place_of_right(test) if right else (place_of_right(test) + 1) % 2
    test.locator("input").nth(place).check()
    test.get_by_role("button", name="Check").click()
    return place


def reload(page):
    page.reload()
    page.wait_for_selector(".self-test[data-live]")


def stored(page):
    """The names under which answers are stored."""
    return page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('self-test'))")


def is_blank(page):
    """Whether no choice is made on the page, and nothing is said."""
    return page.locator(".self-test input:checked, .self-test .answer:visible").count() == 0


def test_by_the_keyboard_alone_each_choice_is_answered_when_it_is_checked(page):
    test = page.locator(".self-test").first
    right, n_choices = place_of_right(test), test.locator("input").count()
    assert 0 <= right < n_choices and said(test) == ""
    tab_to(page, ".self-test input")
    page.keyboard.press("Space")
    for place in range(n_choices):
        if place:
            page.keyboard.press("ArrowDown")
        assert has_visible_focus(page)
        before = said(test)
        page.keyboard.press("Tab")
        assert said(test) == before, "moving among the choices gives no answer away"
        assert has_visible_focus(page)
        page.keyboard.press("Enter")
        verdict = f"{'abcdef'[place]}) {'Right' if place == right else 'Not so'}. "
        assert said(test).startswith(verdict)
        assert said(test).count(") Not so.") + said(test).count(") Right.") == 1
        page.keyboard.press("Shift+Tab")


def test_without_a_choice_nothing_is_said_and_nothing_kept(page):
    test = page.locator(".self-test").first
    test.get_by_role("button", name="Check").click()
    assert said(test) == ""
    assert stored(page) == []
    assert page.evaluate("document.activeElement.matches('.self-test input')")


def test_answers_are_kept_in_this_browser_and_erased(page):
    page.evaluate("name => localStorage.setItem(name, 1)", OTHER)
    tests = page.locator(".self-test")
    places = [answer(tests.nth(n), right=bool(n)) for n in range(2)]
    reload(page)
    for n, verdict in enumerate((") Not so.", ") Right.")):
        assert tests.nth(n).locator("input").nth(places[n]).is_checked()
        assert verdict in said(tests.nth(n))
    page.get_by_role("button", name="Erase this page's").click()
    assert page.locator(".self-test-foot [role=status]").inner_text() == "Erased."
    assert is_blank(page) and stored(page) == [OTHER]
    reload(page)
    assert is_blank(page)
    answer(tests.nth(1), right=True)
    assert len(stored(page)) == 2
    page.get_by_role("button", name="Erase all").click()
    assert is_blank(page) and stored(page) == []
    assert page.evaluate("localStorage.getItem('mode')"), "the theme's choice is another matter"


def test_where_storage_is_blocked_it_answers_and_says_that_nothing_is_kept(open_html, site_url):
    frame = open_html(FRAME.format(site_url + CHAPTER)).frames[1]
    frame.wait_for_selector(".self-test[data-live]")
    test = frame.locator(".self-test").first
    answer(test, right=True)
    assert ") Right." in said(test)
    assert "until you leave this page" in frame.locator(".self-test-foot").inner_text()
    frame.get_by_role("button", name="Erase all").click()
    assert said(test) == ""


def test_without_scripts_all_answers_are_folded_below_the_choices(open_page):
    page = open_page(CHAPTER, javascript=False)
    test = page.locator(".self-test").first
    assert test.get_by_role("button").count() == 0
    assert not test.locator(".answer").first.is_visible()
    test.locator("summary").click()
    assert said(test).count(") Not so.") == test.locator("input").count() - 1
    assert said(test).count(") Right.") == 1


def test_on_paper_nothing_waits_for_a_click(page):
    page.emulate_media(media="print")
    test = page.locator(".self-test").first
    assert said(test).count(") Not so.") == test.locator("input").count() - 1
    assert said(test).count(") Right.") == 1
    assert page.locator(".self-test button:visible, .self-test-foot:visible").count() == 0


def test_answered_questions_pass_on_a_narrow_page_in_light_and_dark(page):
    for n in range(2):
        answer(page.locator(".self-test").nth(n), right=bool(n))
    found = overflow(page, 320)
    # The rest of the page is looked at as it is (test_pages.py).
    page.evaluate(
        """document.querySelector("article").replaceChildren(
            ...document.querySelectorAll("article h1, .self-test, .self-test-foot"))"""
    )
    set_theme(page, "light")
    found += accessibility(page)
    set_theme(page, "dark")
    found += accessibility(page, colours_only=True)
    page.guard.take()  # axe-core reads the style sheets itself
    assert_none(found)


def test_only_pages_with_a_self_test_have_the_script(site, pages):
    has = [
        [name in (site / page).read_text(encoding="utf-8") for page in pages]
        for name in ('class="self-test"', "self_tests.js")
    ]
    assert has[0] == has[1] and True in has[0] and False in has[0]
