"""Ten digits: the published recipe of fast adversarial training, on the published network."""

import os
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn

from lectures_code.attacks import pgd
from lectures_code.checks import check_count, check_targets, check_x, real
from lectures_code.networks.checkpoints import checkpointed
from lectures_code.networks.distributed import SharedLoss, shared_maximiser
from lectures_code.networks.models import convolutional_network
from lectures_code.networks.steps import AdamStep
from lectures_code.perturbations import NormBall
from lectures_code.progress import progress
from lectures_code.training import Step, epoch

#: The perturbation set of the recipe: p = inf, radius 0.3, pixels kept in [0, 1].
BALL = NormBall(torch.inf, 0.3).in_box()
ATTACK_STEP = 0.375  # 1.25 times the radius
PEAK = 5e-3  # the largest step size of Adam


def cyclic(t: float) -> float:
    """The recipe's step size of Adam: from 0 up to 0.005 at t = 2/5, and down to 0 at t = 1.

    `t`, in [0, 1], is the share of the training that is done.
    """
    t = real(t)
    return PEAK * min(t / 0.4, (1 - t) / 0.6)


def fast_maximiser(model: nn.Module, x: Tensor, y: Tensor, *, generator: torch.Generator) -> Tensor:
    """The recipe's step 1: FGSM from a random start in the ball, then clipped to the box.

    Start and gradient are taken without regard to the box. Starts in the box would leave nearly all
    pixels of an image at one of two values, for the step is larger than the radius.

    Parameters
    ----------
    model, x, y, generator
        As for :func:`lectures_code.attacks.pgd`.

    Returns
    -------
    Tensor of shape (n, d)
        Perturbations inside :data:`BALL`.
    """
    ball = NormBall(BALL.p, BALL.radius)
    delta = pgd(model, x, y, ball, step_size=ATTACK_STEP, n_steps=1, generator=generator)
    return BALL.project(delta, x)


def fast_training(
    x: Tensor,
    y: Tensor,
    *,
    file: str | os.PathLike[str],
    n_epochs: int = 10,
    batch_size: int = 100,
    seed: int = 0,
    saves: bool = True,
) -> nn.Module:
    r"""Train the small network by FGSM from random starts, with a checkpoint after each epoch.

    The network is :func:`lectures_code.networks.models.convolutional_network` with ten outputs:
    166,406 parameters. The perturbation set is :data:`BALL`, the attack's step 0.375, and Adam's
    step size is :func:`cyclic`. Killed and called again with the same arguments, it goes on from
    the last checkpoint to the same bits. In a program that torchrun started, the processes share
    each minibatch.

    Parameters
    ----------
    x : Tensor of shape (n, 784)
        Training images as float32, each pixel in [0, 1], on the device that is to be used.
    y : Tensor of shape (n,)
        The digits.
    file : path
        The checkpoint, as for :func:`lectures_code.networks.checkpoints.checkpointed`.
    n_epochs, batch_size
        As for :func:`lectures_code.training.train`; the defaults are the recipe's.
    seed : int
        At least 0; gives the start, the order of the minibatches and the attacks' starts.
    saves : bool
        Whether this process writes checkpoints and shows a progress bar.

    Returns
    -------
    nn.Module
        The network, in evaluation mode.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range or does not fit the others, or the checkpoint is of another
        training.

    Notes
    -----
    The step size of Adam is taken in the middle of each minibatch's time.

    References
    ----------
    Wong, Rice and Kolter (2020), Fast is better than free, section 5.1.
    """
    x, n_epochs = check_x(x), check_count("n_epochs", n_epochs)
    y, batch_size = check_targets(y, len(x)), check_count("batch_size", batch_size)
    seed = check_count("seed", seed, least=0)
    generator = torch.Generator().manual_seed(seed)
    model = convolutional_network(generator=generator, n_outputs=10).to(x.device)
    adam = AdamStep(SharedLoss())
    attack = partial(fast_maximiser, generator=generator)
    n_batches = -(-len(x) // batch_size)
    settings = {"seed": seed, "batch_size": batch_size, "n": len(x)}
    for k in checkpointed(
        model, adam, generator, file=file, n_epochs=n_epochs, settings=settings, saves=saves
    ):
        times = ((k * n_batches + i + 0.5) / (n_epochs * n_batches) for i in range(n_batches))
        steps = epoch(
            model,
            x,
            y,
            maximiser=shared_maximiser(attack),
            step=_scheduled(adam, map(cyclic, times)),
            step_size=PEAK,
            batch_size=batch_size,
            generator=generator,
        )
        label = f"epoch {k + 1} of {n_epochs}"
        for _ in progress(steps, label=label, total=n_batches) if saves else steps:
            pass
    return model.eval()


def _scheduled(step: Step, sizes: Iterator[float]) -> Step:
    """The step with these sizes, one after the other, in place of the one that it is told."""

    def take(model: nn.Module, x: Tensor, y: Tensor, delta: Tensor, step_size: float) -> None:
        step(model, x, y, delta, next(sizes))

    return take
