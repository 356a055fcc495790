"""Sets, networks and attacks to test."""

import functools

import pytest
import torch
from torch import nn

from lectures_code.attacks import fgsm, pgd
from lectures_code.experiments import seeded
from tests.oracles import BALLS, INF, name

PGD_BALLS = [ball for ball in BALLS if ball.p in (1, 2, INF)]


each_pgd_ball = pytest.mark.parametrize("ball", PGD_BALLS, ids=name)


def gain(model, delta, y):
    """How much each perturbation lowers the margin of a linear model."""
    return -y * (delta @ model.theta)


def network(seed=0, *, d=5, k=1, dtype=torch.float64):
    """A small smooth network; a random state of its own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(d, 8), nn.Tanh(), nn.Linear(8, k)).to(dtype)


short = functools.partial(pgd, step_size=0.1, n_steps=3)
ATTACKS = {
    "fgsm": fgsm,
    "pgd": short,
    "pgd from a random start": lambda *args: short(*args, generator=seeded(1)),
}
STARTS = {"zero": lambda: None, "random": lambda: seeded(0)}
each_attack = pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
each_start = pytest.mark.parametrize("start", STARTS.values(), ids=STARTS.keys())


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
