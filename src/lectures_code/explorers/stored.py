"""Images, classifiers and networks as explorers store them, exactly, and back."""

from typing import Any

import torch
from torch import Tensor, nn

from lectures_code.checks import check_count, check_float
from lectures_code.features import MonotoneClassifier, Threshold, exact_classifier
from lectures_code.logistic import LinearClassifier
from lectures_code.perturbations import NormBall


def as_bytes(x: Tensor) -> bytes:
    """Images as MNIST stores them, a byte k for each pixel k / 255, row by row.

    Parameters
    ----------
    x : Tensor of shape (n, d)
        Images, float64.

    Returns
    -------
    bytes
        n * d of them, from which :func:`from_bytes` gives back exactly the pixels.

    Raises
    ------
    ValueError
        If a pixel is not one of the 256 values.
    """
    levels = (255 * x).round().clamp(0, 255)
    if not torch.equal(levels / 255, x):
        raise ValueError(
            "pixels must be float64 of the form k / 255 with k = 0 .. 255, got others: pass images "
            "as load_zero_one gives them"
        )
    return levels.to(torch.uint8).numpy().tobytes()


def from_bytes(stored: bytes) -> Tensor:
    """The pixels that :func:`as_bytes` stored, shape (n * d,), float64."""
    return torch.frombuffer(bytearray(stored), dtype=torch.uint8).double() / 255


def as_json(
    name: str, model: LinearClassifier | MonotoneClassifier | nn.Linear, d: int
) -> dict[str, object]:
    """A classifier of images of d pixels, with all digits of its weights.

    Parameters
    ----------
    name : str
        What the reader knows it by.
    model : LinearClassifier, nn.Linear with one output or MonotoneClassifier
        With d weights, of pixels or of thresholded pixels.
    d : int
        Number of pixels.

    Returns
    -------
    dict
        ``"name"``, ``"theta"``, a list of d numbers, and ``"intercept"``, as JSON keeps them. Where
        there is a threshold, also ``"threshold"`` and ``"distances"``, for each of the 256 pixel
        values the radius from which on it can cross the threshold.

    Raises
    ------
    TypeError, ValueError
        If the model is none of these, has more weights or fewer, or a threshold outside [0, 1).
    """
    model = exact_classifier(model)
    if len(model.theta) != d:
        raise ValueError(
            f"classifier {name!r} must have {d} weights, one for each pixel, "
            f"got {len(model.theta)}: pass one that was trained on these images"
        )
    theta = model.theta.double().tolist()
    stored = {"name": name, "theta": theta, "intercept": float(model.intercept)}
    if isinstance(model, MonotoneClassifier):
        feature = model.feature
        if not isinstance(feature, Threshold) or not 0 <= feature.at < 1:
            raise ValueError(
                f"the feature of classifier {name!r} must be a Threshold in [0, 1), got {feature}"
            )
        stored |= {"threshold": feature.at, "distances": _distances(feature)}
    return stored


def _distances(threshold: Threshold) -> list[float]:
    """The radius with which each pixel value crosses a threshold in [0, 1), rounding included.

    They are found here only: a browser that rounds otherwise would count other mistakes.
    """
    x = from_bytes(bytes(range(256)))[:, None]
    weight, intercept = torch.ones(1, dtype=x.dtype), torch.tensor(-0.5, dtype=x.dtype)
    model = MonotoneClassifier(threshold, LinearClassifier(weight, intercept))
    # Where the answer that the pixel has now becomes a mistake.
    return model.radii(x, model(x).sign(), NormBall(torch.inf, 1.0)).tolist()


def from_json(stored: dict) -> LinearClassifier | MonotoneClassifier:
    """The classifier that :func:`as_json` stored, float64."""
    theta = torch.tensor(stored["theta"], dtype=torch.float64)
    linear = LinearClassifier(theta, stored["intercept"])
    if "threshold" not in stored:
        return linear
    return MonotoneClassifier(Threshold(stored["threshold"]), linear)


def network_as_json(model: nn.Sequential | nn.Linear, d: int) -> list[dict[str, list]]:
    """A small network with all digits of its weights.

    Parameters
    ----------
    model : nn.Sequential or nn.Linear
        Linear layers with a ReLU between each two, from d features to one score.
    d : int
        Number of features.

    Returns
    -------
    list of dict
        For each linear layer its ``"weight"``, a list of rows, and its ``"bias"``, a list.

    Raises
    ------
    TypeError, ValueError
        If the model is not such a network, or a weight is not finite.
    """
    d = check_count("d", d)
    layers: list[Any] = list(model) if type(model) is nn.Sequential else [model]
    kinds = [nn.ReLU if k % 2 else nn.Linear for k in range(len(layers))]
    if len(layers) % 2 == 0 or [type(layer) for layer in layers] != kinds:
        raise TypeError(
            "the network must be Linear layers with a ReLU between each two, got "
            f"{', '.join(type(layer).__name__ for layer in layers)}: use networks.dense_network"
        )
    linear = layers[::2]
    if (linear[0].in_features, linear[-1].out_features) != (d, 1):
        raise ValueError(
            f"the network must take {d} features to one score, got one that takes "
            f"{linear[0].in_features} to {linear[-1].out_features}"
        )
    stored = []
    for layer in linear:
        weight = check_float("weight", layer.weight.detach()).double()
        bias = weight.new_zeros(len(weight)) if layer.bias is None else layer.bias.detach()
        bias = check_float("bias", bias).double()
        stored.append({"weight": weight.tolist(), "bias": bias.tolist()})
    return stored


def network_from_json(stored: list[dict[str, list]]) -> nn.Sequential:
    """The network that :func:`network_as_json` stored, float64."""
    layers: list[nn.Module] = []
    for each in stored:
        weight = torch.tensor(each["weight"], dtype=torch.float64)
        layer = nn.utils.skip_init(nn.Linear, *weight.shape[::-1], dtype=torch.float64)
        layer.weight = nn.Parameter(weight)
        layer.bias = nn.Parameter(torch.tensor(each["bias"], dtype=torch.float64))
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])
