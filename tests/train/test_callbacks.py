import math
import os
import signal
import threading

import keras
import numpy as np
import pytest

from tendigits.data.preprocess import one_hot, to_input
from tendigits.engine.fit import fit
from tendigits.errors import DiskError, DivergedError, Interrupted, UserError
from tendigits.model.network import build_network, compile_network
from tendigits.model.recipe import Recipe
from tendigits.train.callbacks import fit_recipe

RECIPE = Recipe(hidden=(32, 16), epochs=4, patience=9)


@pytest.fixture(scope="module")
def arrays(digits):
    x, y = to_input(digits.x_train[:400]), one_hot(digits.y_train[:400])
    return x, y, (to_input(digits.x_test[:100]), one_hot(digits.y_test[:100]))


def trained(arrays, recipe=RECIPE, resume=None, callbacks=(), keep=None):
    """The model, its history and all checkpoints."""
    kept = []
    model = compile_network(
        build_network(recipe), recipe, recipe.epochs * math.ceil(len(arrays[0]) / recipe.batch_size)
    )
    history = fit_recipe(model, *arrays, recipe, keep or kept.append, resume, callbacks)
    return model, history, kept


def assert_same(first, second):
    (model, history, _), (other, other_history, _) = first, second
    assert history.history == other_history.history
    assert history.epoch == other_history.epoch
    for mine, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for mine, theirs in zip(model.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs))


def test_the_same_seed_gives_the_same_bits(arrays):
    first = trained(arrays)
    np.random.default_rng().random()
    keras.utils.set_random_seed(123)  # what else a program draws must not matter
    assert_same(first, trained(arrays))


def test_another_seed_gives_another_model(arrays):
    first, other = trained(arrays), trained(arrays, RECIPE.with_changes(seed=1))
    assert first[1].history != other[1].history


def test_it_learns(arrays):
    _, history, _ = trained(arrays, RECIPE.with_changes(epochs=12))
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]
    assert history.history["val_accuracy"][-1] > 0.6


@pytest.mark.parametrize("epoch", [1, 2, 3])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_resumed_equals_uninterrupted_bit_for_bit(arrays, epoch, optimizer):
    recipe = RECIPE.with_changes(optimizer=optimizer)
    whole = trained(arrays, recipe)
    checkpoint = whole[2][epoch - 1]
    assert checkpoint.epoch == epoch
    assert_same(whole, trained(arrays, recipe, checkpoint))


MORE = RECIPE.with_changes(
    hidden=(16,), convolutions=("4x5/4",), ema_momentum=0.9, schedule="one-cycle", optimizer="adamw", weight_decay=0.01,
    label_smoothing=0.1, augmentation={"shift": 2.0, "elastic": 1.0, "noise": 0.1},
)  # fmt: skip


def test_with_every_knob_resumed_equals_uninterrupted_bit_for_bit(arrays):
    whole = trained(arrays, MORE)
    for checkpoint in whole[2][:3]:
        assert_same(whole, trained(arrays, MORE, checkpoint))


def test_the_average_is_validated_and_kept(arrays):
    recipe = MORE.with_changes(restore_best=False)
    averages = []

    class Known(keras.callbacks.Callback):
        def on_test_begin(self, logs=None):
            averages.append([np.asarray(weight) for weight in self.model.trainable_variables])

    model, history, kept = trained(arrays, recipe, callbacks=(Known(),))
    for mine, checkpoint in zip(averages, kept, strict=True):
        for weight, other in zip(mine, checkpoint.variables, strict=False):
            np.testing.assert_array_equal(weight, other)
    for weight, other in zip(model.trainable_variables, averages[-1], strict=True):
        np.testing.assert_array_equal(np.asarray(weight), other)
    x, y = arrays[2]
    loss = model.evaluate(x, y, verbose=0, batch_size=recipe.batch_size)[0]
    assert loss == pytest.approx(history.history["val_loss"][-1], rel=1e-5)


def test_the_average_is_keras_own(arrays):
    """Oracle: without early stopping Keras' optimizer ends with the same average."""
    recipe = RECIPE.with_changes(ema_momentum=0.9, restore_best=False, epochs=2)
    ours, _, _ = trained(arrays, recipe)
    theirs = compile_network(build_network(recipe), recipe)
    fit(theirs, arrays[0], arrays[1], batch_size=32, epochs=2, verbose=0,
        order=lambda epoch, n: np.random.default_rng((recipe.seed, epoch)).permutation(n))  # fmt: skip
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_resumed_early_stop_stops_where_it_would_have(arrays):
    recipe = RECIPE.with_changes(epochs=200, patience=2, learning_rate=0.02)
    whole = trained(arrays, recipe)
    n = len(whole[1].history["loss"])
    assert n < 200
    assert whole[2][-1].stopped
    for checkpoint in (whole[2][0], whole[2][-2], whole[2][-1]):
        assert_same(whole, trained(arrays, recipe, checkpoint))


def test_the_best_epochs_weights_are_kept_or_the_lasts(arrays):
    recipe = RECIPE.with_changes(epochs=200, patience=3, learning_rate=0.02)
    x, y = arrays[2]
    for restore_best in (True, False):
        model, history, _ = trained(arrays, recipe.with_changes(restore_best=restore_best))
        losses = history.history["val_loss"]
        assert min(losses) < losses[-1]
        kept = model.evaluate(x, y, verbose=0, batch_size=recipe.batch_size)[0]
        assert kept == pytest.approx(min(losses) if restore_best else losses[-1], rel=1e-5)


def test_early_stopping_is_keras_own(arrays):
    """Oracle: the same model, digits in the same order, by plain Keras."""
    recipe = RECIPE.with_changes(epochs=30, patience=1, learning_rate=0.01, dropout=0.0)
    ours, history, _ = trained(arrays, recipe)
    x, y, validation = arrays

    class Batches(keras.utils.PyDataset):
        epoch = 0

        def __len__(self):
            return math.ceil(len(x) / recipe.batch_size)

        def __getitem__(self, index):
            order = np.random.default_rng((recipe.seed, self.epoch)).permutation(len(x))
            rows = order[index * recipe.batch_size : (index + 1) * recipe.batch_size]
            return x[rows], y[rows]

    model, batches = compile_network(build_network(recipe), recipe), Batches()
    count = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: setattr(batches, "epoch", epoch))
    stopping = keras.callbacks.EarlyStopping(monitor="val_loss", patience=1, restore_best_weights=True)
    theirs = model.fit(
        batches,
        validation_data=validation,
        validation_batch_size=recipe.batch_size,
        epochs=30,
        shuffle=False,
        verbose=0,
        callbacks=[count, stopping],
    )
    assert len(history.history["loss"]) == len(theirs.history["loss"]) < 30
    for name, values in theirs.history.items():
        assert history.history[name] == pytest.approx(values, rel=1e-4)
    for mine, other in zip(ours.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-4)


def test_another_backend_is_refused(arrays, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(UserError, match="expected Keras on jax, found it on torch; unset KERAS_BACKEND"):
        trained(arrays)


class SignalIn(keras.callbacks.Callback):
    def __init__(self, number, epoch, batch):
        super().__init__()
        self.number, self.at, self.epoch = number, (epoch, batch), -1

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == self.at[0] and batch >= self.at[1]:
            os.kill(os.getpid(), self.number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_between_two_steps_and_resumes_bit_for_bit(arrays, number):
    whole = trained(arrays)
    kept, before = [], signal.getsignal(number)
    with pytest.raises(Interrupted, match=rf"by {number.name} in epoch 3") as caught:
        trained(arrays, callbacks=(SignalIn(number, 2, 4),), keep=kept.append)
    assert caught.value.exit_code == 128 + number
    assert signal.getsignal(number) is before
    assert [checkpoint.epoch for checkpoint in kept] == [1, 2]
    assert_same(whole, trained(arrays, resume=kept[-1]))


def test_a_signal_that_is_ignored_stays_so(arrays):
    whole, before = trained(arrays), signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert_same(whole, trained(arrays, callbacks=(SignalIn(signal.SIGINT, 2, 4),)))
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_interrupted_leaves_the_best_weights_in_the_model(arrays):
    kept, model = [], compile_network(build_network(RECIPE), RECIPE)
    with pytest.raises(Interrupted):
        fit_recipe(model, *arrays, RECIPE, kept.append, None, (SignalIn(signal.SIGINT, 3, 1),))
    for mine, best in zip(model.get_weights(), kept[-1].best_weights, strict=True):
        np.testing.assert_array_equal(mine, best)


def test_outside_the_main_thread_no_signal_is_touched(arrays):
    result = []
    thread = threading.Thread(target=lambda: result.append(trained(arrays)))
    thread.start()
    thread.join()
    assert_same(trained(arrays), result[0])


def test_a_loss_that_is_not_finite_ends_it(arrays):
    kept = []
    recipe = RECIPE.with_changes(hidden=(256,) * 16, activation="elu", dropout=0.0, learning_rate=10.0)
    with pytest.raises(DivergedError, match=r"epoch 1: expected a finite loss, received nan by batch"):
        trained(arrays, recipe, keep=kept.append)
    assert not kept


class Poison(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if self.armed:
            self.model.trainable_variables[0].assign(np.full((784, 32), np.nan, np.float32))

    armed = False

    def on_epoch_begin(self, epoch, logs=None):
        self.armed = epoch == 2


def test_a_weight_that_is_not_finite_ends_it_and_the_best_is_back(arrays):
    kept, model = [], compile_network(build_network(RECIPE), RECIPE)
    with pytest.raises(DivergedError, match="epoch 3"):
        fit_recipe(model, *arrays, RECIPE, kept.append, None, (Poison(),))
    assert [checkpoint.epoch for checkpoint in kept] == [1, 2]
    assert all(np.isfinite(weights).all() for weights in model.get_weights())


def test_a_full_disk_ends_it(arrays):
    def full(_):
        raise DiskError("no space")

    with pytest.raises(DiskError, match="no space"):
        trained(arrays, keep=full)
