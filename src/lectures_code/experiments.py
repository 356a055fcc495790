"""The lecture's experiments, as functions of their parameters that return plain results."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lectures_code.checks import check_count
from lectures_code.logistic import LinearClassifier
from lectures_code.mnist import ZeroOne
from lectures_code.perturbations import NormBall
from lectures_code.risk import ErrorCount, error, robust_error
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


@dataclass(frozen=True)
class SeedStudy:
    """One training recipe, run from many seeds, and each last iterate's mistakes on the test set.

    Parameters
    ----------
    trained_at : float
        Radius of the perturbations trained against; 0 is standard training.
    attacked_at : float
        Radius of the attack, l-infinity.
    clean : tuple of ErrorCount
        Mistakes without attack, by seed.
    attacked : tuple of ErrorCount
        Mistakes under attack.
    attacked_in_box : tuple of ErrorCount
        Mistakes under attack when every pixel must stay in [0, 1].
    """

    trained_at: float
    attacked_at: float
    clean: tuple[ErrorCount, ...]
    attacked: tuple[ErrorCount, ...]
    attacked_in_box: tuple[ErrorCount, ...]


def seed_study(
    data: ZeroOne,
    seeds: Sequence[int],
    *,
    train_radius: float,
    attack_radius: float,
    step_size: float = 1.0,
    batch_size: int = 100,
    n_epochs: int = 10,
) -> SeedStudy:
    """The lecture's recipe from many seeds, trained together.

    Parameters
    ----------
    data : ZeroOne
        Training and test set.
    seeds : sequence of int
        Each gives a start and the order of the minibatches.
    train_radius : float
        Radius of the l-infinity ball trained against; 0 is standard training.
    attack_radius : float
        Radius of the l-infinity ball that the last iterates are attacked with.
    step_size, batch_size, n_epochs
        As for :func:`lectures_code.training.train`; the defaults are the lecture's.

    Returns
    -------
    SeedStudy
        Counts on the test set, seed by seed.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    classifiers = classifiers_from_seeds(
        data,
        seeds,
        radius=train_radius,
        step_size=step_size,
        batch_size=batch_size,
        n_epochs=n_epochs,
    )
    x, y = data.x_test, data.y_test
    ball = NormBall(torch.inf, attack_radius)
    return SeedStudy(
        trained_at=train_radius,
        attacked_at=attack_radius,
        clean=tuple(error(each, x, y) for each in classifiers),
        attacked=tuple(robust_error(each, x, y, ball) for each in classifiers),
        attacked_in_box=tuple(robust_error(each, x, y, ball.in_box()) for each in classifiers),
    )


def classifiers_from_seeds(
    data: ZeroOne,
    seeds: Sequence[int],
    *,
    radius: float,
    step_size: float,
    batch_size: int,
    n_epochs: int,
) -> list[LinearClassifier]:
    """The last iterates of SGD against the l-infinity ball, one for each seed.

    Arguments and errors as for :func:`seed_study`.
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
