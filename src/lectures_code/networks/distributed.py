r"""The same training by several processes, each with its part of every minibatch.

`torchrun` starts the processes and, after one has died, starts them all again. Each runs the whole
program: it draws the same minibatches from the same generator, and :class:`SharedLoss` and
:func:`shared_maximiser` leave it its part of the work. PyTorch's `DistributedDataParallel` averages
the gradients, so that all take the same step: that of one process with the whole minibatch, up to
rounding. Without torchrun there is one process, and its part is everything.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from lectures_code.networks.steps import Loss, adversarial_loss
from lectures_code.training import Maximiser


@contextmanager
def joined() -> Iterator[int]:
    """Within it the processes that torchrun started belong together; gives this one's number.

    They talk by gloo, on the addresses that torchrun names. In a program that was started without
    torchrun nothing happens, and the number is 0. Restarts are tested on one machine; on several,
    torchrun may count them differently on each, and processes could then wait for each other.
    """
    if not distributed.is_torchelastic_launched():
        yield 0
        return
    store, number, n_processes = next(distributed.rendezvous("env://"))
    # torchrun keeps its store over a restart, and with it the addresses of processes that are gone:
    # a new process that is first to look would wait for one of them.
    life = distributed.PrefixStore(f"life-{os.environ['TORCHELASTIC_RESTART_COUNT']}", store)
    distributed.init_process_group("gloo", store=life, rank=number, world_size=n_processes)
    try:
        yield number
    finally:
        distributed.destroy_process_group()


def shared_maximiser(maximiser: Maximiser) -> Maximiser:
    """Step 1 for this process's part of a minibatch.

    The maximiser is called with the whole minibatch, so that it draws for each example what it
    draws in one process; but the model, which takes the time, is called on this part alone.

    Parameters
    ----------
    maximiser : callable
        Step 1 of :func:`lectures_code.training.epoch`. It must treat each example by itself, as
        attacks do, and take a model of any kind.

    Returns
    -------
    callable
        A step 1 whose perturbations are meant for :class:`SharedLoss`: those of other parts are
        inside the set, and of no use.
    """

    def maximise(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        part = _part(len(x))
        return maximiser(model if part == slice(0, len(x)) else _OnPart(model, part), x, y)

    return maximise


class SharedLoss:
    """A loss for :class:`lectures_code.networks.steps.AdamStep`: this process's share of it.

    The shares add up to the loss of the minibatch, and so do their gradients, which the processes
    exchange in the backward pass. Parts are as equal as can be.

    Parameters
    ----------
    loss : callable, optional
        As for :class:`lectures_code.networks.steps.AdamStep`; a mean over examples. Batch norm and
        dropout in training mode see a part, and not the minibatch: with them the steps are others.
    """

    def __init__(self, loss: Loss = adversarial_loss) -> None:
        self.loss = loss
        self._model: nn.Module | None = None

    def __call__(self, model: nn.Module, x: Tensor, y: Tensor, delta: Tensor) -> Tensor:
        """This process's share, shape (); its gradient is the mean of all processes' gradients."""
        if not distributed.is_initialized():
            return self.loss(model, x, y, delta)
        n, n_processes = len(x), distributed.get_world_size()
        if n < n_processes:
            raise ValueError(
                f"a minibatch must hold an example for each of {n_processes} processes, got {n}: "
                "choose batch_size so that the last one holds more, or start fewer"
            )
        if model is not self._model:
            self._model, self._parallel = model, DistributedDataParallel(model)
        part = _part(n)
        share = (part.stop - part.start) * n_processes / n
        return share * self.loss(self._parallel, x[part], y[part], delta[part])


def _part(n: int) -> slice:
    """This process's part of n examples."""
    if not distributed.is_initialized():
        return slice(0, n)
    k, n_processes = distributed.get_rank(), distributed.get_world_size()
    return slice(k * n // n_processes, (k + 1) * n // n_processes)


class _OnPart(nn.Module):
    """A model that is called on a part of the examples; outputs of the others are 0."""

    def __init__(self, model: nn.Module, part: slice) -> None:
        super().__init__()
        self.model, self.part = model, part

    def forward(self, x: Tensor) -> Tensor:
        found = self.model(x[self.part])
        outputs = found.new_zeros(len(x), *found.shape[1:])
        outputs[self.part] = found
        return outputs
