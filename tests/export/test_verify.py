import dataclasses

import numpy as np
import pytest

from tendigits.errors import ModelFileError
from tendigits.export.verify import verify


@pytest.fixture
def check(source, tmp_path):
    """Verify an export whose outputs are the source's with a change."""
    (tmp_path / "file").write_bytes(bytes(1234))

    def call(change=lambda outputs: outputs, int8=False, source=source):
        outputs = change(source.expected.copy())
        return verify(lambda images: outputs[: len(images)], source, tmp_path / "file", int8=int8)

    return call


def test_the_same_outputs(check, source):
    found = check()
    assert (found.bytes, found.n, found.largest_difference, found.agreement) == (1234, 1000, 0.0, 1.0)
    right = (source.expected.argmax(axis=1) == source.dataset.y_test).mean()
    assert found.accuracy == found.source_accuracy == right
    assert found.single_ms > 0
    assert found.batch_us > 0


def test_a_small_difference_is_measured(check):
    assert 0.9e-5 < check(lambda outputs: outputs + np.float32(1e-5)).largest_difference < 1.1e-5


@pytest.mark.parametrize("error", [1e-3, np.nan])
def test_one_wrong_number_is_refused(check, error):
    def change(outputs):
        outputs[777, 3] += error
        return outputs

    with pytest.raises(ModelFileError, match=r"its outputs for 1,000 digits differ by up to .*, over 0.0001"):
        check(change)


def test_another_shape_is_refused(check):
    with pytest.raises(ModelFileError, match=r"expected outputs of shape \(1000, 10\), received \(1000, 9\)"):
        check(lambda outputs: outputs[:, :9])


def test_int8_may_differ_but_must_read_the_same(check):
    def change(wrong):
        def changed(outputs):
            outputs[:wrong] = np.roll(outputs[:wrong], 1, axis=1)
            return outputs * 0.9

        return changed

    assert check(change(10), int8=True).agreement == 0.99
    with pytest.raises(ModelFileError, match="expected int8 to read 99% of 1,000 digits as float32 does, found 98"):
        check(change(11), int8=True)


def test_the_label_not_a_digit_is_not_part_of_the_accuracy(check, reader):
    rejecting = dataclasses.replace(reader)
    outputs = reader.expected.copy()
    outputs[:, 10] = 100
    rejecting.__dict__["expected"] = outputs
    assert check(source=rejecting).accuracy > 0.9
