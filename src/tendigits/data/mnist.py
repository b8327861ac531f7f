"""MNIST: the 70,000 digits that ship with the package, made by tools/make_mnist.py.

(x_train, y_train), (x_test, y_test) = load_data()     # as keras.datasets.mnist.load_data()
"""

from pathlib import Path

from tendigits.data.dataset import Pixels
from tendigits.data.npz import read_npz

FILE = Path(__file__).with_name("assets") / "mnist.npz"


def load_data() -> tuple[tuple[Pixels, Pixels], tuple[Pixels, Pixels]]:
    """Load MNIST. Needs no network.

    Returns:
        (x_train, y_train), (x_test, y_test): uint8 (n, 28, 28) from 0 to 255, white digits on black, and uint8 (n,)
        from 0 to 9. 60,000 and 10,000 digits in the original order.

    Raises:
        DataError: the package's file is missing or damaged.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()
        >>> x_train.shape, x_test.shape
        ((60000, 28, 28), (10000, 28, 28))
    """
    arrays = read_npz(FILE)
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
