"""Ways of a reader, and of a test, through a page; and how a test says what it has found."""

from playwright.sync_api import Page

# A style that makes a change of the theme complete at once.
NO_TRANSITIONS = (
    "*, *::before, *::after { transition: none !important; animation: none !important }"
)


def html(body: str, head: str = "") -> str:
    """Return a whole page with this body."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>A page</title>{head}<body>{body}</body></html>'
    )


def load_module(page: Page, source: str, name: str = "module") -> list[str]:
    """Evaluate an ECMAScript module in the page; `window[name]` is then its namespace.

    Returns
    -------
    list of str
        The names that it exports.
    """
    return page.evaluate(
        """async ([source, name]) => {
            const url = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
            window[name] = await import(url);
            URL.revokeObjectURL(url);
            return Object.keys(window[name]);
        }""",
        [source, name],
    )


def set_theme(page: Page, mode: str) -> None:
    """Switch a page of the site to "light" or "dark", as the theme's own switch does."""
    page.add_style_tag(content=NO_TRANSITIONS)
    page.emulate_media(color_scheme=mode)
    page.evaluate(
        """mode => new Promise(done => {
            document.documentElement.dataset.theme = mode;
            document.documentElement.dataset.mode = mode;
            requestAnimationFrame(() => requestAnimationFrame(() => done()));
        })""",
        mode,
    )


def tab_to(page: Page, selector: str, *, at_most: int = 200, key: str = "Tab") -> int:
    """Press Tab until an element that matches `selector` has the focus, and return how often.

    Parameters
    ----------
    page : Page
        The page, in which the focus is where it is.
    selector : str
        A CSS selector; shadow roots are not entered.
    at_most : int
        After so many presses the element counts as out of the keyboard's reach.
    key : str
        "Shift+Tab" goes backwards.

    Raises
    ------
    AssertionError
        If the element never gets the focus; the message says where the focus went.
    """
    been = []
    for presses in range(1, at_most + 1):
        page.keyboard.press(key)
        reached, where = page.evaluate(
            """selector => {
                const at = document.activeElement;
                const name = at.getAttribute("aria-label") || at.textContent.trim().slice(0, 30);
                return [at.matches(selector), `<${at.localName}> ${name}`];
            }""",
            selector,
        )
        if reached:
            return presses
        been.append(where)
    raise AssertionError(
        f"{selector} must be in the keyboard's reach, and is not after {at_most} times {key}; "
        f"the focus went to {', '.join(been[:40])}"
    )


def has_visible_focus(page: Page) -> bool:
    """Say whether the element that has the focus shows it, by an outline or a shadow."""
    return page.evaluate(
        """() => {
            const style = getComputedStyle(document.activeElement);
            const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
            return outlined || style.boxShadow !== "none";
        }"""
    )


def assert_none(problems: list[str]) -> None:
    """Fail where there are problems, and show all of them, one a line."""
    assert not problems, "\n".join(["there must be no problem, and there is:", *problems])
