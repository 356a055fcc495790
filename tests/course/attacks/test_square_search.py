"""Square Attack: what it finds by scores alone, of whom it asks, and how it moves."""

import itertools

import pytest
import torch

from lectures_code.attacks import fgsm, pgd, square_search
from lectures_code.attacks.search import _sides
from lectures_code.logistic import margins
from lectures_code.perturbations import BoxedNormBall, NormBall
from lectures_code.risk import error, robust_error
from tests.course.attacks import models
from tests.oracles import BALLS, INF, name, random_problem, says, seeded

each_cube = pytest.mark.parametrize("ball", [ball for ball in BALLS if ball.p == INF], ids=name)


def ends(ball, x):
    return [ball.maximiser(sign * torch.ones_like(x), x) for sign in (-1, 1)]


@each_cube
@pytest.mark.parametrize("k", [1, 3])
def test_of_all_corners_it_finds_the_worst_but_for_a_few(ball, k):
    """Images of 2 x 4 pixels have 256 corners: each is tried, and none is worse than the best."""
    model, (_, x, y) = models.network(3, d=8, k=k), random_problem(2, n=150, d=8)
    y = torch.arange(len(x)) % 3 if k == 3 else y
    low, high = ends(ball, x)
    corners = torch.tensor(list(itertools.product((False, True), repeat=8)))
    with torch.no_grad():
        each = torch.stack([margins(model(x + torch.where(up, high, low)), y) for up in corners])
        least, clean = each.min(dim=0).values, margins(model(x), y)
        delta = square_search(model, x, y, ball, shape=(2, 4), generator=seeded(), n_queries=600)
        found = margins(model(x + delta), y)
    assert ball.contains(delta, x).all()
    stays = (delta == 0).all(dim=1)
    assert ((delta == low) | (delta == high))[~stays].all()
    assert (found <= clean).all() and (found[~stays] >= least[~stays] - 1e-12).all()
    assert (delta[clean <= 0] == 0).all(), "a mistake needs no perturbation"
    # Where no corner is a mistake the search goes on to its end.
    withstand = least > 0
    assert withstand.sum() >= 5
    assert (found - least)[withstand].lt(1e-12).double().mean() >= 0.9
    reached = (found <= 0)[least <= 0].double().mean()
    assert reached >= 0.95


def test_of_a_linear_classifier_it_finds_every_mistake():
    linear, x, y = random_problem(3, n=200, d=20)
    for ball in (NormBall(INF, 0.1), NormBall(INF, 0.1).in_box()):
        delta = square_search(linear, x, y, ball, shape=(4, 5), generator=seeded(), n_queries=800)
        exact = robust_error(linear, x, y, ball)
        assert error(linear, x, y).k < exact.k < exact.n
        assert error(linear, ball.perturbed(x, delta), y) == exact


def test_it_finds_what_gradients_do_not_lead_to():
    """A classifier of rounded pixels, whose gradients autograd takes to be 0."""
    linear, x, y = random_problem(4, n=100, d=20)
    ball = NormBall(INF, 0.3).in_box()

    def stepwise(z):
        return linear(z.round())

    clean = error(stepwise, x, y)
    for delta in (fgsm(stepwise, x, y, ball), pgd(stepwise, x, y, ball, step_size=0.1, n_steps=5)):
        assert error(stepwise, ball.perturbed(x, delta), y) == clean
    delta = square_search(stepwise, x, y, ball, shape=(4, 5), generator=seeded(), n_queries=200)
    assert error(stepwise, ball.perturbed(x, delta), y).k > clean.k


def test_squares_shrink_as_published():
    """The side for images of 28 x 28, at 10,000 queries and, in the same shares, at 1,000."""
    sides = list(_sides(10_000, 28, 28))
    areas = 0.8, 0.4, 0.2, 0.1, 0.05, 0.025, 0.0125, 0.00625, 0.003125, 0.0015625
    starts = 1, 11, 51, 201, 501, 1001, 2001, 4001, 6001, 8001
    assert sides[0] == 0 and len(sides) == 10_000
    for area, start in zip(areas, starts, strict=True):
        assert sides[start] == max(1, round((area * 784) ** 0.5))
    changes = [k for k in range(2, 10_000) if sides[k] != sides[k - 1]]
    assert set(changes) <= set(starts)
    assert list(_sides(1000, 28, 28))[1:] == sides[10::10]
    assert max(_sides(50, 2, 30)) == 2, "a square fits into the image"


def asked_of(n, n_queries, *, shape=(5, 6), seed=0):
    """The images of each query, as which pixels are up, where each try is worse and so stays."""
    asked = []

    def model(z):
        asked.append(z.reshape(-1, *shape) > 0.5)
        return torch.full((len(z),), 1.0 - 0.001 * len(asked))

    x, ball = torch.full((n, shape[0] * shape[1]), 0.5), NormBall(INF, 0.25)
    draw = seeded(seed)
    how = {"shape": shape, "generator": draw, "n_queries": n_queries}
    delta = square_search(model, x, torch.ones(n), ball, **how)
    assert asked[-1].flatten(1).equal(delta > 0)
    assert len(asked) == n_queries + 1 and not asked[0].any()
    return torch.stack(asked[1:])


def test_the_first_query_is_of_vertical_stripes_each_image_its_own():
    (stripes,) = asked_of(30, 1)
    assert (stripes == stripes[:, :1]).all()
    assert len(stripes.flatten(1).unique(dim=0)) > 10
    assert 0.3 < stripes.double().mean() < 0.7


def test_each_further_query_moves_one_square_to_one_end_in_each_image_another():
    n_queries, n = 60, 30
    asked, sides = asked_of(n, n_queries), list(_sides(n_queries, 5, 6))
    places, shared = set(), {"place": 0, "end": 0}
    for before, after, side in zip(asked, asked[1:], sides[1:], strict=False):
        fitting = []  # of each image the squares, with their end, that lead from one to the other
        for image in range(n):
            fits = set()
            for row, column in itertools.product(range(5 - side + 1), range(6 - side + 1)):
                for end in (False, True):
                    tried = before[image].clone()
                    tried[row : row + side, column : column + side] = end
                    if tried.equal(after[image]):
                        fits.add(((row, column), end))
            assert fits, "no square at one end leads there"
            fitting.append(fits)
            places |= {place for place, _ in fits} if len(fits) == 1 else set()
        shared["place"] += bool(set.intersection(*({place for place, _ in f} for f in fitting)))
        shared["end"] += bool(set.intersection(*({end for _, end in f} for f in fitting)))
    assert len(places) > 15
    assert shared == {"place": 0, "end": 0}, "each image has a place and an end of its own"


def test_what_is_no_worse_than_nothing_is_left_out():
    """A score that is least at the example itself: every corner is better for the label."""
    x, y, ball = torch.full((4, 6), 0.5), torch.ones(4), NormBall(INF, 0.25)
    delta = square_search(
        lambda z: 1 + (z - 0.5).abs().sum(dim=1),
        *(x, y, ball),
        **{"shape": (2, 3), "generator": seeded(), "n_queries": 20},
    )
    assert (delta == 0).all()


def test_a_tie_is_a_mistake_and_where_all_are_mistakes_nobody_is_asked():
    x, y, ball, asked = torch.rand(5, 6, generator=seeded()), torch.ones(5), NormBall(INF, 0.1), []

    def tie(z):
        asked.append(len(z))
        return torch.zeros(len(z))

    how = {"shape": (2, 3), "generator": seeded(), "n_queries": 20}
    assert (square_search(tie, x, y, ball, **how) == 0).all() and asked == [5]

    def tie_when_moved(z):
        asked.append(len(z))
        return (z.sum(dim=1) == x.sum(dim=1)).float() if len(z) == 5 else torch.ones(len(z))

    asked.clear()
    delta = square_search(tie_when_moved, x, y, ball, **how)
    assert asked == [5, 5] and (delta.abs() > 0).all()


def test_a_model_that_gives_nan_is_refused():
    x, y, ball = torch.rand(5, 6, generator=seeded()), torch.ones(5), NormBall(INF, 0.1)
    with pytest.raises(ValueError, match="NaN"):
        how = {"shape": (2, 3), "generator": seeded(), "n_queries": 2}
        square_search(lambda z: z[:, 0] / 0 * 0, x, y, ball, **how)


def test_single_precision_stays_single_precision_and_images_stay_in_the_box():
    model, (_, x, y) = models.network(3, d=8, dtype=torch.float32), random_problem(2, n=40, d=8)
    x, y, ball = x.float(), y.float(), NormBall(INF, 0.3).in_box()
    delta = square_search(model, x, y, ball, shape=(2, 4), generator=seeded(), n_queries=50)
    assert delta.dtype == torch.float32 and ball.contains(delta, x).all()
    perturbed = ball.perturbed(x, delta)
    assert 0 <= float(perturbed.min()) <= float(perturbed.max()) <= 1


def test_nobody_asks_about_a_mistake_again():
    linear, x, y = random_problem(5, n=50, d=20)
    asked = []

    def model(z):
        asked.append(len(z))
        return linear(z)

    ball = NormBall(INF, 0.2)
    square_search(model, x, y, ball, shape=(4, 5), generator=seeded(), n_queries=300)
    exact, clean = robust_error(linear, x, y, ball), error(linear, x, y)
    assert asked[0] == 50 and asked[1] == 50 - clean.k
    assert asked == sorted(asked, reverse=True) and asked[-1] == 50 - exact.k
    assert len(asked) == 301
    asked.clear()
    far = NormBall(INF, 5.0)  # every image can be made any other
    square_search(model, x, y, far, shape=(4, 5), generator=seeded(), n_queries=300)
    assert len(asked) < 301 and asked[-1] > 0, "when all are mistakes, it ends"


def test_the_generator_decides_and_a_module_stays_as_it_is():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = models.Everything().eval()
    _, x, _ = random_problem(6, n=60, d=5)
    y, ball = torch.arange(60) % 3, NormBall(INF, 0.2)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    state = torch.get_rng_state()
    first, again, other = (
        square_search(model, x, y, ball, shape=(1, 5), generator=seeded(k), n_queries=30)
        for k in (0, 0, 1)
    )
    assert first.equal(again) and not first.equal(other)
    assert all(value.equal(before[key]) for key, value in model.state_dict().items())
    assert torch.get_rng_state().equal(state)
    assert all(value.grad is None for value in model.parameters())


def test_other_norms_and_shapes_are_refused():
    linear, x, y = random_problem(7)
    how = {"generator": seeded(), "n_queries": 5}
    for ball in (NormBall(2, 0.1), BoxedNormBall(1, 0.1)):
        told = (
            f"p must be inf to move each pixel by itself, got {ball.p:g}: use pgd for other norms"
        )
        with says(ValueError, told):
            square_search(linear, x, y, ball, shape=(1, x.shape[1]), **how)
    ball, d = NormBall(INF, 0.1), x.shape[1]
    told = f"shape must be that of an image of {d} pixels, got 2 x {d} = {2 * d}: x has one column "
    with says(ValueError, told + "for each pixel"):
        square_search(linear, x, y, ball, shape=(2, d), **how)
    for shape, kind in (((0, d), ValueError), ((d,), ValueError), (d, TypeError)):
        with says(kind, f"shape must be height and width of an image, two counts, got {shape!r}"):
            square_search(linear, x, y, ball, shape=shape, **how)
