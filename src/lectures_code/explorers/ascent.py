r"""The ascent explorer: where gradient ascent ends over the square of one example in the plane."""

import torch
import traitlets
from matplotlib.figure import Figure
from torch import Tensor, nn

from lectures_code.attacks import fgsm
from lectures_code.checks import check_count, check_examples, check_float
from lectures_code.explorers.base import Explorer, Number, Whole, source, style
from lectures_code.explorers.stored import network_as_json, network_from_json
from lectures_code.figures import plot_landscape
from lectures_code.figures.style import figure_of
from lectures_code.logistic import log_odds_of_error
from lectures_code.networks.landscape import Landscape, landscape
from lectures_code.perturbations import NormBall

MAX_STEPS = 60
RADII = (0.05, 1.0)


class AscentExplorer(Explorer):
    r"""An example to drag over the plane, its square, and gradient ascents in it from many starts.

    .. math:: \delta \leftarrow \Pi_{\|\delta\|_\infty \le \varepsilon}\Bigl(\delta
              + \frac{\varepsilon}{10} \operatorname{sign} \nabla_x \ell(x + \delta, y)\Bigr),
              \qquad \ell(x, y) = -y f(x)

    It shows the log-odds :math:`\ell` of a mistake over the plane and over the square, the ascents
    from the middle and from the starts, in how many places they end, and beside the largest value
    that they find the largest one on a grid.

    Parameters
    ----------
    model : nn.Sequential or nn.Linear
        Linear layers with a ReLU between each two, from two features to one score.
    x : Tensor of shape (n, 2)
        Examples, which the plane shows.
    y : Tensor of shape (n,)
        Their labels in {-1, +1}.
    index : int
        The example that is there at first, from 0. Its label stays when it is dragged.
    radius : float
        The initial :math:`\varepsilon` of the infinity ball, in [0.05, 1].
    starts : Tensor of shape (m, 2)
        Where ascents begin, in radii, entries in [-1, 1]: fixed, so that nothing is drawn at random
        in a reader's browser.
    n_steps : int
        The initial number of steps, 1 to 60.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of its range or does not fit the others, also when one is changed
        later.
    """

    name = "ascent"
    _esm = source("ascent")
    _css = style("ascent")
    layers: traitlets.List[dict[str, list]] = traitlets.List().tag(sync=True)
    points: traitlets.List[list[float]] = traitlets.List().tag(sync=True)  # only to be drawn
    labels: traitlets.List[float] = traitlets.List().tag(sync=True)
    starts: traitlets.List[list[float]] = traitlets.List().tag(sync=True)
    label = Number(1.0).tag(sync=True)
    x1 = Number(0.0).tag(sync=True)
    x2 = Number(0.0).tag(sync=True)
    radius = Number(0.5).tag(sync=True)
    n_steps = Whole(40).tag(sync=True)
    n_starts = Whole(1).tag(sync=True)

    def __init__(
        self,
        model: nn.Sequential | nn.Linear,
        x: Tensor,
        y: Tensor,
        *,
        index: int,
        radius: float,
        starts: Tensor,
        n_steps: int = 40,
    ) -> None:
        x, y = check_examples(x, y)
        if x.shape[1] != 2:
            raise ValueError(f"x must have two features to be drawn, got {x.shape[1]}: choose two")
        index, starts = check_count("index", index, least=0), check_float("starts", starts)
        if index >= len(x):
            raise ValueError(f"index must be at most {len(x) - 1}, the last example's, got {index}")
        if starts.ndim != 2 or starts.shape[1] != 2 or len(starts) == 0 or starts.abs().max() > 1:
            raise ValueError(
                "starts must be of shape (m, 2) with entries in [-1, 1], in radii, got shape "
                f"{tuple(starts.shape)}: use 2 * torch.rand(m, 2) - 1"
            )
        super().__init__(
            layers=network_as_json(model, 2),
            points=x.double().round(decimals=3).tolist(),
            labels=y.tolist(),
            starts=starts.double().tolist(),
            label=float(y[index]),
            x1=float(x[index, 0]),
            x2=float(x[index, 1]),
            radius=radius,
            n_steps=n_steps,
            n_starts=len(starts),
        )

    @traitlets.validate("radius", "n_steps", "n_starts")
    def _check_range(self, proposal: traitlets.Bunch) -> float:
        name, value = proposal.trait.name, proposal.value
        ranges = {"radius": RADII, "n_steps": (1, MAX_STEPS), "n_starts": (1, len(self.starts))}
        low, high = ranges[name]
        if not low <= value <= high:
            raise ValueError(
                f"{name} must lie in [{low:g}, {high:g}] to be drawn, got {value:g}: "
                "attacks.pgd takes any"
            )
        return value

    @property
    def model(self) -> nn.Sequential:
        """The network, float64."""
        return network_from_json(self.layers)

    @property
    def example(self) -> tuple[Tensor, Tensor]:
        """The example where it is now, shape (1, 2), and its label, shape (1,), float64."""
        at = torch.tensor([[self.x1, self.x2]], dtype=torch.float64)
        return at, torch.tensor([self.label], dtype=torch.float64)

    @property
    def ball(self) -> NormBall:
        """The current perturbation set."""
        return NormBall(torch.inf, self.radius)

    def ascents(self) -> Tensor:
        """The perturbations on the way, shape (n_starts + 1, n_steps + 1, 2); the middle's first.

        What :func:`lectures_code.attacks.pgd` computes from these starts with a tenth of the radius
        for its step.
        """
        x, y = self.example
        chosen = torch.tensor([[0.0, 0.0], *self.starts[: self.n_starts]], dtype=torch.float64)
        x, y = x.expand(len(chosen), 2), y.expand(len(chosen))
        path = [self.radius * chosen]
        steps = self.ball.with_radius(self.radius / 10)
        for _ in range(self.n_steps):
            step = fgsm(self.model, x + path[-1], y, steps)
            path.append(self.ball.project(path[-1] + step, x))
        return torch.stack(path, dim=1)

    def landscape(self) -> Landscape:
        """The log-odds of a mistake on a grid of 61 by 61 points over the square."""
        return landscape(self.model, *self.example, self.ball)

    def figure(self) -> Figure:
        x, _ = self.example
        paths = self.ascents()
        return figure_of(plot_landscape(self.landscape(), 0, x + paths[:, 0], x + paths[:, -1]))

    @property
    def alt(self) -> str:
        x, y = self.example
        with torch.no_grad():
            reached = self.model(x + self.ascents()[:, -1])
        ends = log_odds_of_error(reached, y.expand(len(reached)))
        return (
            f"The square of radius {self.radius:g} around ({self.x1:.2f}, {self.x2:.2f}), coloured "
            f"by the log-odds of a mistake. Lines lead from {self.n_starts} dots, and from the "
            f"middle, to where gradient ascent ends after {self.n_steps} steps. From the middle it "
            f"reaches {float(ends[0]):.1f}, from the best of the others {float(ends[1:].max()):.1f}"
            f"; the largest value on a grid is {float(self.landscape().largest()):.1f}."
        )
