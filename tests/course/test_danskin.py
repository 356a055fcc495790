"""Danskin's theorem, against finite differences and against a quadratic programme."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from lectures_code.danskin import ValueFunction, difference_quotient
from lectures_code.logistic import psi
from tests.oracles import says

# Rounding of a sum of a dozen numbers of size 1 to 10, with a reserve.
ROUNDING = 1e-12
# Central differences with h = 1e-5: an error of h^2 and one of rounding / h, both below this.
CENTRAL = 1e-8
# One-sided ones with h = 1e-7: an error of h times half a second derivative (at most about 10).
ONE_SIDED = 1e-6
X, Y = torch.tensor([0.3, -0.4, 0.9], dtype=torch.float64), -1.0


def bilinear(theta, deltas):
    return deltas @ theta


def logistic(theta, deltas):
    return psi(Y * ((X + deltas) @ theta))


def curved(theta, deltas):
    return torch.sin(deltas @ theta) + 0.3 * (theta**2).sum() * deltas[:, 0]


FAMILIES = [bilinear, logistic, curved]
each_family = pytest.mark.parametrize("g", FAMILIES)


def normal(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def two_sided(f, theta, direction, h):
    return (
        difference_quotient(f, theta, direction, h) + difference_quotient(f, theta, direction, -h)
    ) / 2


def lectures_example():
    """The maximum over |delta| <= 1 of 2 delta theta_1 + theta_2, which is 2|theta_1| + theta_2."""
    deltas = torch.linspace(-1, 1, 11, dtype=torch.float64)[:, None]
    return ValueFunction(lambda theta, d: 2 * d[:, 0] * theta[0] + theta[1], deltas)


@each_family
@pytest.mark.parametrize("seed", range(5))
def test_the_value_is_the_largest_and_the_maximiser_attains_it(g, seed):
    phi, theta = ValueFunction(g, normal(seed, 7, 3)), normal(seed + 100, 3)
    singly = [float(g(theta, delta[None])) for delta in phi.deltas]
    assert float(phi(theta)) == pytest.approx(max(singly), rel=ROUNDING)
    assert phi.values(theta).tolist() == pytest.approx(singly, rel=ROUNDING)
    assert phi.maximisers(theta).tolist() == [int(np.argmax(singly))]
    assert phi.maximisers(theta).dtype == torch.int64


@each_family
@pytest.mark.parametrize("seed", range(5))
def test_the_gradient_is_what_finite_differences_find(g, seed):
    phi, theta = ValueFunction(g, normal(seed, 7, 3)), normal(seed + 100, 3)
    slopes = [two_sided(phi, theta, e, 1e-5) for e in torch.eye(3, dtype=torch.float64)]
    assert phi.gradient(theta).tolist() == pytest.approx(slopes, abs=CENTRAL)
    assert phi.gradients(theta).shape == (1, 3)


@each_family
@pytest.mark.parametrize("seed", range(5))
def test_the_directional_derivative_is_then_linear(g, seed):
    phi, theta, v = ValueFunction(g, normal(seed, 7, 3)), normal(seed + 100, 3), normal(seed, 3)
    slope = float(phi.directional_derivative(theta, v))
    assert slope == pytest.approx(float(phi.gradient(theta) @ v), rel=ROUNDING)
    assert float(phi.directional_derivative(theta, -2 * v)) == pytest.approx(-2 * slope)
    assert slope == pytest.approx(two_sided(phi, theta, v, 1e-5), abs=10 * CENTRAL)  # |v| > 1
    torch.testing.assert_close(phi.steepest_descent(theta), -phi.gradient(theta))


def test_a_point_that_asks_for_gradients_is_left_alone():
    theta = normal(0, 3).requires_grad_()
    phi = ValueFunction(curved, normal(1, 7, 3))
    for result in (phi.gradient(theta), phi.gradients(theta), phi.steepest_descent(theta)):
        assert not result.requires_grad
    phi.maximisers(theta), phi.directional_derivative(theta, normal(2, 3))
    assert theta.grad is None
    # Autograd through the maximum is Danskin's theorem, too.
    (through_the_maximum,) = torch.autograd.grad(phi(theta), theta)
    torch.testing.assert_close(through_the_maximum, phi.gradient(theta))


@pytest.mark.parametrize("seed", range(8))
def test_at_a_kink_the_directional_derivative_is_the_one_sided_slope(seed):
    """At theta = 0 all of a bilinear family meet; with a curved part they bend away from there."""
    deltas, zero = normal(seed, 6, 3), torch.zeros(3, dtype=torch.float64)
    phi = ValueFunction(curved, deltas)
    assert phi.maximisers(zero).tolist() == list(range(6))
    for v in (*torch.eye(3, dtype=torch.float64), normal(seed + 50, 3)):
        right = difference_quotient(phi, zero, v, 1e-7)
        left = difference_quotient(phi, zero, v, -1e-7)
        assert float(phi.directional_derivative(zero, v)) == pytest.approx(right, abs=ONE_SIDED)
        assert float(-phi.directional_derivative(zero, -v)) == pytest.approx(left, abs=ONE_SIDED)
        assert right > left, "a kink"


def test_at_a_kink_away_from_zero_only_the_maximisers_count():
    # |theta_1| from delta = +-1, and a third function that stays below.
    deltas = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    phi = ValueFunction(bilinear, deltas)
    theta, down = torch.tensor([[0.0, -2.0], [0.0, -1.0]], dtype=torch.float64)
    assert phi.maximisers(theta).tolist() == [0, 1]
    assert phi.gradients(theta).tolist() == [[1, 0], [-1, 0]]
    assert float(phi.directional_derivative(theta, down)) == 0
    # 0 is in the gradients' hull: no direction goes down.
    assert phi.steepest_descent(theta).tolist() == pytest.approx([0, 0], abs=ROUNDING)


def test_a_step_against_either_maximisers_gradient_goes_up_in_the_lecture_s_example():
    phi, zero = lectures_example(), torch.zeros(2, dtype=torch.float64)
    gradients = phi.gradients(zero)
    assert gradients[0].tolist() == [-2, 1] and gradients[-1].tolist() == [2, 1]
    for gradient in (gradients[0], gradients[-1]):
        for step in (1e-6, 1e-3, 1.0):
            assert float(phi(zero - step * gradient)) == pytest.approx(3 * step)
        assert float(phi.directional_derivative(zero, -gradient)) == 3
    downhill = phi.steepest_descent(zero)
    assert downhill.tolist() == pytest.approx([0, -1], abs=ROUNDING)
    for step in (1e-6, 1e-3, 1.0):
        assert float(phi(zero + step * downhill)) == pytest.approx(-step)


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_the_lecture_s_example_is_what_it_is_said_to_be(a, b):
    phi = lectures_example()
    found = float(phi(torch.tensor([a, b], dtype=torch.float64)))
    assert found == pytest.approx(2 * abs(a) + b, rel=ROUNDING, abs=ROUNDING)


def test_at_a_kink_there_is_no_gradient():
    phi, zero = lectures_example(), torch.zeros(2, dtype=torch.float64)
    text = (
        "the gradient needs maximisers that agree, got 11 with different gradients: "
        "this is a kink, use directional_derivative"
    )
    with says(ValueError, text):
        phi.gradient(zero)


def test_several_maximisers_that_agree_have_a_gradient():
    # The second entry of delta changes nothing: a tie wherever the first is the same.
    deltas = torch.tensor([[1.0, 5.0], [-1.0, 0.0], [1.0, 7.0]], dtype=torch.float64)
    phi = ValueFunction(lambda theta, d: d[:, 0] * theta[0] + theta[1] ** 2, deltas)
    theta = torch.tensor([2.0, 3.0], dtype=torch.float64)
    assert phi.maximisers(theta).tolist() == [0, 2]
    assert phi.gradients(theta).tolist() == [[1, 6], [1, 6]]
    assert phi.gradient(theta).tolist() == [1, 6]
    assert phi.steepest_descent(theta).tolist() == pytest.approx([-1, -6], rel=ROUNDING)


@pytest.mark.parametrize(("tolerance", "rows"), [(1e-12, [1]), (1e-3, [0, 1]), (0.6, [0, 1, 2])])
def test_who_counts_as_a_maximiser_is_a_matter_of_the_tolerance(tolerance, rows):
    def offsets(theta, d):
        return d[:, 0] + theta[0]

    deltas = torch.tensor([[0.9995], [1.0], [0.5]], dtype=torch.float64)
    phi = ValueFunction(offsets, deltas, tolerance=tolerance)
    assert phi.maximisers(torch.zeros(1, dtype=torch.float64)).tolist() == rows


def test_the_tolerance_is_relative_to_large_values():
    phi = ValueFunction(bilinear, torch.tensor([[1.0], [1 + 1e-13]], dtype=torch.float64))
    assert phi.maximisers(torch.tensor([1e9], dtype=torch.float64)).tolist() == [0, 1]


def shortest_by_programme(gradients):
    """The shortest convex combination, by sequential least squares."""
    g, k = gradients.numpy(), len(gradients)
    solved = minimize(
        lambda w: 0.5 * ((w @ g) ** 2).sum(),
        np.full(k, 1 / k),
        jac=lambda w: g @ (w @ g),
        bounds=[(0, 1)] * k,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(k)},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 500},
    )
    return solved.x @ g


@pytest.mark.parametrize("seed", range(30))
def test_steepest_descent_is_minus_the_shortest_vector_of_a_random_hull(seed):
    k, d = 2 + seed % 6, 1 + seed % 5
    # Every other hull is moved away from 0, which is inside some of the others.
    gradients = normal(seed, k, d) + (seed % 2) * 1.5
    phi, zero = ValueFunction(bilinear, gradients), torch.zeros(d, dtype=torch.float64)
    found = phi.steepest_descent(zero)
    expected = -shortest_by_programme(gradients)
    # The programme's objective, a square, is good to about 1e-13: its root to some 1e-6.
    assert found.tolist() == pytest.approx(expected.tolist(), abs=3e-6)


@given(
    st.integers(0, 10**6),
    st.integers(1, 8),
    st.integers(1, 6),
    st.floats(0, 3),
    st.integers(-12, 12),
)
@settings(max_examples=100)
def test_its_slope_is_minus_its_squared_length(seed, k, d, offset, power):
    """Wolfe's criterion: v is the hull's shortest vector iff <v, g> >= <v, v> for each of its g."""
    size = 10.0**power
    gradients = size * (normal(seed, k, d) + offset)
    phi, zero = ValueFunction(bilinear, gradients), torch.zeros(d, dtype=torch.float64)
    v = -phi.steepest_descent(zero)
    squared = float(v @ v)
    reach = float(gradients.norm(dim=1).max())
    within = 1e-10 * reach**2  # a least-squares solution in double precision, squared
    assert float((gradients @ v).min()) >= squared - within
    assert float(phi.directional_derivative(zero, -v)) == pytest.approx(-squared, abs=within)


def test_no_other_direction_goes_down_faster():
    phi = ValueFunction(bilinear, normal(3, 5, 3) + 1)
    zero = torch.zeros(3, dtype=torch.float64)
    downhill = phi.steepest_descent(zero)
    steepest = float(phi.directional_derivative(zero, downhill / downhill.norm()))
    others = normal(4, 500, 3)
    slopes = torch.stack([phi.directional_derivative(zero, v / v.norm()) for v in others])
    assert steepest < 0
    assert steepest <= float(slopes.min()) + ROUNDING
    assert float(slopes.min()) == pytest.approx(steepest, rel=0.1), "and some come close"


def ties(seed, dtype):
    """A value function with two maximisers of different gradients, up to rounding; and theta."""
    rotation = torch.linalg.qr(normal(seed, 6, 6))[0]
    one, other = torch.zeros(2, 6, dtype=torch.float64)
    one[0], other[1] = 1, 1
    theta = rotation @ (one + other)  # both have the inner product 1 with it
    deltas = torch.stack([rotation @ one, rotation @ other, rotation @ (one + other) / 4])
    return ValueFunction(bilinear, deltas.to(dtype)), theta.to(dtype)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_ties_are_found_in_every_dtype(dtype):
    for seed in range(100):
        phi, theta = ties(seed, dtype)
        assert phi.maximisers(theta).tolist() == [0, 1]
        with pytest.raises(ValueError, match="this is a kink"):
            phi.gradient(theta)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_maximisers_with_gradients_that_differ_by_rounding_agree(dtype):
    for seed in range(100):
        phi, theta = ties(seed, dtype)
        # The same point twice, as two computations give it.
        twice = torch.stack([phi.deltas[0], (phi.deltas[0] / 3) * 3])
        gradient = ValueFunction(bilinear, twice).gradient(theta)
        torch.testing.assert_close(gradient, phi.deltas[0])


def test_a_tolerance_that_is_given_is_kept():
    points = torch.tensor([[1.0], [0.9]], dtype=torch.float64)
    theta = torch.ones(1, dtype=torch.float64)
    assert ValueFunction(bilinear, points).maximisers(theta).tolist() == [0]
    assert ValueFunction(bilinear, points, tolerance=0.2).maximisers(theta).tolist() == [0, 1]


def test_values_that_are_not_a_number_are_named():
    phi = ValueFunction(lambda theta, d: (theta * d[:, 0]).log(), torch.tensor([[1.0], [-1.0]]))
    text = "g must give numbers, got NaN for 1 of 2 deltas: "
    text += "a maximum needs values that can be compared"
    for method in (phi, phi.maximisers, phi.gradient, phi.steepest_descent):
        with says(ValueError, text):
            method(torch.ones(1))


def test_a_family_must_give_a_tensor():
    phi = ValueFunction(lambda theta, deltas: 1.0, torch.zeros(3, 2))
    with says(ValueError, "g must give one value for each delta, shape (3,), got float"):
        phi(torch.zeros(2))


def test_quotients_are_one_sided():
    def absolute(theta):
        return theta[0].abs()

    zero, e = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    assert difference_quotient(absolute, zero, e, 1e-3) == 1
    assert difference_quotient(absolute, zero, e, -1e-3) == -1
    assert difference_quotient(absolute, zero, 2 * e, 1e-3) == 2, "per unit of the direction"
    assert isinstance(difference_quotient(absolute, zero, e, 1e-3), float)


def test_a_quotient_needs_a_step():
    for step in (0, -0.0, math.nan, -math.inf, None):
        text = f"step must be a finite number other than 0, got {step!r}: "
        with says(ValueError, text + "use about 1e-6 for functions in float64"):
            difference_quotient(float, torch.zeros(1), torch.ones(1), step)


@pytest.mark.parametrize("shape", [(3,), (0, 2), (2, 2, 2), ()])
def test_a_set_must_have_points(shape):
    text = (
        "deltas must have shape (k, m) with k >= 1, one perturbation a row, "
        f"got {shape}: a maximum needs at least one candidate"
    )
    with says(ValueError, text):
        ValueFunction(bilinear, torch.zeros(shape))


def test_a_set_must_be_of_numbers():
    with pytest.raises(ValueError, match=r"^deltas must be finite, got 1 NaN or infinite entries"):
        ValueFunction(bilinear, torch.tensor([[1.0, math.nan]]))
    with pytest.raises(
        TypeError, match=r"^deltas must hold floating-point numbers, got torch.int6"
    ):
        ValueFunction(bilinear, torch.tensor([[1, 2]]))
    with pytest.raises(TypeError, match=r"^deltas must be a torch tensor, got list"):
        ValueFunction(bilinear, [[1.0, 2.0]])


@pytest.mark.parametrize("tolerance", [0.0, -1e-12, math.nan])
def test_the_tolerance_must_be_positive(tolerance):
    text = f"tolerance must be a finite number > 0, got {tolerance!r}: pass a positive one"
    with says(ValueError, text):
        ValueFunction(bilinear, torch.zeros(1, 1), tolerance=tolerance)


@pytest.mark.parametrize("values", [torch.zeros(3, 1), torch.zeros(2), torch.zeros(())])
def test_a_family_must_give_one_value_for_each_point(values):
    phi = ValueFunction(lambda theta, deltas: values, torch.zeros(3, 2))
    text = f"g must give one value for each delta, shape (3,), got {tuple(values.shape)}"
    with says(ValueError, text):
        phi(torch.zeros(2))
