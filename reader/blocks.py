"""What both networks are made of."""

from typing import Any

import keras
from keras import layers

MOMENTUM = 0.98
"""Of batch normalization: a chunk has some hundred steps."""


@keras.saving.register_keras_serializable("reader")
class Normalization(layers.BatchNormalization):  # type: ignore[misc]
    """Batch normalization as one operation of PyTorch: Keras' ten make a training a third longer."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalize float (n, height, width, channels)."""
        from torch.nn.functional import batch_norm  # type: ignore[import-not-found]

        mean, variance = self.moving_mean.value.data, self.moving_variance.value.data  # both are updated in training
        weights = self.gamma.value, self.beta.value
        channels_first = inputs.permute(0, 3, 1, 2)
        normalized = batch_norm(
            channels_first, mean, variance, *weights, bool(training), 1 - self.momentum, self.epsilon
        )
        return normalized.permute(0, 2, 3, 1)


def convolve(
    x: Any, filters: int, kernel: tuple[int, int] = (3, 3), strides: tuple[int, int] = (1, 1), padding: str = "same"
) -> Any:
    """A convolution, batch normalization and ReLU."""
    x = layers.Conv2D(filters, kernel, strides, padding, use_bias=False)(x)
    return layers.ReLU()(_normalization()(x))


def residual(x: Any, filters: int, kernel: tuple[int, int] = (3, 3)) -> Any:
    """Two convolutions, added to what goes in."""
    y = layers.Conv2D(filters, kernel, padding="same", use_bias=False)(convolve(x, filters, kernel))
    return layers.ReLU()(layers.Add()([x, _normalization()(y)]))


def _normalization() -> layers.Layer:
    kind = Normalization if keras.backend.backend() == "torch" else layers.BatchNormalization
    return kind(momentum=MOMENTUM)
