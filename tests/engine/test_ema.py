import keras
import numpy as np

from tendigits.engine.fit import fit, with_ema

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


def test_the_model_has_the_averages_when_an_epoch_or_a_test_ends():
    model, found = model_of(), {}

    def record(name):
        return lambda *_, **__: found.update({name: (weights_of(model)[0], averages_of(model)[0])})

    recorder = keras.callbacks.LambdaCallback(on_train_batch_end=record("batch"), on_epoch_end=record("epoch"))
    recorder.on_test_end = record("test")
    callbacks = with_ema([recorder], resumed=False)
    history = fit(model, X, Y, epochs=1, batch_size=64, verbose=0, validation_data=(X, Y), callbacks=callbacks)
    weights, average = found["batch"]
    for name in ("test", "epoch"):
        np.testing.assert_array_equal(found[name], (average, weights))
    np.testing.assert_array_equal(weights_of(model)[0], average)
    assert history.history["val_loss"][0] == np.float32(model.evaluate(X, Y, verbose=0, batch_size=64))


def test_the_optimizer_keeps_its_averages_after_a_prediction(tmp_path):
    model = model_of()
    fit(model, X, Y, epochs=1, batch_size=16, verbose=0)
    before = averages_of(model)
    model.predict(X, verbose=0)
    for mine, other in zip(averages_of(model), before, strict=True):
        np.testing.assert_array_equal(mine, other)
    model.save(tmp_path / "model.keras")
    fit(model, X, Y, epochs=1, batch_size=16, verbose=0)
    model.fit(X, Y, epochs=1, batch_size=16, verbose=0)
