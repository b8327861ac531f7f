import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from tendigits.data.preprocess import one_hot, to_input, to_mnist
from tendigits.errors import DataError


def box(image):
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


def test_to_input_is_the_tutorials_line(small):
    x = to_input(small["x_train"])
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x, small["x_train"].reshape(40, 784).astype("float32") / 255)


def test_one_hot_agrees_with_scikit_learn():
    from sklearn.preprocessing import label_binarize

    y = np.array([3, 0, 9, 9, 1], np.uint8)
    np.testing.assert_array_equal(one_hot(y), label_binarize(y, classes=range(10)))


@pytest.mark.parametrize(
    ("function", "bad", "message"),
    [
        (to_input, np.zeros((1, 28, 28), np.float32), r"uint8 \(n, 28, 28\)"),
        (to_mnist, np.zeros((9, 9)), r"uint8 \(height, width\)"),
        (one_hot, np.array([1, 10, 2]), "received 10 in row 1"),
        (one_hot, np.array([1, -1, 2]), "received -1 in row 1"),
        (one_hot, np.array([1.0]), "whole numbers"),
    ],
)
def test_other_arrays_are_refused(function, bad, message):
    with pytest.raises(DataError, match=message):
        function(bad)


def test_mnists_own_digits_stay_as_they_are(digits):
    """The normalisation is MNIST's own: applied to MNIST it changes next to nothing."""
    images = digits.x_test
    again = np.stack([to_mnist(image) for image in images])
    same = (again == images).all(axis=(1, 2)).mean()
    assert same > 0.8, same
    assert np.abs(again.astype(int) - images).mean() < 0.15


@pytest.mark.parametrize("size", [(3, 5), (400, 300), (1, 90)])
def test_the_longer_side_becomes_20_and_the_aspect_stays(size):
    digit = np.pad(np.full(size, 200, np.uint8), 11)
    out = to_mnist(digit)
    height, width = box(out)
    assert max(height, width) == 20
    assert min(height, width) == max(1, round(20 * min(size) / max(size)))
    assert out.max() == 200


def test_the_centre_of_mass_comes_to_the_centre(digits):
    from scipy.ndimage import center_of_mass

    for image in digits.x_test[::20]:
        big = np.asarray(Image.fromarray(image).resize((93, 93), Image.Resampling.BICUBIC))
        y, x = center_of_mass(to_mnist(np.pad(big, ((60, 0), (0, 25)))))
        assert (abs(y - 14), abs(x - 14)) <= (0.51, 0.51)


@given(arrays("u1", st.tuples(st.integers(0, 60), st.integers(0, 60))))
@example(np.zeros((0, 5), np.uint8))
@example(np.zeros((28, 28), np.uint8))
def test_any_pixels_become_one_28x28_image(digit):
    out = to_mnist(digit)
    assert (out.shape, out.dtype) == ((28, 28), np.uint8)
    assert out.any() == digit.any()
    assert not out.any() or max(box(out)) <= 20
