"""Fast convolutions in compiled loops on the CPU: im2col and one matrix product.

XLA's CPU convolution is slow, and much slower inside a compiled loop (https://github.com/jax-ml/jax/issues/12868). A
matrix product of shifted slices of the input (im2col) and the kernel gives the same sums, and its gradients are matrix
products, too. Within `fast_convolutions()`, Keras' layers are traced that way.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial, reduce
from itertools import product
from threading import RLock
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax import lax

_lax_convolution = lax.conv_general_dilated
_lax_reduce_window = lax.reduce_window
_lock = RLock()

MAX_KERNEL_ELEMENTS = 64  # with larger kernels, such as 9x9, copying the windows costs more than it saves
MAX_WINDOW_ELEMENTS = 16  # with larger pooling windows, XLA's own pooling is faster than shifted slices


def is_slow_in_a_loop(model: keras.Model) -> bool:
    """Whether the model has a convolution that runs faster outside of a compiled loop: a large or a transposed one."""
    if jax.default_backend() != "cpu":
        return False
    plain = keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D
    transposed = keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose
    return any(
        isinstance(layer, transposed)
        or (isinstance(layer, plain) and layer.groups == 1 and np.prod(layer.kernel_size) > MAX_KERNEL_ELEMENTS)
        for layer in model._flatten_layers()
    )


@contextmanager
def fast_convolutions() -> Iterator[None]:
    """Replace `lax.conv_general_dilated` and `lax.reduce_window` on the CPU; on GPUs XLA's own are faster."""
    if jax.default_backend() != "cpu":
        yield
        return
    with _lock:
        before = lax.conv_general_dilated, lax.reduce_window
        lax.conv_general_dilated, lax.reduce_window = convolve, reduce_window
        try:
            yield
        finally:
            lax.conv_general_dilated, lax.reduce_window = before


def convolve(
    lhs: jax.Array,
    rhs: jax.Array,
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: Any = None,
    feature_group_count: int = 1,
    batch_group_count: int = 1,
    **others: Any,
) -> jax.Array:
    """`lax.conv_general_dilated` by im2col.

    XLA's own is called for groups, a dilated input and kernels of more than MAX_KERNEL_ELEMENTS.
    """
    numbers = lax.conv_dimension_numbers(lhs.shape, rhs.shape, dimension_numbers)
    n_space = lhs.ndim - 2
    is_plain = (
        feature_group_count == batch_group_count == 1
        and all(d == 1 for d in lhs_dilation or ())
        and not others.get("preferred_element_type")
        and math.prod(rhs.shape[axis] for axis in numbers.rhs_spec[2:]) <= MAX_KERNEL_ELEMENTS
    )
    if not is_plain:
        return _lax_convolution(
            lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation, dimension_numbers,
            feature_group_count, batch_group_count, **others,
        )  # fmt: skip
    # To (batch, space..., channels) and (space..., channels in, channels out).
    lhs = lhs.transpose(numbers.lhs_spec[0], *numbers.lhs_spec[2:], numbers.lhs_spec[1])
    rhs = rhs.transpose(*numbers.rhs_spec[2:], numbers.rhs_spec[1], numbers.rhs_spec[0])
    kernel, dilation = rhs.shape[:n_space], tuple(rhs_dilation or (1,) * n_space)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    pads = lax.padtype_to_pads(lhs.shape[1:-1], reach, window_strides, padding) if isinstance(padding, str) else padding
    padded = jnp.pad(lhs, [(0, 0), *pads, (0, 0)])
    slices = _shifted_slices(padded, (1, *kernel, 1), (1, *window_strides, 1), (1, *dilation, 1))
    windows = jnp.concatenate(slices, axis=-1)
    result = jnp.matmul(windows.reshape(-1, windows.shape[-1]), rhs.reshape(-1, rhs.shape[-1]))
    result = result.reshape(*windows.shape[:-1], rhs.shape[-1])
    return result.transpose(np.argsort((numbers.out_spec[0], *numbers.out_spec[2:], numbers.out_spec[1])))


def reduce_window(
    operand: Any,
    init_value: Any,
    computation: Any,
    window_dimensions: Sequence[int],
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    **others: Any,
) -> Any:
    """`lax.reduce_window`, with shifted slices for max pooling in small windows.

    Among equal values the first one gets the gradient, as in XLA.
    """
    if computation is not lax.max or others or np.prod(window_dimensions) > MAX_WINDOW_ELEMENTS:
        return _lax_reduce_window(
            operand, init_value, computation, window_dimensions, window_strides, padding, **others
        )
    pads = padding
    if isinstance(padding, str):
        pads = lax.padtype_to_pads(operand.shape, window_dimensions, window_strides, padding)
    if tuple(window_strides) == tuple(window_dimensions) and not np.any(pads):
        return _max_pool(operand, tuple(window_dimensions))
    padded = jnp.pad(operand, pads, constant_values=init_value)
    slices = _shifted_slices(padded, window_dimensions, window_strides)
    return reduce(lambda best, other: jnp.where(best >= other, best, other), slices)


def _shifted_slices(
    x: jax.Array, window: Sequence[int], strides: Sequence[int], dilation: Sequence[int] | None = None
) -> list[jax.Array]:
    """For each position in a window that slides over x, in row-major order: its values in all windows."""
    dilation = dilation or (1,) * x.ndim
    spans = [n - (w - 1) * d for n, w, d in zip(x.shape, window, dilation, strict=True)]
    return [
        x[tuple(slice(o * d, o * d + n, s) for o, d, n, s in zip(offset, dilation, spans, strides, strict=True))]
        for offset in product(*map(range, window))
    ]


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def _max_pool(operand: jax.Array, window: tuple[int, ...]) -> jax.Array:
    """Max pooling with windows that do not overlap. It saves where each maximum was found for a fast gradient."""
    return _maxima(operand, window)[0]


def _maxima(operand: jax.Array, window: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
    """The maxima, and the position of each in its window: uint8 of the same shape."""
    best, *others = _shifted_slices(operand, window, window)
    position = jnp.zeros(best.shape, jnp.uint8)
    for number, other in enumerate(others, 1):
        is_larger = (other > best) | (other != other)  # NaN wins, as in XLA
        best, position = jnp.where(is_larger, other, best), jnp.where(is_larger, jnp.uint8(number), position)
    return best, position


def _max_pool_forward(operand: jax.Array, window: tuple[int, ...]) -> tuple[jax.Array, Any]:
    best, position = _maxima(operand, window)
    return best, (position, operand.shape)


def _max_pool_backward(window: tuple[int, ...], saved: Any, gradient: jax.Array) -> tuple[jax.Array]:
    """Put each gradient where its maximum was found; 0 elsewhere."""
    position, shape = saved
    by_window = [n for size in gradient.shape for n in (size, 1)]
    numbers = np.arange(np.prod(window), dtype=np.uint8).reshape([n for w in window for n in (1, w)])
    spread = jnp.where(position.reshape(by_window) == numbers, gradient.reshape(by_window), 0)
    covered = spread.reshape([n * w for n, w in zip(gradient.shape, window, strict=True)])
    rest = [(0, n - m) for n, m in zip(shape, covered.shape, strict=True)]
    return (jnp.pad(covered, rest),)


_max_pool.defvjp(_max_pool_forward, _max_pool_backward)
