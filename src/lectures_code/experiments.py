"""The lecture's experiments, as functions of their parameters that return plain results."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lectures_code.checks import check_count
from lectures_code.logistic import LinearClassifier
from lectures_code.mnist import ZeroOne
from lectures_code.perturbations import NormBall
from lectures_code.training import initial_classifier, train_together


def two_feature_set(n: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    r"""A set in the plane on which accuracy and robustness ask for different classifiers.

    The first feature is :math:`y + \tfrac12 z_1`: far apart, but noisy. The second is
    :math:`\tfrac14 y + \tfrac1{16} z_2`: almost free of noise, but the classes are only 1/2 apart,
    so that a perturbation of 1/4 in each coordinate takes all its information away.

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
    ValueError
        If n is odd or less than 2.
    """
    if check_count("n", n, least=2) % 2:
        raise ValueError(f"n must be even, half for each class, got {n}: use {n + 1}")
    y = torch.tensor([-1.0, 1.0], dtype=torch.float64).repeat(n // 2)
    noise = torch.randn(n, 2, generator=generator, dtype=torch.float64)
    means = torch.tensor([1.0, 0.25], dtype=torch.float64)
    spread = torch.tensor([0.5, 0.0625], dtype=torch.float64)
    return y[:, None] * means + spread * noise, y


def train_from_seeds(
    data: ZeroOne,
    seeds: Sequence[int],
    *,
    radius: float,
    step_size: float = 1.0,
    batch_size: int = 100,
    n_epochs: int = 10,
) -> list[LinearClassifier]:
    """The lecture's recipe from many seeds, trained together.

    Parameters
    ----------
    data : ZeroOne
        Its training set is used.
    seeds : sequence of int
        Each gives a start and the order of the minibatches.
    radius : float
        Radius of the l-infinity ball trained against, in pixel units; 0 is standard training.
    step_size, batch_size, n_epochs
        As for :func:`lectures_code.training.train`; the defaults are the lecture's.

    Returns
    -------
    list of LinearClassifiers
        The last iterates, one for each seed.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    d = data.x_train.shape[1]
    return train_together(
        [initial_classifier(d, generator=each) for each in generators],
        data.x_train,
        data.y_train,
        NormBall(torch.inf, radius),
        step_size=step_size,
        batch_size=batch_size,
        n_epochs=n_epochs,
        generators=generators,
    )
