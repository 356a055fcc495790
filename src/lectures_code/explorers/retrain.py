"""A button that trains against a chosen radius, where a kernel runs, and shows the result."""

from functools import partial
from html import escape
from typing import Any

import ipywidgets
import torch
from comm import DummyComm
from torch import nn

from lectures_code.attacks import linear_maximiser
from lectures_code.checks import check_count, check_positive, real
from lectures_code.experiments import seeded
from lectures_code.explorers.attack_lab import LARGEST, AttackLab
from lectures_code.logistic import LinearClassifier
from lectures_code.mnist import Digits
from lectures_code.perturbations import NormBall
from lectures_code.risk import error, robust_error
from lectures_code.training import as_module, epoch

NEEDS_KERNEL = (
    "Training needs a running kernel: run the cells of this chapter. On the book's site, the "
    "rocket at the top of the page opens the chapter in Binder or Colab. A slider and a button to "
    "train with then stand here."
)
VIEW = "application/vnd.jupyter.widget-view+json"


class Retraining(ipywidgets.VBox):
    r"""A slider for the radius, a button that trains against it, and a lab that gets the result.

    The lecture's recipe: SGD on the adversarial risk of the chosen :math:`\ell_\infty` radius, from
    the same start and with the same order of the images each time. A page without a kernel says
    instead where there is one.

    Parameters
    ----------
    data : Digits
        To train on, and to count mistakes on.
    lab : AttackLab
        Shows each new classifier.
    start : nn.Linear with one output
        The start. It is copied, not changed.
    seed : int
        Seed of the order of the images.
    step_size, batch_size, n_epochs
        As for :func:`lectures_code.training.train`; the defaults are the lecture's.
    radius : float
        The initial radius, in [0, 0.5].

    Raises
    ------
    TypeError, ValueError
        If the start is not linear, or an argument is out of range.
    """

    def __init__(
        self,
        data: Digits,
        lab: AttackLab,
        *,
        start: nn.Linear,
        seed: int = 0,
        step_size: float = 1.0,
        batch_size: int = 100,
        n_epochs: int = 10,
        radius: float = 0.1,
    ) -> None:
        LinearClassifier.of(start)
        chosen = real(radius)
        if not 0 <= chosen <= LARGEST:
            raise ValueError(
                f"radius must lie in [0, {LARGEST:g}], got {radius!r}: pass a smaller one"
            )
        self._data, self._lab, self._start = data, lab, start
        self._seed = check_count("seed", seed, least=0)
        self._step_size = check_positive("step_size", step_size)
        self._batch_size = check_count("batch_size", batch_size)
        n_epochs = check_count("n_epochs", n_epochs)
        limits = {"min": 0.0, "max": LARGEST, "step": 0.01, "value": chosen}
        # The slider's handle has no name for screen readers; the field beside it has, and holds
        # the same number.
        self.field = ipywidgets.BoundedFloatText(description="radius ε", **limits)
        self.slider = ipywidgets.FloatSlider(readout=False, **limits)
        self._link = ipywidgets.link((self.field, "value"), (self.slider, "value"))
        self.button = ipywidgets.Button(description="Train", tooltip="Train with this radius")
        self.bar = ipywidgets.IntProgress(max=n_epochs, description="epochs")
        self.bar.layout.visibility = "hidden"
        self.output = ipywidgets.Output()
        self.button.on_click(self._pressed)
        controls = ipywidgets.HBox([self.field, self.slider, self.button, self.bar])
        controls.layout.flex_flow = "row wrap"
        super().__init__([controls, self.output])

    def train(self, radius: float) -> LinearClassifier:
        """The last iterate of training against this radius (>= 0, in pixel units)."""
        model, generator = as_module(self._start), seeded(self._seed)
        attack = partial(linear_maximiser, ball=NormBall(torch.inf, radius))
        for done in range(self.bar.max):
            for _ in epoch(
                model,
                self._data.x_train,
                self._data.y_train,
                maximiser=attack,
                step_size=self._step_size,
                batch_size=self._batch_size,
                generator=generator,
            ):
                pass
            self.bar.value = done + 1
        return LinearClassifier.of(model)

    def _pressed(self, _: object) -> None:
        """Train, report the result, and hand it to the lab; the button is disabled meanwhile."""
        radius, self.button.disabled = self.slider.value, True
        self.bar.value, self.bar.layout.visibility = 0, "visible"
        try:
            classifier = self.train(radius)
            self.output.append_stdout(f"{self._report(classifier, radius)}\n")
            self._lab.add_model(f"yours, trained with {radius:g}", classifier)
        except Exception as error:
            # The callback of a button only logs what it raises: the reader must see it, too.
            self.output.append_stderr(f"training failed: {error}\n")
            raise
        finally:
            self.button.disabled, self.bar.layout.visibility = False, "hidden"

    def _report(self, classifier: LinearClassifier, radius: float) -> str:
        test = self._data.x_test, self._data.y_test
        attacked = robust_error(classifier, *test, NormBall(torch.inf, self._lab.radius))
        return (
            f"trained with radius {radius:g}: {error(classifier, *test)} test mistakes, "
            f"{attacked} under an attack of radius {self._lab.radius:g}"
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The controls where there is a kernel, and the sentence where there is none."""
        bundle = super()._repr_mimebundle_(**kwargs) or {}
        data = dict(bundle[0] if isinstance(bundle, tuple) else bundle)
        if self.comm is None or isinstance(self.comm, DummyComm):
            data.pop(VIEW, None)  # without a kernel no view would answer
        page = f'<p class="explorer-note">{escape(NEEDS_KERNEL)}</p>'
        return {**data, "text/plain": NEEDS_KERNEL, "text/html": page}
