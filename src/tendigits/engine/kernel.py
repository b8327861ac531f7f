"""Train a stack of Dense layers by dense.c: the numbers of the compiled loop, up to rounding, in less time.

reason = reason_against(model, [train, test])   # why not, in a few words; "" if it can
kernel = Kernel(model, batch_size)              # kernel.train and kernel.test in place of the loops of `loop.loops_of`

The environment variable TENDIGITS_KERNEL=off leaves everything to the compiled loop.
"""

import ctypes
import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jax
import keras
import numpy as np

from tendigits.engine.loop import Batches, Logs, State
from tendigits.machine import cores

ACTIVATIONS = ("linear", "relu", "tanh", "sigmoid")  # in the order of dense.c
OPTIMIZERS = {
    keras.optimizers.SGD: ("momentum", None),
    keras.optimizers.Adam: ("beta_1", "beta_2"),
    keras.optimizers.RMSprop: ("rho", None),
}  # in the order of dense.c: the settings that are its a and b
PLAIN = {
    "weight_decay": None, "clipnorm": None, "clipvalue": None, "global_clipnorm": None, "use_ema": False,
    "loss_scale_factor": None, "gradient_accumulation_steps": None, "amsgrad": False, "nesterov": False,
    "centered": False,
}  # fmt: skip
"""The only values that dense.c knows of these settings of optimizers."""
LOSSES = {
    "categorical_crossentropy": keras.losses.CategoricalCrossentropy,
    "sparse_categorical_crossentropy": keras.losses.SparseCategoricalCrossentropy,
}
ACCURACIES = (keras.metrics.CategoricalAccuracy, keras.metrics.SparseCategoricalAccuracy)

INTERFACE = 1  # of dense.c; another library was compiled from an earlier one
ALIGNMENT = 64  # bytes, of the kernel's memory and of arrays that JAX takes without a copy
MIN_EPSILON = 1e-8  # of optimizers: with a smaller one, what dense.c takes for 0 would count
MAX_LAYERS = 32  # of dense.c
MAX_CLASSES = 256  # labels are bytes
MAX_THREADS = 8  # more would wait for each other longer than they compute
MIN_PRODUCTS_PER_THREAD = 2_000_000  # multiplications of a step, without which a second thread does not pay


def reason_against(model: keras.Model, data: Sequence[Batches]) -> str:
    """Why the kernel cannot train this built model on these data, in a few words; "" if it can."""
    return next((reason for reason, holds in _reasons(model, data) if holds), "")


class Kernel:
    """A network in the kernel's memory, for a model that `reason_against` has nothing against.

    `train` and `test` are like the loops of `loop.loops_of`, for batches of at most `batch_size` rows. The optimizer's
    moments stay in the kernel's memory until `finish` is called.
    """

    def __init__(self, model: keras.Model, batch_size: int) -> None:
        self.model = model
        self.library = _library()
        self.layers, dropout = _layers(model)
        n, names = len(self.layers), [keras.activations.serialize(layer.activation) for layer in self.layers[:-1]]
        widths = np.array([self.layers[0].kernel.shape[0], *(layer.units for layer in self.layers)], np.int32)
        activations = np.array([*map(ACTIVATIONS.index, names), 0], np.int32)
        rates = np.array([dropout[i].rate if i in dropout else 0 for i in range(n)], np.float32)
        products = 3 * batch_size * int(np.dot(widths[:-1], widths[1:]))
        self.threads = max(1, min(cores(), MAX_THREADS, products // MIN_PRODUCTS_PER_THREAD))
        self.memory = _aligned(self.library.dense_bytes(n, widths, batch_size) // 4)
        self.net = self.library.dense_init(self.memory, n, widths, activations, rates, batch_size, self.threads)
        seeds = {id(layer.seed_generator.state): i for i, layer in dropout.items()}
        self.random = [seeds[id(variable)] for variable in model.non_trainable_variables]  # layers with dropout
        self.copied: dict[tuple[int, int], list[jax.Array]] = {}  # (part, layer) -> kernel and bias, as in the memory
        self.arrays: dict[int, tuple[Batches, np.ndarray, np.ndarray]] = {}  # id(data) -> data, inputs, labels

    def train(
        self, state: State, data: Batches, order: jax.Array, first: int, end: int, key: jax.Array | None
    ) -> tuple[State, Logs]:
        """The steps `first` to `end` of training."""
        weights, seeds, (iteration, rate, *moments), metrics = state
        settings, kind = self.model.optimizer.get_config(), list(OPTIMIZERS).index(type(self.model.optimizer))
        factors = [settings[name] if name else 0.0 for name in OPTIMIZERS[type(self.model.optimizer)]]
        self.library.dense_optimizer(self.net, kind, float(rate), *factors, settings.get("epsilon", 0.0))
        for part, values in self._parts(weights, moments).items():
            self._copy_in(part, values)
        keys = np.zeros((len(self.layers), 2), np.uint32)
        for layer, seed in zip(self.random, seeds, strict=True):
            keys[layer] = seed
        metrics, logs = self._run(data, order, first, end, metrics, int(iteration), keys)
        keys[:, 1] += np.uint32(end - first)
        changed = np.asarray(iteration) + (end - first), [*keys[self.random]], metrics
        iteration, seeds, metrics = jax.device_put(changed)  # not computed by JAX, whose threads would go on spinning
        return (self._copy_out(0), seeds, [iteration, rate, *moments], metrics), logs

    def test(
        self, state: State, data: Batches, order: jax.Array, first: int, end: int, key: jax.Array | None
    ) -> tuple[State, Logs]:
        """The steps `first` to `end` of testing."""
        weights, seeds, metrics = state
        self._copy_in(0, weights)
        metrics, logs = self._run(data, order, first, end, metrics)
        return (weights, seeds, jax.device_put(metrics)), logs

    def finish(self) -> None:
        """Give the model the optimizer's moments."""
        parts = self._parts([], self.model.optimizer.variables[2:])
        for part in filter(None, parts):
            for variable, value in zip(parts[part], self._copy_out(part), strict=True):
                variable.assign(value)

    def _run(
        self,
        data: Batches,
        order: jax.Array,
        first: int,
        end: int,
        metrics: list[Any],
        step: int = 0,
        keys: np.ndarray | None = None,
    ) -> tuple[list[Any], Logs]:
        """Run the steps on all threads; no keys: only test. Returns the metrics' variables and results after it."""
        x, labels = self._arrays(data)
        rows, n = np.asarray(order)[first:end], len(x)
        totals = [float(total) for total in metrics[::2]]  # of the loss, and of right answers for each accuracy
        sums = np.array([*totals, 0.0][:2], np.float32)
        if self.library.dense_train(self.net, x, 0, labels, rows, n, *rows.shape, step, keys, sums):
            raise IndexError(f"expected rows of the data, 0 to {n - 1}")
        after, logs = [], {}
        names = ["loss", *(metric.name for metric in _accuracies(self.model))]
        for i, (metric, count) in enumerate(zip(names, metrics[1::2], strict=True)):
            after += [sums[min(i, 1)], np.asarray(count) + np.float32(rows.size)]
            logs[metric] = after[-2] / after[-1]
        return after, logs

    def _parts(self, weights: list[Any], moments: list[Any]) -> dict[int, list[Any]]:
        """Number of the part in dense.c -> its values: weights, first and second moments."""
        if type(self.model.optimizer) is keras.optimizers.Adam:
            return {0: weights, 1: moments[::2], 2: moments[1::2]}
        part = 1 if type(self.model.optimizer) is keras.optimizers.SGD else 2
        return {0: weights, part: moments} if moments else {0: weights}

    def _copy_in(self, part: int, values: list[jax.Array]) -> None:
        """Put the values that have changed outside into the kernel's memory."""
        for layer in range(len(self.layers)):
            both = values[2 * layer : 2 * layer + 2]
            if any(a is not b for a, b in zip(both, self.copied.get((part, layer), [None, None]), strict=True)):
                self.library.dense_copy(self.net, layer, part, *map(np.asarray, both), 1)
                self.copied[part, layer] = both

    def _copy_out(self, part: int) -> list[jax.Array]:
        values = [[_aligned(*layer.kernel.shape), _aligned(layer.units)] for layer in self.layers]
        for layer, both in enumerate(values):
            self.library.dense_copy(self.net, layer, part, *both, 0)
        values = jax.device_put(values)  # without another copy
        self.copied |= {(part, layer): both for layer, both in enumerate(values)}
        return [value for both in values for value in both]

    def _arrays(self, data: Batches) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and labels."""
        if id(data) not in self.arrays:
            x, y = data
            self.arrays[id(data)] = data, np.ascontiguousarray(x, np.float32), _labels_of(y, self.layers[-1].units)
        return self.arrays[id(data)][1:]


def _reasons(model: keras.Model, data: Sequence[Batches]) -> Iterator[tuple[str, bool]]:
    yield "TENDIGITS_KERNEL=off", os.environ.get("TENDIGITS_KERNEL") == "off"
    yield "there is no library for this machine", _library() is None
    yield f"the device is {jax.default_backend()}", jax.default_backend() != "cpu"
    layers, dropout = _layers(model)
    yield "the layers", not 0 < len(layers) <= MAX_LAYERS
    counts = len(model.trainable_variables), len(model.non_trainable_variables)
    yield "the variables", counts != (2 * len(layers), len(dropout))
    keys = jax.config.jax_default_prng_impl, jax.config.jax_threefry_partitionable
    yield "JAX's random numbers", keys != ("threefry2x32", True)
    yield "the optimizer", type(model.optimizer) not in OPTIMIZERS
    settings = model.optimizer.get_config()
    yield "the optimizer's settings", any(settings.get(name, value) != value for name, value in PLAIN.items())
    yield "the optimizer's epsilon", settings.get("epsilon", 1.0) < MIN_EPSILON
    yield "RMSprop's momentum", type(model.optimizer) is keras.optimizers.RMSprop and settings["momentum"] > 0
    yield "the learning rate's schedule", not isinstance(settings["learning_rate"], float)
    yield "the loss", not _is_cross_entropy(model) or model._compile_loss._user_loss_weights is not None
    yield "the metrics", not all(type(metric) in ACCURACIES for metric in _accuracies(model))
    yield "the data", not all(_is_suitable(batches, model, layers) for batches in data)


def _layers(model: keras.Model) -> tuple[list[keras.layers.Dense], dict[int, keras.layers.Dropout]]:
    """The Dense layers, and the Dropout behind each; no layers if there are others or such with other features."""
    dense: list[keras.layers.Dense] = []
    dropout: dict[int, keras.layers.Dropout] = {}
    for layer in model.layers if type(model) is keras.Sequential else ():
        if type(layer) is keras.layers.Dense and _is_plain(layer):
            dense.append(layer)
        elif type(layer) is keras.layers.Dropout and dense and len(dense) - 1 not in dropout and _is_plain(layer):
            if layer.rate:
                dropout[len(dense) - 1] = layer
        elif type(layer) is not keras.layers.Flatten or dense:
            return [], {}
    names = [keras.activations.serialize(layer.activation) for layer in dense]
    fits = names[-1:] == ["softmax"] and all(name in ACTIVATIONS for name in names[:-1])
    return (dense, dropout) if fits and len(dense) - 1 not in dropout else ([], {})


def _is_plain(layer: keras.Layer) -> bool:
    if layer.dtype_policy.name != "float32" or layer.activity_regularizer is not None:
        return False
    if type(layer) is keras.layers.Dropout:
        return layer.noise_shape is None and 0 <= layer.rate < 1
    settings = layer.get_config()
    others = [name for name in settings if name.endswith(("regularizer", "constraint", "_config"))]
    return layer.use_bias and all(settings[name] is None for name in others)


def _is_cross_entropy(model: keras.Model) -> bool:
    """Whether the loss is a cross-entropy with Keras' default settings."""
    if isinstance(model.loss, str):
        return model.loss in LOSSES
    kind = type(model.loss)
    return kind in LOSSES.values() and model.loss.get_config() | {"name": ""} == kind().get_config() | {"name": ""}


def _accuracies(model: keras.Model) -> list[Any]:
    return [] if model._compile_metrics is None else list(model._compile_metrics.metrics)


def _is_suitable(batches: Batches, model: keras.Model, layers: list[keras.layers.Dense]) -> bool:
    """Whether data are (x, y) of inputs that become float32 and one label for each, in the form that the loss takes."""
    is_pair = isinstance(batches, tuple) and len(batches) == 2
    if not is_pair or not all(isinstance(part, np.ndarray | jax.Array) for part in batches):
        return False
    x, y = batches
    is_sparse = "sparse" in (model.loss if isinstance(model.loss, str) else model.loss.name)
    is_float = jax.numpy.issubdtype(x.dtype, jax.numpy.floating) and keras.config.floatx() == "float32"
    fits = is_float and x.size == len(x) * layers[0].kernel.shape[0]
    return fits and is_sparse != _is_one_hot(y, layers[-1].units) and _labels_of(y, layers[-1].units) is not None


def _is_one_hot(y: Any, classes: int) -> bool:
    return bool(y.ndim == 2 and y.shape[1] == classes > 1)


def _labels_of(y: Any, classes: int) -> Any:
    """Labels as uint8 (n,), from integers (n,) or (n, 1) or one-hot (n, classes); None if y is neither."""
    y = np.asarray(y)
    if _is_one_hot(y, classes):
        labels = y.argmax(axis=1)
        is_valid = np.array_equal(y, np.eye(classes)[labels])
    else:
        labels = y.reshape(-1)
        is_valid = len(labels) == len(y) and y.dtype.kind in "iu" and 0 <= labels.min() <= labels.max() < classes
    return labels.astype(np.uint8) if is_valid and classes <= MAX_CLASSES else None


def _aligned(*shape: int) -> np.ndarray:
    """An array of float32 that begins at a multiple of ALIGNMENT."""
    n = int(np.prod(shape))
    memory = np.empty(n + ALIGNMENT // 4, np.float32)
    start = -memory.ctypes.data % ALIGNMENT // 4
    return memory[start : start + n].reshape(shape)


class _Array:
    """A parameter in C that takes contiguous NumPy arrays of one type, and keeps them until the call ends."""

    def __init__(self, dtype: str, *, optional: bool = False) -> None:
        self.type, self.optional = np.ctypeslib.ndpointer(dtype, flags=["C_CONTIGUOUS", "ALIGNED"]), optional

    def from_param(self, array: Any) -> Any:
        return None if array is None and self.optional else self.type.from_param(array)


@cache
def _library() -> Any:
    """The library for this processor; None if it was not built."""
    try:
        library = load_library("")
        level = library.dense_level()
        return library if level == 1 else load_library(f"_v{level}")
    except OSError:
        return None


def load_library(level: str, folder: Path = Path(__file__).parent) -> ctypes.CDLL:
    """The library for a level of x86-64, "", "_v3" or "_v4". Raises OSError.

    An array that is not of the type that dense.c says, or not contiguous, raises ctypes.ArgumentError.
    """
    suffix = {"win32": "dll", "darwin": "dylib"}.get(sys.platform, "so")
    library = ctypes.CDLL(str(folder / f"dense{level}.{suffix}"))
    if not hasattr(library, "dense_interface") or library.dense_interface() != INTERFACE:
        raise OSError(f"expected {library._name} to be compiled from dense.c as it is now; run: make setup")
    integer, number, net = ctypes.c_int, ctypes.c_double, ctypes.c_void_p
    data: Any = _Array  # ctypes takes any object that has from_param
    library.dense_bytes.restype, library.dense_init.restype = ctypes.c_size_t, net
    library.dense_bytes.argtypes = [integer, data("i4"), integer]
    library.dense_init.argtypes = [data("f4"), integer, data("i4"), data("i4"), data("f4"), integer, integer]
    library.dense_optimizer.argtypes = [net, integer, number, number, number, number]
    library.dense_glorot.argtypes = [net, ctypes.c_uint32]
    library.dense_copy.argtypes = [net, integer, integer, data("f4"), data("f4"), integer]
    library.dense_train.argtypes = [
        net, data("f4"), integer, data("u1"), data("i4"), *[integer] * 4, data("u4", optional=True), data("f4")
    ]  # fmt: skip
    return library
