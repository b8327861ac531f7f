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
    start = loops.train_state(model)
    train = loops.loops_of(model).train
    whole, logs = train(start, data, steps, 0, 8, None)
    state = start
    for first, end in ((0, 1), (1, 4), (4, 8)):
        state, last = train(state, data, steps, first, end, None)
    for one, other in zip(jax.tree.leaves((whole, logs)), jax.tree.leaves((state, last)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_one_step_is_keras_own(model):
    data = loops.to_device((X, Y))
    start = loops.train_state(model)
    state, logs = loops.loops_of(model).train(start, data, order(8, 8), 3, 4, None)
    expected_logs, expected = jax.jit(model.train_step)(start, (X[24:32], Y[24:32]))
    for one, other in zip(jax.tree.leaves((state, logs)), jax.tree.leaves((expected, expected_logs)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("way", [loops._scanned, loops._stepwise])
def test_each_batch_of_x_is_changed_with_a_key_of_its_own(model, way):
    seen = loops.to_device((np.zeros((64, 6), np.float32), Y))

    def step(state, batch):
        x, y = batch
        return {"loss": x.sum() + y.sum()}, ([state[0][0] + x[0]],)

    def change(x, key):
        return x + jax.random.randint(key, (), 0, 1000)

    loop, key, start = way(step, change), jax.random.key(5), ([jax.numpy.zeros(6)],)
    state, logs = loop(start, seen, order(8, 8), 2, 5, key)
    added = [int(jax.random.randint(jax.random.fold_in(key, i), (), 0, 1000)) for i in range(2, 5)]
    assert len(set(added)) == 3
    np.testing.assert_array_equal(state[0][0], np.full(6, sum(added)))
    assert float(logs["loss"]) == pytest.approx(48 * added[-1] + Y[32:40].sum())


def test_loops_are_kept_until_the_model_is_compiled_anew(model):
    known = loops.loops_of(model)
    assert loops.loops_of(model) is known
    model.compile("sgd", "mse")
    assert loops.loops_of(model) is not known
    assert loops.loops_of(model, lambda x, key: x) is not loops.loops_of(model)


def test_the_loops_are_no_part_of_the_model(model, tmp_path):
    loops.loops_of(model)
    model.save(tmp_path / "model.keras")
    keras.models.load_model(tmp_path / "model.keras")


def test_to_device_converts_as_keras_does():
    tree = loops.to_device({"a": X.astype("float64"), "b": np.arange(3, dtype="uint8"), "c": None})
    assert tree["a"].dtype == "float32"
    assert tree["b"].dtype == "uint8"
    assert tree["c"] is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_images_divided_by_255_stay_bytes_and_come_back_to_the_bit(dtype):
    images = np.arange(256, dtype=np.uint8).reshape(16, 16)
    x = images.astype(dtype) / np.array(255, dtype)
    kept = loops.to_device(x)
    np.testing.assert_array_equal(kept.bytes, images)
    rows = jax.numpy.array([3, 15, 0])
    np.testing.assert_array_equal(jax.jit(loops.take_rows)(kept, rows), x[[3, 15, 0]].astype("float32"))


@pytest.mark.parametrize("wrong", [0.5, 1.0000001, 256 / 255, -1 / 255, np.nan, np.inf])
def test_one_number_that_no_byte_gives_and_all_stay_floats(wrong):
    x = np.full((3000, 784), 1 / 255, "float32")
    x[-1, -1] = wrong
    kept = loops.to_device(x)
    assert kept.dtype == "float32"
    np.testing.assert_array_equal(kept, x)


def test_bytes_are_not_copied_once_more():
    kept = loops.to_device(np.ones((500, 300), "float32"))
    assert kept.bytes.unsafe_buffer_pointer() % 64 == 0


def test_a_model_that_is_slow_in_a_loop_is_dispatched_step_by_step_with_the_same_numbers(model, monkeypatch):
    data, start = loops.to_device((X, Y)), loops.train_state(model)
    whole = loops.loops_of(model).train(start, data, order(8, 8), 2, 5, None)
    monkeypatch.setattr(loops, "is_slow_in_a_loop", lambda model: True)
    model.__dict__.pop("_tendigits_loops")
    steps = loops.loops_of(model).train(start, data, order(8, 8), 2, 5, None)
    for one, other in zip(jax.tree.leaves(whole), jax.tree.leaves(steps), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


CODE = """
import sys
import numpy as np
import tendigits
import jax, keras
compilations = []
jax.monitoring.register_event_listener(lambda event, **_: compilations.append(event))
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((300,)), keras.layers.Dense(300, "relu"), keras.layers.Dense(10, "softmax")])
model.compile("adam", "categorical_crossentropy")
tendigits.fit(model, np.ones((64, 300), "float32"), np.eye(10, dtype="float32")[np.arange(64) % 10], verbose=0)
print(sum("cache_hit" in event for event in compilations))
"""


def hits(folder, **environment):
    import os

    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env=os.environ | {"XDG_CACHE_HOME": str(folder)} | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return int(done.stdout)


def test_a_second_process_finds_the_compiled_programs(tmp_path):
    assert hits(tmp_path) == 0
    assert list((tmp_path / "tendigits").iterdir())
    assert hits(tmp_path) > 0


def test_the_cache_can_be_switched_off_and_a_persons_own_is_left_alone(tmp_path):
    hits(tmp_path, TENDIGITS_COMPILATION_CACHE="off")
    assert not (tmp_path / "tendigits").exists()
    hits(tmp_path, JAX_COMPILATION_CACHE_DIR=str(tmp_path / "own"))
    assert not (tmp_path / "tendigits").exists()
