"""Numbers of every kind, Python's, numpy's and torch's: the same answer, for every function."""

from unittest import mock

import numpy as np
import pytest
import torch

from lectures_code import (
    attacks,
    danskin,
    experiments,
    features,
    figures,
    masking,
    mnist,
    risk,
    training,
)
from lectures_code.exact import certificate, classes, penalised, separation, solver
from lectures_code.explorers import ascent, attack_lab, envelope, first_look, retrain, sgd, stored
from lectures_code.networks import (
    evaluation,
    landscape,
    milp,
    models,
    smoothing,
    steps,
    ten_digits,
)
from lectures_code.networks.bound_loss import BoundLoss
from lectures_code.networks.checkpoints import checkpointed
from lectures_code.perturbations import BoxedNormBall, NormBall
from lectures_code.together import train_together
from tests.course.arguments.examples import (
    ALPHA,
    BALL,
    IMAGES,
    IN_BOX,
    LAYER,
    LINEAR,
    PENALTY,
    RECIPE,
    THETA,
    X,
    Y,
    adam_stepped,
    curves,
    data,
    evaluated,
    examined,
    layer,
    network,
    one_epoch,
    stepped,
    trained,
)
from tests.course.arguments.functions import answer, numbers_in, parameters, public_functions
from tests.oracles import INF, REALS, WHOLE, seeded

# Kinds that go wrong where a function computes with them as they are. All kinds are tried with the
# checks that turn them into Python's numbers.
KINDS = [
    *("Fraction", "Decimal", "float16", "uint8", "numpy array of object"),
    *("torch.uint8", "torch.bfloat16", "a tensor in training"),
]
POINTS = danskin.ValueFunction(lambda theta, deltas: deltas[:, 0] * theta[0], X)


ALONG = danskin.ValueFunction(lambda theta, deltas: deltas[:, 0] * theta[0], X[:, :1])
CURVE = risk.error_curve(LINEAR, X, Y, NormBall(2, 1.0))
STEPS = {"step_size": 1, "batch_size": 1, "n_epochs": 1}


def retraining(**changes):
    lab = attack_lab.AttackLab({"one": LAYER}, IMAGES, Y)
    return retrain.Retraining(data(), lab, start=layer(LAYER), **{**RECIPE, **changes})


def pair(**digits):
    """The digits that are loaded, without the images."""
    with mock.patch("lectures_code.mnist.load.load_sample", lambda digits: digits):
        return mnist.load_pair(**{"negative": 3, "positive": 5, **digits}, source="sample")


def tried(function, numbers, *arguments, call=None, **keywords):
    """Entries for a function's numbers: a value, and what gives an answer in its many guises.

    `call` is called in the function's place. For `seeded` itself each call gets a generator.
    """

    def example(name):
        def give(number):
            given = {**keywords, name: number}
            made = {key: value() if value is seeded else value for key, value in given.items()}
            return (call or function)(*arguments, **made)

        return give

    return {(function, name): (value, example(name)) for name, value in numbers.items()}


NUMBERS = {
    **tried(attacks.pgd, {"step_size": 1}, LINEAR, X, Y, BALL, n_steps=1),
    **tried(attacks.pgd, {"n_steps": 1}, LINEAR, X, Y, BALL, step_size=0.125),
    **tried(attacks.coordinate_search, {"n_pixels": 1}, LINEAR, X, Y, BALL, generator=seeded),
    **tried(
        attacks.square_search,
        {"n_queries": 3},
        *(LINEAR, X, Y, BALL),
        shape=(1, X.shape[1]),
        generator=seeded,
    ),
    **tried(
        masking.examine,
        {"step_size": 1, "n_steps": 1, "n_pixels": 1, "n_queries": 3},
        call=lambda **numbers: examined(LINEAR, Y, **numbers),
    ),
    **tried(
        masking.loss_curves,
        {"step_size": 1, "n_steps": 1},
        call=lambda **numbers: curves(LINEAR, Y, **numbers),
    ),
    **tried(models.dense_network, {"d": 2, "n_outputs": 3}, hidden=[2], d=2, generator=seeded),
    **tried(models.convolutional_network, {"hidden": 2, "n_outputs": 3}, [1], generator=seeded),
    **tried(
        steps.divergence_maximiser,
        {"step_size": 1, "n_steps": 1},
        *(network(), X, Y, BALL),
        **{"step_size": 0.125, "n_steps": 1, "generator": seeded},
    ),
    **tried(
        evaluation.evaluate,
        {"step_size": 1, "seed": 1}
        | dict.fromkeys(("n_steps", "n_restarts", "n_hardest", "n_checked", "n_pixels"), 2)
        | {"n_queries": 3},
        call=lambda **numbers: evaluated(network(), Y, shape=(1, X.shape[1]), **numbers),
    ),
    **tried(landscape.landscape, {"n_points": 3}, network(), X, Y, BALL),
    **tried(
        figures.plot_landscape,
        {"index": 1},
        landscape.landscape(network(), X, Y, BALL, n_points=3),
        **{"index": 1, "starts": X, "ends": X / 2},
    ),
    **tried(
        steps.trades_loss,
        {"beta": 1},
        call=lambda beta: steps.trades_loss(beta)(network(), X, Y, X / 8),
    ),
    **tried(
        steps.AdamStep.__call__,
        {"step_size": 1},
        call=lambda step_size: adam_stepped(network(), Y, step_size=step_size),
    ),
    **tried(
        checkpointed,
        {"n_epochs": 2},
        *(network(), steps.AdamStep(), seeded()),
        **{"file": "none.pt", "n_epochs": 1, "saves": False},
        call=lambda *training, **how: list(checkpointed(*training, **how)),
    ),
    **tried(ten_digits.cyclic, {"t": 1}),
    **tried(
        ten_digits.fast_training,
        {"n_epochs": 1, "batch_size": 6, "seed": 1},
        *(IMAGES.float(), (Y + 1) // 2),
        **{"file": "none.pt", "n_epochs": 1, "saves": False},
    ),
    **tried(
        BoundLoss,
        {"ramp": 1},
        call=lambda ramp: BoundLoss(BALL, ramp=ramp)(network(), X, Y, X),
    ),
    **tried(milp.smallest_margins, {"time_limit": 1}, network(), X[:1], Y[:1], BALL),
    **tried(
        smoothing.smoothed_radii,
        {"sigma": 1, "n_draws": 1},
        *(LINEAR, X, Y),
        **{"sigma": 0.5, "n_draws": 2, "confidence": 0.5, "generator": seeded},
    ),
    **tried(
        smoothing.smoothed_radii,
        {"confidence": 0},
        *(LINEAR, X, Y),
        **{"sigma": 0.5, "n_draws": 2, "generator": seeded},
    ),
    **tried(features.Threshold, {"at": 1}, call=lambda at: features.Threshold(at)(2 * X)),
    **tried(solver.solve, {"tol": 1, "max_steps": 1, "memory": 100}, X, Y, PENALTY),
    **tried(solver.solution_path, {"tol": 1, "memory": 100}, X, Y, NormBall(2, 0), radii=[0.5]),
    **tried(classes.minimise_largest_gap, {"tol": 1, "max_steps": 5}, X, (Y + 1) // 2, PENALTY),
    **tried(certificate.lower_bound, {"memory": 100}, X, Y, NormBall(INF, 0.5), ALPHA),
    **tried(separation.separate, {"tol": 1, "memory": 100}, X, Y, NormBall(2, 0)),
    **tried(
        danskin.ValueFunction,
        {"tolerance": 1},
        call=lambda tolerance: danskin.ValueFunction(POINTS.g, X, tolerance=tolerance).maximisers(
            THETA
        ),
    ),
    **tried(danskin.difference_quotient, {"step": 1}, POINTS, X[0], X[1]),
    **tried(mnist.load_pair, {"negative": 8, "positive": 8}, call=pair),
    **tried(experiments.two_feature_set, {"n": 2}, generator=seeded),
    **tried(experiments.train_from_seeds, STEPS, data(), [1], BALL, **RECIPE),
    **tried(
        experiments.follow_sgd,
        {"batch_size": 1, "n_epochs": 1},
        *(LINEAR, X, Y, BALL),
        **{"step_size": lambda k: 1.0, "n_epochs": 1, "generator": seeded},
    ),
    **tried(penalised.penalised_optimum, {"penalty": 1}, X, Y),
    **tried(figures.plot_boundaries, {"n_sets": 2}, X, Y, {"one": LINEAR}, BALL),
    **tried(figures.plot_tangents, {"theta": 1, "missed": 1, "n_curves": 2}, ALONG, theta=1.0),
    **tried(figures.plot_images, {"columns": 2, "size": 1}, IMAGES),
    **tried(
        figures.plot_attack_lab,
        {"radius": 1},
        *(IMAGES[0], IMAGES[1], ["", "", ""], {"one": CURVE}),
        chosen="one",
    ),
    **tried(figures.plot_error_curves, {"mark": 1}, {"one": CURVE}, X[:, 0].abs()),
    **tried(figures.plot_least_risk, {"threshold": 1}, X[:, 0], X[:, 1], constant=0.5),
    **tried(figures.plot_least_risk, {"constant": 1}, X[:, 0], X[:, 1], threshold=0.5),
    **tried(NormBall, {"p": 2, "radius": 1}, p=2, radius=0.5),
    **tried(NormBall.contains, {"tolerance": 1}, BALL, X),
    **tried(NormBall.with_radius, {"radius": 1}, BALL),
    **tried(NormBall.in_box, {"low": 0, "high": 1}, BALL, low=-1, high=2),
    **tried(
        BoxedNormBall, {"p": 2, "radius": 1, "low": 0, "high": 1}, p=2, radius=0.5, low=0, high=2
    ),
    **tried(BoxedNormBall.contains, {"tolerance": 1}, BALL.in_box(), IN_BOX / 4, IN_BOX),
    **tried(risk.ErrorCurve.at, {"radius": 1}, CURVE),
    **tried(risk.ErrorCurve.counts, {"radii": 1}, call=lambda radii: CURVE.counts([radii, 0])),
    **tried(
        training.settled,
        {"tolerance": 1},
        call=lambda tolerance: training.settled(tolerance)(training.History((), (2.0, 1.0))),
    ),
    **tried(
        training.train, STEPS, call=lambda **numbers: trained(layer(), X[:3], Y[:3], **numbers)
    ),
    **tried(
        training.gradient_step,
        {"step_size": 1},
        call=lambda step_size: stepped(layer(), Y, step_size=step_size),
    ),
    **tried(
        training.epoch,
        {"step_size": 1, "batch_size": 1},
        call=lambda **numbers: one_epoch(layer(), Y, **numbers),
    ),
    **tried(
        experiments.seeded,
        {"seed": 1},
        call=lambda seed: experiments.seeded(seed).initial_seed(),
    ),
    **tried(training.initial_classifier, {"d": 1}, generator=seeded),
    **tried(
        train_together,
        STEPS,
        call=lambda **numbers: train_together(
            [LINEAR], X, Y, BALL, **{**RECIPE, **numbers}, generators=[seeded()]
        ),
    ),
    **tried(
        stored.as_json, {"d": 2}, "one", LINEAR, call=lambda *a, d: stored.as_json(*a, d)["theta"]
    ),
    **tried(
        ascent.AscentExplorer,
        {"index": 1, "radius": 1, "n_steps": 1},
        *(network(), X, Y),
        **{"index": 1, "radius": 1, "starts": X},
    ),
    **tried(stored.network_as_json, {"d": 2}, network()),
    **tried(attack_lab.AttackLab, {"index": 1, "radius": 0}, {"one": LAYER}, IMAGES, Y),
    **tried(envelope.EnvelopeExplorer, {"theta": 1, "miss": 1}),
    **tried(first_look.FirstLook, {"y": 1, "radius": 0}, LAYER, IMAGES[0], y=1),
    **tried(retrain.Retraining, {"seed": 1, "radius": 0, **STEPS}, call=retraining),
    **tried(
        retrain.Retraining.train, {"radius": 0}, call=lambda radius: retraining().train(radius)
    ),
    **tried(
        sgd.SgdExplorer,
        {"radius": 0, "batch_size": 1},
        *(X, Y),
        **{"start": X[0], "generator": seeded, "radius": 0, "batch_size": 1},
    ),
}
# Modules whose callers check the arguments, and what is only kept or counted.
UNCHECKED = ("intervals", "dual", "quadratic", "progress", "exact", "practice")


def test_every_number_has_an_example():
    missing = [
        f"{name}: {parameter}"
        for function, name in public_functions()
        for parameter, kind in parameters(function).items()
        if kind in ("int", "float", "float | None", "int | None")
        if (function, parameter) not in NUMBERS and name.split(".")[1] not in UNCHECKED
    ]
    assert missing == []


def named(key):
    return f"{key[0].__qualname__}-{key[1]}"


# The oldest ipywidgets that we admit ask traitlets in a way that is deprecated.
@pytest.mark.filterwarnings("ignore:Deprecated in traitlets:DeprecationWarning")
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("key", NUMBERS, ids=named)
def test_numbers_of_every_kind_give_the_same_answer(key):
    value, example = NUMBERS[key]
    whole = parameters(key[0])[key[1]] in ("int", "int | None")
    expected = numbers_in(example(value))
    for kind in KINDS:
        if kind in WHOLE or not whole:
            assert answer(example, REALS[kind](value)) == (expected, None), kind


@pytest.mark.parametrize("kind", WHOLE)
def test_seeds_are_whole_numbers_of_any_kind(kind):
    def trained_from(seed):
        return experiments.train_from_seeds(data(), [seed, 2], BALL, n_epochs=1)

    assert numbers_in(trained_from(REALS[kind](1))) == numbers_in(trained_from(1))


def test_several_seeds_and_radii_may_come_in_an_array():
    recipe = {"ball": BALL, "n_epochs": 1}
    seeds = experiments.train_from_seeds(data(), np.arange(3), **recipe)
    assert numbers_in(seeds) == numbers_in(experiments.train_from_seeds(data(), range(3), **recipe))
    radii = [0, 0.25, 0.5]
    expected = solver.solution_path(X, Y, NormBall(2, 0), radii)
    for kind in (np.array, torch.tensor, tuple):
        assert CURVE.counts(kind(radii)).tolist() == [CURVE.at(radius).k for radius in radii]
        assert numbers_in(solver.solution_path(X, Y, NormBall(2, 0), kind(radii))) == numbers_in(
            expected
        )
    assert CURVE.counts(np.array([radii] * 2)).shape == (2, 3)
    # A list keeps all digits: at an example's own radius it falls, just below it does not.
    own = float(CURVE.radii[-1])
    assert CURVE.counts([own, np.nextafter(own, 0)]).tolist() == [6, 5]
    with pytest.raises(ValueError, match=r"radii must be numbers >= 0 in pixel units, got \[-1, "):
        CURVE.counts([-1, "0"])
