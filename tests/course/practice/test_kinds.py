"""What each kind of exercise accepts, refuses and says, whatever the exercise."""

import random

import numpy as np
import pytest
import torch

from lectures_code.practice import (
    EXERCISES,
    Choices,
    Function,
    Numbers,
    Rubric,
    check,
    digest,
)


@pytest.mark.parametrize("answer", [..., None])
def test_without_an_answer_nothing_is_wrong_yet(answer):
    for name in EXERCISES:
        result = check(name, answer)
        assert not result.passed and str(result) == repr(result) == "No answer yet."


def test_an_unknown_name_is_an_error_that_names_near_ones():
    with pytest.raises(ValueError, match="got 'ex-lop': use ex-loop"):
        check("ex-lop", 1)


# ------------------------------------------------------------------------------------ numbers

PAIR = Numbers("ex-pair", right=(digest("ex-pair", 0.25), digest("ex-pair", -1.0)))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((0.254, -1), "Passed."),
        ((0.26, -1), "1 of the 2 numbers are right"),
        ((-1, 0.25), "0 of the 2 numbers are right"),
        ((float("nan"), -1), "must be finite"),
        ((float("inf"), -1), "must be finite"),
        ("0.25, -1", "2 numbers are asked for, got str"),
        ((True, -1), "2 numbers are asked for, got bool"),
        ((0.25, 1j), "2 numbers are asked for, got complex"),
        (0.25, "2 numbers are asked for, got 1"),
        ([], "2 numbers are asked for, got 0"),
    ],
)
def test_numbers(answer, said):
    assert said in PAIR.judge(answer).message


def test_a_number_that_rounds_to_minus_zero_is_zero():
    assert Numbers("ex-zero", right=(digest("ex-zero", 0),)).judge(-0.001).passed


def test_a_hash_depends_on_the_exercise_the_order_and_the_decimals():
    hashes = {
        digest("a", 1, 2),
        digest("b", 1, 2),
        digest("a", 2, 1),
        digest("a", 1, 2, decimals=3),
    }
    assert len(hashes) == 4


# ---------------------------------------------------------------------------------- functions


def instance(generator):
    return torch.rand(3, generator=generator, dtype=torch.float64), 2.0


TWICE = Function(
    "ex-twice",
    oracle=lambda x, factor: factor * x,
    instance=instance,
    mistakes=[("The factor is missing.", lambda x, factor: x)],
)
ENDS = Function("ex-ends", oracle=lambda x, factor: (x[0], x[1:]), instance=instance)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda x, factor: x + x, "Passed."),
        (lambda x, factor: (x + x).float(), "Passed."),
        (lambda x, factor: x.clone().requires_grad_() * 2, "Passed."),
        (lambda x, factor: (x + x).tolist(), "Passed."),
        (lambda x, factor: x.clone(), "The factor is missing."),
        (lambda x, factor: x**2, "another one at `x` = [0."),
        (lambda x, factor: None, "No answer yet."),
        (lambda x, factor: ..., "No answer yet."),
        (lambda x, factor: x[0], "must be a tensor of shape (3,), got a number"),
        (lambda x, factor: x[:, None], "got a tensor of shape (3, 1)"),
        (lambda x, factor: "twice", "got str"),
        (lambda x, factor: 1 / 0, "It raises ZeroDivisionError: division by zero, at `x`"),
        (lambda x: 2 * x, "It raises TypeError"),
        (2.0, "A function is asked for, got float."),
    ],
)
def test_functions(answer, said):
    assert said in TWICE.judge(answer).message


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda x, factor: (x[0], x[1:]), "Passed."),
        (lambda x, factor: [float(x[0]), x[1:].tolist()], "Passed."),
        (lambda x, factor: (x[1:], x[0]), "must be a number and a tensor of shape (2,), got a ten"),
        (lambda x, factor: x[0], "must be a number and a tensor of shape (2,), got Tensor"),
    ],
)
def test_functions_with_two_results(answer, said):
    assert said in ENDS.judge(answer).message


def test_a_function_that_is_wrong_now_and_then_is_found():
    """It agrees with the mistake on some instances, and with the oracle on the others."""

    def now_and_then(x, factor):
        return x if x[0] < 0.5 else 2 * x

    message = TWICE.judge(now_and_then).message
    assert "another one at" in message and "factor is missing" not in message


def test_a_check_leaves_arguments_and_random_states_as_they_are():
    def careless(x, factor):
        torch.manual_seed(5), random.seed(5), np.random.seed(5)
        return x.mul_(factor)

    def states():
        return random.getstate()[1], tuple(np.random.get_state()[1]), torch.get_rng_state().tolist()

    before = states()
    assert TWICE.judge(careless).passed
    assert states() == before


def test_an_instance_is_the_same_at_each_check():
    seen = []
    for _ in range(2):
        assert TWICE.judge(lambda x, factor: seen.append(x) or 2 * x).passed
    first, second = seen[:20], seen[20:]
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert len({float(x[0]) for x in first}) == 20


# ------------------------------------------------------------------------------------- words

THREE = Choices(
    "ex-three",
    holding=(digest("ex-three", "A"), digest("ex-three", "C")),
    again={"A": "one?", "B": "two?", "C": "three?"},
)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("AC", "Passed."),
        (("c", "a"), "Passed."),
        ("ABC", "Think again about B: two?"),
        ("A", "Think again about C: three?"),
        ("D", "Letters from A to C are asked for, got D."),
        ("", "asked for, got none."),
        (3, "asked for, got int."),
    ],
)
def test_choices(answer, said):
    assert said in THREE.judge(answer).message


PROOF = Rubric(
    "ex-proof",
    points={"A": "it begins", "B": "it ends"},
    missing={"A": "where from?", "B": "where to?"},
    n_words=5,
)
TEXT = "First this, then that, hence the claim."


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((TEXT, "AB"), "Passed."),
        ((TEXT, "A"), "Without B: where to?"),
        ((TEXT, {"B"}), "Without A: where from?"),
        (TEXT, "Answer `(text, letters)`: A, it begins; B, it ends."),
        ((TEXT, "Z"), "got Z"),
        ((TEXT, ""), "got none"),
        ("It is plain.", "at least 5 words is asked for, got 3"),
        (("", "AB"), "got 0"),
        (5, "A text is asked for, got int."),
    ],
)
def test_rubric(answer, said):
    assert said in PROOF.judge(answer).message
