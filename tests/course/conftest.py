"""One thread, for two wait for each other where the numbers are few; no window, no open figure."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def no_figure_is_left():
    yield
    plt.close("all")
