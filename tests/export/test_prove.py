"""A proof measures what it says, and refuses what says something else."""

import dataclasses

import numpy as np
import pytest

from tendigits.errors import ModelFileError
from tendigits.export.prove import prove


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(1234))
    return path


class Shifted:
    """Answers as the source does, all at once or in parts, with `change` made to the whole answer."""

    def __init__(self, source, change=lambda answers: answers):
        self.source, self.change = source, change

    def __call__(self, images):
        found = self.change(self.source.expected.copy())
        places = [np.flatnonzero((self.source.x_test == image).all(axis=1))[0] for image in images[:3]]
        return found[places] if len(images) <= 3 else found[places[0] : places[0] + len(images)]


def test_the_same(source, file):
    proof = prove(Shifted(source), source, file, int8=False)
    assert (proof.bytes, proof.n, proof.largest_difference, proof.agreement) == (1234, 1000, 0.0, 1.0)
    right = (source.expected.argmax(axis=1) == source.dataset.y_test).mean()
    assert proof.accuracy == proof.source_accuracy == right > 0.9
    assert proof.single_ms > 0
    assert proof.batch_us > 0


def test_a_small_difference_is_measured(source, file):
    proof = prove(Shifted(source, lambda answers: answers + np.float32(1e-5)), source, file, int8=False)
    assert 0.9e-5 < proof.largest_difference < 1.1e-5


@pytest.mark.parametrize("wrong", [1e-3, np.nan])
def test_one_wrong_number_of_ten_thousand_is_refused(source, file, wrong):
    def change(answers):
        answers[777, 3] += wrong
        return answers

    with pytest.raises(ModelFileError, match=r"its answers for 1,000 digits differ by up to .*, over 0.0001"):
        prove(Shifted(source, change), source, file, int8=False)


def test_another_shape_is_refused(source, file):
    with pytest.raises(ModelFileError, match=r"\(1000, 9\) where \(1000, 10\) was expected"):
        prove(Shifted(source, lambda answers: answers[:, :9]), source, file, int8=False)


def test_eight_bits_may_differ_but_read_the_same(source, file):
    def change(others):
        def changed(answers):
            answers[:others] = np.roll(answers[:others], 1, axis=1)
            return answers * 0.9

        return changed

    proof = prove(Shifted(source, change(10)), source, file, int8=True)
    assert proof.agreement == 0.99
    assert proof.accuracy < proof.source_accuracy
    with pytest.raises(ModelFileError, match=r"8 bits read 98\.90% of 1,000 digits as float32 does, not 99%"):
        prove(Shifted(source, change(11)), source, file, int8=True)


def test_not_a_digit_does_not_count_as_one(reader, file):
    strange = dataclasses.replace(reader)
    answers = reader.expected.copy()
    answers[:, 10] = 100
    strange.__dict__["expected"] = answers  # as if it had been asked already
    proof = prove(lambda images: answers[: len(images)], strange, file, int8=True)
    assert proof.accuracy > 0.9
