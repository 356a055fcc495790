"""Progress bar, shown only on a terminal or in an interactive notebook."""

import sys
from collections.abc import Iterable
from typing import Any, TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], *, label: str, total: int | None = None) -> Iterable[T]:
    """Yield the items, with a bar on standard error in an interactive session.

    Parameters
    ----------
    items : iterable
        What to iterate over.
    label : str
        What the items are.
    total : int, optional
        How many items there are, where their number cannot be seen.

    Returns
    -------
    iterable
        The same items.
    """
    return tqdm(items, desc=label, total=total, leave=False, disable=not is_watched())


def is_watched() -> bool:
    """Whether standard error is a terminal or the output of a notebook that somebody runs.

    A book build runs notebooks too, and a bar would stay in its pages. It runs them without a way
    to ask the reader something, which is what the kernel's request says.
    """
    if sys.stderr.isatty():
        return True
    kernel = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    request: dict[str, Any] = getattr(getattr(kernel, "kernel", None), "get_parent", dict)()
    return bool(request.get("content", {}).get("allow_stdin", False))
