"""Model files, saved and loaded; the hostile ones are made here and named after their fault."""

import json
import logging
import re
import shutil
import struct
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from tendigits.data.preprocess import one_hot, to_input
from tendigits.errors import ModelFileError
from tendigits.files import sha256
from tendigits.model import file, hdf5
from tendigits.model.calibration import Calibration
from tendigits.model.file import load_calibration, load_model, save_model
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
    keras.backend.clear_session()  # else its optimizer is called adam_90 after the models of other tests
    model = compile_network(build_network(RECIPE), RECIPE)
    model.fit(*xy, batch_size=RECIPE.batch_size, verbose=0)
    assert int(model.optimizer.iterations) == STEPS
    return model


@pytest.fixture(scope="module")
def saved(trained, xy, tmp_path_factory):
    """What save_model returned for its model.keras and model.h5."""
    return save_model(trained, tmp_path_factory.mktemp("good"), xy[0])


@pytest.fixture(scope="module")
def good(saved):
    """The folder with the two files. Do not change it."""
    return saved[0].path.parent


@pytest.fixture
def copied(good, tmp_path):
    """A folder of its own with the two files."""
    for name in ("model.keras", "model.h5"):
        shutil.copy(good / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def child():
    """HDF5 is checked in a child process, as outside the tests."""


@pytest.fixture(autouse=True)
def in_process(request, monkeypatch):
    """Without the fixture `child` it is checked in this process, which saves each test a second."""
    if "child" not in request.fixturenames:
        monkeypatch.setattr(file, "check_hdf5", hdf5.look_through)


@pytest.fixture
def quiet():
    """Plain Keras calls .h5 a legacy format."""
    with file.quiet_keras():
        yield


def state(model):
    """Copies of all that a training step changes: it gives the buffers of its model away."""
    return [np.array(np.asarray(variable)) for variable in (*model.trainable_variables, *model.optimizer.variables)]


def same(ours, theirs):
    return len(ours) == len(theirs) and all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def refused(path, digest=None):
    """What the ModelFileError says: one line that names the file."""
    with pytest.raises(ModelFileError) as caught:
        load_model(path, digest)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    assert len(text) < 500 + len(str(path))
    return text


# --- saving


def test_both_files_are_there_and_nothing_else(saved, good):
    assert [one.path for one in saved] == [good / "model.keras", good / "model.h5"]
    assert sorted(path.name for path in good.iterdir()) == ["model.h5", "model.keras"]
    for one in saved:
        assert one.sha256 == sha256(one.path)
        assert one.n == 200
        assert 0 <= one.largest_difference <= 1e-6


def test_saving_says_nothing_and_changes_nothing_in_the_model(trained, xy, tmp_path, child, caplog, capfd, monkeypatch):
    monkeypatch.setattr(logging.getLogger("absl"), "propagate", True)
    before, optimizer = state(trained), trained.optimizer
    save_model(trained, tmp_path, xy[0])
    assert caplog.text == ""  # Keras says of .h5 that it is a legacy format
    assert capfd.readouterr() == ("", "")
    assert same(state(trained), before)
    assert trained.optimizer is optimizer
    # Keras 3.15.1 takes the optimizer out of the compile config of a model whose .h5 it writes.
    assert trained.get_compile_config()["optimizer"]["class_name"] == "Adam"
    trained.save(tmp_path / "again.keras")
    assert same(state(load_model(tmp_path / "again.keras")), before)


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


def other_weights(model):
    model.set_weights([weight + 0.01 for weight in model.get_weights()])


def other_optimizer(model):
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])


def other_iterations(model):
    model.optimizer.iterations.assign(STEPS + 1)


def other_activation(model):
    model.layers[0].activation = keras.activations.tanh  # with the same weights


def other_loss(model):
    state = [np.asarray(variable) for variable in model.optimizer.variables]
    model.compile(model.optimizer, "mean_squared_error", metrics=["accuracy"])
    assert same(state, model.optimizer.variables)


@pytest.mark.parametrize(
    ("name", "spoil", "reason"),
    [
        ("model.keras", other_weights, "loaded back it predicts otherwise: the largest difference is 0"),
        ("model.keras", other_activation, "loaded back it predicts otherwise: the largest difference is 0"),
        ("model.keras", other_loss, "loaded back it has lost its loss or metrics"),
        ("model.keras", other_iterations, "loaded back it has lost the optimizer's state, adam/iteration"),
        ("model.h5", other_optimizer, "loaded back it has lost its optimizer, adam"),
    ],
)
def test_a_file_that_does_not_load_back_the_same_is_not_kept(trained, xy, copied, monkeypatch, name, spoil, reason):
    before = (copied / name).read_bytes()
    read = file._open

    def spoiled(path, **options):
        model = read(path, **options)
        if path.name.endswith(name):
            spoil(model)
        return model

    monkeypatch.setattr(file, "_open", spoiled)
    with pytest.raises(ModelFileError) as caught:
        save_model(trained, copied, xy[0])
    assert str(caught.value).startswith(f"{copied / name} is not saved; {reason}")
    assert (copied / name).read_bytes() == before
    assert len(list(copied.iterdir())) == 2


# --- the calibration in the file


@pytest.fixture(scope="module")
def calibrated(trained, xy, tmp_path_factory):
    """What save_model told of files with a calibration."""
    return save_model(trained, tmp_path_factory.mktemp("calibrated"), xy[0], CALIBRATION)


def test_a_calibration_is_in_the_keras_file(calibrated, good):
    folder = calibrated[0].path.parent
    assert load_calibration(folder / "model.keras") == CALIBRATION
    assert load_calibration(folder / "model.h5") is None
    assert load_calibration(good / "model.keras") is None
    assert calibrated[0].sha256 == sha256(folder / "model.keras")


def test_it_changes_nothing_that_keras_reads(calibrated, trained, xy, good, tmp_path):
    path = calibrated[0].path
    members, plain_members = read_zip(path), read_zip(good / "model.keras")
    assert list(members) == list(plain_members)  # with a fourth, Keras extracts the file at each loading
    assert members["config.json"] == plain_members["config.json"]
    assert json.loads(plain_members["metadata.json"]).keys() < json.loads(members["metadata.json"]).keys()
    for load in (load_model, keras.models.load_model):
        model = load(path)
        assert same([model(xy[0])], [trained(xy[0])])
        assert same(state(model), state(trained))
    model.save(tmp_path / "again.keras")  # other weights, for which it was not fitted
    assert load_calibration(tmp_path / "again.keras") is None


def test_a_damaged_calibration_is_refused(copied):
    file.add_metadata(copied / "model.keras", {"tendigits_calibration": {"temperature": 0}})
    with pytest.raises(ModelFileError, match=r"model.keras is not a complete model file: expected a calibration with"):
        load_calibration(copied / "model.keras")


def test_a_file_that_has_lost_its_calibration_is_not_kept(trained, xy, copied, monkeypatch):
    before = (copied / "model.keras").read_bytes()
    monkeypatch.setattr(file, "add_metadata", lambda *_: None)
    with pytest.raises(ModelFileError, match="is not saved; loaded back it has lost its calibration"):
        save_model(trained, copied, xy[0], CALIBRATION)
    assert (copied / "model.keras").read_bytes() == before


# --- loading


def test_a_run_folder_opens_as_its_model(trained, good, child, xy):
    for path in (good, good / "model.keras", str(good / "model.keras")):
        model = load_model(path, sha256(good / "model.keras"))
        assert same([model(xy[0])], [trained(xy[0])])
        assert model.optimizer.get_config() == trained.optimizer.get_config()
        assert same(state(model), state(trained))
    model = load_model(good / "model.h5", sha256(good / "model.h5"))  # has the optimizer without its state
    assert same([model(xy[0])], [trained(xy[0])])
    assert model.optimizer.get_config() == trained.optimizer.get_config()
    assert int(model.optimizer.iterations) == 0


def test_our_loader_opens_what_plain_keras_saved(xy, tmp_path, quiet):
    model = keras.Sequential([
        keras.Input((784,)), keras.layers.BatchNormalization(), keras.layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    model.fit(*xy, batch_size=50, verbose=0)
    for name, steps in (("model.keras", 4), ("model.h5", 0)):
        model.save(tmp_path / name)
        loaded = load_model(tmp_path / name)
        assert same([loaded(xy[0])], [model(xy[0])])
        assert int(loaded.optimizer.iterations) == steps
        loaded.fit(*xy, batch_size=50, verbose=0)  # Keras' own .h5, loaded by Keras, cannot
        assert int(loaded.optimizer.iterations) == steps + 4


# --- files that are no models


def test_a_path_without_a_model_file(copied):
    path = copied / "missing.keras"
    assert refused(path) == refused(path, "0" * 64) == f"expected a model file, there is none at {path}"
    path.mkdir()
    (path / "config.json").write_text("{}")  # Keras loads folders too
    assert refused(path) == f"expected a model file, there is a folder at {path}"
    path = (copied / "model.keras").rename(copied / "model.onnx")
    assert refused(path) == f"expected a .keras or .h5 file, received '.onnx': {path}"


@FORMATS
def test_other_content(good, tmp_path, name):
    path, other = tmp_path / name, good / {"model.keras": "model.h5", "model.h5": "model.keras"}[name]
    for data in (b"", b"\x89HDF\r\n\x1a\n", b"PK\5\6" + b"\0" * 18, other.read_bytes()):
        path.write_bytes(data)
        assert "is not a complete model file: " in refused(path)


def test_a_file_over_the_cap_is_refused_unread(tmp_path, monkeypatch):
    for name in ("model.keras", "model.h5"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(hdf5.MAX_BYTES + 1)  # takes no space
        monkeypatch.setattr(Path, "read_bytes", None)
        assert refused(tmp_path / name) == f"{tmp_path / name}: expected at most 512 MB, received 512 MB"


# --- damage


@FORMATS
def test_truncated(good, tmp_path, name):
    data, path = (good / name).read_bytes(), tmp_path / name
    for size in (100, len(data) // 2, len(data) - 22, len(data) - 1):
        path.write_bytes(data[:size])
        assert "is not a complete model file: " in refused(path)
    assert "it has not the SHA-256 that was recorded" in refused(path, sha256(good / name))


def flip_bits(data, n, seed):
    """`data` with a flipped bit, `n` times: anywhere, in the first 9,000 bytes, or in the last 9,000."""
    rng = np.random.default_rng(seed)
    for i in range(n):
        spoiled = bytearray(data)
        low, high = ((0, len(data)), (0, min(9000, len(data))), (max(0, len(data) - 9000), len(data)))[i % 3]
        spoiled[rng.integers(low, high)] ^= 1 << int(rng.integers(8))
        yield bytes(spoiled)


def outcome(path, expected):
    """Whether the file is refused, or loads as a model that can be used."""
    try:
        model = load_model(path)
    except ModelFileError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
        return "refused"
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    assert expected is None or same(model.get_weights(), expected)
    return "loaded"


def test_a_flipped_bit_in_keras_is_refused_or_changes_no_weight(good, tmp_path):
    path, expected, outcomes = tmp_path / "model.keras", load_model(good / "model.keras").get_weights(), set()
    for spoiled in flip_bits((good / "model.keras").read_bytes(), 40, seed=1):
        path.write_bytes(spoiled)
        outcomes.add(outcome(path, expected))
    assert "refused" in outcomes  # some load: a date in the zip, for example, does not matter


@pytest.mark.parametrize(("n", "seed"), [(4, 3), pytest.param(100, 4, marks=pytest.mark.slow)])
def test_a_flipped_bit_in_h5_is_refused_or_gives_finite_weights(good, tmp_path, child, n, seed):
    path = tmp_path / "model.h5"
    for spoiled in flip_bits((good / "model.h5").read_bytes(), n, seed):
        path.write_bytes(spoiled)
        outcome(path, None)


# --- hostile HDF5, in both formats


KERNEL = {"model.keras": "layers/dense/vars/0", "model.h5": "model_weights/dense/dense/kernel"}


def external_link(root, kernel, secret):
    del root[kernel]
    root[kernel] = h5py.ExternalLink(secret.name, "/kernel")


def external_storage(root, kernel, secret):
    del root[kernel]
    raw = secret.with_suffix(".bin")
    raw.write_bytes(b"\1\2\3\4" * 784 * 8)
    root.create_dataset(kernel, (784, 8), np.float32, external=[(raw, 0, h5py.h5f.UNLIMITED)])


def virtual(root, kernel, secret):
    del root[kernel]
    layout = h5py.VirtualLayout((784, 8), np.float32)
    layout[:] = h5py.VirtualSource(secret, "kernel", (784, 8))
    root.create_virtual_dataset(kernel, layout)


def shape_bomb(root, kernel, secret):
    del root[kernel]
    root.create_dataset(kernel, (784, 10**7), np.float32, chunks=(784, 64), compression="gzip")


def no_weights(root, kernel, secret):
    del root[kernel]


def change_hdf5(path, change, secret):
    """Change the HDF5 file that a model file is, or holds."""
    inner, members = path, {}
    if path.suffix == ".keras":
        inner, members = path.with_name("weights.h5"), read_zip(path)
        inner.write_bytes(members["model.weights.h5"])
    with h5py.File(inner, "r+") as root:
        change(root, KERNEL[path.name], secret)
    if members:
        write_zip(path, members | {"model.weights.h5": inner.read_bytes()})


@pytest.fixture
def secret(copied):
    """An HDF5 file beside, which a model file must not read."""
    path = copied / "secret.h5"
    with h5py.File(path, "w") as root:
        root["kernel"] = root["0"] = np.full((784, 8), 0.25, np.float32)
        root["bias"] = root["1"] = np.zeros(8, np.float32)
    return path


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("model.keras", external_link, "is a link, which no model needs"),
        ("model.h5", external_link, "is a link, which no model needs"),
        ("model.h5", external_storage, "keeps its data in another file"),
        ("model.keras", virtual, "keeps its data in another file"),
        ("model.keras", shape_bomb, "makes it over 512 MB"),
        ("model.h5", no_weights, ""),
    ],
)
def test_hostile_hdf5(copied, secret, name, change, reason):
    change_hdf5(copied / name, change, secret)
    tracemalloc.start()
    said = refused(copied / name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "is not a complete model file: " in said
    assert reason in said
    assert peak < 50 * 2**20


# --- hostile zips


def read_zip(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_zip(path, members, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def test_members_are_exactly_those_of_keras(copied):
    path, expected = copied / "model.keras", "is not a complete model file: expected ['config.json', 'metadata.json'"
    members, before = read_zip(path), set(copied.parent.rglob("*"))
    write_zip(path, members | {"../evil.txt": b"evil"})
    assert expected in refused(path)
    assert set(copied.parent.rglob("*")) == before
    del members["metadata.json"]
    write_zip(path, members)
    assert expected in refused(path)


def zeros(megabytes):
    """So many, deflated: 1 kB for each."""
    packer = zlib.compressobj(wbits=-15)
    one = packer.compress(b"\0" * 2**20) + packer.flush(zlib.Z_FULL_FLUSH)
    return one * megabytes + packer.flush()


def test_a_zip_bomb_takes_no_memory(copied):
    """3 GB that claim to be 16 bytes."""
    path, name = copied / "model.keras", "model.weights.h5"
    write_zip(path, {key: data for key, data in read_zip(path).items() if key != name} | {name: zeros(3 * 2**10)})
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\1\2")
    struct.pack_into("<H", data, entry + 10, zipfile.ZIP_DEFLATED)
    struct.pack_into("<L", data, entry + 16, zlib.crc32(b"\0" * 16))
    struct.pack_into("<L", data, entry + 24, 16)
    path.write_bytes(data)
    assert len(data) < 5 * 2**20
    with zipfile.ZipFile(path) as archive, archive.open(name) as member:
        assert member.read(16) == b"\0" * 16  # its checksum is right
    tracemalloc.start()
    said = refused(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert f"expected members that are stored uncompressed, '{name}' is not" in said
    assert peak < 10 * 2**20


# --- hostile configurations


def change_config(path, change):
    members = read_zip(path)
    config = json.loads(members["config.json"])
    change(config)
    write_zip(path, members | {"config.json": json.dumps(config).encode()})


@pytest.mark.parametrize("data", [b"{", b"[" * 100_000, b'{"class_name": 3}'], ids=["cut", "deep", "no class"])
def test_a_damaged_configuration(copied, data):
    write_zip(copied / "model.keras", read_zip(copied / "model.keras") | {"config.json": data})
    with h5py.File(copied / "model.h5", "r+") as root:
        root.attrs.modify("model_config", np.bytes_(data[:1000]))
    for name in ("model.keras", "model.h5"):
        assert "is not a complete model file: " in refused(copied / name)


def first_dense(config):
    return config["config"]["layers"][1]


def many_units(config):
    first_dense(config)["config"]["units"] = 250_000
    config["config"]["layers"][3]["build_config"] = {"input_shape": [None, 250_000]}


def large_embedding(config):
    layer = {"module": "keras.layers", "class_name": "Embedding", "registered_name": None}
    layer["config"] = {"name": "large", "input_dim": 10**8, "output_dim": 2}
    config["config"]["layers"].insert(1, layer)


LOAD_ALL = """
import json, resource, sys
from tendigits.errors import ModelFileError
from tendigits.model import file, hdf5

file.check_hdf5 = hdf5.look_through
file.load_model(sys.argv[1])
said = [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]
for path in sys.argv[2:]:
    try:
        said.append(f"loaded {file.load_model(path)}")
    except ModelFileError as error:
        said.append(str(error))
print(json.dumps([*said, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


def test_a_configuration_that_asks_for_more_memory_than_the_file_holds_gets_none(good, copied):
    paths = [copied / "model.keras", copied / "model.h5"]
    change_config(paths[0], many_units)
    with h5py.File(paths[1], "r+") as root:
        config = json.loads(root.attrs["model_config"])
        large_embedding(config)
        root.attrs["model_config"] = json.dumps(config)
    command = [sys.executable, "-c", LOAD_ALL, good / "model.keras", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    before, *said, after = json.loads(done.stdout)
    for path, text in zip(paths, said, strict=True):
        assert text.startswith(f"{path} is not a complete model file: ")
    assert after - before < 300 * 2**10  # in kB; each would take 800 MB


EVIL = "from pathlib import Path\nPath({!r}).touch()\nclass Evil: pass\ndef evil(*_, **__): Path({!r}).touch()\n"


@pytest.fixture
def evil(tmp_path, monkeypatch):
    """A module that can be imported, and the file that it makes when it is, or when its function is called."""
    marker = tmp_path / "pwned"
    (tmp_path / "evil_module.py").write_text(EVIL.format(str(marker), str(marker)))
    monkeypatch.syspath_prepend(tmp_path)
    yield marker
    sys.modules.pop("evil_module", None)


def evil_loss(config):
    evil = {"module": "evil_module", "class_name": "function", "config": "evil", "registered_name": "function"}
    config["compile_config"]["loss"] = evil


def download(config):
    evil = {"module": "keras.utils", "class_name": "get_file", "registered_name": None}
    config["compile_config"]["loss"] = evil | {"config": {"fname": "x", "origin": "http://127.0.0.1:9/x"}}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (evil_loss, "evil"),
        (download, "get_file"),
    ],
)
def test_a_class_that_is_not_of_keras(copied, evil, change, reason):
    path = copied / "model.keras"
    change_config(path, change)
    assert reason in refused(path)
    assert "evil_module" not in sys.modules
    assert not evil.exists()


@FORMATS
def test_code_in_a_lambda_does_not_run(tmp_path, quiet, name):
    marker = tmp_path / "pwned"
    where = str(marker)
    layer = keras.layers.Lambda(lambda x: (__import__("pathlib").Path(where).touch(), x)[1])
    model = keras.Sequential([keras.Input((784,)), layer, keras.layers.Dense(10)])
    model.save(tmp_path / name)
    marker.unlink()
    keras.models.load_model(tmp_path / name, safe_mode=False)
    marker.unlink()  # so loading runs it, where nothing stops it
    assert re.search("deserialization of a .*[Ll]ambda", refused(tmp_path / name))
    assert not marker.exists()


# --- whole models that are not ours


def images():
    return keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10)])


def two_inputs():
    inputs = [keras.Input((784,), name="a"), keras.Input((784,), name="b")]
    return keras.Model(inputs, keras.layers.Dense(10)(keras.layers.Add()(inputs)))


@pytest.mark.parametrize(
    ("make", "received"),
    [
        (images, "(None, 28, 28) to (None, 10)"),
        (two_inputs, "[(None, 784), (None, 784)] to (None, 10)"),
    ],
)
def test_other_shapes_are_named_with_the_right_ones(tmp_path, make, received):
    path = tmp_path / "model.keras"
    make().save(path)
    assert refused(path) == f"{path}: expected a model from (None, 784) to (None, 10), received one from {received}"


def test_a_weight_that_is_not_finite(trained, tmp_path):
    model = build_network(RECIPE)
    weights = trained.get_weights()
    weights[0][400, 3] = np.inf
    model.set_weights(weights)
    model.save(tmp_path / "model.keras")
    assert "expected finite weights, some are not" in refused(tmp_path / "model.keras")
