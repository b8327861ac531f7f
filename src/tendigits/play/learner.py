"""A network that learns a few steps at a time, by the compiled loops of `tendigits.fit`.

learner = Learner(Experiment(hidden=(64,), digits=500), Digits.load())
learner.advance(10)                       # at most to the end of the epoch
learner.epoch, learner.progress, learner.curve
learner.probe(learner.weights, x)         # every layer's outputs

An epoch leaves the weights that an epoch of `tendigits.fit` leaves, bit for bit, however it was cut into steps.
"""

import time

import jax
import jax.numpy as jnp
import keras
import numpy as np

from tendigits.data.preprocess import one_hot, to_input
from tendigits.engine import loop
from tendigits.engine.dispatch import Arrays, DispatchSize
from tendigits.errors import DivergedError
from tendigits.model.network import build_network, compile_network
from tendigits.play.curve import Curve
from tendigits.play.digits import Digits
from tendigits.play.experiment import Experiment
from tendigits.play.probe import Probe
from tendigits.train.augment import augmenter

DISPATCH_SECONDS = 0.04
"""Target duration of a dispatch: two networks take turns, and both are seen to move ten times a second."""


class Learner:
    """One network, its optimizer, and where it stands in its training digits."""

    def __init__(self, experiment: Experiment, digits: Digits) -> None:
        loop.use_compilation_cache()
        self.experiment, self.digits = experiment, digits
        recipe = experiment.recipe()
        self.images, self.labels = digits.training(experiment.digits, experiment.label_noise)
        self.model = compile_network(build_network(recipe), recipe)
        data = to_input(self.images), one_hot(self.labels)
        self._arrays = Arrays.of(data, recipe.batch_size)
        self.model._symbolic_build(data_batch=self._arrays.first_batch())
        augment = augmenter(recipe.augmentation)
        self._loop = loop.loops_of(self.model, augment)["train"]
        self._key = None if augment is None else jax.random.key(recipe.seed)
        self._start = loop.get_state(self.model, "train")
        self.probe = Probe(self.model)
        self._size = DispatchSize(DISPATCH_SECONDS)
        self._done = self._first = 0
        self.reset()

    def reset(self) -> None:
        """Start again with the weights of the beginning."""
        self._state = self._start
        self.steps = 0
        """Taken since the beginning."""
        self.epoch = 0
        """Epochs that are finished."""
        self.curve = Curve()
        self._begin_epoch()

    @property
    def weights(self) -> list[jax.Array]:
        """Kernel and bias of each layer, as they are now. Arrays never change: later steps make new ones."""
        return self._state[0]

    @property
    def progress(self) -> float:
        """Epochs, with the part of the one that has begun."""
        return self.epoch + (self._done + self._first) / self._arrays.steps

    def advance(self, steps: int | None = None) -> None:
        """Take so many steps, or as many as take DISPATCH_SECONDS; none beyond the end of the epoch.

        Raises:
            DivergedError: the loss is no longer a finite number.
        """
        order = self._orders[0]
        end = min(self._first + (steps or self._size.steps), len(order))
        key = None if self._key is None else jax.random.fold_in(jax.random.fold_in(self._key, self.epoch), self._done)
        *state, metrics = self._state
        fresh = (*state, [jnp.zeros_like(metric) for metric in metrics])  # the mean of these steps only
        began = time.perf_counter()
        after, logs = jax.block_until_ready(self._loop(fresh, self._arrays.data, order, self._first, end, key))
        self._size.learn(order.shape, end - self._first, time.perf_counter() - began)
        loss, accuracy = float(logs["loss"]), float(logs["accuracy"])
        if not np.isfinite(loss):
            raise DivergedError(
                f"the loss became {loss} after {self.steps + end - self._first} steps; try a smaller learning rate"
            )
        self._state = after
        self.steps += end - self._first
        self._first = end
        if end == len(order):
            self._done, self._first = self._done + end, 0
            self._orders.pop(0)
        if not self._orders:
            self.epoch += 1
            self._begin_epoch()
        self.curve.learned(self.progress, loss, accuracy)

    def _begin_epoch(self) -> None:
        """The order of the digits depends on seed and epoch only, as in `tendigits train`."""
        rows = np.random.default_rng((self.experiment.seed, self.epoch)).permutation(self._arrays.n)
        self._orders = self._arrays.batches(rows)
        self._done = self._first = 0

    @property
    def dense(self) -> list[keras.layers.Dense]:
        """The layers with units, the one of the ten digits included."""
        return self.probe.layers
