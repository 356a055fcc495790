"""Calls of each figure, and what is read off the axes that it drew."""

import numpy as np
import torch

from lectures_code import figures
from lectures_code.danskin import ValueFunction
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall
from lectures_code.risk import ErrorCount, ErrorCurve
from lectures_code.training import History
from tests.oracles import INF

# Rounding of a product of a few numbers of size 1.
ROUNDING = 1e-12
BALLS = [NormBall(1, 0.5), NormBall(2, 0.5), NormBall(3, 0.5), NormBall(INF, 0.5)]
W = torch.tensor([2.0, -1.0], dtype=torch.float64)
T = torch.linspace(-2, 3, 11, dtype=torch.float64)
CURVES = {"a line": 0.3 * T, "a parabola": T**2 - 1, "a wave": torch.sin(T)}
X = torch.tensor([[0.5, 0.1], [-0.5, -0.2], [1.0, 0.4], [-1.0, 0.2]], dtype=torch.float64)
Y = torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64)
# The envelope of theta * delta - delta^2 / 2 over [-1, 1], whose maximiser is theta.
SADDLES = ValueFunction(
    lambda theta, d: theta * d[:, 0] - d[:, 0] ** 2 / 2,
    torch.linspace(-1, 1, 17, dtype=torch.float64)[:, None],
)
CLASSIFIERS = {
    "standard": LinearClassifier(W, 0.25),
    "robust": LinearClassifier(torch.tensor([1.0, 0.5], dtype=torch.float64), -0.1),
}
STEPS = torch.tensor([[0.5, 2.0], [0.0, -0.5], [1.0, 0.0]], dtype=torch.float64)
IMAGES = torch.linspace(0, 1, 5 * 784, dtype=torch.float64).reshape(5, 784)
HISTORIES = {
    "standard": History(
        risk=(1.0, 0.5, 0.25),
        adversarial_risk=(2.0, 1.5, 1.25),
        error=(ErrorCount(9, 10), ErrorCount(1, 10), ErrorCount(0, 10)),
        robust_error=(ErrorCount(10, 10), ErrorCount(9, 10), ErrorCount(8, 10)),
    ),
    "robust": History(
        risk=(1.0, 0.5),
        adversarial_risk=(2.0, 1.5),
        error=(ErrorCount(8, 10), ErrorCount(2, 10)),
        robust_error=(ErrorCount(10, 10), ErrorCount(3, 10)),
    ),
}
ERROR_CURVES = {
    "standard": ErrorCurve(INF, torch.tensor([-0.1, 0.05, 0.1, 0.3], dtype=torch.float64)),
    "robust": ErrorCurve(INF, torch.tensor([0.1, 0.25], dtype=torch.float64)),
}
TAKEN = {"standard": 1.5, "robust": 0.75}
RADII = torch.linspace(0, 0.4, 9, dtype=torch.float64)
COUNTS = {
    "trained as usual": [ErrorCount(k, 20) for k in (17, 16, 18)],
    "trained under attack": [ErrorCount(k, 20) for k in (1, 1)],
}
FOUND = {"standard": ErrorCount(5, 10), "on the proof": ErrorCount(1, 10)}
NOT_PROVEN = {
    "intervals": {"standard": ErrorCount(10, 10), "on the proof": ErrorCount(2, 10)},
    "a line": {"standard": ErrorCount(3, 4), "on the proof": ErrorCount(0, 4)},
}
LEVELS = {"the optimum": 0.3}
EPOCHS = torch.arange(1, 5)
DISTANCES = {
    name: factor / EPOCHS.double() for name, factor in (("step 1", 2.0), ("step 0.1", 1.0))
}
LABELS = {"xlabel": "abscissa", "ylabel": "ordinate"}
# Weights of four optima: a pixel without any, one against the digit 1, two for it.
PATH = torch.tensor(
    [[0, -1.0, 1.0, 2.0], [0, -2.0, 0, 2.0], [0, 0, 0, 5.0], [0, 0, 0, 0]], dtype=torch.float64
)
FAMILIES = {
    name: [(ErrorCount(k, 100), ErrorCount(factor * k, 100)) for k in (1, 3, 2)]
    for name, factor in (("inside", 4), ("beside", 5))
}
# Every figure that can be drawn into axes that one has already.
INTO_AXES = {
    "balls": lambda **how: figures.plot_balls(BALLS, **how),
    "support": lambda **how: figures.plot_support(BALLS[1], W, **how),
    "boundaries": lambda **how: figures.plot_boundaries(X, Y, CLASSIFIERS, BALLS[3], **how),
    "envelope": lambda **how: figures.plot_envelope(T, CURVES, **how),
    "tangents": lambda **how: figures.plot_tangents(SADDLES, 0.5, missed=-0.25, **how),
    "lines": lambda **how: figures.plot_lines(
        EPOCHS, {**DISTANCES, "least": 2.5}, **LABELS, log_x=True, log_y=True, **how
    ),
    "descent": lambda **how: figures.plot_descent(X, Y, BALLS[3], STEPS, W, **how),
    "logistic loss": lambda **how: figures.plot_logistic_loss(T, **how),
    "history": lambda **how: figures.plot_history(HISTORIES, **how),
    "error curves": lambda **how: figures.plot_error_curves(ERROR_CURVES, RADII, mark=0.2, **how),
    "seeds": lambda **how: figures.plot_seeds(COUNTS, {"trained as usual": 0.845}, **how),
    "least risk": lambda **how: figures.plot_least_risk(
        RADII, RADII**2, threshold=0.05, constant=0.6, **how
    ),
    "path": lambda **how: figures.plot_path(RADII[:4], PATH, **how),
    "two sides": lambda **how: figures.plot_two_sides(FOUND, NOT_PROVEN, levels=LEVELS, **how),
    "trade-off": lambda **how: figures.plot_trade_off(FAMILIES, **how),
}
# Those that need several axes of their own.
OWN_AXES = {
    "supports": lambda: figures.plot_supports(BALLS, W),
    "images": lambda: figures.plot_images(IMAGES, ["one", "two", "three", "four", "five"]),
    "margins": lambda: figures.plot_margins({"standard": T, "robust": 2 * T}, TAKEN),
    "sum": lambda: figures.plot_sum(IMAGES[0], 0.2 * W.sign().repeat(392), ["x", "delta", "sum"]),
    "attack lab": lambda: figures.plot_attack_lab(
        IMAGES[0],
        0.2 * W.sign().repeat(392),
        ["x", "delta", "sum"],
        ERROR_CURVES,
        chosen="robust",
        radius=0.2,
    ),
}
EVERY = {**INTO_AXES, **OWN_AXES}


def points(line):
    return np.column_stack(line.get_data()).astype(float)


def lines_by_label(ax):
    return {line.get_label(): line for line in ax.lines}


def shows(ax, abscissa, curves):
    """The axes have one line for each curve, with exactly its numbers."""
    lines = lines_by_label(ax)
    for name, values in curves.items():
        assert points(lines[name]).tolist() == torch.stack([abscissa, values], dim=1).tolist()
