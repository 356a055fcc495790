"""Forty seeds together against forty runs one after the other, of the same recipe.

The loop is the plain recipe, in float64 as the package. A few of its runs are timed and scaled to
forty: they are alike. The results are compared first: same starts, same batches, same iterates.
"""

from functools import partial

import torch

from benchmarks._recipe import train as recipe
from benchmarks._report import interleaved, report
from lectures_code.attacks import linear_maximiser
from lectures_code.experiments import train_from_seeds
from lectures_code.mnist import load_zero_one
from lectures_code.perturbations import NormBall
from lectures_code.training import as_module, initial_classifier, train

SEEDS, SAMPLE, EPSILON = 40, 4, 0.2

data = load_zero_one()
x, y = data.x_train, data.y_train
ball = NormBall(torch.inf, EPSILON)
exact = partial(linear_maximiser, ball=ball)


def one_with_the_package(seed: int) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(seed)
    start = as_module(initial_classifier(x.shape[1], generator=generator))
    small = {"evaluate_on": (data.x_test[:1], data.y_test[:1])}  # no time for a history
    sgd = {"step_size": 1.0, "batch_size": 100, "n_epochs": 10, "generator": generator}
    return train(start, x, y, maximiser=exact, **sgd, **small)[0]


together = train_from_seeds(data, range(SEEDS), ball)
for seed in range(2):
    assert torch.allclose(one_with_the_package(seed).weight[0], together[seed].theta, atol=1e-8)

seconds = interleaved(
    {
        "40 seeds together": lambda: train_from_seeds(data, range(SEEDS), ball),
        "plain loop": lambda: [recipe(x, y, epsilon=EPSILON, seed=s) for s in range(SAMPLE)],
        "loop over train()": lambda: [one_with_the_package(s) for s in range(SAMPLE)],
    },
    rounds=3,
)
for name in ("plain loop", "loop over train()"):
    seconds[name] = [SEEDS / SAMPLE * each for each in seconds[name]]
report("Forty seeds: together or in a loop?", seconds, baseline="plain loop", file="seeds")
