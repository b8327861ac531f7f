"""Networks that read known digits, and networks that do not."""

import numpy as np
import pytest

from helpers import changed
from tendigits.errors import ModelFileError
from tendigits.read.network import bundled, from_onnx
from tendigits.teach.verify import known_digits, verify_network


def test_the_packages_network_reads_the_known_digits():
    crops, labels = known_digits()
    assert crops.dtype == np.uint8
    assert (bundled()(crops).digits.argmax(axis=1) == labels).mean() > 0.97
    verify_network(bundled())


@pytest.mark.parametrize("factor", [-1.0, np.nan], ids=["wrong", "not finite"])
def test_a_network_that_misreads_them_is_refused(factor):
    with pytest.raises(ModelFileError, match=r"expected at least 90% of .* known digits read correctly, received"):
        verify_network(from_onnx(changed(factor), "bad"))
