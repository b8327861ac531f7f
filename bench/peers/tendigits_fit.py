"""`tendigits.fit` on a plain compiled Keras model."""

import tendigits  # before Keras, whose backend it chooses

# isort: split
import os

import common
import keras

given = common.arguments()
os.environ["TENDIGITS_KERNEL"] = "off" if given.compiled_loop else "on"
(x, y), (x_test, y_test) = common.digits(given)
keras.utils.set_random_seed(0)
model = common.keras_network(keras, given.model)
clock = common.Clock()
history = tendigits.fit(
    model,
    x,
    common.one_hot(y),
    batch_size=given.batch,
    epochs=1 + given.epochs,
    verbose=0,
    callbacks=[clock.callback(keras)],
)
peak = common.peak_mb()
_, accuracy = model.evaluate(x_test, common.one_hot(y_test), batch_size=1000, verbose=0)
loss = history.history["loss"][-1]
common.say("tendigits", clock.seconds, loss, peak, accuracy, "tendigits", "keras", "jax", "numpy")
