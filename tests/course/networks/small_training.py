"""A small training with checkpoints, to be killed on the way, by one process or by several.

    python -m tests.course.networks.small_training FOLDER [EPOCH.STEP]

There, both counted from 0, the process kills itself; under torchrun process 1 does, in its first
life. Process k leaves its weights in FOLDER/k.pt, and FOLDER/training.pt is the checkpoint.
"""

import os
import signal
import sys
from functools import partial
from pathlib import Path

import torch

from lectures_code.attacks import pgd
from lectures_code.networks.checkpoints import checkpointed
from lectures_code.networks.distributed import SharedLoss, joined, shared_maximiser
from lectures_code.networks.models import dense_network
from lectures_code.networks.steps import AdamStep, divergence_maximiser, trades_loss
from lectures_code.perturbations import NormBall
from lectures_code.training import epoch, train

N_EPOCHS = 3


def seeded(seed):
    return torch.Generator().manual_seed(seed)


X = torch.rand(22, 3, generator=seeded(1), dtype=torch.float64)
Y = torch.where(X[:, 0] > 0.5, 1.0, -1.0).double()
BALL = NormBall(torch.inf, 0.1).in_box()
SIZES = {"step_size": 0.05, "batch_size": 5}  # the last batch holds 2: parts are not all equal


def network():
    return dense_network(3, [6], generator=seeded(3)).double()


def weights(model):
    return torch.cat([value.detach().reshape(-1) for value in model.parameters()])


def attack(generator, maximiser=pgd):
    """One step from a random start: order and starts come from the same generator."""
    return partial(maximiser, ball=BALL, step_size=0.12, n_steps=1, generator=generator)


def resumable(file, before_step=lambda k, i: None, *, saves=True, loss=None, share=lambda a: a):
    """Weights after all epochs; `before_step` is told the epoch and the step."""
    model, generator = network(), seeded(4)
    step = AdamStep() if loss is None else AdamStep(loss)
    for k in checkpointed(model, step, generator, file=file, n_epochs=N_EPOCHS, saves=saves):
        how = {"maximiser": share(attack(generator)), "step": step, **SIZES}
        for i, _ in enumerate(epoch(model, X, Y, generator=generator, **how)):
            before_step(k, i + 1)
    return weights(model)


def measured(share=lambda a: a, shared=lambda loss: loss):
    """Weights and history of `train` itself: TRADES, whose loss calls the model twice."""
    generator = seeded(4)
    model, history = train(
        network(),
        X,
        Y,
        maximiser=share(attack(generator, divergence_maximiser)),
        step=AdamStep(shared(trades_loss(2.0))),
        n_epochs=N_EPOCHS,
        generator=generator,
        attack=partial(pgd, ball=BALL, step_size=0.05, n_steps=2),
        **SIZES,
    )
    return torch.cat([weights(model), torch.tensor(history.adversarial_risk, dtype=torch.float64)])


def main(folder, killed=""):
    torch.set_num_threads(1)
    folder = Path(folder)
    with joined() as number:
        mortal = os.environ.get("RANK", "1") == "1"
        mortal &= os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") == "0"

        def perhaps(k, i):
            if mortal and f"{k}.{i}" == killed:
                os.kill(os.getpid(), signal.SIGKILL)

        how = {"saves": number == 0, "loss": SharedLoss(), "share": shared_maximiser}
        found = {
            "resumable": resumable(folder / "training.pt", perhaps, **how),
            "measured": measured(shared_maximiser, SharedLoss),
        }
        torch.save(found, folder / f"{number}.pt")


if __name__ == "__main__":
    main(*sys.argv[1:])
