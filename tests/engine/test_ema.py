import keras
import numpy as np

from tendigits.engine.ema import with_ema
from tendigits.engine.fit import fit

X = np.random.default_rng(0).random((64, 6), np.float32)
Y = np.eye(3, dtype=np.float32)[np.arange(64) % 3]


def model_of():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, "softmax")])
    model.compile(keras.optimizers.Adam(use_ema=True, ema_momentum=0.8), "categorical_crossentropy")
    return model


def weights_of(model):
    return [np.asarray(weight) for weight in model.trainable_variables]


def averages_of(model):
    return [np.asarray(average) for average in model.optimizer._model_variables_moving_average]


class Sees(keras.callbacks.Callback):
    """Remembers what is in the model whenever it is called."""

    def __init__(self):
        super().__init__()
        self.seen = {}

    def _see(self, name):
        self.seen[name] = weights_of(self.model)[0], averages_of(self.model)[0]

    def on_train_batch_end(self, batch, logs=None):
        self._see("batch")

    def on_test_end(self, logs=None):
        self._see("test")

    def on_epoch_end(self, epoch, logs=None):
        self._see("epoch")


def test_callbacks_see_the_average_where_an_epoch_or_a_test_ends():
    sees, model = Sees(), model_of()
    callbacks = with_ema([sees], resumed=False)
    history = fit(model, X, Y, epochs=1, batch_size=64, verbose=0, validation_data=(X, Y), callbacks=callbacks)
    weights, average = sees.seen["batch"]
    for name in ("test", "epoch"):
        np.testing.assert_array_equal(sees.seen[name], (average, weights))
    np.testing.assert_array_equal(weights_of(model)[0], average)
    assert history.history["val_loss"][0] == np.float32(model.evaluate(X, Y, verbose=0, batch_size=64))


def test_after_a_prediction_the_optimizer_still_has_its_averages(tmp_path):
    model = model_of()
    fit(model, X, Y, epochs=1, batch_size=16, verbose=0)
    before = averages_of(model)
    model.predict(X, verbose=0)
    for mine, other in zip(averages_of(model), before, strict=True):
        np.testing.assert_array_equal(mine, other)
    model.save(tmp_path / "model.keras")
    fit(model, X, Y, epochs=1, batch_size=16, verbose=0)
    model.fit(X, Y, epochs=1, batch_size=16, verbose=0)
