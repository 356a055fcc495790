"""MNIST's images of digits: find the four files, or download them, verify them, load them.

MNIST is by Y. LeCun, C. Cortes and C. J. C. Burges, and is licensed under CC BY-SA 3.0. None of it
is part of this package. Files are trusted for their content alone, by the SHA-256 of their
decompressed bytes, so it does not matter where they come from or how they were compressed.
No more is read, received or decompressed than such a file can be long.
"""

from lectures_code.mnist.data import Digits, MnistNotFoundError, Source
from lectures_code.mnist.download import MIRRORS
from lectures_code.mnist.load import load_pair, load_ten, load_zero_one

__all__ = [
    "MIRRORS",
    "Digits",
    "MnistNotFoundError",
    "Source",
    "load_pair",
    "load_ten",
    "load_zero_one",
]
