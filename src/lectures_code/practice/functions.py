"""Answers that are functions: tried on hidden random instances beside an independent oracle."""

import copy
import inspect
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lectures_code.practice.result import NO_ANSWER, PASSED, Result, not_yet

#: A tensor of more numbers than these is described by its shape.
SHOWN = 6


@dataclass(frozen=True)
class Function:
    """An exercise whose answer is a function.

    Attributes
    ----------
    name : str
        The exercise's label.
    oracle : callable
        Computes the right result in a way that is not the solution's: brute force, a linear
        program, finite differences. A number, a tensor, or a tuple of them. Its parameters have
        the names that the exercise gives them.
    instance : callable
        Draws the arguments of one call, a tuple, from a `torch.Generator`.
    mistakes : sequence of (str, callable)
        Typical wrong functions, each after the sentence that fits. A wrong answer that agrees with
        one of them on every instance gets this sentence.
    tolerance : float
        How far a number of the result may be from the oracle's, absolutely and relatively. The
        default admits what rounding to float32 does.
    n_instances : int
        On how many instances the function is tried.
    """

    name: str
    oracle: Callable[..., Any]
    instance: Callable[[torch.Generator], tuple[Any, ...]]
    mistakes: Sequence[tuple[str, Callable[..., Any]]] = ()
    tolerance: float = 1e-5
    n_instances: int = 20

    def judge(self, answer: object) -> Result:
        """Say whether the function is right; random states and its arguments stay as they are."""
        if not callable(answer):
            return not_yet(f"A function is asked for, got {type(answer).__name__}.")
        with _random_states_kept():
            results: list[Any] = []
            for arguments, right in zip(self._instances(), self._right, strict=True):
                at = self._described(arguments)
                try:
                    result = answer(*copy.deepcopy(arguments))
                except Exception as error:  # whatever a reader's function raises
                    said = " ".join(f"{type(error).__name__}: {error}".split())
                    return not_yet(f"It raises {said.rstrip('.')}, at {at}.")
                if result is None or result is ...:
                    return NO_ANSWER
                if fault := self._fault(result, right):
                    return not_yet(f"{fault} at {at}.")
                results.append(result)
            for arguments, right, result in zip(
                self._instances(), self._right, results, strict=True
            ):
                if not self._agree(result, right):
                    at = self._described(arguments)
                    return not_yet(self._mistake(results) or f"Its result is another one at {at}.")
        return PASSED

    def _instances(self) -> Iterator[tuple[Any, ...]]:
        for seed in range(self.n_instances):
            yield self.instance(torch.Generator().manual_seed(seed))

    @cached_property
    def _right(self) -> list[Any]:
        """The oracle's results; it may take longer than the answer, and a reader tries again."""
        return [self.oracle(*arguments) for arguments in self._instances()]

    def _mistake(self, results: list[Any]) -> str | None:
        """The sentence of the typical mistake that gives all these results."""
        for sentence, wrong in self.mistakes:
            if all(
                self._agree(result, wrong(*arguments))
                for result, arguments in zip(results, self._instances(), strict=True)
            ):
                return sentence
        return None

    def _fault(self, result: Any, right: Any) -> str | None:
        """What is wrong with the form of a result."""
        asked = _shapes(_tensors(right))
        try:
            shapes = _shapes(_tensors(result, like=right))
        except (TypeError, ValueError, RuntimeError):
            return f"Its result must be {asked}, got {type(result).__name__},"
        return None if shapes == asked else f"Its result must be {asked}, got {shapes},"

    def _agree(self, result: Any, right: Any) -> bool:
        pairs = zip(_tensors(result, like=right), _tensors(right), strict=True)
        limit = self.tolerance
        return all(torch.allclose(ours, theirs, rtol=limit, atol=limit) for ours, theirs in pairs)

    def _described(self, arguments: tuple[Any, ...]) -> str:
        """The arguments of a call in words: the small ones with their values."""
        names = list(inspect.signature(self.oracle).parameters)[: len(arguments)]
        pairs = zip(names, arguments, strict=True)
        words = [f"`{name}` {said}" for name, value in pairs if (said := _described(value))]
        return ", ".join(words)


def _tensors(value: Any, like: Any = None) -> list[Tensor]:
    """A result as a list of tensors: those of a tuple, or one."""
    parts = value if isinstance(value, tuple) or isinstance(like, tuple) else (value,)
    return [torch.as_tensor(part, dtype=torch.float64).detach() for part in parts]


def _shapes(tensors: list[Tensor]) -> str:
    """The shapes of tensors in words."""
    words = [f"a tensor of shape {tuple(t.shape)}" if t.ndim else "a number" for t in tensors]
    return " and ".join(words)


def _described(value: Any) -> str:
    """A small argument with its value, a large tensor by its shape; of others, nothing."""
    if isinstance(value, Tensor) and (value.numel() > SHOWN or not value.ndim):
        return f"of shape {tuple(value.shape)}" if value.ndim else f"= {value.item():.3g}"
    if isinstance(value, Tensor):
        return f"= {[float(f'{each:.3g}') for each in value.flatten().tolist()]}"
    if isinstance(value, int | float | str):
        return f"= {value:.3g}" if isinstance(value, float) else f"= {value!r}"
    return ""


@contextmanager
def _random_states_kept() -> Iterator[None]:
    """Give the global generators back as they were, whatever a reader's function drew."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
