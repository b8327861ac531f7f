"""Keras' own files, for answering alone."""

import keras
import numpy as np
import pytest

from tendigits.export import keras_files


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_plain_keras_loads_it(source, run, tmp_path, ending):
    path = tmp_path / f"a{ending}"
    keras_files.write(source, path)
    model = keras.models.load_model(path)
    np.testing.assert_allclose(model.predict(source.x_test[:50], verbose=0), source.expected[:50], atol=1e-6)
    assert getattr(model, "optimizer", None) is None
    assert path.stat().st_size < 0.8 * (run / f"model{ending}").stat().st_size
    assert keras_files.about(path) == source.about


def test_the_model_that_was_exported_can_go_on_training(source, tmp_path):
    before = source.model.get_weights()
    keras_files.write(source, tmp_path / "a.keras")
    assert source.model.optimizer is not None
    for one, other in zip(before, source.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("n", [1, 3])
def test_it_answers_for_one_and_for_many(source, tmp_path, n):
    keras_files.write(source, tmp_path / "a.keras")
    answer = keras_files.open_(tmp_path / "a.keras")
    np.testing.assert_allclose(answer(source.x_test[:n]), source.expected[:n], atol=1e-6)
