"""`tendigits.fit`: a faster `model.fit` for Keras models on arrays that fit in memory.

    history = tendigits.fit(model, x_train, y_train, epochs=5, validation_data=(x_test, y_test))

Arguments, defaults and result are those of `model.fit`. Each epoch is a few dispatches of a compiled loop over the
model's training step, with all data on the device, or of the kernel in C, which takes the data where they are. Whatever
cannot be compiled that way is passed on to `model.fit`.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import keras
import numpy as np

from tendigits.engine.dispatch import Arrays, Dispatcher
from tendigits.engine.loop import Augment, use_compilation_cache
from tendigits.errors import UserError

Order = Callable[[int, int], np.ndarray]  # (epoch, n) -> the n rows in the order of that epoch


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
    augment: Augment | None = None,
    seed: int = 0,
) -> keras.callbacks.History:
    """Train a compiled model as `model.fit` would, with many steps in each dispatch.

    Args:
        model, x, ..., validation_freq: as for `keras.Model.fit`. If the model, the data or the backend does not allow
            compiled loops, `model.fit` is called, and one line on the standard error explains why.
        order: (epoch, n) -> a permutation of n rows. Default: drawn from NumPy's global generator if `shuffle`.
        augment: (x of a batch, key) -> augmented x, applied in each training step of a model with one input.
        seed: seed of the keys for `augment`.

    Returns:
        The History, with the same keys as that of `model.fit`.

    Raises:
        UserError: the model is not a compiled Keras model, x or y is missing or their lengths differ, also in
            `validation_data`, `order` gives other rows, a batch has no rows, or `augment` is given for a model or data
            that compiled loops cannot train.
        DivergedError: the loss is no longer a finite number.
    """
    _check(model, x, y, sample_weight, validation_data)
    for name, size in (("batch_size", batch_size), ("validation_batch_size", validation_batch_size)):
        if isinstance(size, int) and size < 1:
            raise UserError(f"fit: expected {name} of at least 1, received {size}")
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
    if reason := _reason_for_keras(model, x, y, arguments):
        if augment is not None:
            raise UserError(f"expected a model and arrays that can be augmented in compiled steps, but {reason}")
        print(f"tendigits.fit: model.fit is used, since {reason}", file=sys.stderr)  # noqa: T201
        return model.fit(x, y, **arguments)
    use_compilation_cache()
    if class_weight is not None:
        sample_weight = _weights_of(y, class_weight)
    train = Arrays.of((x, y, sample_weight), batch_size or 32)
    model._symbolic_build(data_batch=train.first_batch())
    arrays = {"train": train}
    if validation_data is not None:
        arrays["test"] = Arrays.of(validation_data, validation_batch_size or train.batch_size)
    callback_list: Any = callbacks
    if not isinstance(callback_list, keras.callbacks.CallbackList):
        callback_list = keras.callbacks.CallbackList(
            callbacks, add_history=True, add_progbar=verbose != 0, verbose=verbose, epochs=epochs, steps=train.steps,
            model=model,
        )  # fmt: skip
    if order is None:
        order = (lambda _, n: np.random.permutation(n)) if shuffle else (lambda _, n: np.arange(n))
    tested_after = validation_freq
    if isinstance(tested_after, int):
        tested_after = range(tested_after, epochs + 1, tested_after)
    dispatcher = Dispatcher(model, callback_list, augment, seed, arrays)
    model.stop_training = False
    logs: dict[str, Any] = {}
    callback_list.on_train_begin()
    for epoch in range(initial_epoch, epochs):
        callback_list.on_epoch_begin(epoch)
        logs = dispatcher.train(_rows(order(epoch, train.n), train.n), epoch)
        if "test" in arrays and epoch + 1 in tested_after:
            logs |= {f"val_{name}": value for name, value in dispatcher.test().items()}
        callback_list.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    if epochs > 0:
        _finalize(model)
    callback_list.on_train_end(logs)
    return model.history


def with_ema(callbacks: Sequence[keras.callbacks.Callback], *, resumed: bool) -> list[keras.callbacks.Callback]:
    """Wrap callbacks so that the model has the averages of an optimizer with `use_ema` when an epoch or a test ends.

    Keras' SwapEMAWeights does not support resumed runs and early stopping.

    Args:
        resumed: the model was restored from a checkpoint that such callbacks wrote.
    """

    def swap_now(*_: Any) -> None:
        optimizer = last.model.optimizer
        averages = optimizer._model_variables_moving_average
        for weight, average in zip(optimizer._trainable_variables, averages, strict=True):
            before = weight.value
            weight.assign(average.value)
            average.assign(before)

    # The checkpoint of a resumed run was written with the averages in the model.
    at_start = swap_now if resumed else None
    first = keras.callbacks.LambdaCallback(on_train_begin=at_start, on_test_begin=swap_now, on_epoch_end=swap_now)
    last = keras.callbacks.LambdaCallback(on_test_end=swap_now, on_epoch_end=swap_now)
    return [first, *callbacks, last]


def _finalize(model: keras.Model) -> None:
    """Assign the optimizer's moving averages, if it has any, to the model's weights."""
    model.optimizer.finalize_variable_values(model.trainable_weights)
    if model.optimizer.use_ema:  # a copy: `predict` deletes the arrays that a model had before
        for weight in model.trainable_weights:
            weight.assign(jax.numpy.copy(weight.value))


def _check(model: Any, x: Any, y: Any, sample_weight: Any, validation_data: Any) -> None:
    """Raise UserError for arguments that `model.fit` cannot use either."""
    if not isinstance(model, keras.Model):
        raise UserError(f"fit: expected a keras.Model, received {type(model).__name__}")
    if not getattr(model, "compiled", False):
        raise UserError("fit: expected a compiled model; call model.compile(optimizer, loss) first")
    if x is None:
        raise UserError("fit: expected x, an array of inputs, received None")
    parts = {"": (x, y, sample_weight)}
    if isinstance(validation_data, tuple | list) and 1 < len(validation_data) < 4:
        parts[" of validation_data"] = (*validation_data, None)[:3]
    for name, data in parts.items():
        if not _is_arrays(data):
            continue
        if data[1] is None and model.loss is not None:
            raise UserError(f"fit: expected y{name}, an array of labels for the model's loss, received None")
        lengths = {len(leaf) for leaf in jax.tree.leaves(data)}
        if len(lengths) > 1 or 0 in lengths:
            raise UserError(f"fit: expected x and y{name} of one length, at least 1, received {sorted(lengths)}")


def _rows(rows: Any, n: int) -> Any:
    """What `order` gave, if it is n numbers of rows."""
    rows = np.asarray(rows)
    if rows.shape != (n,) or rows.dtype.kind not in "iu" or not 0 <= rows.min() <= rows.max() < n:
        received = f"{rows.dtype} {rows.shape}" + (f", {rows.min()} to {rows.max()}" if rows.size else "")
        raise UserError(f"fit: expected order(epoch, n) to be {n} numbers of rows, 0 to {n - 1}, received {received}")
    return rows


def _reason_for_keras(model: keras.Model, x: Any, y: Any, arguments: dict[str, Any]) -> str:
    """Why compiled loops cannot train this model on this data, in a few words; '' if they can."""
    backend = keras.backend.backend()
    data = {"x": x, "y": y} | {name: arguments[name] for name in ("sample_weight", "validation_data")}
    reasons = {
        f"the backend is {backend}, not jax": backend != "jax",
        "the model overrides train_step": type(model).train_step is not keras.Model.train_step,
        "the model overrides test_step": type(model).test_step is not keras.Model.test_step,
        "the model is to run uncompiled": model.run_eagerly or not model.jit_compile,
        "a distribution over several devices is set in Keras": keras.distribution.distribution() is not None,
        "steps_per_epoch is given": arguments["steps_per_epoch"] is not None,
        "validation_steps is given": arguments["validation_steps"] is not None,
        "shuffle='batch'": arguments["shuffle"] == "batch",
    } | {f"{name} is not made of arrays of numbers in memory": not _is_arrays(tree) for name, tree in data.items()}
    return next((reason for reason, holds in reasons.items() if holds), "")


def _is_arrays(*trees: Any) -> bool:
    """Whether all are trees of NumPy or JAX arrays of numbers; None counts as an empty tree."""
    # Without `is_leaf`, JAX warns about generators.
    leaves = [leaf for tree in trees for leaf in jax.tree.leaves(tree, is_leaf=lambda node: isinstance(node, Iterator))]
    return all(isinstance(leaf, np.ndarray | jax.Array) and leaf.ndim and leaf.dtype.kind in "biuf" for leaf in leaves)


def _split(data: tuple[Any, ...], fraction: float) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Hold out the last rows, before any shuffling, as Keras does."""
    n = len(jax.tree.leaves(data)[0])
    at = int(np.floor(n * (1.0 - fraction)))
    if not 0 < at < n:
        raise ValueError(f"validation_split={fraction} leaves one part of {n} rows empty")
    return jax.tree.map(lambda a: a[:at], data), jax.tree.map(lambda a: a[at:], data)


def _weights_of(y: Any, class_weight: dict[int, float]) -> np.ndarray:
    """The class weight of each row, from labels (n,), (n, 1) or one-hot (n, classes): float (n,)."""
    y = np.asarray(y)
    labels = y.argmax(axis=-1) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(-1)
    return np.array([class_weight.get(int(label), 1.0) for label in labels], keras.config.floatx())
