r"""The ball explorer: where in an :math:`\ell_p` ball a linear function is largest."""

import math

from matplotlib.figure import Figure
from torch import Tensor, tensor

from lectures_code.checks import check_float
from lectures_code.explorers.base import Explorer, Number, source, style
from lectures_code.figures import plot_support
from lectures_code.figures.style import figure_of
from lectures_code.perturbations import NormBall


class BallExplorer(Explorer):
    r"""A norm ball in the plane, a weight vector to drag, and the maximiser that follows it.

    .. math:: \max_{\|\delta\|_p \le \varepsilon} \langle \theta, \delta \rangle
              = \varepsilon \|\theta\|_q

    It shows the maximiser (all of them, where it is not unique), the support line through it, and
    the value.

    Parameters
    ----------
    ball : NormBall
        The initial ball, of any p in [1, inf], with a radius in [0.1, 2].
    w : Tensor of shape (2,)
        The initial weights, entries in [-2, 2].

    Raises
    ------
    TypeError, ValueError
        If the weights are not two finite numbers in this range, or the radius is not in its range.
    """

    name = "ball"
    _esm = source("ball")
    _css = style("ball")
    # 1/q instead of p: in [0, 1], with p = 1 at 0, and p = infinity, which JSON lacks, at 1.
    inverse_q = Number(0.5).tag(sync=True)
    radius = Number(1.0).tag(sync=True)
    w1 = Number(1.0).tag(sync=True)
    w2 = Number(0.6).tag(sync=True)

    def __init__(self, ball: NormBall, w: Tensor) -> None:
        w = check_float("w", w)
        if w.shape != (2,) or w.abs().max() > 2:
            raise ValueError(
                f"w must be two weights in [-2, 2], got {w.tolist()}: scale them, p is what matters"
            )
        if not 0.1 <= ball.radius <= 2:
            raise ValueError(
                f"the ball's radius must lie in [0.1, 2] to be drawn, got {ball.radius:g}"
            )
        super().__init__(
            inverse_q=1 / ball.dual_p, radius=ball.radius, w1=float(w[0]), w2=float(w[1])
        )

    @property
    def ball(self) -> NormBall:
        """The current ball."""
        p = math.inf if self.inverse_q == 1 else 1 / (1 - self.inverse_q)
        return NormBall(p, self.radius)

    @property
    def w(self) -> Tensor:
        """The current weights, shape (2,), float64."""
        return tensor([self.w1, self.w2]).double()

    def figure(self) -> Figure:
        return figure_of(plot_support(self.ball, self.w))

    @property
    def alt(self) -> str:
        value = float(self.ball.support(self.w))
        return (
            f"A norm ball in the plane, p = {self.ball.p:g}, with an arrow for the weights "
            f"({self.w1:g}, {self.w2:g}), the point of the ball that is farthest in its direction, "
            f"and the line that touches the ball there. The value at that point is {value:.2f}."
        )
