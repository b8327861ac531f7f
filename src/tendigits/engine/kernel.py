"""Train a stack of Dense layers by dense.c: the numbers of the compiled loop, up to rounding, in less time.

reason = reason_against(model, [train, test], batch_size)   # why not, in a few words; "" if it can
kernel = Kernel(model, batch_size)              # kernel.train and kernel.test in place of the loops of `loop.loops_of`

A model is accepted if it is made of Keras' own classes and functions, with settings that dense.c has, and if a step of
Keras on some rows changes all variables as a step of the kernel does. The environment variable TENDIGITS_KERNEL=off
leaves everything to the compiled loop.
"""

import ctypes
import inspect
import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jax
import keras
import numpy as np

from tendigits.engine.loop import Batches, Logs, State, get_state, is_same, parts_of, take_rows, to_device
from tendigits.machine import cores

ACTIVATIONS = (keras.activations.linear, keras.activations.relu, keras.activations.tanh, keras.activations.sigmoid)
"""In the order of dense.c."""
SETTINGS = {
    keras.layers.Dense: ("units", "activation", "kernel_initializer", "bias_initializer", "trainable"),
    keras.layers.Dropout: ("rate", "seed", "trainable"),
    keras.layers.Flatten: ("data_format", "trainable"),
    keras.optimizers.SGD: ("momentum", "", "learning_rate"),
    keras.optimizers.Adam: ("beta_1", "beta_2", "learning_rate", "epsilon"),
    keras.optimizers.RMSprop: ("rho", "", "learning_rate", "epsilon"),
}
"""Those that may have any value, of optimizers first the a and b of dense.c; all others must be Keras' defaults."""
OPTIMIZERS = {keras.optimizers.SGD: (1,), keras.optimizers.Adam: (1, 2), keras.optimizers.RMSprop: (2,)}
"""In the order of dense.c, with the parts of its memory that are the moments."""
LOSSES = {
    keras.losses.categorical_crossentropy: (keras.losses.CategoricalCrossentropy, keras.metrics.CategoricalAccuracy),
    keras.losses.sparse_categorical_crossentropy: (
        keras.losses.SparseCategoricalCrossentropy, keras.metrics.SparseCategoricalAccuracy,
    ),
}  # fmt: skip
"""The function of a loss -> its class, and the accuracy for labels in the form that it takes."""
WRAPPED = {"build", "quantize"}  # methods that Keras itself replaces in each layer

MAX_ELEMENTS = 2**31  # of a matrix: offsets are int
TRIAL_ROWS = 8
TRIAL_ERROR = 1e-3  # of a change in a step; rounding gives 1e-5
QUICKLY = {"xla_backend_optimization_level": 0}
"""For a program that runs once: compiled in a quarter of the time."""
INTERFACE = 1  # of dense.c; another library was compiled from an earlier one
ALIGNMENT = 64  # bytes, of the kernel's memory and of arrays that JAX takes without a copy
MIN_EPSILON = 1e-8  # of optimizers: with a smaller one, what dense.c takes for 0 would count
MAX_LAYERS = 32  # of dense.c
MAX_CLASSES = 256  # labels are bytes
MAX_THREADS = 8  # more would wait for each other longer than they compute
MIN_PRODUCTS_PER_THREAD = 2_000_000  # multiplications of a step, without which a second thread does not pay


def reason_against(model: keras.Model, data: Sequence[Batches], batch_size: int) -> str:
    """Why the kernel cannot train this built model on these data, in a few words; "" if it can."""
    return next((reason for reason, holds in _reasons(model, data, batch_size) if holds), "")


class Kernel:
    """A network in the kernel's memory, for a model that `reason_against` has nothing against.

    `train` and `test` are like the loops of `loop.loops_of`, for batches of at most `batch_size` rows. The optimizer's
    moments stay in the kernel's memory until `finish` is called.
    """

    def __init__(self, model: keras.Model, batch_size: int) -> None:
        """What Keras compiles into its steps, such as settings, is taken from the model now."""
        self.optimizer, self.accuracies = model.optimizer, _accuracies(model)
        self.library = _library()
        layers, dropout = _layers(model)
        self.shapes = [tuple(layer.kernel.shape) for layer in layers]
        n, widths = len(layers), np.array([self.shapes[0][0], *(units for _, units in self.shapes)], np.int32)
        activations = np.array([*(ACTIVATIONS.index(layer.activation) for layer in layers[:-1]), 0], np.int32)
        rates = np.array([dropout[i].rate if i in dropout else 0 for i in range(n)], np.float32)
        products = 3 * batch_size * int(np.dot(widths[:-1], widths[1:]))
        threads = max(1, min(cores(), MAX_THREADS, products // MIN_PRODUCTS_PER_THREAD))
        self.memory = _aligned(self.library.dense_bytes(n, widths, batch_size) // 4)
        self.net = self.library.dense_init(self.memory, n, widths, activations, rates, batch_size, threads)
        settings, kind = self.optimizer.get_config(), type(self.optimizer)
        factors = [settings.get(name, 0.0) for name in (*SETTINGS[kind][:2], "epsilon")]
        self.settings = list(OPTIMIZERS).index(kind), factors
        self.moments = OPTIMIZERS[kind] if len(self.optimizer.variables) > 2 else ()  # SGD without momentum has none
        self.random, self.has_trained = list(dropout), False  # layers with dropout; since the last `finish`
        self.copied: dict[tuple[int, int], list[jax.Array]] = {}  # (part, layer) -> kernel and bias, as in the memory
        self.arrays: dict[int, tuple[Batches, np.ndarray, np.ndarray]] = {}  # id(data) -> data, inputs, labels

    def train(
        self, state: State, data: Batches, order: jax.Array, first: int, end: int, key: jax.Array | None
    ) -> tuple[State, Logs]:
        """The steps `first` to `end` of training."""
        weights, seeds, (iteration, rate, *moments), metrics = state
        kind, factors = self.settings
        self.library.dense_optimizer(self.net, kind, float(rate), *factors)
        self._copy_in(0, weights)
        for i, part in enumerate(self.moments):
            self._copy_in(part, moments[i :: len(self.moments)])
        keys = np.zeros((len(self.shapes), 2), np.uint32)
        keys[self.random] = np.reshape(seeds, (-1, 2))
        self.has_trained = True
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
        """Give the optimizer its moments, if they have changed."""
        if self.has_trained:
            for variable, value in zip(self.optimizer.variables[2:], self.copy_moments(), strict=True):
                variable.assign(value)
            self.has_trained = False

    def copy_moments(self) -> list[jax.Array]:
        """In the order of the optimizer's variables."""
        parts = [self._copy_out(part) for part in self.moments]
        return [value for values in zip(*parts, strict=True) for value in values]

    def _run(
        self, data: Batches, order: jax.Array, first: int, end: int, metrics: list[Any], step: int = 0, keys: Any = None
    ) -> tuple[list[Any], Logs]:
        """Run the steps on all threads; no keys: only test. Returns the metrics' variables and results after it."""
        x, labels = self._arrays(data)
        rows, n = np.asarray(order)[first:end], len(x)
        totals = [float(total) for total in metrics[::2]]  # of the loss, and of right answers for each accuracy
        sums = np.array([*totals, 0.0][:2], np.float32)
        if self.library.dense_train(self.net, x, 0, labels, rows, n, *rows.shape, step, keys, sums):
            raise IndexError(f"expected rows of the data, 0 to {n - 1}")
        after, logs = [], {}
        names = ["loss", *(metric.name for metric in self.accuracies)]
        for i, (metric, count) in enumerate(zip(names, metrics[1::2], strict=True)):
            after += [sums[min(i, 1)], np.asarray(count) + np.float32(rows.size)]
            logs[metric] = after[-2] / after[-1]
        return after, logs

    def _copy_in(self, part: int, values: list[jax.Array]) -> None:
        """Put the values that have changed outside into the kernel's memory."""
        for layer, shape in enumerate(self.shapes):
            both = values[2 * layer : 2 * layer + 2]
            if not is_same(both, self.copied.get((part, layer), [])):
                kernel, bias = map(np.asarray, both)
                if (kernel.shape, bias.shape) != (shape, shape[1:]):
                    raise ValueError(f"expected weights of the shapes {shape} and {shape[1:]}, received {kernel.shape}")
                self.library.dense_copy(self.net, layer, part, kernel, bias, 1)
                self.copied[part, layer] = both

    def _copy_out(self, part: int) -> list[jax.Array]:
        values = [[_aligned(*shape), _aligned(*shape[1:])] for shape in self.shapes]
        for layer, both in enumerate(values):
            self.library.dense_copy(self.net, layer, part, *both, 0)
        values = jax.device_put(values)  # without another copy
        self.copied |= {(part, layer): both for layer, both in enumerate(values)}
        return [value for both in values for value in both]

    def _arrays(self, data: Batches) -> tuple[np.ndarray, np.ndarray]:
        """Inputs, as a view that nobody else can reshape, and labels."""
        if id(data) not in self.arrays:
            x, labels = data[0], _labels_of(data[1], self.shapes[-1][1])
            x = np.ascontiguousarray(x, np.float32).reshape(len(labels), self.shapes[0][0])
            self.arrays[id(data)] = data, x, labels
        return self.arrays[id(data)][1:]


def _reasons(model: keras.Model, data: Sequence[Batches], batch_size: int) -> Iterator[tuple[str, bool]]:
    yield "TENDIGITS_KERNEL=off", os.environ.get("TENDIGITS_KERNEL") == "off"
    yield "there is no library for this machine", _library() is None
    yield f"the device is {jax.default_backend()}", jax.default_backend() != "cpu"
    layers, dropout = _layers(model)
    yield "the layers", not 0 < len(layers) <= MAX_LAYERS
    widths = [layers[0].kernel.shape[0], *(layer.units for layer in layers)]
    yield "the size", (max(widths) + 64) * (max(batch_size, *widths) + 64) > MAX_ELEMENTS
    weights = [variable for layer in layers for variable in (layer.kernel, layer.bias)]
    seeds = [layer.seed_generator.state for layer in dropout.values()]
    yield "the variables", not is_same(model.trainable_variables, weights)
    yield "the variables", not is_same(model.non_trainable_variables, seeds)
    others = ((weight.regularizer, weight.constraint, weight.overwrite_with_gradient or None) for weight in weights)
    yield "the variables", any(other is not None for both in others for other in both)
    yield "losses of layers or variables", bool(model.losses)
    keys = jax.config.jax_default_prng_impl, jax.config.jax_threefry_partitionable
    yield "JAX's random numbers", keys != ("threefry2x32", True)
    optimizer = model.optimizer
    yield "the optimizer", type(optimizer) not in OPTIMIZERS or not _is_own(optimizer)
    yield "the optimizer's variables", not is_same(optimizer._trainable_variables, weights)
    settings = optimizer.get_config()
    yield "the optimizer's settings", not _has_usual_settings(optimizer)
    yield "the optimizer's epsilon", settings.get("epsilon", 1.0) < MIN_EPSILON
    yield "the learning rate's schedule", not isinstance(settings["learning_rate"], float)
    loss, accuracies = _loss_function(model), _accuracies(model)
    yield "the loss", loss is None
    yield "the metrics", not all(_is_plain_accuracy(metric, LOSSES[loss][1]) for metric in accuracies)
    tracked = [variable for metric in (model._loss_tracker, *accuracies) for variable in metric.variables]
    yield "the metrics", not is_same(model.metrics_variables, tracked)
    yield "the data", not all(_is_suitable(batches, model, layers) for batches in data)
    yield "another result of a first step", bool(data) and not _passes_trial(model, data[0])


def _layers(model: keras.Model) -> tuple[list[keras.layers.Dense], dict[int, keras.layers.Dropout]]:
    """The Dense layers, and the Dropout behind each; no layers if there are others or such with other features."""
    dense: list[keras.layers.Dense] = []
    dropout: dict[int, keras.layers.Dropout] = {}
    layers = model.layers if type(model) is keras.Sequential else []
    if layers and not all(_is_plain(part) for part in [model, model._functional or model, *layers]):
        return [], {}
    for layer in layers:
        if type(layer) is keras.layers.Dense:
            dense.append(layer)
        elif type(layer) is keras.layers.Dropout and layer.rate < 1 and dense and len(dense) - 1 not in dropout:
            if layer.rate:
                dropout[len(dense) - 1] = layer
        elif dense or type(layer) is not keras.layers.Flatten or layer.data_format != "channels_last":
            return [], {}
    functions = [layer.activation for layer in dense]
    fits = functions[-1:] == [keras.activations.softmax] and all(f in ACTIVATIONS for f in functions[:-1])
    return (dense, dropout) if fits and len(dense) - 1 not in dropout else ([], {})


def _is_own(thing: Any) -> bool:
    """Whether all methods of an object of Keras are those of its class."""
    return all(name in WRAPPED or not hasattr(type(thing), name) for name in vars(thing))


def _is_plain(layer: keras.Layer) -> bool:
    """Whether a layer, or the model, computes what its class says, in float32, without another loss."""
    if not _is_own(layer) or layer.dtype_policy.name != "float32" or layer.activity_regularizer is not None:
        return False
    return isinstance(layer, keras.Model) or (type(layer) in SETTINGS and _has_usual_settings(layer))


def _has_usual_settings(part: Any) -> bool:
    """Whether the settings of a layer or an optimizer are the defaults of its class, but for those in SETTINGS."""
    defaults, free = inspect.signature(type(part).__init__).parameters, {"name", "dtype", *SETTINGS[type(part)]}
    settings = {name: value for name, value in part.get_config().items() if name not in free}
    return all(name in defaults and value == defaults[name].default for name, value in settings.items())


def _loss_function(model: keras.Model) -> Any:
    """The function of the loss, if that is a cross-entropy with Keras' default settings; else None."""
    losses: Any = model._compile_loss._flat_losses or []
    function = getattr(losses[0].loss, "fn", None) if len(losses) == 1 else None
    if function not in LOSSES or losses[0].loss_weights is not None or not _is_own(model._compile_loss):
        return None
    loss, default = losses[0].loss, LOSSES[function][0]()
    is_default = (default._fn_kwargs | loss._fn_kwargs, loss.reduction, loss.dtype) == (
        default._fn_kwargs, default.reduction, "float32",
    )  # fmt: skip
    is_known = type(loss) in (type(default), type(default).__mro__[1])  # the class, or Keras' wrapper of functions
    return function if is_known and is_default and _is_own(loss) else None


def _accuracies(model: keras.Model) -> list[Any]:
    return [] if model._compile_metrics is None else list(model._compile_metrics.metrics)


def _is_plain_accuracy(metric: Any, kind: Any) -> bool:
    same = type(metric) is kind and _is_own(metric) and metric.dtype == "float32"
    return bool(same and metric._fn is kind()._fn and not metric._fn_kwargs)


def _is_suitable(batches: Batches, model: keras.Model, layers: list[keras.layers.Dense]) -> bool:
    """Whether data are (x, y) of inputs that become float32 and one label for each, in the form that the loss takes."""
    is_pair = isinstance(batches, tuple) and len(batches) == 2
    if not is_pair or not all(isinstance(part, np.ndarray | jax.Array) for part in batches):
        return False
    x, y = batches
    is_float = jax.numpy.issubdtype(x.dtype, jax.numpy.floating) and keras.config.floatx() == "float32"
    inputs, classes = layers[0].kernel.shape[0], layers[-1].units
    is_flat = len(model.output_shape) == 2 and (x.ndim == 2 or type(model.layers[0]) is keras.layers.Flatten)
    fits = is_float and is_flat and len(x) == len(y) < MAX_ELEMENTS and x.size == len(x) * inputs
    is_sparse = _loss_function(model) is keras.losses.sparse_categorical_crossentropy
    return bool(fits and is_sparse != _is_one_hot(y, classes) and _labels_of(y, classes) is not None)


def _passes_trial(model: keras.Model, data: Batches) -> bool:
    """Whether a step changes all variables as the kernel does, up to rounding; the model keeps the answer.

    Rounding alone can switch a unit on or off, so there is a second trial on other rows.
    """
    parts = [*parts_of(model), *(layer.activation for layer in _layers(model)[0])]
    kept = model.__dict__.get("_tendigits_trial")
    if kept is None or not is_same(kept[0], parts):
        kept = parts, any(_passes_trial_on(model, data, first) for first in (0, TRIAL_ROWS))
        model.__dict__["_tendigits_trial"] = kept  # around Keras' __setattr__, which would track it as a layer
    return bool(kept[1])


def _passes_trial_on(model: keras.Model, data: Batches, first: int) -> bool:
    n = min(TRIAL_ROWS, len(data[0]) - first)
    if n < 1:
        return False
    batch = to_device(take_rows(data, np.arange(first, first + n)))
    weights, seeds, (iteration, rate, *moments), metrics = get_state(model, "train")
    rate = np.ones_like(rate)  # so that a change is not lost in rounding
    before = weights, seeds, [iteration, rate, *moments], [np.zeros_like(value) for value in metrics]
    _, expected = jax.jit(model.train_step, compiler_options=QUICKLY)(before, batch)
    kernel = Kernel(model, n)
    after, _ = kernel.train(before, batch, np.arange(n)[None].astype(np.int32), 0, 1, None)
    after[2][2:] = kernel.copy_moments()
    return all(map(_is_close, jax.tree.leaves(after), jax.tree.leaves(expected), jax.tree.leaves(before)))


def _is_close(after: Any, expected: Any, before: Any) -> bool:
    """Whether a variable's change is the expected one."""
    after, expected, before = (np.asarray(values) for values in (after, expected, before))
    if expected.dtype.kind != "f":
        return np.array_equal(after, expected)
    norm = np.linalg.norm
    error, rounding = norm(after - expected), np.finfo(np.float32).eps * norm(expected)
    return bool(error <= TRIAL_ERROR * norm(expected - before) + 4 * rounding)


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
