"""Many steps of a Keras model in one compiled program: what `tendigits.fit` dispatches.

Keras gives every model on JAX two pure functions, `train_step(state, batch)` and `test_step(state, batch)`. A compiled
loop over a step function leaves nothing between the steps: no Python, no copies of batches, no dispatch. The first and
last step are arguments, so one program serves dispatches of any length.
"""

import ctypes
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import platformdirs

from tendigits.engine.conv import fast_convolutions, is_slow_in_a_loop
from tendigits.engine.matmul import fast_products

State = tuple[list[jax.Array], ...]
Batches = Any
"""A tree of device arrays, of Pixels and of Shared, all with the same number of rows."""
Logs = dict[str, jax.Array]
Step = Callable[[State, Any], tuple[Logs, State]]
"""Keras' own: (state, batch) -> (logs, state)."""
Loop = Callable[[State, Batches, jax.Array, int, int, jax.Array | None], tuple[State, Logs]]
"""(state, data, order (steps, batch), first, end, key) -> (state after those steps, logs of the last)."""
Augment = Callable[[jax.Array, jax.Array], jax.Array]
"""(x of a training batch, key) -> augmented x."""


MIN_SHARED = 32 << 20
"""Bytes of the smallest array that JAX and NumPy share. So much memory always begins at the same place of a page: the
compiled program, which knows that place, is the same the next time."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Pixels:
    """Floats that are multiples of 1/255, as scaled images are, kept as bytes: a quarter of the memory."""

    bytes: jax.Array
    values: jax.Array
    """float32 (256,): the float of each byte. XLA would turn a division by 255 into a product: other last bits."""

    @classmethod
    def of(cls, array: np.ndarray) -> "Pixels | None":
        """None unless the bytes give back every bit of the array."""
        pixels, scale = _aligned_bytes(array.shape), np.float32(255)
        rows = max(1, (1 << 17) // max(1, array[:1].size))  # in parts, which stay in the cache
        for first in range(0, len(array), rows):
            part = array[first : first + rows].astype(np.float32, copy=False)
            scaled = part * scale
            with np.errstate(invalid="ignore"):  # what no byte holds becomes any byte, which is not equal below
                pixels[first : first + rows] = np.rint(scaled, out=scaled)
            np.divide(pixels[first : first + rows], scale, out=scaled)
            if not np.array_equal(scaled, part):
                return None
        values = np.arange(256, dtype=np.float32) / scale
        return cls(jax.device_put(pixels, may_alias=True), jnp.asarray(values))


@partial(jax.tree_util.register_dataclass, data_fields=["flat", "first"], meta_fields=["skipped"])
@dataclass(frozen=True)
class Shared:
    """float32 rows that stay where NumPy has them: JAX on the CPU uses memory from a multiple of 64 bytes on."""

    flat: jax.Array
    """float32, all numbers from there on."""
    first: jax.Array
    """float32 (1, ...), a copy of the first row, whose beginning `flat` has not."""
    skipped: int
    """Numbers before `flat`, fewer than 16."""

    @classmethod
    def of(cls, array: np.ndarray) -> "Shared | None":
        """None for what is small, lies otherwise in memory, or goes to another device."""
        is_plain = array.dtype == np.float32 and array.ndim > 1 and array.flags.c_contiguous and array.flags.aligned
        if not is_plain or array.nbytes < MIN_SHARED or array.size >= 2**31 or jax.default_backend() != "cpu":
            return None
        skipped = -array.ctypes.data % 64 // array.itemsize
        if skipped > array[:1].size:
            return None
        flat = np.asarray(array).reshape(-1)[skipped:]  # no np.memmap
        return cls(jax.device_put(flat, may_alias=True), jnp.asarray(array[:1]), skipped)

    def take(self, rows: jax.Array) -> jax.Array:
        """Copies of these rows."""
        size, shape = self.first.size, (len(rows), *self.first.shape[1:])
        numbers = jax.lax.GatherDimensionNumbers((1,), collapsed_slice_dims=(), start_index_map=(0,))
        starts = (rows * size - self.skipped)[:, None]
        taken = jax.lax.gather(self.flat, starts, numbers, (size,), mode="clip")
        return jnp.where((rows == 0)[:, None], self.first.reshape(1, -1), taken).reshape(shape)


def loops_of(model: keras.Model, augment: Augment | None = None) -> dict[str, Loop]:
    """The loops "train" and "test"; compiled anew after `model.compile` and for another `augment` or frozen layers."""
    key = (
        augment,
        id(model.optimizer),
        id(model._compile_loss),
        id(model._compile_metrics),
        tuple(variable.path for variable in model.trainable_variables),
    )
    known = model.__dict__.get("_tendigits_loops")
    if known is None or known[0] != key:
        compiled = _stepwise if is_slow_in_a_loop(model) else _scanned
        known = (key, {"train": compiled(model.train_step, augment), "test": compiled(model.test_step, None)})
        model.__dict__["_tendigits_loops"] = known  # around Keras' __setattr__, which would track it as a layer
    loops: dict[str, Loop] = known[1]
    return loops


def compile_loop(loop: Loop, *arguments: Any) -> None:
    """Compile a loop for these arguments, and give the system back what that took: 70 MB, which glibc would keep."""
    if hasattr(loop, "lower"):  # a loop in Python compiles its step when it first takes it
        loop.lower(*arguments).compile()
    if sys.platform == "linux":
        with suppress(AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)


def get_state(model: keras.Model, kind: str) -> State:
    """The values that a "train" or "test" step reads or changes."""
    return tuple([variable.value for variable in group] for group in _variables(model, kind))


def set_state(model: keras.Model, kind: str, state: State) -> None:
    """Put the values back into the model's variables."""
    for group, values in zip(_variables(model, kind), state, strict=True):
        for variable, value in zip(group, values, strict=True):
            variable.assign(value)


def to_device(tree: Any, *, share: bool = True) -> Batches:
    """Convert arrays to JAX as Keras converts its batches: floats to Keras' float type, others as they are.

    Large arrays of floats become Shared if `share` allows it; other floats that are multiples of 1/255 become Pixels.
    """

    def convert(array: Any) -> jax.Array | Pixels | Shared:
        if not jnp.issubdtype(array.dtype, jnp.floating):
            return jnp.asarray(array)
        if keras.config.floatx() == "float32" and not isinstance(array, jax.Array):
            kept = (share and Shared.of(array)) or Pixels.of(array)
            if kept is not None:
                return kept
        return jnp.asarray(array, keras.config.floatx())

    return jax.tree.map(convert, tree)


def take_rows(data: Batches, rows: jax.Array) -> Any:
    """The batch of these rows, as a step takes it."""

    def take(kept: Any) -> jax.Array:
        if isinstance(kept, Shared):
            return kept.take(rows)
        if isinstance(kept, Pixels):
            return kept.values[kept.bytes[rows]]
        taken: jax.Array = kept[rows]
        return taken

    return jax.tree.map(take, data, is_leaf=lambda kept: isinstance(kept, Pixels | Shared))


def use_compilation_cache() -> None:
    """Keep compiled programs in the user's cache folder, so that a second run compiles nothing.

    Not where JAX has a folder already, nor where the variable TENDIGITS_COMPILATION_CACHE is "off".
    """
    if os.environ.get("TENDIGITS_COMPILATION_CACHE") == "off" or jax.config.jax_compilation_cache_dir:
        return
    jax.config.update("jax_compilation_cache_dir", platformdirs.user_cache_dir("tendigits", appauthor=False))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)  # many small programs add up, too


def _scanned(step: Step, augment: Augment | None) -> Loop:
    """One program runs many steps."""

    def traced(state: State, batch: Any) -> tuple[Logs, State]:
        return step(state, batch)

    step_once = jax.jit(traced, inline=True)  # Keras' Python runs once, though the step is asked for twice

    def loop(
        state: State, data: Batches, order: jax.Array, first: int, end: int, key: jax.Array | None
    ) -> tuple[State, Logs]:
        def body(i: Any, carried: Any) -> Any:
            logs, new = step_once(carried[0], _augmented(take_rows(data, order[i]), augment, key, i))
            return jax.tree.map(lambda value, old: jnp.asarray(value, old.dtype), (new, logs), carried)

        with fast_convolutions(), fast_products():
            logs = jax.eval_shape(lambda: step_once(state, take_rows(data, order[0]))[0])
            start = (state, jax.tree.map(lambda log: jnp.zeros(log.shape, log.dtype), logs))
            result: tuple[State, Logs] = jax.lax.fori_loop(first, end, body, start)
            return result

    compiled: Loop = jax.jit(loop)
    return compiled


def _stepwise(step: Step, augment: Augment | None) -> Loop:
    """One program runs one step; it is dispatched while the step before it still runs."""

    def one(state: State, data: Batches, rows: jax.Array, key: jax.Array | None, i: int) -> tuple[State, Logs]:
        logs, new = step(state, _augmented(take_rows(data, rows), augment, key, i))
        return jax.tree.map(lambda value, old: jnp.asarray(value, old.dtype), new, state), logs

    compiled = jax.jit(one)

    def loop(
        state: State, data: Batches, order: jax.Array, first: int, end: int, key: jax.Array | None
    ) -> tuple[State, Logs]:
        logs: Logs = {}
        for i in range(first, end):
            state, logs = compiled(state, data, order[i], key, i)
        return state, logs

    return loop


def _augmented(batch: Any, augment: Augment | None, key: jax.Array | None, i: Any) -> Any:
    """The batch with its x augmented, with a key of its own for each batch."""
    if augment is None or key is None:
        return batch
    x, *others = batch
    return augment(x, jax.random.fold_in(key, i)), *others


def _aligned_bytes(shape: tuple[int, ...]) -> np.ndarray:
    """Uninitialized uint8 memory that JAX uses without a copy; on the CPU it must be aligned to 64 bytes."""
    size = int(np.prod(shape))
    memory = np.empty(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size].reshape(shape)


def _variables(model: keras.Model, kind: str) -> tuple[list[Any], ...]:
    """In the order of Keras' own steps."""
    optimizer = [model.optimizer.variables] if kind == "train" else []
    return model.trainable_variables, model.non_trainable_variables, *optimizer, model.metrics_variables
