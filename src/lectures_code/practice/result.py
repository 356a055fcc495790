"""What a check says of an answer."""

from dataclasses import dataclass


@dataclass(frozen=True, repr=False)
class Result:
    """What a check says of an answer.

    Attributes
    ----------
    passed : bool
        Whether the answer is right.
    message : str
        One sentence for the reader, which never says what is right; a notebook shows it.
    """

    passed: bool
    message: str

    def __str__(self) -> str:
        return self.message

    __repr__ = __str__


PASSED = Result(True, "Passed.")
NO_ANSWER = Result(False, "No answer yet.")


def not_yet(sentence: str) -> Result:
    """The result of a wrong answer, with the sentence that says what to look at again."""
    return Result(False, f"Not yet. {sentence}")
