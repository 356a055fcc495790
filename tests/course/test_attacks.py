"""The inner maximisation: exact where it claims to be, inside the set, and without any trace."""

import copy
import functools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lectures_code.attacks import fgsm, linear_maximiser, pgd
from lectures_code.logistic import LinearClassifier, log_odds_of_error, losses, margins
from lectures_code.perturbations import NormBall
from tests.oracles import INF, largest, random_problem, says, vertices

# Rounding of a sum of a dozen numbers of size 1 to 10, with a reserve.
ROUNDING = 1e-12
# The oracle for p = 2 in a box minimises numerically; a minimum's value is good to this.
SEARCHED = 1e-7
BALLS = [
    NormBall(INF, 0.2),
    NormBall(2, 0.5),
    NormBall(1, 0.7),
    NormBall(1.5, 0.5),
    NormBall(3, 0.4),
    NormBall(INF, 0.2).in_box(),
    NormBall(2, 0.5).in_box(),
    NormBall(1, 0.7).in_box(),
]
PGD_BALLS = [ball for ball in BALLS if ball.p in (1, 2, INF)]


def name(ball):
    return f"p={ball.p:g}" + ("-boxed" if hasattr(ball, "low") else "")


each_ball = pytest.mark.parametrize("ball", BALLS, ids=name)
each_pgd_ball = pytest.mark.parametrize("ball", PGD_BALLS, ids=name)


def gain(model, delta, y):
    """How much each perturbation lowers the margin of a linear model."""
    return -y * (delta @ model.theta)


def network(seed=0, *, d=5, k=1, dtype=torch.float64):
    """A small smooth network; a random state of its own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(d, 8), nn.Tanh(), nn.Linear(8, k)).to(dtype)


def attacks():
    short = functools.partial(pgd, step_size=0.1, n_steps=3)
    return {
        "fgsm": fgsm,
        "pgd": short,
        "pgd from a random start": lambda *args: short(
            *args, generator=torch.Generator().manual_seed(1)
        ),
    }


each_attack = pytest.mark.parametrize("attack", attacks().values(), ids=attacks().keys())


# ---------------------------------------------------------------- exact on linear models


@each_ball
@pytest.mark.parametrize("seed", range(6))
def test_linear_maximiser_is_inside_the_set_and_as_good_as_an_independent_oracle(ball, seed):
    model, x, y = random_problem(seed)
    delta = linear_maximiser(model, x, y, ball)
    assert ball.contains(delta, x).all()
    found = gain(model, delta, y)
    searched = SEARCHED if ball.p == 2 and hasattr(ball, "low") else ROUNDING
    for i in range(len(x)):
        best = largest(-y[i] * model.theta, x[i], ball)
        assert float(found[i]) == pytest.approx(best, rel=searched, abs=searched)


@given(st.integers(0, 10**6), st.integers(1, 8), st.floats(0, 2), st.booleans())
@settings(max_examples=40)
def test_no_vertex_beats_linear_maximiser(seed, d, radius, boxed):
    model, x, y = random_problem(seed, n=3, d=d)
    ball = NormBall(INF, radius).in_box() if boxed else NormBall(INF, radius)
    found = gain(model, linear_maximiser(model, x, y, ball), y)
    for i in range(len(x)):
        corners = vertices(ball, x[i])
        at_corners = losses(model(x[i] + corners), y[i].expand(len(corners)))
        at_delta = losses(
            model(x[i] + linear_maximiser(model, x, y, ball)[i : i + 1]), y[i : i + 1]
        )
        assert float(at_delta) == pytest.approx(float(at_corners.max()), rel=ROUNDING)
        best = (corners @ (-y[i] * model.theta)).max()
        assert float(found[i]) == pytest.approx(float(best), rel=ROUNDING, abs=ROUNDING)


@each_ball
def test_linear_maximiser_attains_the_support(ball):
    model, x, y = random_problem(3)
    found = gain(model, linear_maximiser(model, x, y, ball), y)
    support = ball.support(-y[:, None] * model.theta, x)
    torch.testing.assert_close(found, support, rtol=ROUNDING, atol=ROUNDING)


def test_in_the_maximum_norm_it_is_the_lecture_s_sign_solution():
    model, x, y = random_problem(4)
    delta = linear_maximiser(model, x, y, NormBall(INF, 0.2))
    assert torch.equal(delta, -y[:, None] * 0.2 * model.theta.sign())
    clipped = linear_maximiser(model, x, y, NormBall(INF, 0.2).in_box())
    expected = (x - y[:, None] * 0.2 * model.theta.sign()).clamp(0, 1) - x
    torch.testing.assert_close(clipped, expected, rtol=ROUNDING, atol=ROUNDING)
    assert (delta[:, -1] == 0).all(), "a pixel without weight is left alone"


@each_ball
def test_radius_zero_and_weights_zero_leave_everything_as_it_is(ball):
    model, x, y = random_problem(5)
    assert (linear_maximiser(model, x, y, ball.with_radius(0)) == 0).all()
    blind = LinearClassifier(torch.zeros_like(model.theta), model.intercept)
    assert (linear_maximiser(blind, x, y, ball) == 0).all()


@each_ball
def test_a_layer_is_attacked_like_the_classifier_it_computes(ball):
    layer = nn.Linear(5, 1).double()
    _, x, y = random_problem(6)
    expected = linear_maximiser(LinearClassifier.of(layer), x, y, ball)
    assert torch.equal(linear_maximiser(layer, x, y, ball), expected)
    assert torch.equal(linear_maximiser(layer, x, y.long(), ball), expected)


@each_ball
@pytest.mark.parametrize("seed", range(3))
def test_fgsm_is_exact_on_linear_models(ball, seed):
    model, x, y = random_problem(seed)
    layer = nn.Linear(5, 1).double()
    with torch.no_grad():
        layer.weight.copy_(model.theta[None])
        layer.bias.copy_(model.intercept[None])
    exact = gain(model, linear_maximiser(model, x, y, ball), y)
    for attacked in (model, layer):
        delta = fgsm(attacked, x, y, ball)
        assert ball.contains(delta, x).all()
        torch.testing.assert_close(gain(model, delta, y), exact, rtol=1e-9, atol=ROUNDING)


@pytest.mark.parametrize("objective", [losses, log_odds_of_error])
def test_fgsm_is_the_radius_times_the_sign_of_the_loss_s_gradient(objective):
    model, (_, x, _) = network(1, k=3), random_problem(1)
    y = torch.arange(len(x)) % 3
    at = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(model(at), y), at)
    delta = fgsm(model, x, y, NormBall(INF, 0.2), objective=objective)
    assert torch.equal(delta, 0.2 * gradient.sign())


@each_pgd_ball
@pytest.mark.parametrize("start", ["zero", "random"])
@given(seed=st.integers(0, 10**6), n_steps=st.integers(1, 4), step_size=st.floats(1e-3, 10))
@settings(max_examples=15)
def test_pgd_never_beats_the_exact_maximiser(ball, start, seed, n_steps, step_size):
    model, x, y = random_problem(seed)
    generator = torch.Generator().manual_seed(seed) if start == "random" else None
    delta = pgd(model, x, y, ball, step_size=step_size, n_steps=n_steps, generator=generator)
    exact = gain(model, linear_maximiser(model, x, y, ball), y)
    assert ball.contains(delta, x).all()
    # `contains` grants a part in 1e-8 of the radius; nothing more may be gained.
    assert (gain(model, delta, y) <= exact + 1e-7).all()


@pytest.mark.parametrize("ball", [ball for ball in PGD_BALLS if ball.p != 1], ids=name)
@pytest.mark.parametrize("start", ["zero", "random"])
def test_pgd_reaches_the_exact_maximiser_of_a_linear_model(ball, start):
    model, x, y = random_problem(7)
    generator = torch.Generator().manual_seed(0) if start == "random" else None
    delta = pgd(model, x, y, ball, step_size=ball.radius, n_steps=200, generator=generator)
    exact = linear_maximiser(model, x, y, ball)
    # On the sphere each step shrinks the distance by a constant factor: 200 leave only rounding.
    torch.testing.assert_close(gain(model, delta, y), gain(model, exact, y), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("start", ["zero", "random"])
@pytest.mark.parametrize("seed", range(4))
def test_pgd_reaches_it_for_p_1_with_enough_steps(start, seed):
    model, x, y = random_problem(seed)
    ball = NormBall(1, 0.7)
    generator = torch.Generator().manual_seed(0) if start == "random" else None
    delta = pgd(model, x, y, ball, step_size=0.1, n_steps=100, generator=generator)
    exact = gain(model, linear_maximiser(model, x, y, ball), y)
    torch.testing.assert_close(gain(model, delta, y), exact, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("start", ["zero", "random"])
@pytest.mark.parametrize("seed", range(4))
def test_in_the_box_pgd_for_p_1_goes_on_to_the_next_pixel_at_a_face(start, seed):
    model, x, y = random_problem(seed, d=8)
    ball = NormBall(1, 1.5).in_box()
    generator = torch.Generator().manual_seed(0) if start == "random" else None
    step_size = 0.01
    delta = pgd(model, x, y, ball, step_size=step_size, n_steps=400, generator=generator)
    exact = gain(model, linear_maximiser(model, x, y, ball), y)
    # The last steps go to and fro by their own length, in one pixel at a time.
    within = 2 * step_size * float(model.theta.abs().max())
    assert (gain(model, delta, y) >= exact - within).all()


# ---------------------------------------------------------------- confident models

EPSILON = 0.2
DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]
FACTORS = [1, 10, 30, 100, 1000]


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
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)


@pytest.mark.parametrize("attack", [fgsm, longer], ids=["fgsm", "pgd"])
@each_form
@each_dtype
@pytest.mark.parametrize("factor", FACTORS)
def test_attacks_are_exact_however_confident_a_linear_model_is(attack, form, dtype, factor):
    check_confident(attack, factor, dtype, form)


@pytest.mark.parametrize("attack", [fgsm, longer], ids=["fgsm", "pgd"])
@each_form
@each_dtype
def test_the_attack_on_the_loss_is_not(attack, form, dtype):
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


# ---------------------------------------------------------------- inside the set, with gain


@each_pgd_ball
@pytest.mark.parametrize("start", ["zero", "random"])
def test_every_iterate_of_pgd_is_inside_the_set(ball, start):
    model, (_, x, y) = network(2), random_problem(8)
    visited = []

    def watched(z):
        visited.append(z.detach() - x)
        return model(z)

    generator = torch.Generator().manual_seed(0) if start == "random" else None
    last = pgd(watched, x, y, ball, step_size=0.3, n_steps=6, generator=generator)
    assert len(visited) == 6
    for delta in (*visited, last):
        assert ball.contains(delta, x).all()
        if hasattr(ball, "low"):
            assert float((x + delta).min()) >= -1e-15 and float((x + delta).max()) <= 1 + 1e-15
    assert (visited[0] == 0).all() == (start == "zero")


@each_attack
@each_pgd_ball
@pytest.mark.parametrize("k", [1, 3])
def test_attacks_raise_the_loss_of_a_network(attack, ball, k):
    model, (_, x, y) = network(3, k=k), random_problem(9, n=20)
    ball = ball.with_radius(ball.radius / 4)  # small, so that one linear step is enough
    y = torch.arange(len(x)) % 3 if k == 3 else y
    delta = attack(model, x, y, ball)
    assert ball.contains(delta, x).all()
    with torch.no_grad():
        before, after = losses(model(x), y), losses(model(x + delta), y)
    assert float(after.mean()) > float(before.mean())
    if not hasattr(ball, "low") and attack is fgsm:
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
@each_pgd_ball
def test_one_score_and_two_logits_are_attacked_alike(attack, ball):
    score, (_, x, y) = network(5), random_problem(11)

    def logits(z):
        return torch.cat([-score(z) / 2, score(z) / 2], dim=1)

    classes = (y.long() + 1) // 2
    of_score, of_logits = attack(score, x, y, ball), attack(logits, x, classes, ball)
    torch.testing.assert_close(of_logits, of_score, rtol=1e-9, atol=1e-9)


@each_attack
def test_scores_of_shape_n_and_n_1_are_attacked_alike(attack):
    model, (_, x, y) = network(5), random_problem(11)
    ball = NormBall(2, 0.3)
    flat = attack(lambda z: model(z)[:, 0], x, y, ball)
    assert torch.equal(flat, attack(model, x, y, ball))


@pytest.mark.parametrize("attack", [fgsm, attacks()["pgd"]])
def test_examples_are_attacked_one_by_one(attack):
    """The perturbation of an example does not depend on the others in the batch."""
    model, (_, x, y) = network(6), random_problem(12)
    ball = NormBall(2, 0.3).in_box()
    alone = torch.cat([attack(model, x[i : i + 1], y[i : i + 1], ball) for i in range(len(x))])
    torch.testing.assert_close(attack(model, x, y, ball), alone, rtol=ROUNDING, atol=ROUNDING)


# ---------------------------------------------------------------- without any trace


class Everything(nn.Module):
    """A network with all that could be changed by accident."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(5, 8)
        self.norm = nn.BatchNorm1d(8)
        self.drop = nn.Dropout(0.5)
        self.last = nn.Linear(8, 3)
        self.last.bias.requires_grad_(False)
        self.double()

    def forward(self, x):
        return self.last(self.drop(torch.relu(self.norm(self.first(x)))))


@each_attack
@each_pgd_ball
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("with_grad", [True, False])
def test_attacks_leave_no_trace(attack, ball, training, with_grad):
    torch.manual_seed(0)
    model = Everything().train(training)
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
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    for value, grad in zip(model.parameters(), grads, strict=True):
        assert (value.grad is None) if grad is None else torch.equal(value.grad, grad)
    assert torch.is_grad_enabled()


def test_the_guard_against_traces_can_fail():
    """The network above does change when it is simply called."""
    torch.manual_seed(0)
    model, (_, x, _) = Everything(), random_problem(13)
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    model(x)
    assert not torch.equal(model.state_dict()["norm.running_mean"], before["norm.running_mean"])
    assert not torch.equal(torch.get_rng_state(), random)


@each_attack
def test_a_network_is_attacked_in_the_mode_that_it_is_in(attack):
    torch.manual_seed(0)
    model, (_, x, _) = Everything(), random_problem(13)
    y, ball = torch.arange(len(x)) % 3, NormBall(2, 0.3)
    assert not torch.equal(attack(model, x, y, ball), attack(model.eval(), x, y, ball))


@each_attack
def test_attacks_work_where_gradients_are_switched_off(attack):
    model, (_, x, y) = network(7), random_problem(14)
    ball = NormBall(2, 0.3)
    expected = attack(model, x, y, ball)
    with torch.no_grad():
        assert torch.equal(attack(model, x, y, ball), expected)
        assert not torch.is_grad_enabled()


@each_attack
def test_examples_that_ask_for_gradients_are_attacked_alike(attack):
    model, (_, x, y) = network(7), random_problem(14)
    ball = NormBall(2, 0.3)
    asking = x.clone().requires_grad_()
    delta = attack(model, asking, y, ball)
    assert torch.equal(delta, attack(model, x, y, ball))
    assert not delta.requires_grad
    assert asking.grad is None


@each_attack
@each_pgd_ball
def test_single_precision_stays_single_precision(attack, ball):
    model, (_, x, y) = network(8, dtype=torch.float32), random_problem(15)
    delta = attack(model, x.float(), y.long(), ball)
    assert delta.dtype == torch.float32
    assert ball.contains(delta, x.float()).all()
    exact = attack(model.double(), x, y, ball)
    # Signs and largest entries may tip over; that the steps are the same ones shows in the mean.
    assert float((delta - exact).abs().mean()) < 0.02


def test_linear_maximiser_in_single_precision():
    layer, (_, x, y) = nn.Linear(5, 1), random_problem(15)
    for ball in BALLS:
        delta = linear_maximiser(layer, x.float(), y, ball)
        assert delta.dtype == torch.float32
        assert ball.contains(delta, x.float()).all()


@each_pgd_ball
def test_a_random_start_is_reproduced_by_its_generator(ball):
    model, (_, x, y) = network(9), random_problem(16)

    def attacked(seed):
        generator = torch.Generator().manual_seed(seed)
        return pgd(model, x, y, ball, step_size=0.01, n_steps=1, generator=generator)

    assert torch.equal(attacked(0), attacked(0))
    assert not torch.equal(attacked(0), attacked(1))


def test_a_generator_is_used_up_so_that_a_restart_differs():
    model, (_, x, y) = network(9), random_problem(16)
    generator = torch.Generator().manual_seed(0)
    restart = functools.partial(pgd, step_size=0.01, n_steps=1, generator=generator)
    ball = NormBall(INF, 0.2)
    assert not torch.equal(restart(model, x, y, ball), restart(model, x, y, ball))


class Images(nn.Module):
    """A network of images (n, 1, 4, 4), with batch norm."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(1, 3, 3)
        self.norm = nn.BatchNorm2d(3)
        self.last = nn.Linear(12, 2)
        self.double()

    def forward(self, x):
        return self.last(torch.relu(self.norm(self.convolution(x))).flatten(1))


@each_attack
def test_a_network_of_images_is_attacked_as_the_message_says(attack):
    torch.manual_seed(0)
    cnn, images = Images(), torch.rand(6, 1, 4, 4).double()
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
    assert all(torch.equal(value, before[name]) for name, value in cnn.state_dict().items())


@each_attack
def test_a_function_is_called_as_it_is(attack):
    """What is promised of modules is not promised of functions around them."""
    torch.manual_seed(0)
    cnn, x = Images(), torch.rand(6, 16).double()
    before = copy.deepcopy(cnn.state_dict())
    attack(lambda z: cnn(z.reshape(-1, 1, 4, 4)), x, torch.arange(6) % 2, NormBall(INF, 0.1))
    assert not torch.equal(cnn.norm.running_mean, before["norm.running_mean"])


# ---------------------------------------------------------------- modes, and modules of other kinds


@each_attack
def test_inference_mode_changes_nothing(attack):
    model, (_, x, y), ball = Everything(), random_problem(14), NormBall(2, 0.3).in_box()
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


@each_attack
@pytest.mark.parametrize("kind", ["script", "trace", "parallel", "part"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_modules_whose_parameters_cannot_be_replaced_are_attacked_alike(attack, kind):
    plain, (_, x, _) = Everything().eval(), random_problem(13)
    y, ball = torch.arange(len(x)) % 3, NormBall(2, 0.3)
    model = {
        "script": lambda: torch.jit.script(plain),
        "trace": lambda: torch.jit.trace(plain, x),
        "parallel": lambda: nn.DataParallel(plain),
        "part": lambda: nn.Sequential(torch.jit.script(plain)),
    }[kind]()
    assert torch.equal(attack(model, x, y, ball), attack(plain, x, y, ball))
    if kind == "trace":
        return
    model.train()
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    attack(model, x, y, ball)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(value.grad is None for value in model.parameters())


class Blind(nn.Module):
    """The same score for all examples, from a parameter."""

    def __init__(self):
        super().__init__()
        self.score = nn.Parameter(torch.ones(1).double())

    def forward(self, x):
        return self.score.expand(len(x))


@each_attack
@pytest.mark.parametrize(
    "model",
    [
        torch.no_grad()(network()),
        torch.inference_mode()(lambda z: z.sum(1)),
        lambda z: z.detach().sum(1),
        lambda z: torch.ones(len(z)).double(),
        Blind(),
        Blind().forward,
    ],
)
def test_models_without_gradients_in_the_examples_are_named(attack, model):
    text = (
        "the model's output must depend on x in a way that autograd can follow, and it does "
        "not: run the model without torch.no_grad, torch.inference_mode, detach and numpy"
    )
    with says(ValueError, text):
        attack(model, X, Y, BALL)


@each_attack
def test_a_model_s_nan_is_not_blamed_on_the_weights_of_a_set(attack):
    with pytest.raises(ValueError, match=r"^a model must give numbers, got 6 NaN among 6 outputs"):
        attack(lambda z: z.sum(1) * math.nan, X, Y, BALL)
    text = (
        "the gradient in x must be finite, got NaN or infinite entries for 2 of 6 examples: "
        "look for overflow, 0 / 0 or the square root of 0 in the model"
    )
    x = X.clone()
    x[1:3] = 0
    with says(ValueError, text):
        fgsm(lambda z: z.square().sum(1).sqrt(), x, Y, BALL)


@each_attack
@pytest.mark.parametrize("model", [network(), nn.Unflatten(1, (2, 2)), nn.Conv2d(1, 1, 2).double()])
def test_an_error_of_the_model_itself_says_how_it_was_called(attack, model):
    x = X.float() if isinstance(model, nn.Sequential) else X
    with pytest.raises(RuntimeError) as raised:
        attack(lambda z: model(z), x, Y, BALL)
    assert raised.value.__notes__ == [
        f"This came from the model, called with x of shape (6, 5) in {x.dtype}."
    ]


# ---------------------------------------------------------------- arguments that are refused

_, X, Y = random_problem(17)
BALL = NormBall(2, 0.3)
ANY = {"linear_maximiser": linear_maximiser, **attacks()}
any_attack = pytest.mark.parametrize("attack", ANY.values(), ids=ANY.keys())


@any_attack
@pytest.mark.parametrize("boxed", [False, True])
@pytest.mark.parametrize(
    ("x", "y", "error", "text"),
    [
        (X[:0], Y[:0], ValueError, "^x must hold at least one example"),
        ((255 * X).to(torch.uint8), Y, TypeError, "use .double\\(\\), and / 255 for pixels"),
        (X.index_fill(0, torch.tensor(0), math.nan), Y, ValueError, "^x must be finite, got 5 NaN"),
        (X[0], Y[:1], ValueError, "^x must have shape \\(n, d\\), got \\(5,\\): use x.reshape"),
        (X.tolist(), Y, TypeError, "^x must be a torch tensor, got list"),
        (
            X,
            (Y + 1) / 2,
            ValueError,
            "^labels must be -1 or \\+1, got 0 and 1: use 2 \\* y.long\\(\\) - 1$",
        ),
        (
            X,
            Y[:-1],
            ValueError,
            "^y must have shape \\(6,\\), one label for each example, got \\(5,",
        ),
        (X, Y.tolist(), TypeError, "^y must be a torch tensor, got list"),
    ],
)
def test_bad_examples_and_labels_are_refused(attack, x, y, error, text, boxed):
    model = nn.Linear(5, 1).double()
    with pytest.raises(error, match=text):
        attack(model, x, y, BALL.in_box() if boxed else BALL)


@any_attack
def test_pixels_outside_the_box_are_refused(attack):
    with pytest.raises(
        ValueError, match=r"^x must lie in \[0, 1\], got values .* divide pixels by"
    ):
        attack(nn.Linear(5, 1).double(), 255 * X, Y, BALL.in_box())


@each_attack
def test_examples_of_another_precision_than_the_model_s_are_refused(attack):
    text = (
        "x must have the model's dtype, got torch.float32 with 0.weight in torch.float64: "
        "use model.double() or x.float()"
    )
    with pytest.raises(TypeError, check=lambda raised: str(raised) == text):
        attack(network(), X.float(), Y, BALL)
    with pytest.raises(
        TypeError, match=r"^x must have the model's dtype, got torch.float64 with 0.w"
    ):
        attack(network(dtype=torch.float32), X, Y, BALL)
    classifier = LinearClassifier(torch.ones(5, dtype=torch.float64), 0.0)
    with pytest.raises(TypeError, match=r"^x must have the weights' dtype, got torch.float32"):
        attack(classifier, X.float(), Y, BALL)


def test_a_network_has_no_exact_maximiser():
    with pytest.raises(
        TypeError, match=r"^a linear classifier is an nn.Linear\(d, 1\), got Sequent"
    ):
        linear_maximiser(network(), X, Y, BALL)


@each_attack
def test_class_numbers_for_scores_and_labels_for_logits_are_refused(attack):
    with pytest.raises(ValueError, match=r"^labels must be -1 or \+1, got 0 and 1 and 2: keep two"):
        attack(network(), X, torch.arange(6) % 3, BALL)
    with pytest.raises(
        ValueError, match=r"^y must hold class numbers from 0 to 2 for 3 logits, got -1: "
    ):
        attack(network(k=3), X, Y, BALL)


@pytest.mark.parametrize("p", [1.5, 3])
def test_pgd_refuses_norms_that_it_has_no_step_for(p):
    text = f"pgd steps in the norms p = 1, 2 and inf, got p = {p:g}: use fgsm"
    with pytest.raises(ValueError, check=lambda raised: str(raised) == text):
        pgd(network(), X, Y, NormBall(p, 0.3), step_size=0.1, n_steps=1)


@pytest.mark.parametrize("step_size", [0, -0.1, math.nan, math.inf])
def test_pgd_refuses_steps_of_no_length(step_size):
    with pytest.raises(ValueError, match=r"^step_size must be a finite number > 0, got"):
        pgd(network(), X, Y, BALL, step_size=step_size, n_steps=1)


@pytest.mark.parametrize("n_steps", [0, -1, 1.5])
def test_pgd_refuses_to_take_no_step(n_steps):
    with pytest.raises(ValueError, match=r"^n_steps must be a whole number >= 1, got"):
        pgd(network(), X, Y, BALL, step_size=0.1, n_steps=n_steps)


def test_pgd_refuses_a_seed_for_a_generator():
    with pytest.raises(TypeError, match=r"^generator must be a torch.Generator, got int"):
        pgd(network(), X, Y, BALL, step_size=0.1, n_steps=1, generator=0)
