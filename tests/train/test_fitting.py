"""Fitting a recipe: reproducible, and resumable bit for bit. That the numbers are Keras' is in tests/engine."""

import os
import signal

import keras
import numpy as np
import pytest

from tendigits.data.load import load
from tendigits.errors import DivergedError
from tendigits.model.network import build_network, compile_network
from tendigits.model.recipe import Recipe
from tendigits.train.fitting import fit_recipe, number_of_steps
from tendigits.train.inputs import Inputs, prepare_inputs

RECIPE = Recipe(hidden=(32, 16), epochs=4, patience=9)
EVERY_SETTING = RECIPE.with_changes(
    hidden=(16,), batch_norm=True, ema_momentum=0.9, schedule="one-cycle", optimizer="adamw", weight_decay=0.01,
    label_smoothing=0.1, augmentation={"contrast": 0.1, "noise": 0.1},
)  # fmt: skip


@pytest.fixture(scope="module")
def inputs(small_npz):
    whole = prepare_inputs(load(small_npz), RECIPE)
    few = whole.test[0][:100], whole.test[1][:100]
    return Inputs(whole.x[:400], whole.y[:400], few, few)


def train(inputs, recipe=RECIPE, checkpoint=None, callbacks=(), save=None):
    """The model, its history and all checkpoints."""
    saved = []
    model = compile_network(build_network(recipe), recipe, number_of_steps(recipe, len(inputs.x)))
    history = fit_recipe(model, inputs, recipe, save or saved.append, checkpoint, callbacks)
    return model, history, saved


@pytest.fixture(scope="module")
def uninterrupted(inputs):
    return train(inputs)


def assert_same(first, second):
    (model, history, _), (other, other_history, _) = first, second
    assert history.history == other_history.history
    assert history.epoch == other_history.epoch
    for mine, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for mine, theirs in zip(model.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs))


def test_the_seed_decides_every_bit_and_an_ignored_signal_stays_ignored(inputs, uninterrupted):
    keras.utils.set_random_seed(123)  # other random numbers of the program must not matter
    send = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: os.kill(os.getpid(), signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as nohup does
    try:
        assert_same(uninterrupted, train(inputs, callbacks=[send]))
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert uninterrupted[1].history != train(inputs, RECIPE.with_changes(seed=1))[1].history


@pytest.mark.parametrize(
    ("recipe", "epochs"),
    [
        (EVERY_SETTING, (2,)),
        pytest.param(
            EVERY_SETTING.with_changes(convolutions=("4x5/4",), augmentation={"shift": 2.0, "elastic": 1.0}),
            (1, 2, 3),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["all", "convolutions"],
)
def test_resumed_equals_uninterrupted_bit_for_bit(inputs, recipe, epochs):
    whole = train(inputs, recipe)
    assert [checkpoint.epoch for checkpoint in whole[2]] == [1, 2, 3, 4]
    for epoch in epochs:
        assert_same(whole, train(inputs, recipe, whole[2][epoch - 1]))


def test_early_stopping_restores_the_best_epoch_and_resumes(inputs):
    recipe = RECIPE.with_changes(epochs=200, patience=2, learning_rate=0.02)
    whole = train(inputs, recipe)
    losses = whole[1].history["val_loss"]
    assert min(losses) < losses[-1]
    assert len(losses) < 200
    assert whole[2][-1].stopped
    for checkpoint in (whole[2][0], whole[2][-2], whole[2][-1]):
        assert_same(whole, train(inputs, recipe, checkpoint))
    for model, loss in (
        (whole[0], min(losses)),
        (train(inputs, recipe.with_changes(restore_best=False))[0], losses[-1]),
    ):
        kept = model.evaluate(*inputs.validation, verbose=0, batch_size=recipe.batch_size)[0]
        assert kept == pytest.approx(loss, rel=1e-5)


class Poison(keras.callbacks.Callback):
    """Makes a weight not a number in the third epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.armed = epoch == 2

    def on_train_batch_end(self, batch, logs=None):
        if self.armed:
            self.model.trainable_variables[0].assign(np.full((784, 32), np.nan, np.float32))


def test_a_weight_that_is_not_finite_ends_training_with_the_best_weights(inputs):
    saved, model = [], compile_network(build_network(RECIPE), RECIPE)
    with pytest.raises(DivergedError, match="epoch 3"):
        fit_recipe(model, inputs, RECIPE, saved.append, None, [Poison()])
    assert [checkpoint.epoch for checkpoint in saved] == [1, 2]
    for mine, best in zip(model.get_weights(), saved[-1].best_weights, strict=True):
        np.testing.assert_array_equal(mine, best)


def test_the_same_digits_are_held_out_for_every_seed(small_npz):
    dataset = load(small_npz)
    first, other = (prepare_inputs(dataset, Recipe(validation_split=0.2, seed=seed)) for seed in (0, 1))
    assert first.x.shape == (480, 784)
    np.testing.assert_array_equal(first.validation[0], other.validation[0])
    assert first.test[0].shape == (200, 784)
    without = prepare_inputs(dataset, Recipe())
    assert without.validation is without.test
