"""Adversarial training at a press of a button, where a kernel runs, and its result in the lab."""

from functools import partial
from html import escape

import ipywidgets
import torch
from comm import DummyComm
from torch import nn

from lectures_code.attacks import linear_maximiser
from lectures_code.checks import check_count, check_positive, real
from lectures_code.explorers.attack_lab import LARGEST, AttackLab
from lectures_code.logistic import LinearClassifier
from lectures_code.mnist import ZeroOne
from lectures_code.perturbations import NormBall
from lectures_code.risk import error, robust_error
from lectures_code.training import History, train

NEEDS_KERNEL = (
    "Training needs a running kernel, and there is none on this page: open the chapter in Binder "
    "or Colab with the rocket at the top of the page, and run its cells. A slider and a button to "
    "train with then stand here."
)
VIEW = "application/vnd.jupyter.widget-view+json"


class Retraining(ipywidgets.VBox):
    r"""A radius to choose, a button to train against it, and the result, which joins a lab.

    The lecture's recipe: SGD on the adversarial risk of the chosen :math:`\ell_\infty` radius, from
    the same start and with the same order of the images each time. On a page without a kernel a
    sentence says where it can be run.

    Parameters
    ----------
    data : ZeroOne
        To train on, and to count mistakes on.
    lab : AttackLab
        Is given each new classifier, which it then shows.
    start : nn.Linear with one output
        The weights that training starts from; they are not changed.
    seed : int
        Determines the order of the images.
    step_size, batch_size, n_epochs
        As for :func:`lectures_code.training.train`; the defaults are the lecture's.
    radius : float
        The radius that is chosen at first, in [0, 0.5].

    Raises
    ------
    TypeError, ValueError
        If the start is not linear, or an argument is out of range.
    """

    def __init__(
        self,
        data: ZeroOne,
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
        self._recipe = {
            "step_size": check_positive("step_size", step_size),
            "batch_size": check_count("batch_size", batch_size),
            "n_epochs": check_count("n_epochs", n_epochs),
        }
        limits = {"min": 0.0, "max": LARGEST, "step": 0.01, "value": chosen}
        # The slider's handle has no name for screen readers; the field beside it has, and holds
        # the same number.
        self.field = ipywidgets.BoundedFloatText(description="radius ε", **limits)
        self.slider = ipywidgets.FloatSlider(readout=False, **limits)
        self._link = ipywidgets.link((self.field, "value"), (self.slider, "value"))
        self.button = ipywidgets.Button(description="Train", tooltip="Train with this radius")
        self.bar = ipywidgets.IntProgress(max=self._recipe["n_epochs"], description="epochs")
        self.bar.layout.visibility = "hidden"
        self.output = ipywidgets.Output()
        self.button.on_click(self._pressed)
        controls = ipywidgets.HBox([self.field, self.slider, self.button, self.bar])
        controls.layout.flex_flow = "row wrap"
        super().__init__([controls, self.output])

    def train(self, radius: float) -> LinearClassifier:
        """Train against this radius (>= 0, in pixel units); returns the last iterate."""
        classifier, _ = train(
            self._start,
            self._data.x_train,
            self._data.y_train,
            maximiser=partial(linear_maximiser, ball=NormBall(torch.inf, radius)),
            generator=torch.Generator().manual_seed(self._seed),
            stop=self._advance,
            # The history is not used: keep it cheap.
            evaluate_on=(self._data.x_train[:1], self._data.y_train[:1]),
            **self._recipe,
        )
        return LinearClassifier.of(classifier)

    def _advance(self, history: History) -> bool:
        """Advance the progress bar after an epoch; never stop the training."""
        self.bar.value = history.n_epochs
        return False

    def _pressed(self, _: object) -> None:
        """Train, say what came out, and hand it to the lab; one training at a time."""
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

    def _repr_mimebundle_(self, **kwargs):
        """The controls where there is a kernel, and the sentence where there is none."""
        bundle = super()._repr_mimebundle_(**kwargs) or {}
        data = dict(bundle[0] if isinstance(bundle, tuple) else bundle)
        if self.comm is None or isinstance(self.comm, DummyComm):
            data.pop(VIEW, None)  # without a kernel no view would answer
        page = f'<p class="explorer-note">{escape(NEEDS_KERNEL)}</p>'
        return {**data, "text/plain": NEEDS_KERNEL, "text/html": page}
