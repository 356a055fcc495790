"""Networks: shapes, sizes, starts from a generator alone, and what they compute."""

import pytest
import torch
from torch import nn

from lectures_code.networks.models import convolutional_network, dense_network
from tests.oracles import seeded


def networks(generator, n_outputs=1):
    return [
        dense_network(784, [8, 4], generator=generator, n_outputs=n_outputs),
        convolutional_network((2, 3), 5, generator=generator, n_outputs=n_outputs),
    ]


@pytest.mark.parametrize("n_outputs", [1, 10])
def test_networks_take_examples_as_rows_and_give_outputs_in_float32(n_outputs):
    for network in networks(seeded(), n_outputs):
        output = network(torch.rand(3, 784, generator=seeded()))
        assert output.shape == (3, n_outputs)
        assert output.dtype == torch.float32


def test_the_default_is_the_network_of_wong_rice_and_kolter():
    network = convolutional_network(generator=seeded(), n_outputs=10)
    assert sum(value.numel() for value in network.parameters()) == 166_406


def test_a_start_comes_from_the_generator_alone():
    state = torch.get_rng_state()
    one, same, other = networks(seeded(1)), networks(seeded(1)), networks(seeded(2))
    assert torch.get_rng_state().equal(state)
    x = torch.rand(3, 784, generator=seeded())
    for first, second, third in zip(one, same, other, strict=True):
        assert first(x).equal(second(x))
        assert not first(x).equal(third(x))


def test_weights_fill_the_interval_that_pytorch_draws_them_from():
    """As nn.Linear documents its start: uniform within 1 / sqrt(inputs), for a bias as well."""
    network = dense_network(100, [2000], generator=seeded())
    for value in network[0].parameters():
        assert value.abs().max() <= 0.1
        assert value.abs().max() > 0.0999 if value.ndim == 2 else value.abs().max() > 0.099
        assert abs(value.std() * 3**0.5 - 0.1) < 0.005


def test_no_hidden_layer_is_a_linear_model():
    (layer,) = dense_network(3, [], generator=seeded())
    assert isinstance(layer, nn.Linear)


@pytest.mark.parametrize(
    ("channels", "told"), [([], "got 0"), ([1] * 5, "got 5"), ([0], "channels must be")]
)
def test_channels_that_fit_no_image_are_refused(channels, told):
    with pytest.raises(ValueError, match=told):
        convolutional_network(channels, generator=seeded())
