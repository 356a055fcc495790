"""The layers that bounds are known for, and what each does to intervals and to linear functions."""

import torch
from torch import Tensor, nn
from torch.nn.grad import conv2d_input

AFFINE = (nn.Linear, nn.Conv2d)
RESHAPING = (nn.Flatten, nn.Unflatten)
KNOWN = (*AFFINE, nn.ReLU, *RESHAPING)
#: Least and greatest value of what a layer takes or gives, each of shape (n, ...).
Interval = tuple[Tensor, Tensor]


def layers_of(model: nn.Module) -> list[nn.Module]:
    """The layers of a network in their order, Sequentials within it opened.

    Raises
    ------
    TypeError
        If a layer is none of Linear, Conv2d, ReLU, Flatten and Unflatten: a bound that left it out
        would prove nothing.
    """
    if type(model) is nn.Sequential:
        return [layer for part in model for layer in layers_of(part)]
    if type(model) not in KNOWN:  # not isinstance: a subclass may compute something else
        raise TypeError(
            f"bounds are known for {', '.join(kind.__name__ for kind in KNOWN)} in a Sequential, "
            f"got {type(model).__name__}: build the network of these layers"
        )
    if isinstance(model, nn.Conv2d) and (
        model.padding_mode != "zeros" or isinstance(model.padding, str)
    ):
        raise TypeError(
            "bounds are known for a Conv2d with a number of zeros for padding, got padding="
            f"{model.padding!r} with padding_mode={model.padding_mode!r}: pad by numbers"
        )
    return [model]


def product(layer: nn.Module, z: Tensor, *, absolute: bool = False) -> Tensor:
    r"""An affine layer without its bias, :math:`Wz`, or :math:`|W| z`, in the dtype of z."""
    assert isinstance(layer, AFFINE)
    weight = layer.weight.to(z.dtype)
    weight = weight.abs() if absolute else weight
    if isinstance(layer, nn.Linear):
        return z @ weight.T
    assert not isinstance(layer.padding, str)
    return nn.functional.conv2d(
        z, weight, None, layer.stride, layer.padding, layer.dilation, layer.groups
    )


def bias(layer: nn.Module, dtype: torch.dtype) -> Tensor:
    """What an affine layer adds, in a shape that broadcasts; 0 where it has no bias."""
    assert isinstance(layer, AFFINE)
    if layer.bias is None:
        return layer.weight.new_zeros((), dtype=dtype)
    value = layer.bias.to(dtype)
    return value[:, None, None] if isinstance(layer, nn.Conv2d) else value


def interval_through(
    layer: nn.Module, interval: Interval, *, arithmetic: torch.dtype | None = None
) -> Interval:
    r"""What a layer can give for inputs in the interval, by itself: exact for one layer.

    An affine layer takes centre c and radius r to :math:`Wc + b` and :math:`|W| r`. For
    `arithmetic` see :func:`lectures_code.networks.bounds.interval_gaps`.
    """
    low, high = interval
    if not isinstance(layer, AFFINE):
        return layer(low), layer(high)  # they rise with their inputs, or only reorder them
    centre, radius, added = (low + high) / 2, (high - low) / 2, bias(layer, low.dtype)
    gamma = rounding(layer, arithmetic)
    out = product(layer, centre) + added
    wide = product(layer, radius + gamma * (centre.abs() + radius), absolute=True)
    wide = wide + gamma * added.abs()
    return out - wide, out + wide


def rounding(layer: nn.Module, arithmetic: torch.dtype | None) -> float:
    r""":math:`4 \gamma_m` for the sums of an affine layer in this arithmetic; 0 without one.

    .. math:: \gamma_m = \frac{m u}{1 - m u}

    with u the unit roundoff and m the number of terms, and 2 for what is done before and after.
    """
    assert isinstance(layer, AFFINE)
    if arithmetic is None:
        return 0.0
    mu = (layer.weight[0].numel() + 3) * torch.finfo(arithmetic).eps / 2
    return 4 * mu / (1 - mu)


def back_through(layer: nn.Module, rows: Tensor, interval: Interval) -> tuple[Tensor, Tensor]:
    r"""Linear functions of a layer's outputs, bounded from below by such of its inputs.

    For an affine layer this is exact: :math:`a^\top(Wz + b) = (W^\top a)^\top z + a^\top b`. A ReLU
    whose input may be on both sides of 0, :math:`l < 0 < u`, lies between two lines,

    .. math:: \lambda z \le \max(z, 0) \le \frac{u}{u - l} (z - l), \qquad
              \lambda = 1 \text{ if } u > -l, \text{ else } 0,

    of which the lower one stands in where the coefficient is positive, the upper one where it is
    negative. The slope :math:`\lambda` makes the area between the lines smallest.

    Parameters
    ----------
    layer : nn.Module
        One of those that :func:`layers_of` knows.
    rows : Tensor of shape (n, m, ...) or (1, m, ...)
        m functions for each example, or the same for all: their coefficients.
    interval : pair of Tensors of shape (n, ...)
        What the layer's input can be.

    Returns
    -------
    rows : Tensor of shape (n, m, ...) or (1, m, ...)
        Coefficients of the inputs.
    constant : Tensor of shape (n, m) or (1, m)
        What is to be added.
    """
    low, high = interval
    shape = low.shape[1:]
    if isinstance(layer, nn.ReLU):
        return _back_through_relu(rows, low[:, None], high[:, None])
    if not isinstance(layer, AFFINE):
        return rows.reshape(*rows.shape[:2], *shape), rows.new_zeros(rows.shape[:2])
    constant = (rows * bias(layer, rows.dtype)).flatten(2).sum(2)
    weight = layer.weight.to(rows.dtype)
    if isinstance(layer, nn.Linear):
        return rows @ weight, constant
    flat, how = rows.flatten(0, 1), (layer.stride, layer.padding, layer.dilation, layer.groups)
    back = conv2d_input((len(flat), *shape), weight, flat, *how)
    return back.unflatten(0, rows.shape[:2]), constant


def _back_through_relu(rows: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    both_sides = (low < 0) & (high > 0)
    passes = (low >= 0).to(rows.dtype)
    width = torch.where(both_sides, high - low, 1)
    upper = torch.where(both_sides, high / width, passes)
    lower = torch.where(both_sides, (high > -low).to(rows.dtype), passes)
    negative = rows.clamp(max=0)
    constant = negative * torch.where(both_sides, -upper * low, 0)
    return rows.clamp(min=0) * lower + negative * upper, constant.flatten(2).sum(2)
