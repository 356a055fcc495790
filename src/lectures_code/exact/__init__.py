r"""The exact robust linear classifier, with a certificate that it is optimal.

The adversarial risk of a linear classifier is convex (`q` is the dual exponent of `p`):

.. math:: R(\theta, \theta_0) = \frac1N \sum_i
    \Psi\bigl(y_i (\theta^\top x_i + \theta_0) - \varepsilon \|\theta\|_q\bigr).

:func:`solve` minimises it by Newton's method on a small working set, to which those weights join
that break optimality most. For p = inf an adversary moves each pixel by itself, within an interval:
with the weights split into two non-negative parts the worst margin is linear, and a step is
non-negative least squares. The ball in the pixel box is such a case, and so are monotone features
of pixels (:mod:`lectures_code.features`), of which the classifier is linear. For p = 1 nearly all
weights have the same, largest size, and a step concerns the others; for p = 2 the norm is smooth.

Optimality is not the solver's word: :func:`lower_bound` recomputes it from a point of the dual, and
:func:`certificate_perturbations` shows it: a perturbed training set whose weighted class means
coincide.

:func:`minimise_largest_gap` does the same for several classes and the loss of the largest gap, by
an interior-point method. There the weights of the proof flow from class to class.
"""

from lectures_code.exact.certificate import certificate_perturbations, lower_bound
from lectures_code.exact.classes import (
    LargestGapOptimum,
    largest_gap_bound,
    minimise_largest_gap,
)
from lectures_code.exact.optimum import RobustOptimum, Status
from lectures_code.exact.penalised import penalised_optimum
from lectures_code.exact.separation import Separation, separate
from lectures_code.exact.solver import solution_path, solve

__all__ = [
    "LargestGapOptimum",
    "RobustOptimum",
    "Separation",
    "Status",
    "certificate_perturbations",
    "largest_gap_bound",
    "lower_bound",
    "minimise_largest_gap",
    "penalised_optimum",
    "separate",
    "solution_path",
    "solve",
]
