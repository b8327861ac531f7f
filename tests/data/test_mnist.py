import numpy as np
from keras.src.datasets import mnist as keras_mnist

from tendigits.data import mnist
from tendigits.data.dataset import MNIST_DIGESTS
from tendigits.data.idx import idx_bytes_digest


def test_the_shipped_digits_are_those_of_the_original_idx_files():
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    assert {key: idx_bytes_digest(array) for key, array in arrays.items()} == MNIST_DIGESTS


def test_load_data_returns_what_keras_returns(monkeypatch):
    """The oracle is Keras reading the same file; only its download is left out."""
    monkeypatch.setattr(keras_mnist, "get_file", lambda *_, **__: str(mnist.FILE))
    for ours, keras in zip(mnist.load_data(), keras_mnist.load_data(), strict=True):
        for array, expected in zip(ours, keras, strict=True):
            np.testing.assert_array_equal(array, expected)
            assert (array.dtype, array.flags.writeable) == (expected.dtype, expected.flags.writeable)


def test_its_authors_and_licence_stand_beside_it():
    text = (mnist.FILE.parent / "MNIST-LICENSE.md").read_text()
    for said in ("LeCun", "Cortes", "Burges", "https://creativecommons.org/licenses/by-sa/3.0/", "Changes"):
        assert said in text
