"""How sets are made, and which arguments raise what."""

import dataclasses
import math

import pytest
import torch

from lectures_code.perturbations import BoxedNormBall, NormBall
from tests.course.perturbations import cases
from tests.oracles import INF, name, says, seeded, vector


@pytest.mark.parametrize(("p", "dual"), [(1, INF), (INF, 1), (2, 2), (3, 1.5), (1.5, 3)])
def test_dual_exponents(p, dual):
    assert NormBall(p, 1).dual_p == pytest.approx(dual, rel=1e-15)
    assert NormBall(dual, 1).dual_p == pytest.approx(p, rel=1e-15)


@cases.each_set
def test_with_radius_changes_the_radius_and_nothing_else(ball):
    other = ball.with_radius(2)
    assert type(other) is type(ball) and other.radius == 2 and isinstance(other.radius, float)
    assert dataclasses.replace(other, radius=ball.radius) == ball
    assert NormBall(1, 1).in_box(-2, 3).with_radius(2) == BoxedNormBall(1, 2, -2, 3)


def test_in_box_keeps_norm_and_radius():
    assert NormBall(2, 0.4).in_box() == BoxedNormBall(2, 0.4, 0, 1)
    assert NormBall(2, 0.4).in_box(-1, 2) == BoxedNormBall(2, 0.4, low=-1, high=2)
    assert NormBall(2, 0.4) != BoxedNormBall(2, 0.4)


def test_sets_are_values_their_fields_floats_and_fixed():
    ball = BoxedNormBall(2, 1, 0, 1)
    assert {ball: "key"}[BoxedNormBall(2.0, 1.0, 0.0, 1.0)] == "key"
    assert all(isinstance(value, float) for value in dataclasses.astuple(ball))
    with pytest.raises(dataclasses.FrozenInstanceError):
        ball.radius = 2


def test_a_plain_ball_ignores_the_example():
    ball, w = NormBall(2, 0.4), cases.normal(5)
    for method in cases.METHODS:
        got = getattr(ball, method)(w, vector(7.0))
        torch.testing.assert_close(got, getattr(ball, method)(w))


@pytest.mark.parametrize("p", [0.5, 0, -1, math.nan, "2", True, None])
def test_exponents_below_1_are_refused(p):
    text = (
        f"p must be a number in [1, inf], got {p!r}: below 1 there is no norm, use 1, 2 or math.inf"
    )
    with says(ValueError, text):
        NormBall(p, 1)


@pytest.mark.parametrize("radius", [-0.1, math.inf, math.nan, "0.1", None])
def test_radii_below_0_or_infinite_are_refused(radius):
    text = (
        f"radius must be a finite number >= 0 in pixel units, got {radius!r}: use 0 for no attack"
    )
    with says(ValueError, text):
        NormBall(2, radius)
    with says(ValueError, text):
        NormBall(2, 1).in_box().with_radius(radius)


def test_a_box_takes_the_three_exponents_that_have_exact_solutions():
    with says(
        ValueError,
        "p must be 1, 2 or inf for a ball in a box, got 1.5: "
        "use one of these, or a NormBall without the box",
    ):
        NormBall(1.5, 1).in_box()


@pytest.mark.parametrize("p", [1.1, 3, 1e300])
def test_projections_and_draws_are_refused_for_other_exponents_than_1_2_and_inf(p):
    ball, v = NormBall(p, 1), vector(3.0, 4.0)
    text = "p must be 1, 2 or inf to {} the ball, got {:g}: use one of these"
    with says(ValueError, text.format("project onto", p)):
        ball.project(v)
    with says(ValueError, text.format("draw from", p)):
        ball.sample(v, generator=seeded())


@pytest.mark.parametrize(
    ("low", "high"), [(1, 0), (0, 0), (0, INF), (-INF, 0), (math.nan, 1), ("0", 1), (0, None)]
)
def test_boxes_without_an_inside_are_refused(low, high):
    with says(
        ValueError,
        f"low and high must be finite numbers with low < high, got {low!r} and {high!r}: "
        "use 0 and 1 for pixels",
    ):
        NormBall(2, 1).in_box(low, high)


BAD_ROWS = [
    ([1.0], TypeError, "must be a torch tensor, got list: use torch.as_tensor"),
    (
        torch.tensor([1, 2]),
        TypeError,
        "must hold floating-point numbers, got torch.int64: "
        "use .double(), and / 255 for pixels stored as 0..255",
    ),
    (
        vector(1.0, math.nan, INF),
        ValueError,
        "must be finite, got 2 NaN or infinite entries: remove or repair them",
    ),
    (
        torch.tensor(1.0),
        ValueError,
        "must have shape (..., d) with at least one entry, got (): "
        "use reshape(1) on a number, and leave empty batches out",
    ),
    (
        torch.zeros(0, 3),
        ValueError,
        "must have shape (..., d) with at least one entry, got (0, 3): "
        "use reshape(1) on a number, and leave empty batches out",
    ),
]


@pytest.mark.parametrize("ball", [NormBall(2, 1), NormBall(2, 1).in_box()], ids=name)
@pytest.mark.parametrize(("bad", "error", "text"), BAD_ROWS)
def test_each_method_refuses_what_is_no_row_of_numbers(ball, bad, error, text):
    x = vector(0.5, 0.5, 0.5)
    for method in cases.METHODS:
        argument = "w" if method in ("support", "maximiser") else "delta"
        with says(error, f"{argument} {text}"):
            getattr(ball, method)(bad, x)
        if isinstance(ball, BoxedNormBall):
            with says(error, f"x {text}"):
                getattr(ball, method)(x, bad)
    with says(error, f"x {text}"):
        ball.sample(bad, generator=seeded())


@cases.each_method
def test_in_a_box_the_example_is_needed(method):
    text = (
        "x must be given, got None: a boxed ball depends on the example, pass x or use a NormBall"
    )
    with says(ValueError, text):
        getattr(NormBall(2, 1).in_box(), method)(vector(1.0))
    with says(ValueError, text):
        NormBall(2, 1).in_box().sample(None, generator=seeded())


@pytest.mark.parametrize(
    ("box", "x", "text"),
    [
        ((0, 1), [0.0, 255.0], "[0, 1], got values from 0 to 255: divide pixels by 255"),
        (
            (0, 1),
            [0.5, 1.5],
            "[0, 1], got values from 0.5 to 1.5: clip x, or give in_box the bounds of your data",
        ),
        (
            (0, 1),
            [-3.0, 5.0],
            "[0, 1], got values from -3 to 5: clip x, or give in_box the bounds of your data",
        ),
        (
            (-1, 1),
            [0.0, 5.0],
            "[-1, 1], got values from 0 to 5: clip x, or give in_box the bounds of your data",
        ),
    ],
)
def test_examples_outside_the_box_are_refused(box, x, text):
    ball = NormBall(2, 1).in_box(*box)
    with says(ValueError, f"x must lie in {text}"):
        ball.maximiser(vector(1.0, 1.0), vector(*x))
    with says(ValueError, f"x must lie in {text}"):
        ball.sample(vector(*x), generator=seeded())


@pytest.mark.parametrize(
    ("w_shape", "x_shape"), [((3,), (2,)), ((1,), (3,)), ((2, 3), (4, 3)), ((3,), (3, 1))]
)
def test_shapes_that_do_not_belong_together_are_refused(w_shape, x_shape):
    for method, argument in zip(cases.METHODS, ["w", "w", "delta", "delta"], strict=True):
        with says(
            ValueError,
            f"{argument} and x must have the same number of features and leading dimensions that "
            f"broadcast, got {w_shape} and {x_shape}: reshape one of them",
        ):
            getattr(NormBall(2, 1).in_box(), method)(torch.ones(w_shape), torch.zeros(x_shape))


@cases.each_basic
@pytest.mark.parametrize("generator", [None, 0])
def test_draws_need_a_generator(ball, generator):
    with says(
        TypeError,
        f"generator must be a torch.Generator, got {type(generator).__name__}: "
        "use torch.Generator().manual_seed(0)",
    ):
        ball.sample(cases.images(2, 3), generator=generator)


@pytest.mark.parametrize("ball", [NormBall(2, 1), NormBall(2, 1).in_box()], ids=name)
@pytest.mark.parametrize("tolerance", [-1e-9, math.nan])
def test_negative_tolerances_are_refused(ball, tolerance):
    with says(
        ValueError,
        f"tolerance must be a number >= 0, got {tolerance!r}: leave it out for the default",
    ):
        ball.contains(vector(0.1), vector(0.5), tolerance=tolerance)
