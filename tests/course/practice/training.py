"""Answers to the exercises on training a network: right ones, and wrong ones with what is said."""

from math import log

import torch
from torch.nn.functional import kl_div, logsigmoid, softplus


def trades_loss(clean, moved, y, beta):
    """PyTorch's own divergence, of the logarithms of q."""
    p, q = (logsigmoid(torch.stack([s, -s], dim=1)) for s in (clean, moved))
    divergence = kl_div(q, p, reduction="batchmean", log_target=True)
    return softplus(-y * clean).mean() + beta * divergence


def kept(value, x, epsilon):
    """The promise as the growth of the linear function along the step."""
    x = x.clone().requires_grad_()
    value(x).sum().backward()
    step = epsilon * torch.sign(x.grad)
    with torch.no_grad():
        return (value(x + step) - value(x)) / (step * x.grad).sum(dim=1)


def reported(validation, test):
    """Epoch by epoch, and the first of equal ones."""
    best = min(range(len(validation)), key=lambda k: validation[k, 1])
    return float(test[best, 1])


P, Q = (0.8, 0.2), (0.6, 0.4)
MOVED = sum(p * log(p / q) for p, q in zip(P, Q, strict=True))
BACK = sum(q * log(q / p) for p, q in zip(P, Q, strict=True))
RIGHT_ONLY = P[0] * log(P[0] / Q[0])
CLEAN, PERTURBED = -log(P[0]), -log(Q[0])

RIGHT = {
    "ex-one-long-step": [(0.1, 0.625, 0.05), torch.tensor([0.1, 5 / 8, 0.05])],
    "ex-trades-by-hand": [(0.511, 0.092, 0.772), (PERTURBED, MOVED, CLEAN + 6 * MOVED)],
    "ex-trades-loss": [trades_loss],
    "ex-kept-promise": [kept],
    "ex-stop-in-time": [reported],
    "ex-judged-by-others": ["BCF", "f c b", ["B", "C", "F"]],
}

WRONG = {
    "ex-one-long-step": [
        ((0.05, 0.5, 0), "longer than the radius"),
        ((0.2, 1, 0.2), "begins at a random start"),
        ((0.1, 0.375, 0.05), "not the others"),
        ((0.1, 1.25, 0.05), "at most one"),
        ((0.1, 0.625, 0.2), "not the least"),
        ((0.1, 0.625, 0), "at the image itself"),
        ((-0.2, 0.625, -0.2), "uphill is upwards"),
        ((0.1, 0.63, 0.05), "2 of the 3 numbers are right"),
    ],
    "ex-trades-by-hand": [
        ((PERTURBED, BACK, CLEAN + 6 * BACK), "ends exchanged"),
        ((PERTURBED, MOVED, CLEAN + MOVED), "weight of the second term is missing"),
        ((PERTURBED, MOVED, PERTURBED + 6 * MOVED), "looks at the clean image"),
        ((PERTURBED, MOVED, 6 * MOVED), "first term of TRADES is missing"),
        ((PERTURBED, RIGHT_ONLY, CLEAN + 6 * RIGHT_ONLY), "a term for each label"),
        (tuple(v / log(2) for v in (PERTURBED, MOVED, CLEAN + 6 * MOVED)), "in nats"),
        ((CLEAN, MOVED, CLEAN + 6 * MOVED), "on the perturbed image"),
        ((0.5, 0.092, 0.772), "2 of the 3 numbers are right"),
    ],
    "ex-judged-by-others": [
        ("ABCF", "about A: is one attack"),
        ("CF", "about B: what is step 1"),
        ("BF", "about C: can a mistake"),
        ("BCDF", "about D: which attack"),
        ("BCEF", "about E: is it about"),
        ("BC", "about F: one number is exact"),
        ("BCFG", "about G: one number is exact"),
    ],
}
