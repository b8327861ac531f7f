import numpy as np
import pytest

from tendigits.errors import ModelFileError
from tendigits.export.verify import verify


@pytest.fixture
def check(source, tmp_path):
    """Verify an export with these outputs for the test digits."""
    (tmp_path / "file").write_bytes(bytes(1234))
    return lambda outputs, int8=False: verify(lambda x: outputs[: len(x)], source, tmp_path / "file", int8=int8)


def with_wrong(n, outputs):
    return 0.9 * np.concatenate([np.roll(outputs[:n], 1, axis=1), outputs[n:]])


def test_differences_are_measured(check, source):
    found = check(source.expected + np.float32(1e-5))
    assert 0.9e-5 < found.largest_difference < 1.1e-5
    assert (found.bytes, found.n, found.agreement) == (1234, 1000, 1.0)
    assert found.accuracy == found.source_accuracy == (source.expected.argmax(axis=1) == source.dataset.y_test).mean()
    assert min(found.single_ms, found.batch_us) > 0
    assert check(with_wrong(10, source.expected), int8=True).agreement == 0.99


@pytest.mark.parametrize(
    ("change", "int8", "message"),
    [
        (lambda outputs: outputs + 1e-3, False, r"its outputs for 1,000 digits differ by up to 0.001, over 0.0001"),
        (lambda outputs: outputs * np.nan, False, r"differ by up to nan"),
        (lambda outputs: outputs[:, :9], False, r"expected outputs of shape \(1000, 10\), received \(1000, 9\)"),
        (lambda outputs: with_wrong(11, outputs), True, "expected int8 to read 99% of 1,000 .* as float32.* found 98"),
    ],
)
def test_an_export_that_differs_is_refused(check, source, change, int8, message):
    with pytest.raises(ModelFileError, match=message):
        check(change(source.expected), int8)
