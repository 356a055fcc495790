"""What takes too long for a build, and is stored with all that it depends on."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any


def recorded(name: str) -> dict[str, Any]:
    """What a program of the book found when it was last run, with all that it depends on.

    Parameters
    ----------
    name : str
        ``"ten_digits"``, of ``make digits``: among others ``"accuracy in percent"`` and
        ``"mistakes"`` by attack, the ``"threat model"``, and ``"published"``, percentages of the
        same network and recipe, with their sources. ``"other_seeds"``, of ``make seeds``:
        ``"counts"``, by chapter and row, of each of the ``"seeds"``.

    Returns
    -------
    dict
        The record, with versions, machine and the program.

    Raises
    ------
    ValueError
        If there is no such record.
    """
    file = files(__package__) / f"{name}.json"
    if not file.is_file():
        found = (Path(each.name) for each in files(__package__).iterdir())
        names = ", ".join(sorted(each.stem for each in found if each.suffix == ".json"))
        raise ValueError(f"name must be that of a record, got {name!r}: there are {names}")
    result: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return result
