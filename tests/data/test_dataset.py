import numpy as np
import pytest

from tendigits.data.dataset import ARRAYS, make_dataset, stratified_split
from tendigits.errors import DataError


def make(arrays, **more):
    return make_dataset(*(arrays[key] for key in ARRAYS), source="a test", **more)


@pytest.mark.parametrize(("shape", "dtype"), [((28, 28), "int64"), ((28, 28, 1), ">u2"), ((784,), "uint8")])
def test_shapes_and_dtypes_that_hold_the_same_pixels(small, shape, dtype):
    other = dict(small, x_train=small["x_train"].reshape(40, *shape).astype(dtype))
    other["y_train"] = small["y_train"].astype(dtype)
    dataset = make(other)
    np.testing.assert_array_equal(dataset.x_train, small["x_train"])
    assert dataset.x_train.dtype == dataset.y_train.dtype == np.uint8
    assert dataset.x_test.base is small["x_test"]  # uint8 is not copied


def with_row(array, row, value):
    array = array.astype(np.int16)
    array[row] = value
    return array


@pytest.mark.parametrize(
    ("key", "change", "message"),
    [
        ("y_train", lambda y: with_row(y, [13, 15], 10), r"to hold whole numbers 0 to 9, received 10 in row 13;"),
        ("x_test", lambda x: with_row(x, 7, 256), r"x_test to hold whole numbers 0 to 255, received 256 in row 7;"),
        ("x_train", lambda x: x / 255, r"x_train.*received dtype float64; .*multiply by 255"),
        ("y_train", lambda y: np.eye(10, dtype=np.uint8)[y], r"shape \(n,\).*received \(40, 10\)"),
        ("x_train", lambda x: x[:, :27], r"x_train of shape \(n, 28, 28\), received \(40, 27, 28\)"),
        ("y_train", lambda y: y[:-1], r"40 images in x_train and 39 labels in y_train"),
    ],
)
def test_unusable_arrays_are_refused_in_one_line(small, key, change, message):
    with pytest.raises(DataError, match=message) as caught:
        make({**small, key: change(small[key])})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", ["train", "test"])
def test_no_digits_are_refused(small, part):
    with pytest.raises(DataError, match=f"expected at least 1 image in x_{part}, received none"):
        make(small | {f"{kind}_{part}": small[f"{kind}_{part}"][:0] for kind in "xy"})


def test_stratified_split_is_stratified_seeded_and_loses_nothing(small):
    x, y = small["x_train"], small["y_train"]
    x_rest, y_rest, x_held, y_held = stratified_split(x, y, 0.25, seed=3)
    assert np.bincount(y_held).tolist() == [1] * 10
    assert np.bincount(y_rest).tolist() == [3] * 10
    pairs = {(bytes(image), int(label)) for image, label in zip(x, y, strict=True)}
    parts = [*zip(x_rest, y_rest, strict=True), *zip(x_held, y_held, strict=True)]
    assert {(bytes(image), int(label)) for image, label in parts} == pairs
    np.testing.assert_array_equal(stratified_split(x, y, 0.25, seed=3)[2], x_held)
    assert not np.array_equal(stratified_split(x, y, 0.25, seed=4)[2], x_held)


def test_stratified_split_refuses_what_it_cannot_share_out(small):
    x, y = small["x_train"], small["y_train"]
    with pytest.raises(DataError, match=r"2 images of each digit.*received 1 of 9"):
        stratified_split(x, np.where(np.arange(40) == 5, 9, y % 4), 0.2, seed=0)


@pytest.mark.parametrize(("n", "fraction", "held_out"), [(20, 0.2, 1), (20, 0.9, 1), (30, 0.5, None), (40, 0.2, 1)])
def test_each_digit_is_in_both_parts_also_with_two_of_each(small, n, fraction, held_out):
    _, y_rest, _, y_held = stratified_split(small["x_train"][:n], small["y_train"][:n], fraction, seed=0)
    assert (np.bincount(y_rest) + np.bincount(y_held)).tolist() == [n // 10] * 10
    assert np.bincount(y_rest).min() >= 1
    assert set(np.bincount(y_held)) == ({held_out} if held_out else {1, 2})
