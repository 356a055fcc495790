"""The first look: one digit, its worst perturbation, their sum, and the classifier's answers."""

import torch
import traitlets
from matplotlib.figure import Figure
from torch import Tensor, nn

from lectures_code.attacks import linear_maximiser
from lectures_code.checks import check_examples, real
from lectures_code.explorers.base import Explorer, Number, source, style
from lectures_code.explorers.stored import as_bytes, as_json, from_bytes, from_json
from lectures_code.features import MonotoneClassifier
from lectures_code.figures import plot_sum
from lectures_code.figures.style import figure_of
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall

LARGEST = 0.3  # radius


class FirstLook(Explorer):
    r"""One image, one classifier, and a slider for the radius :math:`\varepsilon`.

    It shows the image, the perturbation :math:`-y \varepsilon \operatorname{sign}(\theta)`, and
    their sum, with the classifier's answer, score and probability. Small enough to start at once.

    Parameters
    ----------
    model : LinearClassifier, MonotoneClassifier or nn.Linear with one output
        The classifier, with 784 weights, of pixels or of thresholded pixels.
    x : Tensor of shape (784,)
        The image, each pixel k / 255 with a whole number k, float64.
    y : float
        Its label, -1 or +1.
    radius : float
        The initial radius, in [0, 0.3].

    Raises
    ------
    TypeError, ValueError
        If the image, its label or the classifier do not fit each other.
    TraitError
        If the radius is out of range, initially or later.
    """

    name = "first_look"
    _esm = source("first_look")
    _css = style("first_look")
    image = traitlets.Bytes().tag(sync=True)
    digit = traitlets.Int().tag(sync=True)
    classifier = traitlets.Dict().tag(sync=True)
    radius = Number(0.2, min=0, max=LARGEST).tag(sync=True)

    def __init__(
        self,
        model: LinearClassifier | MonotoneClassifier | nn.Linear,
        x: Tensor,
        y: float,
        *,
        radius: float = 0.2,
    ) -> None:
        label = y if isinstance(y, Tensor) else torch.tensor(real(y))
        images, labels = check_examples(x[None], label[None])
        super().__init__(
            image=as_bytes(images),
            digit=int(labels > 0),
            classifier=as_json("model", model, images.shape[1]),
            radius=radius,
        )

    def _attacked(self) -> tuple[LinearClassifier | MonotoneClassifier, Tensor, Tensor]:
        """Classifier, image of shape (1, 784), perturbation of the same shape."""
        model = from_json(self.classifier)
        x, y = from_bytes(self.image)[None], torch.tensor([2.0 * self.digit - 1])
        return model, x, linear_maximiser(model, x, y, NormBall(torch.inf, self.radius))

    def _scores(self) -> tuple[str, str]:
        model, x, delta = self._attacked()
        return f"score {float(model(x)):+.1f}", f"score {float(model(x + delta)):+.1f}"

    def figure(self) -> Figure:
        _, x, delta = self._attacked()
        before, after = self._scores()
        return figure_of(plot_sum(x[0], delta[0], [before, "perturbation", after])[0])

    @property
    def alt(self) -> str:
        before, after = self._scores()
        digit = "one" if self.digit else "zero"
        return f"A {digit}, {before}; a noisy perturbation; and their sum, {after}."
