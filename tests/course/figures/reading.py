"""What is read off the axes that a figure drew."""

import numpy as np
import torch


def points(line):
    return np.column_stack(line.get_data()).astype(float)


def lines_by_label(ax):
    return {line.get_label(): line for line in ax.lines}


def shows(ax, abscissa, curves):
    """The axes have one line for each curve, with exactly its numbers."""
    lines = lines_by_label(ax)
    for name, values in curves.items():
        assert points(lines[name]).tolist() == torch.stack([abscissa, values], dim=1).tolist()
