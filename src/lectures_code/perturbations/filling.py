"""Fill entries up to a norm or a budget.

The functions work on sizes: entries without their signs. Those that find a point on a sphere give
it in radii: a radius may be too small for its own multiples.
"""

import torch
from torch import Tensor

from lectures_code.perturbations.scaling import LEAST, relative, scaled, times_power_of_two


def spend_budget(gain: Tensor, room: Tensor, budget: float) -> Tensor:
    """Maximise sum(gain * z) over 0 <= z <= room, sum(z) <= budget: the largest gains first."""
    order = gain.sort(dim=-1, descending=True, stable=True).indices
    room = room.gather(-1, order)
    spent_before = room.cumsum(-1) - room
    spent = torch.minimum((budget - spent_before).clamp(min=0), room)
    return torch.empty_like(spent).scatter(-1, order, spent)


def scale_to_sphere(size: Tensor, room: Tensor, radius: float) -> Tensor:
    r"""Return min(s * size, room) / radius with the scale s at which its Euclidean norm is 1.

    The squared norm is `full + s**2 * free`: `full` sums room**2 over the entries that have reached
    their room, `free` sums size**2 over the others. Rows that never reach `radius` mean nothing.
    """
    # An entry without room must not be the measure of the others: it may dwarf them.
    size = relative(size.masked_fill(room == 0, 0))
    size = size.masked_fill(size**2 < torch.finfo(size.dtype).tiny, 0)
    bound = torch.where(size > 0, room / radius, 0)
    # The scale at which each entry reaches its room; 0 / 0 stands for "at once".
    turn, order = torch.nan_to_num(bound / size, nan=0.0).sort(-1)
    full = bound.gather(-1, order).square().cumsum(-1)
    squares = size.gather(-1, order).square()
    # Summed from the far end: subtracting from the total would lose small entries beside large.
    free = squares.flip(-1).cumsum(-1).flip(-1)
    zero = torch.zeros_like(full[..., :1])
    norm_at_turn = full + turn**2 * torch.cat([free[..., 1:], zero], -1)
    piece = (norm_at_turn < 1).sum(-1, keepdim=True).clamp(max=size.shape[-1] - 1)
    full_before = torch.cat([zero, full], -1).gather(-1, piece)
    scale = ((1 - full_before).clamp(min=0) / free.gather(-1, piece)).sqrt()
    return torch.minimum(scale * size, bound)


def soft_threshold(size: Tensor, room: Tensor, radius: float) -> Tensor:
    r"""Return min(max(size - t, 0), room) / radius with the threshold t at which its sum is 1.

    With the level max(size) - t an entry starts to fill when the level passes max(size) - size, and
    is full `room` later: the sum is piecewise linear in the level, which stays as small as `radius`
    where a threshold near a large entry would lose digits. Rows that never fill mean nothing.
    """
    size, room = size.masked_fill(room == 0, 0), torch.minimum(size, room)
    # Scaled so that neither a sum overflows nor, beside entries that it can fill, the radius is 0.
    _, exponent = scaled(size)
    shift = 1000 - exponent
    size, room = times_power_of_two(size, shift), times_power_of_two(room, shift)
    budget = times_power_of_two(size.new_tensor(radius), shift).clamp(min=LEAST)
    start = size.amax(-1, keepdim=True) - size
    turn, order = torch.cat([start, start + room], -1).sort(-1)
    step = torch.cat([torch.ones_like(start), -torch.ones_like(start)], -1).gather(-1, order)
    slope = step.cumsum(-1)
    zero = torch.zeros_like(start[..., :1])
    filled = torch.cat([zero, (slope[..., :-1] * turn.diff(dim=-1)).cumsum(-1)], -1)
    piece = ((filled < budget).sum(-1, keepdim=True) - 1).clamp(min=0)
    rest = budget - filled.gather(-1, piece)
    level = turn.gather(-1, piece) + rest / slope.gather(-1, piece)
    fill = torch.minimum((level - start).clamp(min=0), room) / budget
    # Where entries a million radii apart fill together, their own rounding may leave the ball.
    return fill * (1 / fill.sum(-1, keepdim=True)).clamp(max=1)
