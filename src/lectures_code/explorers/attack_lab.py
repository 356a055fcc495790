r"""The attack lab: what the worst :math:`\ell_\infty` perturbation does to any test image."""

from collections.abc import Mapping
from typing import Any

import torch
import traitlets
from matplotlib.figure import Figure
from torch import Tensor, nn

from lectures_code.checks import check_examples
from lectures_code.explorers.base import Explorer, Number, Whole, source, style
from lectures_code.explorers.stored import as_bytes, as_json, from_bytes, from_json
from lectures_code.features import MonotoneClassifier
from lectures_code.figures import plot_attack_lab
from lectures_code.figures.style import figure_of
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import error_curve

LARGEST = 0.5  # radius


class AttackLab(Explorer):
    r"""A test image, a classifier, and its worst perturbation at a radius that the reader moves.

    .. math:: \delta^* = -y \varepsilon \operatorname{sign}(\theta), \quad\text{in the box}\quad
              \operatorname{clip}(x - y \varepsilon \operatorname{sign}(\theta), 0, 1) - x

    It shows image, perturbation and sum, scores and answers, the image's certified radii, and the
    error of the classifiers over all images at every radius.

    Parameters
    ----------
    models : mapping from names to LinearClassifier, MonotoneClassifier or nn.Linear(784, 1)
        The classifiers to choose from, at least one.
    x : Tensor of shape (n, 784)
        Test images, each pixel k / 255 with a whole number k, float64.
    y : Tensor of shape (n,)
        Their labels in {-1, +1}.
    index : int
        Index of the initial image, from 0.
    radius : float
        Initial radius of the attack, in [0, 0.5].
    in_box : bool
        Whether pixels are kept in [0, 1] initially.

    Raises
    ------
    TypeError, ValueError
        If images and labels are not as above, or a classifier does not fit them.
    TraitError
        If an initial or a later setting is not in its range.
    """

    name = "attack_lab"
    _esm = source("attack_lab")
    _css = style("attack_lab")
    images = traitlets.Bytes().tag(sync=True)
    labels = traitlets.Bytes().tag(sync=True)  # the digits, 0 and 1
    models: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    chosen = traitlets.Unicode().tag(sync=True)
    index = Whole(0).tag(sync=True)
    radius = Number(0.2, min=0, max=LARGEST).tag(sync=True)
    in_box = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        models: Mapping[str, LinearClassifier | MonotoneClassifier | nn.Linear],
        x: Tensor,
        y: Tensor,
        *,
        index: int = 0,
        radius: float = 0.2,
        in_box: bool = False,
    ) -> None:
        x, y = check_examples(x, y)
        if not models:
            raise ValueError("models must hold at least one classifier, got none: pass {name: it}")
        super().__init__(
            images=as_bytes(x),
            labels=(y > 0).to(torch.uint8).numpy().tobytes(),
            models=[as_json(name, model, x.shape[1]) for name, model in models.items()],
            chosen=next(iter(models)),
            index=index,
            radius=radius,
            in_box=in_box,
        )

    @traitlets.validate("index")
    def _has_index(self, proposal: dict) -> int:
        if not 0 <= proposal["value"] < len(self.labels):
            raise traitlets.TraitError(
                f"index must lie in 0 .. {len(self.labels) - 1}, got {proposal['value']}"
            )
        return proposal["value"]

    @traitlets.validate("chosen")
    def _has_model(self, proposal: dict) -> str:
        names = [model["name"] for model in self.models]
        if proposal["value"] not in names:
            raise traitlets.TraitError(
                f"chosen must be one of {names}, got {proposal['value']!r}: see add_model"
            )
        return proposal["value"]

    def add_model(
        self, name: str, model: LinearClassifier | MonotoneClassifier | nn.Linear
    ) -> None:
        """Add a classifier to the list, or replace the one of this name, and choose it.

        It must be linear in the pixels, or in thresholded ones, with one weight for each.
        """
        new = as_json(name, model, len(self.images) // len(self.labels))
        names = [each["name"] for each in self.models]
        with self.hold_sync():
            if name in names:
                self.models = [new if each["name"] == name else each for each in self.models]
            else:
                self.models = [*self.models, new]
            self.chosen = name

    @property
    def x(self) -> Tensor:
        """The images, shape (n, 784), float64."""
        return from_bytes(self.images).reshape(len(self.labels), -1)

    @property
    def y(self) -> Tensor:
        """Their labels, shape (n,), float64, -1 and +1."""
        return 2 * torch.frombuffer(bytearray(self.labels), dtype=torch.uint8).double() - 1

    @property
    def classifiers(self) -> dict[str, LinearClassifier | MonotoneClassifier]:
        """The classifiers by name, in the list's order."""
        return {each["name"]: from_json(each) for each in self.models}

    @property
    def ball(self) -> NormBall:
        """The current perturbation set."""
        ball = NormBall(torch.inf, self.radius)
        return ball.in_box() if self.in_box else ball

    def _attacked(self) -> tuple[Tensor, Tensor, float, float]:
        """The current image, its perturbation, and the scores without and with it."""
        model = self.classifiers[self.chosen]
        x, y = self.x[self.index][None], self.y[self.index]
        delta = model.worst_perturbations(x, y[None], self.ball)
        return x[0], delta[0], float(model(x)), float(model(x + delta))

    def figure(self) -> Figure:
        x, y = self.x, self.y
        image, delta, before, after = self._attacked()
        curves = {
            name: error_curve(model, x, y, self.ball) for name, model in self.classifiers.items()
        }
        captions = [f"score {before:+.2f}", "perturbation", f"score {after:+.2f}"]
        axes = plot_attack_lab(
            image, delta, captions, curves, chosen=self.chosen, radius=self.radius
        )
        return figure_of(axes[0])

    @property
    def alt(self) -> str:
        _, _, before, after = self._attacked()
        digit = "one" if self.y[self.index] > 0 else "zero"
        answers = [("a zero", "neither", "a one")[1 + (s > 0) - (s < 0)] for s in (before, after)]
        return (
            f"A handwritten {digit}, the worst perturbation of radius {self.radius:g} against "
            f"{self.chosen}, and their sum. The classifier takes the image for {answers[0]}, the "
            f"sum for {answers[1]}. Below, the error under attack against the radius for each "
            "classifier, with this radius marked."
        )
