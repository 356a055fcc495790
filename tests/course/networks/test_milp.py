"""The exact margins of tiny networks, against one linear program for each pattern of signs."""

import copy

import pytest
import torch
from torch import nn

from lectures_code.attacks import pgd, worst_of
from lectures_code.logistic import LinearClassifier, margins
from lectures_code.networks.bounds import interval_margins, linear_margins
from lectures_code.networks.milp import smallest_margins
from lectures_code.risk import worst_margins
from tests.course.networks.cases import BOX, FREE, X, convolutional, dense, labels, least_margin
from tests.oracles import says, seeded

TOLERANCE = 1e-6  # HiGHS's own


@pytest.mark.parametrize("ball", [FREE, BOX], ids=["free", "box"])
@pytest.mark.parametrize("k", [1, 3], ids=["score", "logits"])
def test_the_exact_margin_is_the_least_over_all_patterns_of_signs(k, ball):
    model, y = dense(k), labels(k)
    found = smallest_margins(model, X, y, ball)
    truth = [least_margin(model, x, int(own), ball) for x, own in zip(X, y, strict=True)]
    for value in (found.low, found.high):
        torch.testing.assert_close(value, torch.tensor(truth), rtol=0, atol=TOLERANCE)
    assert max(found.n_switches) > 2


@pytest.mark.parametrize("k", [1, 3], ids=["score", "logits"])
def test_it_lies_between_bounds_and_attack_and_is_attained_in_the_set(k):
    model, y = convolutional(k), labels(k)
    found = smallest_margins(model, X, y, BOX)
    below = torch.maximum(interval_margins(model, X, y, BOX), linear_margins(model, X, y, BOX))
    delta = pgd(model, X, y, BOX, step_size=0.05, n_steps=40)
    with torch.no_grad():
        attacked, attained = margins(model(X + delta), y), margins(model(found.worst), y)
    torch.testing.assert_close(found.high, attained)
    torch.testing.assert_close(found.low, found.high, rtol=0, atol=TOLERANCE)
    assert BOX.contains(found.worst - X, X).all()
    assert (below <= found.low + TOLERANCE).all() and (found.low <= attacked + TOLERANCE).all()
    assert (below < found.low - 5e-4).any(), "the bounds are no truth"


def test_restarts_come_near_the_truth_and_one_start_does_not():
    """Margins are 0.4 in the mean, and the last steps of the ascents 0.01 to 0.04 in each pixel."""
    model, x = dense(), torch.rand(40, 4, generator=seeded(9), dtype=torch.float64)
    with torch.no_grad():
        y = model(x)[:, 0].sign()
    truth = smallest_margins(model, x, y, BOX).high
    draw, smallest = seeded(1), BOX.radius / 24

    def starts():
        for k in range(20):
            step_size = (1 + k % 3) * smallest
            yield pgd(model, x, y, BOX, step_size=step_size, n_steps=60, generator=draw)

    def gap(delta):
        with torch.no_grad():
            return margins(model(x + delta), y) - truth

    single, many = gap(next(starts())), gap(worst_of(model, x, y, BOX, starts()))
    assert (many >= -TOLERANCE).all()
    assert many.max() < 0.02 < single.max()
    assert many.mean() < 0.003 < single.mean() / 1.5


def test_a_linear_model_has_no_switch_and_its_worst_margin():
    model, y = dense(hidden=()), labels(1)
    found = smallest_margins(model, X, y, BOX)
    exact = worst_margins(LinearClassifier.of(model[0]), X, y, BOX)
    torch.testing.assert_close(found.low, exact, rtol=0, atol=TOLERANCE)
    assert found.n_switches == (0,) * len(X)


def test_without_time_there_are_bounds_that_need_not_meet():
    model, y = dense(hidden=(40, 40)), labels(1)
    found = smallest_margins(model, X[:2], y[:2], BOX, time_limit=0.01)
    assert (found.low <= found.high + TOLERANCE).all()
    assert (found.low < found.high - 0.01).any()
    assert BOX.contains(found.worst - X[:2], X[:2]).all()


def test_it_leaves_no_trace_and_takes_a_model_of_single_precision():
    model, y = dense(3).float().train(), labels(3)
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    found = smallest_margins(model, X.float(), y, BOX)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.training and torch.equal(torch.get_rng_state(), random)
    exact = smallest_margins(model.double(), X.float().double(), y, BOX)
    torch.testing.assert_close(found.low, exact.low, rtol=0, atol=TOLERANCE)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="time_limit must be a finite number > 0"):
        smallest_margins(dense(), X, labels(1), BOX, time_limit=0)
    with says(
        TypeError,
        "bounds are known for Linear, Conv2d, ReLU, Flatten, Unflatten in a Sequential, got Tanh: "
        "build the network of these layers",
    ):
        smallest_margins(nn.Sequential(nn.Linear(4, 1), nn.Tanh()), X, labels(1), BOX)
