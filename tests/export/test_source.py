import json

import numpy as np
import pytest

from samples import NOW, RECORD, changed
from tendigits.digits.network import bundled
from tendigits.errors import ModelFileError, RunError
from tendigits.export.source import PREPROCESSING, open_source
from tendigits.model.file import load_calibration
from tendigits.model.recipe import Recipe
from tendigits.runs.run import create_run


def test_a_run(source, run_that_reads, digits):
    assert (source.name, source.shape, source.output) == ("one", (784,), "probabilities")
    assert source.folder == run_that_reads / "exports"
    assert source.x_test.shape == (1000, 784)
    assert source.expected.shape == (1000, 10)
    calibration = load_calibration(run_that_reads / "model.keras")
    assert source.metadata == {
        "source": "one",
        "labels": json.dumps(list("0123456789")),
        "preprocessing": PREPROCESSING,
        "output": "probabilities",
        "temperature": f"{calibration.temperature:.4g}",
        "threshold": f"{calibration.threshold:.4f}",
        "tendigits": "0.1.0",
    }
    np.testing.assert_array_equal(source.samples(7), digits.x_train[:7].reshape(7, 784) / np.float32(255))


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_a_model_file(source, run_that_reads, name, small_npz):
    opened = open_source(run_that_reads / name, small_npz)
    assert opened.name == "model"
    assert len(opened.x_test) == 200
    np.testing.assert_allclose(opened.model(opened.x_test[:9]), source.model(opened.x_test[:9]), atol=1e-6)
    assert (opened.threshold is None) == (name == "model.h5")  # which has no calibration
    assert ("threshold" in opened.metadata) == (name == "model.keras")


def test_the_reader_and_a_network_fine_tuned_from_it(reader, digits, digits_npz, tmp_path):
    assert (reader.shape, reader.output, len(reader.labels)) == ((28, 28, 1), "logits", 11)
    assert reader.labels[10] == "not a digit"
    np.testing.assert_allclose(reader.expected[:50], bundled().logits(digits.x_test[:50]), atol=1e-3)
    assert reader.threshold == bundled().threshold
    (tmp_path / "mine.onnx").write_bytes(changed(1.5))
    mine = open_source(tmp_path / "mine.onnx", digits_npz)
    assert (mine.name, mine.folder) == ("mine", tmp_path / "exports")
    assert np.abs(mine.model(mine.x_test[:9]) - reader.expected[:9]).max() > 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (".", "is not a run folder"),
        ("none.keras", r"expected a path, or the name of a run in runs, found no .*none\.keras"),
        ("none.onnx", r"found no .*none\.onnx"),
        ("broken.onnx", "expected a network that tendigits wrote"),
        ("new", "has no model yet"),
    ],
)
def test_what_cannot_be_exported(tmp_path, small_npz, name, message):
    create_run(tmp_path, Recipe(), "new", NOW).write_record(RECORD)
    (tmp_path / "broken.onnx").write_bytes(b"no")
    with pytest.raises((ModelFileError, RunError), match=message):
        open_source(tmp_path / name, small_npz)
