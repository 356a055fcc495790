r"""The robust error of a model whose worst perturbations have no formula: what to do, what to say.

An attack finds mistakes that exist; a bound excludes mistakes. The robust error lies between. How
near the attack comes cannot be known in general, so :func:`evaluate` climbs a ladder of attacks,
and looks for signs that they fail. A :class:`ThreatModel` says what a number is about.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from lectures_code.attacks import coordinate_search, fgsm, pgd, square_search, worst_of
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
    losses,
    margins,
    outputs,
)
from lectures_code.masking import TOLERATED, examine
from lectures_code.perturbations import BoxedNormBall, NormBall
from lectures_code.risk import ErrorCount, count_errors, error

#: Lower bounds on the worst margins of a model at examples with labels, within a ball.
Proof = Callable[[Model, Tensor, Tensor, NormBall], Tensor]


@dataclass(frozen=True)
class ThreatModel:
    """What a robust error is about: to be printed beside it.

    Attributes
    ----------
    ball : NormBall
        The perturbation set; its radius is in units of the examples as the model gets them.
    known : str
        What the number is: ``"exact"``, ``"lower bound"`` of an attack or a proven
        ``"upper bound"``.
    n : int
        Number of examples.
    attack : str
        The attack and its settings; empty where there was none.
    seeds : str
        Of the attack's random numbers; empty where it draws none.
    """

    ball: NormBall
    known: str
    n: int
    attack: str = ""
    seeds: str = ""

    def __str__(self) -> str:
        norm = "inf" if self.ball.p == torch.inf else f"{self.ball.p:g}"
        where = "pixels unlimited"
        size = f"radius {self.ball.radius:g}"
        if isinstance(self.ball, BoxedNormBall):
            where = f"pixels kept in [{self.ball.low:g}, {self.ball.high:g}]"
            share = self.ball.radius / (self.ball.high - self.ball.low)
            size += f" ({255 * share:.3g} of 255)"
        parts = [f"norm {norm}", size, where, self.known, self.attack]
        parts += [f"seeds {self.seeds}"] if self.seeds else []
        return "; ".join([*filter(None, parts), f"{self.n} examples"])


@dataclass(frozen=True)
class Evaluation:
    """What :func:`evaluate` found.

    Attributes
    ----------
    card : ThreatModel
        What :attr:`found` is about.
    rungs : mapping from str to ErrorCount
        Mistakes under each attack alone, in the order in which they are tried.
    found : ErrorCount
        Mistakes under any of them: a lower bound on the robust error.
    alarms : list of str
        Signs that an attack failed; empty where there are none. See
        :attr:`lectures_code.masking.MaskingReport.alarms`, here of PGD on the log-odds:
        ``"loss curve"`` says that these do not rise. ``"loss fades"`` says that PGD on the loss
        itself, the attack of the textbooks, misses what PGD on the log-odds finds.
    delta : Tensor of shape (n, d)
        For each example the perturbation under which its margin was least.
    unproven : ErrorCount or None
        Examples that the proof leaves open: an upper bound on the robust error; None without one.
    """

    card: ThreatModel
    rungs: Mapping[str, ErrorCount]
    found: ErrorCount
    alarms: list[str]
    delta: Tensor
    unproven: ErrorCount | None = None


def evaluate(
    model: Model,
    x: Tensor,
    y: Tensor,
    ball: NormBall,
    *,
    surrogate: Model,
    step_size: float,
    n_steps: int = 50,
    n_restarts: int = 10,
    n_hardest: int | None = None,
    n_checked: int = 200,
    n_pixels: int | None = 100,
    shape: tuple[int, int] | None = None,
    n_queries: int = 1000,
    seed: int = 0,
    proof: Proof | None = None,
) -> Evaluation:
    """Attack a model as hard as this package can, and check the attacks.

    The rungs: no attack, random perturbations, FGSM, PGD from 0, PGD with restarts, the
    perturbations of another model, and searches that see scores alone: pixel by pixel and, of
    images, by squares. Restarts ascend the log-odds of an error; for several logits every other one
    ascends the lack of margin. On the first `n_checked` examples
    :func:`lectures_code.masking.examine` looks for masked gradients.

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
        Another model for the same examples, whose perturbations are tried.
    step_size, n_steps
        As for :func:`lectures_code.attacks.pgd`.
    n_restarts : int
        Random starts.
    n_hardest : int, optional
        How many examples are attacked with restarts, and by scores alone: those whose margins PGD
        from 0 left smallest. All by default, which takes `n_restarts` times as long as one attack,
        and `n_queries` and twice `n_pixels` calls of the model. Where gradients are masked, margins
        after PGD say little: attack all.
    n_checked : int
        How many examples are checked.
    n_pixels : int, optional
        How many pixels of an example the search pixel by pixel tries, all with None.
    shape : pair of int, optional
        Height and width of an image: without it there is no search by squares.
    n_queries : int
        How many perturbations of an example the search by squares tries.
    seed : int
        Of all random numbers.
    proof : callable, optional
        The last rung: lower bounds on the worst margins, such as
        :func:`lectures_code.networks.bounds.interval_margins` and ``linear_margins``.

    Returns
    -------
    Evaluation
        Counts, alarms, and the card to print beside them.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range, or examples, labels and outputs do not fit each other.
    """
    x = check_x(x)
    y = check_targets(y, len(x))
    step_size, n_steps = check_positive("step_size", step_size), check_count("n_steps", n_steps)
    n_restarts = check_count("n_restarts", n_restarts)
    n_hardest = len(x) if n_hardest is None else min(check_count("n_hardest", n_hardest), len(x))
    n_checked = min(check_count("n_checked", n_checked), len(x))
    n_queries = check_count("n_queries", n_queries)
    shape = None if shape is None else check_image_shape(shape, x.shape[1])
    seed = check_count("seed", seed, least=0)
    generator, order = (torch.Generator().manual_seed(seed) for _ in range(2))
    attack = partial(pgd, ball=ball, step_size=step_size, n_steps=n_steps)
    with evaluation_mode(model), evaluation_mode(surrogate):
        plain = attack(model, x, y)
        with torch.no_grad():
            left = margins(outputs(model, ball.perturbed(x, plain)), y)
        hard = left.argsort(stable=True)[:n_hardest]
        delta = _restarted(model, x, y, plain, attack, n_restarts, hard, generator)
        rungs = {
            "clean": torch.zeros_like(x),
            "random": ball.sample(x, generator=generator),
            "FGSM": fgsm(model, x, y, ball),
            "PGD": plain,
            "PGD with restarts": delta,
            "transfer": attack(surrogate, x, y),
            **_searches(model, x, y, ball, hard, order, n_pixels, shape, n_queries),
        }
        delta = worst_of(model, x, y, ball, [delta, *rungs.values()], objective=lack_of_margin)
        some = x[:n_checked], y[:n_checked]
        report = examine(
            model,
            *some,
            ball,
            surrogate=surrogate,
            step_size=step_size,
            n_steps=n_steps,
            generator=generator,
            n_pixels=n_pixels,
            shape=shape,
            n_queries=n_queries,
        )
        faded = attack(model, *some, objective=losses)
        unproven = count_errors(proof(model, x, y, ball)) if proof else None
    with_loss = error(model, ball.perturbed(some[0], faded), some[1])
    loss_fades = with_loss.k < report.attack.k - TOLERATED * n_checked
    pixels = x.shape[1] if n_pixels is None else min(n_pixels, x.shape[1])
    how = f"PGD, {n_steps} steps of {step_size:g}, {n_restarts} restarts, search by {pixels} pixels"
    how += f" and {n_queries} squares" * bool(shape)
    if n_hardest < len(x):
        how += f" (restarts and search for the {n_hardest} of least margin)"
    return Evaluation(
        card=ThreatModel(ball, "lower bound", len(x), f"{how}, FGSM, transfer", f"{seed}"),
        rungs={name: error(model, ball.perturbed(x, each), y) for name, each in rungs.items()},
        found=error(model, ball.perturbed(x, delta), y),
        alarms=report.alarms + ["loss fades"] * loss_fades,
        delta=delta,
        unproven=unproven,
    )


def _restarted(
    model: Model,
    x: Tensor,
    y: Tensor,
    plain: Tensor,
    attack: partial[Tensor],
    n_restarts: int,
    hard: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """The worst of PGD from 0 and from random starts, which the hardest examples get."""
    ball = attack.keywords["ball"]
    with torch.no_grad():
        has_logits = outputs(model, x[:1]).ndim == 2
    objectives = [log_odds_of_error] + [lack_of_margin] * has_logits

    def attacks() -> Iterator[Tensor]:
        yield plain[hard]
        for k in range(n_restarts):
            objective = objectives[k % len(objectives)]
            yield attack(model, x[hard], y[hard], generator=generator, objective=objective)

    worst = plain.clone()
    worst[hard] = worst_of(model, x[hard], y[hard], ball, attacks(), objective=lack_of_margin)
    return worst


def _searches(
    model: Model,
    x: Tensor,
    y: Tensor,
    ball: NormBall,
    hard: Tensor,
    generator: torch.Generator,
    n_pixels: int | None,
    shape: tuple[int, int] | None,
    n_queries: int,
) -> dict[str, Tensor]:
    """Perturbations found by scores alone, which the hardest examples get."""
    some = model, x[hard], y[hard], ball
    found = {"pixels": coordinate_search(*some, generator=generator, n_pixels=n_pixels)}
    if shape:
        found["squares"] = square_search(
            *some, generator=generator, shape=shape, n_queries=n_queries
        )
    return {
        f"search by {name}": torch.zeros_like(x).index_put((hard,), delta)
        for name, delta in found.items()
    }
