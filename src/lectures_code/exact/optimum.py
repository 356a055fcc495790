"""What :func:`~lectures_code.exact.solve` returns."""

from dataclasses import dataclass
from enum import StrEnum

from torch import Tensor

from lectures_code.features import MonotoneClassifier
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall, PixelIntervals


class Status(StrEnum):
    """How a search for the optimum ended."""

    #: The relative gap is at most the tolerance.
    OPTIMAL = "optimal"
    #: The infimum is 0 and no classifier attains it.
    SEPARABLE = "separable"
    #: Rounding errors or the limit of steps left a larger gap; both bounds still hold.
    STOPPED = "stopped"


@dataclass(frozen=True, eq=False)
class RobustOptimum:
    r"""What :func:`solve` found, and what proves it.

    Attributes
    ----------
    ball : NormBall or PixelIntervals
        The perturbation set.
    classifier : LinearClassifier, or MonotoneClassifier for a feature
        The minimiser; where there is none, a classifier that separates the data robustly.
    risk : float
        Its adversarial risk, an upper bound on the infimum.
    lower_bound : float
        A proven lower bound on the adversarial risk of every linear classifier.
    alpha : Tensor of shape (n,)
        The feasible dual point behind the bound: how much each example carries, in [0, 1].
    bound_radius : float
        Radius at which `alpha` is feasible: the ball's radius, 0 for intervals. Only where a ball's
        is as small as rounding errors (0, say) it is larger by as much: the bound then holds for
        the data up to a shift of each example by less than this.
    status : Status
        Whether the gap is small enough, the data are separable, or the search stopped.
    iterations : int
        Newton steps.
    """

    ball: NormBall | PixelIntervals
    classifier: LinearClassifier | MonotoneClassifier
    risk: float
    lower_bound: float
    alpha: Tensor
    bound_radius: float
    status: Status
    iterations: int

    @property
    def gap(self) -> float:
        """Difference between the two bounds, ``risk - lower_bound``."""
        return self.risk - self.lower_bound

    @property
    def relative_gap(self) -> float:
        """The gap in units of the risk; rounding may leave it slightly below 0."""
        return self.gap / self.risk
