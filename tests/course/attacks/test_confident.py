"""Attacks on models so confident that the loss has no gradient."""

import functools

import pytest
import torch
from torch import nn

from lectures_code.attacks import fgsm, linear_maximiser, pgd
from lectures_code.logistic import LinearClassifier, losses, margins
from lectures_code.perturbations import NormBall
from tests.oracles import INF

EPSILON = 0.2
DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]
FACTORS = [1, 30, 1000]


def confident_problem(factor, dtype, form, *, n=100, d=100):
    """A linear model, its examples and labels, and its direction as held in the dtype.

    The mean margin at factor 1 is 11, that of the lecture's classifier, and four in five examples
    can be attacked, as they can there.
    """
    draw = torch.Generator().manual_seed(0)
    theta = torch.randn(d, generator=draw).double()
    x = torch.rand(n, d, generator=draw).double() - 0.5
    score = x @ theta
    scale = 11 / score.abs().mean()
    x, theta, labels = x.to(dtype), factor * scale * theta, score.sign()
    rows = theta[None]
    if form != "one score":
        common = 100 * torch.randn(d, generator=draw).double() if "common" in form else 0 * theta
        rows = torch.stack([common - theta / 2, common + theta / 2])
    layer = nn.Linear(d, len(rows), bias=False, dtype=dtype)
    with torch.no_grad():
        layer.weight.copy_(rows)
    held = layer.weight.detach().double()
    direction = held[0] if form == "one score" else held[1] - held[0]
    return layer, x, labels, direction


def check_confident(attack, factor, dtype, form, **options):
    layer, x, labels, direction = confident_problem(factor, dtype, form)
    y = labels if form == "one score" else (labels > 0).long()
    ball = NormBall(INF, EPSILON)
    exact = linear_maximiser(LinearClassifier(direction, 0.0), x.double(), labels, ball)

    def mistakes(delta):
        return int((labels * ((x.double() + delta.double()) @ direction) <= 0).sum())

    delta = attack(layer, x, y, ball, **options)
    assert mistakes(delta) >= mistakes(exact.to(dtype)) > 0.5 * len(x)
    if attack is fgsm:
        assert (direction != 0).any()
        assert torch.equal(delta, exact.to(dtype))


longer = functools.partial(pgd, step_size=EPSILON / 4, n_steps=10)
each_form = pytest.mark.parametrize("form", ["one score", "two logits", "with a common vector"])


@pytest.mark.parametrize("attack", [fgsm, longer], ids=["fgsm", "pgd"])
@each_form
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_attacks_are_exact_however_confident_a_linear_model_is(attack, form, dtype):
    for factor in FACTORS:
        check_confident(attack, factor, dtype, form)


@pytest.mark.parametrize("attack", [fgsm, longer], ids=["fgsm", "pgd"])
@each_form
def test_the_attack_on_the_loss_is_not(attack, form):
    for dtype in DTYPES:
        with pytest.raises(AssertionError):
            check_confident(attack, 1000, dtype, form, objective=losses)


def confident_network(k):
    """A small network, trained until its losses are 0 in float32, with its training data."""
    draw = torch.Generator().manual_seed(0)
    x = torch.rand(200, 20, generator=draw)
    y = (x[:, 0] > 0.5).long()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, k))
    y = y if k > 1 else 2.0 * y - 1
    optimiser = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(300):
        optimiser.zero_grad()
        losses(model(x), y).mean().backward()
        optimiser.step()
    with torch.no_grad():
        for value in model[-1].parameters():
            value.mul_(30)
    return model, x, y


@pytest.mark.parametrize("k", [1, 2, 4])
def test_no_image_is_too_safe_to_be_attacked(k):
    model, x, y = confident_network(k)
    ball = NormBall(INF, 0.3)
    attacked = fgsm(model, x, y, ball)
    assert (attacked != 0).any(dim=1).all()
    by_loss = fgsm(model, x, y, ball, objective=losses)
    unchanged = (by_loss == 0).all(dim=1)
    assert unchanged.sum() > 50, "the test needs images whose loss has no gradient"
    with torch.no_grad():
        found, missed = (int((margins(model(x + d), y) <= 0).sum()) for d in (attacked, by_loss))
    assert found > 2 * missed
