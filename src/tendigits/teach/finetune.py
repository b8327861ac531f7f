"""Fine-tune the network for digits on a person's corrections without forgetting what it knew.

tuned = fine_tune(data, crops, labels, rehearsal, seed=0)       # ONNX file -> ONNX file

Training starts from the network's own weights, on augmented copies of the corrections and on rehearsal crops, whose
targets are the network's own predictions: these need no labels and keep what no correction shows (Li and Hoiem,
"Learning without Forgetting", 2016, https://arxiv.org/abs/1606.09282).
"""

from collections.abc import Sequence
from typing import Any, cast

import jax
import keras
import numpy as np

from tendigits.data.preprocess import to_input
from tendigits.engine.fit import fit
from tendigits.model.onnx import from_onnx, to_onnx
from tendigits.model.recipe import Augmentation
from tendigits.teach.evaluate import NON_DIGIT
from tendigits.train.augment import Augmenter, augmenter

Array = np.ndarray[Any, Any]
Callbacks = Sequence[keras.callbacks.Callback]

CORRECTIONS_PER_REHEARSAL = 0.3 / 0.7  # corrections are 30% of the training data, rehearsal is 70%
EPOCHS = 4
BATCH_SIZE = 128
LEARNING_RATE = 3e-4
AUGMENTATION = Augmentation(shift=1.0, rotate=8.0, scale=0.1, shear=0.15, elastic=0.7, thickness=0.3)
AUGMENT = cast(Augmenter, augmenter(AUGMENTATION))


def fine_tune(
    data: bytes, crops: Array, labels: Array, rehearsal: Array, seed: int = 0, callbacks: Callbacks = ()
) -> bytes:
    """Fine-tune the network of an ONNX file; returns the new file, with the same temperature and threshold.

    Args:
        crops: uint8 (n, 28, 28), corrected by a person.
        labels: integers (n,), 0 to 9, or 10 for a non-digit.
        rehearsal: uint8 (m, 28, 28), digits and non-digits that must not be forgotten.

    Raises DivergedError if the loss is no longer a finite number.
    """
    model, metadata = from_onnx(data)
    x, y = _training_data(model, crops, labels, rehearsal, seed)
    rng = np.random.default_rng((seed, 2))
    model.compile(adam(EPOCHS * -(-len(x) // BATCH_SIZE)), keras.losses.CategoricalCrossentropy(from_logits=True))
    fit(model, x, y, BATCH_SIZE, EPOCHS, verbose=0, callbacks=callbacks, order=lambda _, n: rng.permutation(n))
    return to_onnx(model, metadata)


def adam(steps: int) -> keras.optimizers.Adam:
    """Adam for a whole training: its rate rises to LEARNING_RATE in a tenth of the steps, then falls along a cosine."""
    decay = keras.optimizers.schedules.CosineDecay
    return keras.optimizers.Adam(decay(0.0, steps, warmup_target=LEARNING_RATE, warmup_steps=steps // 10 + 1))


def _training_data(model: keras.Model, crops: Array, labels: Array, rehearsal: Array, seed: int) -> tuple[Array, Array]:
    """Inputs, float32 (k, 28, 28, 1), and target probabilities, float32 (k, 11)."""
    old, corrected = (to_input(pictures).reshape(-1, 28, 28, 1) for pictures in (rehearsal, crops))
    predictions = keras.ops.softmax(model.predict(old, batch_size=500, verbose=0))
    repeats = max(1, round(CORRECTIONS_PER_REHEARSAL * len(old) / len(labels)))
    augmented = np.asarray(AUGMENT(jax.numpy.repeat(corrected, repeats, axis=0), jax.random.key(seed)))
    targets = np.eye(NON_DIGIT + 1, dtype=np.float32)[np.repeat(labels, repeats)]
    return np.concatenate([augmented, old]), np.concatenate([targets, np.asarray(predictions)])
