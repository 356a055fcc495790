"""An interval for each pixel of each example."""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lectures_code.checks import check_labels
from lectures_code.perturbations.rows import check_rows


@dataclass(frozen=True, eq=False)
class PixelIntervals:
    r"""The perturbations that keep each pixel of each example in an interval of its own.

    .. math:: \Delta(x_i) = \{\delta : l_{ij} \le x_{ij} + \delta_j \le h_{ij} \text{ for all } j\}

    The intervals need not be symmetric around the pixels, nor equally wide: an adversary may only
    darken, say, or only change one corner of an image. A :class:`NormBall` with p = inf is a case,
    in the box or not, with the ends that its ``interval`` gives. It belongs to its examples: the
    methods take these, all of them and in their order. Exact optima, certificates, risk and error
    of linear classifiers take it for a ball; attacks by gradient do not.

    Parameters
    ----------
    lower, upper : Tensor of shape (n, d)
        Least and greatest value of each pixel, floating-point and finite.

    Raises
    ------
    TypeError, ValueError
        If the ends are no such tensors, differ in shape, or a lower one exceeds its upper one.
    """

    lower: Tensor = field(repr=False)
    upper: Tensor = field(repr=False)
    #: As for a ball of this exponent, pixels move each by itself.
    p = math.inf

    def __post_init__(self) -> None:
        lower, upper = check_rows("lower", self.lower), check_rows("upper", self.upper)
        if lower.ndim != 2 or lower.shape != upper.shape:
            raise ValueError(
                "lower and upper must have one shape (n, d), that of the examples, got "
                f"{tuple(lower.shape)} and {tuple(upper.shape)}: give both ends of each pixel"
            )
        if crossed := int((lower > upper).sum()):
            raise ValueError(
                f"lower must be at most upper, got {crossed} of {lower.numel()} entries above it: "
                "swap the two, or widen the intervals"
            )
        # A frozen dataclass sets its own fields this way; from here on, both are of one dtype.
        dtype = torch.promote_types(lower.dtype, upper.dtype)
        object.__setattr__(self, "lower", lower.to(dtype))
        object.__setattr__(self, "upper", upper.to(dtype))

    @property
    def is_point(self) -> bool:
        """Whether nothing can move: all intervals are points."""
        return self.lower.equal(self.upper)

    def some(self, chosen: Tensor) -> "PixelIntervals":
        """The set for some of the examples, by number or by a mask."""
        return PixelIntervals(self.lower[chosen], self.upper[chosen])

    def interval(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Least and greatest value that each pixel can take, shapes of `x`."""
        x = check_rows("x", x)
        if x.shape != self.lower.shape:
            raise ValueError(
                f"x must be the examples of the intervals, of shape {tuple(self.lower.shape)}, "
                f"got {tuple(x.shape)}: use some(chosen) for some of them"
            )
        if outside := int(((x < self.lower) | (x > self.upper)).sum()):
            raise ValueError(
                f"x must lie in its intervals, got {outside} of {x.numel()} pixels outside: widen "
                "the intervals, for an adversary may leave a pixel as it is"
            )
        dtype = torch.promote_types(x.dtype, self.lower.dtype)
        return self.lower.to(dtype), self.upper.to(dtype)

    def margin_taken(self, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """The most that the adversary can take from the margins, shape (n,)."""
        y = check_labels(y, len(x)).to(theta.dtype)
        return -y * (self.worst(theta.detach(), x, y).to(theta.dtype) @ theta)

    @torch.no_grad()
    def worst(self, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """The perturbations with which the adversary takes :meth:`margin_taken`, shape (n, d).

        0 where a weight is 0.
        """
        low, high = self.interval(x)
        signs = check_labels(y, len(x)).to(x.dtype)
        up = signs[:, None] * theta < 0
        return torch.where(up, high - x, low - x).masked_fill_(theta == 0, 0)

    def perturbed(self, x: Tensor, delta: Tensor) -> Tensor:
        """The examples ``x + delta``, also where rounding would leave the intervals."""
        return (x + delta).clamp(self.lower, self.upper)
