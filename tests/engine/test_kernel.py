"""The kernel in `tendigits.fit` against its oracle, Keras' own `model.fit`; and what it leaves to the compiled loop."""

import logging

import keras
import numpy as np
import pytest
from keras import layers, optimizers

from tendigits.data.preprocess import one_hot, to_input
from tendigits.engine.fit import fit
from tendigits.engine.kernel import reason_against
from tendigits.model.network import build_network, compile_network, predict
from tendigits.model.recipe import Recipe

N, INPUTS, CLASSES = 205, 21, 5  # nothing is a multiple of a vector's width; the last batch is smaller
rng = np.random.default_rng(0)
X = rng.random((N, INPUTS), np.float32) * (rng.random((N, INPUTS)) < 0.4)
LABELS = rng.integers(0, CLASSES, N)
ONE_HOT = np.eye(CLASSES, dtype=np.float32)[LABELS]


def model_of(*hidden, optimizer="adam", loss="categorical_crossentropy", metrics=("accuracy",), make=keras.Sequential):
    keras.utils.set_random_seed(1)
    model = make([keras.Input((INPUTS,)), *hidden, layers.Dense(CLASSES, activation="softmax")])
    model.compile(optimizer, loss, metrics=list(metrics))
    return model


def hidden_layers(activation, dropout=0.3):
    keras.utils.set_random_seed(1)  # layers draw the seeds of their weights when they are made
    return [
        layers.Dense(37, activation=activation), layers.Dropout(dropout, seed=4),
        layers.Dense(70, activation=activation), layers.Dense(16), layers.Dropout(dropout, seed=5),
    ]  # fmt: skip


@pytest.fixture
def leaves(caplog):
    """leaves() -> why the kernel left the last training to the compiled loop; '' if it trained."""
    caplog.set_level(logging.DEBUG, "tendigits")

    def reason():
        return caplog.records[-1].args[0] if caplog.records else ""

    return reason


@pytest.mark.parametrize(
    ("activation", "optimizer", "loss"),
    [
        ("relu", lambda: optimizers.Adam(0.003, epsilon=1e-6), "categorical_crossentropy"),
        ("tanh", lambda: optimizers.SGD(0.05, momentum=0.9), "sparse_categorical_crossentropy"),
        ("sigmoid", lambda: optimizers.RMSprop(0.002, rho=0.8), "sparse_categorical_crossentropy"),
        ("linear", lambda: optimizers.SGD(0.05), "categorical_crossentropy"),
    ],
    ids=["relu, Adam", "tanh, momentum", "sigmoid, RMSprop", "linear, SGD"],
)
def test_the_same_numbers_as_model_fit(activation, optimizer, loss, leaves):
    y = LABELS if loss.startswith("sparse") else ONE_HOT
    theirs, ours = (model_of(*hidden_layers(activation), optimizer=optimizer(), loss=loss) for _ in range(2))
    options = {"epochs": 3, "batch_size": 20, "shuffle": False, "verbose": 0, "validation_data": (X, y)}
    expected, history = theirs.fit(X, y, **options), fit(ours, X, y, **options)
    assert leaves() == ""
    assert history.history.keys() == expected.history.keys()
    for key, values in expected.history.items():
        np.testing.assert_allclose(history.history[key], values, rtol=1e-5, err_msg=key)
    for group in ("variables", "metrics_variables"):
        for mine, other in zip(getattr(ours, group), getattr(theirs, group), strict=True):
            np.testing.assert_allclose(np.asarray(mine), np.asarray(other), rtol=1e-3, atol=2e-5, err_msg=mine.path)
    for mine, other in zip(ours.optimizer.variables, theirs.optimizer.variables, strict=True):
        assert mine.value.dtype == other.value.dtype
        np.testing.assert_allclose(np.asarray(mine), np.asarray(other), rtol=1e-3, atol=2e-5, err_msg=mine.path)


def test_kernel_and_compiled_loop_can_take_turns(monkeypatch):
    """They share all state: an epoch each is what two epochs of either are."""
    found = []
    for turns in ("off off", "on off", "off on", "on on"):
        model = model_of(*hidden_layers("relu"))
        for turn in turns.split():
            monkeypatch.setenv("TENDIGITS_KERNEL", turn)
            history = fit(model, X, ONE_HOT, epochs=1, shuffle=False, verbose=0)
        found.append([history.history["loss"][0], *(np.asarray(v) for v in model.non_trainable_variables)])
    for other in found[1:]:
        for mine, expected in zip(other, found[0], strict=True):
            np.testing.assert_allclose(mine, expected, rtol=1e-5)


def test_the_length_of_dispatches_changes_nothing(monkeypatch):
    """So a run that is resumed ends with the same bits."""
    found = []
    for seconds in (0.0, 10.0):
        monkeypatch.setattr("tendigits.engine.dispatch.DISPATCH_SECONDS", seconds)
        model = model_of(*hidden_layers("tanh"))
        history = fit(model, X, ONE_HOT, epochs=3, batch_size=10, shuffle=False, verbose=0)
        found.append([history.history["loss"], *(value.tolist() for value in model.get_weights())])
    assert found[0] == found[1]


def test_threads_change_nothing(monkeypatch):
    monkeypatch.setattr("tendigits.engine.kernel.MIN_PRODUCTS_PER_THREAD", 1)
    found = []
    for threads in (1, 3):
        monkeypatch.setattr("tendigits.engine.kernel.cores", lambda threads=threads: threads)
        model = model_of(*hidden_layers("relu"))
        fit(model, X, ONE_HOT, epochs=2, batch_size=50, shuffle=False, verbose=0)
        found.append([value.tolist() for value in model.get_weights()])
    assert found[0] == found[1]


def test_inputs_are_taken_as_float32_from_any_floats_in_any_order(leaves):
    found = []
    for x in (X, np.asfortranarray(X, np.float64), keras.ops.convert_to_tensor(X)):
        model = model_of(*hidden_layers("relu"))
        fit(model, x, ONE_HOT, shuffle=False, verbose=0, validation_data=(x[:50] / 2, ONE_HOT[:50]))
        assert leaves() == ""
        found.append([np.asarray(value).tolist() for value in (*model.get_weights(), *model.metrics_variables)])
    assert found[0] == found[1] == found[2]


def test_weights_that_a_callback_sets_are_used():
    class Forget(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.set_weights(weights)

    model = model_of(layers.Dense(8, "relu"), optimizer=optimizers.SGD(0.1))
    weights = model.get_weights()
    losses = fit(model, X, ONE_HOT, epochs=2, shuffle=False, verbose=0, callbacks=[Forget()]).history["loss"]
    assert losses[0] == losses[1]


def dense(**options):
    return model_of(layers.Dense(8, "relu", **options))


def changed(change, **options):
    """A model that `change` is done to."""
    model = model_of(layers.Dense(8, "relu"), **options)
    change(model)
    return model


def relu(x):
    """Not Keras' own."""
    return keras.ops.maximum(x, -0.5)


def double_inputs(layer):
    call = layer.call
    layer.call = lambda x, training=None, mask=None: call(2 * x)


def has_lora(model):
    model.layers[0].enable_lora(2)
    model.compile("adam", "categorical_crossentropy")


def has_int8(model):
    model.layers[0].quantize("int8")
    model.compile("adam", "categorical_crossentropy")


def sum_loss():
    loss = keras.losses.CategoricalCrossentropy()
    loss.call = lambda y, p: keras.ops.sum(keras.ops.square(y - p), -1)
    return loss


def own_accuracy():
    accuracy = keras.metrics.CategoricalAccuracy()
    accuracy._fn = lambda y, p: keras.ops.mean(p, -1)
    return accuracy


CHANGES = {
    "the call of a layer": (lambda m: double_inputs(m.layers[0]), "the layers"),
    "the call of the model": (lambda m: double_inputs(m), "the layers"),
    "the model's precision": (lambda m: setattr(m, "dtype_policy", keras.DTypePolicy("mixed_bfloat16")), "the layers"),
    "a regularizer": (lambda m: setattr(m.layers[0].kernel, "regularizer", keras.regularizers.L1()), "the variables"),
    "a constraint": (lambda m: setattr(m.layers[0].kernel, "constraint", keras.constraints.NonNeg()), "the variables"),
    "LoRA": (has_lora, "the layers"),
    "int8": (has_int8, "the layers"),
    "the step of the optimizer": (
        lambda m: setattr(m.optimizer, "update_step", lambda g, v, rate: v.assign(v - 0.1 * g)), "the optimizer",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_models_that_were_changed_are_left_to_the_compiled_loop(name):
    change, reason = CHANGES[name]
    model = changed(change)
    model._symbolic_build(data_batch=(X[:2], ONE_HOT[:2]))
    assert reason_against(model, [(X, ONE_HOT)], 32) == reason


class TwoTimes(keras.Sequential):
    def call(self, inputs, training=None, mask=None):
        return super().call(2 * inputs, training=training, mask=mask)


@pytest.mark.parametrize(
    ("make", "x", "y", "reason"),
    [
        (lambda: model_of(layers.Dense(8, "gelu")), X, ONE_HOT, "the layers"),
        (lambda: model_of(layers.Dense(8, relu)), X, ONE_HOT, "the layers"),
        (lambda: model_of(layers.Dropout(0.2)), X, ONE_HOT, "the layers"),
        (lambda: model_of(layers.Dense(8), make=TwoTimes), X, ONE_HOT, "the layers"),
        (lambda: dense(kernel_regularizer="l2"), X, ONE_HOT, "the layers"),
        (lambda: dense(use_bias=False), X, ONE_HOT, "the layers"),
        (lambda: dense(dtype="mixed_bfloat16"), X, ONE_HOT, "the layers"),
        (lambda: dense(trainable=False), X, ONE_HOT, "the variables"),
        (lambda: model_of(optimizer="adamw"), X, ONE_HOT, "the optimizer"),
        (lambda: model_of(optimizer=optimizers.SGD(nesterov=True)), X, ONE_HOT, "the optimizer's settings"),
        (lambda: model_of(optimizer=optimizers.Adam(epsilon=1e-9)), X, ONE_HOT, "the optimizer's epsilon"),
        (lambda: model_of(optimizer=optimizers.RMSprop(momentum=0.9)), X, ONE_HOT, "the optimizer's settings"),
        (
            lambda: model_of(optimizer=optimizers.Adam(optimizers.schedules.CosineDecay(0.1, 9))), X, ONE_HOT,
            "the learning rate's schedule",
        ),
        (lambda: model_of(loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1)), X, ONE_HOT, "the loss"),
        (lambda: model_of(loss=sum_loss()), X, ONE_HOT, "the loss"),
        (lambda: model_of(metrics=["mse"]), X, ONE_HOT, "the metrics"),
        (lambda: model_of(metrics=[own_accuracy()]), X, ONE_HOT, "the metrics"),
        (
            lambda: model_of(loss="sparse_categorical_crossentropy", metrics=[keras.metrics.CategoricalAccuracy()]),
            X, LABELS, "the metrics",
        ),
        (
            lambda: model_of(layers.Flatten(data_format="channels_first"), layers.Dense(8)), X, ONE_HOT, "the layers",
        ),
        (model_of, X, ONE_HOT * 0.5, "the data"),
        (model_of, X.astype(np.uint8), ONE_HOT, "the data"),
    ],
)  # fmt: skip
def test_what_the_compiled_loop_trains(make, x, y, reason, monkeypatch, leaves):
    monkeypatch.setattr("tendigits.engine.loop.jax.jit", lambda function, **_: function)  # only the choice matters here
    model = make()
    model._symbolic_build(data_batch=(x[:2], y[:2]))
    assert reason_against(model, [(keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(y))], 32) == reason


def assert_trains_as_keras(theirs, ours, leaves, reason, **options):
    options = {"epochs": 2, "batch_size": 20, "shuffle": False, "verbose": 0} | options
    expected, history = theirs.fit(X, ONE_HOT, **options), fit(ours, X, ONE_HOT, **options)
    assert leaves() == reason
    for key, values in expected.history.items():
        np.testing.assert_allclose(history.history[key], values, rtol=1e-4, err_msg=key)


def test_a_first_step_finds_what_no_list_names(monkeypatch, leaves):
    """Dense itself, replaced for all layers: the kernel would train another model."""
    call = layers.Dense.call
    monkeypatch.setattr(layers.Dense, "call", lambda self, x, training=None: call(self, x * 2))
    theirs, ours = (model_of(layers.Dense(8, "relu")) for _ in range(2))
    assert_trains_as_keras(theirs, ours, leaves, "another result of a first step")


def test_what_a_callback_changes_in_compiled_settings_has_no_effect_as_in_keras(leaves):
    class Change(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.layers[0].activation = keras.activations.tanh
            self.model.optimizer.beta_1 = 0.1

    theirs, ours = (model_of(layers.Dense(8, "relu")) for _ in range(2))
    assert_trains_as_keras(theirs, ours, leaves, "", callbacks=[Change()])


@pytest.mark.parametrize(
    "change", [lambda m: setattr(m.layers[0], "trainable", False), lambda m: m.layers[0].quantize("int8")]
)
def test_a_layer_that_a_callback_changes_without_compile_is_an_error_as_in_keras(change):
    for run in (keras.Model.fit, fit):
        model = model_of(layers.Dense(8, "relu"))
        callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs, model=model: change(model))
        with pytest.raises((ValueError, TypeError)):
            run(model, X, ONE_HOT, epochs=3, verbose=0, callbacks=[callback])


def test_a_layer_that_a_callback_freezes_and_compiles_stays(leaves):
    """The compiled loop trains the rest, as `model.fit` does when it is called once more."""

    def freeze(model):
        model.layers[0].trainable = False
        model.compile(optimizers.SGD(0.1), "categorical_crossentropy", metrics=["accuracy"])

    theirs, ours = (model_of(layers.Dense(8, "relu")) for _ in range(2))
    options = {"batch_size": 20, "shuffle": False, "verbose": 0}
    theirs.fit(X, ONE_HOT, **options)
    freeze(theirs)
    expected = theirs.fit(X, ONE_HOT, epochs=2, **options).history["loss"]
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epoch == 0 and freeze(ours))
    losses = fit(ours, X, ONE_HOT, epochs=3, callbacks=[callback], **options).history["loss"]
    assert leaves() == "a callback has changed the model"
    np.testing.assert_allclose(losses[1:], expected, rtol=1e-5)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_the_classic_network_learns_as_in_the_compiled_loop(digits, monkeypatch):
    """After 100 steps the losses are equal. Later units switch on or off by rounding alone.

    Pixels in another order change what the compiled loop itself gets right after an epoch by up to 75 of 10,000 digits.
    """
    recipe, losses, right = Recipe(seed=1), [], []
    x, x_test, y = to_input(digits.x_train), to_input(digits.x_test), one_hot(digits.y_train)
    for kernel in ("on", "off"):
        monkeypatch.setenv("TENDIGITS_KERNEL", kernel)
        for n in (3200, len(x)):
            model = compile_network(build_network(recipe), recipe)
            losses += fit(model, x[:n], y[:n], shuffle=False, verbose=0).history["loss"]
        right.append(int((predict(model, x_test).argmax(axis=1) == digits.y_test).sum()))
    np.testing.assert_allclose(losses[0], losses[2], rtol=1e-5)
    np.testing.assert_allclose(losses[1], losses[3], rtol=0.02)
    assert abs(right[0] - right[1]) <= 150
