"""Labels of every dtype give the right answer, or a clear error."""

import re

import pytest
import torch
from torch import nn

from lectures_code import (
    attacks,
    checks,
    experiments,
    figures,
    logistic,
    masking,
    multiclass,
    risk,
    training,
)
from lectures_code.exact import certificate, classes, penalised, separation, solver
from lectures_code.explorers import ascent, attack_lab, first_look, sgd
from lectures_code.features import MonotoneClassifier, Threshold
from lectures_code.logistic import LinearClassifier
from lectures_code.networks import (
    bounds,
    evaluation,
    landscape,
    milp,
    smoothing,
    steps,
    ten_digits,
)
from lectures_code.networks.bound_loss import BoundLoss
from lectures_code.networks.distributed import SharedLoss
from lectures_code.networks.models import dense_network
from lectures_code.perturbations import BoxedNormBall, NormBall, PixelIntervals
from lectures_code.together import train_together
from tests.course.arguments.examples import (
    ALPHA,
    BALL,
    BIASES,
    BOX,
    FLOW,
    IMAGES,
    IN_BOX,
    LAYER,
    LINEAR,
    PENALTY,
    RECIPE,
    THETA,
    WEIGHTS,
    WITHIN,
    X,
    Y,
    adam_stepped,
    curves,
    evaluated,
    exact,
    examined,
    layer,
    network,
    one_epoch,
    stepped,
    trained,
)
from tests.course.arguments.functions import answer, without_an_example
from tests.oracles import INF, seeded

DTYPES = sorted({v for v in vars(torch).values() if isinstance(v, torch.dtype)}, key=str)
# One of each sort: functions hand their labels to two checks, which are tried with all of them.
OF_EACH_SORT = [
    *(torch.int8, torch.uint8, torch.uint16, torch.bool, torch.float16, torch.float32),
    *(torch.float8_e5m2, torch.complex64, torch.quint8, torch.bits16),
]
USUAL = [torch.int8, torch.int16, torch.int32, torch.float16, torch.float32, torch.float64]


def many():
    """A layer with the logits' weights."""
    module = nn.Linear(2, 3).double()
    module.load_state_dict({"weight": WEIGHTS, "bias": BIASES})
    return module


LARGE = dense_network(784, [], generator=seeded(), n_outputs=3)


def logits(x):
    return x @ WEIGHTS.to(x.dtype).T


IN_PIXELS = NormBall(INF, 0.3)


def networks(n_outputs=1):
    """What takes a network and labels."""
    how = {"step_size": 0.125, "n_steps": 2}
    return {
        steps.adversarial_loss: lambda y: steps.adversarial_loss(network(n_outputs), X, y, X / 8),
        steps.divergence_maximiser: lambda y: steps.divergence_maximiser(
            network(n_outputs), X, y, BALL, generator=seeded(), **how
        ),
        steps.AdamStep.__call__: lambda y: adam_stepped(network(n_outputs), y),
        evaluation.evaluate: lambda y: evaluated(network(n_outputs), y),
        landscape.landscape: lambda y: landscape.landscape(
            network(n_outputs), X, y, BALL, n_points=3
        ),
        attacks.worst_of: lambda y: attacks.worst_of(
            network(n_outputs), X, y, BALL, [X / 16, -X / 16]
        ),
        **{
            function: lambda y, function=function: function(network(n_outputs), X, y, BALL)
            for function in (
                bounds.interval_gaps,
                bounds.linear_functions,
                bounds.linear_gaps,
                bounds.interval_margins,
                bounds.linear_margins,
                milp.smallest_margins,
            )
        },
        bounds.gap_rows: lambda y: bounds.gap_rows(y, X[:, [0] * n_outputs]),
        SharedLoss.__call__: lambda y: SharedLoss()(network(n_outputs), X, y, X / 8),
        BoundLoss.__call__: lambda y: BoundLoss(BALL, ramp=1)(network(n_outputs), X, y, X),
        smoothing.smoothed_radii: lambda y: smoothing.smoothed_radii(
            network(n_outputs), X, y, sigma=1, n_draws=9, confidence=0.5, generator=seeded()
        ),
    }


SIGNED = {
    **networks(),
    attacks.linear_maximiser: lambda y: attacks.linear_maximiser(LINEAR, X, y, BALL),
    **{
        getattr(type(model), name): lambda y, model=model, name=name: getattr(model, name)(
            X, y, IN_PIXELS
        )
        for model in (LINEAR, MonotoneClassifier(Threshold(0.5), LINEAR))
        for name in ("worst_perturbations", "worst_margins", "radii")
    },
    MonotoneClassifier.margins: lambda y: MonotoneClassifier(Threshold(0.5), LINEAR).margins(X, y),
    Threshold.radii: lambda y: Threshold(0.5).radii(X[0], X, y, X[:, 0], IN_PIXELS),
    attacks.fgsm: lambda y: attacks.fgsm(LINEAR, X, y, BALL),
    attacks.pgd: lambda y: attacks.pgd(LINEAR, X, y, BALL, step_size=0.1, n_steps=2),
    attacks.coordinate_search: lambda y: attacks.coordinate_search(
        LINEAR, X, y, BALL, generator=seeded()
    ),
    attacks.square_search: lambda y: attacks.square_search(
        LINEAR, X, y, BALL, shape=(1, X.shape[1]), generator=seeded(), n_queries=3
    ),
    masking.examine: lambda y: examined(LINEAR, y),
    masking.loss_curves: lambda y: curves(LINEAR, y),
    masking.guessing: lambda y: masking.guessing(y),
    solver.solve: lambda y: solver.solve(X, y, NormBall(INF, 0.3)),
    solver.solution_path: lambda y: solver.solution_path(X, y, NormBall(INF, 0), [0.3, 0.4]),
    certificate.lower_bound: lambda y: certificate.lower_bound(X, y, NormBall(INF, 0.5), ALPHA),
    certificate.certificate_perturbations: lambda y: certificate.certificate_perturbations(
        X, y, NormBall(INF, 0.5), ALPHA
    ),
    separation.separate: lambda y: separation.separate(X, y, NormBall(2, 0)),
    experiments.follow_sgd: lambda y: experiments.follow_sgd(
        LINEAR, X, y, BALL, step_size=lambda k: 0.5, n_epochs=2, generator=seeded()
    ),
    penalised.penalised_optimum: lambda y: penalised.penalised_optimum(X, y, 0.1),
    figures.plot_boundaries: lambda y: figures.plot_boundaries(X, y, {"one": LINEAR}, BALL),
    figures.plot_descent: lambda y: figures.plot_descent(X, y, BALL, X, X[0]),
    logistic.margins: lambda y: logistic.margins(X[:, 0], y),
    logistic.losses: lambda y: logistic.losses(X[:, 0], y),
    logistic.log_odds_of_error: lambda y: logistic.log_odds_of_error(X[:, 0], y),
    logistic.lack_of_margin: lambda y: logistic.lack_of_margin(X[:, 0], y),
    LinearClassifier.margins: lambda y: LINEAR.margins(X, y),
    risk.risk: lambda y: risk.risk(LINEAR, X, y),
    risk.error: lambda y: risk.error(LINEAR, X, y),
    risk.worst_margins: lambda y: risk.worst_margins(LINEAR, IN_BOX, y, BALL.in_box()),
    risk.adversarial_risk: lambda y: risk.adversarial_risk(LINEAR, X, y, BALL),
    risk.robust_error: lambda y: risk.robust_error(LINEAR, X, y, BALL),
    risk.certified_radii: lambda y: risk.certified_radii(LINEAR, IN_BOX, y, BOX),
    risk.error_curve: lambda y: risk.error_curve(LINEAR, X, y, NormBall(2, 1.0)),
    training.History.with_entry: lambda y: training.History().with_entry(X[:, 0], X[:, 1], y),
    training.train: lambda y: trained(layer(), X, y, maximiser=exact),
    training.epoch: lambda y: one_epoch(layer(), y),
    NormBall.margin_taken: lambda y: BALL.margin_taken(X[0], X, y),
    BoxedNormBall.margin_taken: lambda y: BOX.margin_taken(X[0], IN_BOX, y),
    PixelIntervals.margin_taken: lambda y: WITHIN.margin_taken(X[0], X, y),
    PixelIntervals.worst: lambda y: WITHIN.worst(X[0], X, y),
    NormBall.proximal_point: lambda y: BALL.proximal_point(THETA, X, y, ALPHA),
    BoxedNormBall.proximal_point: lambda y: BOX.proximal_point(THETA, IN_BOX, y, ALPHA),
    training.gradient_step: lambda y: stepped(layer(), y),
    NormBall.worst: lambda y: BALL.worst(X[0], X, y),
    BoxedNormBall.worst: lambda y: BOX.worst(X[0], IN_BOX, y),
    NormBall.radii: lambda y: BALL.radii(X[0], X, y, X[:, 0]),
    BoxedNormBall.radii: lambda y: BOX.radii(X[0], IN_BOX, y, X[:, 0]),
    risk.adversarial_objective: lambda y: risk.adversarial_objective(
        LINEAR.theta, LINEAR.intercept, X, y, BALL
    ),
    train_together: lambda y: train_together([LINEAR], X, y, BALL, **RECIPE, generators=[seeded()]),
    attack_lab.AttackLab: lambda y: attack_lab.AttackLab({"one": LAYER}, IMAGES, y),
    first_look.FirstLook: lambda y: [
        first_look.FirstLook(LAYER, IMAGES[k], y[k]) for k in range(len(y))
    ],
    ascent.AscentExplorer: lambda y: ascent.AscentExplorer(
        network(), X, y, index=1, radius=0.25, starts=X
    ),
    sgd.SgdExplorer: lambda y: sgd.SgdExplorer(
        X, y, radius=0.25, start=X[0], batch_size=2, generator=seeded()
    ),
}
NUMBERED = {
    **networks(n_outputs=3),
    attacks.fgsm: lambda y: attacks.fgsm(logits, X, y, BALL),
    attacks.pgd: lambda y: attacks.pgd(logits, X, y, BALL, step_size=0.1, n_steps=2),
    attacks.coordinate_search: lambda y: attacks.coordinate_search(
        logits, X, y, BALL, generator=seeded()
    ),
    attacks.square_search: lambda y: attacks.square_search(
        logits, X, y, BALL, shape=(1, X.shape[1]), generator=seeded(), n_queries=3
    ),
    masking.examine: lambda y: examined(logits, y),
    masking.loss_curves: lambda y: curves(logits, y),
    logistic.margins: lambda y: logistic.margins(logits(X), y),
    logistic.losses: lambda y: logistic.losses(logits(X), y),
    logistic.log_odds_of_error: lambda y: logistic.log_odds_of_error(logits(X), y),
    logistic.lack_of_margin: lambda y: logistic.lack_of_margin(logits(X), y),
    multiclass.worst_gaps: lambda y: multiclass.worst_gaps(WEIGHTS, BIASES, X, y, BALL),
    multiclass.loss_bound: lambda y: multiclass.loss_bound(WEIGHTS, BIASES, X, y, BALL),
    multiclass.robust_error: lambda y: multiclass.robust_error(WEIGHTS, BIASES, X, y, BALL),
    multiclass.largest_gap_losses: lambda y: multiclass.largest_gap_losses(
        WEIGHTS, BIASES, X, y, BALL
    ),
    classes.minimise_largest_gap: lambda y: classes.minimise_largest_gap(X, y, PENALTY),
    classes.largest_gap_bound: lambda y: classes.largest_gap_bound(X, y, NormBall(INF, 0.5), FLOW),
    risk.risk: lambda y: risk.risk(logits, X, y),
    risk.error: lambda y: risk.error(logits, X, y),
    training.History.with_entry: lambda y: training.History().with_entry(logits(X), logits(X), y),
    training.train: lambda y: trained(many(), X, y),
    training.epoch: lambda y: one_epoch(many(), y),
    training.gradient_step: lambda y: stepped(many(), y),
    ten_digits.fast_maximiser: lambda y: ten_digits.fast_maximiser(
        LARGE, IMAGES.float(), y, generator=seeded()
    ),
    ten_digits.fast_training: lambda y: ten_digits.fast_training(
        IMAGES.float(), y, file="none.pt", n_epochs=1, saves=False
    ),
}
DIGITS = (Y + 1) // 2
LABELLED = [
    pytest.param(lambda y: checks.check_labels(y, 6), Y, DTYPES, id="check_labels"),
    pytest.param(lambda y: checks.check_classes(y, 6, 3), DIGITS, DTYPES, id="check_classes"),
    *(pytest.param(SIGNED[f], Y, OF_EACH_SORT, id=f.__qualname__) for f in SIGNED),
    *(
        pytest.param(NUMBERED[f], DIGITS, OF_EACH_SORT, id=f"{f.__qualname__}-logits")
        for f in NUMBERED
    ),
]


def takes_labels(annotations):
    return annotations.get("y") in ("Tensor", "float")


def test_every_function_that_takes_labels_has_an_example():
    assert without_an_example(takes_labels, {**SIGNED, **NUMBERED}) == []


def test_a_function_without_an_example_is_found():
    fewer = {f: example for f, example in SIGNED.items() if f is not risk.certified_radii}
    names = without_an_example(takes_labels, {**fewer, **NUMBERED})
    assert names == ["lectures_code.risk.certified_radii"]


def labels_in(dtype, values):
    """The labels in a dtype, as torch converts them; None where it has no way to make them."""
    for made in (
        lambda: values.to(dtype),
        lambda: torch.quantize_per_tensor(values.float(), 1.0, 0, dtype),
        lambda: torch.zeros(len(values), dtype=torch.uint8).view(dtype),
    ):
        try:
            return made()
        except (RuntimeError, TypeError):
            pass
    return None


ADVICE = re.compile(r"use ((?:2 \* )?\(?y.*?)(?: for .*)?$")


@pytest.mark.filterwarnings("ignore:.*(quantize|ComplexHalf)")
@pytest.mark.parametrize(("example", "truth", "dtypes"), LABELLED)
def test_labels_of_any_dtype_give_the_answer_of_int64_or_are_refused(example, truth, dtypes):
    """Also 0 and 1, and 1 and 2; and the advice in an error, followed to the letter, works."""
    expected, _ = answer(example, truth)
    assert expected, "an example gives numbers"
    for dtype in dtypes:
        for values in (Y, DIGITS, DIGITS + 1):
            y = labels_in(dtype, values)
            if y is None:
                continue
            found, error = answer(example, y)
            assert error is None or dtype not in USUAL or not values.equal(truth), error
            if error is None:
                plain = y.double().long()
                assert plain.equal(y.double()), f"whole numbers in {dtype}"
                right = expected if plain.equal(truth) else answer(example, plain)[0]
                assert found == right, dtype
            elif (advice := ADVICE.search(error)) and dtype != torch.bool:  # -1 and 2 are True
                assert answer(example, eval(advice[1], {"y": y})) == (expected, None), error


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bool, torch.float32])
def test_digits_as_files_give_them_become_labels_by_the_advice(dtype):
    y = DIGITS.to(dtype)
    with pytest.raises(ValueError, match="labels must be") as refused:
        risk.error(LINEAR, X, y)
    y = eval(ADVICE.search(str(refused.value))[1], {"y": y})
    assert y.equal(Y)
