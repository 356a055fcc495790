"""Attacks on networks, which leave no traces on them."""

import copy
import functools

import pytest
import torch
from torch import nn

from lectures_code.attacks import fgsm, linear_maximiser, pgd
from lectures_code.experiments import seeded
from lectures_code.logistic import losses
from lectures_code.perturbations import BoxedNormBall, NormBall
from tests.course.attacks import models
from tests.oracles import BALLS, INF, ROUNDING, random_problem, says


@models.each_pgd_ball
@models.each_start
def test_every_iterate_of_pgd_is_inside_the_set(ball, start):
    model, (_, x, y) = models.network(2), random_problem(8)
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


@models.each_pgd_ball
@pytest.mark.parametrize("k", [1, 3])
def test_attacks_raise_the_loss_of_a_network(ball, k):
    model, (_, x, y) = models.network(3, k=k), random_problem(9, n=20)
    ball = ball.with_radius(ball.radius / 4)  # small, so that one linear step is enough
    y = torch.arange(len(x)) % 3 if k == 3 else y
    for attack in models.ATTACKS.values():
        delta = attack(model, x, y, ball)
        assert ball.contains(delta, x).all()
        with torch.no_grad():
            before, after = losses(model(x), y), losses(model(x + delta), y)
        assert float(after.mean()) > float(before.mean())
        if not isinstance(ball, BoxedNormBall) and attack is fgsm:
            assert (after > before).all()


@models.each_attack
def test_examples_stay_as_they_are_where_a_model_overwrites_its_argument(attack):
    model, (_, x, y) = models.network(3), random_problem(9)
    before = x.clone()
    attack(lambda z: model(z.data.mul_(0) + z), x, y, NormBall(INF, 0.1))
    assert torch.equal(x, before)


@models.each_pgd_ball
def test_more_steps_of_pgd_find_no_less_than_fgsm_on_a_network(ball):
    model, (_, x, y) = models.network(4), random_problem(10, n=20)
    with torch.no_grad():
        one = losses(model(x + fgsm(model, x, y, ball)), y)
        steps = pgd(model, x, y, ball, step_size=ball.radius / 10, n_steps=60)
        many = losses(model(x + steps), y)
    assert float(many.mean()) >= float(one.mean()) - 1e-3


@models.each_attack
def test_one_score_and_two_logits_are_attacked_alike(attack):
    score, (_, x, y) = models.network(5), random_problem(11)

    def logits(z):
        return torch.cat([-score(z) / 2, score(z) / 2], dim=1)

    classes = (y.long() + 1) // 2
    for ball in models.PGD_BALLS:
        of_score, of_logits = attack(score, x, y, ball), attack(logits, x, classes, ball)
        torch.testing.assert_close(of_logits, of_score, rtol=1e-9, atol=1e-9)


@models.each_attack
def test_scores_of_shape_n_and_n_1_are_attacked_alike(attack):
    model, (_, x, y) = models.network(5), random_problem(11)
    ball = NormBall(2, 0.3)
    flat = attack(lambda z: model(z)[:, 0], x, y, ball)
    assert torch.equal(flat, attack(model, x, y, ball))


@pytest.mark.parametrize("attack", [fgsm, models.ATTACKS["pgd"]])
def test_examples_are_attacked_one_by_one(attack):
    """The perturbation of an example does not depend on the others in the batch."""
    model, (_, x, y) = models.network(6), random_problem(12)
    ball = NormBall(2, 0.3).in_box()
    alone = torch.cat([attack(model, x[i : i + 1], y[i : i + 1], ball) for i in range(len(x))])
    torch.testing.assert_close(attack(model, x, y, ball), alone, rtol=ROUNDING, atol=ROUNDING)


@models.each_pgd_ball
def test_single_precision_stays_single_precision(ball):
    _, x, y = random_problem(15)
    for attack in models.ATTACKS.values():
        model = models.network(8, dtype=torch.float32)
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


@models.each_pgd_ball
def test_a_random_start_is_reproduced_by_its_generator_and_a_restart_differs(ball):
    model, (_, x, y) = models.network(9), random_problem(16)
    attack = functools.partial(pgd, model, x, y, ball, step_size=0.01, n_steps=1)
    generator = seeded(0)
    first = attack(generator=generator)
    assert torch.equal(attack(generator=seeded(0)), first)
    assert not torch.equal(attack(generator=seeded(1)), first)
    assert not torch.equal(attack(generator=generator), first)


def assert_same_state(model, before):
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


@models.each_attack
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("with_grad", [True, False])
def test_attacks_leave_no_trace(attack, training, with_grad):
    torch.manual_seed(0)
    model, ball = models.Everything().train(training), NormBall(2, 0.3).in_box()
    model.drop.train(True)  # a mode of its own, which must stay too
    _, x, _ = random_problem(13)
    y = torch.arange(len(x)) % 3
    if with_grad:
        losses(model(x), y).sum().backward()
    before = copy.deepcopy(model.state_dict())
    modes = [module.training for module in model.modules()]
    wants = [value.requires_grad for value in model.parameters()]
    grads = [None if value.grad is None else value.grad.clone() for value in model.parameters()]
    x_before, y_before, random = x.clone(), y.clone(), torch.get_rng_state()

    delta = attack(model, x, y, ball)

    assert not delta.requires_grad
    assert torch.equal(x, x_before) and torch.equal(y, y_before)
    assert x.grad is None and not x.requires_grad
    assert torch.equal(torch.get_rng_state(), random)
    assert [module.training for module in model.modules()] == modes
    assert [value.requires_grad for value in model.parameters()] == wants
    assert_same_state(model, before)
    for value, grad in zip(model.parameters(), grads, strict=True):
        assert (value.grad is None) if grad is None else torch.equal(value.grad, grad)
    assert torch.is_grad_enabled()


def test_the_guard_against_traces_can_fail():
    """The network above does change when it is simply called."""
    torch.manual_seed(0)
    model, (_, x, _) = models.Everything(), random_problem(13)
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    model(x)
    assert not torch.equal(model.state_dict()["norm.running_mean"], before["norm.running_mean"])
    assert not torch.equal(torch.get_rng_state(), random)


@models.each_attack
def test_a_network_is_attacked_in_the_mode_that_it_is_in(attack):
    torch.manual_seed(0)
    model, (_, x, _) = models.Everything(), random_problem(13)
    y, ball = torch.arange(len(x)) % 3, NormBall(2, 0.3)
    assert not torch.equal(attack(model, x, y, ball), attack(model.eval(), x, y, ball))


@models.each_attack
def test_gradients_that_are_switched_off_or_asked_for_change_nothing(attack):
    model, (_, x, y) = models.network(7), random_problem(14)
    ball, asking = NormBall(2, 0.3), x.clone().requires_grad_()
    expected = attack(model, x, y, ball)
    with torch.no_grad():
        assert torch.equal(attack(model, x, y, ball), expected)
        assert not torch.is_grad_enabled()
    delta = attack(model, asking, y, ball)
    assert torch.equal(delta, expected) and not delta.requires_grad
    assert asking.grad is None


@models.each_attack
def test_a_network_of_images_is_attacked_as_the_message_says(attack):
    torch.manual_seed(0)
    cnn, images = models.Images(), torch.rand(6, 1, 4, 4).double()
    y, ball = torch.arange(6) % 2, NormBall(INF, 0.1).in_box()
    with says(
        ValueError,
        "x must have shape (n, d), got (6, 1, 4, 4): use x.reshape(len(x), -1) on images, and "
        "nn.Sequential(nn.Unflatten(1, (1, 4, 4)), model) on a model of images",
    ):
        attack(cnn, images, y, ball)
    before = copy.deepcopy(cnn.state_dict())
    x = images.reshape(len(images), -1)
    model = nn.Sequential(nn.Unflatten(1, (1, 4, 4)), cnn)
    delta = attack(model, x, y, ball)
    assert float(losses(model(x + delta), y).mean()) > float(losses(model(x), y).mean())
    cnn.load_state_dict(before)
    attack(model, x, y, ball)
    assert_same_state(cnn, before)


@models.each_attack
def test_a_function_is_called_as_it_is(attack):
    """What is promised of modules is not promised of functions around them."""
    torch.manual_seed(0)
    cnn, x = models.Images(), torch.rand(6, 16).double()
    before = copy.deepcopy(cnn.state_dict())
    attack(lambda z: cnn(z.reshape(-1, 1, 4, 4)), x, torch.arange(6) % 2, NormBall(INF, 0.1))
    assert not torch.equal(cnn.norm.running_mean, before["norm.running_mean"])


@models.each_attack
def test_inference_mode_changes_nothing(attack):
    model, (_, x, y), ball = models.Everything(), random_problem(14), NormBall(2, 0.3).in_box()
    y = torch.arange(len(x)) % 3
    torch.manual_seed(0)
    expected = attack(model, x, y, ball)
    with torch.inference_mode():
        made_there = copy.deepcopy(model), x.clone(), y.clone()
        torch.manual_seed(0)
        assert torch.equal(attack(model, x, y, ball), expected)
        torch.manual_seed(0)
        assert torch.equal(attack(*made_there, ball), expected)
    torch.manual_seed(0)
    assert torch.equal(attack(*made_there, ball), expected)


@pytest.mark.parametrize("kind", ["script", "trace", "parallel", "part"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_modules_whose_parameters_cannot_be_replaced_are_attacked_alike(kind):
    plain, (_, x, _) = models.Everything().eval(), random_problem(13)
    y, ball = torch.arange(len(x)) % 3, NormBall(2, 0.3)
    model = {
        "script": lambda: torch.jit.script(plain),
        "trace": lambda: torch.jit.trace(plain, x),
        "parallel": lambda: nn.DataParallel(plain),
        "part": lambda: nn.Sequential(torch.jit.script(plain)),
    }[kind]()
    for attack in models.ATTACKS.values():
        assert torch.equal(attack(model, x, y, ball), attack(plain, x, y, ball))
    if kind == "trace":
        return
    model.train()
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    for attack in models.ATTACKS.values():
        attack(model, x, y, ball)
        assert torch.equal(torch.get_rng_state(), random)
        assert_same_state(model, before)
        assert all(value.grad is None for value in model.parameters())
