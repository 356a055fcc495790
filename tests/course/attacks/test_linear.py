"""Attacks on linear models find the exact maximiser, however confident the model is."""

import functools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from lectures_code.attacks import fgsm, linear_maximiser, pgd
from lectures_code.logistic import LinearClassifier, log_odds_of_error, losses, margins
from lectures_code.perturbations import NormBall
from lectures_code.training import as_module
from tests.course.attacks.models import PGD_BALLS, each_pgd_ball, each_start, gain, network
from tests.oracles import BALLS, INF, ROUNDING, each_ball, largest, name, random_problem, vertices


@each_ball
def test_linear_maximiser_is_inside_the_set_and_as_good_as_an_independent_oracle(ball):
    for seed in range(4):
        model, x, y = random_problem(seed)
        delta = linear_maximiser(model, x, y, ball)
        assert ball.contains(delta, x).all()
        best = [float(largest(-y[i] * model.theta, x[i], ball)) for i in range(len(x))]
        assert gain(model, delta, y).tolist() == pytest.approx(best, rel=ROUNDING, abs=ROUNDING)


class Sizes(TorchDispatchMode):
    """Within it, the bytes that each operation of PyTorch takes for its result; views take none."""

    def __init__(self):
        super().__init__()
        self.of_results = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and not function.is_view:
            self.of_results.append(result.untyped_storage().nbytes())
        return result


@each_ball
def test_linear_maximiser_makes_nothing_else_that_is_as_large_as_its_answer(ball):
    """On all of MNIST's zeros and ones that would be another 79 MB each time."""
    model, x, y = random_problem(0, n=1000)
    with Sizes() as sizes:
        delta = linear_maximiser(model, x, y, ball)
    assert len([size for size in sizes.of_results if size >= delta.nbytes]) == 1


@given(st.integers(0, 10**6), st.integers(1, 8), st.floats(0, 2), st.booleans())
@settings(max_examples=40)
def test_no_vertex_beats_linear_maximiser(seed, d, radius, boxed):
    model, x, y = random_problem(seed, n=3, d=d)
    ball = NormBall(INF, radius).in_box() if boxed else NormBall(INF, radius)
    found = losses(model(x + linear_maximiser(model, x, y, ball)), y)
    for i in range(len(x)):
        corners = vertices(ball, x[i])
        at_corners = losses(model(x[i] + corners), y[i].expand(len(corners)))
        assert float(found[i]) == pytest.approx(float(at_corners.max()), rel=ROUNDING)


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
def test_fgsm_is_exact_on_linear_models(ball):
    for seed in range(3):
        model, x, y = random_problem(seed)
        exact = gain(model, linear_maximiser(model, x, y, ball), y)
        for attacked in (model, as_module(model)):
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
@each_start
@given(seed=st.integers(0, 10**6), n_steps=st.integers(1, 4), step_size=st.floats(1e-3, 10))
@settings(max_examples=10)
def test_pgd_never_beats_the_exact_maximiser(ball, start, seed, n_steps, step_size):
    model, x, y = random_problem(seed)
    delta = pgd(model, x, y, ball, step_size=step_size, n_steps=n_steps, generator=start())
    exact = gain(model, linear_maximiser(model, x, y, ball), y)
    assert ball.contains(delta, x).all()
    # `contains` grants a part in 1e-8 of the radius; nothing more may be gained.
    assert (gain(model, delta, y) <= exact + 1e-7).all()


@pytest.mark.parametrize("ball", [ball for ball in PGD_BALLS if ball.p != 1], ids=name)
@each_start
def test_pgd_reaches_the_exact_maximiser_of_a_linear_model(ball, start):
    model, x, y = random_problem(7)
    delta = pgd(model, x, y, ball, step_size=ball.radius, n_steps=100, generator=start())
    exact = linear_maximiser(model, x, y, ball)
    # On the sphere each step shrinks the distance by a constant factor: 100 leave only rounding.
    torch.testing.assert_close(gain(model, delta, y), gain(model, exact, y), rtol=1e-9, atol=1e-9)


@each_start
def test_pgd_reaches_it_for_p_1_with_enough_steps(start):
    for seed in range(4):
        model, x, y = random_problem(seed)
        ball = NormBall(1, 0.7)
        delta = pgd(model, x, y, ball, step_size=0.1, n_steps=30, generator=start())
        exact = gain(model, linear_maximiser(model, x, y, ball), y)
        torch.testing.assert_close(gain(model, delta, y), exact, rtol=1e-9, atol=1e-9)


@each_start
def test_in_the_box_pgd_for_p_1_goes_on_to_the_next_pixel_at_a_face(start):
    ball, step_size = NormBall(1, 1.5).in_box(), 0.02
    for seed in range(3):
        model, x, y = random_problem(seed, d=8)
        delta = pgd(model, x, y, ball, step_size=step_size, n_steps=200, generator=start())
        exact = gain(model, linear_maximiser(model, x, y, ball), y)
        # The last steps go to and fro by their own length, in one pixel at a time.
        within = 2 * step_size * float(model.theta.abs().max())
        assert (gain(model, delta, y) >= exact - within).all()


@pytest.mark.parametrize("ball", [*BALLS[:3], NormBall(INF, 0.2).in_box()], ids=name)
def test_fgsm_is_the_first_step_of_pgd_from_0_with_the_radius_for_step_size(ball):
    for model in (network(2), random_problem(1)[0]):
        _, x, y = random_problem(2)
        step = pgd(model, x, y, ball, step_size=ball.radius, n_steps=1)
        torch.testing.assert_close(fgsm(model, x, y, ball), step, rtol=ROUNDING, atol=ROUNDING)


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
