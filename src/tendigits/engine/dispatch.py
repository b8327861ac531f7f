"""Run a model's compiled loops in dispatches of a fifth of a second, and call the callbacks between them.

dispatcher = Dispatcher(model, callbacks, augment, seed, {"train": Arrays.of((x, y), 128)})
logs = dispatcher.train(order, epoch=0)
"""

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import jax
import keras
import numpy as np

from tendigits.engine import loop
from tendigits.engine.kernel import Kernel, reason_against
from tendigits.errors import DivergedError

log = logging.getLogger(__name__)

DISPATCH_SECONDS = 0.2  # target duration of a dispatch: how often the progress bar moves and Ctrl-C is noticed
MIN_STEPS_PER_DISPATCH = 4  # unless one takes DISPATCH_SECONDS: each dispatch allocates its memory again


@dataclass(frozen=True)
class Arrays:
    """Data, and its batches."""

    data: loop.Batches
    n: int
    batch_size: int

    @classmethod
    def of(cls, data: Any, batch_size: int) -> "Arrays":
        """Of (x, y) or (x, y, sample_weight), trees of NumPy or JAX arrays."""
        data = keras.utils.pack_x_y_sample_weight(*keras.utils.unpack_x_y_sample_weight(data))
        return cls(data, len(jax.tree.leaves(data)[0]), batch_size)

    @property
    def steps(self) -> int:
        """Batches in an epoch; the last may be smaller."""
        return -(-self.n // self.batch_size)

    def first_batch(self) -> Any:
        """Shapes and dtypes of the first batch."""
        return jax.eval_shape(loop.take_rows, self.data, np.arange(min(self.batch_size, self.n)))

    def batches(self, rows: np.ndarray) -> list[jax.Array]:
        """The rows as int32 (steps, batch_size) and, if some are left over, as (1, rest)."""
        whole = self.n // self.batch_size * self.batch_size
        parts = [rows[:whole].reshape(-1, self.batch_size), rows[whole:][None]]
        return [jax.numpy.asarray(part, "int32") for part in parts if part.size]


class Dispatcher:
    """Trains and tests a model in dispatches, and calls its callbacks."""

    def __init__(
        self,
        model: keras.Model,
        callbacks: keras.callbacks.CallbackList,
        augment: loop.Augment | None,
        seed: int,
        arrays: dict[str, Arrays],
    ) -> None:
        """The arrays are those to "train" and to "test" on."""
        self.model, self.callbacks, self.arrays, self.augment = model, callbacks, arrays, augment
        self.every_batch = any(map(needs_every_batch, callbacks.callbacks))
        self.key = None if augment is None else jax.random.key(seed)
        self.parts = loop.parts_of(model)
        self.kernel: Kernel | None = None
        batch_size = max(min(each.batch_size, each.n) for each in arrays.values())
        reason = "of the augmentation" if augment else "a callback is called for each batch" if self.every_batch else ""
        with interrupts_wait():  # ctypes would make them errors of its arguments
            if reason := reason or reason_against(model, [each.data for each in arrays.values()], batch_size):
                self._use_compiled_loop(reason)
            else:
                self.kernel = Kernel(model, batch_size)
        self.steps = {"train": 1, "test": 1}  # of the next dispatch

    def train(self, rows: np.ndarray, epoch: int) -> dict[str, Any]:
        """Train one epoch, over the rows in this order. Returns the model's metrics."""
        self.model.reset_metrics()
        try:
            self._run("train", rows, epoch)
        finally:
            if self.kernel is not None:
                with interrupts_wait():
                    self.kernel.finish()
        return self._metrics()

    def test(self) -> dict[str, Any]:
        """Test on all rows. Returns the model's metrics."""
        self.model.reset_metrics()
        self.callbacks.on_test_begin()
        self._run("test", np.arange(self.arrays["test"].n))
        logs = self._metrics()
        self.callbacks.on_test_end(logs)
        return logs

    def _run(self, kind: str, rows: np.ndarray, epoch: int = 0) -> None:
        arrays = self.arrays[kind]
        on_begin = getattr(self.callbacks, f"on_{kind}_batch_begin")
        on_end = getattr(self.callbacks, f"on_{kind}_batch_end")
        done = 0
        for order in arrays.batches(rows):
            first, key = 0, None
            if kind == "train" and self.key is not None:  # a resumed run uses the same keys
                key = jax.random.fold_in(jax.random.fold_in(self.key, epoch), done)
            while first < len(order):
                end = min(first + (1 if self.every_batch else self.steps[kind]), len(order))
                on_begin(done + first)
                with interrupts_wait() as received:
                    run, data = self._loop(kind), self.arrays[kind].data
                    started = time.perf_counter()
                    state, logs = run(loop.get_state(self.model, kind), data, order, first, end, key)
                    loop.set_state(self.model, kind, jax.block_until_ready(state))
                    self.steps[kind] = steps_of_next(self.steps[kind], end - first, time.perf_counter() - started)
                    if self.kernel is not None and (received or done + end == arrays.steps):
                        self.kernel.finish()
                if kind == "train" and not np.isfinite(loss := float(logs.get("loss", 0.0))):
                    raise DivergedError(
                        f"epoch {epoch + 1}: expected a finite loss, received {loss} by batch {done + end}; "
                        "try a smaller learning rate"
                    )
                on_end(done + end - 1, logs)
                first = end
                if self.model.stop_training and kind == "train":
                    return
            done += len(order)

    def _loop(self, kind: str) -> loop.Loop:
        """That of the kernel, until a callback has frozen a layer, compiled the model or the like."""
        if not loop.is_same(self.parts, loop.parts_of(self.model)):
            if self.kernel is not None:
                self.kernel.finish()
                self._use_compiled_loop("a callback has changed the model")
            self.model._symbolic_build(data_batch=self.arrays["train"].first_batch())
            self.parts = loop.parts_of(self.model)
        return getattr(self.kernel, kind) if self.kernel else loop.loops_of(self.model, self.augment)[kind]

    def _use_compiled_loop(self, reason: str) -> None:
        log.debug("tendigits.fit: the compiled loop trains, not the kernel: %s", reason)
        self.kernel = None
        self.arrays = {kind: replace(each, data=loop.to_device(each.data)) for kind, each in self.arrays.items()}

    def _metrics(self) -> dict[str, Any]:
        """Floats; arrays for metrics that are not a single number."""
        arrays = {name: np.asarray(value) for name, value in self.model.get_metrics_result().items()}
        return {name: float(array) if array.ndim == 0 else array for name, array in arrays.items()}


@contextmanager
def interrupts_wait() -> Iterator[list[int]]:
    """Raise what Ctrl-C and SIGTERM raise at the end of the block, whose changes belong together.

    Yields a list, which gets the numbers of the signals.
    """
    received: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    is_main = threading.current_thread() is threading.main_thread()  # the only one that Python interrupts
    handlers = {number: handler for number, handler in handlers.items() if is_main and callable(handler)}
    try:
        for number in handlers:
            signal.signal(number, lambda number, _: received.append(number))
        yield received
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for name in received:
            signal.raise_signal(name)


def steps_of_next(before: int, steps: int, seconds: float) -> int:
    """How many steps the next dispatch should take, if `steps` took these seconds: at most 16 times `before`.

    The first dispatch of a program compiles it, which takes long: then the next one has a single step again.
    """
    fitting = DISPATCH_SECONDS * steps / max(seconds, 1e-9)
    return min(max(1, round(fitting), min(MIN_STEPS_PER_DISPATCH, round(5 * fitting))), 16 * before)


def needs_every_batch(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback must be called for each batch.

    True if it has `every_batch = True`, or is one of Keras' callbacks that count batches.
    """
    counts_batches = any(getattr(callback, name, "epoch") != "epoch" for name in ("save_freq", "update_freq"))
    return counts_batches or getattr(callback, "every_batch", False)
