"""The SGD explorer shows what the package computes."""

import itertools

import pytest
import torch

from lectures_code.exact import solve
from lectures_code.explorers.sgd import SgdExplorer
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import adversarial_objective, adversarial_risk
from tests.browser import explorer_pages as explorers

RADII = (0.0, 0.1, 0.3, 0.32, 0.4, 0.6)
STARTS = [(-0.5, 2.5), (0.0, 0.0), (1.2, 0.0), (0.0, -1.0), (3.0, 3.0)]
# Exponentials are rounded differently in the two languages, and sums taken in another order: a few
# units in the last place of numbers of size 1 for each step, of which no step makes more, because
# steps within the sliders' range do not spread.
TOLERANCE = 1e-12


DATA = "data"  # stands for the explorer's data among the arguments of `call`


@pytest.fixture(scope="module")
def explorer():
    generator = torch.Generator().manual_seed(1)
    y = torch.tensor([-1.0, 1.0], dtype=torch.float64).repeat(20)
    noise = torch.randn(40, 2, generator=generator, dtype=torch.float64)
    means, spread = torch.tensor([[0.8, 0.35], [0.9, 0.5]], dtype=torch.float64)
    x = y[:, None] * means + spread * noise
    begin = torch.tensor([-0.5, 2.5], dtype=torch.float64)
    return SgdExplorer(x, y, radius=0.4, start=begin, batch_size=7, generator=generator)


@pytest.fixture(autouse=True)
def as_first_made(explorer):
    first = explorer.settings()
    yield
    explorer.set_state(first)


@pytest.fixture
def call(blank_page, explorer):
    """`call(function, ...)` with the explorer's data where the function needs them."""
    explorers.mathematics(blank_page, "sgd")
    data = {name: getattr(explorer, name) for name in ("x", "y", "order")}
    data["batchSize"] = explorer.batch_size
    # Once: handing them over takes longer than most of what is done with them.
    blank_page.evaluate("given => { window.data = given }", data)
    given = f"a.map((each) => each === {DATA!r} ? data : each)"
    script = f"([f, a]) => module.mathematics[f](...{given})"
    return lambda function, *arguments: blank_page.evaluate(script, [function, arguments])


def changed(explorer, **settings):
    """Set the explorer; the same settings under the names that the module has for them."""
    explorer.set_state(settings)
    return {
        "start": [explorer.theta1, explorer.theta2],
        "radius": explorer.radius,
        "stepSize": explorer.step_size,
        "nSteps": explorer.n_steps,
        "decay": explorer.decay,
        "minibatch": explorer.minibatch,
    }


def risk(explorer, theta, radius):
    weights = torch.as_tensor(theta, dtype=torch.float64)
    return adversarial_risk(
        LinearClassifier(weights, 0.0), *explorer.examples, NormBall(torch.inf, radius)
    )


def optimum(explorer, radius):
    """The certified optimum, its intercept kept at 0 by the mirror image of each example."""
    x, y = explorer.examples
    mirrored = torch.cat([x, -x]), torch.cat([y, -y])
    found = solve(*mirrored, NormBall(torch.inf, radius), tol=1e-13)
    assert abs(found.classifier.intercept) < 1e-8
    return found


def test_iterates_equal_autograds_on_a_grid(call, explorer):
    for radius, step, begin, minibatch, decay in itertools.product(
        (0.0, 0.3, 0.4, 0.6), (0.1, 1.0, 3.0), STARTS, (False, True), (False, True)
    ):
        theta = dict(zip(("theta1", "theta2"), begin, strict=True))
        kind = {"minibatch": minibatch, "decay": decay}
        # Three epochs of batches, and one step more.
        settings = changed(explorer, radius=radius, step_size=step, n_steps=19, **theta, **kind)
        shown = torch.tensor(call("descend", DATA, settings), dtype=torch.float64)
        theirs = explorer.path()
        # So near to a kink that rounding decides on which side, the two would be allowed to part.
        assert all(value == 0 or abs(value) > 1e-9 for value in theirs.flatten().tolist())
        assert torch.allclose(shown, theirs, rtol=0, atol=TOLERANCE)


def test_two_hundred_steps_still_equal(call, explorer):
    for minibatch in (False, True):
        settings = changed(explorer, n_steps=200, minibatch=minibatch)
        shown = torch.tensor(call("descend", DATA, settings), dtype=torch.float64)
        assert torch.allclose(shown, explorer.path(), rtol=0, atol=TOLERANCE)


def test_risks_equal_the_packages_on_a_grid_and_far_away(call, explorer):
    for radius, theta in itertools.product(RADII, [*STARTS, (900.0, -700.0), (-2e4, 0.0)]):
        expected = pytest.approx(risk(explorer, theta, radius), rel=1e-13)
        assert call("risk", theta, DATA, radius) == expected


def test_minimisers_equal_the_certified_optimum_and_zeros_are_exact(call, explorer):
    zeros = 0
    for radius in (*RADII, 0.05, 0.2, 0.25, 0.35, 0.5):
        shown, found = call("minimise", DATA, radius), optimum(explorer, radius)
        theta, theirs = torch.tensor(shown["theta"]).double(), found.classifier.theta
        # The bound is proven, but up to its own gap and rounding.
        assert found.lower_bound - 1e-12 <= shown["risk"] <= found.risk + 1e-12
        # Where the risk is within 1e-13 of its minimum, the weights are within about its root.
        assert torch.allclose(theta, theirs, rtol=0, atol=1e-5)
        assert torch.equal(theta == 0, theirs == 0)
        zeros += int((theta == 0).sum())
    assert 0 < zeros < 11  # both kinds were there


def test_the_minimiser_is_where_no_slope_leads_down(call, explorer):
    """To the last digits, unlike a comparison of minimisers: the gradient vanishes there."""
    for radius in RADII:
        theta = call("minimise", DATA, radius)["theta"]
        gradient = gradient_of(explorer, theta, radius)
        for j in (0, 1):
            if theta[j] == 0:
                slopes = call("slopes", theta, j, DATA, radius)
                assert slopes["up"] >= 0 and slopes["down"] >= 0
            else:
                assert abs(gradient[j]) < TOLERANCE


def gradient_of(explorer, theta, radius):
    weights = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
    ball = NormBall(torch.inf, radius)
    value = adversarial_objective(weights, weights.new_zeros(()), *explorer.examples, ball)
    return torch.autograd.grad(value, weights)[0].tolist()


def test_slopes_to_both_sides_equal_the_gradients_beside_the_kink(call, explorer):
    beside = 1e-9  # the gradient changes by about as much as the point
    for radius, theta, j in itertools.product(RADII, STARTS, (0, 1)):
        if theta[1 - j] == 0:
            continue
        shown = call("slopes", theta, j, DATA, radius)
        for name, side in (("up", 1), ("down", -1)):
            point = list(theta)
            point[j] = side * beside
            expected = side * gradient_of(explorer, point, radius)[j]
            assert shown[name] == pytest.approx(expected, abs=10 * beside)


def test_a_gradient_on_the_axis_takes_the_unperturbed_feature(call, explorer):
    x, y = explorer.examples
    shown = call("gradient", [1.0, 0.0], DATA, 0.4, list(range(len(y))))
    a = torch.sigmoid(-(y * x[:, 0] - 0.4))
    assert shown[1] == pytest.approx(float(-(a * y * x[:, 1]).mean()), abs=TOLERANCE)
    assert shown == pytest.approx(gradient_of(explorer, [1.0, 0.0], 0.4), abs=TOLERANCE)


def test_a_constant_step_jumps_across_the_kink_for_good_and_a_shrinking_one_less(call, explorer):
    reach = {}
    for decay in (False, True):
        shown = call("explore", DATA, changed(explorer, step_size=2.0, n_steps=200, decay=decay))
        tail = [theta[1] for theta in shown["path"][-21:]]
        assert shown["axis"] == 1 and shown["tail"]["steps"] == 20
        crossings = sum(a * b < 0 for a, b in itertools.pairwise(tail))
        assert shown["tail"]["crossings"] == crossings > 0
        reach[decay] = shown["tail"]["reach"]
        assert reach[decay] == max(map(abs, tail)) and 0 not in tail
    assert reach[True] < reach[False] / 5


def test_contours_lie_at_their_level_and_surround_the_minimum(call, explorer):
    at = [k / 8 - 1 for k in range(33)]
    table = call("table", DATA, 0.4, at)
    for row, column in ((0, 0), (3, 30), (32, 8)):
        expected = risk(explorer, (at[column], at[row]), 0.4)
        assert table[row][column] == pytest.approx(expected, rel=1e-13)
    best = call("minimise", DATA, 0.4)
    levels = [best["risk"] + rise for rise in (0.01, 0.1, 0.3)]
    for level, pieces in zip(levels, call("contours", table, at, levels), strict=True):
        assert pieces
        for point in itertools.chain.from_iterable(pieces):
            # Between two points 1/8 apart a smooth function bends by less than this.
            assert risk(explorer, point, 0.4) == pytest.approx(level, abs=2e-3)
    closed = call("contours", table, at, levels[:1])[0]
    ends = [tuple(round(v, 9) for v in point) for piece in closed for point in piece]
    assert all(ends.count(end) == 2 for end in ends)  # a closed line: each end is met twice


def test_a_narrow_valley_is_not_cut_where_a_square_could_be_joined_in_two_ways(call):
    valley = [[1.0, 3.0], [3.0, 1.0]]  # low on a diagonal
    for values, kept in ((valley, (0, 0)), ([row[::-1] for row in valley], (1, 0))):
        (pieces,) = call("contours", values, [0, 1], [2.0])
        assert len(pieces) == 2
        for piece in pieces:  # both ends on the two sides of one of the high corners
            middle = [sum(axis) / 2 for axis in zip(*piece, strict=True)]
            assert (middle[0] < 0.5) == ((middle[1] < 0.5) != (kept == (0, 0)))


def expected_texts(explorer):
    path, found = explorer.path(), optimum(explorer, explorer.radius)
    pairs = [", ".join(f"{v:.3f}" for v in p.tolist()) for p in (path[-1], found.classifier.theta)]
    risks = [risk(explorer, point, explorer.radius) for point in (path[0], path[-1])]
    return [*(f"{value:.4f}" for value in (*risks, found.risk)), *(f"({pair})" for pair in pairs)]


def test_the_page_shows_the_packages_numbers_before_and_after_changes(page, explorer):
    assert explorers.texts(page)[:5] == expected_texts(explorer)
    assert "jumped across" in page.locator(".explorer-readout p").inner_text()
    settings = {"radius": 0.1, "step_size": 2.0, "n_steps": 45, "theta1": 2.0, "theta2": -0.75}
    explorers.slide(page, **settings)
    page.get_by_label("batches of 7").check()
    page.get_by_label("shrinks").check()
    changed(explorer, **settings, minibatch=True, decay=True)
    assert explorers.texts(page)[:5] == expected_texts(explorer)
    assert explorers.result(page)["end"] == pytest.approx(
        explorer.path()[-1].tolist(), abs=TOLERANCE
    )
    slopes = explorers.result(page)["slopes"]
    assert explorers.texts(page)[5:] == [f"{slopes['up']:.3f}", f"{slopes['down']:.3f}"]
    assert slopes["up"] < 0 < slopes["down"]
    assert "off the axes" in page.locator(".explorer-readout p").inner_text()


def test_what_the_words_say_follows_the_settings(page):
    def words(**values):
        explorers.slide(page, **values)
        return page.locator(".explorer-readout p").inner_text()

    assert "Take some steps" in words(n_steps=0)
    assert "do not cross" in words(n_steps=5)
    assert "never settle" in words(n_steps=100)
    page.get_by_label("shrinks").check()
    assert "Shorter steps" in words(step_size=3)
    assert "its first step leaves it" in words(theta2=0)
    assert "slope fades" in words(radius=0.1)


def test_the_keyboard_alone_moves_everything_and_the_change_is_said(page):
    for name, changes in {"radius": "best", "step_size": "end", "n_steps": "end"}.items():
        explorers.walk(page, (name, "ArrowUp", changes))
    explorers.walk(page, ("theta1", "ArrowUp", "path"), ("theta2", "ArrowUp", "path"))
    # The other kind of batch; the shrinking step.
    explorers.walk(page, ("false", "ArrowRight", "end"), ("decay", "Space", "end"))
    risk = f"Risk {explorers.result(page)['riskAtEnd']:.4f} after 61 steps"
    assert explorers.said(page, risk).startswith(risk)


def test_the_start_can_be_dragged_and_snaps_to_the_kink(page):
    x, y = explorers.centre(page.locator(".sgd-start"))
    _, axis = explorers.start_of_line(page.locator(".sgd-kink").first)
    explorers.drag(page, (x, y), (x + 85, axis + 1))
    first = explorers.result(page)["path"][0]
    assert first[1] == 0 and first[0] != -0.5
    assert page.locator("input[name=theta2]").input_value() == "0"
    assert "The path starts on the axis" in page.locator(".explorer-readout p").inner_text()


def test_the_explorer_lives_in_its_chapter(open_page):
    shown = explorers.start(open_page("book/beyond/kink_and_noise.html"), "sgd")
    before = explorers.result(shown)
    assert before["best"]["theta"][1] == 0 and before["tail"]["crossings"] > 0
    explorers.slide(shown, radius=0.2)
    assert explorers.result(shown)["best"]["theta"][1] > 0
