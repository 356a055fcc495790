r"""The inner maximisation: perturbations that make the loss large.

Every attack takes a model, examples, labels and a perturbation set, and returns one perturbation
for each example, inside the set. For a linear model the worst perturbation is known exactly; for
any other model the gradient is followed, and what is found is a lower bound on the worst loss.

The gradient is that of the log-odds of a wrong label, which the loss increases with. The loss's own
gradient rounds to 0 where a model is confident: an attack that follows it finds the fewer mistakes
the more confident the model is, without the model being any more robust. Where gradients lead
nowhere, :func:`coordinate_search` and :func:`square_search` need the scores alone.
"""

from lectures_code.attacks.ascent import fgsm, linear_maximiser, pgd
from lectures_code.attacks.common import Objective
from lectures_code.attacks.search import coordinate_search, square_search, worst_of

__all__ = [
    "Objective",
    "coordinate_search",
    "fgsm",
    "linear_maximiser",
    "pgd",
    "square_search",
    "worst_of",
]
