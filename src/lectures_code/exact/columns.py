"""Columns of interval features: what a unit of each weight adds to the worst margins."""

from collections.abc import Iterator

import numpy as np

from lectures_code.exact.intervals import KEPT, Intervals


class Columns:
    """The columns of some coordinates, and the labels as one more: that of the intercept.

    Kept if they fit into the working memory, read anew at each use otherwise.
    """

    def __init__(
        self,
        data: Intervals,
        index: np.ndarray,
        shrink: float = 0.0,
        known: "Columns | None" = None,
    ) -> None:
        self.data, self.shrink = data, shrink
        self.index, old = index, 0
        if known and known.kept is not None and known.shrink == shrink:
            # What is known stays, used or not: it costs less than to be read anew.
            self.index = np.append(known.index, np.setdiff1d(index, known.index))
            old = len(known.index)
        self.kept: np.ndarray | None = None
        if 16 * data.n * (len(self.index) + 1) > data.data.memory:
            return
        self.kept = np.empty((data.n, len(self.index) + 1))
        self.kept[:, -1] = data.y
        if known and known.kept is not None:
            self.kept[:, :old] = known.kept[:, :old]
        if new := len(self.index) - old:
            for rows in data.slices(KEPT, new):
                self.kept[rows, old:-1] = data.block(rows, self.index[old:], shrink)

    def _read(self, rows: slice) -> np.ndarray:
        return np.column_stack([self.data.block(rows, self.index, self.shrink), self.data.y[rows]])

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        for rows in self.data.slices(KEPT, len(self.index) + 1):
            yield rows, self._read(rows) if self.kept is None else self.kept[rows]

    def push(self, coefficients: np.ndarray) -> np.ndarray:
        """Worst margins of the examples, for weights and the intercept, shape (n,)."""
        margins = np.empty(self.data.n)
        for rows, block in self.blocks():
            np.matmul(block, coefficients, out=margins[rows])
        return margins

    def second_order(self, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Second and first derivative of the summed loss where ``a`` are minus the slopes."""
        size = len(self.index) + 1
        hessian, gradient = np.zeros((size, size)), np.zeros(size)
        for rows, block in self.blocks():
            own = a[rows]
            scaled = block * np.sqrt(own * (1 - own))[:, None]
            hessian += scaled.T @ scaled
            gradient -= own @ block
        return hessian, gradient


def coordinates(theta: np.ndarray) -> np.ndarray:
    """The least ``(u, v)`` with theta = u - v."""
    return np.concatenate([np.maximum(theta, 0), np.maximum(-theta, 0)])


def difference(uv: np.ndarray) -> np.ndarray:
    """The weights theta = u - v."""
    u, v = np.split(uv, 2)
    return u - v


def worst_margins(data: Intervals, uv: np.ndarray, intercept: float) -> np.ndarray:
    """The worst margins of all examples, shape (n,)."""
    used = np.flatnonzero(uv)
    return Columns(data, used).push(np.append(uv[used], intercept))
