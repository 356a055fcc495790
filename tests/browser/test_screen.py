"""Explorers on a projector: the whole screen, in the state that a link names."""

import re
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
import torch

from lectures_code.explorers.ball import BallExplorer
from lectures_code.perturbations import NormBall
from tests.browser.checks.files import SCHEME, parsed
from tests.browser.checks.pages import accessibility
from tests.browser.driving import assert_none
from tests.browser.explorer_pages import result, slide

PROJECTORS = [(1024, 768, 15), (1920, 1080, 24)]  # and the smallest letters, in pixels
# What a page hides of its open explorer, and letters that are smaller than these.
SEEN = r"""(least) => {
    const dialog = document.querySelector("dialog[open]");
    const found = [];
    for (const [name, all, part] of [["wide", dialog.scrollWidth, dialog.clientWidth],
                                     ["high", dialog.scrollHeight, dialog.clientHeight]])
        if (all > part) found.push(`it is ${all} px ${name}, the window ${part} px`);
    const walker = document.createTreeWalker(dialog, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const parent = walker.currentNode.parentElement;
        const text = walker.currentNode.data.trim();
        if (!text || !parent.checkVisibility() || parent.closest(".explorer-status")) continue;
        const drawn = parent.closest("svg.explorer-drawing");
        const scale = drawn ? drawn.getScreenCTM().a : 1;
        // A subscript may be smaller, as in print.
        const size = parseFloat(getComputedStyle(parent.closest(":not(sub)")).fontSize) * scale;
        const box = parent.getBoundingClientRect();
        if (size < least - 0.05) found.push(`${text.slice(0, 30)}: ${size.toFixed(1)} px`);
        if (box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight)
            found.push(`${text.slice(0, 30)}: sticks out`);
    }
    return [...new Set(found)];
}"""

# What an open explorer does not take of what links ask for.
REFUSED = r"""(links) => links.flat().filter(([name, value]) => {
    const dialog = document.querySelector("dialog[open]");
    if (name === "show") return value !== dialog.querySelector(".explorer").dataset.explorer;
    const control = dialog.querySelector(`.explorer-controls [name="${name}"]`);
    if (!control) return true;
    if (control.type === "checkbox") return !["true", "false"].includes(value);
    if (control.type === "fieldset")
        return ![...control.elements].some((radio) => radio.value === value);
    return !(Number(value) >= Number(control.min) && Number(value) <= Number(control.max));
}).map(([name, value]) => `${name}=${value}`)"""


@pytest.fixture(scope="module")
def explorer():
    return BallExplorer(NormBall(2, 1.0), torch.tensor([1.0, 0.5]))


@pytest.fixture
def show(server, new_page, files):
    """A function that opens the explorer's page with a query."""
    html, scripts = files
    for name, content in {**scripts, "index.html": html}.items():
        server.write(f"_written/screen/{name}", content)

    def at(query, selector=".explorer-tools"):
        page = new_page()
        page.goto(f"{server.url}_written/screen/index.html?{query}", wait_until="load")
        page.wait_for_selector(selector, state="attached")
        return page

    return at


def test_a_link_opens_the_explorer_in_its_state_and_escape_leads_back(show):
    page = show("show=ball&inverse_q=1&w1=-0.5&radius=2")
    shown = result(page)
    assert shown["w"] == [-0.5, 0.5] and shown["chosen"] == [-2, 2]
    box = page.locator("dialog[open]").bounding_box()
    assert (box["width"], box["height"]) == (1280, 900)
    assert page.evaluate("document.activeElement.name") == "inverse_q"
    assert_none(accessibility(page))
    assert any(problem.startswith("norm p: ") for problem in page.evaluate(SEEN, 99))
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    assert page.locator("article > .explorer .explorer-live").is_visible()
    assert page.evaluate("document.activeElement.textContent") == "Full screen"
    assert result(page) == shown


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("radius=9", "radius=9 must be from 0.1 to 2"),
        ("radius=", "radius= must be from 0.1 to 2"),
        ("epsilon=1", "epsilon=1 is not among inverse_q, w1, w2, radius"),
    ],
)
def test_what_an_explorer_does_not_take_is_left_out_and_said(show, query, said):
    page = show(f"show=ball&{query}&w1=0")
    assert result(page)["w"] == [0, 0.5] and result(page)["value"] == 0.5
    asked = parse_qsl(urlsplit(page.url).query, keep_blank_values=True)
    assert page.evaluate(REFUSED, [asked]) == [query]
    assert page.locator("dialog[open] [role=alert]").inner_text() == (
        f"Left out of the address: {said}."
    )


def test_an_explorer_that_a_page_does_not_have_is_said_to_be_missing(show):
    page = show("show=lab", "article > [role=alert]")
    assert "“lab”; on this page there is: ball" in page.locator("[role=alert]").inner_text()


def test_the_button_fills_the_screen_and_the_copied_link_opens_the_same(show):
    page = show("")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(Error()) }")
    slide(page, w1=-1.5, radius=0.7)
    page.get_by_role("button", name="Full screen").click()
    page.wait_for_function("document.fullscreenElement && document.querySelector('dialog[open]')")
    page.get_by_role("button", name="Copy link").click()
    page.wait_for_function("document.querySelector('.explorer-tools [role=status]').textContent")
    link = page.locator(".explorer-tools [role=status]").inner_text()
    before = result(page)
    page.get_by_role("button", name="Close").click()
    page.wait_for_function("!document.fullscreenElement && !document.querySelector('dialog')")
    page.goto(link)
    page.wait_for_selector("dialog[open]")
    assert result(page) == before
    assert page.locator("[role=alert]").count() == 0


def explorers_and_links(site, pages):
    """The pages with an explorer, its name, and what links of the book ask of it."""
    # To parse the others would take seconds.
    some = [
        page
        for page in pages
        if re.search(r"\?show=|data-state=", (site / page).read_text("utf-8"))
    ]
    links = {
        urlsplit(urljoin(address, link["href"]))
        for address in some
        for link in parsed(site / address).select('article a[href*="?show="]')
        if not SCHEME.match(link["href"])
    }
    for page in some:
        if explorer := parsed(site / page).select_one(".explorer[data-state]"):
            asked = [
                parse_qsl(link.query, keep_blank_values=True) for link in links if link.path == page
            ]
            yield page, explorer["data-explorer"], asked
    assert {link.path for link in links} <= set(pages)


def test_each_explorer_is_seen_whole_on_a_projector_and_takes_what_links_ask(
    executed_site, open_page, pages
):
    problems, seen = [], set()
    for address, name, asked in explorers_and_links(executed_site, pages):
        page = open_page(f"{address}?show={name}", width=1920, height=1080)
        page.wait_for_selector("dialog[open]")
        for width, height, least in PROJECTORS:
            page.set_viewport_size({"width": width, "height": height})
            found = page.evaluate(SEEN, least)
            problems += [f"{address}, {width} x {height}: {problem}" for problem in found]
        problems += [
            f"a link to {address} asks for {problem}" for problem in page.evaluate(REFUSED, asked)
        ]
        seen.add(name)
    assert seen == {"ball", "envelope", "first_look", "attack_lab", "sgd", "ascent"}
    assert_none(problems)
