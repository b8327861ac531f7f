"""Dispatch a model's compiled loops, a tenth of a second each, and call the callbacks in between.

dispatcher = Dispatcher(model, callbacks, augment, seed, placement)
logs = dispatcher.train(Arrays.of((x, y), 128, placement), order, epoch=0)
"""

import time
from dataclasses import dataclass
from typing import Any

import jax
import keras
import numpy as np

from tendigits.engine import loop as loop_module
from tendigits.engine.devices import Placement
from tendigits.errors import DivergedError

DISPATCH_SECONDS = 0.1
"""Target duration of a dispatch: the progress bar moves, and Ctrl-C is answered, ten times a second.

The dispatches cost 2 to 3% of an epoch of the classic recipe (bench/dispatch.py)."""

MIN_STEPS = 4
"""Minimum number of steps in a dispatch, unless they take over five DISPATCH_SECONDS. Each dispatch asks the system for
its memory again, which adds a third to a large step that is dispatched alone (bench/NOTES.md)."""

DISPATCHES_PER_EPOCH = 20
"""Used where several processes train together: all must dispatch the same steps, whatever their clocks say."""


@dataclass(frozen=True)
class Arrays:
    """Data on the device, and its batches."""

    data: loop_module.Batches
    n: int
    batch_size: int

    @classmethod
    def of(cls, data: Any, batch_size: int, placement: Placement, *, share: bool = True) -> "Arrays":
        """Put (x, y, sample_weight) on the device, or on every device.

        Args:
            share: on a single CPU, use the memory of large arrays, which then lives as long as this.
        """
        data = keras.utils.pack_x_y_sample_weight(*keras.utils.unpack_x_y_sample_weight(data))
        on_device = loop_module.to_device(data, share=share and placement.mesh is None)
        return cls(placement.replicate(on_device), len(jax.tree.leaves(data)[0]), batch_size)

    @property
    def steps(self) -> int:
        """Batches in an epoch; the last may be smaller."""
        return -(-self.n // self.batch_size)

    def first_batch(self) -> Any:
        """Shapes and dtypes of the first batch, as a step takes it."""
        return jax.eval_shape(loop_module.take_rows, self.data, np.arange(min(self.batch_size, self.n)))

    def batches(self, rows: np.ndarray) -> list[jax.Array]:
        """Rows as int32 (steps, batch_size), and the rest, if there is one, as (1, rest)."""
        whole = self.n // self.batch_size * self.batch_size
        parts = [rows[:whole].reshape(-1, self.batch_size), rows[whole:][None]]
        return [jax.numpy.asarray(part, "int32") for part in parts if part.size]


class Dispatcher:
    """Trains and tests a model in dispatches, and calls its callbacks."""

    def __init__(
        self,
        model: keras.Model,
        callbacks: keras.callbacks.CallbackList,
        augment: loop_module.Augment | None,
        seed: int,
        placement: Placement,
    ) -> None:
        self.model, self.callbacks, self.placement = model, callbacks, placement
        self.every_batch = any(map(needs_every_batch, callbacks.callbacks))
        self.key = None if augment is None else jax.random.key(seed)
        self.loops = loop_module.loops_of(model, augment)
        self.sizes = {kind: DispatchSize(DISPATCH_SECONDS) for kind in ("train", "test")}

    def train(self, arrays: Arrays, rows: np.ndarray, epoch: int) -> dict[str, Any]:
        """Train one epoch, over the rows in this order. Returns the model's metrics."""
        self.model.reset_metrics()
        self._run("train", arrays, rows, epoch)
        return self._metrics()

    def test(self, arrays: Arrays) -> dict[str, Any]:
        """Test on all rows. Returns the model's metrics."""
        self.model.reset_metrics()
        self.callbacks.on_test_begin()
        self._run("test", arrays, np.arange(arrays.n))
        logs = self._metrics()
        self.callbacks.on_test_end(logs)
        return logs

    def _run(self, kind: str, arrays: Arrays, rows: np.ndarray, epoch: int = 0) -> None:
        loop = self.loops[kind]
        begin = getattr(self.callbacks, f"on_{kind}_batch_begin")
        ended = getattr(self.callbacks, f"on_{kind}_batch_end")
        size, done = self.sizes[kind], 0
        for order in map(self.placement.shard, arrays.batches(rows)):
            first = 0
            key = self.placement.replicate(self._key(epoch, done)) if kind == "train" else None
            while first < len(order):
                end = min(first + self._steps(len(order), size), len(order))
                begin(done + first)
                started = time.perf_counter()
                state = self.placement.replicate(loop_module.get_state(self.model, kind))
                arguments = state, arrays.data, order, first, end, key
                with self.placement.dispatch(epoch):
                    if order.shape not in size.seen:
                        loop_module.compile_loop(loop, *arguments)
                    state, logs = jax.block_until_ready(loop(*arguments))
                size.learn(order.shape, end - first, time.perf_counter() - started)
                loop_module.set_state(self.model, kind, state)
                if kind == "train":
                    _refuse_infinite(logs, epoch, done + end)
                ended(done + end - 1, logs)
                first = end
                if self.model.stop_training and kind == "train":
                    return
            done += len(order)

    def _steps(self, in_epoch: int, size: "DispatchSize") -> int:
        """Number of steps in the next dispatch."""
        if self.every_batch:
            return 1
        return -(-in_epoch // DISPATCHES_PER_EPOCH) if self.placement.is_multi_process else size.steps

    def _key(self, epoch: int, done: int) -> jax.Array | None:
        """The key for the steps of an epoch after `done` steps; a resumed run draws the same."""
        return None if self.key is None else jax.random.fold_in(jax.random.fold_in(self.key, epoch), done)

    def _metrics(self) -> dict[str, Any]:
        """Numbers, and arrays for the few metrics that give one."""
        arrays = {name: np.asarray(value) for name, value in self.model.get_metrics_result().items()}
        return {name: float(array) if array.ndim == 0 else array for name, array in arrays.items()}


class DispatchSize:
    """Number of steps in a dispatch, learned from the time each took. A program's first one compiles and is ignored."""

    def __init__(self, target: float) -> None:
        self.target = target
        """Seconds that a dispatch should take."""
        self.steps = 1
        self.seen: set[tuple[int, ...]] = set()

    def learn(self, program: tuple[int, ...], steps: int, seconds: float) -> None:
        """Take note of how long some steps of a program took."""
        if program in self.seen:
            fitting = self.target * steps / max(seconds, 1e-9)
            wanted = max(1, round(fitting), min(MIN_STEPS, round(5 * fitting)))
            self.steps = min(wanted, self.steps * 16)
        self.seen.add(program)


def needs_every_batch(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback must see each batch: it has `every_batch = True`, or is one of Keras' that count batches."""
    known = keras.callbacks
    if isinstance(callback, known.ModelCheckpoint | known.BackupAndRestore):
        return bool(callback.save_freq != "epoch")
    if isinstance(callback, known.TensorBoard):
        return bool(callback.update_freq != "epoch")
    return bool(getattr(callback, "every_batch", False))


def _refuse_infinite(logs: loop_module.Logs, epoch: int, batch: int) -> None:
    loss = float(logs.get("loss", 0.0))
    if not np.isfinite(loss):
        raise DivergedError(
            f"epoch {epoch + 1}: expected a finite loss, received {loss} by batch {batch}; try a smaller learning rate"
        )
