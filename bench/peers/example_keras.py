"""Keras' example "Simple MNIST convnet" with its published settings, on the backend in KERAS_BACKEND.

Two convolutions with max pooling, dropout 0.5, Adam, batch 128, 15 epochs on 90% of the training digits. After each
epoch it prints the accuracy on the test digits as a JSON line.
"""

import json
from typing import Any

import common
import keras

given = common.arguments()
given.model = "conv"
(x, y), (x_test, y_test) = common.digits(given)


class Tell(keras.callbacks.Callback):
    """A line for each epoch."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Judge the test digits, and tell."""
        _, accuracy = self.model.evaluate(x_test, common.one_hot(y_test), batch_size=1000, verbose=0)
        print(json.dumps({"epoch": epoch + 1, "accuracy": accuracy}), flush=True)


keras.utils.set_random_seed(given.seed)
model = common.keras_network(keras, "conv")
model.fit(
    x, common.one_hot(y), batch_size=128, epochs=given.epochs, validation_split=0.1, verbose=0, callbacks=[Tell()]
)
