"""Many linear classifiers trained at once.

Their inner maximum is known in closed form. The steps are those of
:func:`lectures_code.training.train`: that is Danskin's theorem.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lectures_code.checks import check_count, check_examples, check_generator, check_positive
from lectures_code.logistic import LinearClassifier, psi_prime
from lectures_code.perturbations import BoxedNormBall, NormBall
from lectures_code.progress import progress

AT_ONCE = 8  # runs that take a step together: their examples, gathered, stay in the cache


def train_together(
    starts: Sequence[LinearClassifier | nn.Linear],
    x: Tensor,
    y: Tensor,
    ball: NormBall,
    *,
    step_size: float,
    batch_size: int,
    n_epochs: int,
    generators: Sequence[torch.Generator],
    proximal: bool = False,
) -> list[LinearClassifier]:
    r"""Train many linear classifiers at once, each on its own minibatches.

    The iterates are those of :func:`lectures_code.training.train` with the exact maximiser, start
    for start and generator for generator. The gradient is in closed form: with
    :math:`a_i = -\Psi'(\text{worst margin}_i)`, it is
    :math:`\frac1m \sum_i a_i (\delta^* - y_i x_i)`, where :math:`\delta^*` maximises
    :math:`\langle \theta, \delta \rangle` over the ball.

    Parameters
    ----------
    starts : sequence of s LinearClassifiers or nn.Linear with one output
        One for each run, converted to the dtype of x.
    x : Tensor of shape (n, d)
        Training examples.
    y : Tensor of shape (n,)
        Labels in {-1, +1}.
    ball : NormBall
        The perturbation set, without the box; radius 0 is standard training.
    step_size, batch_size, n_epochs
        As for :func:`lectures_code.training.train`.
    generators : sequence of s torch.Generators
        Each draws the order of the examples of its run.
    proximal : bool
        Whether step 2 is :func:`lectures_code.proximal.proximal_step`, for p = 1, 2 or inf.

    Returns
    -------
    list of s LinearClassifiers
        The last iterates.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range or does not fit the others.
    """
    x, y = check_examples(x, y)
    step_size = check_positive("step_size", step_size)
    batch_size = check_count("batch_size", batch_size)
    n_epochs = check_count("n_epochs", n_epochs)
    classifiers = [LinearClassifier.of(start) for start in starts]
    generators = [check_generator(each) for each in generators]
    if isinstance(ball, BoxedNormBall):
        raise ValueError("train_together needs a ball without the box: use train for the boxed one")
    if not classifiers or len(classifiers) != len(generators):
        raise ValueError(
            "train_together needs a generator for each start, "
            f"got {len(classifiers)} starts and {len(generators)} generators"
        )
    widths = {len(start.theta) for start in classifiers} - {x.shape[1]}
    if widths:
        raise ValueError(
            f"starts must have {x.shape[1]} weights, one for each feature of x, got {min(widths)}"
        )
    theta = torch.stack([start.theta for start in classifiers]).to(x.dtype)
    intercept = torch.stack([start.intercept for start in classifiers]).to(x.dtype)
    # Pixels that are 0 in every image add nothing to scores and gradients: they go last, unread.
    seen = (x != 0).any(dim=0)
    order = torch.cat([seen.nonzero()[:, 0], (~seen).nonzero()[:, 0]])
    x, theta = x[:, seen], theta[:, order]
    for _ in progress(range(n_epochs), label="epochs"):
        orders = torch.stack([torch.randperm(len(x), generator=each) for each in generators])
        groups = zip(*(each.split(AT_ONCE) for each in (theta, intercept, orders)), strict=True)
        for weights, biases, its_orders in groups:
            for batch in its_orders.split(batch_size, dim=1):
                _descend_together(weights, biases, x, y, batch, ball, step_size, proximal)
    theta = theta[:, order.argsort()]
    return [LinearClassifier(*each) for each in zip(theta, intercept, strict=True)]


def _descend_together(
    theta: Tensor,
    intercept: Tensor,
    x: Tensor,
    y: Tensor,
    batch: Tensor,
    ball: NormBall,
    step_size: float,
    proximal: bool,
) -> None:
    """One step of every run, in place, on the rows `batch` (s, m); `x` holds the first k pixels."""
    k = x.shape[1]
    worst = ball.maximiser(theta)
    penalty = (worst * theta).sum(dim=1, keepdim=True)
    x_batch = x.index_select(0, batch.reshape(-1)).view(*batch.shape, k)
    y_batch = y[batch]
    # The other way round, x_batch times theta, PyTorch takes several times as long.
    scores = torch.bmm(theta[:, None, :k], x_batch.mT)[:, 0] + intercept[:, None]
    a = -psi_prime(y_batch * scores - penalty) / batch.shape[1]
    pull = torch.bmm((a * y_batch)[:, None, :], x_batch)[:, 0]
    if not proximal:
        theta -= step_size * a.sum(dim=1, keepdim=True) * worst
    theta[:, :k] += step_size * pull
    if proximal:
        for weights, *examples in zip(theta, x_batch, y_batch, step_size * a, strict=True):
            weights.copy_(ball.proximal_point(weights, *examples))
    intercept += step_size * (a * y_batch).sum(dim=1)
