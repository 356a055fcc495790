"""FGSM and PGD on a convolutional network: this package's, foolbox's and torchattacks'.

All run on the same network of two logits, from the image itself, with the same step size, number of
steps and box. Counts are compared first. The two libraries ascend the cross-entropy, this package
the log-odds of an error: the gradients have the same signs, but for those that the cross-entropy
rounds to 0.

A process that asks the system for memory anew in each step, or does not, by chance of what ran in
it before, is a fifth slower or faster, whichever library it runs. With glibc all are compared on
the same terms by

    MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592
"""

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks._report import interleaved, report
from lectures_code.attacks import fgsm, pgd
from lectures_code.experiments import seeded
from lectures_code.mnist import load_zero_one
from lectures_code.networks.models import convolutional_network
from lectures_code.networks.steps import AdamStep
from lectures_code.perturbations import NormBall
from lectures_code.risk import error
from lectures_code.training import train

EPSILON, STEPS = 0.2, 40
STEP_SIZE = EPSILON / 10
box = NormBall(torch.inf, EPSILON).in_box()
data = load_zero_one()
x, x_test = data.x_train.float(), data.x_test.float()
y, y_test = (data.y_train > 0).long(), (data.y_test > 0).long()
draw = seeded(0)
start = convolutional_network((8, 16), 50, generator=draw, n_outputs=2)
recipe = {"step_size": 0.003, "batch_size": 100, "n_epochs": 1, "generator": draw}
network, _ = train(start, x, y, step=AdamStep(), **recipe)

Attack = Callable[[], Tensor]


def by_foolbox(network: torch.nn.Module) -> dict[str, Attack]:
    """FGSM and PGD of foolbox, as functions that give perturbations."""
    import foolbox

    target = foolbox.PyTorchModel(network, bounds=(0, 1))
    attacks = foolbox.attacks
    each = {
        "FGSM": attacks.LinfFastGradientAttack(random_start=False),
        "PGD": attacks.LinfPGD(abs_stepsize=STEP_SIZE, steps=STEPS, random_start=False),
    }
    return {
        name: lambda attack=attack: attack(target, x_test, y_test, epsilons=EPSILON)[1] - x_test
        for name, attack in each.items()
    }


def by_torchattacks(network: torch.nn.Module) -> dict[str, Attack]:
    """FGSM and PGD of torchattacks, as functions that give perturbations."""
    import torchattacks

    each = {
        "FGSM": torchattacks.FGSM(network, eps=EPSILON),
        "PGD": torchattacks.PGD(
            network, eps=EPSILON, alpha=STEP_SIZE, steps=STEPS, random_start=False
        ),
    }
    return {
        name: lambda attack=attack: attack(x_test, y_test) - x_test for name, attack in each.items()
    }


runs: dict[str, Attack] = {
    "FGSM": lambda: fgsm(network, x_test, y_test, box),
    "PGD": lambda: pgd(network, x_test, y_test, box, step_size=STEP_SIZE, n_steps=STEPS),
}
for peer in (by_foolbox, by_torchattacks):
    library = peer.__name__.removeprefix("by_")
    try:
        runs |= {f"{name}, {library}": attack for name, attack in peer(network).items()}
    except ImportError:
        print(f"{library} is not installed (pip install --group peers): left out\n")

found = {name: attack() for name, attack in runs.items()}
mistakes, otherwise = {}, {}
for name, delta in found.items():
    mistakes[name] = error(network, box.perturbed(x_test, delta), y_test).k
    otherwise[name] = int(((delta - found[name.split(",")[0]]).abs() >= 1e-6).sum())
    print(f"{name}: {mistakes[name]} mistakes, {otherwise[name]} pixels not as by this package")
report(
    "What do FGSM and PGD of a network cost?",
    interleaved(runs, rounds=15),
    baseline="PGD",
    file="network_attack",
    mistakes=mistakes,
    pixels=x_test.numel(),
    pixels_not_as_here=otherwise,
)
