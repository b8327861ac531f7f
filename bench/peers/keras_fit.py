"""`model.fit` of Keras, or of keras-nightly, on the backend in KERAS_BACKEND."""

import os
from importlib.metadata import PackageNotFoundError, version

import common
import keras

given = common.arguments()
backend = keras.backend.backend()
if backend != os.environ.get("KERAS_BACKEND"):
    raise SystemExit(f"expected KERAS_BACKEND to name the backend, found {backend}")
(x, y), (x_test, y_test) = common.digits(given)
keras.utils.set_random_seed(0)
steps = given.steps_per_execution
model = common.keras_network(keras, given.model, **({"steps_per_execution": steps} if steps > 1 else {}))
clock = common.Clock()
history = model.fit(
    x,
    common.one_hot(y),
    batch_size=given.batch,
    epochs=1 + given.epochs,
    verbose=0,
    callbacks=[clock.callback(keras)],
)
peak = common.peak_mb()
_, accuracy = model.evaluate(x_test, common.one_hot(y_test), batch_size=1000, verbose=0)
try:
    name = "keras-nightly"
    version(name)
except PackageNotFoundError:
    name = "keras"
loss = history.history["loss"][-1]
common.say(f"{name}_{backend}_{steps}", clock.seconds, loss, peak, accuracy, name, backend, "numpy")
