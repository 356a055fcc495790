"""Whatever kind of labels, numbers and tensors comes: the right answer or a clear error.

The functions are found by their signatures, so that a new one without an example here fails.
"""

import dataclasses
import importlib
import inspect
import itertools
import pkgutil
import re
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

import lectures_code
from lectures_code import (
    attacks,
    danskin,
    experiments,
    figures,
    logistic,
    mnist,
    multiclass,
    risk,
    training,
)
from lectures_code.exact import certificate, penalised, separation, solver
from lectures_code.explorers import attack_lab, base, envelope, first_look, retrain, sgd, stored
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import BoxedNormBall, NormBall
from lectures_code.together import train_together
from tests.oracles import INF, REALS, WHOLE

DTYPES = sorted({v for v in vars(torch).values() if isinstance(v, torch.dtype)}, key=str)
USUAL = [torch.int8, torch.int16, torch.int32, torch.float16, torch.float32, torch.float64]
FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def public_functions():
    """Functions, classes and methods of the package, with where they stand.

    Without the checks themselves, and without results: dataclasses that only keep what they get.
    Of a room with several files, what its face shows.
    """
    for info in pkgutil.walk_packages(lectures_code.__path__, "lectures_code."):
        module = importlib.import_module(info.name)
        face = getattr(sys.modules[info.name.rpartition(".")[0]], "__all__", None)
        for name, value in vars(module).items():
            own = getattr(value, "__module__", None) == info.name and not name.startswith("_")
            hidden = face is not None and name not in face
            if not own or hidden or info.name == "lectures_code.checks":
                continue
            if inspect.isclass(value):
                if not dataclasses.is_dataclass(value) or hasattr(value, "__post_init__"):
                    yield value, f"{info.name}.{name}"
                for inner, method in vars(value).items():
                    if inspect.isfunction(method) and (inner == "__call__" or inner[0] != "_"):
                        yield method, f"{info.name}.{name}.{inner}"
            elif inspect.isfunction(value):
                yield value, f"{info.name}.{name}"


def parameters(function):
    """Parameters with their annotations as text."""
    return {
        name: getattr(parameter.annotation, "__name__", None)
        if isinstance(parameter.annotation, type)
        else str(parameter.annotation)
        for name, parameter in inspect.signature(function).parameters.items()
    }


def without_an_example(wanted, examples):
    """Public functions for which `wanted` is true and which `examples` lacks."""
    return [
        name
        for function, name in public_functions()
        if wanted(parameters(function)) and function not in examples
    ]


def numbers_in(result):
    """All numbers in a result of any kind, in a fixed order."""
    if isinstance(result, Tensor):
        return result.detach().double().reshape(-1).tolist()
    if isinstance(result, bytes):
        return list(result)
    if isinstance(result, bool | int | float):
        return [float(result)]
    if isinstance(result, nn.Module):
        return numbers_in(list(result.state_dict().values()))
    if isinstance(result, Axes):
        lines = [np.asarray(line.get_data(), float).ravel() for line in result.lines]
        pictures = [np.asarray(each.get_array(), float).ravel() for each in result.images]
        return [*np.concatenate([*lines, *pictures, []]).tolist()]
    if isinstance(result, base.Explorer):
        return numbers_in(list(result.settings().values()))
    if isinstance(result, retrain.Retraining):
        return [result.slider.value, float(result.bar.max)]
    if isinstance(result, dict):
        return numbers_in(list(result.values()))
    if dataclasses.is_dataclass(result):
        return numbers_in([getattr(result, each.name) for each in dataclasses.fields(result)])
    if isinstance(result, tuple | list):
        return [number for each in result for number in numbers_in(each)]
    return []


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    plt.close("all")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


# Six points of overlapping classes: separable neither at radius 0.1 nor by a line through 0. All
# numbers are multiples of 1/64, which the narrowest floating-point type here keeps.
X = (
    torch.tensor([[16, 8], [-16, -8], [40, -4], [-24, 12], [20, 4], [8, 16]], dtype=torch.float64)
    / 64
)
Y = torch.tensor([1, -1, 1, -1, -1, 1])
IN_BOX = (X + 0.5).clamp(0, 1)
LINEAR = LinearClassifier(torch.tensor([1.0, -0.5], dtype=torch.float64), 0.25)
BALL = NormBall(INF, 0.125)
BOX = BALL.in_box()
IMAGES = torch.randint(256, (6, 784), generator=seeded()).double() / 255
LAYER = LinearClassifier((randn(784) * 64).round() / 64, 0.25)
WEIGHTS = torch.tensor([[1.0, -0.5], [0.25, 0.5], [-0.75, 1.0]], dtype=torch.float64)
BIASES = torch.tensor([0.25, -0.5, 0.0], dtype=torch.float64)
RECIPE = {"step_size": 0.5, "batch_size": 3, "n_epochs": 1}
ALPHA = torch.full((6,), 0.5, dtype=torch.float64)


def layer(classifier=LINEAR):
    return training.as_module(classifier)


def many():
    """A layer with the logits' weights."""
    module = nn.Linear(2, 3).double()
    module.load_state_dict({"weight": WEIGHTS, "bias": BIASES})
    return module


def logits(x):
    return x @ WEIGHTS.to(x.dtype).T


def data(x=IMAGES, y=Y):
    return mnist.ZeroOne(x, y.double(), x, y.double(), "none", 60_000)


def trained(model, x, y, **changes):
    recipe = {**RECIPE, "maximiser": None, **changes}
    return training.train(model, x, y, generator=seeded(), **recipe)


def one_epoch(model, y, x=X, **changes):
    how = {"step_size": 1.0, "batch_size": 2, **changes}
    return list(training.epoch(model, x, y, generator=seeded(), **how))[-1]


def exact(model, x, y):
    return attacks.linear_maximiser(model, x, y, BALL)


# ---------------------------------------------------------------- labels

SIGNED = {
    attacks.linear_maximiser: lambda y: attacks.linear_maximiser(LINEAR, X, y, BALL),
    attacks.fgsm: lambda y: attacks.fgsm(LINEAR, X, y, BALL),
    attacks.pgd: lambda y: attacks.pgd(LINEAR, X, y, BALL, step_size=0.1, n_steps=2),
    solver.solve: lambda y: solver.solve(X, y, NormBall(INF, 0.3)),
    solver.solution_path: lambda y: solver.solution_path(X, y, INF, [0.3, 0.4]),
    certificate.lower_bound: lambda y: certificate.lower_bound(X, y, NormBall(INF, 0.5), ALPHA),
    separation.separate: lambda y: separation.separate(X, y, 2),
    experiments.follow_sgd: lambda y: experiments.follow_sgd(
        LINEAR, X, y, BALL, step_size=lambda k: 0.5, n_epochs=2, generator=seeded()
    ),
    penalised.penalised_optimum: lambda y: penalised.penalised_optimum(X, y, 0.1),
    figures.plot_boundaries: lambda y: figures.plot_boundaries(X, y, {"one": LINEAR}, BALL),
    figures.plot_descent: lambda y: figures.plot_descent(X, y, BALL, X, X[0]),
    logistic.margins: lambda y: logistic.margins(X[:, 0], y),
    logistic.losses: lambda y: logistic.losses(X[:, 0], y),
    logistic.log_odds_of_error: lambda y: logistic.log_odds_of_error(X[:, 0], y),
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
    sgd.SgdExplorer: lambda y: sgd.SgdExplorer(
        X, y, radius=0.25, start=X[0], batch_size=2, generator=seeded()
    ),
}
NUMBERED = {
    attacks.fgsm: lambda y: attacks.fgsm(logits, X, y, BALL),
    attacks.pgd: lambda y: attacks.pgd(logits, X, y, BALL, step_size=0.1, n_steps=2),
    logistic.margins: lambda y: logistic.margins(logits(X), y),
    logistic.losses: lambda y: logistic.losses(logits(X), y),
    logistic.log_odds_of_error: lambda y: logistic.log_odds_of_error(logits(X), y),
    multiclass.worst_gaps: lambda y: multiclass.worst_gaps(WEIGHTS, BIASES, X, y, BALL),
    multiclass.loss_bound: lambda y: multiclass.loss_bound(WEIGHTS, BIASES, X, y, BALL),
    multiclass.robust_error: lambda y: multiclass.robust_error(WEIGHTS, BIASES, X, y, BALL),
    risk.risk: lambda y: risk.risk(logits, X, y),
    risk.error: lambda y: risk.error(logits, X, y),
    training.History.with_entry: lambda y: training.History().with_entry(logits(X), logits(X), y),
    training.train: lambda y: trained(many(), X, y),
    training.epoch: lambda y: one_epoch(many(), y),
}
label_ids = [f.__qualname__ for f in SIGNED] + [f"{f.__qualname__}-logits" for f in NUMBERED]
each_labelled = pytest.mark.parametrize(
    ("example", "truth"),
    [*((f, Y) for f in SIGNED.values()), *((f, (Y + 1) // 2) for f in NUMBERED.values())],
    ids=label_ids,
)


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


def answer(example, y):
    """Numbers of the answer, or None and the error if the labels are refused."""
    try:
        return numbers_in(example(y)), None
    except (ValueError, TypeError) as error:
        return None, str(error)
    finally:
        plt.close("all")


@pytest.mark.filterwarnings("ignore:.*(quantize|ComplexHalf)")
@each_labelled
def test_labels_of_any_dtype_give_the_answer_of_int64_or_are_refused(example, truth):
    """Also 0 and 1, and 1 and 2; and the advice in an error, followed to the letter, works."""
    expected, _ = answer(example, truth)
    assert expected, "an example gives numbers"
    digits = (Y + 1) // 2
    for dtype in DTYPES:
        for values in (Y, digits, digits + 1):
            y = labels_in(dtype, values)
            if y is None:
                continue
            found, error = answer(example, y)
            assert error is None or dtype not in USUAL or not values.equal(truth), error
            if error is None:
                plain = y.double().long()
                assert plain.equal(y.double()), f"whole numbers in {dtype}"
                assert found == answer(example, plain)[0], dtype
            elif (advice := ADVICE.search(error)) and dtype != torch.bool:  # -1 and 2 are True
                assert answer(example, eval(advice[1], {"y": y})) == (expected, None), error


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bool, torch.float32])
def test_digits_as_files_give_them_become_labels_by_the_advice(dtype):
    y = ((Y + 1) // 2).to(dtype)
    with pytest.raises(ValueError, match="labels must be") as refused:
        risk.error(LINEAR, X, y)
    y = eval(ADVICE.search(str(refused.value))[1], {"y": y})
    assert y.equal(Y)


# ---------------------------------------------------------------- tensors of two dtypes

PENALTY = NormBall(INF, 0.3)
THETA = 8 * X[0]


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
    solver.solve: lambda a, b: solver.solve(X.to(a), Y, PENALTY, start=classifier(b)).risk,
    certificate.lower_bound: lambda a, b: certificate.lower_bound(
        X.to(a), Y, NormBall(INF, 0.5), ALPHA.to(b)
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
        for function in (multiclass.worst_gaps, multiclass.loss_bound, multiclass.robust_error)
    },
    **{
        getattr(kind, name): lambda a, b, kind=kind, name=name: getattr(kind(2, 0.25), name)(
            X.to(a), IN_BOX.to(b)
        )
        for kind in (NormBall, BoxedNormBall)
        for name in ("support", "maximiser", "project", "contains", "perturbed")
    },
    NormBall.margin_taken: lambda a, b: BALL.margin_taken(X[0].to(a), X.to(b), Y),
    BoxedNormBall.margin_taken: lambda a, b: BALL.in_box().margin_taken(
        X[0].to(a), IN_BOX.to(b), Y
    ),
    training.epoch: lambda a, b: one_epoch(layer(classifier(a)), Y, X.to(b)),
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
    sgd.SgdExplorer: lambda a, b: sgd.SgdExplorer(
        X.to(a), Y, radius=0.25, start=X[0].to(b), batch_size=2, generator=seeded()
    ),
}
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
            assert (
                first != second or narrow or function is certificate.lower_bound
            )  # feasible *exactly*


# ---------------------------------------------------------------- numbers

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
    (penalised.penalised_optimum, "penalty"): (
        1,
        lambda v: penalised.penalised_optimum(X, Y, v),
    ),
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
# Solvers' own rooms, which their callers' checks stand before, and what is only kept or counted.
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
    for kind, made in REALS.items():
        if kind in WHOLE or not whole:
            assert answer(example, made(value)) == (expected, None), kind


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
