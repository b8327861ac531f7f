"""Models, data, settings and callbacks that Hypothesis draws: `tendigits.fit` trains what `model.fit` does.

python -m pytest tests/engine/test_drawn_models.py -m slow -s --hypothesis-profile=models    # 2,000 of them, an hour
"""

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from keras import layers, optimizers

from tendigits.engine.fit import fit

OPTIMIZERS = st.one_of(
    st.builds(lambda rate, beta: lambda: optimizers.Adam(rate, beta_1=beta), st.floats(1e-4, 0.02), st.floats(0, 0.95)),
    st.builds(lambda rate, a: lambda: optimizers.SGD(rate, momentum=a), st.floats(1e-4, 0.1), st.floats(0, 0.95)),
    st.builds(lambda rate, rho: lambda: optimizers.RMSprop(rate, rho=rho), st.floats(1e-4, 0.01), st.floats(0.5, 0.99)),
)
LAYERS = st.tuples(
    st.integers(1, 40),
    st.sampled_from(["relu", "tanh", "sigmoid", "linear", "gelu"]),
    st.sampled_from([0, 0, 0.1, 0.5]),
)


class Sets(keras.callbacks.Callback):
    """Changes the learning rate or the weights between epochs."""

    def __init__(self, what):
        super().__init__()
        self.what = what

    def on_epoch_end(self, epoch, logs=None):
        if self.what == "rate":
            self.model.optimizer.learning_rate = 0.5 * float(self.model.optimizer.learning_rate)
        if self.what == "weights":
            self.model.set_weights([0.9 * weights for weights in self.model.get_weights()])
        if self.what == "stop":
            self.model.stop_training = True


@st.composite
def trainings(draw):
    """(function that makes the compiled model, x, y, options of fit)."""
    inputs, classes, n = draw(st.integers(1, 40)), draw(st.integers(2, 12)), draw(st.integers(1, 70))
    hidden, optimizer, seed = draw(st.lists(LAYERS, max_size=3)), draw(OPTIMIZERS), draw(st.integers(0, 99))
    is_sparse, metrics = draw(st.booleans()), draw(st.sampled_from([[], ["accuracy"], ["accuracy", "mse"]]))
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (n, inputs)).astype(np.float32) * (rng.random((n, inputs)) < draw(st.sampled_from([0.3, 1])))
    labels = rng.integers(0, classes, n)
    y = labels if is_sparse else np.eye(classes, dtype=np.float32)[labels]
    metrics = metrics[:1] if is_sparse else metrics

    def make():
        keras.utils.set_random_seed(seed)
        # With biases of 0, Adam's first step gives classes the same ones, and rows whose units are all 0 the same
        # probabilities: then rounding decides, for many rows at once.
        biases = keras.initializers.RandomNormal(seed=seed)
        model = keras.Sequential([keras.Input((inputs,))])
        for units, activation, dropout in hidden:
            model.add(layers.Dense(units, activation, bias_initializer=biases))
            model.add(layers.Dropout(dropout, seed=seed))
        model.add(layers.Dense(classes, "softmax", bias_initializer=biases))
        loss = "sparse_categorical_crossentropy" if is_sparse else "categorical_crossentropy"
        model.compile(optimizer(), loss, metrics=list(metrics))
        return model

    options = {"batch_size": draw(st.integers(1, 80)), "epochs": draw(st.integers(1, 3)), "shuffle": False}
    if draw(st.booleans()):
        options["validation_data"] = (x[: n // 2 + 1], y[: n // 2 + 1])
    return make, x, y, options, draw(st.sampled_from(["", "rate", "weights", "stop"]))


LARGEST = {"losses": 0.0, "accuracies": 0.0, "weights": 0.0, "models": 0}


def check(training):
    make, x, y, options, what = training
    theirs, ours = make(), make()
    expected = theirs.fit(x, y, verbose=0, callbacks=[Sets(what)], **options).history
    found = fit(ours, x, y, verbose=0, callbacks=[Sets(what)], **options).history
    assert list(found) == list(expected)
    LARGEST["models"] += 1
    for key, values in expected.items():
        rows = len(options["validation_data"][0]) if key.startswith("val_") else len(x)
        kind, atol = ("accuracies", 1.01 / rows) if key.endswith("accuracy") else ("losses", 1e-4)  # one row: rounding
        LARGEST[kind] = max(LARGEST[kind], float(np.abs(np.subtract(found[key], values)).max()))
        np.testing.assert_allclose(found[key], values, rtol=1e-3, atol=atol, err_msg=key)
    for mine, other in zip(
        ours.variables + ours.optimizer.variables, theirs.variables + theirs.optimizer.variables, strict=True
    ):
        mine, other = np.asarray(mine), np.asarray(other)
        if other.dtype.kind != "f":
            np.testing.assert_array_equal(mine, other)
        elif other.size:
            LARGEST["weights"] = max(LARGEST["weights"], float(np.abs(mine - other).max()))
            np.testing.assert_allclose(mine, other, rtol=2e-2, atol=2e-3)
    event(f"{len(options)} options, {what}")


@given(trainings())
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_few_drawn_models_train_as_in_keras(training):
    check(training)


@pytest.mark.slow
@given(trainings())
@settings(max_examples=settings.default.max_examples // 4, deadline=None, suppress_health_check=list(HealthCheck))
def test_drawn_models_train_as_in_keras(training):
    """A quarter of what the profile says, as each is compiled several times; the largest differences are printed."""
    check(training)
    print(LARGEST)  # noqa: T201
