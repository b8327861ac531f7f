"""MNIST: the 70,000 digits that ship with the package, made by tools/make_mnist.py.

(x_train, y_train), (x_test, y_test) = load_data()     # as keras.datasets.mnist.load_data()
"""

from pathlib import Path

from tendigits.data.dataset import MNIST_DIGESTS, Dataset, Pixels
from tendigits.data.formats import read_npz

FILE = Path(__file__).with_name("assets") / "mnist.npz"

# Corrected labels of 15 test digits, by row of the test set: the label that most of five people chose, or None if they
# disagreed. C. Northcutt, A. Athalye, J. Mueller, "Pervasive label errors in test sets destabilize machine learning
# benchmarks", 2021, https://arxiv.org/abs/2103.14749
CORRECTIONS = {
    947: 9, 1621: 6, 1901: 4, 2130: None, 2462: 0, 2597: 3, 2654: None, 3520: None, 3558: 0, 5937: 3, 6651: 6,
    6783: 6, 8527: None, 9679: None, 9729: 6,
}  # fmt: skip


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


def corrections_of(dataset: Dataset) -> dict[int, int | None]:
    """CORRECTIONS if the test digits are those of MNIST, else an empty dictionary."""
    is_mnist = all(dataset.digests[key] == MNIST_DIGESTS[key] for key in ("x_test", "y_test"))
    return CORRECTIONS if is_mnist else {}
