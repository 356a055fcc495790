"""Checks of the exercises on the pages of practice: one module a chapter, and the kinds of check.

`check` answers in one sentence what is wrong with an answer, never what is right. It works without
a network, and changes neither the global random states nor what it is given.
"""

from difflib import get_close_matches

from lectures_code.practice import (
    box,
    danskin,
    every_radius,
    exact_optimum,
    inner_maximum,
    kink_and_noise,
    linear_models,
    min_max,
    mnist,
    not_linear,
    proven,
    report,
    ten_classes,
    training,
)
from lectures_code.practice.functions import Function
from lectures_code.practice.numbers import Numbers, digest
from lectures_code.practice.result import NO_ANSWER, Result
from lectures_code.practice.statements import Choices, Rubric

__all__ = [
    "CHAPTERS",
    "EXERCISES",
    "Choices",
    "Function",
    "Numbers",
    "Result",
    "Rubric",
    "check",
    "digest",
]

#: The chapters' modules: each has its page of the same name, and its exercises in their order.
CHAPTERS = (
    min_max,
    danskin,
    linear_models,
    mnist,
    exact_optimum,
    box,
    kink_and_noise,
    every_radius,
    not_linear,
    ten_classes,
    inner_maximum,
    training,
    proven,
    report,
)
#: All exercises, by name.
EXERCISES: dict[str, Numbers | Function | Choices | Rubric] = {
    exercise.name: exercise for chapter in CHAPTERS for exercise in chapter.EXERCISES
}


def check(name: str, answer: object) -> Result:
    """Say in one sentence whether the answer to an exercise is right, and if not, what is wrong.

    Parameters
    ----------
    name : str
        The exercise's label, as ``"ex-delta-box"``.
    answer : object
        What the exercise asks for: numbers, a function, letters, a text. ``...`` and None are no
        answer yet.

    Returns
    -------
    Result
        A notebook shows its message.

    Raises
    ------
    ValueError
        If there is no exercise of this name.
    """
    if name not in EXERCISES:
        near = get_close_matches(str(name), EXERCISES) or list(EXERCISES)
        raise ValueError(f"name must be that of an exercise, got {name!r}: use {', '.join(near)}")
    if answer is None or answer is ...:
        return NO_ANSWER
    return EXERCISES[name].judge(answer)
