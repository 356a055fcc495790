"""Attacks that see scores alone, and the worst of several perturbations."""

import math
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from lectures_code.attacks.common import Objective, ends, without_traces
from lectures_code.checks import check_count, check_generator, check_image_shape, check_x
from lectures_code.logistic import Model, log_odds_of_error, margins
from lectures_code.perturbations import NormBall

# Shares of all queries at which the square of Square Attack halves its area, from 0.8 of the image.
HALVED = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)


@torch.no_grad()
def coordinate_search(
    model: Model,
    x: Tensor,
    y: Tensor,
    ball: NormBall,
    *,
    generator: torch.Generator,
    n_pixels: int | None = None,
    objective: Objective = log_odds_of_error,
) -> Tensor:
    r"""An attack without gradients: one pixel after another, to the end where scores are worse.

    For each example a pixel goes to the lower or the upper end of what the set allows if that
    increases the objective, and stays where it was if neither does. What is found is a lower bound
    on the worst loss. Once all pixels were tried, it is the worst perturbation of a classifier that
    is linear in the pixels, or in monotone features of them, up to rounding.

    Parameters
    ----------
    model, x, y, ball, objective
        As for :func:`fgsm`; p = inf, with or without the box. The model may be any function.
    generator : torch.Generator
        Draws the order of the pixels, the same for all examples.
    n_pixels : int, optional
        How many pixels are tried, of each example; all by default. The model is called twice for
        each.

    Returns
    -------
    Tensor of shape (n, d)
        Perturbations inside the set.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range, or examples, labels and outputs do not fit each other.

    References
    ----------
    Guo, Gardner, You, Wilson and Weinberger (2019), Simple black-box adversarial attacks: the same
    search with shorter steps.
    """
    x, generator = check_x(x), check_generator(generator)
    _check_cube(ball)
    n_pixels = x.shape[1] if n_pixels is None else check_count("n_pixels", n_pixels)
    scores = without_traces(model, x)
    both = ends(ball, x)
    delta, perturbed = torch.zeros_like(x), x.clone()
    best = objective(scores(perturbed), y)
    for pixel in torch.randperm(x.shape[1], generator=generator)[:n_pixels].tolist():
        for end in both:
            before = perturbed[:, pixel].clone()
            perturbed[:, pixel] = ball.perturbed(x[:, pixel], end[:, pixel])
            found = objective(scores(perturbed), y)
            worse = found > best
            best = torch.where(worse, found, best)
            perturbed[~worse, pixel] = before[~worse]
            delta[worse, pixel] = end[worse, pixel]
    return delta


@torch.no_grad()
def square_search(
    model: Model,
    x: Tensor,
    y: Tensor,
    ball: NormBall,
    *,
    shape: tuple[int, int],
    generator: torch.Generator,
    n_queries: int,
) -> Tensor:
    r"""Square Attack: an attack of images without gradients, by squares at random places.

    Each pixel is at one of the two ends of what the set allows; at first each column is at one,
    drawn at random. Then, again and again, a square at a random place goes to one end, and stays
    there if the margin has become smaller. The squares shrink from 0.8 of the image to 1/640 of it,
    at least a pixel. An example is left alone once it is a mistake. What is found is a lower bound
    on the worst loss.

    Parameters
    ----------
    model, x, y, ball
        As for :func:`fgsm`; p = inf, with or without the box. The model may be any function that
        judges each example by itself: a network in evaluation mode.
    shape : pair of int
        Height and width of an image, whose rows of pixels follow each other in `x`.
    generator : torch.Generator
        Draws stripes, places and ends.
    n_queries : int
        How often the model is asked about an example that withstands, its unperturbed image aside.

    Returns
    -------
    Tensor of shape (n, d)
        Perturbations inside the set; 0 where none was found that is worse than none.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range, or examples, labels and outputs do not fit each other.

    Notes
    -----
    With fewer than a thousand queries the first sizes are passed over. A square may be drawn that
    is at its end already: the query is spent.

    References
    ----------
    Andriushchenko, Croce, Flammarion and Hein (2020), Square Attack, section 3.
    """
    x, generator = check_x(x), check_generator(generator)
    _check_cube(ball)
    height, width = check_image_shape(shape, x.shape[1])
    n_queries = check_count("n_queries", n_queries)
    scores, delta = without_traces(model, x), torch.zeros_like(x)
    clean = margins(scores(x.clone()), y)
    left = clean.gt(0).nonzero()[:, 0]  # the examples that withstand; what follows is of these
    x, y, clean, low, high = (each[left] for each in (x, y, clean, *ends(ball, x)))
    least = torch.full_like(clean, torch.inf)
    up = _stripes((len(x), height, width), generator).to(x.device)
    for side in _sides(n_queries, height, width):
        if not len(left):
            break
        tried = _with_square(up, side, generator)
        step = torch.where(tried.flatten(1), high, low)
        found = margins(scores(ball.perturbed(x, step)), y)
        worse, stands = found < least, found > 0
        up[worse], least = tried[worse], found.minimum(least)
        if not stands.all():
            delta[left[~stands]] = step[~stands]
            state = (left, x, y, clean, low, high, least, up)
            left, x, y, clean, low, high, least, up = (each[stands] for each in state)
    delta[left] = torch.where(up.flatten(1), high, low) * (least < clean)[:, None]
    return delta


@torch.no_grad()
def worst_of(
    model: Model,
    x: Tensor,
    y: Tensor,
    ball: NormBall,
    attacks: Iterable[Tensor],
    *,
    objective: Objective = log_odds_of_error,
) -> Tensor:
    """Of several perturbations of each example, the one at which the objective is largest.

    With the results of :func:`pgd` from several random starts, this is PGD with restarts. More
    attacks never find fewer mistakes.

    Parameters
    ----------
    model, x, y, ball, objective
        As for :func:`fgsm`.
    attacks : iterable of Tensors of shape (n, d)
        Perturbations inside the set, at least one tensor; a generator is asked for one at a time.

    Returns
    -------
    Tensor of shape (n, d)
        One of them for each example; the first where several are as large.

    Raises
    ------
    TypeError, ValueError
        If there is no attack, or examples, labels and outputs do not fit each other.
    """
    x, scores = check_x(x), without_traces(model, x)
    best = worst = None
    for delta in attacks:
        found = objective(scores(ball.perturbed(x, delta)), y)
        if best is None or worst is None:
            best, worst = found, delta.clone()
        larger = found > best
        best, worst = torch.where(larger, found, best), worst.where(~larger[:, None], delta)
    if worst is None:
        raise ValueError("attacks must hold at least one tensor of perturbations, got none")
    return worst


def _check_cube(ball: NormBall) -> None:
    if not math.isinf(ball.p):
        raise ValueError(
            f"p must be inf to move each pixel by itself, got {ball.p:g}: use pgd for other norms"
        )


def _sides(n_queries: int, height: int, width: int) -> Iterator[int]:
    """The side of each query's square: first 0, for the stripes, then from 0.8 of the area on."""
    yield 0
    for k in range(1, n_queries):
        share = 0.8 * 0.5 ** sum(k / n_queries > end for end in HALVED)
        yield min(max(1, round(math.sqrt(share * height * width))), height, width)


def _stripes(shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """For each image and column one of two ends, as bool."""
    n, _, width = shape
    return _coins((n, 1, width), generator).expand(shape).clone()


def _with_square(up: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Each image's ends, (n, height, width), with a square at one of the two."""
    n, *room = up.shape
    inside = torch.ones((), dtype=torch.bool, device=up.device)
    for across, size in zip((1, 2), room, strict=True):
        at = torch.randint(
            size - side + 1, (n, 1), generator=generator, device=generator.device
        ).to(up.device)
        pixel = torch.arange(size, device=up.device)
        inside = inside & ((at <= pixel) & (pixel < at + side)).unsqueeze(3 - across)
    return torch.where(inside, _coins((n, 1, 1), generator).to(up.device), up)


def _coins(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator, device=generator.device) < 0.5
