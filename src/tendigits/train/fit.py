"""`tendigits.fit`: `model.fit` for a Keras model on arrays that fit in memory, at the speed of the machine.

    history = tendigits.fit(model, x_train, y_train, epochs=5, validation_data=(x_test, y_test))

The arguments, defaults and result are `model.fit`'s. The data lies on the device and each epoch is a few dispatches
of a compiled loop over the model's own training step; what cannot be done so goes to `model.fit` unchanged.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import keras
import numpy as np

from tendigits.errors import DivergedError, UserError
from tendigits.train import compiled
from tendigits.train.average import finalize

Order = Callable[[int, int], np.ndarray[Any, Any]]

TICK = 0.1
"""Seconds that a dispatch should take: the bar moves about ten times a second, and Ctrl-C is answered as soon.

The dispatches cost 2 to 3% of an epoch of the classic recipe (bench/dispatch.py)."""


def fit(
    model: keras.Model,
    x: Any = None,
    y: Any = None,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: str | int = "auto",
    callbacks: Sequence[keras.callbacks.Callback] | keras.callbacks.CallbackList | None = None,
    validation_split: float = 0.0,
    validation_data: Any = None,
    shuffle: bool | str = True,
    class_weight: dict[int, float] | None = None,
    sample_weight: Any = None,
    initial_epoch: int = 0,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    validation_batch_size: int | None = None,
    validation_freq: int | Sequence[int] = 1,
    *,
    order: Order | None = None,
    augment: compiled.Change | None = None,
    seed: int = 0,
) -> keras.callbacks.History:
    """Train a compiled model as `model.fit` would, with many steps in each dispatch.

    Args:
        model, x, ..., validation_freq: as `keras.Model.fit`'s, which takes over where arrays, backend or model are
            not of the kind that can be compiled so; one line on the standard error then says why.
        order: (epoch, n) -> a permutation of n rows, in place of one drawn from NumPy's generator when `shuffle`.
        augment: (x of a batch, key) -> x changed, in each training step, of a model with one input.
        seed: of the keys.

    Returns:
        The History, with the same keys as `model.fit`'s.

    Raises:
        UserError: digits are to be augmented, and the model or data cannot be trained by compiled loops.
        DivergedError: the loss is no longer a finite number.
    """
    arguments = {
        "batch_size": batch_size, "epochs": epochs, "verbose": verbose, "callbacks": callbacks,
        "validation_split": validation_split, "validation_data": validation_data, "shuffle": shuffle,
        "class_weight": class_weight, "sample_weight": sample_weight, "initial_epoch": initial_epoch,
        "steps_per_epoch": steps_per_epoch, "validation_steps": validation_steps,
        "validation_batch_size": validation_batch_size, "validation_freq": validation_freq,
    }  # fmt: skip
    if validation_split and validation_data is None and _is_arrays(x, y, sample_weight):
        (x, y, sample_weight), validation_data = _split((x, y, sample_weight), validation_split)
        arguments |= {"sample_weight": sample_weight, "validation_data": validation_data, "validation_split": 0.0}
    if why := why_not(model, x, y, arguments):
        if augment is not None:
            raise UserError(f"expected a model and arrays that can be augmented in compiled steps, but {why}")
        print(f"tendigits.fit: model.fit is used, since {why}", file=sys.stderr)  # noqa: T201
        return model.fit(x, y, **arguments)
    compiled.use_compilation_cache()
    if class_weight is not None:
        sample_weight = _weights_of(y, class_weight)
    train = _Arrays.of((x, y, sample_weight), batch_size or 32)
    model._symbolic_build(data_batch=train.first_batch())
    test = None if validation_data is None else _Arrays.of(validation_data, validation_batch_size or batch_size or 32)
    calls = callbacks if isinstance(callbacks, keras.callbacks.CallbackList) else keras.callbacks.CallbackList(
        callbacks, add_history=True, add_progbar=verbose != 0, verbose=verbose, epochs=epochs, steps=train.steps,
        model=model,
    )  # fmt: skip
    if order is None:
        order = (lambda _, n: np.random.permutation(n)) if shuffle else (lambda _, n: np.arange(n))
    engine = _Engine(model, calls, augment, seed)
    model.stop_training = False
    logs: dict[str, Any] = {}
    calls.on_train_begin()
    for epoch in range(initial_epoch, epochs):
        calls.on_epoch_begin(epoch)
        logs = engine.train(train, order(epoch, train.n), epoch)
        if test is not None and _is_due(epoch, validation_freq):
            logs |= {f"val_{name}": value for name, value in engine.test(test).items()}
        calls.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    if epochs > 0:
        finalize(model)
    calls.on_train_end(logs)
    return model.history


@dataclass(frozen=True)
class _Arrays:
    """Data on the device, and how it is cut into batches."""

    data: compiled.Batches
    n: int
    batch_size: int

    @classmethod
    def of(cls, data: Any, batch_size: int) -> "_Arrays":
        data = keras.utils.pack_x_y_sample_weight(*keras.utils.unpack_x_y_sample_weight(data))
        return cls(compiled.to_device(data), len(jax.tree.leaves(data)[0]), batch_size)

    @property
    def steps(self) -> int:
        """Batches an epoch; the last may be smaller."""
        return -(-self.n // self.batch_size)

    def first_batch(self) -> compiled.Batches:
        return compiled.rows_of(self.data, slice(self.batch_size))

    def batches(self, rows: np.ndarray[Any, Any]) -> list[jax.Array]:
        """Rows as int32 (steps, batch_size), and the rest, if there is one, as (1, rest)."""
        whole = self.n // self.batch_size * self.batch_size
        parts = [rows[:whole].reshape(-1, self.batch_size), rows[whole:][None]]
        return [jax.numpy.asarray(part, "int32") for part in parts if part.size]


class _Engine:
    """Dispatches the loops, at the pace that the machine shows, and tells the callbacks."""

    def __init__(
        self, model: keras.Model, calls: keras.callbacks.CallbackList, augment: compiled.Change | None, seed: int
    ) -> None:
        self.model, self.calls = model, calls
        self.one_by_one = any(map(needs_every_batch, calls.callbacks))
        self.key = None if augment is None else jax.random.key(seed)
        self.loops = compiled.loops_of(model, augment)
        self.paces = {"train": _Pace(), "test": _Pace()}

    def train(self, arrays: _Arrays, rows: np.ndarray[Any, Any], epoch: int) -> dict[str, Any]:
        """One epoch over the rows; the model's metrics."""
        self.model.reset_metrics()
        self._run("train", arrays, rows, epoch)
        return self._metrics()

    def test(self, arrays: _Arrays) -> dict[str, Any]:
        """The model's metrics on all rows."""
        self.model.reset_metrics()
        self.calls.on_test_begin()
        self._run("test", arrays, np.arange(arrays.n))
        logs = self._metrics()
        self.calls.on_test_end(logs)
        return logs

    def _run(self, kind: str, arrays: _Arrays, rows: np.ndarray[Any, Any], epoch: int = 0) -> None:
        loop = getattr(self.loops, kind)
        begin, ended = getattr(self.calls, f"on_{kind}_batch_begin"), getattr(self.calls, f"on_{kind}_batch_end")
        values, put_back = getattr(compiled, f"{kind}_state"), getattr(compiled, f"set_{kind}_state")
        pace, done = self.paces[kind], 0
        for order in arrays.batches(rows):
            first = 0
            key = self._key(epoch, done) if kind == "train" else None
            while first < len(order):
                end = min(first + (1 if self.one_by_one else pace.steps), len(order))
                begin(done + first)
                started = time.perf_counter()
                state, logs = loop(values(self.model), arrays.data, order, first, end, key)
                jax.block_until_ready(state)
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
    """How many steps take a TICK: learned from each dispatch but a program's first, which compiles."""

    def __init__(self) -> None:
        self.steps = 1
        self.seen: set[tuple[int, ...]] = set()

    def learn(self, program: tuple[int, ...], steps: int, seconds: float) -> None:
        if program in self.seen:
            self.steps = max(1, min(round(TICK * steps / max(seconds, 1e-9)), self.steps * 16))
        self.seen.add(program)


def why_not(model: keras.Model, x: Any, y: Any, arguments: dict[str, Any]) -> str:
    """Why the model or data cannot be trained by compiled loops, in a few words; '' where they can."""
    if (backend := keras.backend.backend()) != "jax":
        return f"the backend is {backend}, not jax"
    own = [name for name in ("train_step", "test_step") if getattr(type(model), name) is not getattr(keras.Model, name)]
    if own:
        return f"the model has a {own[0]} of its own"
    if not getattr(model, "compiled", False):
        return "the model is not compiled"
    if model.run_eagerly or not model.jit_compile:
        return "the model is to run uncompiled"
    if keras.distribution.distribution() is not None:
        return "a distribution is set"
    for name in ("steps_per_epoch", "validation_steps"):
        if arguments[name] is not None:
            return f"{name} is given"
    if arguments["shuffle"] == "batch":
        return "shuffle='batch'"
    validation = arguments["validation_data"]
    for name, data in (
        ("x", x),
        ("y", y),
        ("sample_weight", arguments["sample_weight"]),
        ("validation_data", validation),
    ):
        if not _is_arrays(data):
            return f"{name} is not made of arrays of numbers in memory"
    return ""


def needs_every_batch(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback must see each batch: it says `every_batch = True`, or is one of Keras' that counts them."""
    known = keras.callbacks
    if isinstance(callback, known.ModelCheckpoint | known.BackupAndRestore):
        return bool(callback.save_freq != "epoch")
    if isinstance(callback, known.TensorBoard):
        return bool(callback.update_freq != "epoch")
    return bool(getattr(callback, "every_batch", False))


def _is_arrays(*trees: Any) -> bool:
    """Trees of NumPy or JAX arrays of numbers; None is one without any."""
    leaves = [leaf for tree in trees for leaf in jax.tree.leaves(tree)]
    return all(isinstance(leaf, np.ndarray | jax.Array) and leaf.ndim and leaf.dtype.kind in "biuf" for leaf in leaves)


def _split(data: tuple[Any, ...], share: float) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The last `share` of the rows is held out, as Keras does it, before any shuffling."""
    n = len(jax.tree.leaves(data)[0])
    at = int(np.floor(n * (1.0 - share)))
    if not 0 < at < n:
        raise ValueError(f"validation_split={share} leaves one part of {n} rows empty")
    return jax.tree.map(lambda a: a[:at], data), jax.tree.map(lambda a: a[at:], data)


def _weights_of(y: Any, class_weight: dict[int, float]) -> np.ndarray[Any, Any]:
    """A weight for each row by its class, from labels (n,), (n, 1) or one-hot (n, classes)."""
    y = np.asarray(y)
    labels = y.argmax(axis=-1) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(-1)
    return np.array([class_weight.get(int(label), 1.0) for label in labels], keras.config.floatx())


def _is_due(epoch: int, freq: int | Sequence[int]) -> bool:
    return (epoch + 1) % freq == 0 if isinstance(freq, int) else epoch + 1 in freq


def _refuse_infinite(logs: compiled.Logs, epoch: int, batch: int) -> None:
    loss = float(logs.get("loss", 0.0))
    if not np.isfinite(loss):
        raise DivergedError(
            f"epoch {epoch + 1}: expected a finite loss, received {loss} by batch {batch}; try a smaller learning rate"
        )
