"""What `tendigits.fit` drives: compiled loops, dispatched at the pace that the machine shows, and the callbacks told.

engine = Engine(model, calls, augment, seed, placement)
logs = engine.train(Arrays.of((x, y), 128, placement), order, epoch=0)
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

TICK = 0.1
"""Seconds that a dispatch should take: the bar moves about ten times a second, and Ctrl-C is answered as soon.

The dispatches cost 2 to 3% of an epoch of the classic recipe (bench/dispatch.py)."""

FEW = 4
"""Steps of a dispatch at least, while they take no more than five TICKs: each dispatch asks the system for its memory
anew, which adds a third to large steps that go alone (bench/NOTES.md)."""

PARTS = 20
"""Dispatches of an epoch where several hosts take part."""


@dataclass(frozen=True)
class Arrays:
    """Data on the device, and how it is cut into batches."""

    data: loop_module.Batches
    n: int
    batch_size: int

    @classmethod
    def of(cls, data: Any, batch_size: int, placement: Placement) -> "Arrays":
        """Put (x, y, sample_weight) on the device, or on every device."""
        data = keras.utils.pack_x_y_sample_weight(*keras.utils.unpack_x_y_sample_weight(data))
        return cls(placement.whole(loop_module.to_device(data)), len(jax.tree.leaves(data)[0]), batch_size)

    @property
    def steps(self) -> int:
        """Batches an epoch; the last may be smaller."""
        return -(-self.n // self.batch_size)

    def first_batch(self) -> loop_module.Batches:
        """As a step takes it."""
        return loop_module.rows_of(self.data, slice(self.batch_size))

    def batches(self, rows: np.ndarray[Any, Any]) -> list[jax.Array]:
        """Rows as int32 (steps, batch_size), and the rest, if there is one, as (1, rest)."""
        whole = self.n // self.batch_size * self.batch_size
        parts = [rows[:whole].reshape(-1, self.batch_size), rows[whole:][None]]
        return [jax.numpy.asarray(part, "int32") for part in parts if part.size]


class Engine:
    """Dispatches the loops, at the pace that the machine shows, and tells the callbacks."""

    def __init__(
        self,
        model: keras.Model,
        calls: keras.callbacks.CallbackList,
        augment: loop_module.Change | None,
        seed: int,
        placement: Placement,
    ) -> None:
        self.model, self.calls, self.placement = model, calls, placement
        self.one_by_one = any(map(needs_every_batch, calls.callbacks))
        self.key = None if augment is None else jax.random.key(seed)
        self.loops = loop_module.loops_of(model, augment)
        self.paces = {"train": _Pace(), "test": _Pace()}

    def train(self, arrays: Arrays, rows: np.ndarray[Any, Any], epoch: int) -> dict[str, Any]:
        """One epoch over the rows; the model's metrics."""
        self.model.reset_metrics()
        self._run("train", arrays, rows, epoch)
        return self._metrics()

    def test(self, arrays: Arrays) -> dict[str, Any]:
        """The model's metrics on all rows."""
        self.model.reset_metrics()
        self.calls.on_test_begin()
        self._run("test", arrays, np.arange(arrays.n))
        logs = self._metrics()
        self.calls.on_test_end(logs)
        return logs

    def _run(self, kind: str, arrays: Arrays, rows: np.ndarray[Any, Any], epoch: int = 0) -> None:
        loop = getattr(self.loops, kind)
        begin, ended = getattr(self.calls, f"on_{kind}_batch_begin"), getattr(self.calls, f"on_{kind}_batch_end")
        values, put_back = getattr(loop_module, f"{kind}_state"), getattr(loop_module, f"set_{kind}_state")
        pace, done = self.paces[kind], 0
        for order in map(self.placement.parted, arrays.batches(rows)):
            first = 0
            key = self.placement.whole(self._key(epoch, done)) if kind == "train" else None
            while first < len(order):
                # Hosts dispatch the same steps: they cannot each go by their own clock.
                steps = 1 if self.one_by_one else -(-len(order) // PARTS) if self.placement.has_hosts else pace.steps
                end = min(first + steps, len(order))
                begin(done + first)
                started = time.perf_counter()
                state = self.placement.whole(values(self.model))
                with self.placement.dispatch(epoch):
                    state, logs = jax.block_until_ready(loop(state, arrays.data, order, first, end, key))
                pace.learn(order.shape, end - first, time.perf_counter() - started)
                put_back(self.model, state)
                if kind == "train":
                    _refuse_infinite(logs, epoch, done + end)
                ended(done + end - 1, logs)
                first = end
                if self.model.stop_training and kind == "train":
                    return
            done += len(order)

    def _key(self, epoch: int, done: int) -> jax.Array | None:
        """For the steps of an epoch after so many; a resumed run draws the same."""
        return None if self.key is None else jax.random.fold_in(jax.random.fold_in(self.key, epoch), done)

    def _metrics(self) -> dict[str, Any]:
        return {name: _plain(value) for name, value in self.model.get_metrics_result().items()}


def _plain(value: Any) -> Any:
    """A number, or an array for the few metrics that give one."""
    array = np.asarray(value)
    return float(array) if array.ndim == 0 else array


class _Pace:
    """How many steps take a TICK, or are a FEW: learned from each dispatch but a program's first, which compiles."""

    def __init__(self) -> None:
        self.steps = 1
        self.seen: set[tuple[int, ...]] = set()

    def learn(self, program: tuple[int, ...], steps: int, seconds: float) -> None:
        if program in self.seen:
            fitting = TICK * steps / max(seconds, 1e-9)
            wanted = max(1, round(fitting), min(FEW, round(5 * fitting)))
            self.steps = min(wanted, self.steps * 16)
        self.seen.add(program)


def needs_every_batch(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback must see each batch: it says `every_batch = True`, or is one of Keras' that counts them."""
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
