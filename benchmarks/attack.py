"""The closed-form attack and the error curve against PGD with 40 steps, on the same classifier.

PGD is the package's own, and foolbox's where installed. Errors are compared first: PGD never
counts more than the exact attack, and here it should reach it.
"""

from functools import partial

import torch

from benchmarks._report import interleaved, report
from lectures_code.attacks import linear_maximiser, pgd
from lectures_code.experiments import train_from_seeds
from lectures_code.logistic import LinearClassifier
from lectures_code.mnist import load_zero_one
from lectures_code.perturbations import NormBall
from lectures_code.risk import error, error_curve, robust_error
from lectures_code.training import as_module

EPSILON, STEPS = 0.2, 40
data = load_zero_one()
x, y = data.x_test, data.y_test
ball = NormBall(torch.inf, EPSILON)
(model,) = train_from_seeds(data, [0], ball.with_radius(0))
step = {"step_size": EPSILON / 10, "n_steps": STEPS}
runs = {
    "PGD-40": lambda: pgd(model, x, y, ball, **step),
    "PGD-40, boxed": lambda: pgd(model, x, y, ball.in_box(), **step),
    "closed form": lambda: linear_maximiser(model, x, y, ball),
    "closed form, boxed": lambda: linear_maximiser(model, x, y, ball.in_box()),
}


def by_foolbox(model: LinearClassifier) -> torch.Tensor:
    """foolbox's PGD on the two-logit form of the classifier; it keeps pixels in [0, 1]."""
    import foolbox

    layer = as_module(model)
    logits = torch.nn.Linear(len(model.theta), 2, dtype=x.dtype)
    with torch.no_grad():
        logits.weight.copy_(torch.cat([torch.zeros_like(layer.weight), layer.weight]))
        logits.bias.copy_(torch.cat([torch.zeros_like(layer.bias), layer.bias]))
    attack = foolbox.attacks.LinfPGD(rel_stepsize=0.1, steps=STEPS, random_start=False)
    target = foolbox.PyTorchModel(logits.eval(), bounds=(0, 1))
    _, clipped, _ = attack(target, x, ((y + 1) / 2).long(), epsilons=EPSILON)
    return clipped - x


try:
    by_foolbox(model)
    runs["foolbox PGD-40, boxed"] = partial(by_foolbox, model)
except ImportError:
    print("foolbox is not installed (pip install --group peers): left out\n")

for name, run in runs.items():
    exact = robust_error(model, x, y, ball.in_box() if "boxed" in name else ball)
    found = error(model, x + run(), y)
    assert found.k <= exact.k
    print(f"{name}: {found}, exact {exact}")

curve_radii = torch.linspace(0, 0.5, 50, dtype=torch.float64)
curves = [error_curve(model, x, y, ball).counts(curve_radii)]
curves.append(
    torch.tensor([robust_error(model, x, y, ball.with_radius(float(r))).k for r in curve_radii])
)
assert torch.equal(*curves)
runs["error curve, 50 radii"] = lambda: error_curve(model, x, y, ball).counts(curve_radii)
runs["error curve, boxed"] = lambda: error_curve(model, x, y, ball.in_box()).counts(curve_radii)
report("What does an attack cost?", interleaved(runs, rounds=3), baseline="PGD-40", file="attack")
