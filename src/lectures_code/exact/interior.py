r"""An interior-point method for the loss of the largest gap, in pixels that move each by itself.

Mehrotra's predictor and corrector (1992): a step towards the boundary tells how much the products
of slacks and multipliers can fall, and a second one, with the same matrix, lets them fall together.
"""

import numpy as np
from scipy.linalg import LinAlgError

from lectures_code.exact.dual import mean_entropy, mean_loss
from lectures_code.exact.kkt import Point, Rows, System, left, turned

UNMET = 300  # what a dual equation that does not hold yet counts beside the gap
SHORT = 0.995  # of the way to the boundary
STUCK = 1e-5  # a step as short as this leads nowhere any more


def start(rows: Rows) -> Point:
    """The constant classifier, and equal weights."""
    (n, k), d = rows.rival.shape, rows.low.shape[1]
    alpha = np.where(rows.rival, 0.5 / rows.rival.sum(axis=1, keepdims=True), 0)
    reach = rows.reach(alpha)
    room = np.maximum((reach + turned(reach)) / 2, 0.01 * n / k)
    arcs = ~np.eye(k, dtype=bool)[:, :, None]
    return Point(
        alpha=alpha,
        slack=rows.rival.astype(np.float64),
        weights=np.zeros((k, d)),
        biases=np.zeros(k),
        flow=(reach - turned(reach)) / 2,
        room=np.where(arcs, room, 1),
        z=np.where(arcs, 0.1 / room, 0),
    )


def descend(rows: Rows, point: Point, tol: float, most: int) -> tuple[Point, int]:
    """Steps until both values are within `tol`, relatively, or rounding ends it: point, number."""
    best = point
    least = np.inf
    for steps in range(most + 1):
        gaps = np.where(rows.rival, rows.gaps_of(point.weights, point.biases), -np.inf)
        risk = mean_loss(-gaps.max(axis=1))
        off = max(float(np.abs(each).max()) for each in left(rows, point)) / len(gaps)
        gap = abs(risk - mean_entropy(point.taken)) / risk + UNMET * off
        if gap < least:
            best, least = point, gap
        if least <= tol or gaps.max() < 0 or steps == most:
            break
        try:
            ahead = _step(rows, point)
        except (LinAlgError, np.linalg.LinAlgError):
            break
        if ahead is None:
            break
        point = ahead
    return best, steps


def _step(rows: Rows, point: Point) -> Point | None:
    system = System(rows, point)
    arcs = system.arcs
    products = point.alpha * point.slack, point.room * point.z
    count = rows.rival.sum() + arcs.sum() * rows.low.shape[1]
    mean = (products[0].sum() + products[1].sum()) / count
    ahead = system.direction(-products[0], -products[1])
    there = point.moved(ahead, point.longest(ahead))
    remains = ((there.alpha * there.slack).sum() + (there.room * there.z).sum()) / count
    aim = mean * (remains / mean) ** 3
    step = system.direction(
        np.where(rows.rival, aim - products[0] - ahead.alpha * ahead.slack, 0),
        np.where(arcs, aim - products[1] - ahead.room * ahead.z, 0),
    )
    there = point.moved(step, SHORT * point.longest(step))
    inside = there.taken.min() > 0 and there.taken.max() < 1  # after rounding, too
    return there if inside and SHORT * point.longest(step) > STUCK else None
