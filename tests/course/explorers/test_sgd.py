"""The SGD explorer without a browser: its settings, its steps, its still picture, its refusals."""

import math

import pytest
import torch
from scipy.optimize import minimize

from lectures_code.attacks import linear_maximiser
from lectures_code.explorers.sgd import SgdExplorer
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import adversarial_risk
from lectures_code.training import train

START = torch.tensor([-0.5, 2.5], dtype=torch.float64)
N = 22


def noisy_set(n=N, seed=1):
    generator = torch.Generator().manual_seed(seed)
    y = torch.tensor([-1.0, 1.0], dtype=torch.float64).repeat(n // 2)
    noise = torch.randn(n, 2, generator=generator, dtype=torch.float64)
    means, spread = torch.tensor([[0.8, 0.35], [1.2, 0.6]], dtype=torch.float64)
    return y[:, None] * means + spread * noise, y


def explorer(seed=0, **changes):
    x, y = noisy_set()
    arguments = {"x": x, "y": y, "radius": 0.4, "start": START, "batch_size": 5} | changes
    return SgdExplorer(**arguments, generator=torch.Generator().manual_seed(seed))


def layer(theta):
    module = torch.nn.Linear(2, 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        module.weight.copy_(theta[None])
    return module


@pytest.mark.parametrize(("minibatch", "batch_size", "n_steps"), [(True, 5, 20), (False, N, 12)])
def test_its_steps_are_those_of_training_from_the_same_generator(minibatch, batch_size, n_steps):
    ours = explorer(seed=3)
    ours.minibatch, ours.n_steps = minibatch, n_steps
    n_epochs = 4 if minibatch else n_steps  # five steps make an epoch of 22 in batches of 5
    recipe = {"step_size": ours.step_size, "batch_size": batch_size, "n_epochs": n_epochs}
    recipe["maximiser"] = lambda *batch: linear_maximiser(*batch, ball=ours.ball)
    draw = torch.Generator().manual_seed(3)
    model, _ = train(layer(START), *ours.examples, **recipe, generator=draw)
    # Sums of the same numbers in another order, over a few steps.
    assert torch.allclose(ours.path()[-1], model.weight.detach()[0], rtol=0, atol=1e-12)


def test_there_is_an_order_for_every_step_a_reader_can_take():
    for batch_size in (1, 5, 7, N):
        ours = explorer(batch_size=batch_size)
        ours.minibatch, ours.n_steps = True, 200
        assert ours.path().shape == (201, 2)
        for epoch in torch.tensor(ours.order).reshape(-1, N):
            assert epoch.sort().values.tolist() == list(range(N))


@pytest.mark.parametrize("radius", [0.0, 0.2, 0.6])
def test_no_search_finds_a_lower_risk_than_the_minimiser(radius):
    ours = explorer(radius=radius)
    x, y = ours.examples

    def risk(theta):
        weights = torch.as_tensor(theta, dtype=torch.float64)
        return adversarial_risk(LinearClassifier(weights, 0.0), x, y, ours.ball)

    options = {"xatol": 1e-8, "fatol": 1e-12}
    found = minimize(risk, (0.5, 0.5), method="Nelder-Mead", options=options)
    # The solver's tolerance on the risk, 1e-9, and that of this search on the weights.
    assert risk(ours.minimiser()) <= found.fun + 1e-9
    assert ours.minimiser().tolist() == pytest.approx(found.x.tolist(), abs=1e-4)


def test_the_still_picture_and_its_words_show_the_present_state():
    ours = explorer(radius=0.6)
    assert ours.minimiser()[1] == 0
    assert "the second weight is 0" in ours.alt and "60 steps leads from (-0.5, 2.5)" in ours.alt
    ours.radius, ours.n_steps = 0.05, 7
    assert "off the axes" in ours.alt and "7 steps" in ours.alt
    path = next(line for line in ours.still().axes[0].lines if line.get_label() == "steps")
    assert path.get_xydata().tolist() == ours.path().tolist()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start": torch.tensor([0.0, 3.5])}, r"two weights in \[-1, 3\] to be drawn, got \[0.0"),
        ({"start": torch.zeros(3)}, "start must be two weights"),
        ({"start": torch.tensor([0.0, math.nan])}, "start must be finite"),
        ({"radius": 0.7}, r"radius must lie in \[0, 0.6\], got 0.7"),
        ({"batch_size": N + 1}, f"at most the {N} examples, got {N + 1}"),
        ({"batch_size": 0}, "batch_size must be a whole number >= 1"),
        ({"x": torch.zeros(N, 3)}, "x must have two features to be drawn, got 3"),
        ({"x": torch.zeros(N, 2)}, "must not be separable"),
        ({"y": noisy_set()[0][:, 0].sign()}, "must not be separable by a line through 0"),
    ],
)
def test_what_cannot_be_shown_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        explorer(**changes)


@pytest.mark.parametrize("turn", [0.0, 1.0, 3.0])
def test_separable_data_are_told_from_others(turn):
    def spread(width, n=8):
        angles = turn + torch.linspace(-width / 2, width / 2, n, dtype=torch.float64)
        return torch.stack([angles.cos(), angles.sin()], dim=1), torch.ones(n)

    for width in (1.0, 3.1, math.pi):  # a closed half-plane: some line has all of them on one side
        x, y = spread(width)
        with pytest.raises(ValueError, match="must not be separable"):
            explorer(x=x, y=y)
    x, y = spread(3.5)
    assert explorer(x=x, y=y, radius=0.0).minimiser().abs().max() < 100


def test_examples_and_ball_survive_the_settings():
    ours = explorer()
    assert all(torch.equal(*both) for both in zip(ours.examples, noisy_set(), strict=True))
    assert ours.ball == NormBall(math.inf, 0.4)
