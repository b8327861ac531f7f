"""Teach a reader network the hand of a person from what that person corrected, without forgetting what it knew.

taught = teach(data, Lesson(crops, labels, replay), seed=0)      # the network's file -> another file

The network learns on from its own weights. Beside the corrections, each of them changed a little in many ways, it sees
a replay of other crops, for which it has to answer what it answered before: that costs no labels, and keeps also what
is in none of the corrections (Li, Hoiem, "Learning without forgetting", 2016, https://arxiv.org/abs/1606.09282).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import jax
import keras
import numpy as np

from tendigits.data.preprocess import to_input
from tendigits.engine.fit import fit
from tendigits.model.onnx import from_onnx, to_onnx
from tendigits.model.recipe import Augmentation
from tendigits.train.augment import Change, augmenter

Array = np.ndarray[Any, Any]

NONE = 10
"""The label of what is no digit."""

SHARE = 0.3
"""Of the corrections in what is learned from; the rest is replay."""

EPOCHS, BATCH, RATE = 4, 128, 3e-4

CHANGE = cast(Change, augmenter(Augmentation(shift=1.0, rotate=8.0, scale=0.1, shear=0.15, elastic=0.7, thickness=0.3)))
"""A person writes no digit twice in the same way."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """What to learn, and what not to forget."""

    crops: Array
    """uint8 (n, 28, 28), corrected by a person."""
    labels: Array
    """integers (n,), 0 to 9, or 10 for what is no digit."""
    replay: Array
    """uint8 (m, 28, 28), other digits and things that are none."""


def teach(data: bytes, lesson: Lesson, seed: int = 0, callbacks: Sequence[keras.callbacks.Callback] = ()) -> bytes:
    """Learn a lesson, starting from a network's file; returns the file of the network that has learned.

    Its temperature and threshold are the old ones'.

    Raises:
        ModelFileError: the file is not a reader network.
        DivergedError: the loss is no longer a finite number.
    """
    model, about = from_onnx(data)
    x, y = _material(model, lesson, seed)
    steps = EPOCHS * -(-len(x) // BATCH)
    schedule = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=RATE, warmup_steps=steps // 10 + 1)
    model.compile(keras.optimizers.Adam(schedule), keras.losses.CategoricalCrossentropy(from_logits=True))
    rng = np.random.default_rng((seed, 2))
    fit(
        model, x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0, callbacks=list(callbacks),
        order=lambda _, n: rng.permutation(n),
    )  # fmt: skip
    return to_onnx(model, about)


def _material(model: keras.Model, lesson: Lesson, seed: int) -> tuple[Array, Array]:
    """What the network is trained on: float32 (k, 28, 28, 1) and the probabilities to answer, float32 (k, 11)."""
    replay = _as_images(lesson.replay)
    before = keras.ops.softmax(model.predict(replay, batch_size=500, verbose=0))
    times = max(1, round(SHARE / (1 - SHARE) * len(replay) / len(lesson.labels)))
    own = np.repeat(_as_images(lesson.crops), times, axis=0)
    changed = np.asarray(CHANGE(jax.numpy.asarray(own), jax.random.key(seed)))
    targets = np.eye(NONE + 1, dtype=np.float32)[np.repeat(lesson.labels, times)]
    return np.concatenate([changed, replay]), np.concatenate([targets, np.asarray(before)])


def _as_images(crops: Array) -> Array:
    return to_input(crops).reshape(-1, 28, 28, 1)
