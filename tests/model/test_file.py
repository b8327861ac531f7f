"""Model files, saved and loaded; damaged and foreign ones are refused in one line."""

import logging
import re
import shutil
import zipfile

import h5py
import keras
import numpy as np
import pytest

from tendigits.data.preprocess import one_hot, to_input
from tendigits.errors import ModelFileError
from tendigits.files import sha256
from tendigits.model.calibration import Calibration
from tendigits.model.file import MAX_MODEL_BYTES, add_metadata, load_calibration, load_model, quiet_keras, save_model
from tendigits.model.network import build_network, compile_network
from tendigits.model.recipe import Recipe

RECIPE = Recipe(hidden=(8,), batch_size=20)
STEPS = 10
CALIBRATION = Calibration(1.25, 60, "held-out training digits", 0.04, 0.01, 0.7)
FORMATS = pytest.mark.parametrize("name", ["model.keras", "model.h5"])


@pytest.fixture(scope="module")
def xy(digits):
    return to_input(digits.x_train[:200]), one_hot(digits.y_train[:200])


@pytest.fixture(scope="module")
def trained(xy):
    """A tiny network, trained for ten steps. Do not change it."""
    keras.backend.clear_session()  # otherwise its optimizer is called adam_90 after the models of other tests
    model = compile_network(build_network(RECIPE), RECIPE)
    model.fit(*xy, batch_size=RECIPE.batch_size, verbose=0)
    assert int(model.optimizer.iterations) == STEPS
    return model


@pytest.fixture(scope="module")
def saved(trained, xy, tmp_path_factory):
    """The result of save_model, with a calibration."""
    return save_model(trained, tmp_path_factory.mktemp("good"), xy[0], CALIBRATION)


@pytest.fixture(scope="module")
def good(saved):
    """The folder with the two files. Do not change it."""
    return saved[0].path.parent


@pytest.fixture
def copied(good, tmp_path):
    """A copy of the two files that a test may change."""
    for name in ("model.keras", "model.h5"):
        shutil.copy(good / name, tmp_path / name)
    return tmp_path


def state(model):
    """Copies of the weights and of the optimizer's state."""
    return [np.array(np.asarray(variable)) for variable in (*model.trainable_variables, *model.optimizer.variables)]


def same(ours, theirs):
    return len(ours) == len(theirs) and all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def refused(path, digest=None):
    """The message of the ModelFileError, which is one line and names the file."""
    with pytest.raises(ModelFileError) as caught:
        load_model(path, digest)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    assert len(text) < 500 + len(str(path))
    return text


def test_both_files_are_saved_and_load_the_same(saved, good, trained, xy):
    assert [one.path for one in saved] == [good / "model.keras", good / "model.h5"]
    assert sorted(path.name for path in good.iterdir()) == ["model.h5", "model.keras"]
    for one in saved:
        assert one.sha256 == sha256(one.path)
        assert one.n == 200
        assert 0 <= one.largest_difference <= 1e-6
        model = load_model(one.path, one.sha256)
        assert same([model(xy[0])], [trained(xy[0])])
        assert model.optimizer.get_config() == trained.optimizer.get_config()
    assert same(state(load_model(str(good))), state(trained))  # a run's folder
    assert int(model.optimizer.iterations) == 0  # model.h5 has the optimizer without its state
    assert same(state(keras.models.load_model(good / "model.keras")), state(trained))


def test_saving_prints_nothing_and_leaves_the_model_as_it_was(trained, xy, tmp_path, caplog, capfd, monkeypatch):
    monkeypatch.setattr(logging.getLogger("absl"), "propagate", True)
    before, optimizer = state(trained), trained.optimizer
    save_model(trained, tmp_path, xy[0])
    assert caplog.text == ""  # Keras warns that .h5 is a legacy format
    assert capfd.readouterr() == ("", "")
    assert same(state(trained), before)
    assert trained.optimizer is optimizer
    # Keras 3.15.1 removes the optimizer from the compile config of a model that it saves as .h5.
    assert trained.get_compile_config()["optimizer"]["class_name"] == "Adam"


def test_a_model_that_is_not_finite_is_not_saved(trained, xy, copied):
    before = {path: path.read_bytes() for path in copied.iterdir()}
    broken = compile_network(build_network(RECIPE), RECIPE)
    broken.optimizer.build(broken.trainable_variables)
    weights = trained.get_weights()
    weights[-1][3] = np.nan
    broken.set_weights(weights)
    with pytest.raises(ModelFileError) as caught:
        save_model(broken, copied, xy[0])
    assert str(caught.value).startswith(f"{copied / 'model.keras'} is not saved; expected finite weights")
    assert {path: path.read_bytes() for path in copied.iterdir()} == before


@FORMATS
def test_a_file_that_does_not_load_back_the_same_is_not_kept(trained, xy, copied, monkeypatch, name):
    before = (copied / name).read_bytes()
    load = keras.models.load_model

    def spoiled(path, **options):
        model = load(path, **options)
        if name.endswith(path.suffix):
            model.set_weights([weight + 0.01 for weight in model.get_weights()])
        return model

    monkeypatch.setattr(keras.models, "load_model", spoiled)
    with pytest.raises(ModelFileError) as caught:
        save_model(trained, copied, xy[0])
    assert str(caught.value).startswith(f"{copied / name} is not saved; loaded back it predicts otherwise: ")
    assert (copied / name).read_bytes() == before
    assert len(list(copied.iterdir())) == 2


def test_the_calibration_is_stored_in_the_keras_file_only(good, copied):
    assert load_calibration(good / "model.keras") == CALIBRATION
    assert load_calibration(good / "model.h5") is None
    add_metadata(copied / "model.keras", {"tendigits_calibration": {"temperature": 0}})
    with pytest.raises(ModelFileError, match=r"model.keras is not a complete model file: expected a calibration with"):
        load_calibration(copied / "model.keras")


def test_models_saved_by_plain_keras_are_loaded_and_can_be_trained(xy, tmp_path):
    model = keras.Sequential([
        keras.Input((784,)), keras.layers.BatchNormalization(), keras.layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    model.fit(*xy, batch_size=50, verbose=0)
    for name, steps in (("model.keras", 4), ("model.h5", 0)):
        with quiet_keras():
            model.save(tmp_path / name)
        loaded = load_model(tmp_path / name)
        assert same([loaded(xy[0])], [model(xy[0])])
        assert int(loaded.optimizer.iterations) == steps
        loaded.fit(*xy, batch_size=50, verbose=0)  # after Keras' own loading of a .h5 file this fails
        assert int(loaded.optimizer.iterations) == steps + 4


def test_other_files(copied):
    path = copied / "missing.keras"
    assert refused(path) == refused(path, "0" * 64) == f"expected a run or a model file, there is none at {path}"
    path.mkdir()
    (path / "config.json").write_text("{}")  # Keras loads folders, too
    assert refused(path) == f"expected a run or a model file, there is a folder at {path}"
    with (copied / "model.h5").open("wb") as file:
        file.truncate(MAX_MODEL_BYTES + 1)  # sparse
    assert refused(copied / "model.h5").endswith("expected at most 512 MB, received 512 MB")
    path = (copied / "model.keras").rename(copied / "model.onnx")
    assert refused(path) == f"expected a .keras or .h5 file, received '.onnx': {path}"


@FORMATS
def test_truncated_and_other_content(good, tmp_path, name):
    path, other = tmp_path / name, good / {"model.keras": "model.h5", "model.h5": "model.keras"}[name]
    data = (good / name).read_bytes()
    for spoiled in (b"", b"\x89HDF\r\n\x1a\n", other.read_bytes(), data[:100], data[: len(data) // 2], data[:-1]):
        path.write_bytes(spoiled)
        assert "is not a complete model file: " in refused(path)
    assert "its SHA-256 is not the one that was recorded" in refused(path, sha256(good / name))


def test_a_flipped_bit_in_a_keras_file_is_refused_or_changes_no_weight(good, tmp_path):
    path, expected = tmp_path / "model.keras", load_model(good / "model.keras").get_weights()
    data, rng, n_refused = (good / "model.keras").read_bytes(), np.random.default_rng(1), 0
    for _ in range(20):
        spoiled = bytearray(data)
        spoiled[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
        path.write_bytes(spoiled)
        try:
            assert same(load_model(path).get_weights(), expected)
        except ModelFileError as error:
            assert "\n" not in str(error)
            n_refused += 1
    assert n_refused > 10


@pytest.mark.parametrize("data", [b"{", b"[" * 100_000, b'{"class_name": 3}'], ids=["cut", "deep", "no class"])
def test_a_damaged_configuration(copied, data):
    with zipfile.ZipFile(copied / "model.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(copied / "model.keras", "w") as archive:
        for name, content in (members | {"config.json": data}).items():
            archive.writestr(name, content)
    with h5py.File(copied / "model.h5", "r+") as root:
        root.attrs.modify("model_config", np.bytes_(data[:1000]))
    for name in ("model.keras", "model.h5"):
        assert "is not a complete model file: " in refused(copied / name)


@FORMATS
def test_code_in_a_lambda_does_not_run(tmp_path, name):
    marker = tmp_path / "executed"
    where = str(marker)
    layer = keras.layers.Lambda(lambda x: (__import__("pathlib").Path(where).touch(), x)[1])
    model = keras.Sequential([keras.Input((784,)), layer, keras.layers.Dense(10)])
    with quiet_keras():
        model.save(tmp_path / name)
    marker.unlink()
    assert re.search("deserialization of a .*[Ll]ambda", refused(tmp_path / name))
    assert not marker.exists()


def test_other_shapes_and_weights_that_are_not_finite(trained, tmp_path):
    path = tmp_path / "model.keras"
    keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10)]).save(path)
    expected = "expected a model from (None, 784) to (None, 10), received one from (None, 28, 28) to (None, 10)"
    assert refused(path) == f"{path}: {expected}"
    model = build_network(RECIPE)
    weights = trained.get_weights()
    weights[0][400, 3] = np.inf
    model.set_weights(weights)
    model.save(path)
    assert "expected finite weights, some are not" in refused(path)
