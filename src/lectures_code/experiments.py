"""The lecture's experiments, as functions of their parameters that return plain results."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from lectures_code.attacks import linear_maximiser
from lectures_code.checks import (
    check_count,
    check_generator,
    check_x,
)
from lectures_code.logistic import LinearClassifier
from lectures_code.mnist import Digits
from lectures_code.perturbations import NormBall
from lectures_code.proximal import proximal_step
from lectures_code.together import train_together
from lectures_code.training import as_module, epoch, gradient_step, initial_classifier


def seeded(seed: int) -> torch.Generator:
    """A fresh source of random numbers: two with the same `seed`, at least 0, give the same."""
    return torch.Generator().manual_seed(check_count("seed", seed, least=0))


def two_feature_set(n: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    r"""A set in the plane on which accuracy and robustness ask for different classifiers.

    The first feature is :math:`y + \tfrac34 z_1`, the second :math:`\tfrac14 y + \tfrac3{16} z_2`:
    each tells the classes apart equally well, but the second on a quarter of the scale, so that a
    perturbation of 1/4 in each coordinate takes all its information away.

    Parameters
    ----------
    n : int
        Number of examples, half of each class; even.
    generator : torch.Generator
        Draws the standard normal noise :math:`z`.

    Returns
    -------
    x : Tensor of shape (n, 2)
        Features, float64; not limited to [0, 1].
    y : Tensor of shape (n,)
        Labels, -1 and +1 in turn.

    Raises
    ------
    TypeError, ValueError
        If n is odd or less than 2, or there is no generator.

    Notes
    -----
    The classes overlap, so that the risk of a linear classifier has a minimiser even at radius 0:
    with n = 400, none of the sets of the seeds 0 to 999 is linearly separable. With fewer examples
    some are: with n = 100, 188 of these seeds.
    """
    n, generator = check_count("n", n, least=2), check_generator(generator)
    if n % 2:
        raise ValueError(f"n must be even, half for each class, got {n}: use {n + 1}")
    y = torch.tensor([-1.0, 1.0], dtype=torch.float64).repeat(n // 2)
    noise = torch.randn(n, 2, generator=generator, dtype=torch.float64)
    means = torch.tensor([1.0, 0.25], dtype=torch.float64)
    spread = torch.tensor([0.75, 0.1875], dtype=torch.float64)
    return y[:, None] * means + spread * noise, y


def train_from_seeds(
    data: Digits,
    seeds: Sequence[int],
    ball: NormBall,
    *,
    step_size: float = 1.0,
    batch_size: int = 100,
    n_epochs: int = 10,
    proximal: bool = False,
) -> list[LinearClassifier]:
    """The lecture's recipe from many seeds, trained together.

    Parameters
    ----------
    data : Digits
        Two digits; the training set is used.
    seeds : sequence of int
        Each, at least 0, gives a start and the order of the minibatches.
    ball : NormBall
        The perturbation set trained against, without the box; radius 0 is standard training.
    step_size, batch_size, n_epochs
        As for :func:`lectures_code.training.train`; the defaults are the lecture's.
    proximal : bool
        As for :func:`lectures_code.together.train_together`. Starts and minibatches are the same.

    Returns
    -------
    list of LinearClassifiers
        The last iterates, one for each seed.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    generators = [seeded(seed) for seed in seeds]
    d = data.x_train.shape[1]
    return train_together(
        [initial_classifier(d, generator=each) for each in generators],
        data.x_train,
        data.y_train,
        ball,
        step_size=step_size,
        batch_size=batch_size,
        n_epochs=n_epochs,
        generators=generators,
        proximal=proximal,
    )


@dataclass(frozen=True, eq=False)
class Iterates:
    """The classifiers that SGD went through, one for each epoch in each tuple.

    Attributes
    ----------
    last : tuple of LinearClassifiers
        The iterate at the end of the epoch.
    averaged : tuple of LinearClassifiers
        The mean of the iterates of the later half of the epochs so far, the present one included.
    """

    last: tuple[LinearClassifier, ...]
    averaged: tuple[LinearClassifier, ...]


def follow_sgd(
    start: LinearClassifier | nn.Linear,
    x: Tensor,
    y: Tensor,
    ball: NormBall,
    *,
    step_size: Callable[[int], float],
    batch_size: int = 100,
    n_epochs: int,
    generator: torch.Generator,
    proximal: bool = False,
) -> Iterates:
    """Adversarial training of a linear classifier, with a step for each epoch, iterates kept.

    Parameters
    ----------
    start : LinearClassifier or nn.Linear with one output
        The first iterate, converted to the dtype of x.
    x : Tensor of shape (n, d)
        Training examples.
    y : Tensor of shape (n,)
        Labels in {-1, +1}.
    ball : NormBall
        The perturbation set.
    step_size : callable
        Takes the epoch's number, from 0, and gives its step size, > 0.
    batch_size, n_epochs, generator
        As for :func:`lectures_code.training.train`, whose iterates these are.
    proximal : bool
        Whether step 2 is :func:`lectures_code.proximal.proximal_step`. Minibatches are the same.

    Returns
    -------
    Iterates
        After each epoch.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range or does not fit the others.
    """
    x, n_epochs = check_x(x), check_count("n_epochs", n_epochs)
    module, last, means = as_module(start).to(x.dtype), [], []
    attack = partial(linear_maximiser, ball=ball)
    step = proximal_step(ball) if proximal else gradient_step
    for k in range(n_epochs):
        steps = epoch(
            module,
            x,
            y,
            maximiser=attack,
            step=step,
            step_size=step_size(k),
            batch_size=batch_size,
            generator=generator,
        )
        iterates = torch.stack([_flat(module) for _ in steps])
        last.append(iterates[-1])
        means.append(iterates.mean(dim=0))
    averages = [torch.stack(means[k // 2 : k + 1]).mean(dim=0) for k in range(n_epochs)]
    classifiers = [[LinearClassifier(v[:-1], v[-1]) for v in each] for each in (last, averages)]
    return Iterates(*map(tuple, classifiers))


def _flat(module: nn.Linear) -> Tensor:
    return torch.cat([module.weight.detach()[0], module.bias.detach()])
