"""`tendigits.fit`: `model.fit` for a Keras model on arrays that fit in memory, at the speed of the machine.

    history = tendigits.fit(model, x_train, y_train, epochs=5, validation_data=(x_test, y_test))

The arguments, defaults and result are `model.fit`'s. The data lies on the device and each epoch is a few dispatches
of a compiled loop over the model's own training step; what cannot be done so goes to `model.fit` unchanged.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import jax
import keras
import numpy as np

from tendigits.engine import loop
from tendigits.engine.devices import Placement
from tendigits.engine.dispatch import Arrays, Engine
from tendigits.engine.ema import finalize
from tendigits.errors import UserError

Order = Callable[[int, int], np.ndarray[Any, Any]]


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
    augment: loop.Change | None = None,
    seed: int = 0,
    distribution: keras.distribution.DataParallel | None = None,
) -> keras.callbacks.History:
    """Train a compiled model as `model.fit` would, with many steps in each dispatch.

    Args:
        model, x, ..., validation_freq: as `keras.Model.fit`'s, which takes over where arrays, backend or model are
            not of the kind that can be compiled so; one line on the standard error then says why.
        order: (epoch, n) -> a permutation of n rows, in place of one drawn from NumPy's generator when `shuffle`.
        augment: (x of a batch, key) -> x changed, in each training step, of a model with one input.
        seed: of the keys.
        distribution: over whose devices each batch is parted; the one that is set in Keras where it is None.

    Returns:
        The History, with the same keys as `model.fit`'s.

    Raises:
        UserError: digits are to be augmented, and the model or data cannot be trained by compiled loops.
        DivergedError: the loss is no longer a finite number.
        HostError: another process whose devices take part is gone.
    """
    distribution = distribution or keras.distribution.distribution()
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
    if why := why_not(model, x, y, arguments | {"distribution": distribution}):
        if augment is not None:
            raise UserError(f"expected a model and arrays that can be augmented in compiled steps, but {why}")
        print(f"tendigits.fit: model.fit is used, since {why}", file=sys.stderr)  # noqa: T201
        return model.fit(x, y, **arguments)
    loop.use_compilation_cache()
    if class_weight is not None:
        sample_weight = _weights_of(y, class_weight)
    placement = Placement.of(distribution)
    train = Arrays.of((x, y, sample_weight), batch_size or 32, placement)
    model._symbolic_build(data_batch=train.first_batch())
    test_size = validation_batch_size or batch_size or 32
    test = None if validation_data is None else Arrays.of(validation_data, test_size, placement)
    calls = callbacks if isinstance(callbacks, keras.callbacks.CallbackList) else keras.callbacks.CallbackList(
        callbacks, add_history=True, add_progbar=verbose != 0, verbose=verbose, epochs=epochs, steps=train.steps,
        model=model,
    )  # fmt: skip
    if order is None:
        order = (lambda _, n: np.random.permutation(n)) if shuffle else (lambda _, n: np.arange(n))
    engine = Engine(model, calls, augment, seed, placement)
    model.stop_training = False
    logs: dict[str, Any] = {}
    try:
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
    finally:
        placement.bring_back(model)
    return model.history


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
    if not isinstance(arguments["distribution"], keras.distribution.DataParallel | None):
        return f"the distribution is {type(arguments['distribution']).__name__}, not DataParallel"
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
