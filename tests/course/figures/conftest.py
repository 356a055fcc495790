"""The figures' tests draw without a window, and leave no figure open."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def no_figure_is_left():
    yield
    plt.close("all")
