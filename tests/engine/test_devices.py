"""Virtual devices of one CPU, in processes of their own: JAX is told how many before it begins."""

import subprocess
import sys
import threading

import jax
import keras
import numpy as np
import pytest

from tendigits.engine import devices
from tendigits.engine.devices import Placement, data_parallel
from tendigits.errors import HostError, UserError
from tendigits.model.file import load_model

SCRIPT = """
import sys
from tendigits.engine.devices import Placement, data_parallel
distribution = data_parallel(int(sys.argv[1]))
import jax, keras, numpy as np, tendigits
from tendigits.engine.loop import get_state, loops_of
from tendigits.engine.dispatch import Arrays
{}
"""


def train(npz, runs, name, *arguments):
    command = [sys.executable, "-m", "tendigits", "train", "--data", npz, "--runs", runs, "--name", name, *arguments]
    subprocess.run([*map(str, command)], check=True, timeout=300, capture_output=True)
    return load_model(runs / name / "model.keras")


def run(devices, body):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(body), str(devices)],
        timeout=300, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_same(model, other):
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, atol=3e-5)


CLASSIC = ["--epochs", "2", "--batch-size", "16", "--quiet"]


@pytest.fixture(scope="module")
def one(small_npz, tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    return train(small_npz, runs, "one", *CLASSIC)


@pytest.mark.parametrize("devices", [2, 4])
@pytest.mark.slow
def test_the_weights_are_those_of_one_device(one, small_npz, tmp_path, devices):
    assert_same(one, train(small_npz, tmp_path, "several", *CLASSIC, "--devices", str(devices)))


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "epochs", "batch_size"), [("mlp", 2, 32), ("cnn", 1, 285)])
def test_also_where_digits_are_augmented_and_weights_averaged(small_npz, tmp_path, recipe, epochs, batch_size):
    """The convolutional network takes two steps: batch normalization adds thousands of float32 numbers one by one.

    Two devices add half of them each. Their gradients differ by up to 1e-2 of the largest, which grows with each step;
    with float64 in Keras' BatchNormalization they differ by 1e-14.
    """
    settings = ["--recipe", recipe, "--epochs", epochs, "--batch-size", batch_size, "--quiet"]
    alone = train(small_npz, tmp_path, "alone", *settings)
    assert_same(alone, train(small_npz, tmp_path, "several", *settings, "--devices", "2"))


@pytest.mark.slow
def test_an_ensemble_and_a_run_that_is_resumed(small_npz, tmp_path):
    recipe = tmp_path / "two.toml"
    recipe.write_text("ensemble_size = 2\nhidden = [16]\nepochs = 2\nvalidation_split = 0.1\n")
    alone = train(small_npz, tmp_path, "alone", "--recipe", recipe, "--quiet")
    several = train(small_npz, tmp_path, "several", "--recipe", recipe, "--quiet", "--devices", "2")
    assert_same(alone, several)


@pytest.mark.slow
def test_each_device_takes_its_part_of_a_batch():
    said = run(4, """
model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10)])
model.compile("sgd", "mse")
placement = Placement.of(distribution)
x, y = np.zeros((64, 784), np.float32), np.zeros((64, 10), np.float32)
arrays = Arrays.of((x, y, None), 32, placement)
model._symbolic_build(data_batch=arrays.first_batch())
order = placement.shard(arrays.batches(np.arange(64))[0])
state = placement.replicate(get_state(model, "train"))
text = loops_of(model)["train"].lower(state, arrays.data, order, 0, 2, None).compile().as_text()
print("f32[8,784]" in text, "f32[32,784]" in text, "all-reduce" in text)
""")  # fmt: skip
    assert said.split() == ["True", "False", "True"]


@pytest.mark.slow
def test_a_distribution_that_is_set_in_keras_is_taken():
    said = run(2, """
def trained(as_set, **arguments):
    keras.utils.set_random_seed(0)
    keras.distribution.set_distribution(as_set)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3, "softmax")])
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    x, y = np.random.default_rng(0).random((90, 8), np.float32), np.eye(3, dtype=np.float32)[np.arange(90) % 3]
    history = tendigits.fit(model, x, y, epochs=3, batch_size=32, verbose=0, validation_split=0.2, **arguments)
    keras.distribution.set_distribution(None)
    return [np.asarray(v) for v in model.get_weights()] + [history.history["val_loss"]], model
alone, _ = trained(None)
placed, model = trained(distribution)
assert len(model.layers[0].kernel.value.sharding.device_set) == 2
given, model = trained(None, distribution=distribution)
assert len(model.layers[0].kernel.value.sharding.device_set) == 1, "it stays with all devices"
for other in (placed, given):
    for one, two in zip(alone, other):
        np.testing.assert_allclose(one, two, atol=1e-6)
layout = keras.distribution.LayoutMap(distribution.device_mesh)
trained(keras.distribution.ModelParallel(layout_map=layout, batch_dim_name="batch"))
""")  # fmt: skip
    assert said == ""


def test_more_devices_than_there_are():
    jax.devices()  # JAX has begun
    with pytest.raises(UserError, match=r"expected 99 devices, found 1 \(cpu\); JAX has already started"):
        data_parallel(99)


def test_alone_nothing_is_moved():
    array = np.zeros((3, 4))
    assert Placement().replicate(array) is array
    assert Placement().shard(array) is array
    assert not Placement().is_multi_process


def test_keys_and_rows_are_placed(tmp_path):
    placement = Placement.of(data_parallel(1))
    key = placement.replicate(jax.random.key(3))
    np.testing.assert_array_equal(jax.random.key_data(key), jax.random.key_data(jax.random.key(3)))
    np.testing.assert_array_equal(placement.shard(np.arange(6).reshape(2, 3)), [[0, 1, 2], [3, 4, 5]])


class Hosts(Placement):
    is_multi_process = True


def failing(placement):
    with placement.dispatch(2):
        raise jax.errors.JaxRuntimeError("out of memory\nmore")


def test_only_with_hosts_does_a_failed_dispatch_mean_a_lost_one():
    with pytest.raises(jax.errors.JaxRuntimeError, match="out of memory"):
        failing(Placement())
    with pytest.raises(HostError, match=r"^lost another process in epoch 3 \(out of memory\)$"):
        failing(Hosts())


def test_a_silent_host_ends_the_process(monkeypatch, capsys):
    ended = threading.Event()
    monkeypatch.setattr(devices, "PROCESS_TIMEOUT", 0.01)
    monkeypatch.setattr(devices.os, "_exit", lambda code: ended.set())
    with Hosts().dispatch(2):
        assert ended.wait(10)
    assert (
        "no answer from another process for 0.01 s in epoch 3; resume with: tendigits train --resume"
        in capsys.readouterr().err
    )
    ended.clear()
    monkeypatch.setattr(devices, "PROCESS_TIMEOUT", 0.2)
    with Hosts().dispatch(2):
        pass
    assert not ended.wait(0.5)


def test_variables_come_back():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    placement = Placement.of(data_parallel(1))
    kernel = model.layers[0].kernel
    before = np.asarray(kernel)
    kernel.assign(placement.replicate(kernel.value))
    placement.release(model)
    assert isinstance(kernel.value.sharding, jax.sharding.SingleDeviceSharding)
    np.testing.assert_array_equal(kernel, before)
