"""Many steps of a Keras model in one compiled program: what `tendigits.fit` dispatches.

Keras gives every model on JAX two pure functions, `train_step(state, batch)` and `test_step(state, batch)`. A loop
over the first, compiled as a whole, leaves nothing between the steps: no Python, no copies of batches, no dispatch.
The loop's ends are arguments, so one program serves dispatches of any length.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import platformdirs

from tendigits.train.convolution import fast_convolutions

State = tuple[list[jax.Array], ...]
Batches = Any
"""A tree of device arrays, all with the same first axis."""
Logs = dict[str, jax.Array]


@dataclass(frozen=True)
class Loops:
    """The compiled loops of one model as it is compiled now."""

    train: Callable[[State, Batches, jax.Array, int, int], tuple[State, Logs]]
    """(state, data, order (steps, batch), first, end) -> (state after those steps, logs of the last)."""
    test: Callable[[State, Batches, jax.Array, int, int], tuple[State, Logs]]


def loops_of(model: keras.Model) -> Loops:
    """The model's loops; compiled once, and anew after `model.compile` or when layers are frozen."""
    key = (
        id(model.optimizer),
        id(model._compile_loss),
        id(model._compile_metrics),
        tuple(variable.path for variable in model.trainable_variables),
    )
    known = model.__dict__.get("_tendigits_loops")
    if known is None or known[0] != key:
        known = (key, Loops(jax.jit(partial(_loop, model.train_step)), jax.jit(partial(_loop, model.test_step))))
        model.__dict__["_tendigits_loops"] = known  # past Keras' __setattr__, which would track it as a part
    loops: Loops = known[1]
    return loops


def train_state(model: keras.Model) -> State:
    """The values that a training step changes."""
    return _values(_train_variables(model))


def set_train_state(model: keras.Model, state: State) -> None:
    """Put the values back into the model's variables."""
    _assign(_train_variables(model), state)


def test_state(model: keras.Model) -> State:
    """The values that a test step reads or changes."""
    return _values(_test_variables(model))


def set_test_state(model: keras.Model, state: State) -> None:
    """Put the values back into the model's variables."""
    _assign(_test_variables(model), state)


def to_device(tree: Any) -> Batches:
    """Arrays to JAX, as Keras would convert its batches: floats to Keras' float type, the rest as they are."""

    def convert(array: Any) -> jax.Array:
        array = np.asarray(array) if not isinstance(array, jax.Array) else array
        if jnp.issubdtype(array.dtype, jnp.floating):
            return jnp.asarray(array, keras.config.floatx())
        return jnp.asarray(array)

    return jax.tree.map(convert, tree)


def use_compilation_cache() -> None:
    """Keep compiled programs in the user's cache folder, so that a second run compiles nothing.

    Not where JAX has a folder already, nor where the variable TENDIGITS_COMPILATION_CACHE is "off".
    """
    if os.environ.get("TENDIGITS_COMPILATION_CACHE") == "off" or jax.config.jax_compilation_cache_dir:
        return
    jax.config.update("jax_compilation_cache_dir", platformdirs.user_cache_dir("tendigits", appauthor=False))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)  # the many small ones add up too


def _loop(step: Callable[..., Any], state: State, data: Batches, order: jax.Array, first: int, end: int) -> Any:
    def batch(i: Any) -> Batches:
        return jax.tree.map(lambda array: array[order[i]], data)

    def body(i: Any, carried: Any) -> Any:
        logs, new = step(carried[0], batch(i))
        return jax.tree.map(lambda value, old: jnp.asarray(value, old.dtype), (new, logs), carried)

    with fast_convolutions():
        logs = jax.eval_shape(lambda: step(state, batch(0))[0])
        start = (state, jax.tree.map(lambda log: jnp.zeros(log.shape, log.dtype), logs))
        return jax.lax.fori_loop(first, end, body, start)


def _train_variables(model: keras.Model) -> tuple[list[Any], ...]:
    return (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )


def _test_variables(model: keras.Model) -> tuple[list[Any], ...]:
    return model.trainable_variables, model.non_trainable_variables, model.metrics_variables


def _values(groups: tuple[list[Any], ...]) -> State:
    return tuple([variable.value for variable in group] for group in groups)


def _assign(groups: tuple[list[Any], ...], state: State) -> None:
    for group, values in zip(groups, state, strict=True):
        for variable, value in zip(group, values, strict=True):
            variable.assign(value)
