"""Answers that are numbers: compared by hashes, so that a glance at the source gives nothing away.

This hides an answer from a glance only. Whoever wants to can try all numbers of two decimals.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real

from lectures_code.practice.result import PASSED, Result, not_yet


def digest(name: str, *values: float | str, decimals: int = 2) -> str:
    """The hash that stands for a value, or for several in their order, in the exercise `name`.

    Numbers are rounded first. A number half-way between two rounded ones may fall to either:
    state more decimals in the exercise, or choose other data.

    >>> digest("ex-name", 0.5, 0.25) == digest("ex-name", 0.501, 0.2502)
    True
    """
    texts = [
        v if isinstance(v, str) else f"{round(v, decimals) + 0.0:.{decimals}f}" for v in values
    ]
    return hashlib.sha256(" ".join([name, *texts]).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Numbers:
    """An exercise whose answer is one number, or several in an order that the exercise states.

    Attributes
    ----------
    name : str
        The exercise's label; it salts the hashes.
    right : tuple of str
        The hash of each number of the right answer: ``digest(name, number, decimals=decimals)``.
    mistakes : mapping of str to str
        For each typical wrong answer, ``digest(name, *numbers, decimals=decimals)``, the sentence
        that fits it.
    decimals : int
        To how many decimals the exercise asks for the numbers.
    """

    name: str
    right: tuple[str, ...]
    mistakes: Mapping[str, str] = field(default_factory=dict)
    decimals: int = 2

    def judge(self, answer: object) -> Result:
        """Say whether the numbers are right; a tuple, a list, a tensor or an array will do."""
        n = len(self.right)
        asked = "One number is" if n == 1 else f"{n} numbers are"
        try:
            values = tuple(_numbers(answer))
        except TypeError as error:
            return not_yet(f"{asked} asked for, got {error}.")
        if len(values) != n:
            return not_yet(f"{asked} asked for, got {len(values)}.")
        if not all(map(math.isfinite, values)):
            return not_yet("Each number must be finite.")
        correct = [
            digest(self.name, value, decimals=self.decimals) == right
            for value, right in zip(values, self.right, strict=True)
        ]
        if all(correct):
            return PASSED
        if sentence := self.mistakes.get(digest(self.name, *values, decimals=self.decimals)):
            return not_yet(sentence)
        if n == 1:
            return not_yet(f"The number is another one, to {self.decimals} decimals.")
        return not_yet(f"To {self.decimals} decimals, {sum(correct)} of the {n} numbers are right.")


def _numbers(answer: object) -> Iterable[float]:
    """The numbers of an answer, in their order; a TypeError names what is none."""
    if hasattr(answer, "tolist"):  # a tensor or an array
        answer = answer.tolist()
    if isinstance(answer, Real) and not isinstance(answer, bool):
        yield float(answer)
    elif isinstance(answer, tuple | list):
        for each in answer:
            yield from _numbers(each)
    else:
        raise TypeError(type(answer).__name__)
