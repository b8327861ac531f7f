import os
import subprocess
import sys

import jax
import keras
import numpy as np
import pytest

from tendigits.engine import loop as loops

X = np.random.default_rng(0).random((64, 6), dtype=np.float32)
Y = np.eye(3, dtype=np.float32)[np.arange(64) % 3]


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dropout(0.3), keras.layers.Dense(3, "softmax")])
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    model.train_on_batch(X[:8], Y[:8])
    return model


def order(*shape):
    return jax.numpy.arange(np.prod(shape), dtype="int32").reshape(shape)


def test_a_long_dispatch_is_many_short_ones_bit_for_bit(model):
    data, steps = loops.to_device((X, Y)), order(8, 8)
    start = loops.get_state(model, "train")
    train = loops.loops_of(model)["train"]
    whole, logs = train(start, data, steps, 0, 8, None)
    state = start
    for first, end in ((0, 1), (1, 4), (4, 8)):
        state, last = train(state, data, steps, first, end, None)
    for one, other in zip(jax.tree.leaves((whole, logs)), jax.tree.leaves((state, last)), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def compiled():
    """Grows by one with each program that JAX compiles or finds in its cache."""
    programs = []

    def listen(event, *_, **__):
        if event == "/jax/core/compile/backend_compile_duration":
            programs.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield programs
    jax.monitoring.unregister_event_duration_listener(listen)


def test_a_loop_compiled_ahead_is_not_compiled_again(model, compiled):
    arguments = loops.get_state(model, "train"), loops.to_device((X, Y)), order(8, 8), 0, 8, None
    train = loops.loops_of(model)["train"]
    compiled.clear()
    loops.compile_loop(train, *arguments)
    assert compiled
    compiled.clear()
    train(*arguments)
    assert not compiled


def test_to_device_converts_as_keras_does():
    tree = loops.to_device({"a": X.astype("float64"), "b": np.arange(3, dtype="uint8"), "c": None})
    assert tree["a"].dtype == "float32"
    assert tree["b"].dtype == "uint8"
    assert tree["c"] is None


def test_images_divided_by_255_stay_bytes_and_come_back_to_the_bit():
    images = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for x in (images / np.float32(255), images / np.float64(255)):
        kept = loops.to_device(x)
        np.testing.assert_array_equal(kept.bytes, images)
        rows = jax.numpy.array([3, 15, 0])
        np.testing.assert_array_equal(jax.jit(loops.take_rows)(kept, rows), x[[3, 15, 0]].astype("float32"))


@pytest.mark.parametrize("wrong", [0.5, 1.0000001, 256 / 255, -1 / 255, np.nan])
def test_one_number_that_no_byte_gives_and_all_stay_floats(wrong):
    x = np.full((300, 784), 1 / 255, "float32")
    x[-1, -1] = wrong
    kept = loops.to_device(x)
    assert kept.dtype == "float32"
    np.testing.assert_array_equal(kept, x)


@pytest.mark.parametrize("offset", [0, 1, 4, 15])
def test_large_arrays_are_shared_with_numpy_wherever_they_begin(offset, monkeypatch):
    monkeypatch.setattr(loops, "MIN_SHARED", 1 << 20)
    memory = np.random.default_rng(0).random(offset + 300 * 28 * 40, dtype="float32")
    x = memory[offset:].reshape(300, 28, 40)
    kept = loops.to_device(x)
    assert kept.skipped < 16
    assert kept.flat.unsafe_buffer_pointer() == x.ctypes.data + 4 * kept.skipped
    rows = np.array([0, 299, 1, 0, 150])
    np.testing.assert_array_equal(jax.jit(loops.take_rows)(kept, rows), x[rows])


def test_what_cannot_be_shared_is_copied(monkeypatch):
    monkeypatch.setattr(loops, "MIN_SHARED", 1 << 20)
    x = np.zeros((300, 28, 40), "float32")
    for array, share in ((x, False), (x[:, ::2], True), (x.astype("float64"), True), (x[:10], True)):
        kept = loops.to_device(array, share=share)
        assert isinstance(kept, loops.Pixels)
        np.testing.assert_array_equal(loops.take_rows(kept, np.array([9, 0])), array[[9, 0]])


CODE = """
import numpy as np
import tendigits
import jax, keras
events = []
jax.monitoring.register_event_listener(lambda event, **_: events.append(event))
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((300,)), keras.layers.Dense(300, "relu"), keras.layers.Dense(10, "softmax")])
model.compile("adam", "categorical_crossentropy")
tendigits.fit(model, np.ones((64, 300), "float32"), np.eye(10, dtype="float32")[np.arange(64) % 10], verbose=0)
print(sum("cache_hit" in event for event in events))
"""


def cache_hits(folder):
    environment = os.environ | {"XDG_CACHE_HOME": str(folder)}
    done = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return int(done.stdout)


@pytest.mark.slow
def test_compiled_programs_are_cached_for_the_next_process(tmp_path):
    assert cache_hits(tmp_path) == 0
    assert list((tmp_path / "tendigits").iterdir())
    assert cache_hits(tmp_path) > 0


@pytest.fixture
def cache_folder():
    """Set JAX's folder for compiled programs, call what is tested, and give the folder then set."""
    before = jax.config.jax_compilation_cache_dir

    def used(folder):
        jax.config.update("jax_compilation_cache_dir", folder)
        loops.use_compilation_cache()
        return jax.config.jax_compilation_cache_dir

    yield used
    jax.config.update("jax_compilation_cache_dir", before)


def test_a_folder_that_jax_has_already_is_kept_and_a_variable_switches_the_cache_off(cache_folder, monkeypatch):
    assert cache_folder("mine") == "mine"
    assert cache_folder(None).endswith("tendigits")
    monkeypatch.setenv("TENDIGITS_COMPILATION_CACHE", "off")
    assert cache_folder(None) is None
