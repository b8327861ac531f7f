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


def test_one_long_dispatch_equals_several_short_ones_bit_for_bit(model):
    data, steps = loops.to_device((X, Y)), order(8, 8)
    start = loops.get_state(model, "train")
    train = loops.loops_of(model)["train"]
    whole, logs = train(start, data, steps, 0, 8, None)
    state = start
    for first, end in ((0, 1), (1, 4), (4, 8)):
        state, last = train(state, data, steps, first, end, None)
    for one, other in zip(jax.tree.leaves((whole, logs)), jax.tree.leaves((state, last)), strict=True):
        np.testing.assert_array_equal(one, other)


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
    """Set JAX's folder for compiled programs, call `use_compilation_cache`, and return the folder it has then."""
    before = jax.config.jax_compilation_cache_dir

    def used(folder):
        jax.config.update("jax_compilation_cache_dir", folder)
        loops.use_compilation_cache()
        return jax.config.jax_compilation_cache_dir

    yield used
    jax.config.update("jax_compilation_cache_dir", before)


def test_the_cache_keeps_jaxs_folder_and_can_be_disabled(cache_folder, monkeypatch):
    assert cache_folder("mine") == "mine"
    assert cache_folder(None).endswith("tendigits")
    monkeypatch.setenv("TENDIGITS_COMPILATION_CACHE", "off")
    assert cache_folder(None) is None
