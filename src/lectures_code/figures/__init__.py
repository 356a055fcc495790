"""The book's figures: results in, matplotlib axes out, one function a figure.

All share one style, which each applies to its own axes only. `ax` are axes to draw into; by default
a figure is made. Mappings give each line or row its name.

What is drawn also becomes a table. What the legend must not show has a name that begins with an
underscore: matplotlib keeps it out of the legend, and the table has it.
"""

from lectures_code.figures.digits import plot_attack_lab, plot_images, plot_sum
from lectures_code.figures.errors import (
    plot_error_curves,
    plot_history,
    plot_margins,
    plot_seeds,
    plot_trade_off,
)
from lectures_code.figures.functions import (
    plot_descent,
    plot_envelope,
    plot_logistic_loss,
    plot_tangents,
)
from lectures_code.figures.landscape import plot_landscape
from lectures_code.figures.lines import plot_lines
from lectures_code.figures.optimum import plot_least_risk, plot_path
from lectures_code.figures.proofs import plot_two_sides
from lectures_code.figures.sets import plot_balls, plot_boundaries, plot_support, plot_supports

__all__ = [
    "plot_attack_lab",
    "plot_balls",
    "plot_boundaries",
    "plot_descent",
    "plot_envelope",
    "plot_error_curves",
    "plot_history",
    "plot_images",
    "plot_landscape",
    "plot_least_risk",
    "plot_lines",
    "plot_logistic_loss",
    "plot_margins",
    "plot_path",
    "plot_seeds",
    "plot_sum",
    "plot_support",
    "plot_supports",
    "plot_tangents",
    "plot_trade_off",
    "plot_two_sides",
]
