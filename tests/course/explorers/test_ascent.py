"""The ascent explorer without a browser: its network, its ascents, its still picture, refusals."""

import math

import pytest
import torch
from torch import nn

from lectures_code.attacks import fgsm, pgd
from lectures_code.explorers.ascent import AscentExplorer
from lectures_code.explorers.stored import network_as_json, network_from_json
from lectures_code.logistic import log_odds_of_error
from lectures_code.networks.models import dense_network
from lectures_code.perturbations import NormBall
from tests.oracles import INF, seeded

M = 7
UNIT = NormBall(INF, 1.0)


def examples(n=6):
    x = torch.randn(n, 2, generator=seeded(1), dtype=torch.float64)
    return x, 1.0 - 2 * (torch.arange(n) % 2).double()


def network(*hidden, seed=0, dtype=torch.float64):
    return dense_network(2, hidden, generator=seeded(seed)).to(dtype)


def drawn(seed=0):
    return UNIT.sample(torch.zeros(M, 2, dtype=torch.float64), generator=seeded(seed))


def explorer(model=None, **changes):
    x, y = examples()
    arguments = {"x": x, "y": y, "index": 2, "radius": 0.5, "starts": drawn()} | changes
    return AscentExplorer(network(8, 8) if model is None else model, **arguments)


@pytest.mark.parametrize("hidden", [(), (3,), (8, 5)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_network_survives_the_settings_exactly(hidden, dtype):
    model = network(*hidden, dtype=dtype)
    again = network_from_json(network_as_json(model, 2))
    assert [str(layer) for layer in again] == [str(layer) for layer in model]
    for mine, theirs in zip(again.parameters(), model.parameters(), strict=True):
        assert mine.dtype == torch.float64 and torch.equal(mine, theirs.double())


def test_a_layer_without_bias_is_stored_with_zeros():
    layer = nn.Linear(2, 1, bias=False)
    x, _ = examples()
    again = network_from_json(network_as_json(layer, 2))
    assert torch.equal(again(x), x @ layer.weight.double().T)


@pytest.mark.parametrize("n_steps", [1, 40])
def test_ascents_end_where_pgd_ends_from_the_same_starts(n_steps):
    ours = explorer(n_steps=n_steps)
    paths = ours.ascents()
    assert paths.shape == (M + 1, n_steps + 1, 2)
    x, y = (each.expand(M, *each.shape[1:]) for each in ours.example)
    how = {"step_size": 0.05, "n_steps": n_steps}
    attack = (ours.model, x, y, ours.ball)
    # The same operations in batches of another size, whose sums need not be rounded alike.
    assert torch.allclose(paths[0, -1], pgd(*attack, **how)[0], rtol=0, atol=1e-12)
    ends = pgd(*attack, **how, generator=seeded(0))
    assert torch.allclose(paths[1:, -1], ends, rtol=0, atol=1e-12)


def test_the_reader_may_use_fewer_starts():
    ours = explorer()
    every = ours.ascents()
    ours.n_starts = 2
    assert torch.equal(ours.ascents(), every[:3])


def test_on_a_linear_model_all_ascents_end_in_the_worst_corner():
    model = network()
    ours = explorer(model)
    ends, worst = ours.ascents()[:, -1], fgsm(model, *ours.example, ours.ball)
    assert torch.equal(ends, worst.expand_as(ends))
    value = float(log_odds_of_error(model(ours.example[0] + worst).detach(), ours.example[1]))
    assert ours.alt.count(f" {value:.1f}") == 3


def test_the_still_picture_and_its_words_show_the_present_state():
    ours = explorer()
    assert "radius 0.5 around" in ours.alt and "from 7 dots" in ours.alt and "40 steps" in ours.alt
    ours.radius, ours.n_steps, ours.x1, ours.n_starts = 0.25, 3, 0.125, 5
    assert "radius 0.25 around (0.12, " in ours.alt
    assert "from 5 dots" in ours.alt and "3 steps" in ours.alt
    lines = {line.get_label(): line.get_xydata() for line in ours.still().axes[0].lines}
    places = ours.example[0] + ours.ascents()[:, [0, -1]]
    assert lines["starts"].tolist() == places[:, 0].tolist()
    assert lines["ends"].tolist() == places[:, 1].tolist()


def test_it_begins_at_the_example_with_its_label():
    x, y = examples()
    for index in (0, 5):
        at, label = explorer(index=index).example
        assert torch.equal(at, x[[index]]) and torch.equal(label, y[[index]])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": torch.zeros(6, 3)}, "x must have two features to be drawn, got 3"),
        ({"index": 6}, "index must be at most 5, the last example's, got 6"),
        ({"index": -1}, "index must be a whole number >= 0"),
        ({"radius": 1.1}, r"radius must lie in \[0.05, 1\] to be drawn, got 1.1"),
        ({"radius": math.nan}, r"radius must lie in \[0.05, 1\] to be drawn, got nan"),
        ({"n_steps": 0}, r"n_steps must lie in \[1, 60\] to be drawn, got 0"),
        ({"n_steps": 61}, "n_steps must lie in"),
        ({"starts": torch.zeros(0, 2)}, r"starts must be of shape \(m, 2\) .* got shape \(0, 2\)"),
        ({"starts": torch.zeros(2)}, "starts must be of shape"),
        ({"starts": torch.full((3, 2), 1.1)}, r"with entries in \[-1, 1\], in radii"),
        ({"starts": torch.full((3, 2), math.nan)}, "starts must be finite"),
        ({"model": dense_network(3, [4], generator=seeded())}, "must take 2 features to one score"),
        (
            {"model": dense_network(2, [4], generator=seeded(), n_outputs=3)},
            "got one that takes 2 to 3",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        explorer(**changes)


@pytest.mark.parametrize(
    "model",
    [nn.ReLU(), nn.Sequential(), nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1))],
)
def test_other_layers_are_refused(model):
    with pytest.raises(TypeError, match="Linear layers with a ReLU between each two, got"):
        explorer(model)


def test_what_a_reader_cannot_set_is_refused_later_too():
    ours = explorer()
    for name, value in {"radius": 0.0, "n_steps": 100, "n_starts": M + 1}.items():
        with pytest.raises(ValueError, match=f"{name} must lie in"):
            setattr(ours, name, value)
    assert (ours.radius, ours.n_steps, ours.n_starts) == (0.5, 40, M)
