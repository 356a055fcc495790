"""The optimum is shown by radius."""

import numpy as np

from lectures_code import figures
from tests.course.figures.examples import PATH, RADII
from tests.course.figures.reading import lines_by_label, points, shows


def test_the_least_risk_stands_beside_a_constant_s_and_the_radii_without_a_minimiser():
    ax = figures.plot_least_risk(RADII, RADII**2, threshold=0.05, constant=0.6)
    shows(ax, RADII, {"least adversarial risk": RADII**2})
    assert points(lines_by_label(ax)["best constant answer"])[:, 1].tolist() == [0.6, 0.6]
    (band,) = ax.patches
    assert (band.get_x(), band.get_x() + band.get_width()) == (0, 0.05)


def test_the_path_shows_the_share_of_each_pixel_that_has_a_weight_somewhere():
    ax = figures.plot_path(RADII[:4], PATH)
    drawn = [line for line in ax.lines if len(line.get_xdata())]
    shares = np.array([points(line)[:, 1] for line in drawn])
    expected = [[-0.25, -0.5, 0], [0.25, 0, 0], [0.5, 0.5, 1]]
    assert shares[:, :3].tolist() == expected
    assert np.isnan(shares[:, 3]).all(), "no shares where all weights are 0"
    assert [line.get_linestyle() for line in drawn] == ["--", "-", "-"]
    assert drawn[0].get_color() != drawn[1].get_color() == drawn[2].get_color()
