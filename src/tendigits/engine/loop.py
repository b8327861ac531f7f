"""Compile many steps of a Keras model into one program: what `tendigits.fit` dispatches.

On JAX, Keras gives every model two pure functions, `train_step(state, batch)` and `test_step(state, batch)`. In a
compiled loop over such a step nothing happens between the steps: no Python, no copies of batches, no dispatch. The
first and the last step are arguments, so one program serves dispatches of any length.
"""

import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import keras
import platformdirs

from tendigits.engine.conv import fast_convolutions, is_slow_in_a_loop

State = tuple[list[jax.Array], ...]  # the values of a model's variables, in the order of Keras' steps
Batches = Any  # a tree of device arrays, all with the same number of rows
Logs = dict[str, jax.Array]
Step = Callable[[State, Any], tuple[Logs, State]]  # Keras' step: (state, batch) -> (logs, state)
# (state, data, order (steps, batch), first, end, key) -> (state after those steps, logs of the last step)
Loop = Callable[[State, Batches, jax.Array, int, int, jax.Array | None], tuple[State, Logs]]
Augment = Callable[[jax.Array, jax.Array], jax.Array]  # (x of a training batch, key) -> augmented x


def loops_of(model: keras.Model, augment: Augment | None = None) -> dict[str, Loop]:
    """The model's loops "train" and "test".

    They are kept with the model, and built again when `augment` or one of `parts_of` is another.
    """
    key = [augment, *parts_of(model)]
    cached = model.__dict__.get("_tendigits_loops")
    if cached is None or not is_same(cached[0], key):
        whole = not is_slow_in_a_loop(model)
        loops = {"train": _loop_over(model.train_step, augment, in_one_program=whole)}
        loops["test"] = _loop_over(model.test_step, None, in_one_program=whole)
        cached = (key, loops)
        model.__dict__["_tendigits_loops"] = cached  # around Keras' __setattr__, which would track it as a layer
    return dict(cached[1])


def parts_of(model: keras.Model) -> list[Any]:
    """What a compiled step depends on: it is another step after `model.compile` or when layers were frozen or added."""
    compiled = model.optimizer, model._compile_loss, model._compile_metrics
    return [*compiled, *(part for group in _variables(model, "train") for part in [*group, None])]


def is_same(parts: list[Any], others: list[Any]) -> bool:
    """Whether both are lists of the same objects."""
    return len(parts) == len(others) and all(one is other for one, other in zip(parts, others, strict=True))


def get_state(model: keras.Model, kind: str) -> State:
    """The values that a "train" or "test" step reads or changes."""
    return tuple([variable.value for variable in group] for group in _variables(model, kind))


def set_state(model: keras.Model, kind: str, state: State) -> None:
    """Put the values back into the model's variables."""
    for group, values in zip(_variables(model, kind), state, strict=True):
        for variable, value in zip(group, values, strict=True):
            variable.assign(value)


def to_device(tree: Any) -> Batches:
    """Convert arrays to JAX as Keras converts its batches: floats to Keras' float type, others unchanged."""
    floats = {True: keras.config.floatx(), False: None}
    return jax.tree.map(lambda array: jnp.asarray(array, floats[jnp.issubdtype(array.dtype, jnp.floating)]), tree)


def take_rows(data: Batches, rows: jax.Array) -> Any:
    """The batch of these rows."""
    return jax.tree.map(lambda array: array[rows], data)


def use_compilation_cache() -> None:
    """Keep compiled programs in the user's cache folder, so that the next process does not compile them again.

    A folder that JAX already has is kept. The environment variable TENDIGITS_COMPILATION_CACHE=off disables the cache.
    """
    if os.environ.get("TENDIGITS_COMPILATION_CACHE") == "off" or jax.config.jax_compilation_cache_dir:
        return
    jax.config.update("jax_compilation_cache_dir", platformdirs.user_cache_dir("tendigits", appauthor=False))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)  # many small programs add up, too


def _loop_over(step: Step, augment: Augment | None, *, in_one_program: bool) -> Loop:
    """One program runs all steps of a dispatch, or one step; then the next one is queued before it is done."""

    def one(state: State, data: Batches, rows: jax.Array, key: jax.Array | None, i: Any) -> tuple[State, Logs]:
        logs, new = step(state, _augmented(take_rows(data, rows), augment, key, i))
        return jax.tree.map(lambda value, old: jnp.asarray(value, old.dtype), new, state), logs

    # Traces Keras' Python once, although the step is used twice below.
    step_once = jax.jit(one, inline=in_one_program)

    def loop_in_one_program(
        state: State, data: Batches, order: jax.Array, first: int, end: int, key: jax.Array | None
    ) -> tuple[State, Logs]:
        def body(i: Any, carried: Any) -> Any:
            return step_once(carried[0], data, order[i], key, i)

        with fast_convolutions():
            _, logs = jax.eval_shape(body, first, (state, {}))
            start = state, jax.tree.map(lambda log: jnp.zeros(log.shape, log.dtype), logs)
            result: tuple[State, Logs] = jax.lax.fori_loop(first, end, body, start)
            return result

    def loop(
        state: State, data: Batches, order: jax.Array, first: int, end: int, key: jax.Array | None
    ) -> tuple[State, Logs]:
        logs: Logs = {}
        for i in range(first, end):
            state, logs = step_once(state, data, order[i], key, i)
        return state, logs

    return jax.jit(loop_in_one_program) if in_one_program else loop


def _augmented(batch: Any, augment: Augment | None, key: jax.Array | None, i: Any) -> Any:
    """The batch with augmented x; each step has a different key."""
    if augment is None or key is None:
        return batch
    x, *others = batch
    return augment(x, jax.random.fold_in(key, i)), *others


def _variables(model: keras.Model, kind: str) -> tuple[list[Any], ...]:
    """In the order of Keras' steps."""
    optimizer = [model.optimizer.variables] if kind == "train" else []
    return model.trainable_variables, model.non_trainable_variables, *optimizer, model.metrics_variables
