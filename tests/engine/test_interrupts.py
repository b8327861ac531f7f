"""Ctrl-C at any moment of an epoch: all variables are those of exactly the steps that were done."""

import random
import signal
import threading
import time

import keras
import numpy as np
import pytest

from tendigits.engine.fit import fit
from tendigits.engine.kernel import Kernel

N, BATCH = 20_000, 10
rng = np.random.default_rng(0)
X, Y = rng.random((N, 21), np.float32), np.eye(5, dtype=np.float32)[rng.integers(0, 5, N)]
OPTIONS = {"batch_size": BATCH, "shuffle": False, "verbose": 0}


class Trained:
    """A model that can be reset, and the bits of all that training changes."""

    def __init__(self):
        layers = [keras.layers.Dense(64, "relu"), keras.layers.Dropout(0.2, seed=1), keras.layers.Dense(64, "tanh")]
        self.model = keras.Sequential([keras.Input((21,)), *layers, keras.layers.Dense(5, "softmax")])
        self.model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
        fit(self.model, X[:BATCH], Y[:BATCH], **OPTIONS)
        self.variables = [*self.model.variables, *self.model.optimizer.variables]

    def reset(self, values):
        for variable, value in zip(self.variables, values, strict=True):
            variable.assign(value)

    def bits(self):
        return [np.asarray(variable).tobytes() for variable in self.variables]

    def steps(self):
        return int(self.model.optimizer.iterations)


def fit_while(ctrl_c, model):
    """Train for an epoch, and wait for the signal if that was shorter."""
    ctrl_c.start()
    fit(model, X, Y, **OPTIONS)
    ctrl_c.join()
    time.sleep(1)


@pytest.mark.parametrize("n", [5, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kernel", ["on", "off"])
def test_interrupts_end_at_the_end_of_a_step(monkeypatch, n, kernel):
    monkeypatch.setenv("TENDIGITS_KERNEL", kernel)
    monkeypatch.setattr("tendigits.engine.kernel.MIN_PRODUCTS_PER_THREAD", 1)
    monkeypatch.setattr("tendigits.engine.kernel.cores", lambda: 2)
    monkeypatch.setattr("tendigits.engine.dispatch.DISPATCH_SECONDS", 0.05)
    interrupted, whole, draw = Trained(), Trained(), random.Random(1)
    start = [np.asarray(variable) for variable in interrupted.variables]
    first, found = interrupted.steps(), set()
    for _ in range(2):  # the first time it compiles
        began = time.perf_counter()
        fit(interrupted.model, X, Y, **OPTIONS)
        seconds = time.perf_counter() - began
    for _ in range(n):
        interrupted.reset(start)
        ctrl_c = threading.Timer(
            draw.uniform(0, seconds), signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT)
        )
        with pytest.raises(KeyboardInterrupt):
            fit_while(ctrl_c, interrupted.model)
        steps = interrupted.steps() - first
        whole.reset(start)
        if steps:
            fit(whole.model, X[: BATCH * steps], Y[: BATCH * steps], **OPTIONS)
        assert interrupted.bits() == whole.bits(), steps
        found.add(steps)
    assert len(found) > 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert threading.active_count() < 10


def test_another_ctrl_c_while_the_first_is_handled(monkeypatch):
    def followed_by_ctrl_c(method):
        def call(*arguments):
            signal.raise_signal(signal.SIGINT)
            result = method(*arguments)
            signal.raise_signal(signal.SIGINT)
            return result

        return call

    interrupted, whole = Trained(), Trained()
    whole.reset(interrupted.variables)
    for name in ("train", "finish"):
        monkeypatch.setattr(Kernel, name, followed_by_ctrl_c(getattr(Kernel, name)))
    first = interrupted.steps()
    with pytest.raises(KeyboardInterrupt):
        fit(interrupted.model, X, Y, **OPTIONS)
    monkeypatch.undo()
    n = BATCH * (interrupted.steps() - first)
    assert 0 < n < N
    fit(whole.model, X[:n], Y[:n], **OPTIONS)
    assert interrupted.bits() == whole.bits()


@pytest.mark.parametrize("kernel", ["on", "off"])
def test_an_error_before_the_first_step_changes_nothing(monkeypatch, kernel):
    class Fails(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            raise RuntimeError

    monkeypatch.setenv("TENDIGITS_KERNEL", kernel)
    trained = Trained()
    before = trained.bits()
    with pytest.raises(RuntimeError):
        fit(trained.model, X, Y, callbacks=[Fails()], **OPTIONS)
    assert trained.bits() == before
