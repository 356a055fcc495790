r"""Does an attack find what there is to find? Checks that catch gradient masking.

What an attack finds is a lower bound on the robust error. It may be far too low, because gradients
are 0 or wrong, or because the attack is weak: the model then looks robust and is not. One check
here looks at the attack itself: does the loss rise that it is to make large? The others perturb the
same examples in another way, and count their mistakes. A mistake that a check finds in the same
set, and the attack does not, proves that the attack is not to be trusted.

References
----------
Athalye, Carlini and Wagner (2018), Obfuscated gradients give a false sense of security; Carlini et
al. (2019), On evaluating adversarial robustness; Croce and Hein (2020), Reliable evaluation of
adversarial robustness with an ensemble of diverse parameter-free attacks.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lectures_code.attacks import Objective, coordinate_search, pgd, square_search
from lectures_code.checks import (
    check_count,
    check_image_shape,
    check_positive,
    check_targets,
    check_x,
)
from lectures_code.logistic import (
    Model,
    evaluation_mode,
    lack_of_margin,
    log_odds_of_error,
    margins,
    outputs,
)
from lectures_code.perturbations import NormBall
from lectures_code.risk import ErrorCount, error

TOLERATED = 0.01  # share of the examples that a good attack may miss


@dataclass(frozen=True)
class MaskingReport:
    """What an attack finds, and what the checks find: see :func:`examine`.

    Attributes
    ----------
    clean : ErrorCount
        Mistakes without an attack.
    attack : ErrorCount
        Mistakes that the attack finds.
    checks : mapping from str to ErrorCount
        Mistakes that each check finds in the same set. None has to find more than the attack.
    missed : mapping from str to int
        Of these, the ones that the attack does not find.
    strongest : ErrorCount
        Mistakes that the attack or any check finds: a lower bound on the robust error.
    flat : int
        Examples that are right without an attack, and whose loss the attack never raises: at no
        step is its objective above the one at the start, see :func:`loss_curves`.
    far : ErrorCount
        Mistakes that the attack finds at :func:`meeting_radius`.
    guessing : ErrorCount
        Mistakes that every classifier makes at that radius, at the least: see :func:`guessing`.
    """

    clean: ErrorCount
    attack: ErrorCount
    checks: Mapping[str, ErrorCount]
    missed: Mapping[str, int]
    strongest: ErrorCount
    flat: int
    far: ErrorCount
    guessing: ErrorCount

    @property
    def alarms(self) -> list[str]:
        """The checks by which the attack has failed on more than one example in a hundred.

        All but ``"loss curve"`` prove that there are mistakes which the attack has missed. That one
        says that the attack had nothing to follow at :attr:`flat` examples, be it that the model
        is constant around them, so that there is nothing to find.
        """
        allowed = TOLERATED * self.attack.n
        alarms = ["loss curve"] * (self.flat > allowed)
        alarms += [name for name, missed in self.missed.items() if missed > allowed]
        return alarms + ["large radius"] * (self.far.k < self.guessing.k - allowed)


def loss_curves(
    model: Model,
    x: Tensor,
    y: Tensor,
    ball: NormBall,
    *,
    step_size: float,
    n_steps: int,
    generator: torch.Generator | None = None,
    objective: Objective = log_odds_of_error,
) -> Tensor:
    """The loss that :func:`lectures_code.attacks.pgd` makes large, of each example at each step.

    If an attack has a gradient to follow, its loss rises. It stays flat where gradients are 0, as
    where all ReLUs are off, or rounded to 0; and it falls where they have the wrong sign.

    Parameters
    ----------
    model : nn.Module or callable
        As for :func:`lectures_code.attacks.fgsm`; a module is attacked in evaluation mode.
    x, y, ball, step_size, n_steps, generator, objective
        As for :func:`lectures_code.attacks.pgd`: the loss of the textbooks is
        ``objective=losses``.

    Returns
    -------
    Tensor of shape (n_steps + 1, n)
        The objective at the start, and after each step. Its mean over the examples,
        ``curves.mean(dim=1)``, is the curve of the attack.

    Raises
    ------
    TypeError, ValueError
        As :func:`lectures_code.attacks.pgd` does.
    """
    how = {"step_size": step_size, "n_steps": n_steps, "generator": generator}
    with evaluation_mode(model):
        return _followed(model, check_x(x), y, ball, objective, **how)[1]


def examine(
    model: Model,
    x: Tensor,
    y: Tensor,
    ball: NormBall,
    *,
    surrogate: Model,
    step_size: float,
    n_steps: int,
    generator: torch.Generator,
    objective: Objective = log_odds_of_error,
    n_pixels: int | None = None,
    shape: tuple[int, int] | None = None,
    n_queries: int = 1000,
) -> MaskingReport:
    """Attack a model by :func:`lectures_code.attacks.pgd`, and check whether that is enough.

    The checks are: whether the attack's own loss rises; five times the steps from a random start;
    the margin as objective; the same attack in double precision; the perturbations of another
    model; a search that uses the scores alone, and one more if the examples are images; and the
    attack at a radius at which all examples can be made equal.

    Parameters
    ----------
    model : nn.Module or callable
        As for :func:`lectures_code.attacks.fgsm`; a module is judged in evaluation mode.
    x : Tensor of shape (n, d)
        Examples, of the model's dtype.
    y : Tensor of shape (n,)
        Labels in {-1, +1} for scores, class numbers for logits.
    ball : NormBall
        The perturbation set, p = inf, of a radius above 0, with or without the box.
    surrogate : nn.Module or callable
        The other model, for the same examples and labels; best one with a known worst perturbation.
    step_size, n_steps, objective
        The attack that is checked: as for :func:`lectures_code.attacks.pgd`, from the start 0.
    generator : torch.Generator
        Draws the random start, the order of pixels, and squares.
    n_pixels : int, optional
        As for :func:`lectures_code.attacks.coordinate_search`.
    shape, n_queries
        As for :func:`lectures_code.attacks.square_search`; without a shape it is not run.

    Returns
    -------
    MaskingReport
        Counts, and what they amount to. ``"double precision"`` is among the checks for modules of
        fewer digits only, ``"squares"`` for images.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range, examples, labels and outputs do not fit each other, or
        autograd cannot follow the model.
    """
    x = check_x(x)
    y = check_targets(y, len(x))
    step_size, n_steps = check_positive("step_size", step_size), check_count("n_steps", n_steps)
    n_queries = check_count("n_queries", n_queries)
    shape = None if shape is None else check_image_shape(shape, x.shape[1])
    if ball.radius == 0:
        raise ValueError("radius must be > 0 to attack, got 0: use risk.error for clean mistakes")

    how = {"step_size": step_size, "n_steps": n_steps}

    def attack(model: Model, x: Tensor, ball: NormBall, **changes: Any) -> Tensor:
        return pgd(model, x, y, ball, **{**how, "objective": objective, **changes})

    def wrong(delta: Tensor) -> Tensor:  # at once: the perturbations are as large as the examples
        return _wrong(model, ball.perturbed(x, delta), y)

    far = ball.with_radius(max(ball.radius, meeting_radius(x)))
    with evaluation_mode(model), evaluation_mode(surrogate):
        clean = wrong(torch.zeros_like(x))
        delta, curves = _followed(model, x, y, ball, objective, **how)
        first = wrong(delta)
        others = {
            "more steps": wrong(attack(model, x, ball, n_steps=5 * n_steps, generator=generator)),
            "margin": wrong(attack(model, x, ball, objective=lack_of_margin)),
            "transfer": wrong(attack(surrogate, x, ball, objective=log_odds_of_error)),
            "scores only": wrong(
                coordinate_search(model, x, y, ball, generator=generator, n_pixels=n_pixels)
            ),
        }
        if shape:
            squares = square_search(
                model, x, y, ball, generator=generator, shape=shape, n_queries=n_queries
            )
            others["squares"] = wrong(squares)
        if isinstance(model, nn.Module) and x.dtype.itemsize < 8:
            precise = attack(copy.deepcopy(model).double(), x.double(), ball)
            others["double precision"] = wrong(ball.project(precise.to(x.dtype), x))
        farthest = attack(model, x, far, step_size=step_size * far.radius / ball.radius)
    return MaskingReport(
        clean=_count(clean),
        attack=_count(first),
        checks={name: _count(other) for name, other in others.items()},
        missed={name: _count(other & ~first).k for name, other in others.items()},
        strongest=_count(torch.stack([first, *others.values()]).any(dim=0)),
        flat=int((~(curves[1:] > curves[0]).any(dim=0) & ~clean).sum()),
        far=error(model, far.perturbed(x, farthest), y),
        guessing=guessing(y),
    )


def meeting_radius(x: Tensor) -> float:
    """The least radius, for p = inf, at which all examples (n, d) can be perturbed to be equal.

    Half of the largest range of a pixel; the box does not matter. From it on every classifier makes
    the mistakes of :func:`guessing` under attack: an attack that finds fewer has failed.
    """
    x = check_x(x)
    return float((x.max(dim=0).values - x.min(dim=0).values).max()) / 2


def guessing(y: Tensor) -> ErrorCount:
    """The mistakes on labels (n,) of any kind, at the least, of one answer to all examples."""
    y = check_targets(y, len(y))
    return ErrorCount(len(y) - int(y.double().unique(return_counts=True)[1].max()), len(y))


@torch.no_grad()
def _wrong(model: Model, x: Tensor, y: Tensor) -> Tensor:
    """Which examples are mistakes: ties are, as in :func:`lectures_code.risk.count_errors`."""
    with evaluation_mode(model):
        return ~(margins(outputs(model, x), y) > 0)


def _followed(
    model: Model, x: Tensor, y: Tensor, ball: NormBall, objective: Objective, **how: Any
) -> tuple[Tensor, Tensor]:
    """What PGD arrives at, and its objective at the start and after each step: (n_steps + 1, n)."""
    curves = []

    def noted(output: Tensor, y: Tensor) -> Tensor:
        values = objective(output, y)
        curves.append(values.detach())
        return values

    # PGD asks for the objective once in each step, before it; what is left is the one at the end.
    delta = pgd(model, x, y, ball, objective=noted, **how)
    with torch.no_grad():
        noted(model(ball.perturbed(x, delta)), y)
    return delta, torch.stack(curves)


def _count(wrong: Tensor) -> ErrorCount:
    return ErrorCount(int(wrong.sum()), len(wrong))
