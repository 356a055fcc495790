r"""Several classes: what an adversary can make images of one class look like to another one.

Weights :math:`\alpha_{ik} \ge 0` say how much of image i is taken for class k. An adversary who
moves each pixel by itself, between :math:`l_{ij}` and :math:`h_{ij}`, gives pixel j of all that
goes from class a to class c any sum from :math:`L_{ac} = \sum_{i \in a} \alpha_{ic} l_{ij}` to
:math:`U_{ac} = \sum_{i \in a} \alpha_{ic} h_{ij}`. The weights prove a lower bound if the adversary
can choose these sums as a *circulation*: at every class as much arrives as leaves. By Hoffman's
theorem that is so if and only if no set S of classes sends more than it can receive,

.. math:: \sum_{a \in S, c \notin S} L_{ac} \le \sum_{a \in S, c \notin S} U_{ca} .

For two classes it says that their weighted interval means overlap.
"""

import itertools
import math
from collections import deque

import numpy as np
import torch
from scipy.special import xlog1py, xlogy

from lectures_code.exact.dual import ROUNDING, UNDERFLOW, rounded_down
from lectures_code.exact.examples import Examples
from lectures_code.perturbations import NormBall

MOST_CLASSES = 12  # 2**12 sets of classes are looked at for each pixel
SUBSETS = 256  # at a time


def interval_sums(
    data: Examples, ball: NormBall, alpha: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """The sums L and U, shape (k, k, d), and a bound on the rounding error of any sum of them."""
    k = alpha.shape[1]
    sums, largest = np.zeros((2, k, k, data.d)), 0.0
    for rows in data.chunks:
        pixels = torch.from_numpy(data.x[rows].astype(np.float64, copy=False))
        for total, end in zip(sums, ball.interval(pixels), strict=True):
            values = end.numpy()
            largest = max(largest, float(np.abs(values).max()))
            for c in range(k):
                own = data.y[rows] == c
                total[c] += alpha[rows][own].T @ values[own]
    # An end, a product, and the additions of a sum; then those over pairs of classes.
    additions = data.additions + 2 * k * k + 8
    error = additions * ROUNDING * largest * math.fsum(alpha.ravel()) + UNDERFLOW
    return sums[0], sums[1], error if alpha.any() else 0.0


def worst_cuts(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """For each pixel, the most by which any set of classes sends more than it can receive: (d,)."""
    k, d = len(low), low.shape[2]
    excess = (low - high.transpose(1, 0, 2)).reshape(k * k, d)
    worst = np.full(d, -math.inf)
    for first in range(1, 2**k - 1, SUBSETS):
        numbers = np.arange(first, min(first + SUBSETS, 2**k - 1))
        inside = (numbers[:, None] >> np.arange(k)) % 2
        crossing = inside[:, :, None] * (1 - inside[:, None, :])
        cuts = crossing.reshape(len(numbers), k * k).astype(np.float64) @ excess
        worst = np.maximum(worst, cuts.max(axis=0))
    return worst


def imbalances(alpha: np.ndarray, y: np.ndarray) -> list[float]:
    """How much more leaves each class than arrives, rounded once: 0 means exactly 0."""
    return [math.fsum([*alpha[y == c].ravel(), *-alpha[:, c]]) for c in range(alpha.shape[1])]


def balanced_flow(alpha: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Round `alpha` so that at each class exactly as much arrives as leaves.

    In whole multiples of a power of two, below 2**53 in sum, so that nothing is rounded any more.
    What a class sends too much is taken back along a path to one that receives too much.
    """
    unit = 2.0 ** (math.ceil(math.log2(max(alpha.sum(), 1e-140))) - 52)
    units = np.floor(alpha / unit)
    while any(surplus := imbalances(units, y)):
        path = _path(units, y, surplus)
        entries = []
        for a, c in itertools.pairwise(path):
            own = np.flatnonzero(y == a)
            entries.append((own[units[own, c].argmax()], c))
        back = min(surplus[path[0]], -surplus[path[-1]], *(units[each] for each in entries))
        for each in entries:
            units[each] -= back
    return units * unit


def _path(units: np.ndarray, y: np.ndarray, surplus: list[float]) -> list[int]:
    """Classes from one that sends too much to one that receives too much, along what is sent."""
    k = len(surplus)
    sent = [[bool(units[y == a, c].any()) for c in range(k)] for a in range(k)]
    start = int(np.argmax(surplus))
    before, queue = {start: start}, deque([start])
    while queue:
        here = queue.popleft()
        if surplus[here] < 0:
            path = [here]
            while path[-1] != start:
                path.append(before[path[-1]])
            return path[::-1]
        for c in range(k):
            if sent[here][c] and c not in before:
                before[c] = here
                queue.append(c)
    raise AssertionError("what leaves a class arrives somewhere")


def least_entropy(alpha: np.ndarray) -> float:
    """Mean entropy of what is taken of each image, rounded down.

    A sum of k terms is off by at most k roundings of 1; the entropy is concave, and so least at one
    of both ends.
    """
    taken, error = alpha.sum(axis=1), alpha.shape[1] * ROUNDING
    ends = [np.clip(taken + sign * error * np.minimum(taken, 1), 0, 1) for sign in (-1, 1)]
    entropies = [-xlogy(end, end) - xlog1py(1 - end, -end) for end in ends]
    return rounded_down(math.fsum(np.minimum(*entropies)) / len(alpha))
