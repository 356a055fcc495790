"""Checks of a deck of slides, in the browser: each returns a list of problems."""

import re
from pathlib import Path

from playwright.sync_api import Page

HEIGHT = 720
SMALLEST = 24.0  # pixels of a slide 720 high, which are 18 pt
LEAST_CONTRAST = 4.5
# Of a matplotlib SVG, in which letters are outlines: how large a hundredth of an em is.
LETTERS = re.compile(r"scale\(([\d.]+) -[\d.]+\)")
POINTS = re.compile(r'<svg\b[^>]*?\swidth="([\d.]+)pt"')

MEASURE = """([smallest, contrast]) => {
    const found = [];
    const light = (colour) => {
        const parts = colour.match(/[\\d.]+/g).map(Number);
        const linear = parts.slice(0, 3).map((c) => c / 255)
            .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const ground = (element) => {
        for (let each = element; each; each = each.parentElement) {
            const colour = getComputedStyle(each).backgroundColor;
            if (!/, 0\\)$/.test(colour)) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const ratio = (one, other) => {
        const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    };
    Reveal.getSlides().forEach((slide, number) => {
        Reveal.slide(...Object.values(Reveal.getIndices(slide)));
        const box = slide.getBoundingClientRect();
        const scale = box.width / slide.offsetWidth;
        const say = (what, element) => {
            const text = (element.textContent || element.alt || "").trim().slice(0, 40);
            found.push(`slide ${number + 1}: ${what}: <${element.localName}> ${text}`);
        };
        const unseen = ".notes, math, svg *, .explorer-status";
        const seen = [...slide.querySelectorAll("*")].filter((element) =>
            !element.closest(unseen) || element.matches(".live text"));
        const pictures = seen.filter((element) => element.matches("p.picture img"));
        for (const element of seen) {
            const place = element.getBoundingClientRect();
            if (place.width === 0) continue;
            const beyond = Math.max(place.right - box.right, place.bottom - box.bottom,
                box.left - place.left, box.top - place.top);
            if (beyond > 1) say(`${Math.round(beyond)} pixels beyond the slide`, element);
            if (element.scrollWidth > element.clientWidth + 1 && element.clientWidth
                && getComputedStyle(element).overflowX !== "visible") say("is cut off", element);
            const isWord = (node) => node.nodeType === 3 && node.data.trim();
            if (![...element.childNodes].some(isWord)) continue;
            const style = getComputedStyle(element);
            const matrix = element.ownerSVGElement && element.getScreenCTM();
            const drawn = matrix ? Math.hypot(matrix.a, matrix.b) : scale;
            const size = parseFloat(style.fontSize) * drawn / scale;
            if (size < smallest - 0.1) say(`letters of ${size.toFixed(1)} pixels`, element);
            const colour = matrix ? style.fill : style.color;
            const has = ratio(colour, ground(element));
            if (has < contrast) say(`a contrast of ${has.toFixed(2)}`, element);
            for (const picture of pictures) {
                const its = picture.getBoundingClientRect();
                if (place.right > its.left + 1 && place.left < its.right - 1
                    && place.bottom > its.top + 1 && place.top < its.bottom - 1)
                    say("lies on a picture", element);
            }
        }
    });
    return found;
}"""


def layout(page: Page) -> list[str]:
    """Say what does not fit its slide, lies on a picture, or cannot be read from the last row."""
    return page.evaluate(MEASURE, [SMALLEST, LEAST_CONTRAST])


def letters_of_pictures(page: Page, folder: Path) -> list[str]:
    """Say which figures of a deck at its full size have letters that are too small.

    Only of SVG is known how large its letters are.
    """
    shown = page.eval_on_selector_all(
        "p.picture img", "all => all.map(i => [i.getAttribute('src'), i.getAttribute('width')])"
    )
    found = []
    for source, width in shown:
        if not source.endswith(".svg"):
            continue
        svg = (folder / source).read_text(encoding="utf-8")
        sizes = [100 * float(size) for size in LETTERS.findall(svg)]
        points = POINTS.search(svg)
        assert points, f"{source} must say how wide it is"
        size = min(sizes, default=SMALLEST) * float(width) / float(points[1])
        if size < SMALLEST - 0.1:
            found.append(f"{source}: letters of {size:.1f} pixels")
    return found
