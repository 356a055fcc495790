r"""The exact robust linear classifier, with a certificate that it is optimal.

The adversarial risk of a linear classifier is convex (`q` is the dual exponent of `p`):

.. math:: R(\theta, \theta_0) = \frac1N \sum_i
    \Psi\bigl(y_i (\theta^\top x_i + \theta_0) - \varepsilon \|\theta\|_q\bigr).

:func:`solve` minimises it by Newton's method. For p = inf nearly all weights of the optimum are 0,
for p = 1 nearly all have the same, largest size: a step concerns the others only, a small working
set, to which those join that break optimality most. While no weight crosses 0 (p = inf) or the
largest size (p = 1), the norm is linear, and the second-order model of the risk is minimised
exactly, by non-negative least squares. For p = 2 the norm is smooth, and a step takes all weights.

Optimality is not the solver's word: :func:`lower_bound` recomputes it from a point of the dual.
"""

from lectures_code.exact.certificate import lower_bound
from lectures_code.exact.optimum import RobustOptimum, Status
from lectures_code.exact.penalised import penalised_optimum
from lectures_code.exact.separation import Separation, separate
from lectures_code.exact.solver import solution_path, solve

__all__ = [
    "RobustOptimum",
    "Separation",
    "Status",
    "lower_bound",
    "penalised_optimum",
    "separate",
    "solution_path",
    "solve",
]
