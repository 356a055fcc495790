r"""What a perturbation set can do to a network at most: margins bounded from below, with a proof.

An attack gives an upper bound on the smallest margin in the set, and so a lower bound on the robust
error. What is computed here lies on the other side. Where a bound is positive, no perturbation in
the set is a mistake; where it is not, nothing is known. So the examples whose bound is not positive
(:func:`lectures_code.risk.count_errors`) are an upper bound on the robust error.

Two ways, for p = inf, with and without the box. *Intervals* take the closed form of a linear model
through the network, layer by layer. A *linear relaxation* looks for a linear function below the
margin, and takes its closed form. Neither is always the better one: their maximum is a bound too.

References
----------
Gowal, Dvijotham, Stanforth, Bunel, Qin, Uesato, Arandjelovic, Mann and Kohli (2018), On the
effectiveness of interval bound propagation for training verifiably robust models; Zhang, Weng,
Chen, Hsieh and Daniel (2018), Efficient neural network robustness certification with general
activation functions.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lectures_code.checks import check_classes, check_labels, check_targets, check_x
from lectures_code.networks.layers import (
    AFFINE,
    Interval,
    back_through,
    bias,
    interval_through,
    layers_of,
    product,
    rounding,
)
from lectures_code.perturbations import NormBall

AT_ONCE = 128  # examples
ENTRIES = 2**21  # of a tensor of coefficients: 16 MB in float64


def intervals(
    model: nn.Module, interval: Interval, *, arithmetic: torch.dtype | None = None
) -> list[Interval]:
    """What each layer's input can be, and last the output, for inputs in an interval.

    Parameters
    ----------
    model : nn.Module
        Of the layers that :func:`lectures_code.networks.layers.layers_of` knows.
    interval : pair of Tensors of shape (n, d)
        Least and greatest values of the examples: ``ball.interval(x)``.
    arithmetic : torch.dtype, optional
        As for :func:`interval_gaps`.

    Returns
    -------
    list of pairs of Tensors
        One more than there are layers.

    Raises
    ------
    TypeError
        If there is another layer in the model.
    """
    found = [interval]
    for layer in layers_of(model):
        found.append(interval_through(layer, found[-1], arithmetic=arithmetic))
    return found


def interval_gaps(
    model: nn.Module, x: Tensor, y: Tensor, ball: NormBall, *, arithmetic: torch.dtype | None = None
) -> Tensor:
    r"""Lower bounds on the gaps between the true label and each other one, from intervals.

    For one score there is one gap, the margin :math:`y f(x')`; for k logits there are
    :math:`z_y - z_j`, :math:`j \ne y`. The layers up to the last ReLU are bounded by intervals.
    What comes after it is linear, and so is the gap in it: that part is exact.

    .. math:: a^\top W z \ge (W^\top a)^\top c - |W^\top a|^\top r
              \quad \text{for } |z - c| \le r

    Parameters
    ----------
    model : nn.Module
        Of the layers Linear, Conv2d, ReLU, Flatten and Unflatten, in Sequentials.
    x : Tensor of shape (n, d)
        Examples.
    y : Tensor of shape (n,)
        Labels in {-1, +1} for one score, class numbers for logits.
    ball : NormBall
        The perturbation set, p = inf, with or without the box.
    arithmetic : torch.dtype, optional
        What the model runs in. With it each sum of m terms is given :math:`4 \gamma_m` times the
        sum of their sizes more room, :math:`\gamma_m = m u / (1 - m u)` with the unit roundoff u: a
        quarter is the most that rounding does to the model itself, in whatever order it adds up,
        the others are for the bound's own rounding. Underflow, and fast convolutions that compute
        other sums, are not covered. Without it the bound is that of exact arithmetic, up to its own
        rounding.

    Returns
    -------
    Tensor of shape (n, 1) or (n, k - 1)
        The bounds, in the dtype of x and differentiable in the model's weights.

    Raises
    ------
    TypeError, ValueError
        If there is another layer in the model, p is not inf, or examples, labels and outputs do not
        fit each other.

    References
    ----------
    Gowal et al. (2018), section 3; Higham (2002), Accuracy and stability of numerical
    algorithms, section 3.1, for :math:`\gamma_m`.
    """
    layers, found, rows = _prepared(model, x, y, ball, arithmetic)
    kinds = (nn.ReLU,) if arithmetic is None else (nn.ReLU, *AFFINE)
    last = max((k for k, layer in enumerate(layers) if isinstance(layer, kinds)), default=-1)
    after = last if last >= 0 and isinstance(layers[last], AFFINE) else last + 1
    gaps = _minimum(*_below(layers[after:], rows, found[after:]), found[after])
    if after == last:  # what rounding does before it is in its intervals
        low, high = found[last]
        sizes = product(layers[last], torch.maximum(low.abs(), high.abs()), absolute=True)
        sizes = (sizes + bias(layers[last], x.dtype).abs()).flatten(1)
        gaps = gaps - rounding(layers[last], arithmetic) * (rows.abs() @ sizes[..., None])[..., 0]
    return gaps


def linear_functions(
    model: nn.Module, x: Tensor, y: Tensor, ball: NormBall
) -> tuple[Tensor, Tensor]:
    r"""Linear functions of the input that lie below the gaps of :func:`interval_gaps` (CROWN).

    .. math:: a_j^\top x' + c_j \le z_y(x') - z_j(x') \quad \text{for all } x' \text{ in the set}

    The gap is a linear function of the output. It is taken back through the layers, bounded from
    below by :func:`lectures_code.networks.layers.back_through` at every ReLU, until it is one of
    the input. What a ReLU's input can be is found in the same way, layer by layer.

    Arguments and errors as for :func:`interval_gaps`. Nothing is added for rounding.

    Returns
    -------
    rows : Tensor of shape (n, m, d)
        The coefficients; m = 1 for a score, k - 1 for logits.
    constants : Tensor of shape (n, m)
        What is added.

    References
    ----------
    Zhang et al. (2018), theorem 3.2.
    """
    layers, found, rows = _prepared(model, x, y, ball, None)
    seen = False
    for k, layer in enumerate(layers):
        if isinstance(layer, nn.ReLU):
            if seen:  # what comes before the first is affine, and its intervals are exact
                found[k] = _relaxed(layers[:k], found[: k + 1])
            seen = True
    return _below(layers, rows, found)


def linear_gaps(model: nn.Module, x: Tensor, y: Tensor, ball: NormBall) -> Tensor:
    """The least values of :func:`linear_functions` over the perturbation sets, shape (n, m).

    Arguments and errors as there. These bounds on the gaps are those of Zhang et al. (2018),
    corollary 3.3, with their choice of slopes.
    """
    return _minimum(*linear_functions(model, x, y, ball), ball.interval(x))


def gap_rows(y: Tensor, output: Tensor) -> Tensor:
    """The gaps as linear functions of the output: (n, 1, 1) for a score, (n, k-1, k) for logits."""
    if output.ndim != 2:
        raise ValueError(
            "a model must give one score, shape (n, 1), or k logits, shape (n, k), for each "
            f"example, got {tuple(output.shape)}: flatten its output"
        )
    n, k = output.shape
    if k == 1:
        return check_labels(y, n).to(output)[:, None, None]
    own = nn.functional.one_hot(check_classes(y, n, k), k).to(output)
    others = torch.eye(k).to(output).expand(n, k, k)[own == 0].reshape(n, k - 1, k)
    return own[:, None] - others


def interval_margins(
    model: nn.Module, x: Tensor, y: Tensor, ball: NormBall, *, arithmetic: torch.dtype | None = None
) -> Tensor:
    """Lower bounds on the smallest margins in the perturbation sets, from intervals.

    Arguments and errors as for :func:`interval_gaps`. Computed in float64, without gradients, shape
    (n,). Rounding, some 1e-13 of what is added up, is covered with `arithmetic` only.
    """

    def gaps(model: nn.Module, x: Tensor, y: Tensor, ball: NormBall) -> Tensor:
        return interval_gaps(model, x, y, ball, arithmetic=arithmetic)

    return _smallest(gaps, model, x, y, ball, AT_ONCE)


def linear_margins(model: nn.Module, x: Tensor, y: Tensor, ball: NormBall) -> Tensor:
    """Lower bounds on the smallest margins in the perturbation sets, from a linear relaxation.

    Arguments and errors as for :func:`linear_gaps`. Computed in float64, without gradients, shape
    (n,). Rounding, some 1e-13 of what is added up, is not covered.
    """
    return _smallest(linear_gaps, model, x, y, ball, 8)


def _prepared(
    model: nn.Module, x: Tensor, y: Tensor, ball: NormBall, arithmetic: torch.dtype | None
) -> tuple[list[nn.Module], list[Interval], Tensor]:
    """The layers, what their inputs can be, and the gaps as functions of the output."""
    x, layers = check_x(x), layers_of(model)
    found = intervals(model, ball.interval(x), arithmetic=arithmetic)
    return layers, found, gap_rows(y, found[-1][0])


def _below(layers: list[nn.Module], rows: Tensor, found: list[Interval]) -> tuple[Tensor, Tensor]:
    """Functions of the layers' input below these linear ones of what the layers give."""
    constant = rows.new_zeros(())
    for layer, interval in zip(reversed(layers), reversed(found[: len(layers)]), strict=True):
        rows, more = back_through(layer, rows, interval)
        constant = constant + more
    return rows, constant


def _minimum(rows: Tensor, constant: Tensor, interval: Interval) -> Tensor:
    """The least values (n, m) of linear functions over an interval: the closed form."""
    low, high = interval
    rows, centre, radius = rows.flatten(2), (low + high) / 2, (high - low) / 2
    at_centre = rows @ centre.flatten(1)[..., None]
    return constant + (at_centre - rows.abs() @ radius.flatten(1)[..., None])[..., 0]


def _relaxed(layers: list[nn.Module], found: list[Interval]) -> Interval:
    """What the layers can give, unit by unit, by linear relaxation: some units at a time."""
    low, _ = found[-1]
    units, widest = low[0].numel(), max(each[0].numel() for each, _ in found)
    at_once = max(1, ENTRIES // (len(low) * widest))
    identity = torch.eye(units).to(low).reshape(1, units, *low.shape[1:])
    parts = identity.split(at_once, dim=1)
    least = [
        [_minimum(*_below(layers, sign * rows, found), found[0]) for rows in parts]
        for sign in (1, -1)
    ]
    low, high = torch.cat(least[0], dim=1), -torch.cat(least[1], dim=1)
    return low.reshape(found[-1][0].shape), high.reshape(found[-1][0].shape)


@torch.no_grad()
def _smallest(
    gaps: Callable[[nn.Module, Tensor, Tensor, NormBall], Tensor],
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    ball: NormBall,
    at_once: int,
) -> Tensor:
    """The least gap of each example, in float64, some examples at a time."""
    x = check_x(x).double()
    y = check_targets(y, len(x))
    parts = zip(x.split(at_once), y.split(at_once), strict=True)
    return torch.cat([gaps(model, some, own, ball).min(dim=1).values for some, own in parts])
