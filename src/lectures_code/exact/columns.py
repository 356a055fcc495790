"""Columns of interval features: what a unit of each weight adds to the worst margins."""

from collections.abc import Iterator

import numpy as np

from lectures_code.exact.intervals import KEPT, Intervals


class Columns:
    """The columns of some coordinates, and the labels as one more: that of the intercept.

    Kept if they fit into the working memory, read anew at each use otherwise: in a row of `kept`
    for each coordinate in `held`, after a row of labels. What `known` holds stays, used or not, as
    that costs less than to read it anew; `known` itself is of no use any more.
    """

    def __init__(
        self,
        data: Intervals,
        index: np.ndarray,
        shrink: float = 0.0,
        known: "Columns | None" = None,
    ) -> None:
        self.data, self.index, self.shrink = data, index, shrink
        self.kept: np.ndarray | None = None
        room = min(data.data.memory // (16 * data.n), 2 * data.d + 1)
        if len(index) + 1 > room:
            return
        self.held = index[:0]
        if known is None or known.kept is None:
            self.kept = np.empty((room, data.n))  # rows cost nothing before they are written
            self.kept[0] = data.y
        else:
            self.kept = known.kept
            if known.shrink == shrink and len(np.union1d(index, known.held)) < room:
                self.held = known.held
        new, first = np.setdiff1d(index, self.held), len(self.held) + 1
        self.held = np.append(self.held, new)
        if len(new):
            for rows in data.slices(KEPT, len(new)):
                self.kept[first : first + len(new), rows] = data.block(rows, new, shrink)
        place = np.zeros(2 * data.d, int)
        place[self.held] = np.arange(1, len(self.held) + 1)
        self.rows = np.append(place[index], 0)

    def _blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        for rows in self.data.slices(KEPT, len(self.index) + 1):
            if self.kept is None:
                block = self.data.block(rows, self.index, self.shrink)
                yield rows, np.concatenate([block, self.data.y[None, rows]])
            else:
                yield rows, self.kept[self.rows, rows]

    def push(self, coefficients: np.ndarray) -> np.ndarray:
        """Worst margins of the examples, for weights and the intercept, shape (n,)."""
        if self.kept is None:
            return np.concatenate([coefficients @ block for _, block in self._blocks()])
        spread = np.zeros(len(self.held) + 1)
        spread[self.rows] = coefficients
        return spread @ self.kept[: len(spread)]

    def second_order(self, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Second and first derivative of the summed loss where ``a`` are minus the slopes."""
        size = len(self.index) + 1
        hessian, gradient = np.zeros((size, size)), np.zeros(size)
        for rows, block in self._blocks():
            own = a[rows]
            gradient -= block @ own
            block *= np.sqrt(own * (1 - own))
            hessian += block @ block.T
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
