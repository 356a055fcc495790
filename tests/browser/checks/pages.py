"""Checks of one page in the browser: each takes a guarded page and returns a list of problems."""

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

WIDTHS = (320, 375, 1280)
FORMULA = ".math, mjx-container"
IMAGE_WAIT = 10_000  # milliseconds

# What is left of TeX that was not typeset: delimiters, and commands of two letters or more.
# Code, and what a browser does not show as text, may say anything.
FORMULAS = r"""(selector) => {
    const problems = [];
    const raw = /\\[()[\]]|\$\$|\\[a-zA-Z]{2,}/;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode;
        const found = text.data.match(raw);
        if (found && !text.parentElement.closest("code, pre, script, style, noscript, textarea"))
            problems.push(`raw TeX: ${text.data.trim().slice(0, 60)}`);
    }
    for (const element of document.querySelectorAll("[alt], [title], [aria-label]"))
        for (const name of ["alt", "title", "aria-label"])
            if (raw.test(element.getAttribute(name) ?? ""))
                problems.push(`raw TeX in ${name}: ${element.getAttribute(name).slice(0, 60)}`);
    for (const wrong of document.querySelectorAll(
        "merror, mjx-merror, [data-mml-node=merror], [data-mjx-error]"))
        problems.push(`in error: ${wrong.outerHTML.slice(0, 80)}`);
    for (const formula of document.querySelectorAll(selector)) {
        if (formula.parentElement.closest(selector)) continue;
        const spoken = formula.querySelector("math");
        const name = (spoken ?? formula).textContent.trim().slice(0, 40);
        if (!spoken || !spoken.textContent.trim())
            problems.push(`no MathML that says something: ${formula.outerHTML.slice(0, 80)}`);
        const drawing = formula.querySelector("svg");
        if (!drawing) {
            problems.push(`not typeset: ${name}`);
            continue;
        }
        // Of what is folded away only the outlines can be looked for.
        for (const use of drawing.querySelectorAll("use")) {
            const outline = use.getAttribute("href") ?? use.getAttribute("xlink:href") ?? "";
            if (!document.getElementById(outline.slice(1)))
                problems.push(`no outline ${outline}: ${name}`);
        }
        if (!formula.checkVisibility()) continue;
        const box = drawing.getBoundingClientRect();
        const drawn = drawing.getBBox();
        if (!(box.width > 0 && box.height > 0 && (drawn.width > 0 || drawn.height > 0)))
            problems.push(`typeset, but of no size: ${name}`);
    }
    return problems;
}"""

# Elements that stick out at the right, unless they lie in a box that scrolls or cuts off: a page
# that hides its own overflow would have no scroll bar to tell.
OVERFLOW = r"""() => {
    const root = document.documentElement;
    const width = root.clientWidth;
    const problems = [];
    const page = Math.max(root.scrollWidth, document.body.scrollWidth);
    if (page > width) problems.push(`the page is ${page} px wide`);
    const boxed = (element) => {
        for (let up = element.parentElement; up && up !== document.body; up = up.parentElement) {
            const style = getComputedStyle(up);
            if (style.position === "fixed" || style.overflowX !== "visible") return true;
        }
        return false;
    };
    for (const element of document.body.querySelectorAll("*")) {
        const box = element.getBoundingClientRect();
        if (box.right + scrollX <= width + 1 || box.width <= 1 || box.height <= 1) continue;
        if (element.closest("svg") && element.localName !== "svg") continue;
        if (!element.checkVisibility({visibilityProperty: true}) || boxed(element)) continue;
        if (getComputedStyle(element).position === "fixed") continue;
        const name = element.id ? `#${element.id}` : ["", ...element.classList].join(".");
        problems.push(`<${element.localName}${name}> ends at ${Math.round(box.right)} px`);
    }
    // The margin of a page may hide how far a formula sticks out of its paragraph.
    for (const drawing of document.querySelectorAll("span.math > svg")) {
        const block = drawing.closest("p, li, dd, dt, figcaption, h1, h2, h3, h4");
        if (!block || !drawing.checkVisibility() || boxed(drawing)) continue;
        const out = drawing.getBoundingClientRect().right - block.getBoundingClientRect().right;
        if (out > 1) problems.push(`a formula ends ${Math.ceil(out)} px beyond its paragraph`);
    }
    return problems.slice(0, 6);
}"""

# What a narrow page must not do to what is wide: hide without a hint that there is more, or from
# the keyboard, break words and numbers of a table, or set a number beside a formula of which it
# hides the end.
NARROW = r"""(keys) => {
    const problems = [];
    const scrolls = (box) => box.scrollWidth > box.clientWidth + 1
        && ["auto", "scroll"].includes(getComputedStyle(box).overflowX);
    const shown = (box) => box.checkVisibility({visibilityProperty: true}) && box.clientWidth > 1;
    const name = (box) => `<${[box.localName, ...box.classList].join(".")}>`;
    const ground = (box) => {
        for (let up = box; up; up = up.parentElement) {
            const colour = getComputedStyle(up).backgroundColor;
            if (colour !== "rgba(0, 0, 0, 0)") return colour;
        }
        return "rgb(255, 255, 255)";
    };
    // A shadow, and a cover for it, which must have the colour of what it stands on.
    const hint = (box) => {
        const image = getComputedStyle(box).backgroundImage;
        return image.includes("gradient") && image.includes(ground(box));
    };
    for (const box of document.querySelectorAll("article *")) {
        if (!shown(box) || !scrolls(box)) continue;
        const where = `${name(box)} scrolls`;
        const what = box.textContent.slice(0, 30);
        if (!hint(box)) problems.push(`${where} without a hint: ${what}`);
        // Not every browser lets a reader tab to what scrolls by itself.
        if (keys && box.tabIndex < 0)
            problems.push(`${where} out of reach of the keyboard: ${what}`);
    }
    for (const cell of document.querySelectorAll("article table:not(.indextable) :is(td, th)")) {
        const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const text = walker.currentNode;
            if (text.parentElement.closest("math, code") || !shown(cell)) continue;
            for (const word of text.data.matchAll(/[\p{L}\p{N}.]+/gu)) {
                const range = document.createRange();
                range.setStart(text, word.index);
                range.setEnd(text, word.index + word[0].length);
                if (new Set([...range.getClientRects()].map((line) => line.top)).size > 1)
                    problems.push(`a table breaks ${word[0]}`);
            }
        }
    }
    for (const number of document.querySelectorAll("div.math > .eqno")) {
        const formula = number.parentElement.querySelector(".formula");
        if (shown(number) && scrolls(formula)
            && number.getBoundingClientRect().top < formula.getBoundingClientRect().bottom - 1)
            problems.push(`a hidden end of a formula beside its number ${number.textContent}`);
    }
    return problems;
}"""

# Contrast, and whether a link differs from the words around it, take axe-core most of its time.
# Both depend on an element's letters and on what is painted below them, the second on those words,
# too. Of each kind of all these some elements are judged, spread over the page.
AXE = r"""async (coloursOnly) => {
    // What is painted below an element's letters: its own layer on those of its parents.
    const known = new Map([[null, ""]]);
    const below = (element) => {
        if (!known.has(element)) {
            const { backgroundColor, backgroundImage, opacity, filter, mixBlendMode, position } =
                getComputedStyle(element);
            const layer = [backgroundColor, backgroundImage, opacity, filter, mixBlendMode,
                position === "static" || position === "relative" ? "" : position].join();
            // Most elements paint nothing.
            const paints = layer !== "rgba(0, 0, 0, 0),none,1,none,normal,";
            known.set(element, (paints ? `${layer}|` : "") + below(element.parentElement));
        }
        return known.get(element);
    };
    const styles = new Map();
    for (const element of document.querySelectorAll("body, body *")) {
        const writes = element.matches("input, select, textarea")
            || [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!writes) continue;
        const { color, fontSize, fontWeight, textShadow } = getComputedStyle(element);
        const seen = element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
        const style = [color, fontSize, fontWeight, textShadow, seen, below(element)];
        // A link must differ from the words around it.
        if (element.matches("a[href]")) {
            const { textDecorationLine, borderBottom } = getComputedStyle(element);
            const { color, fontWeight } = getComputedStyle(element.parentElement);
            style.push(textDecorationLine, borderBottom, color, fontWeight);
        }
        const key = style.join(";");
        styles.set(key, [...(styles.get(key) ?? []), element]);
    }
    const spread = ([...elements], n = 5) => elements.length <= n ? elements
        : Array.from({ length: n }, (_, k) => elements[Math.floor(k * elements.length / n)]);
    for (const elements of styles.values())
        for (const element of spread(elements)) element.dataset.judged = "";
    // It would walk through what no screen reader enters: the drawings of formulas.
    for (const hidden of document.querySelectorAll("svg[aria-hidden=true]"))
        hidden.replaceChildren();
    // axe-core lays a grid over the page for whatever looks at colours: all in one run.
    axe.configure({ rules: [
        { id: "color-contrast", selector: "[data-judged]" },
        { id: "link-in-text-block", selector: "a[href][data-judged]:not([role])" },
    ] });
    const only = coloursOnly ? { runOnly: ["color-contrast", "link-in-text-block"] } : {};
    const { violations } = await axe.run({ resultTypes: ["violations"], ...only });
    for (const element of document.querySelectorAll("[data-judged]")) delete element.dataset.judged;
    return violations;
}"""

# Waits for each image as the browser would show it, those that load late too.
IMAGES = r"""async (wait) => {
    const late = new Promise((done) => setTimeout(done, wait));
    const problems = [];
    for (const image of document.images) {
        image.loading = "eager";
        await Promise.race([image.decode().catch(() => {}), late]);
        if (!(image.complete && image.naturalWidth > 0))
            problems.push(`image not shown: ${(image.alt || image.src).slice(0, 80)}`);
    }
    return problems;
}"""


def formulas(page: Page) -> list[str]:
    """Say which formulas are not typeset, in error, empty, or without MathML."""
    return page.evaluate(FORMULAS, FORMULA)


def count_formulas(page: Page) -> int:
    """Return how many formulas the page has, so that a check of none is not taken for a pass."""
    return page.locator(FORMULA).count()


def overflow(page: Page, width: int) -> list[str]:
    """Say what makes the page wider than a window of this width, in CSS pixels."""
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("() => document.body.offsetWidth")
    return [f"{width} px: {problem}" for problem in page.evaluate(OVERFLOW)]


def narrow(page: Page, *, keys: bool = False) -> list[str]:
    """Say what the page, as narrow as it is now, hides without a hint or breaks.

    With `keys` also what the keyboard does not reach: the theme sees to that where a page is
    loaded, and not at once where its width has changed.
    """
    return page.evaluate(NARROW, keys)


def images(page: Page) -> list[str]:
    """Say which images are not shown; the page needs JavaScript."""
    return page.evaluate(IMAGES, IMAGE_WAIT)


def stills(page: Page) -> list[str]:
    """Say which explorers show no picture; for pages on which no script runs."""
    return page.evaluate(
        """() => [...document.querySelectorAll(".explorer")].filter((explorer) => {
            const picture = explorer.querySelector("img");
            return !picture || !picture.checkVisibility() || picture.naturalWidth === 0
                || picture.getBoundingClientRect().height === 0;
        }).map((explorer) => `no still picture of the explorer ${explorer.dataset.explorer}`)"""
    )


def accessibility(page: Page, *, colours_only: bool = False) -> list[str]:
    """Return what axe-core finds, each element with what to do about it.

    By its default rules, of which those on colours are judged by some elements of each style.
    Drawings that are hidden from screen readers are empty afterwards.
    """
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    violations = page.evaluate(AXE, colours_only)
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))}: "
        + "; ".join(check["message"] for check in node["any"] + node["all"] + node["none"])
        for rule in violations
        for node in rule["nodes"]
    ]
