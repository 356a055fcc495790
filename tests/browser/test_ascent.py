"""The ascent explorer shows what the package computes."""

import itertools

import numpy as np
import pytest
import torch
from matplotlib import colormaps

from lectures_code.attacks import pgd
from lectures_code.experiments import two_feature_set
from lectures_code.explorers.ascent import AscentExplorer
from lectures_code.explorers.stored import network_as_json
from lectures_code.logistic import log_odds_of_error
from lectures_code.networks.models import dense_network
from lectures_code.networks.steps import AdamStep
from lectures_code.perturbations import NormBall
from lectures_code.training import train
from tests.browser import explorer_pages as explorers
from tests.oracles import INF, seeded

M = 12
# Sums of 32 products in another order, twice: some dozens of roundings of numbers up to 100.
TOLERANCE = 1e-11


@pytest.fixture(scope="module")
def explorer():
    """A network as in the chapter, trained for a short time, at an example on the wrong side."""
    x, y = two_feature_set(100, generator=seeded(0))
    start = dense_network(2, [32, 32], generator=seeded(0)).double()
    recipe = {"step": AdamStep(), "step_size": 0.02, "batch_size": 25, "n_epochs": 150}
    model, _ = train(start, x, y, generator=seeded(1), **recipe)
    starts = NormBall(INF, 1.0).sample(torch.zeros(M, 2).double(), generator=seeded(3))
    return AscentExplorer(model, x, y, index=17, radius=0.5, starts=starts)


@pytest.fixture(autouse=True)
def as_first_made(explorer):
    first = explorer.settings()
    yield
    explorer.set_state(first)


@pytest.fixture
def call(blank_page):
    return explorers.mathematics(blank_page, "ascent")


def changed(explorer, **settings):
    """Set the explorer; the same settings as the module has them."""
    explorer.set_state(settings)
    return {
        "x": [explorer.x1, explorer.x2],
        "radius": explorer.radius,
        "nSteps": explorer.n_steps,
        "starts": explorer.starts[: explorer.n_starts],
    }


def explored(call, explorer, **settings):
    settings = changed(explorer, **settings)
    return call("explore", explorer.layers, explorer.label, settings)


def vector(values):
    return torch.tensor(values, dtype=torch.float64)


def log_odds(explorer, points):
    with torch.no_grad():
        reached = explorer.model(points)
    return log_odds_of_error(reached, torch.full((len(points),), explorer.label))


@pytest.mark.parametrize("hidden", [(), (3,), (32, 32), (5, 4, 3)])
@pytest.mark.parametrize("y", [-1.0, 1.0])
def test_values_and_gradients_equal_autograds(call, hidden, y):
    model = dense_network(2, hidden, generator=seeded(2)).double()
    points = (4 * torch.randn(50, 2, generator=seeded(5), dtype=torch.float64)).requires_grad_()
    expected = log_odds_of_error(model(points), torch.full((50,), y))
    (gradients,) = torch.autograd.grad(expected.sum(), points)
    arguments = (network_as_json(model, 2), y, points.tolist())
    shown = vector(call("values", *arguments)), vector(call("gradients", *arguments))
    assert torch.allclose(shown[0], expected.detach(), rtol=0, atol=TOLERANCE)
    assert torch.allclose(shown[1], gradients, rtol=0, atol=TOLERANCE)
    assert gradients.abs().max() > 1e-3


PLACES = [(-0.95, 0.11), (0.0, 0.0), (1.5, 0.4), (-2.5, -0.6), (0.31, -0.27)]


def test_all_paths_and_ends_equal_pgds_from_the_same_starts(call, explorer):
    for (x1, x2), radius, n_steps in itertools.product(PLACES, (0.05, 0.5, 1.0), (1, 60)):
        shown = explored(call, explorer, x1=x1, x2=x2, radius=radius, n_steps=n_steps)
        paths = vector(shown["paths"])
        # Signs are all that is taken of a gradient, so that rounding is not passed on.
        assert torch.allclose(paths, explorer.ascents(), rtol=0, atol=TOLERANCE)
        x, y = explorer.example
        attack = explorer.model, x.expand(M, 2), y.expand(M), explorer.ball
        how = {"step_size": radius / 10, "n_steps": n_steps}
        ends = pgd(*attack, **how, generator=seeded(3))
        assert torch.allclose(paths[1:, -1], ends, rtol=0, atol=TOLERANCE)
        values = log_odds(explorer, x + paths[:, -1])
        assert torch.allclose(vector(shown["values"]), values, rtol=0, atol=TOLERANCE)
        assert shown["mistakes"] == int((values[1:] >= 0).sum())


def test_what_the_grid_finds_is_what_enumeration_finds(call, explorer):
    for x1, x2 in PLACES:
        shown, land = explored(call, explorer, x1=x1, x2=x2, radius=0.3), explorer.landscape()
        heights = vector(shown["heights"])  # a row for each second feature
        assert torch.allclose(heights.T, land.values[0], rtol=0, atol=TOLERANCE)
        assert shown["top"] == pytest.approx(float(land.largest()), abs=TOLERANCE)
        assert shown["summit"] == pytest.approx(land.best()[0].tolist(), abs=TOLERANCE)
        assert shown["clean"] == pytest.approx(float(log_odds(explorer, explorer.example[0])))


def test_places_are_far_apart_and_each_end_is_near_one_that_is_as_high(call, explorer):
    numbers = set()
    for (x1, x2), radius in itertools.product(PLACES, (0.1, 0.5, 1.0)):
        shown = explored(call, explorer, x1=x1, x2=x2, radius=radius)
        ends, values = vector(shown["ends"])[1:], vector(shown["values"])[1:]
        kept = shown["places"]
        far = torch.cdist(ends, ends, p=INF) > radius / 4
        assert all(far[a, b] for a, b in itertools.combinations(kept, 2))
        for k in range(M):
            near = [place for place in kept if not far[k, place]]
            assert max(values[place] for place in near) >= values[k]
        numbers.add(len(kept))
    assert 1 in numbers and len(numbers) > 1


def expected_texts(explorer):
    x, _ = explorer.example
    values = log_odds(explorer, torch.cat([x, x + explorer.ascents()[:, -1]])).tolist()
    numbers = [*values[:2], max(values[2:]), float(explorer.landscape().largest())]
    found = f"{sum(value >= 0 for value in values[2:])} of {explorer.n_starts}"
    return [*(f"{number:.1f}" for number in numbers), found]


def test_the_page_shows_the_packages_numbers_before_and_after_changes(page, explorer):
    assert explorers.texts(page)[:5] == expected_texts(explorer)
    settings = {"x1": -0.4, "x2": 0.1, "radius": 0.8, "n_steps": 7, "n_starts": 5}
    explorers.slide(page, **settings)
    # A slider's steps begin at its lower end.
    settings["x1"], settings["x2"] = explorers.result(page)["x"]
    assert settings["x1"] == pytest.approx(-0.4, abs=0.005)
    changed(explorer, **settings)
    assert explorers.texts(page)[:5] == expected_texts(explorer)
    assert explorers.texts(page)[5] == str(len(explorers.result(page)["places"]))


def colours(locator):
    """What is painted on a canvas, shape (rows, columns, 3), the top row first."""
    pixels, width = locator.evaluate(
        """canvas => {
            const { data, width, height } = canvas.getContext("2d")
                .getImageData(0, 0, canvas.width, canvas.height);
            return [Array.from(data), width];
        }"""
    )
    return np.reshape(pixels, (-1, width, 4))[..., :3]


def test_the_square_is_painted_as_matplotlib_would_its_highest_row_on_top(page, explorer):
    painted = colours(page.locator(".ascent-map canvas").nth(1))
    values = explorer.landscape().values[0].T.flip(0)
    shares = (values - values.min()) / (values.max() - values.min())
    expected = 255 * colormaps["cividis"](shares.numpy())[..., :3]
    # Thirteen of its colours are kept, and between them it is nearly straight.
    assert np.abs(painted - expected).max() < 10


def points_of(locator):
    numbers = locator.get_attribute("d").replace("M", " ").replace("L", " ").split()
    return vector([float(number) for number in numbers]).reshape(-1, 2)


def test_the_boundary_of_a_linear_model_is_where_its_score_is_0(open_html, explorer):
    x, y = vector([[0.1, 0.2], [1.0, -1.0]]), vector([1.0, -1.0])
    linear = dense_network(2, [], generator=seeded(4)).double()
    linear[0].load_state_dict({"weight": vector([[0.8, -0.5]]), "bias": vector([0.1])})
    ours = AscentExplorer(linear, x, y, index=0, radius=1.0, starts=vector(explorer.starts))
    page = open_html(*explorers.written(ours), width=375)
    explorers.start(page)
    units = points_of(page.locator(".ascent-boundary").nth(1))
    delta = (units - vector([50 + 180, 8 + 180])) / 180 * vector([1, -1])
    assert len(delta) > 20
    score = linear(ours.example[0] + delta).detach()
    assert score.abs().max() < 1e-4  # the path has hundredths of a unit, a unit is 1/180
    assert len(explorers.result(page)["places"]) == 1
    assert "All random starts end in one place." in page.locator(".explorer-readout").inner_text()


def test_what_the_words_say_follows_what_was_found(page, explorer):
    said = set()
    for x1, x2, radius in itertools.product((-2.5, -0.95, 0.3, 1.5), (-0.4, 0.1), (0.05, 0.5)):
        explorers.slide(page, x1=x1, x2=x2, radius=radius)
        shown = explorers.result(page)
        words = page.locator(".explorer-readout p").last.inner_text()
        middle, starts = shown["values"][0] >= 0, shown["mistakes"] > 0
        assert ("without an attack" in words) == (shown["clean"] >= 0)
        if shown["clean"] < 0:
            assert ("middle finds a mistake" in words) == middle
            assert ("a random start does" in words) == (starts and not middle)
            assert ("there is no mistake" in words) == (shown["top"] < 0 and not (middle or starts))
        said.add(words.partition(". ")[2])
    assert len(said) >= 3


def test_the_keyboard_alone_moves_everything_and_the_change_is_said(page):
    explorers.walk(page, ("x1", "ArrowUp", "x"), ("x2", "ArrowUp", "x"))
    explorers.walk(page, ("radius", "ArrowUp", {"radius": 0.55}))
    explorers.walk(page, ("n_steps", "Home", "ends"), ("n_starts", "ArrowLeft", "values"))
    best = max(explorers.result(page)["values"][1:])
    assert explorers.said(page, "Best end").startswith(f"Best end {best:.1f}".replace("-", "−"))


def test_the_example_can_be_dragged_and_a_move_makes_one_picture(page):
    begin = explorers.centre(page.locator(".ascent-handle"))
    unit = page.locator(".explorer-drawing").first.evaluate("svg => svg.getScreenCTM().a")
    before = explorers.result(page)["x"]
    page.evaluate(
        """() => {
            window.pictures = 0;
            new MutationObserver(records => { window.pictures += records.length; })
                .observe(document.querySelector(".explorer-live"),
                    { attributes: true, attributeFilter: ["data-result"] });
        }"""
    )
    explorers.drag(page, begin, (begin[0] + 40, begin[1] - 20), steps=1)
    after = explorers.result(page)["x"]
    moved = [(new - old) for new, old in zip(after, before, strict=True)]
    assert moved[0] / moved[1] == pytest.approx(2, rel=0.05)  # hundredths, of 0.8 and 0.4
    low, high = (float(page.locator("[name=x1]").get_attribute(end)) for end in ("min", "max"))
    assert moved[0] == pytest.approx(40 / unit / 360 * (high - low), abs=0.02)
    # Pressing moves it to the pointer, in hundredths; moving is the second.
    assert page.evaluate("window.pictures") <= 2
    explorers.drag(page, explorers.centre(page.locator(".ascent-handle")), (2000, 2000))
    shown = explorers.result(page)["x"]
    assert shown[0] == high and shown[1] == float(page.locator("[name=x2]").get_attribute("min"))


def test_the_explorer_lives_in_its_chapter(open_page):
    shown = explorers.start(open_page("book/networks/inner_maximum.html"), "ascent")
    before = explorers.result(shown)
    assert len(before["places"]) > 1
    explorers.slide(shown, radius=0.05)
    assert explorers.result(shown)["ends"] != before["ends"]
