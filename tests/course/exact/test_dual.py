"""Dual points that are balanced without rounding, and the ridge that a matrix may need."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lectures_code.exact import dual, quadratic


@given(st.integers(0, 10**6), st.integers(-20, 0), st.integers(-20, 0))
@settings(max_examples=50)
def test_balanced_weights_balance_exactly_and_are_never_larger(seed, first, second):
    y = np.where(np.arange(30) % 3 == 0, 1.0, -1.0)
    alpha = np.random.default_rng(seed).random(30) * 10.0 ** np.where(y > 0, first, second)
    balanced = dual.balanced(alpha, y)
    assert math.fsum(balanced * y) == 0
    assert (balanced >= 0).all() and (balanced <= alpha * (1 + 1e-15)).all()
    if abs(first - second) <= 10:  # otherwise there may be nothing to keep
        assert balanced.any()


def test_a_matrix_that_no_small_ridge_makes_positive_is_an_error_and_no_endless_loop():
    with pytest.raises(np.linalg.LinAlgError):
        quadratic.cholesky(-100 * np.eye(2), np.ones(2))
    root, scale = quadratic.cholesky(np.ones((2, 2)), np.ones(2))
    assert np.allclose(scale * (root @ root.T) * scale[:, None], np.ones((2, 2)), atol=1e-13)
