"""Attacks on networks: inside the set, with gain, example by example, in the same precision."""

import functools

import pytest
import torch
from torch import nn

from lectures_code.attacks import fgsm, linear_maximiser, pgd
from lectures_code.experiments import seeded
from lectures_code.logistic import losses
from lectures_code.perturbations import BoxedNormBall, NormBall
from tests.course.attacks.models import (
    ATTACKS,
    BALLS,
    PGD_BALLS,
    ROUNDING,
    each_attack,
    each_pgd_ball,
    each_start,
    network,
)
from tests.oracles import random_problem


@each_pgd_ball
@each_start
def test_every_iterate_of_pgd_is_inside_the_set(ball, start):
    model, (_, x, y) = network(2), random_problem(8)
    visited = []

    def watched(z):
        visited.append(z.detach() - x)
        return model(z)

    last = pgd(watched, x, y, ball, step_size=0.3, n_steps=6, generator=start())
    assert len(visited) == 6
    for delta in (*visited, last):
        assert ball.contains(delta, x).all()
        if isinstance(ball, BoxedNormBall):
            assert float((x + delta).min()) >= -1e-15 and float((x + delta).max()) <= 1 + 1e-15
    assert (visited[0] == 0).all() == (start() is None)


@each_pgd_ball
@pytest.mark.parametrize("k", [1, 3])
def test_attacks_raise_the_loss_of_a_network(ball, k):
    model, (_, x, y) = network(3, k=k), random_problem(9, n=20)
    ball = ball.with_radius(ball.radius / 4)  # small, so that one linear step is enough
    y = torch.arange(len(x)) % 3 if k == 3 else y
    for attack in ATTACKS.values():
        delta = attack(model, x, y, ball)
        assert ball.contains(delta, x).all()
        with torch.no_grad():
            before, after = losses(model(x), y), losses(model(x + delta), y)
        assert float(after.mean()) > float(before.mean())
        if not isinstance(ball, BoxedNormBall) and attack is fgsm:
            assert (after > before).all()


@each_pgd_ball
def test_more_steps_of_pgd_find_no_less_than_fgsm_on_a_network(ball):
    model, (_, x, y) = network(4), random_problem(10, n=20)
    with torch.no_grad():
        one = losses(model(x + fgsm(model, x, y, ball)), y)
        steps = pgd(model, x, y, ball, step_size=ball.radius / 10, n_steps=60)
        many = losses(model(x + steps), y)
    assert float(many.mean()) >= float(one.mean()) - 1e-3


@each_attack
def test_one_score_and_two_logits_are_attacked_alike(attack):
    score, (_, x, y) = network(5), random_problem(11)

    def logits(z):
        return torch.cat([-score(z) / 2, score(z) / 2], dim=1)

    classes = (y.long() + 1) // 2
    for ball in PGD_BALLS:
        of_score, of_logits = attack(score, x, y, ball), attack(logits, x, classes, ball)
        torch.testing.assert_close(of_logits, of_score, rtol=1e-9, atol=1e-9)


@each_attack
def test_scores_of_shape_n_and_n_1_are_attacked_alike(attack):
    model, (_, x, y) = network(5), random_problem(11)
    ball = NormBall(2, 0.3)
    flat = attack(lambda z: model(z)[:, 0], x, y, ball)
    assert torch.equal(flat, attack(model, x, y, ball))


@pytest.mark.parametrize("attack", [fgsm, ATTACKS["pgd"]])
def test_examples_are_attacked_one_by_one(attack):
    """The perturbation of an example does not depend on the others in the batch."""
    model, (_, x, y) = network(6), random_problem(12)
    ball = NormBall(2, 0.3).in_box()
    alone = torch.cat([attack(model, x[i : i + 1], y[i : i + 1], ball) for i in range(len(x))])
    torch.testing.assert_close(attack(model, x, y, ball), alone, rtol=ROUNDING, atol=ROUNDING)


@each_pgd_ball
def test_single_precision_stays_single_precision(ball):
    _, x, y = random_problem(15)
    for attack in ATTACKS.values():
        model = network(8, dtype=torch.float32)
        delta = attack(model, x.float(), y.long(), ball)
        assert delta.dtype == torch.float32
        assert ball.contains(delta, x.float()).all()
        exact = attack(model.double(), x, y, ball)
        # Signs and largest entries may tip over; that the steps are the same shows in the mean.
        assert float((delta - exact).abs().mean()) < 0.02


def test_linear_maximiser_in_single_precision():
    layer, (_, x, y) = nn.Linear(5, 1), random_problem(15)
    for ball in BALLS:
        delta = linear_maximiser(layer, x.float(), y, ball)
        assert delta.dtype == torch.float32
        assert ball.contains(delta, x.float()).all()


@each_pgd_ball
def test_a_random_start_is_reproduced_by_its_generator_and_a_restart_differs(ball):
    model, (_, x, y) = network(9), random_problem(16)
    attack = functools.partial(pgd, model, x, y, ball, step_size=0.01, n_steps=1)
    generator = seeded(0)
    first = attack(generator=generator)
    assert torch.equal(attack(generator=seeded(0)), first)
    assert not torch.equal(attack(generator=seeded(1)), first)
    assert not torch.equal(attack(generator=generator), first)
