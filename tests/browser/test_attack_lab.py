"""The attack lab shows what the package computes: on real images, counts exactly."""

import base64
import dataclasses
import itertools
import math
import os

import pytest
import torch

from lectures_code.attacks import linear_maximiser
from lectures_code.exact import solve
from lectures_code.experiments import train_from_seeds
from lectures_code.explorers.attack_lab import AttackLab
from lectures_code.explorers.stored import as_bytes, as_json
from lectures_code.features import Threshold
from lectures_code.logistic import LinearClassifier
from lectures_code.mnist import MnistNotFoundError, load_zero_one
from lectures_code.perturbations import NormBall
from lectures_code.risk import certified_radii, error, error_curve, robust_error
from tests.browser.explorer_pages import mathematics, result, said, slide, start, texts, walk

# Both languages add 784 terms, whose sizes sum to about 100, in orders of their own. A radius is
# such a sum divided by a slope, which may be far smaller than the weights' norm.
ROUNDING = 1e-11
RADII = [k / 20 for k in range(11)] + [0.005, 0.175, 0.385]
STANDARD, ROBUST, SPARSE = "standard", "adversarial", "three weights"
BINARY = "thresholded"


@pytest.fixture(scope="module")
def data():
    """MNIST where MNIST_DIR names it; the sample otherwise, and never a download.

    Of the test images some 200: enough to meet each case, and quick in the browser.
    """
    if folder := os.environ.get("MNIST_DIR"):
        loaded = load_zero_one(folder=folder)
    else:
        try:
            loaded = load_zero_one(source="sample")
        except MnistNotFoundError as missing:
            pytest.skip(str(missing))
    every = slice(None, None, max(1, len(loaded.y_test) // 200))
    return dataclasses.replace(loaded, x_test=loaded.x_test[every], y_test=loaded.y_test[every])


@pytest.fixture(scope="module")
def models(data):
    """Two that were trained, briefly, and one that no image in the box turns from "one"."""
    how = {"n_epochs": 2, "batch_size": 100}
    (standard,) = train_from_seeds(data, [0], NormBall(torch.inf, 0.0), **how)
    (robust,) = train_from_seeds(data, [0], NormBall(torch.inf, 0.2), **how)
    theta = torch.zeros(784, dtype=torch.float64)
    theta[[406, 407, 350]] = torch.tensor([2.0, 1.0, -0.5], dtype=torch.float64)
    sparse = LinearClassifier(theta, 0.75)
    ball = NormBall(torch.inf, 0.2).in_box()
    binary = solve(data.x_train[:1000], data.y_train[:1000], ball, feature=Threshold(0.5))
    return {STANDARD: standard, ROBUST: robust, SPARSE: sparse, BINARY: binary.classifier}


@pytest.fixture
def computed(blank_page, data):
    mathematics(blank_page, "attack_lab")
    given = [as_bytes(data.x_test), bytes((data.y_test > 0).tolist())]
    # Once, and packed: handing over a list of a million numbers takes a minute.
    blank_page.evaluate(
        """(given) => {
          const unpack = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          [window.images, window.labels] = given.map(unpack);
        }""",
        [base64.b64encode(each).decode() for each in given],
    )

    def run(model, cases, *, pictures=True):
        return blank_page.evaluate(
            """([model, cases, pictures]) => {
              const found = module.mathematics.all({ model, images, labels, cases });
              const lists = pictures ? {} : { x: null, delta: null, attacked: null };
              return { ...found, cases: found.cases.map((one) => ({ ...one, ...lists })) };
            }""",
            [as_json("it", model, 784), cases, pictures],
        )

    return run


def cases_of(data, radii):
    indices = [0, 1, len(data.y_test) // 2, len(data.y_test) - 1]
    return [
        {"index": index, "radius": radius, "inBox": in_box}
        for index, radius, in_box in itertools.product(indices, radii, (False, True))
    ]


def ball_like(in_box, radius=1.0):
    ball = NormBall(math.inf, radius)
    return ball.in_box() if in_box else ball


def ball_of(case):
    return ball_like(case["inBox"], case["radius"])


def close(shown, expected):
    return torch.allclose(
        torch.as_tensor(shown, dtype=torch.float64), expected, rtol=ROUNDING, atol=ROUNDING
    )


@pytest.mark.parametrize("name", [STANDARD, ROBUST, SPARSE, BINARY])
def test_certified_radii_of_all_images_equal_the_packages(computed, data, models, name):
    shown, test = computed(models[name], []), (data.x_test, data.y_test)
    for key, in_box in (("free", False), ("boxed", True)):
        expected = certified_radii(models[name], *test, ball_like(in_box))
        assert close(shown[key], expected), key
    if name == SPARSE:
        assert {math.inf, -math.inf} <= set(shown["boxed"]), "both special cases were seen"


@pytest.mark.parametrize("name", [STANDARD, ROBUST, SPARSE, BINARY])
def test_all_counts_are_the_packages_exactly(computed, data, models, name):
    test = data.x_test, data.y_test
    cases = [{"index": 0, "radius": r, "inBox": b} for r in RADII for b in (False, True)]
    found = computed(models[name], cases, pictures=False)["cases"]
    for case, shown in zip(cases, found, strict=True):
        assert shown["n"] == len(data.y_test)
        assert shown["clean"] == error(models[name], *test).k
        curve = error_curve(models[name], *test, ball_like(case["inBox"]))
        assert shown["mistakes"] == curve.at(case["radius"]).k
        assert shown["mistakes"] == robust_error(models[name], *test, ball_of(case)).k


@pytest.mark.parametrize("name", [STANDARD, ROBUST, SPARSE, BINARY])
def test_perturbations_scores_and_probabilities_equal_the_packages(computed, data, models, name):
    model, cases = models[name], cases_of(data, (0.0, 0.2, 0.385))
    for case, shown in zip(cases, computed(model, cases)["cases"], strict=True):
        x, y = (each[case["index"]][None] for each in (data.x_test, data.y_test))
        delta = linear_maximiser(model, x, y, ball_of(case))
        assert shown["x"] == x[0].tolist() and shown["y"] == float(y)
        assert torch.equal(torch.tensor(shown["delta"], dtype=torch.float64), delta[0])
        scores = torch.cat([model(x), model(x + delta)])
        assert close([shown["score"], shown["attackedScore"]], scores)
        probabilities = [shown["probability"], shown["attackedProbability"]]
        assert close(probabilities, torch.sigmoid(scores))


def test_the_next_image_that_the_attack_turns_is_right_before_and_wrong_after(
    computed, data, models
):
    cases, test = cases_of(data, (0.0, 0.1, 0.2)), (data.x_test, data.y_test)
    right = models[ROBUST].margins(*test) > 0
    found = computed(models[ROBUST], cases, pictures=False)["flipped"]
    for case, shown in zip(cases, found, strict=True):
        attacked = data.x_test + linear_maximiser(models[ROBUST], *test, ball_of(case))
        flipped = right & ~(models[ROBUST].margins(attacked, data.y_test) > 0)
        order = torch.arange(1, len(flipped) + 1).add(case["index"]) % len(flipped)
        expected = order[flipped[order]]
        assert shown == (int(expected[0]) if len(expected) else None)


def test_ties_and_a_classifier_without_weights(blank_page):
    """Dyadic numbers: no rounding, so that radius, knot and margin meet exactly."""
    call = mathematics(blank_page, "attack_lab")
    images, labels = [255, 0, 0, 0], [1, 1]  # two images of two pixels

    def run(theta, intercept, radius, in_box):
        case = {"index": 0, "radius": radius, "inBox": in_box}
        model = {"theta": theta, "intercept": intercept}
        given = {"model": model, "images": images, "labels": labels, "cases": [case]}
        return call("all", given)

    tie = run([1, 0], 0.0, 0.5, False)
    assert tie["free"] == [1, 0] and tie["boxed"] == [1, 0]
    assert (tie["cases"][0]["clean"], tie["cases"][0]["mistakes"]) == (1, 1)
    assert run([1, 1], -0.5, 0.25, False)["cases"][0]["mistakes"] == 2, "radius reached"
    assert run([1, 1], -0.5, 0.2499, False)["cases"][0]["mistakes"] == 1
    nothing = run([0, 0], 0.5, 0.5, True)
    assert nothing["free"] == nothing["boxed"] == [math.inf, math.inf]
    wrong = run([0, 0], -0.5, 0.0, True)
    assert wrong["boxed"] == [-math.inf, -math.inf] and wrong["cases"][0]["mistakes"] == 2


@pytest.fixture(scope="module")
def explorer(data, models):
    """The lab, beginning with an image that only the attack turns."""
    radii = certified_radii(models[STANDARD], data.x_test, data.y_test, ball_like(False))
    index = int(((radii > 0) & (radii < 0.2)).nonzero()[0])
    return AttackLab(models, data.x_test, data.y_test, index=index)


def expected_texts(data, model, case):
    """What the tables must say, from the package."""
    x, y = (each[case["index"]][None] for each in (data.x_test, data.y_test))
    delta = linear_maximiser(model, x, y, ball_of(case))
    scores = [float(model(x)), float(model(x + delta))]
    names = ["a one" if score > 0 else "a zero" for score in scores]
    answers = [
        name + ("" if float(y) * score > 0 else " ✗")
        for name, score in zip(names, scores, strict=True)
    ]
    radii = [float(certified_radii(model, x, y, ball_like(b))) for b in (False, True)]
    radii = [
        "never wrong" if r == math.inf else f"{r:.4f}" if r > 0 else "already wrong" for r in radii
    ]
    test = data.x_test, data.y_test
    counts = [error(model, *test), robust_error(model, *test, ball_of(case))]
    return (
        [f"{score:+.2f}" for score in scores],
        answers,
        radii + [f"{count.k} of {count.n}" for count in counts],
    )


def compare(page, data, models):
    shown = result(page)
    model = models[shown["chosen"]]
    scores, answers, rest = expected_texts(data, model, shown)
    cells = texts(page, ".lab-table tbody td")
    assert cells[:2] == scores and cells[4:] == answers
    assert texts(page) == rest


def test_the_page_shows_the_packages_numbers_before_and_after_changes(page, data, models, explorer):
    first = result(page)
    assert (first["index"], first["radius"], first["inBox"]) == (explorer.index, 0.2, False)
    compare(page, data, models)
    page.get_by_label("keep pixels in [0, 1]").check()
    compare(page, data, models)
    page.get_by_label(ROBUST).check()
    slide(page, radius=0.3)
    compare(page, data, models)
    page.get_by_role("button", name="next", exact=True).click()
    assert result(page)["index"] == explorer.index + 1
    compare(page, data, models)
    page.get_by_role("button", name="previous").click()
    page.get_by_role("button", name="next image that the attack flips").click()
    found = result(page)
    assert found["y"] * found["score"] > 0 >= found["y"] * found["attackedScore"]
    compare(page, data, models)
    page.get_by_label(SPARSE).check()
    slide(page, index=0)
    compare(page, data, models)


def test_the_pictures_are_painted_with_the_pixels_that_were_computed(page, data, models, explorer):
    opacities = page.evaluate(
        """() => Array.from(document.querySelectorAll("canvas"), (canvas) =>
          Array.from(canvas.getContext("2d").getImageData(0, 0, 28, 28).data)
            .filter((_, k) => k % 4 === 3))"""
    )
    x, y = data.x_test[explorer.index][None], data.y_test[explorer.index][None]
    delta = linear_maximiser(models[STANDARD], x, y, NormBall(math.inf, 0.2))
    shares = [x, (delta + 0.2) / 0.4, (x + delta + 0.2) / 1.4]
    for painted, share in zip(opacities, shares, strict=True):
        painted = torch.tensor(painted, dtype=torch.float64)
        assert (painted - 255 * share[0]).abs().max() <= 0.5 + 1e-9, "rounded to a byte"


def test_the_keyboard_alone_reaches_and_moves_everything_and_the_change_is_said(page, explorer):
    walk(
        page,
        ("index", "ArrowRight", {"index": explorer.index + 1}),
        ("previous", "Enter", "index"),
        ("next", "Enter", "index"),
        ("next image that the attack flips", "Enter", "index"),
        (STANDARD, "ArrowDown", {"chosen": ROBUST}),
        ("radius", "ArrowRight", {"radius": 0.205}),
    )
    assert page.locator("input[name=radius]").get_attribute("aria-valuetext") == "0.205"
    walk(page, ("in_box", "Space", {"inBox": True}))
    words, shown = said(page, "in the box"), result(page)
    assert f"Test image {shown['index']}" in words
    assert f"{shown['mistakes']} of {shown['n']} are wrong" in words


def test_a_drag_on_the_curve_moves_the_radius(page):
    box = page.locator(".lab-handle").bounding_box()
    page.locator(".lab-handle").scroll_into_view_if_needed()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    assert result(page)["radius"] == pytest.approx(0.25, abs=0.005)
    page.mouse.move(box["x"] + box["width"] + 50, y, steps=3)
    page.mouse.up()
    assert result(page)["radius"] == 0.5
    assert page.locator("input[name=radius]").input_value() == "0.5"


def test_where_the_attack_turns_nothing_the_lab_stays_and_says_so(page):
    slide(page, radius=0)
    before = result(page)
    page.get_by_role("button", name="next image that the attack flips").click()
    said(page, "no image")
    assert result(page) == before


def test_a_classifier_that_is_added_later_is_listed_chosen_and_drawn(blank_page, explorer):
    """As from a kernel: the list of classifiers changes, and the lab with it."""
    mathematics(blank_page, "attack_lab")
    packed = {
        name: base64.b64encode(getattr(explorer, name)).decode() for name in ("images", "labels")
    }
    values = {**explorer.settings(), **packed}
    shown = blank_page.evaluate(
        """(values) => {
          for (const name of ["images", "labels"])
            values[name] = new DataView(
              Uint8Array.from(atob(values[name]), (letter) => letter.charCodeAt(0)).buffer);
          const listeners = {};
          const model = {
            get: (name) => values[name], save_changes() {},
            on: (event, f) => (listeners[event] ??= []).push(f),
            set(name, value) {
              values[name] = value;
              for (const f of listeners[`change:${name}`] ?? []) f();
            },
          };
          const el = document.createElement("div");
          document.body.append(el);
          module.default.render({ model, el });
          const { theta, intercept } = values.models[0];
          const mine = { name: "mine", theta: theta.map((v) => -v), intercept: -intercept };
          model.set("models", [...values.models, mine]);
          model.set("chosen", "mine");
          const live = el.querySelector(".explorer-live");
          return [JSON.parse(live.dataset.result), live.querySelectorAll("[type=radio]").length,
            live.querySelector(":checked").value, live.querySelectorAll(".lab-curve").length];
        }""",
        values,
    )
    assert shown[1:] == [5, "mine", 10] and shown[0]["chosen"] == "mine"
    right = len(explorer.y) - error(explorer.classifiers[STANDARD], explorer.x, explorer.y).k
    assert shown[0]["clean"] == right, "the opposite of each answer"


CHAPTERS = {"lecture/mnist": "standard training", "beyond/box": "exact optimum"}


@pytest.mark.parametrize(("chapter", "chosen"), CHAPTERS.items())
def test_in_its_chapters_the_lab_counts_what_the_tables_say(open_page, chapter, chosen):
    page = open_page(f"book/{chapter}.html")
    lab = start(page, "attack_lab")
    assert lab.locator(":checked").first.get_attribute("value") == chosen
    counts = [f"{count} (" for count in texts(lab)[2:]]
    tables = page.locator("table").evaluate_all(
        "all => all.map(each => [...each.rows].map(row => [...row.cells].map(c => c.innerText)))"
    )
    # A classifier has its row in a table, or its column.
    lines = [line for rows in tables for line in [*rows, *zip(*rows, strict=False)]]
    own = [" ".join(line) for line in lines if line and line[0].strip() == chosen]
    assert any(all(count in line for count in counts) for line in own), own


def test_where_no_kernel_runs_the_page_says_where_one_can_train(open_page):
    page = open_page("book/lecture/mnist.html")
    note = page.get_by_text("Training needs a running kernel")
    assert note.is_visible() and "Binder or Colab" in note.inner_text()
    assert page.locator("script[type*='widget-view']").count() == 0, "nothing dead beside it"
