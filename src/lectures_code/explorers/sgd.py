r"""The SGD explorer: the lecture's algorithm on the adversarial risk of two weights."""

import math

import torch
import traitlets
from matplotlib.figure import Figure
from torch import Tensor

from lectures_code.checks import (
    check_count,
    check_examples,
    check_float,
    check_generator,
    real,
)
from lectures_code.exact import solve
from lectures_code.explorers.base import Explorer, Number, Whole, source, style
from lectures_code.figures import plot_descent
from lectures_code.figures.style import figure_of
from lectures_code.perturbations import NormBall
from lectures_code.risk import adversarial_objective

MAX_STEPS = 200
WINDOW = (-1.0, 3.0)  # the weights that are drawn, as in sgd.js
MAX_RADIUS = 0.6


class SgdExplorer(Explorer):
    r"""The adversarial risk of two weights, a start to drag, and the steps that follow from it.

    .. math:: \theta \leftarrow \theta - \alpha_t \frac1m \sum_i
              \nabla_\theta \Psi\bigl(y_i \theta^\top (x_i + \delta_i^*)\bigr),
              \qquad \delta_i^* = -y_i \varepsilon \operatorname{sign}(\theta)

    The step size is constant or shrinks, :math:`\alpha_t = \alpha / \sqrt t` for
    :math:`t = 1, 2, \dots`. There is no intercept, so that all weights fit into a picture; data
    whose classes mirror each other need none. It shows contours of the risk, the iterates, the
    exact minimiser, and the risk's slopes on both sides of :math:`\theta_2 = 0`.

    Parameters
    ----------
    x : Tensor of shape (n, 2)
        Examples. No line through 0 may separate them, or the risk at radius 0 has no minimiser.
    y : Tensor of shape (n,)
        Labels in {-1, +1}.
    radius : float
        The initial :math:`\varepsilon` of the infinity ball, in [0, 0.6].
    start : Tensor of shape (2,)
        The initial weights, entries in [-1, 3], as far as the picture reaches.
    batch_size : int
        m of the minibatches, 1 to n. The reader chooses between them and full batches.
    generator : torch.Generator
        Draws the order of the examples anew in each epoch, as :func:`lectures_code.training.train`
        does: from the same generator both take the same steps.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of its range or does not fit the others, or if the data are separable.
    """

    name = "sgd"
    _esm = source("sgd")
    _css = style("sgd")
    x: traitlets.List[list[float]] = traitlets.List().tag(sync=True)
    y: traitlets.List[float] = traitlets.List().tag(sync=True)
    order: traitlets.List[int] = traitlets.List().tag(sync=True)
    batch_size = Whole(1).tag(sync=True)
    radius = Number(0.4).tag(sync=True)
    theta1 = Number(0.0).tag(sync=True)
    theta2 = Number(0.0).tag(sync=True)
    step_size = Number(1.0).tag(sync=True)
    n_steps = Whole(60).tag(sync=True)
    minibatch = traitlets.Bool(False).tag(sync=True)
    decay = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        x: Tensor,
        y: Tensor,
        *,
        radius: float,
        start: Tensor,
        batch_size: int,
        generator: torch.Generator,
    ) -> None:
        x, y = check_examples(x, y)
        start = check_float("start", start)
        _check_plane(x, y)
        if start.shape != (2,) or start.min() < WINDOW[0] or start.max() > WINDOW[1]:
            raise ValueError(
                f"start must be two weights in [-1, 3] to be drawn, got {start.tolist()}: "
                "begin nearer to 0"
            )
        if not 0 <= real(radius) <= MAX_RADIUS:
            raise ValueError(
                f"radius must lie in [0, {MAX_RADIUS:g}], got {radius!r}: beyond it scale the data"
            )
        batch_size, generator = check_count("batch_size", batch_size), check_generator(generator)
        if batch_size > len(x):
            raise ValueError(
                f"batch_size must be at most the {len(x)} examples, got {batch_size}: "
                "pass a smaller one"
            )
        n_epochs = math.ceil(MAX_STEPS / math.ceil(len(x) / batch_size))
        epochs = [torch.randperm(len(x), generator=generator) for _ in range(n_epochs)]
        super().__init__(
            x=x.double().tolist(),
            y=y.double().tolist(),
            order=torch.cat(epochs).tolist(),
            batch_size=batch_size,
            radius=radius,
            theta1=float(start[0]),
            theta2=float(start[1]),
        )

    @property
    def examples(self) -> tuple[Tensor, Tensor]:
        """Examples (n, 2) and labels (n,), float64."""
        return torch.tensor(self.x, dtype=torch.float64), torch.tensor(self.y, dtype=torch.float64)

    @property
    def ball(self) -> NormBall:
        """The current perturbation set."""
        return NormBall(torch.inf, self.radius)

    def path(self) -> Tensor:
        """The current iterates, shape (n_steps + 1, 2), the start first."""
        x, y = self.examples
        order = torch.tensor(self.order).reshape(-1, len(x))
        batches = [batch for epoch in order for batch in epoch.split(self.batch_size)]
        path = [torch.tensor([self.theta1, self.theta2], dtype=torch.float64)]
        for t in range(self.n_steps):
            rows = batches[t] if self.minibatch else slice(None)
            theta = path[-1].clone().requires_grad_()
            risk = adversarial_objective(theta, theta.new_zeros(()), x[rows], y[rows], self.ball)
            (gradient,) = torch.autograd.grad(risk, theta)
            step_size = self.step_size / (t + 1) ** 0.5 if self.decay else self.step_size
            path.append(path[-1] - step_size * gradient)
        return torch.stack(path)

    def minimiser(self) -> Tensor:
        """The weights of the lowest adversarial risk at the current radius, shape (2,)."""
        x, y = self.examples
        # With its mirror image beside each example no intercept is better than 0.
        mirrored = torch.cat([x, -x]), torch.cat([y, -y])
        return solve(*mirrored, self.ball).classifier.theta

    def figure(self) -> Figure:
        ax = plot_descent(*self.examples, self.ball, self.path(), self.minimiser(), limits=WINDOW)
        return figure_of(ax)

    @property
    def alt(self) -> str:
        x, y = self.examples
        end, best = self.path()[-1], self.minimiser()
        none = torch.zeros((), dtype=torch.float64)
        risks = [float(adversarial_objective(w, none, x, y, self.ball)) for w in (end, best)]
        where = "on the axis where the second weight is 0" if best[1] == 0 else "off the axes"
        return (
            f"Contours of the adversarial risk of two weights, at radius {self.radius:g}, bent "
            f"where they cross the axes. The lowest risk, {risks[1]:.3f}, lies {where}. A path of "
            f"{self.n_steps} steps leads from ({self.theta1:g}, {self.theta2:g}) towards it and "
            f"ends at a risk of {risks[0]:.3f}."
        )


def _check_plane(x: Tensor, y: Tensor) -> None:
    """Raise unless there are two features and no line through 0 separates the classes."""
    if x.shape[1] != 2:
        raise ValueError(f"x must have two features to be drawn, got {x.shape[1]}: choose two")
    # A half-plane holds all y*x if and only if their directions leave a gap of half a turn. Zeros
    # have no direction and lie in every half-plane.
    turned = (y[:, None] * x)[x.abs().sum(dim=1) > 0].double()
    angles = torch.atan2(turned[:, 1], turned[:, 0]).sort().values
    gaps = torch.cat([angles, angles[:1] + 2 * torch.pi]).diff()
    if len(angles) == 0 or gaps.max() >= torch.pi - 1e-9:
        raise ValueError(
            "the data must not be separable by a line through 0, got data that are: at radius 0 "
            "no weights have the lowest risk, use noisier data"
        )
