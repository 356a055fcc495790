"""The map of the inner maximum: against the closed form, and against functions with known peaks."""

import pytest
import torch

from lectures_code.figures import plot_landscape
from lectures_code.logistic import LinearClassifier, log_odds_of_error, losses
from lectures_code.networks.landscape import landscape
from lectures_code.perturbations import NormBall
from tests.oracles import INF, seeded

X = torch.rand(9, 2, generator=seeded(2), dtype=torch.float64)
Y = torch.where(X[:, 1] > 0.4, 1.0, -1.0).double()
BALLS = pytest.mark.parametrize(
    "ball", [NormBall(INF, 0.3), NormBall(INF, 0.3).in_box()], ids=["free", "boxed"]
)
LINEAR = LinearClassifier(torch.tensor([0.7, -1.3], dtype=torch.float64), 0.2)


@BALLS
def test_of_a_linear_model_the_largest_value_is_the_closed_form(ball):
    land = landscape(LINEAR, X, Y, ball, n_points=5)
    worst = -LINEAR.worst_margins(X, Y, ball)
    torch.testing.assert_close(land.largest(), worst)
    torch.testing.assert_close(land.best(), X + LINEAR.worst_perturbations(X, Y, ball))


@BALLS
def test_points_fill_the_set_up_to_its_corners(ball):
    points = landscape(LINEAR, X, Y, ball, n_points=3).points
    low, high = ball.interval(X)
    assert points[:, 0, 0].equal(low)
    assert points[:, 2, 2].equal(high)
    torch.testing.assert_close(points[:, 1, 0, 0], (low[:, 0] + high[:, 0]) / 2)
    torch.testing.assert_close(points[:, 1, 0, 1], low[:, 1])


def test_values_are_the_models_at_the_points_in_the_objective_asked_for():
    def model(z):
        return torch.sin(5 * z[:, 0]) - z[:, 1] ** 2

    land = landscape(model, X, Y, NormBall(INF, 0.3), n_points=4, objective=losses)
    for i in range(9):
        expected = losses(model(land.points[i].reshape(-1, 2)), Y[i].expand(16))
        assert land.values[i].reshape(-1).equal(expected)
    default = landscape(model, X, Y, NormBall(INF, 0.3), n_points=4)
    assert default.values[0, 0, 0] == log_odds_of_error(model(land.points[0, 0, 0][None]), Y[:1])


def test_logits_are_taken_as_well():
    land = landscape(
        lambda z: torch.stack([z[:, 0], z[:, 1], -z[:, 0]], dim=1),
        X,
        torch.zeros(9),
        NormBall(INF, 0.1),
        n_points=3,
    )
    assert land.values.shape == (9, 3, 3)


def test_more_features_cannot_be_enumerated():
    with pytest.raises(ValueError, match="2 features to be enumerated, got 3"):
        landscape(lambda z: z[:, 0], torch.rand(2, 3), torch.ones(2), NormBall(INF, 0.1))


def test_the_figure_draws_each_ascent_from_start_to_end():
    land = landscape(LINEAR, X, Y, NormBall(INF, 0.3), n_points=9)
    starts, ends = X[:3] + 0.1, X[:3] - 0.2
    ax = plot_landscape(land, 1, starts, ends)
    drawn = {tuple(map(tuple, line.get_xydata().tolist())) for line in ax.lines}
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        assert (tuple(start), tuple(end)) in drawn
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {"starts", "ends"}
