import hashlib
import struct

import numpy as np
import pytest

from tendigits.data.dataset import ARRAYS, make_dataset, stratified_split
from tendigits.data.load import load
from tendigits.errors import DataError


def make(arrays, **more):
    return make_dataset(*(arrays[key] for key in ARRAYS), source="a test", **more)


def test_one_other_pixel_is_not_mnist():
    dataset = load()
    x = dataset.x_train.copy()
    x[59_999, 27, 27] ^= 1
    assert make_dataset(x, dataset.y_train, dataset.x_test, dataset.y_test, source="").name == "own data"


def test_digests_are_of_the_idx_form(small):
    raw = struct.pack(">4I", 2051, 40, 28, 28) + small["x_train"].tobytes()
    assert make(small).digests["x_train"] == hashlib.sha256(raw).hexdigest()


def test_counts(small):
    small["y_test"][:] = 7
    assert make(small).counts == {"train": [4] * 10, "test": [0, 0, 0, 0, 0, 0, 0, 20, 0, 0]}


def test_uint8_is_kept_as_it_is(small):
    dataset = make(small)
    assert all(getattr(dataset, key) is small[key] or getattr(dataset, key).base is small[key] for key in ARRAYS)
    assert (dataset.name, dataset.source, dataset.notes) == ("own data", "a test", ())


@pytest.mark.parametrize(("shape", "dtype"), [((28, 28), "int64"), ((28, 28, 1), ">u2"), ((784,), "uint8")])
def test_shapes_and_dtypes_that_hold_the_same_pixels(small, shape, dtype):
    other = dict(small, x_train=small["x_train"].reshape(40, *shape).astype(dtype))
    other["y_train"] = small["y_train"].astype(dtype)
    dataset = make(other)
    np.testing.assert_array_equal(dataset.x_train, small["x_train"])
    assert dataset.x_train.dtype == dataset.y_train.dtype == np.uint8


@pytest.mark.parametrize(("label", "part"), [(10, "train"), (-1, "test")])
def test_a_label_outside_0_to_9_is_refused_with_its_row(small, label, part):
    y = small[f"y_{part}"].astype(np.int64)
    y[[13, 15]] = label
    with pytest.raises(DataError, match=rf"y_{part} within 0 to 9, received {label} in row 13;"):
        make({**small, f"y_{part}": y})


@pytest.mark.parametrize("dtype", [float, object])
def test_labels_that_are_not_whole_numbers_are_refused(small, dtype):
    with pytest.raises(DataError, match="y_train to hold whole numbers 0 to 9, received dtype"):
        make(dict(small, y_train=small["y_train"].astype(dtype)))


def test_one_hot_labels_are_refused(small):
    with pytest.raises(DataError, match=r"shape \(n,\).*received \(40, 10\)"):
        make(dict(small, y_train=np.eye(10, dtype=np.uint8)[small["y_train"]]))


@pytest.mark.parametrize("dtype", ["float32", object])
def test_pixels_that_are_not_whole_numbers_are_refused_with_advice(small, dtype):
    with pytest.raises(DataError, match=r"x_train.*multiply by 255 and convert to uint8"):
        make(dict(small, x_train=(small["x_train"] / 255).astype(dtype)))


@pytest.mark.parametrize("pixel", [256, -1])
def test_a_pixel_outside_0_to_255_is_refused_with_its_row(small, pixel):
    x = small["x_test"].astype(np.int16)
    x[7, 3, 3] = pixel
    with pytest.raises(DataError, match=f"x_test within 0 to 255, received {pixel} in row 7"):
        make(dict(small, x_test=x))


@pytest.mark.parametrize("shape", [(10, 32, 32), (), (40, 28, 28, 3)])
def test_other_shapes_are_refused(small, shape):
    with pytest.raises(DataError, match="x_train of shape"):
        make(dict(small, x_train=np.zeros(shape, np.uint8)))


def test_wrong_length_is_refused(small):
    with pytest.raises(DataError, match="40 images in x_train and 39 labels in y_train"):
        make(dict(small, y_train=small["y_train"][:-1]))


@pytest.mark.parametrize("n", [0, 1])
def test_0_or_1_samples_are_refused(small, n):
    with pytest.raises(DataError, match=f"at least 2 images in x_train, received {n}"):
        make(dict(small, x_train=small["x_train"][:n], y_train=small["y_train"][:n]))


def test_one_class_is_refused(small):
    with pytest.raises(DataError, match="2 different digits in y_train, received only 4"):
        make(dict(small, y_train=np.full(40, 4, np.uint8)))


def test_an_empty_test_set_is_refused(small):
    with pytest.raises(DataError, match="1 image in x_test, received none"):
        make(dict(small, x_test=small["x_test"][:0], y_test=small["y_test"][:0]))


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


@pytest.mark.parametrize("fraction", [1 / 12, 0.2, 0.5])
def test_stratified_split_has_scikit_learns_class_sizes(digits, fraction):
    from sklearn.model_selection import train_test_split

    y = digits.y_train[:997]
    _, _, _, y_held_out = stratified_split(digits.x_train[:997], y, fraction, seed=1)
    _, expected = train_test_split(y, test_size=round(997 * fraction), stratify=y, random_state=1)
    assert len(y_held_out) == len(expected)
    assert np.abs(np.bincount(y_held_out) - np.bincount(expected)).max() <= 1  # it breaks ties at random


def test_stratified_split_refuses_a_digit_that_occurs_once(small):
    y = np.where(np.arange(40) == 5, 9, np.arange(40) % 4).astype(np.uint8)
    with pytest.raises(DataError, match=r"2 images of each digit.*received 1 of 9"):
        stratified_split(small["x_train"], y, 0.2, seed=0)


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.9, 1.0])
def test_stratified_split_refuses_parts_that_are_empty_or_too_small(small, fraction):
    with pytest.raises(DataError, match=f"one of each of 10 digits, received {40 - round(40 * fraction)} and"):
        stratified_split(small["x_train"], small["y_train"], fraction, seed=0)


def test_stratified_split_refuses_nothing():
    with pytest.raises(DataError, match="received 0 and 0 images"):
        stratified_split(np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8), 0.2, seed=0)


def test_messages_are_one_line(small):
    with pytest.raises(DataError) as caught:
        make(dict(small, x_train=small["x_train"].astype(float)))
    assert "\n" not in str(caught.value)
