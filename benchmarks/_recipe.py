"""The lecture's recipe in plain PyTorch, as a reader would write it without the package."""

import torch
from torch import Tensor, nn


def train(
    x: Tensor, y: Tensor, *, epsilon: float, seed: int = 0, epochs: int = 10, step: float = 1.0
) -> nn.Linear:
    """Ten epochs of SGD on the (adversarial) logistic loss; epsilon = 0 is standard training."""
    torch.manual_seed(seed)
    model = nn.Linear(x.shape[1], 1, dtype=x.dtype)
    optimiser = torch.optim.SGD(model.parameters(), lr=step)
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(100):
            margin = y[batch] * model(x[batch])[:, 0] - epsilon * model.weight.abs().sum()
            loss = nn.functional.softplus(-margin).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return model
