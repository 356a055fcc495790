"""Right answers pass, however they are written; wrong ones get the sentence that fits them."""

from importlib import import_module

import pytest

from lectures_code.practice import CHAPTERS, EXERCISES, Function, check

TABLES = [
    import_module(f"tests.course.practice.{chapter.__name__.rpartition('.')[2]}")
    for chapter in CHAPTERS
]
RIGHT = {name: answers for table in TABLES for name, answers in table.RIGHT.items()}
WRONG = {name: answers for table in TABLES for name, answers in table.WRONG.items()}
FUNCTIONS = {name: each for name, each in EXERCISES.items() if isinstance(each, Function)}


def described(value):
    """A test's name: the same in all processes, which the text of a set or a partial is not."""
    return value if isinstance(value, str) else getattr(value, "__name__", None)


@pytest.mark.parametrize(
    ("name", "answer"),
    [(name, answer) for name, answers in RIGHT.items() for answer in answers],
    ids=described,
)
def test_a_right_answer_passes_however_it_is_written(name, answer):
    result = check(name, answer)
    assert result.passed, result


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [(name, *row) for name, rows in WRONG.items() for row in rows],
    ids=described,
)
def test_a_wrong_answer_gets_the_sentence_that_fits(name, answer, said):
    result = check(name, answer)
    assert not result.passed and said in result.message, result


@pytest.mark.parametrize(
    ("name", "sentence", "wrong"),
    [(name, *row) for name, each in FUNCTIONS.items() for row in each.mistakes],
    ids=described,
)
def test_a_typical_wrong_function_gets_its_own_sentence(name, sentence, wrong):
    result = check(name, wrong)
    assert not result.passed and result.message == f"Not yet. {sentence}"


def test_each_exercise_has_a_right_answer_and_three_typical_wrong_ones_that_differ():
    assert list(RIGHT) == list(EXERCISES)
    for name, exercise in EXERCISES.items():
        is_function = name in FUNCTIONS
        rows = exercise.mistakes if is_function else [row[::-1] for row in WRONG[name]]
        said = [sentence for sentence, _ in rows]
        assert len(set(said)) >= 3, name


def test_each_name_and_each_sentence_is_well_formed():
    for name, exercise in EXERCISES.items():
        assert name.startswith("ex-")
        sentences = getattr(exercise, "again", None) or getattr(exercise, "missing", None)
        mistakes = getattr(exercise, "mistakes", {})
        said = mistakes.values() if isinstance(mistakes, dict) else [row[0] for row in mistakes]
        for sentence in [*said, *(sentences or {}).values()]:
            assert sentence.endswith((".", "?")), sentence


def test_no_name_is_taken_twice():
    names = [exercise.name for chapter in CHAPTERS for exercise in chapter.EXERCISES]
    assert len(set(names)) == len(names)
