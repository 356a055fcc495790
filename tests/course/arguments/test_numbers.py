"""Numbers of every kind, Python's, numpy's and torch's: the same answer, for every function."""

import numpy as np
import pytest
import torch

from lectures_code import attacks, danskin, experiments, figures, risk, training
from lectures_code.exact import certificate, penalised, separation, solver
from lectures_code.explorers import attack_lab, envelope, first_look, retrain, sgd, stored
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
    data,
    layer,
    one_epoch,
    seeded,
    trained,
)
from tests.course.arguments.functions import answer, numbers_in, parameters, public_functions
from tests.oracles import INF, REALS, WHOLE

# Kinds that go wrong where a function computes with them as they are. All kinds are tried with the
# checks that turn them into Python's numbers.
KINDS = [
    *("Fraction", "Decimal", "float16", "uint8", "numpy array of object"),
    *("torch.uint8", "torch.bfloat16", "a tensor in training"),
]
POINTS = danskin.ValueFunction(lambda theta, deltas: deltas[:, 0] * theta[0], X)


def planned(**changes):
    """Keyword arguments of the lecture's recipe, with changes."""
    return {**RECIPE, **changes}


def attacked(**changes):
    return attacks.pgd(LINEAR, X, Y, BALL, **{"step_size": 0.125, "n_steps": 1, **changes})


def together(**changes):
    return train_together([LINEAR], X, Y, BALL, **planned(**changes), generators=[seeded()])


def followed(**changes):
    return experiments.follow_sgd(
        LINEAR,
        X,
        Y,
        BALL,
        **{"step_size": lambda k: 1.0, "n_epochs": 1, **changes},
        generator=seeded(),
    )


def from_seeds(**changes):
    return experiments.train_from_seeds(data(), [1], BALL, **planned(**changes))


def retraining(**changes):
    lab = attack_lab.AttackLab({"one": LAYER}, IMAGES, Y)
    return retrain.Retraining(data(), lab, start=layer(LAYER), **planned(**changes))


def explored(**changes):
    settings = {"radius": 0, "batch_size": 1, **changes}
    return sgd.SgdExplorer(X, Y, start=X[0], generator=seeded(), **settings)


def lab(**changes):
    return attack_lab.AttackLab({"one": LAYER}, IMAGES, Y, **changes)


def lower_bound(memory):
    return certificate.lower_bound(X, Y, NormBall(INF, 0.5), ALPHA, memory=memory)


# The value that is tried, and what is done with it in its many guises.
NUMBERS = {
    (attacks.pgd, "step_size"): (1, lambda v: attacked(step_size=v)),
    (attacks.pgd, "n_steps"): (1, lambda v: attacked(n_steps=v)),
    (solver.solve, "tol"): (1, lambda v: solver.solve(X, Y, PENALTY, tol=v)),
    (solver.solve, "max_steps"): (1, lambda v: solver.solve(X, Y, PENALTY, max_steps=v)),
    (solver.solve, "memory"): (100, lambda v: solver.solve(X, Y, PENALTY, memory=v)),
    (solver.solution_path, "p"): (2, lambda v: solver.solution_path(X, Y, v, [0.5])),
    (solver.solution_path, "tol"): (1, lambda v: solver.solution_path(X, Y, 2, [0.5], tol=v)),
    (solver.solution_path, "memory"): (
        100,
        lambda v: solver.solution_path(X, Y, 2, [0.5], memory=v),
    ),
    (certificate.lower_bound, "memory"): (100, lower_bound),
    (separation.separate, "p"): (2, lambda v: separation.separate(X, Y, v)),
    (separation.separate, "tol"): (1, lambda v: separation.separate(X, Y, 2, tol=v)),
    (separation.separate, "memory"): (100, lambda v: separation.separate(X, Y, 2, memory=v)),
    (danskin.ValueFunction, "tolerance"): (
        1,
        lambda v: danskin.ValueFunction(POINTS.g, X, tolerance=v).maximisers(THETA),
    ),
    (danskin.difference_quotient, "step"): (
        1,
        lambda v: danskin.difference_quotient(POINTS, X[0], X[1], v),
    ),
    (experiments.two_feature_set, "n"): (
        2,
        lambda v: experiments.two_feature_set(v, generator=seeded()),
    ),
    **{
        (experiments.train_from_seeds, name): (1, lambda v, name=name: from_seeds(**{name: v}))
        for name in ("step_size", "batch_size", "n_epochs")
    },
    **{
        (experiments.follow_sgd, name): (1, lambda v, name=name: followed(**{name: v}))
        for name in ("batch_size", "n_epochs")
    },
    (penalised.penalised_optimum, "penalty"): (1, lambda v: penalised.penalised_optimum(X, Y, v)),
    (figures.plot_boundaries, "n_sets"): (
        2,
        lambda v: figures.plot_boundaries(X, Y, {"one": LINEAR}, BALL, n_sets=v),
    ),
    (figures.plot_tangents, "theta"): (1, lambda v: figures.plot_tangents(ALONG, v)),
    (figures.plot_tangents, "missed"): (1, lambda v: figures.plot_tangents(ALONG, 1.0, missed=v)),
    (figures.plot_tangents, "n_curves"): (
        2,
        lambda v: figures.plot_tangents(ALONG, 1.0, n_curves=v),
    ),
    (figures.plot_images, "columns"): (2, lambda v: figures.plot_images(IMAGES, columns=v)),
    (figures.plot_images, "size"): (1, lambda v: figures.plot_images(IMAGES, size=v)),
    (figures.plot_attack_lab, "radius"): (
        1,
        lambda v: figures.plot_attack_lab(
            IMAGES[0], IMAGES[1], ["", "", ""], {"one": CURVE}, chosen="one", radius=v
        ),
    ),
    (figures.plot_error_curves, "mark"): (
        1,
        lambda v: figures.plot_error_curves({"one": CURVE}, X[:, 0].abs(), mark=v),
    ),
    (figures.plot_least_risk, "threshold"): (
        1,
        lambda v: figures.plot_least_risk(X[:, 0], X[:, 1], threshold=v, constant=0.5),
    ),
    (figures.plot_least_risk, "constant"): (
        1,
        lambda v: figures.plot_least_risk(X[:, 0], X[:, 1], threshold=0.5, constant=v),
    ),
    (NormBall, "p"): (2, lambda v: NormBall(v, 0.5)),
    (NormBall, "radius"): (1, lambda v: NormBall(2, v)),
    (NormBall.contains, "tolerance"): (1, lambda v: BALL.contains(X, tolerance=v)),
    (NormBall.with_radius, "radius"): (1, lambda v: BALL.with_radius(v)),
    (NormBall.in_box, "low"): (0, lambda v: BALL.in_box(v, 2)),
    (NormBall.in_box, "high"): (1, lambda v: BALL.in_box(-1, v)),
    (BoxedNormBall, "p"): (2, lambda v: BoxedNormBall(v, 0.5)),
    (BoxedNormBall, "radius"): (1, lambda v: BoxedNormBall(2, v)),
    (BoxedNormBall, "low"): (0, lambda v: BoxedNormBall(2, 1, v, 2)),
    (BoxedNormBall, "high"): (1, lambda v: BoxedNormBall(2, 1, 0, v)),
    (BoxedNormBall.contains, "tolerance"): (
        1,
        lambda v: BALL.in_box().contains(IN_BOX / 4, IN_BOX, tolerance=v),
    ),
    (risk.ErrorCurve.at, "radius"): (1, lambda v: CURVE.at(v)),
    (risk.ErrorCurve.counts, "radii"): (1, lambda v: CURVE.counts([v, 0])),
    (training.settled, "tolerance"): (1, lambda v: training.settled(v)(HISTORY)),
    **{
        (training.train, name): (
            1,
            lambda v, name=name: trained(layer(), X[:3], Y[:3], **{name: v}),
        )
        for name in ("step_size", "batch_size", "n_epochs")
    },
    **{
        (training.epoch, name): (1, lambda v, name=name: one_epoch(layer(), Y, **{name: v}))
        for name in ("step_size", "batch_size")
    },
    (experiments.seeded, "seed"): (1, lambda v: experiments.seeded(v).initial_seed()),
    (training.initial_classifier, "d"): (
        1,
        lambda v: training.initial_classifier(v, generator=seeded()),
    ),
    **{
        (train_together, name): (1, lambda v, name=name: together(**{name: v}))
        for name in ("step_size", "batch_size", "n_epochs")
    },
    (stored.as_json, "d"): (2, lambda v: stored.as_json("one", LINEAR, v)["theta"]),
    (attack_lab.AttackLab, "index"): (1, lambda v: lab(index=v)),
    (attack_lab.AttackLab, "radius"): (0, lambda v: lab(radius=v)),
    (envelope.EnvelopeExplorer, "theta"): (1, lambda v: envelope.EnvelopeExplorer(theta=v)),
    (envelope.EnvelopeExplorer, "miss"): (1, lambda v: envelope.EnvelopeExplorer(miss=v)),
    (first_look.FirstLook, "y"): (1, lambda v: first_look.FirstLook(LAYER, IMAGES[0], v)),
    (first_look.FirstLook, "radius"): (
        0,
        lambda v: first_look.FirstLook(LAYER, IMAGES[0], 1, radius=v),
    ),
    **{
        (retrain.Retraining, name): (1, lambda v, name=name: retraining(**{name: v}))
        for name in ("seed", "step_size", "batch_size", "n_epochs")
    },
    (retrain.Retraining, "radius"): (0, lambda v: retraining(radius=v)),
    (retrain.Retraining.train, "radius"): (0, lambda v: retraining().train(v)),
    (sgd.SgdExplorer, "radius"): (0, lambda v: explored(radius=v)),
    (sgd.SgdExplorer, "batch_size"): (1, lambda v: explored(batch_size=v)),
}
ALONG = danskin.ValueFunction(lambda theta, deltas: deltas[:, 0] * theta[0], X[:, :1])
CURVE = risk.error_curve(LINEAR, X, Y, NormBall(2, 1.0))
HISTORY = training.History((), (2.0, 1.0))
# Modules whose callers check the arguments, and what is only kept or counted.
UNCHECKED = ("intervals", "dual", "quadratic", "progress", "exact")


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
    expected = solver.solution_path(X, Y, 2, radii)
    for kind in (np.array, torch.tensor, tuple):
        assert CURVE.counts(kind(radii)).tolist() == [CURVE.at(radius).k for radius in radii]
        assert numbers_in(solver.solution_path(X, Y, 2, kind(radii))) == numbers_in(expected)
    assert CURVE.counts(np.array([radii] * 2)).shape == (2, 3)
    # A list keeps all digits: at an example's own radius it falls, just below it does not.
    own = float(CURVE.radii[-1])
    assert CURVE.counts([own, np.nextafter(own, 0)]).tolist() == [6, 5]
    with pytest.raises(ValueError, match=r"radii must be numbers >= 0 in pixel units, got \[-1, "):
        CURVE.counts([-1, "0"])
