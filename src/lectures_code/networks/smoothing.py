r"""Randomised smoothing: a certificate in the Euclidean norm, from votes under Gaussian noise.

Let :math:`p(x)` be the probability that a classifier is right at :math:`x + \sigma z`, z standard
normal. Whatever the classifier is, :math:`\Phi^{-1}(p)` changes by at most
:math:`\|\delta\|_2 / \sigma` as x moves by :math:`\delta`. So the classifier that takes the vote,
right where :math:`p > 1/2`, is right in the whole ball around x of radius
:math:`\sigma \Phi^{-1}(p(x))`.

For a linear score the noise moves the margin by :math:`\sigma \|\theta\|_2 z_1`, so that

.. math:: p = \Phi\Bigl(\frac{y(\theta^\top x + \theta_0)}{\sigma \|\theta\|_2}\Bigr), \qquad
          \sigma \Phi^{-1}(p) = \frac{y(\theta^\top x + \theta_0)}{\|\theta\|_2}:

the exact distance to the boundary, for every :math:`\sigma`. The vote is the classifier itself.

References
----------
Cohen, Rosenfeld and Kolter (2019), Certified adversarial robustness via randomized smoothing,
theorem 1 and section 3.2.
"""

import numpy as np
import torch
from scipy.special import betaincinv, ndtri
from torch import Tensor

from lectures_code.checks import (
    check_count,
    check_generator,
    check_positive,
    check_targets,
    check_x,
    real,
)
from lectures_code.logistic import Model, evaluation_mode, margins, outputs

AT_ONCE = 1000  # draws


@torch.no_grad()
def smoothed_radii(
    model: Model,
    x: Tensor,
    y: Tensor,
    *,
    sigma: float,
    n_draws: int,
    confidence: float,
    generator: torch.Generator,
) -> Tensor:
    r"""Radii within which the vote under Gaussian noise is right, each with this confidence.

    .. math:: r = \sigma \Phi^{-1}(\underline p),

    with the lower confidence bound of Clopper and Pearson, :math:`\underline p`, for the right
    votes that were counted.

    Parameters
    ----------
    model : nn.Module or callable
        Gives one score, or several logits, for each example. A module votes in evaluation mode.
    x : Tensor of shape (n, d)
        Examples, of the model's dtype. Noise takes pixels out of [0, 1].
    y : Tensor of shape (n,)
        Labels in {-1, +1} for scores, class numbers for logits.
    sigma : float
        Standard deviation of the noise in each pixel, > 0.
    n_draws : int
        Votes for each example.
    confidence : float
        In [0, 1): the probability, over the draws, that the radius of an example is no larger than
        :math:`\sigma \Phi^{-1}(p)`.
    generator : torch.Generator
        Draws the noise.

    Returns
    -------
    Tensor of shape (n,)
        Radii in pixel units, in float64, for p = 2 and without the box. Where one is not positive,
        nothing is certified. None is larger than that of n right votes, :math:`\sigma
        \Phi^{-1}((1 - \text{confidence})^{1/n})`.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range, or examples, labels and outputs do not fit each other.
    """
    x = check_x(x)
    y = check_targets(y, len(x))
    sigma, n_draws = check_positive("sigma", sigma), check_count("n_draws", n_draws)
    generator, level = check_generator(generator), real(confidence)
    if not 0 <= level < 1:
        raise ValueError(f"confidence must be a number in [0, 1), got {confidence!r}: use 0.999")
    right = np.zeros(len(x))
    with evaluation_mode(model):
        for i in range(len(x)):
            for start in range(0, n_draws, AT_ONCE):
                shape = min(AT_ONCE, n_draws - start), x.shape[1]
                noise = torch.randn(shape, generator=generator, dtype=x.dtype).to(x.device)
                votes = margins(outputs(model, x[i] + sigma * noise), y[i].expand(len(noise))) > 0
                right[i] += int(votes.sum())
    # Of no right vote the bound is 0, where the formula has no value.
    least = np.where(right > 0, betaincinv(right.clip(1), n_draws - right + 1, 1 - level), 0.0)
    return sigma * torch.from_numpy(ndtri(least))
