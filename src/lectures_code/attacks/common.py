"""What all attacks share: a model called without leaving traces, and the ends of what may move."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call

from lectures_code.logistic import Model
from lectures_code.perturbations import NormBall

Objective = Callable[[Tensor, Tensor], Tensor]
# Modules whose parameters can't be replaced for a call: the whole module is copied.
WHOLE = (torch.jit.ScriptModule, nn.DataParallel)


def ends(ball: NormBall, x: Tensor) -> list[Tensor]:
    """The least and the greatest change of each pixel, for p = inf."""
    up = x.new_ones(x.shape[1])
    return [ball.maximiser(direction, x).expand_as(x) for direction in (-up, up)]


def without_traces(model: Model, x: Tensor) -> Model:
    """The model as a function that leaves no gradient, buffer or random state changed."""
    if not isinstance(model, nn.Module):
        return model
    for name, value in model.named_parameters():
        if value.is_floating_point() and value.dtype != x.dtype:
            raise TypeError(
                f"x must have the model's dtype, got {x.dtype} with {name} in {value.dtype}: "
                "use model.double() or x.float()"
            )

    whole = any(isinstance(module, WHOLE) for module in model.modules())

    # In training mode batch norm writes its buffers and dropout draws random numbers:
    # let it write copies, and put the random state back. And autograd refuses to work with
    # parameters that were made in inference mode.
    def scores(x: Tensor) -> Tensor:
        with torch.random.fork_rng(devices=[x.device] if x.is_cuda else []):
            if whole:
                return copy.deepcopy(model)(x)
            copies = {name: value.clone() for name, value in model.named_buffers()}
            for name, value in model.named_parameters():
                if value.is_inference():
                    copies[name] = value.detach().clone()
            return functional_call(model, copies, (x,)) if copies else model(x)

    return scores
