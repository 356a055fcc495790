"""The recipe against its algorithm written out; and its command, on a few real images."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.ten_digits import __main__ as command
from lectures_code.mnist import Digits, Source
from lectures_code.networks import ten_digits
from lectures_code.networks.models import convolutional_network
from lectures_code.networks.records import recorded
from lectures_code.networks.ten_digits import (
    BALL,
    cyclic,
    fast_maximiser,
    fast_training,
)
from lectures_code.perturbations import NormBall
from tests.oracles import seeded

X = torch.rand(25, 784, generator=seeded(1))
X[:, ::2] = 0  # paper, as most of an image is
Y = torch.arange(25) % 10
FREE = NormBall(torch.inf, 0.3)


def weights(model):
    return torch.cat([value.detach().reshape(-1) for value in model.parameters()])


def written_out(n_epochs, batch_size):
    """Wong, Rice and Kolter's algorithm 3, with PyTorch's own loss, Adam and clamps."""
    generator = seeded(2)
    model = convolutional_network(generator=generator, n_outputs=10)
    adam = torch.optim.Adam(model.parameters())
    n_steps = n_epochs * -(-len(X) // batch_size)
    step = 0
    for _ in range(n_epochs):
        for batch in torch.randperm(len(X), generator=generator).split(batch_size):
            x, y = X[batch], Y[batch]
            delta = FREE.sample(x, generator=generator).requires_grad_()
            nn.functional.cross_entropy(model(x + delta), y).backward()
            moved = (delta.detach() + 0.375 * delta.grad.sign()).clamp(-0.3, 0.3)
            moved = (x + moved).clamp(0, 1) - x
            done = (step + 0.5) / n_steps
            adam.param_groups[0]["lr"] = float(np.interp(done, [0, 0.4, 1], [0, 5e-3, 0]))
            adam.zero_grad()
            nn.functional.cross_entropy(model(x + moved), y).backward()
            adam.step()
            step += 1
    return model


def test_training_is_the_published_algorithm(tmp_path):
    """In float32: the two sum in another order, and Adam divides by gradients that are near 0."""
    found = fast_training(X, Y, file=tmp_path / "a.pt", n_epochs=2, batch_size=10, seed=2)
    expected = weights(written_out(2, 10))
    assert len(expected) == 166_406
    start = weights(convolutional_network(generator=seeded(2), n_outputs=10))
    assert (weights(found) - expected).norm() < 1e-3 * (expected - start).norm()
    assert not found.training


def test_the_attack_stays_in_the_box_and_leaves_pixels_of_paper_between_its_ends():
    """Paper is where all pixels would be at their ends, were the start drawn in the box."""
    model = convolutional_network(generator=seeded(2), n_outputs=10)
    delta = fast_maximiser(model, X, Y, generator=seeded(3))
    assert BALL.contains(delta, X).all()
    paper = delta[X == 0]
    assert ((paper > 0.01) & (paper < 0.29)).double().mean() > 0.1


def test_the_step_size_rises_and_falls_in_straight_lines():
    for t in np.linspace(0, 1, 41):
        assert cyclic(t) == pytest.approx(np.interp(t, [0, 0.4, 1], [0, 5e-3, 0]), abs=1e-18)


def test_a_training_that_is_stopped_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    how = {"n_epochs": 2, "batch_size": 10, "seed": 2}
    expected = weights(fast_training(X, Y, file=tmp_path / "a.pt", **how))

    def stopped(steps, *, label, total):
        if label == "epoch 2 of 2":
            next(iter(steps))
            raise KeyboardInterrupt
        return steps

    with monkeypatch.context() as patch:
        patch.setattr(ten_digits, "progress", stopped)
        with pytest.raises(KeyboardInterrupt):
            fast_training(X, Y, file=tmp_path / "b.pt", **how)
    assert torch.equal(weights(fast_training(X, Y, file=tmp_path / "b.pt", **how)), expected)


def test_the_command_prints_and_keeps_what_it_found(tmp_path, monkeypatch, capsys):
    digits = Digits(X.double(), Y, X.double(), Y, tuple(range(10)), Source.SAMPLE, "none")
    monkeypatch.setattr(command, "load_ten", lambda source: digits)
    short = {"step_size": 0.1, "n_steps": 2, "n_restarts": 2, "n_queries": 20}
    monkeypatch.setattr(command, "ATTACK", short)
    command.main(["--epochs", "1", "--test", "5", "--sample", "--folder", str(tmp_path)])
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["test images"] == 5
    most = max(result["mistakes"].values())
    assert most <= result["mistakes under any attack"] <= 5
    assert result["accuracy in percent"]["clean"] == 20 * (5 - result["mistakes"]["clean"])
    assert result["versions"]["torch"] == torch.__version__
    assert str(tmp_path) not in json.dumps(result)
    printed = capsys.readouterr().out
    assert f"{result['accuracy in percent']['clean']:.2f} percent of 5" in printed
    assert result["threat model"] in printed


def test_the_recorded_result_agrees_with_itself_and_with_the_command():
    """Percentages are those of its counts, and the settings those of the command as it is now."""
    ten = recorded("ten_digits")
    n, mistakes = ten["test images"], ten["mistakes"]
    mistakes = mistakes | {"all attacks": ten["mistakes under any attack"]}
    expected = {name: round(100 * (1 - k / n), 2) for name, k in mistakes.items()}
    assert ten["accuracy in percent"] == expected
    assert mistakes["all attacks"] >= max(ten["mistakes"].values())
    assert ten["published"] == command.PUBLISHED and n == 10_000
    assert command.ATTACK.items() <= ten["attack"].items()
    assert ten["threat model"].startswith("norm inf; radius 0.3 ")
