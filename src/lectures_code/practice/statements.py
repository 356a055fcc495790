"""Answers in words: which statements hold, or a text that its author compares with a rubric."""

from collections.abc import Mapping
from dataclasses import dataclass

from lectures_code.practice.numbers import digest
from lectures_code.practice.result import PASSED, Result, not_yet


@dataclass(frozen=True)
class Choices:
    """An exercise that asks which of its lettered statements hold.

    Attributes
    ----------
    name : str
        The exercise's label; it salts the hashes.
    holding : tuple of str
        The hash of each letter whose statement holds: ``digest(name, letter)``.
    again : mapping of str to str
        For each letter the sentence that is said if the answer is wrong on it, be it chosen or
        missed.
    """

    name: str
    holding: tuple[str, ...]
    again: Mapping[str, str]

    def judge(self, answer: object) -> Result:
        """Say on which letter to think again first; "ACE", {"A", "C", "E"} or "a, c, e" will do."""
        chosen = _letters(answer, self.again)
        if isinstance(chosen, Result):
            return chosen
        for letter, sentence in self.again.items():
            if (letter in chosen) != (digest(self.name, letter) in self.holding):
                return not_yet(f"Think again about {letter}: {sentence}")
        return PASSED


@dataclass(frozen=True)
class Rubric:
    """An exercise that asks for a text, which no program can judge: its author does.

    The answer is a text, or a text and the letters of the points that it makes, as a tuple. A text
    alone is answered by the points.

    Attributes
    ----------
    name : str
        The exercise's label.
    points : mapping of str to str
        For each letter a point that a good text makes.
    missing : mapping of str to str
        For each letter what to think about if the text does not make this point.
    n_words : int
        How many words the text has at least.
    """

    name: str
    points: Mapping[str, str]
    missing: Mapping[str, str]
    n_words: int = 30

    def judge(self, answer: object) -> Result:
        """Show the points, or say what to think about if one is not ticked."""
        text, ticked = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, None)
        if not isinstance(text, str):
            return not_yet(f"A text is asked for, got {type(text).__name__}.")
        if (n := len(text.split())) < self.n_words:
            return not_yet(f"A text of at least {self.n_words} words is asked for, got {n}.")
        if ticked is None:
            points = "; ".join(f"{letter}, {point}" for letter, point in self.points.items())
            return not_yet(
                f"Which of these points does it make? Answer `(text, letters)`: {points}."
            )
        made = _letters(ticked, self.points)
        if isinstance(made, Result):
            return made
        for letter in self.points:
            if letter not in made:
                return not_yet(f"Without {letter}: {self.missing[letter]}")
        return PASSED


def _letters(answer: object, known: Mapping[str, str]) -> set[str] | Result:
    """The letters of an answer, or what is wrong with it."""
    asked = f"Letters from {min(known)} to {max(known)} are asked for"
    if not isinstance(answer, str | set | frozenset | tuple | list):
        return not_yet(f"{asked}, got {type(answer).__name__}.")
    chosen = {letter for letter in "".join(map(str, answer)).upper() if letter not in " ,;.'\""}
    if unknown := chosen - known.keys():
        return not_yet(f"{asked}, got {', '.join(sorted(unknown))}.")
    return chosen or not_yet(f"{asked}, got none.")
