"""Bounds on networks: below the truth, above nothing less, and with the gradients they say."""

import copy

import pytest
import torch
from torch import nn

from lectures_code.attacks import pgd
from lectures_code.experiments import seeded
from lectures_code.logistic import LinearClassifier, losses, margins
from lectures_code.multiclass import worst_gaps
from lectures_code.networks.bound_loss import BoundLoss, worst_losses
from lectures_code.networks.bounds import (
    interval_gaps,
    interval_margins,
    intervals,
    linear_functions,
    linear_gaps,
    linear_margins,
)
from lectures_code.networks.layers import layers_of
from lectures_code.networks.models import dense_network
from lectures_code.networks.steps import AdamStep
from lectures_code.perturbations import NormBall
from lectures_code.risk import worst_margins
from lectures_code.training import train
from tests.course.networks.cases import BOX, FREE, X, convolutional, dense, labels, least_margin
from tests.oracles import INF, ROUNDING, says

each_ball = pytest.mark.parametrize("ball", [FREE, BOX], ids=["free", "box"])
each_network = pytest.mark.parametrize("make", [dense, convolutional])
each_kind = pytest.mark.parametrize("k", [1, 3], ids=["score", "logits"])
each_bound = pytest.mark.parametrize("bound", [interval_margins, linear_margins])
SAMPLES = 5_000


@each_ball
@each_kind
def test_bounds_lie_below_the_truth_and_the_truth_below_an_attack(ball, k):
    """The truth by one linear program for each pattern of the ReLUs' signs."""
    model, y = dense(k), labels(k)
    truth = torch.tensor(
        [least_margin(model, x, int(own), ball) for x, own in zip(X, y, strict=True)]
    )
    below = torch.maximum(interval_margins(model, X, y, ball), linear_margins(model, X, y, ball))
    assert (below <= truth + ROUNDING).all()
    assert (below < truth - 1e-3).any(), "a relaxation is no truth"
    delta = pgd(model, X, y, ball, step_size=0.05, n_steps=20)
    attacked = margins(model(ball.perturbed(X, delta)), y).detach()
    assert (truth <= attacked + 1e-9).all()  # the tolerance of the linear programs


@each_ball
@each_kind
@each_network
@each_bound
def test_no_perturbation_has_a_smaller_margin_than_the_bound(bound, make, k, ball):
    model, y, draw = make(k), labels(k), seeded(4)
    low, high = ball.interval(X)
    share = torch.rand(SAMPLES, *X.shape, generator=draw, dtype=X.dtype)
    share[::2] = share[::2].round()  # corners
    inside = (low + share * (high - low)).reshape(-1, X.shape[1])
    with torch.no_grad():
        found = margins(model(inside), y.repeat(SAMPLES)).reshape(SAMPLES, -1).amin(dim=0)
    least = bound(model, X, y, ball)
    assert (least <= found + ROUNDING).all()
    # The guard can fail: a bound for half the radius is too high for some of these.
    assert (bound(model, X, y, ball.with_radius(0.1)) > found).any()


@each_ball
@each_kind
@each_network
def test_the_linear_functions_lie_below_the_gaps_everywhere_in_the_set(make, k, ball):
    model, y = make(k), labels(k)
    rows, constants = linear_functions(model, X, y, ball)
    low, high = ball.interval(X)
    nearest = torch.full((len(X),), INF, dtype=X.dtype)
    for share in torch.rand(500, *X.shape, generator=seeded(11), dtype=X.dtype):
        inside = low + share * (high - low)
        below = (rows @ inside[..., None])[..., 0] + constants
        room = margins(model(inside), y).detach() - below.min(dim=1).values
        assert (room >= -ROUNDING).all()
        nearest = torch.minimum(nearest, room)
    assert (nearest < 0.5).all(), "a function far below would prove nothing"


@each_ball
@each_kind
@each_network
def test_every_value_within_the_network_is_in_its_interval(make, k, ball):
    model = make(k)
    found = intervals(model, ball.interval(X))
    for corner in (0.0, 0.3, 1.0):
        low, high = found[0]
        value = low + corner * (high - low)
        for layer, (low, high) in zip(layers_of(model), found[1:], strict=True):
            value = layer(value)
            assert (low <= value + ROUNDING).all() and (value <= high + ROUNDING).all()


@each_ball
@each_bound
def test_a_linear_score_has_its_worst_margin_for_a_bound(bound, ball):
    layer = dense(hidden=())
    y = labels(1)
    expected = worst_margins(LinearClassifier.of(layer[0]), X, y, ball)
    torch.testing.assert_close(bound(layer, X, y, ball), expected, rtol=0, atol=ROUNDING)
    torch.testing.assert_close(bound(layer[0], X, y, ball), expected, rtol=0, atol=ROUNDING)


@each_ball
@pytest.mark.parametrize("gaps", [interval_gaps, linear_gaps])
def test_linear_logits_have_their_worst_gaps_for_bounds(gaps, ball):
    layer, y = dense(3, hidden=())[0], labels(3)
    found = gaps(layer, X, y, ball)
    exact = -worst_gaps(layer.weight.detach(), layer.bias.detach(), X, y, ball)
    others = exact[nn.functional.one_hot(y, 3) == 0].reshape(found.shape)
    torch.testing.assert_close(found.detach(), others, rtol=0, atol=ROUNDING)


@each_network
@each_bound
def test_with_radius_0_a_bound_is_the_margin(bound, make):
    for k in (1, 3):
        model, y = make(k), labels(k)
        clean = margins(model(X), y).detach()
        found = bound(model, X, y, BOX.with_radius(0))
        torch.testing.assert_close(found, clean, rtol=0, atol=ROUNDING)


@each_bound
def test_one_score_and_two_logits_have_one_bound(bound):
    score = dense()
    logits = copy.deepcopy(score)
    last = nn.Linear(3, 2).double()
    with torch.no_grad():
        last.weight.copy_(torch.cat([-score[-1].weight / 2, score[-1].weight / 2]))
        last.bias.copy_(torch.cat([-score[-1].bias / 2, score[-1].bias / 2]))
    logits[-1] = last
    found = bound(logits, X, (labels(1) + 1) // 2, BOX)
    expected = bound(score, X, labels(1), BOX)
    torch.testing.assert_close(found, expected, rtol=0, atol=ROUNDING)


def test_a_large_batch_is_bounded_like_its_parts():
    x = torch.rand(300, 4, generator=seeded(5), dtype=torch.float64)
    y, model = labels(3, 300), dense(3)
    for bound in (interval_margins, linear_margins):
        alone = torch.cat(
            [bound(model, x[i : i + 1], y[i : i + 1], BOX) for i in range(0, 300, 37)]
        )
        torch.testing.assert_close(bound(model, x, y, BOX)[::37], alone, rtol=0, atol=ROUNDING)


def test_neither_way_is_always_the_better_one():
    """A unit's lower line of slope 1 is below 0, its interval is not."""
    model, y = convolutional(3, seed=5), labels(3)
    found = linear_margins(model, X, y, BOX) - interval_margins(model, X, y, BOX)
    assert (found < -0.01).any()
    model = dense(3)
    assert (linear_margins(model, X, y, BOX) > interval_margins(model, X, y, BOX) + 0.005).all()


# What auto_LiRPA 0.3 gives, in float64, for the margins of `dense(3)` and `convolutional(3)` at X
# in the box: methods "IBP" and "CROWN" of its BoundedModule, with the gaps as specification.
AUTO_LIRPA = {
    ("dense", "IBP"): [-0.2875534, 0.09428057, -1.53497072, -0.3162556],
    ("dense", "CROWN"): [-0.28071992, 0.18501161, -1.37099663, -0.30834818],
    ("convolutional", "IBP"): [-1.19144598, -0.33573729, 0.08423115, -1.21876219],
    ("convolutional", "CROWN"): [-1.18150418, -0.29974387, 0.10201548, -1.16301659],
}


@pytest.mark.parametrize(("name", "method"), AUTO_LIRPA)
def test_bounds_agree_with_those_of_auto_lirpa(name, method):
    make = {"dense": dense, "convolutional": convolutional}[name]
    bound = {"IBP": interval_margins, "CROWN": linear_margins}[method]
    expected = torch.tensor(AUTO_LIRPA[name, method], dtype=torch.float64)
    found = bound(make(3), X, labels(3), BOX)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def rounded_margins(model, x, y, ball):
    """The margins that a model in float32 computes at the worst corner of its linear layer."""
    corner = ball.perturbed(x, ball.worst(model[0].weight.detach()[0], x, y))
    with torch.no_grad():
        return margins(model(corner), y).double()


def test_room_for_rounding_covers_what_a_model_in_single_precision_computes():
    """A linear model attains its bound, so that rounding takes it below in about half the cases."""
    x = (torch.randint(0, 256, (500, 64), generator=seeded(6)) / 256).float()
    y = labels(1, 500)
    model = dense_network(64, [], generator=seeded(7))
    ball = NormBall(INF, 1 / 16).in_box()  # so that the corners are numbers of float32
    computed = rounded_margins(model, x, y, ball)
    assert (computed < interval_margins(model, x, y, ball)).any()
    sure = interval_margins(model, x, y, ball, arithmetic=torch.float32)
    assert (sure <= computed).all()
    assert (sure > interval_margins(model, x, y, ball) - 1e-3).all()


@each_network
@each_kind
def test_room_for_rounding_costs_a_little_of_the_bound_and_no_more(make, k):
    model, y = make(k), labels(k)
    plain = interval_margins(model, X, y, BOX)
    for dtype, most in ((torch.float32, 1e-4), (torch.float64, 1e-12)):
        sure = interval_margins(model, X, y, BOX, arithmetic=dtype)
        assert (sure < plain).all()
        # With room for rounding, layers after the last ReLU but the last one are bounded one by
        # one; these networks have no more than one.
        assert (sure > plain - most).all()


@each_network
def test_gradients_of_the_bound_are_its_finite_differences(make):
    for k in (1, 3):
        model, y = make(k), labels(k)

        def total(model=model, y=y):
            return worst_losses(interval_gaps(model, X, y, BOX)).mean()

        parameters = list(model.parameters())
        gradients = torch.autograd.grad(total(), parameters)
        for value, gradient in zip(parameters, gradients, strict=True):
            direction = torch.randn(value.shape, generator=seeded(8), dtype=value.dtype)
            ends, step = [], 1e-6
            for sign in (1, -1):
                with torch.no_grad():
                    value.add_(sign * step * direction)
                    ends.append(float(total()))
                    value.sub_(sign * step * direction)
            slope = (ends[0] - ends[1]) / (2 * step)
            # Differences of numbers of size 1 in float64: 1e-16 / 1e-6, and a reserve.
            assert float((gradient * direction).sum()) == pytest.approx(slope, abs=1e-8)
        assert any(gradient.abs().max() > 1e-3 for gradient in gradients)


@each_bound
def test_bounds_leave_no_trace(bound):
    model, y = dense(3).float().train(), labels(3)
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    x = X.float().requires_grad_()
    found = bound(model, x.detach(), y, BOX)
    assert found.dtype == torch.float64 and not found.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(value.grad is None and value.requires_grad for value in model.parameters())
    assert all(part.training for part in model.modules())
    assert torch.equal(torch.get_rng_state(), random)
    # Computed in float64 whatever the model's dtype.
    exact = bound(model.double(), X.float().double(), y, BOX)
    torch.testing.assert_close(found, exact, rtol=0, atol=0)


class Doubled(nn.Linear):
    """A subclass that computes something else."""

    def forward(self, z):
        return 2 * super().forward(z)


@pytest.mark.parametrize(
    "layer", [nn.BatchNorm1d(4), nn.Tanh(), nn.Dropout(), Doubled(4, 4)], ids=lambda x: str(x)
)
def test_an_unknown_layer_is_refused(layer):
    model = nn.Sequential(nn.Linear(4, 4), nn.Sequential(layer), nn.Linear(4, 1)).double()
    for bound in (interval_margins, linear_margins):
        with says(
            TypeError,
            "bounds are known for Linear, Conv2d, ReLU, Flatten, Unflatten in a Sequential, got "
            f"{type(layer).__name__}: build the network of these layers",
        ):
            bound(model, X, labels(1), BOX)


@pytest.mark.parametrize("how", [{"padding": "same"}, {"padding": 1, "padding_mode": "circular"}])
def test_an_unknown_padding_is_refused(how):
    model = nn.Sequential(nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 1, 3, **how), nn.Flatten())
    padding = "'same'" if how["padding"] == "same" else "(1, 1)"
    with says(
        TypeError,
        "bounds are known for a Conv2d with a number of zeros for padding, got "
        f"padding={padding} with padding_mode={how.get('padding_mode', 'zeros')!r}: pad by numbers",
    ):
        interval_margins(model.double(), X, labels(4), BOX)


@each_bound
def test_wrong_arguments_are_refused(bound):
    with pytest.raises(ValueError, match="p must be inf"):
        bound(dense(), X, labels(1), NormBall(2, 0.3))
    with pytest.raises(ValueError, match="labels must be -1 or"):
        bound(dense(), X, labels(3), BOX)
    with says(
        ValueError,
        "a model must give one score, shape (n, 1), or k logits, shape (n, k), for each example, "
        "got (4, 1, 2, 2): flatten its output",
    ):
        bound(nn.Unflatten(1, (1, 2, 2)), X, labels(1), BOX)


def test_the_loss_of_a_bound_is_above_every_loss_in_the_set():
    for k in (1, 3):
        model, y = dense(k), labels(k)
        above = worst_losses(interval_gaps(model, X, y, BOX))
        delta = pgd(model, X, y, BOX, step_size=0.05, n_steps=20)
        assert (above >= losses(model(X + delta), y)).all()
        with torch.no_grad():
            clean = worst_losses(interval_gaps(model, X, y, BOX.with_radius(0)))
            torch.testing.assert_close(clean, losses(model(X), y))


def test_the_ramp_leads_from_the_clean_loss_to_the_bound_and_begins_anew_with_a_model():
    model, y, loss = dense(), labels(1), BoundLoss(BOX, ramp=2)
    clean = losses(model(X), y).mean()
    worst = [
        worst_losses(interval_gaps(model, X, y, BOX.with_radius(radius))).mean()
        for radius in (0.15, 0.3)
    ]
    expected = [clean, (clean + worst[0]) / 2, worst[1], worst[1]]
    for _ in range(2):
        found = [loss(model, X, y, torch.zeros_like(X)) for _ in expected]
        torch.testing.assert_close(torch.stack(found), torch.stack(expected))
        model = copy.deepcopy(model)


def test_training_on_the_bound_certifies_what_standard_training_does_not():
    draw = seeded(9)
    x = torch.rand(200, 2, generator=draw, dtype=torch.float64)
    x = x[(x[:, 0] - 0.5).abs() > 0.2]
    y = torch.where(x[:, 0] > 0.5, 1.0, -1.0).double()
    ball = NormBall(INF, 0.15).in_box()
    start = dense_network(2, [16, 16], generator=draw).double()
    recipe = {"step_size": 0.01, "batch_size": 20, "n_epochs": 30}
    certified = {}
    for name, step in {
        "standard": AdamStep(),
        "bound": AdamStep(BoundLoss(ball, ramp=100)),
    }.items():
        model, _ = train(start, x, y, step=step, generator=seeded(10), **recipe)
        certified[name] = int((interval_margins(model, x, y, ball) > 0).sum())
    assert certified["bound"] > 0.95 * len(x) > certified["standard"]
