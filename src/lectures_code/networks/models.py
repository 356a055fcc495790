r"""Small networks for images as rows: modules of PyTorch's own layers, with random starts.

They take what linear models take, examples of shape (n, d), so that every attack and every
measurement runs on them unchanged. In float32, which networks are trained in.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from lectures_code.checks import check_count, check_generator

SIDE = 28  # pixels


def dense_network(
    d: int, hidden: Sequence[int], *, generator: torch.Generator, n_outputs: int = 1
) -> nn.Sequential:
    r"""Fully connected layers with ReLUs between them.

    Parameters
    ----------
    d : int
        Number of features.
    hidden : sequence of int
        Units of each hidden layer; an empty one makes a linear model.
    generator : torch.Generator
        Draws the weights, uniform in :math:`\pm 1/\sqrt{\text{inputs of the unit}}`.
    n_outputs : int
        1 for a score, k >= 2 for the logits of k classes.

    Returns
    -------
    nn.Sequential
        The network, in float32.

    Raises
    ------
    TypeError, ValueError
        If a number is not a positive integer, or there is no generator.
    """
    sizes = [check_count("d", d), *(check_count("hidden", size) for size in hidden)]
    layers: list[nn.Module] = []
    for before, size in pairwise(sizes):
        layers += [_layer(nn.Linear, before, size), nn.ReLU()]
    last = _layer(nn.Linear, sizes[-1], check_count("n_outputs", n_outputs))
    return _drawn(nn.Sequential(*layers, last), generator)


def convolutional_network(
    channels: Sequence[int] = (16, 32),
    hidden: int = 100,
    *,
    generator: torch.Generator,
    n_outputs: int = 1,
) -> nn.Sequential:
    """Convolutions of 4 x 4 pixels with stride 2, then one hidden layer: for MNIST's images.

    Parameters
    ----------
    channels : sequence of int
        Channels of each convolution, at least one and at most four: each halves the side of the
        image. The default, with ten outputs, is the network of Wong, Rice and Kolter.
    hidden : int
        Units of the hidden layer.
    generator, n_outputs
        As for :func:`dense_network`.

    Returns
    -------
    nn.Sequential
        The network, in float32, for examples of shape (n, 784).

    Raises
    ------
    TypeError, ValueError
        If a number is not a positive integer, or there are no channels, too many, or no generator.

    References
    ----------
    Wong, Rice and Kolter (2020), Fast is better than free.
    """
    if not 1 <= len(channels) <= 4:
        raise ValueError(
            f"channels must be of 1 to 4 convolutions for images of {SIDE} x {SIDE}, "
            f"got {len(channels)}"
        )
    layers: list[nn.Module] = [nn.Unflatten(1, (1, SIDE, SIDE))]
    before, side = 1, SIDE
    for count in channels:
        count = check_count("channels", count)
        layers += [_layer(nn.Conv2d, before, count, 4, stride=2, padding=1), nn.ReLU()]
        before, side = count, side // 2
    units = check_count("hidden", hidden)
    layers += [nn.Flatten(), _layer(nn.Linear, before * side**2, units), nn.ReLU()]
    last = _layer(nn.Linear, units, check_count("n_outputs", n_outputs))
    return _drawn(nn.Sequential(*layers, last), generator)


def _layer(kind: type[nn.Module], *sizes: int, **settings: int) -> nn.Module:
    """A layer whose weights are yet to be drawn, without a look at the global random state."""
    return nn.utils.skip_init(kind, *sizes, **settings, dtype=torch.float32)


@torch.no_grad()
def _drawn(network: nn.Sequential, generator: torch.Generator) -> nn.Sequential:
    """The network with weights and biases as PyTorch draws them, from this generator."""
    generator = check_generator(generator)
    for layer in network:
        if isinstance(layer, nn.Linear | nn.Conv2d):
            bound = layer.weight[0].numel() ** -0.5
            for value in layer.parameters():
                value.uniform_(-bound, bound, generator=generator)
    return network
