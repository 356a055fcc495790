"""The search: chapters before the package's names, and from a result to what was searched for."""

import pytest

BOTH = pytest.mark.parametrize("as_file", [False, True])


@pytest.fixture
def search(open_page, site):
    """A function that searches, over http or in files: the page with its results."""

    def at(words, *, as_file=False):
        page = open_page(site / "search.html" if as_file else "search.html")
        page.locator("article input[name=q], main input[name=q]").first.fill(words)
        page.keyboard.press("Enter")
        page.wait_for_selector(".search-summary:has-text('Search finished')", state="attached")
        page.wait_for_load_state("networkidle")  # excerpts come later
        return page

    return at


@BOTH
def test_a_chapter_comes_before_the_module_of_its_name(search, as_file):
    links = search("danskin", as_file=as_file).locator("#search-results li a")
    found = [links.nth(n).get_attribute("href") for n in range(links.count())]
    assert found[0].startswith("book/lecture/danskin.html")
    assert any("#module-lectures_code.danskin" in address for address in found)


@pytest.mark.parametrize("words", ["PGD", "threat model"])
def test_the_book_comes_before_the_packages_modules(search, words):
    links = (
        search(words)
        .locator("#search-results li a")
        .evaluate_all("links => links.map((link) => link.getAttribute('href'))")
    )
    modules = [address.startswith("book/appendix/api.html") for address in links]
    assert modules == sorted(modules) and len(set(modules)) == 2


@BOTH
def test_a_section_is_found_by_a_word_of_its_title(search, as_file):
    page = search("kink", as_file=as_file)
    found = page.locator("#search-results li a[href$='#sgd-meets-the-kink']")
    assert found.inner_text() == "7. The kink and the noise > SGD meets the kink"
    found.click()
    page.wait_for_function("scrollY > 0")
    assert 0 <= page.locator("#sgd-meets-the-kink h2").bounding_box()["y"] < 200


def test_a_result_leads_to_prose_rather_than_to_an_import(search):
    page = search("PGD")
    page.locator("#search-results li a[href^='book/networks/report.html']").first.click()
    page.wait_for_url("**/book/networks/report.html*")
    page.wait_for_function("scrollY > 0")
    middle = "document.elementFromPoint(innerWidth / 2, innerHeight / 2)"
    assert page.evaluate(f"{middle}.closest('pre') === null")


def test_a_name_of_the_package_is_still_found_first(search):
    first = search("NormBall").locator("#search-results li a").first
    assert first.get_attribute("href").endswith("#lectures_code.perturbations.NormBall")


@BOTH
@pytest.mark.parametrize("width", [375, 1280])
def test_a_result_leads_to_the_words_that_were_searched_for(search, as_file, width):
    page = search("certified radius", as_file=as_file)
    page.set_viewport_size({"width": width, "height": 700})
    page.locator("#search-results li a[href*='book/lecture/']:not([href*='#'])").first.click()
    page.wait_for_url("**/book/lecture/*.html*")
    page.wait_for_function("scrollY > 0")
    page.wait_for_timeout(300)
    seen = page.evaluate(
        """() => [...document.querySelectorAll("article .highlighted")].filter((mark) => {
            const box = mark.getBoundingClientRect();
            return box.top > 0 && box.bottom < innerHeight;
        }).map((mark) => mark.textContent.toLowerCase())"""
    )
    assert {"certified", "radius"} <= set(seen)


def test_a_page_that_nobody_searched_stays_at_its_top(open_page, pages):
    page = open_page(pages[1])
    page.wait_for_timeout(200)
    assert page.evaluate("scrollY") == 0


def test_an_excerpt_is_of_the_article(search, open_page):
    page = search("certified radius")
    result = page.locator("#search-results li:has(a[href^='book/lecture/mnist.html'])").first
    excerpt = result.locator(".context").inner_text().strip(".")
    address = result.locator("a").get_attribute("href")
    article = open_page(address.partition("#")[0]).locator("article")
    assert "".join(excerpt.split()) in "".join(article.text_content().replace("#", "").split())


def test_files_have_results_without_excerpts_and_without_errors(search):
    page = search("certified radius", as_file=True)
    assert page.locator("#search-results li a").count() > 1
    assert page.locator("#search-results .context").count() == 0
    assert page.guard.problems() == []
