import numpy as np
from keras.src.datasets import mnist as keras_mnist

from tendigits.data import mnist
from tendigits.data.dataset import ARRAYS, MNIST_DIGESTS, make_dataset
from tendigits.data.formats import idx_bytes_digest


def test_the_shipped_digits_are_the_originals_as_keras_returns_them(monkeypatch):
    """Oracles: SHA-256 of the original IDX files, and Keras reading the same file; only its download is left out."""
    monkeypatch.setattr(keras_mnist, "get_file", lambda *_, **__: str(mnist.FILE))
    ours, keras = ([array for part in load() for array in part] for load in (mnist.load_data, keras_mnist.load_data))
    assert {key: idx_bytes_digest(array) for key, array in zip(ARRAYS, ours, strict=True)} == MNIST_DIGESTS
    for array, expected in zip(ours, keras, strict=True):
        np.testing.assert_array_equal(array, expected)
        assert (array.dtype, array.flags.writeable) == (expected.dtype, expected.flags.writeable)


def test_corrected_labels_are_of_the_rows_that_were_looked_at_again():
    """Oracle: the labels that these rows had in that study."""
    train, (x_test, y_test) = mnist.load_data()
    assert y_test[list(mnist.CORRECTIONS)].tolist() == [8, 0, 9, 4, 2, 5, 6, 6, 5, 5, 0, 1, 4, 6, 5]
    assert mnist.corrections_of(make_dataset(*train, x_test, y_test, source="")) == mnist.CORRECTIONS
    assert mnist.corrections_of(make_dataset(*train, x_test[1:], y_test[1:], source="")) == {}
