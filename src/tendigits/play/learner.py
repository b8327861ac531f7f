"""A network that learns a few steps at a time, by the compiled loops of `tendigits.fit`.

learner = Learner(Experiment(hidden=(64,), digits=500), load())
learner.advance(10)                          # at most to the end of the epoch
learner.epoch, learner.progress, learner.training_curve.points
hidden, output = learner.outputs(x)          # x float32 (n, 784) -> float32 (n, units) for each layer

An epoch ends with the same weights as one of `tendigits.fit`, bit for bit, no matter how many calls it took.
"""

import time
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from tendigits.data.dataset import Dataset, Pixels
from tendigits.data.preprocess import one_hot, to_input
from tendigits.engine import loop
from tendigits.engine.dispatch import Arrays, DispatchSize
from tendigits.errors import DivergedError
from tendigits.model.network import build_network, compile_network
from tendigits.play.experiment import NOISE_SEED, Experiment
from tendigits.train.augment import augmenter

DISPATCH_SECONDS = 0.04  # of a call of `advance`: two networks take turns, and move ten times a second on the page
MAX_POINTS = 240  # points of a curve; its chart is 460 pixels wide

Point = tuple[float, float, float]  # epochs, loss, accuracy


def with_wrong_labels(labels: Pixels, fraction: float) -> Pixels:
    """Make a fraction of the labels, uint8 (n,), wrong: the same ones each time."""
    random = np.random.default_rng(NOISE_SEED)
    is_wrong = random.random(len(labels)) < fraction
    return np.where(is_wrong, (labels + random.integers(1, 10, len(labels))) % 10, labels).astype(np.uint8)


class Curve:
    """Loss and accuracy over the epochs, in at most MAX_POINTS points.

    When they are too many, each two become their mean, and from then on a point stands for twice as many steps.
    """

    def __init__(self) -> None:
        self._finished: list[Point] = []
        self._current: list[Point] = []
        self._steps_per_point = 1

    def add(self, epochs: float, loss: float, accuracy: float) -> None:
        """Add a result after a number of epochs, such as 1.5."""
        self._current.append((epochs, loss, accuracy))
        if len(self._current) == self._steps_per_point:
            self._finished.append(_mean(self._current))
            self._current = []
        if len(self._finished) == MAX_POINTS:
            self._finished = [_mean(self._finished[i : i + 2]) for i in range(0, MAX_POINTS, 2)]
            self._steps_per_point *= 2

    @property
    def points(self) -> list[Point]:
        """All points; the last one has the newest result."""
        return [*self._finished, _mean(self._current)] if self._current else list(self._finished)


def _mean(points: list[Point]) -> Point:
    """The epochs of the last point, and the mean loss and accuracy."""
    _, loss, accuracy = np.mean(points, axis=0).round(5).tolist()
    return round(points[-1][0], 5), loss, accuracy


class Learner:
    """One network, its optimizer, and how far it has come in its training digits."""

    def __init__(self, experiment: Experiment, dataset: Dataset) -> None:
        loop.use_compilation_cache()
        self.experiment, self.dataset = experiment, dataset
        self.test_input = to_input(dataset.x_test)  # float32 (n, 784)
        recipe = experiment.recipe()
        self.images = dataset.x_train[: experiment.digits]
        self.labels = with_wrong_labels(dataset.y_train[: experiment.digits], experiment.label_noise)
        self.model = compile_network(build_network(recipe), recipe)
        # The hidden layers and the output layer.
        self.dense = [layer for layer in self.model.layers if isinstance(layer, keras.layers.Dense)]
        self._arrays = Arrays.of((to_input(self.images), one_hot(self.labels)), recipe.batch_size)
        self.model._symbolic_build(data_batch=self._arrays.first_batch())
        augment = augmenter(recipe.augmentation)
        self._loop = loop.loops_of(self.model, augment)["train"]
        self._key = None if augment is None else jax.random.key(recipe.seed)
        self._start = loop.get_state(self.model, "train")
        self._outputs, self._gradient = _compile(self.model, self.dense)
        self._size = DispatchSize(DISPATCH_SECONDS)
        self.reset()

    def reset(self) -> None:
        """Start again with the initial weights."""
        self._state = self._start
        self.steps = 0  # since the start
        self.training_curve, self.test_curve = Curve(), Curve()

    @property
    def weights(self) -> list[jax.Array]:
        """Kernel and bias of each layer. Arrays never change, later steps make new ones: other threads may use them."""
        return self._state[0]

    @property
    def epoch(self) -> int:
        """Finished epochs."""
        return self.steps // self._arrays.steps

    @property
    def progress(self) -> float:
        """Epochs, with the part of the current one."""
        return self.steps / self._arrays.steps

    def advance(self, steps: int | None = None) -> None:
        """Take this number of steps, or as many as take DISPATCH_SECONDS; none beyond the end of the epoch.

        Raises DivergedError if the loss is no longer a finite number.
        """
        first, done = self.steps % self._arrays.steps, 0
        if first == 0:  # the order of the digits depends on seed and epoch only, as in `tendigits train`
            rows = np.random.default_rng((self.experiment.seed, self.epoch)).permutation(self._arrays.n)
            self._orders = self._arrays.batches(rows)
        order = self._orders[0]
        if first >= len(order):  # the smaller last batch
            done, first, order = len(order), 0, self._orders[1]
        end = min(first + (steps or self._size.steps), len(order))
        key = None if self._key is None else jax.random.fold_in(jax.random.fold_in(self._key, self.epoch), done)
        *state, metrics = self._state
        fresh = (*state, [jnp.zeros_like(metric) for metric in metrics])  # the mean of these steps only
        began = time.perf_counter()
        after, logs = jax.block_until_ready(self._loop(fresh, self._arrays.data, order, first, end, key))
        self._size.learn(order.shape, end - first, time.perf_counter() - began)
        reached, loss = self.steps + end - first, float(logs["loss"])
        if not np.isfinite(loss):
            raise DivergedError(f"the loss became {loss} after {reached} steps; try a smaller learning rate")
        self._state, self.steps = after, reached
        self.training_curve.add(self.progress, loss, float(logs["accuracy"]))

    def outputs(self, x: np.ndarray) -> list[np.ndarray]:
        """Each layer's outputs for `x`, float32 (n, 784) in [0, 1]: float32 (n, units); the last are probabilities."""
        return [np.asarray(layer) for layer in self._outputs(self.weights, x)]

    def gradient(self, x: np.ndarray, layer: int, unit: int) -> np.ndarray:
        """How a unit's output rises with each pixel, averaged over the digits `x`: float32 (784,)."""
        return np.asarray(self._gradient(self.weights, jnp.asarray(x), layer, unit))


def _compile(model: keras.Model, layers: list[keras.layers.Dense]) -> tuple[Any, Any]:
    """Compiled functions of Keras' own stateless call: each layer's outputs, and the gradient of a unit's output."""
    functional = keras.Model(model.inputs, [layer.output for layer in layers])
    others = [variable.value for variable in functional.non_trainable_variables]

    def outputs(weights: Any, x: Any) -> list[jax.Array]:
        found = functional.stateless_call(weights, others, x, training=False)[0]
        return list(found) if isinstance(found, list | tuple) else [found]

    def gradient(weights: Any, x: Any, layer: int, unit: Any) -> jax.Array:
        mean: jax.Array = jax.grad(lambda x: outputs(weights, x)[layer][:, unit].sum())(x).mean(axis=0)
        return mean

    return jax.jit(outputs), jax.jit(gradient, static_argnums=2)
