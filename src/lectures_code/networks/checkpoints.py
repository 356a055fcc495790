"""Trainings that survive being stopped: after each epoch, all that is needed to go on is saved."""

import os
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lectures_code.checks import check_count, check_generator
from lectures_code.networks.steps import AdamStep

# What torch raises for a file that it did not write, or of which only the beginning is there; and
# for one without the entries of a checkpoint.
UNREADABLE = (pickle.UnpicklingError, RuntimeError, EOFError, LookupError, TypeError)


def checkpointed(
    model: nn.Module,
    step: AdamStep,
    generator: torch.Generator,
    *,
    file: str | os.PathLike[str],
    n_epochs: int,
    settings: Mapping[str, int | float | str] | None = None,
    saves: bool = True,
) -> Iterator[int]:
    """The numbers of the epochs that are yet to be run, with a checkpoint after each.

    ::

        for k in checkpointed(model, step, generator, file="training.pt", n_epochs=10):
            for _ in epoch(model, x, y, step=step, generator=generator, ...):
                pass

    Stopped at any time and started again with the same arguments, such a training gives the same
    weights, to the last bit, as one that was not stopped. That holds on the same machine with the
    same number of threads, and if `generator` is the only source of random numbers.

    Parameters
    ----------
    model : nn.Module
        The start; changed in place to what the checkpoint holds, if there is one.
    step : AdamStep
        The step that trains it; its state is saved as well.
    generator : torch.Generator
        What the training draws from.
    file : path
        The checkpoint. A new one is written beside it, and then takes its place at once: whenever
        the training is stopped, the file is whole. It is kept at the end.
    n_epochs : int
        How many epochs there are in all.
    settings : mapping of str to int, float or str, optional
        What the training depends on besides. Saved, and compared with those of a checkpoint.
    saves : bool
        Whether to write checkpoints: of several processes only one should.

    Yields
    ------
    int
        The epoch's number, from 0, or from where the checkpoint left off; nothing if it is of the
        last epoch.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range, or the file is not a checkpoint of this training.
    """
    file, generator = Path(file), check_generator(generator)
    n_epochs = check_count("n_epochs", n_epochs)
    settings = {**(settings or {}), "n_epochs": n_epochs}
    first = _resume(model, step, generator, file, settings) if file.exists() else 0
    for k in range(first, n_epochs):
        yield k
        if saves:
            state = {
                "settings": settings,
                "n_done": k + 1,
                "model": model.state_dict(),
                "step": step.state_dict(),
                "generator": generator.get_state(),
            }
            _write(state, file)


def _resume(
    model: nn.Module,
    step: AdamStep,
    generator: torch.Generator,
    file: Path,
    settings: dict[str, Any],
) -> int:
    """Put everything into the state that the checkpoint holds; the number of epochs done."""
    advice = f"delete {file.name}, or name another file"
    try:
        state = dict(torch.load(file, map_location="cpu", weights_only=True))
        found = state["settings"]
    except UNREADABLE as error:
        raise ValueError(
            f"file must be a whole checkpoint, got one that cannot be read: {advice}"
        ) from error
    if found != settings:
        raise ValueError(
            f"file must be a checkpoint of the settings {settings}, got one of {found}: {advice}"
        )
    model.load_state_dict(state["model"])
    step.load_state_dict(model, state["step"])
    generator.set_state(state["generator"])
    return state["n_done"]


def _write(state: dict[str, Any], file: Path) -> None:
    """Write the file so that at any time the old one or the new one is there, and whole."""
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        with unfinished.open("wb") as stream:
            torch.save(state, stream)
            stream.flush()
            os.fsync(stream.fileno())  # else the new name may survive a power cut, empty
        os.replace(unfinished, file)
    finally:
        unfinished.unlink(missing_ok=True)
