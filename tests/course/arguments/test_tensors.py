"""Tensors of two dtypes give the right answer, or a clear error."""

import itertools

import pytest
import torch

from lectures_code import (
    attacks,
    danskin,
    experiments,
    figures,
    logistic,
    masking,
    multiclass,
    risk,
    training,
)
from lectures_code.exact import certificate, classes, penalised, solver
from lectures_code.explorers import ascent, attack_lab, first_look, sgd
from lectures_code.features import Threshold
from lectures_code.logistic import LinearClassifier
from lectures_code.networks import (
    bounds,
    evaluation,
    landscape,
    layers,
    milp,
    smoothing,
    steps,
    ten_digits,
)
from lectures_code.networks.bound_loss import BoundLoss
from lectures_code.networks.distributed import SharedLoss
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
from tests.course.arguments.functions import answer, numbers_in, without_an_example
from tests.oracles import INF, seeded

IN_PIXELS = NormBall(INF, 0.3)
FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def classifier(dtype, like=LINEAR):
    return LinearClassifier(like.theta.to(dtype), like.intercept.to(dtype))


def phi(dtype):
    """A value function in the plane whose maximiser at THETA is unique."""
    return danskin.ValueFunction(lambda theta, deltas: deltas @ theta, X.to(dtype))


# Each takes two dtypes, of its first tensors (or its model's) and of its other ones.
PAIRS = {
    attacks.linear_maximiser: lambda a, b: attacks.linear_maximiser(
        classifier(a), X.to(b), Y, BALL
    ),
    attacks.fgsm: lambda a, b: attacks.fgsm(layer(classifier(a)), X.to(b), Y, BALL),
    attacks.pgd: lambda a, b: attacks.pgd(
        layer(classifier(a)), X.to(b), Y, BALL, step_size=0.125, n_steps=1
    ),
    steps.adversarial_loss: lambda a, b: steps.adversarial_loss(
        network(dtype=a), X.to(b), Y, X.to(b) / 8
    ),
    steps.AdamStep.__call__: lambda a, b: adam_stepped(network(dtype=a), Y, X.to(b)),
    evaluation.evaluate: lambda a, b: evaluated(network(dtype=a), Y, X.to(b)).found,
    attacks.worst_of: lambda a, b: attacks.worst_of(
        network(dtype=a), X.to(b), Y, BALL, [X.to(b) / 16]
    ),
    **{
        function: lambda a, b, function=function: function(network(dtype=a), X.to(b), Y, BALL)
        for function in (
            bounds.interval_gaps,
            bounds.linear_functions,
            bounds.linear_gaps,
            bounds.interval_margins,
            bounds.linear_margins,
        )
    },
    milp.smallest_margins: lambda a, b: (
        milp.smallest_margins(network(dtype=a), X.to(b), Y, BALL).high
    ),
    bounds.intervals: lambda a, b: bounds.intervals(
        network(dtype=a), (X.to(b) - 0.125, X.to(b) + 0.125)
    ),
    layers.product: lambda a, b: layers.product(network(dtype=a)[0], X.to(b)),
    layers.interval_through: lambda a, b: layers.interval_through(
        network(dtype=a)[0], (X.to(b) - 0.125, X.to(b) + 0.125)
    ),
    layers.back_through: lambda a, b: layers.back_through(
        network()[0], X[:, [0, 0, 0]].to(a)[:, None], (X.to(b) - 0.125, X.to(b) + 0.125)
    ),
    ten_digits.fast_maximiser: lambda a, b: ten_digits.fast_maximiser(
        network(dtype=a), IN_BOX.to(b), Y, generator=seeded()
    ),
    SharedLoss.__call__: lambda a, b: SharedLoss()(network(dtype=a), X.to(b), Y, X.to(b) / 8),
    BoundLoss.__call__: lambda a, b: BoundLoss(BALL, ramp=1)(network(dtype=a), X.to(b), Y, X),
    smoothing.smoothed_radii: lambda a, b: smoothing.smoothed_radii(
        network(dtype=a), 8 * X.to(b), Y, sigma=2**-9, n_draws=2, confidence=0.5, generator=seeded()
    ),
    landscape.landscape: lambda a, b: landscape.landscape(
        network(dtype=a), X.to(b), Y, BALL, n_points=3
    ),
    figures.plot_landscape: lambda a, b: figures.plot_landscape(
        landscape.landscape(network(dtype=a), X.to(a), Y, BALL, n_points=3),
        1,
        X.to(b),
        X.to(b) / 2,
    ),
    steps.divergence: lambda a, b: steps.divergence(X.to(a), IN_BOX.to(b)),
    steps.divergence_maximiser: lambda a, b: steps.divergence_maximiser(
        network(dtype=a), X.to(b), Y, BALL, step_size=0.125, n_steps=1, generator=seeded()
    ),
    solver.solve: lambda a, b: solver.solve(X.to(a), Y, PENALTY, start=classifier(b)).risk,
    certificate.lower_bound: lambda a, b: certificate.lower_bound(
        X.to(a), Y, NormBall(INF, 0.5), ALPHA.to(b)
    ),
    certificate.certificate_perturbations: lambda a, b: certificate.certificate_perturbations(
        X.to(a), Y, NormBall(INF, 0.5), ALPHA.to(b)
    ),
    classes.largest_gap_bound: lambda a, b: classes.largest_gap_bound(
        X.to(a), (Y + 1) // 2, NormBall(INF, 0.5), FLOW.to(b)
    ),
    danskin.ValueFunction: lambda a, b: phi(a)(THETA.to(b)),
    danskin.ValueFunction.directional_derivative: lambda a, b: phi(a).directional_derivative(
        THETA.to(a), X[1].to(b)
    ),
    danskin.ValueFunction.values: lambda a, b: phi(a).values(THETA.to(b)),
    danskin.ValueFunction.gradient: lambda a, b: phi(a).gradient(THETA.to(b)),
    danskin.ValueFunction.steepest_descent: lambda a, b: phi(a).steepest_descent(THETA.to(b)),
    danskin.ValueFunction.maximisers: lambda a, b: phi(a).maximisers(THETA.to(b)),
    danskin.difference_quotient: lambda a, b: danskin.difference_quotient(
        lambda theta: theta[0], X[0].to(a), X[1].to(b), 0.5
    ),
    experiments.follow_sgd: lambda a, b: experiments.follow_sgd(
        classifier(a), X.to(b), Y, BALL, step_size=lambda k: 0.5, n_epochs=1, generator=seeded()
    ),
    penalised.penalised_optimum: lambda a, b: penalised.penalised_optimum(
        X.to(a), Y, 0.125, start=classifier(b)
    ),
    figures.plot_boundaries: lambda a, b: figures.plot_boundaries(
        X.to(a), Y, {"one": classifier(b)}, BALL
    ),
    figures.plot_descent: lambda a, b: figures.plot_descent(X.to(a), Y, BALL, X.to(b), X[0].to(a)),
    figures.plot_envelope: lambda a, b: figures.plot_envelope(
        X[:, 0].abs().to(a), {"one": X[:, 1].abs().to(b)}
    ),
    figures.plot_lines: lambda a, b: figures.plot_lines(
        X[:, 0].abs().to(a), {"one": X[:, 1].abs().to(b)}, xlabel="x", ylabel="y"
    ),
    figures.plot_sum: lambda a, b: figures.plot_sum(IMAGES[0].to(a), IMAGES[1].to(b), ["", "", ""])[
        :2
    ],
    figures.plot_attack_lab: lambda a, b: figures.plot_attack_lab(
        IMAGES[0].to(a),
        IMAGES[1].to(b),
        ["", "", ""],
        {"one": risk.error_curve(LINEAR, X, Y, NormBall(2, 1.0))},
        chosen="one",
        radius=0.25,
    )[:2],
    figures.plot_least_risk: lambda a, b: figures.plot_least_risk(
        X[:, 0].abs().to(a), X[:, 1].abs().to(b), threshold=0.25, constant=0.5
    ),
    figures.plot_path: lambda a, b: figures.plot_path(X[:, 0].to(a), X.to(b)),
    logistic.outputs: lambda a, b: logistic.outputs(layer(classifier(a)), X.to(b)),
    LinearClassifier: lambda a, b: LinearClassifier(X[0].to(a), X[0, 0].to(b)),
    LinearClassifier.__call__: lambda a, b: classifier(a)(X.to(b)),
    **{
        function: lambda a, b, function=function: function(
            WEIGHTS.to(a), BIASES.to(a), X.to(b), Y.abs(), BALL
        )
        for function in (
            multiclass.worst_gaps,
            multiclass.loss_bound,
            multiclass.largest_gap_losses,
            multiclass.robust_error,
        )
    },
    **{
        getattr(kind, name): lambda a, b, kind=kind, name=name: getattr(kind(2, 0.25), name)(
            X.to(a), IN_BOX.to(b)
        )
        for kind in (NormBall, BoxedNormBall)
        for name in ("support", "maximiser", "project", "contains", "perturbed")
    },
    NormBall.margin_taken: lambda a, b: BALL.margin_taken(X[0].to(a), X.to(b), Y),
    NormBall.worst: lambda a, b: BALL.worst(X[0].to(a), X.to(b), Y),
    **{
        getattr(BoxedNormBall, name): lambda a, b, name=name: getattr(BALL.in_box(), name)(
            X[0].to(a), IN_BOX.to(b), Y
        )
        for name in ("margin_taken", "worst")
    },
    NormBall.proximal_point: lambda a, b: BALL.proximal_point(THETA.to(a), X.to(b), Y, ALPHA.to(b)),
    BoxedNormBall.proximal_point: lambda a, b: BOX.proximal_point(
        THETA.to(a), IN_BOX.to(b), Y, ALPHA.to(b)
    ),
    training.gradient_step: lambda a, b: stepped(layer(classifier(a)), Y, X.to(b)),
    training.epoch: lambda a, b: one_epoch(layer(classifier(a)), Y, X.to(b)),
    PixelIntervals: lambda a, b: PixelIntervals((X - 0.125).to(a), (X + 0.25).to(b)).interval(X),
    PixelIntervals.margin_taken: lambda a, b: WITHIN.margin_taken(X[0].to(a), X.to(b), Y),
    PixelIntervals.worst: lambda a, b: WITHIN.worst(X[0].to(a), X.to(b), Y),
    PixelIntervals.perturbed: lambda a, b: WITHIN.perturbed(X.to(a), X.to(b)),
    NormBall.radii: lambda a, b: BALL.radii(X[0].to(a), X.to(b), Y, X[:, 0].to(a)),
    BoxedNormBall.radii: lambda a, b: BOX.radii(X[0].to(a), IN_BOX.to(b), Y, X[:, 0].to(a)),
    risk.risk: lambda a, b: risk.risk(layer(classifier(a)), X.to(b), Y),
    risk.error: lambda a, b: risk.error(layer(classifier(a)), X.to(b), Y),
    **{
        function: lambda a, b, function=function: function(
            classifier(a), IN_BOX.to(b), Y, BALL.in_box()
        )
        for function in (
            risk.worst_margins,
            risk.adversarial_risk,
            risk.robust_error,
            risk.certified_radii,
            risk.error_curve,
        )
    },
    attacks.coordinate_search: lambda a, b: attacks.coordinate_search(
        layer(classifier(a)), X.to(b), Y, BALL, generator=seeded()
    ),
    attacks.square_search: lambda a, b: attacks.square_search(
        layer(classifier(a)),
        *(X.to(b), Y, BALL),
        shape=(1, X.shape[1]),
        generator=seeded(),
        n_queries=3,
    ),
    # In fewer digits there is one check more, which may not find more than the others.
    masking.examine: lambda a, b: examined(layer(classifier(a)), Y, X.to(b)).strongest,
    masking.loss_curves: lambda a, b: curves(layer(classifier(a)), Y, X.to(b)),
    Threshold.radii: lambda a, b: Threshold(0.5).radii(X[0].to(a), X.to(b), Y, X[:, 0], IN_PIXELS),
    training.History.with_entry: lambda a, b: training.History().with_entry(
        X[:, 0].to(a), X[:, 1].to(b), Y
    ),
    training.train: lambda a, b: trained(layer(classifier(a)), X.to(b), Y, maximiser=exact)[0],
    risk.adversarial_objective: lambda a, b: risk.adversarial_objective(
        X[0].to(a), X[0, 0].to(a), X.to(b), Y, BALL
    ),
    train_together: lambda a, b: train_together(
        [classifier(a)], X.to(b), Y, BALL, **RECIPE, generators=[seeded()]
    ),
    training.as_module: lambda a, b: training.as_module(classifier(a)),
    attack_lab.AttackLab: lambda a, b: attack_lab.AttackLab(
        {"one": classifier(a, LAYER)}, IMAGES.to(b), Y
    ),
    first_look.FirstLook: lambda a, b: first_look.FirstLook(
        classifier(a, LAYER), IMAGES[0].to(b), 1.0
    ),
    ascent.AscentExplorer: lambda a, b: ascent.AscentExplorer(
        network(dtype=a), X.to(b), Y, index=1, radius=0.25, starts=X.to(b)
    ),
    sgd.SgdExplorer: lambda a, b: sgd.SgdExplorer(
        X.to(a), Y, radius=0.25, start=X[0].to(b), batch_size=2, generator=seeded()
    ),
}
# Dual points are feasible *exactly*, or refused.
PROOFS = (
    certificate.lower_bound,
    certificate.certificate_perturbations,
    classes.largest_gap_bound,
)
HOLDS_NUMBERS = ("Tensor", "Classifier", "nn.Module", "Module", "Model")


def takes_several_tensors(annotations):
    kinds = [str(kind) for name, kind in annotations.items() if name != "y"]
    return sum(any(word in kind for word in HOLDS_NUMBERS) for kind in kinds) > 1


def test_every_function_that_takes_several_tensors_has_an_example():
    assert without_an_example(takes_several_tensors, PAIRS) == []


def precision(*dtypes):
    return max(torch.finfo(dtype).eps for dtype in dtypes)


@pytest.mark.parametrize("function", PAIRS, ids=lambda function: function.__qualname__)
def test_tensors_of_two_dtypes_give_the_answer_or_are_refused(function):
    """Never an error of PyTorch's or numpy's own."""
    expected = numbers_in(PAIRS[function](torch.float64, torch.float64))
    for first, second in itertools.product(FLOATS, FLOATS):
        found, error = answer(lambda pair: PAIRS[function](*pair), (first, second))
        if error is None:
            # Some dozens of roundings in the narrower of the dtypes, of numbers of size 1 to 300.
            within = 100 * precision(first, second)
            assert found == pytest.approx(expected, rel=within, abs=within), (first, second)
        else:
            assert "must " in error and ", got " in error
            narrow = {first, second} & {torch.float16, torch.bfloat16}
            assert first != second or narrow or function in PROOFS
