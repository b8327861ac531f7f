"""`tendigits.fit` against its oracle, `model.fit`: the same models, data and arguments give the same numbers."""

import jax
import keras
import numpy as np
import pytest
from keras import layers

from tendigits.engine.fit import fit
from tendigits.errors import DivergedError, UserError

N = 100
rng = np.random.default_rng(0)


def numbers(*shape):
    return rng.random((N, *shape), dtype=np.float32)


LABELS = rng.integers(0, 10, N)
ONE_HOT = np.eye(10, dtype=np.float32)[LABELS]
TABLE, IMAGES, SERIES = numbers(20), numbers(10, 10, 3), numbers(5)
WORDS = rng.integers(0, 50, (N, 9))
BYTES = rng.integers(0, 256, (N, 10, 10, 3), dtype=np.uint8)
YES = (WORDS.sum(axis=1) % 2).astype("float32")[:, None]


def stack(shape, *rest, classes=10, activation="softmax"):
    return lambda: keras.Sequential(
        [keras.Input(shape), *(make() for make in rest), layers.Dense(classes, activation=activation)]
    )


def dense():
    return layers.Dense(16, activation="relu")


def flat():
    return layers.GlobalAveragePooling2D()


PLAIN = stack((20,), dense)


def two_in_two_out():
    a, b = keras.Input((20,), name="a"), keras.Input((5,), name="b")
    joined = layers.Concatenate()([dense()(a), dense()(b)])
    outputs = {"p": layers.Dense(10, "softmax", name="p")(joined), "q": layers.Dense(1, name="q")(joined)}
    return keras.Model({"a": a, "b": b}, outputs)


def compiled(optimizer="adam", loss="categorical_crossentropy", metrics=lambda: ["accuracy"], **others):
    """Arguments of `compile`, made anew for each model."""
    made = {"optimizer": optimizer, "loss": loss, "metrics": metrics}
    return lambda: {name: value() if callable(value) else value for name, value in made.items()} | others


def schedule():
    return keras.optimizers.schedules.ExponentialDecay(0.01, 3, 0.8)


# name: model, x, y, arguments of compile, arguments of fit; each joins several features, for compiling takes the time
CASES = {
    "sparse labels, momentum, class weights": (
        PLAIN, TABLE, LABELS,
        compiled(lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True), "sparse_categorical_crossentropy"),
        {"class_weight": {i: 0.5 + 0.1 * i for i in range(10)}},
    ),
    "schedule, clipping, averaged weights, sample weights, a split": (
        PLAIN, TABLE, ONE_HOT,
        compiled(
            lambda: keras.optimizers.Adam(schedule(), clipnorm=0.5, use_ema=True, ema_overwrite_frequency=3),
            weighted_metrics=["accuracy"],
        ),
        {"sample_weight": numbers(), "validation_split": 0.2},
    ),
    "mixed precision, accumulated gradients": (
        stack((20,), lambda: layers.Dense(16, activation="relu", dtype="mixed_bfloat16")),
        TABLE, ONE_HOT, compiled(lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=3)), {},
    ),
    "regularizers, a frozen layer, normalization, weighted validation every other epoch": (
        stack(
            (20,),
            lambda: layers.Dense(16, trainable=False),
            lambda: layers.Dense(16, kernel_regularizer="l2", activity_regularizer="l1"),
            layers.BatchNormalization,
            layers.LayerNormalization,
        ),
        TABLE, ONE_HOT, compiled(),
        {"validation_data": (TABLE[:30], ONE_HOT[:30], numbers()[:30]), "validation_freq": 2},
    ),
    "bytes that the model scales, convolutions and pooling": (
        stack(
            (10, 10, 3),
            lambda: layers.Rescaling(1 / 255),
            lambda: layers.Conv2D(8, 3, activation="relu", padding="same"),
            layers.MaxPooling2D,
            lambda: layers.Conv2D(8, 3, dilation_rate=2, padding="same"),
            lambda: layers.SeparableConv2D(6, 3, strides=2, padding="same"),
            lambda: layers.AveragePooling2D(2),
            flat,
        ),
        BYTES, ONE_HOT, compiled(), {},
    ),
    "convolutions that are slow in a loop": (
        stack(
            (10, 10, 3),
            lambda: layers.Conv2D(4, 9, padding="same", activation="relu"),
            lambda: layers.Conv2DTranspose(4, 2, strides=2),
            layers.BatchNormalization,
            flat,
        ),
        IMAGES, ONE_HOT, compiled(), {"validation_split": 0.25},
    ),
    "embedding, a causal convolution, recurrent layers": (
        stack(
            (9,),
            lambda: layers.Embedding(50, 8),
            lambda: layers.Conv1D(8, 3, padding="causal"),
            lambda: layers.LSTM(8, return_sequences=True),
            lambda: layers.Bidirectional(layers.GRU(6)),
            classes=1, activation="sigmoid",
        ),
        WORDS, YES, compiled("rmsprop", "binary_crossentropy", lambda: ["accuracy", keras.metrics.AUC(name="auc")]), {},
    ),
    "two inputs, two outputs": (
        two_in_two_out, {"a": TABLE, "b": SERIES}, {"p": ONE_HOT, "q": numbers(1)},
        compiled(
            loss={"p": "categorical_crossentropy", "q": "mse"},
            metrics={"p": ["accuracy"], "q": ["mae"]},
            loss_weights={"p": 1.0, "q": 0.5},
        ), {},
    ),
    "floats of 64 bits, later epochs only, a batch of all": (
        PLAIN, TABLE.astype("float64"), ONE_HOT.astype("float64"), compiled(), {"initial_epoch": 1, "batch_size": 1000},
    ),
}  # fmt: skip


def pair(name):
    make, x, y, arguments, options = CASES[name]
    models = []
    for _ in range(2):
        keras.utils.set_random_seed(1)
        model = make()
        model.compile(**arguments())
        models.append(model)
    return models, x, y, {"epochs": 3, "batch_size": 32, "shuffle": False, "verbose": 0} | options


SLOW = (
    "bytes that the model scales, convolutions and pooling", "convolutions that are slow in a loop",
    "embedding, a causal convolution, recurrent layers",
)  # fmt: skip


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in CASES])
def test_the_same_numbers_as_model_fit(name, capsys):
    (theirs, ours), x, y, options = pair(name)
    expected = theirs.fit(x, y, **options)
    history = fit(ours, x, y, **options)
    assert capsys.readouterr().err == ""  # it was not handed to model.fit
    assert history.history.keys() == expected.history.keys()
    assert history.epoch == expected.epoch
    for key, values in expected.history.items():
        np.testing.assert_allclose(history.history[key], values, rtol=2e-4, atol=2e-5, err_msg=key)
    for mine, other in zip(ours.non_trainable_variables, theirs.non_trainable_variables, strict=True):
        np.testing.assert_allclose(np.asarray(mine), np.asarray(other), rtol=1e-2, atol=1e-3)
    assert int(ours.optimizer.iterations) == int(theirs.optimizer.iterations)


def model_of(arguments=None, make=PLAIN):
    keras.utils.set_random_seed(2)
    model = make()
    model.compile(**(arguments or compiled())())
    return model


def test_seeds_decide_the_order_of_shuffled_rows_and_dropout():
    results = []
    for seed in (1, 1, 2):
        model = model_of(make=stack((20,), dense, lambda: layers.Dropout(0.5, seed=3)))
        np.random.seed(seed)
        results.append(fit(model, TABLE, ONE_HOT, epochs=2, verbose=0).history["loss"])
    assert results[0] == results[1] != results[2]


def test_an_order_can_be_given():
    backwards = fit(model_of(), TABLE, ONE_HOT, epochs=2, verbose=0, order=lambda epoch, n: np.arange(n)[::-1])
    turned = fit(model_of(), TABLE[::-1].copy(), ONE_HOT[::-1].copy(), epochs=2, verbose=0, shuffle=False)
    assert backwards.history == turned.history


def test_augmentation_is_applied_in_training_but_not_in_validation():
    def change(x, key):
        return x * 2 + 0 * jax.random.uniform(key)

    history = fit(
        model_of(), TABLE, ONE_HOT, epochs=2, verbose=0, shuffle=False, augment=change,
        validation_data=(TABLE * 2, ONE_HOT),
    )  # fmt: skip
    same = fit(model_of(), TABLE * 2, ONE_HOT, epochs=2, verbose=0, shuffle=False, validation_data=(TABLE * 2, ONE_HOT))
    for name, values in same.history.items():  # the kernel trains this one
        np.testing.assert_allclose(history.history[name], values, rtol=1e-5)


def test_each_step_is_augmented_with_a_different_key_that_depends_on_the_seed():
    model = model_of(compiled("sgd"))
    weights = model.get_weights()

    def change(x, key):
        return x + jax.random.normal(key, x.shape)

    def losses(seed, first=0):
        model.set_weights(weights)
        options = {"verbose": 0, "shuffle": False, "augment": change, "seed": seed, "batch_size": 32}
        return fit(model, TABLE, ONE_HOT, epochs=first + 1, initial_epoch=first, **options).history["loss"]

    assert losses(0) == losses(0)
    assert losses(0) != losses(1)
    assert losses(0, first=1) != losses(0)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((None, TABLE, ONE_HOT), "expected a keras.Model, received NoneType"),
        ((keras.Sequential([keras.layers.Dense(3)]), TABLE, ONE_HOT), r"expected a compiled model; call model.compile"),
        ((None, None), "expected x, an array of inputs, received None"),
        ((None, TABLE), "expected y, an array of labels for the model's loss, received None"),
        ((None, TABLE, ONE_HOT[:-1]), "expected x and y of one length, at least 1, received"),
        ((None, TABLE[:0], ONE_HOT[:0]), r"expected x and y of one length, at least 1, received \[0\]"),
    ],
)
def test_misuse_raises_user_error(arguments, reason):
    model, *data = arguments
    if model is None and "keras.Model" not in reason:
        model = model_of()
    with pytest.raises(UserError, match=reason):
        fit(model, *data)


def test_fit_can_be_called_again_after_compile_and_freezing_layers():
    theirs, ours = model_of(), model_of()
    for run in (theirs.fit, lambda *a, **k: fit(ours, *a, **k)):
        run(TABLE, ONE_HOT, verbose=0, shuffle=False)
    for model in (theirs, ours):
        model.layers[0].trainable = False
        model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    before = ours.layers[0].get_weights()[0]
    expected = theirs.fit(TABLE, ONE_HOT, verbose=0, shuffle=False, epochs=2).history
    history = fit(ours, TABLE, ONE_HOT, verbose=0, shuffle=False, epochs=2).history
    assert history["loss"] == pytest.approx(expected["loss"], rel=1e-4)
    np.testing.assert_array_equal(ours.layers[0].get_weights()[0], before)
    predictions = ours.predict(TABLE, verbose=0), ours.evaluate(TABLE, ONE_HOT, verbose=0)
    assert predictions[1][0] < expected["loss"][0]


class Halve(keras.callbacks.Callback):
    """Reads and writes weights between epochs."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.set_weights([0.5 * weights for weights in self.model.get_weights()])


def test_epoch_callbacks_work_unchanged(tmp_path):
    results = []
    for name, run in (("theirs", keras.Model.fit), ("ours", fit)):
        model, best = model_of(), tmp_path / f"{name}.keras"
        callbacks = [
            keras.callbacks.EarlyStopping(monitor="val_loss", patience=1, restore_best_weights=True),
            keras.callbacks.ModelCheckpoint(best, save_best_only=True),
            keras.callbacks.ReduceLROnPlateau(patience=0, factor=0.5),
            keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
            Halve(),
        ]
        options = {"epochs": 8, "verbose": 0, "shuffle": False, "validation_data": (TABLE[:40], ONE_HOT[:40])}
        history = run(model, TABLE, ONE_HOT, callbacks=callbacks, **options).history
        results.append((history, keras.models.load_model(best).get_weights() + model.get_weights()))
    (history, weights), (mine, my_weights) = results
    assert mine.keys() == history.keys()  # the learning rate is one of them
    for key, values in history.items():
        assert mine[key] == pytest.approx(values, rel=1e-3), key
    for one, other in zip(weights, my_weights, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-2, atol=1e-4)


class Batches(keras.callbacks.Callback):
    def __init__(self, every_batch=False):
        super().__init__()
        self.every_batch, self.begun, self.ended = every_batch, [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.begun.append(batch)

    def on_train_batch_end(self, batch, logs=None):
        self.ended.append(batch)
        assert np.isfinite(logs["loss"])


def test_batch_callbacks_are_called_once_for_each_dispatch():
    x, y = np.tile(TABLE, (20, 1)), np.tile(ONE_HOT, (20, 1))
    spy = Batches()
    fit(model_of(), x, y, batch_size=1, epochs=2, verbose=0, callbacks=[spy])
    assert spy.ended[-1] == 1999
    assert spy.ended.count(1999) == 2
    assert len(spy.ended) < 400
    assert spy.begun[1:3] == [end + 1 for end in spy.ended[:2]]


def test_a_callback_with_every_batch_is_called_for_every_batch():
    spy = Batches(every_batch=True)
    fit(model_of(), TABLE, ONE_HOT, epochs=2, verbose=0, callbacks=[spy])
    assert spy.ended == spy.begun == [0, 1, 2, 3] * 2


def test_stop_training_within_an_epoch():
    spy, model = Batches(every_batch=True), model_of()
    stop = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: setattr(model, "stop_training", True))
    history = fit(model, TABLE, ONE_HOT, epochs=5, verbose=0, callbacks=[stop, spy])
    assert spy.ended == [0]
    assert history.epoch == [0]


def test_an_error_in_a_callback_leaves_a_usable_model():
    class Fails(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    model = model_of()
    with pytest.raises(KeyboardInterrupt):
        fit(model, TABLE, ONE_HOT, verbose=0, callbacks=[Fails()])
    assert all(np.isfinite(weights).all() for weights in model.get_weights())
    model.fit(TABLE, ONE_HOT, verbose=0)


def test_a_loss_that_is_not_finite_ends_training():
    x = TABLE.copy()
    x[40, 3] = np.nan
    with pytest.raises(DivergedError, match="expected a finite loss, received nan"):
        fit(model_of(), x, ONE_HOT, epochs=2, verbose=0)


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"steps_per_epoch": 2}, "steps_per_epoch is given"), ({"shuffle": "batch"}, "shuffle='batch'")],
)
def test_what_cannot_be_compiled_is_passed_to_model_fit_with_a_reason(capsys, options, reason):
    assert fit(model_of(), TABLE, ONE_HOT, verbose=0, **options).history["loss"]
    assert capsys.readouterr().err == f"tendigits.fit: model.fit is used, since {reason}\n"


def test_own_data_and_own_steps_are_passed_to_model_fit(capsys):
    class Data(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return TABLE[:32], ONE_HOT[:32]

    class Own(keras.Sequential):
        def train_step(self, state, data):
            return super().train_step(state, data)

    fit(model_of(), Data(workers=0), verbose=0)
    assert "x is not made of arrays" in capsys.readouterr().err
    own = Own([keras.Input((20,)), dense(), layers.Dense(10, "softmax")])
    own.compile(**compiled()())
    fit(own, TABLE, ONE_HOT, verbose=0)
    assert "the model overrides train_step" in capsys.readouterr().err
    with pytest.raises(UserError, match="can be augmented in compiled steps, but the model overrides"):
        fit(own, TABLE, ONE_HOT, verbose=0, augment=lambda x, key: x)
