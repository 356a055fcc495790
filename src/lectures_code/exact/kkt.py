r"""The optimality conditions for the loss of the largest gap, and a step towards them.

The primal problem: weights :math:`w_c` and :math:`b_c` for each class, and :math:`z_{ac} \ge 0`
with :math:`z_{ac} - z_{ca} = w_c - w_a`; the gap of an image of class a to class c is then at most
:math:`z_{ac}^\top h_i - z_{ca}^\top l_i + b_c - b_a`, linear in all of these. The dual one: weights
:math:`\alpha_{ik} \ge 0` and a net flow :math:`\phi_{ac} = -\phi_{ca}` without divergence, which
is at most :math:`U_{ac} - L_{ca}` (see :mod:`~lectures_code.exact.circulation`); `room` is what is
left.

Newton's equations are reduced to the weights alpha: given these, the flow follows from potentials,
like an electrical one, by a Laplace matrix of k classes for each pixel.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import logit

RIDGE = 1e-13  # relative, for rounding errors
ROUNDS = 2  # of iterative refinement
PRECISION, MOST_ROUNDS = 1e-8, 20  # of the conjugate gradients


@dataclass(frozen=True)
class Rows:
    """Images, sorted by class, with what their pixels can become, and the rivals to look at.

    `rival` is (n, k): which classes are looked at for which image.
    """

    low: np.ndarray
    high: np.ndarray
    y: np.ndarray
    rival: np.ndarray

    @property
    def own(self) -> list[slice]:
        """The images of each class."""
        cuts = np.searchsorted(self.y, range(self.rival.shape[1] + 1))
        return [slice(*ends) for ends in itertools.pairwise(cuts)]

    def reach(self, alpha: np.ndarray) -> np.ndarray:
        """The most by which flow from a to c can exceed that from c to a, shape (k, k, d)."""
        high = np.stack([alpha[rows].T @ self.high[rows] for rows in self.own])
        low = np.stack([alpha[rows].T @ self.low[rows] for rows in self.own])
        return high - turned(low)

    def gaps(self, z: np.ndarray) -> np.ndarray:
        """The worst gaps without intercepts, shape (n, k)."""
        parts = [
            self.high[rows] @ z[c].T - self.low[rows] @ z[:, c].T for c, rows in enumerate(self.own)
        ]
        return np.concatenate(parts)

    def gaps_of(self, weights: np.ndarray, biases: np.ndarray) -> np.ndarray:
        """The worst gaps of a classifier to *all* other classes; -inf for the own one."""
        gaps = self.gaps(np.maximum(-between(weights), 0)) + biases - biases[self.y][:, None]
        gaps[np.arange(len(gaps)), self.y] = -np.inf
        return gaps


@dataclass(frozen=True)
class Point:
    """A primal and a dual point, and the slacks of their inequalities, all positive inside.

    alpha, slack: (n, k); weights: (k, d); biases: (k,); flow, room, z: (k, k, d). `slack` is by how
    much the gap in the loss exceeds that to each class.
    """

    alpha: np.ndarray
    slack: np.ndarray
    weights: np.ndarray
    biases: np.ndarray
    flow: np.ndarray
    room: np.ndarray
    z: np.ndarray

    @property
    def taken(self) -> np.ndarray:
        """How much is taken of each image, in (0, 1)."""
        return self.alpha.sum(axis=1)

    def moved(self, step: "Point", length: float) -> "Point":
        names = self.__dataclass_fields__
        return Point(**{n: getattr(self, n) + length * getattr(step, n) for n in names})

    def longest(self, step: "Point") -> float:
        """The longest step, at most 1, that stays inside."""
        pairs = [(getattr(self, n), getattr(step, n)) for n in ("alpha", "slack", "room", "z")]
        pairs.append((1 - self.taken, -step.taken))
        return min(1.0, *(_to_boundary(here, change) for here, change in pairs))


def turned(z: np.ndarray) -> np.ndarray:
    """What belongs to the arc from c to a, at a, c."""
    return z.transpose(1, 0, 2)


def between(weights: np.ndarray) -> np.ndarray:
    """The differences w_a - w_c, shape (k, k, d)."""
    return weights[:, None] - weights[None]


def _to_boundary(here: np.ndarray, change: np.ndarray) -> float:
    falls = change < 0
    return float((-here[falls] / change[falls]).min(initial=np.inf))


class Laplace:
    """Flows between classes along arcs of given conductances, one network for each pixel."""

    def __init__(self, conductance: np.ndarray) -> None:
        k, _, d = conductance.shape
        self.conductance = conductance
        matrix = -conductance.transpose(2, 0, 1)
        matrix[:, range(k), range(k)] = conductance.sum(axis=1).T
        grounded = matrix[:, 1:, 1:]  # the first class has potential 0
        scale = 1 / np.sqrt(np.einsum("jaa->ja", grounded))
        scaled = grounded * scale[:, :, None] * scale[:, None, :]
        root = np.linalg.cholesky(scaled + 1e-15 * np.eye(k - 1))
        self.inverse_root = np.zeros((d, k - 1, k))
        self.inverse_root[:, :, 1:] = np.linalg.inv(root) * scale[:, None, :]

    def potentials(self, divergence: np.ndarray) -> np.ndarray:
        half = np.einsum("jra,aj->jr", self.inverse_root, divergence)
        return np.einsum("jra,jr->aj", self.inverse_root, half)

    def flow(self, push: np.ndarray, divergence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Potentials and a flow, conductance * (push - their differences), with this divergence."""
        potentials = self.potentials((self.conductance * push).sum(axis=1) - divergence)
        flow = self.conductance * (push - between(potentials))
        for _ in range(ROUNDS):
            more = self.potentials(flow.sum(axis=1) - divergence)
            potentials, flow = potentials + more, flow - self.conductance * between(more)
        return potentials, flow


class System:
    """Newton's equations at a point: the matrix, factored, and steps for several aims."""

    def __init__(self, rows: Rows, point: Point) -> None:
        self.rows, self.point = rows, point
        taken = point.taken
        self.arcs = ~np.eye(rows.rival.shape[1], dtype=bool)[:, :, None]
        self.alpha = np.where(rows.rival, point.alpha, 1)
        self.bend = 1 / (taken * (1 - taken))
        self.stiffness = np.where(rows.rival, point.slack / self.alpha, 0)
        self.weight = point.z / point.room
        total = self.weight + turned(self.weight)
        total = np.where(self.arcs, total, 1)
        self.laplace = Laplace(np.where(self.arcs, 1 / total, 0))
        self.share = self.weight / total
        self._factor()
        # What is left of the equations.
        gaps = rows.gaps(point.z) + point.biases - point.biases[rows.y][:, None]
        self.of_alpha = np.where(rows.rival, logit(taken)[:, None] - point.slack - gaps, 0)
        self.of_weights = point.z - turned(point.z) + between(point.weights)
        self.of_room, self.of_flow, self.of_biases = left(rows, point)

    def _factor(self) -> None:
        """The matrix in alpha, and its Schur complement for the intercepts."""
        rows, k = self.rows, self.rows.rival.shape[1]
        image, rival = np.nonzero(rows.rival)
        order = np.argsort(self._pair(image, rival), kind="stable")
        image, rival = image[order], rival[order]
        self.index = image, rival
        matrix = self._coupling(image, rival)
        matrix += np.where(image[:, None] == image, self.bend[image], 0)
        matrix[np.diag_indices(len(image))] += self.stiffness[self.index]
        self.scale = 1 / np.sqrt(np.diag(matrix))
        matrix *= self.scale
        matrix *= self.scale[:, None]
        matrix[np.diag_indices(len(image))] += RIDGE
        # Symmetric, and transposed it is laid out as LAPACK wants it: no copy.
        self.root = cho_factor(matrix.T, lower=True, overwrite_a=True, check_finite=False)
        signs = np.eye(k)[rows.y[image]] - np.eye(k)[rival]
        self.signs = signs[:, 1:]  # the first class has intercept 0
        self.solved_signs = self._solve(self.signs)
        self.schur = self.signs.T @ self.solved_signs

    def _pair(self, image: np.ndarray, rival: np.ndarray) -> np.ndarray:
        own = self.rows.y[image]
        return np.minimum(own, rival) * self.rows.rival.shape[1] + np.maximum(own, rival)

    def _coupling(self, image: np.ndarray, rival: np.ndarray) -> np.ndarray:
        """What flows for one weight takes from others: a block for each two pairs of classes."""
        own, k = self.rows.y[image], self.rows.rival.shape[1]
        low, high = self.rows.low[image], self.rows.high[image]
        pixels = self.share[own, rival] * high + self.share[rival, own] * low
        pixels *= np.where(own < rival, 1.0, -1.0)[:, None]
        pairs, first = np.unique(self._pair(image, rival), return_index=True)
        ends = np.append(first, len(image))
        roots = self.laplace.inverse_root.transpose(2, 0, 1)
        roots = np.stack([roots[pair // k] - roots[pair % k] for pair in pairs])
        resistances = np.matmul(roots.transpose(1, 0, 2), roots.transpose(1, 2, 0))
        resistances = np.ascontiguousarray(resistances.transpose(1, 2, 0))
        matrix = np.empty((len(image), len(image)))
        for number, pair in enumerate(pairs):
            block = slice(ends[number], ends[number + 1])
            rest = np.repeat(resistances[number, number:], np.diff(ends)[number:], axis=0)
            rest *= pixels[block.start :]
            matrix[block, block.start :] = pixels[block] @ rest.T
            width = high[block] - low[block]
            a, c = pair // k, pair % k
            matrix[block, block] += (width * self.weight[a, c] * self.share[c, a]) @ width.T
            matrix[block.start :, block] = matrix[block, block.start :].T
        return matrix

    def _solve(self, right: np.ndarray) -> np.ndarray:
        return (self.scale * cho_solve(self.root, (self.scale * right.T).T).T).T

    def _times(self, alpha: np.ndarray) -> np.ndarray:
        """The matrix times weights, as they are."""
        change = np.zeros(self.rows.rival.shape)
        change[self.index] = alpha
        pulled = self.weight * self.rows.reach(change)
        _, flow = self.laplace.flow(pulled - turned(pulled), np.zeros(1))
        product = self.rows.gaps(pulled - self.weight * flow) + self.stiffness * change
        return (product + (self.bend * change.sum(axis=1))[:, None])[self.index]

    def direction(self, aim_rows: np.ndarray, aim_arcs: np.ndarray) -> Point:
        """The step after which, to first order, all equations hold.

        The aims are the changes of alpha * slack and of room * z.
        """
        rows, point = self.rows, self.point
        wanted = np.where(self.arcs, aim_arcs / point.room, 0) + self.weight * self.of_room
        push = self.of_weights + wanted - turned(wanted)
        _, flow = self.laplace.flow(-push, -self.of_flow)
        right = aim_rows / self.alpha - self.of_alpha + rows.gaps(wanted + self.weight * flow)
        solved, biases = self._solve_both(right[self.index], -self.of_biases[1:])
        alpha = np.zeros(rows.rival.shape)
        alpha[self.index] = solved
        reach = rows.reach(alpha)
        pulled = self.weight * reach
        potentials, flow = self.laplace.flow(pulled - turned(pulled) - push, -self.of_flow)
        room = np.where(self.arcs, reach - flow - self.of_room, 0)
        z = np.where(self.arcs, (aim_arcs - point.z * room) / point.room, 0)
        # Where room is next to nothing a rounding error of it would be large in z: there z follows
        # from the weights, and room from z.
        tight = self.weight > turned(self.weight)
        z = np.where(tight, turned(z) - self.of_weights - between(potentials), z)
        room = np.where(tight, (aim_arcs - point.room * z) / np.where(tight, point.z, 1), room)
        return Point(
            alpha=alpha,
            slack=(aim_rows - point.slack * alpha) / self.alpha,
            weights=potentials,
            biases=np.append(0.0, biases),
            flow=flow,
            room=room,
            z=z,
        )

    def _solve_both(self, right: np.ndarray, balance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights and intercepts: conjugate gradients, preconditioned by the factored matrix."""
        alpha = self.solved_signs @ np.linalg.solve(self.schur, balance)
        rest = right - self._times(alpha)
        solved, biases = self._projected(rest)
        along, size = solved, rest @ solved
        enough = PRECISION**2 * size
        for _ in range(MOST_ROUNDS):
            if size <= enough:
                break
            product = self._times(along)
            length = size / (along @ product)
            alpha, rest = alpha + length * along, rest - length * product
            solved, biases = self._projected(rest)
            before, size = size, rest @ solved
            if not size < before:
                break
            along = solved + size / before * along
        lacking = balance - self.signs.T @ alpha
        return alpha + self.solved_signs @ np.linalg.solve(self.schur, lacking), biases

    def _projected(self, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The preconditioned residual, without divergence, and the intercepts that see to it."""
        solved = self._solve(rest)
        biases = np.linalg.solve(self.schur, self.signs.T @ solved)
        return solved - self.solved_signs @ biases, biases


def left(rows: Rows, point: Point) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is left of the dual equations: for room, for the flow's and for alpha's divergence."""
    k = rows.rival.shape[1]
    arcs = ~np.eye(k, dtype=bool)[:, :, None]
    room = np.where(arcs, point.room - rows.reach(point.alpha) + point.flow, 0)
    leaves = np.array([point.alpha[own].sum() for own in rows.own])
    return room, point.flow.sum(axis=1), leaves - point.alpha.sum(axis=0)
