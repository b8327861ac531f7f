"""Fast convolutions in compiled loops on the CPU: im2col patches and one matrix product.

XLA's CPU convolution is slow, and far slower inside a compiled loop (https://github.com/jax-ml/jax/issues/12868, open
since 2022). The same sum as a matrix product of shifted slices and the kernel runs at the speed of the product, and so
do its gradients. Within `fast_convolutions()`, Keras' layers are traced that way.
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

MAX_KERNEL = 64
"""Largest kernel, such as 8x8 or 4x4x4, for which patches save more than they cost."""


def is_slow_in_a_loop(model: keras.Model) -> bool:
    """Whether the model has a convolution that is slower inside a loop than outside: a large or transposed one.

    With a 9x9 kernel, patches take 1.4 times as long as XLA's convolution outside a loop, and that 7 times as long
    inside one (bench/layers.py).
    """
    if jax.default_backend() != "cpu":
        return False
    layers = keras.layers
    for layer in model._flatten_layers():
        transposed = isinstance(layer, layers.Conv1DTranspose | layers.Conv2DTranspose | layers.Conv3DTranspose)
        large = isinstance(layer, layers.Conv1D | layers.Conv2D | layers.Conv3D) and layer.groups == 1
        if transposed or (large and np.prod(layer.kernel_size) > MAX_KERNEL):
            return True
    return False


@contextmanager
def fast_convolutions() -> Iterator[None]:
    """Replace `lax.conv_general_dilated` by `convolve`, on the CPU only: elsewhere XLA's own is faster."""
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
    """`lax.conv_general_dilated`, by patches if the convolution is plain.

    Plain: no groups, no dilation of the input, and a kernel of at most MAX_KERNEL elements. `is_slow_in_a_loop` knows
    the others.
    """
    numbers = lax.conv_dimension_numbers(lhs.shape, rhs.shape, dimension_numbers)
    n_space = lhs.ndim - 2
    plain = (
        feature_group_count == batch_group_count == 1
        and all(d == 1 for d in lhs_dilation or ())
        and not others.get("preferred_element_type")
        and math.prod(rhs.shape[axis] for axis in numbers.rhs_spec[2:]) <= MAX_KERNEL
    )
    if not plain:
        return _lax_convolution(
            lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation, dimension_numbers,
            feature_group_count, batch_group_count, **others,
        )  # fmt: skip
    # Bring all to (batch, space..., channels) and (space..., channels in, channels out).
    lhs = lhs.transpose(numbers.lhs_spec[0], *numbers.lhs_spec[2:], numbers.lhs_spec[1])
    rhs = rhs.transpose(*numbers.rhs_spec[2:], numbers.rhs_spec[1], numbers.rhs_spec[0])
    kernel, dilation = rhs.shape[:n_space], tuple(rhs_dilation or (1,) * n_space)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    pads = lax.padtype_to_pads(lhs.shape[1:-1], reach, window_strides, padding) if isinstance(padding, str) else padding
    padded = jnp.pad(lhs, [(0, 0), *pads, (0, 0)])
    places = _places(padded, (1, *kernel, 1), (1, *window_strides, 1), (1, *dilation, 1))
    patches = jnp.concatenate(places, axis=-1)
    result = jnp.matmul(patches.reshape(-1, patches.shape[-1]), rhs.reshape(-1, rhs.shape[-1]))
    result = result.reshape(*patches.shape[:-1], rhs.shape[-1])
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
    """`lax.reduce_window`, by shifted slices for the maximum of small windows.

    Among equal values the gradient goes to the first, as with XLA.
    """
    plain = computation is lax.max and not others and np.prod(window_dimensions) <= 16
    if not plain:
        return _lax_reduce_window(
            operand, init_value, computation, window_dimensions, window_strides, padding, **others
        )
    pads = (
        lax.padtype_to_pads(operand.shape, window_dimensions, window_strides, padding)
        if isinstance(padding, str)
        else padding
    )
    if tuple(window_strides) == tuple(window_dimensions) and not np.any(pads):
        return _pool(operand, tuple(window_dimensions))
    padded = jnp.pad(operand, pads, constant_values=init_value)
    places = _places(padded, window_dimensions, window_strides)
    return reduce(lambda best, place: jnp.where(best >= place, best, place), places)


def _places(
    x: jax.Array, window: Sequence[int], strides: Sequence[int], dilation: Sequence[int] | None = None
) -> list[jax.Array]:
    """For each place in a window that slides over x, in their order: what stands there in all windows."""
    dilation = dilation or (1,) * x.ndim
    spans = [n - (w - 1) * d for n, w, d in zip(x.shape, window, dilation, strict=True)]
    return [
        x[tuple(slice(o * d, o * d + n, s) for o, d, n, s in zip(offset, dilation, spans, strides, strict=True))]
        for offset in product(*map(range, window))
    ]


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def _pool(operand: jax.Array, window: tuple[int, ...]) -> jax.Array:
    """The maximum of windows that do not overlap. It keeps where each came from, so its gradient is one pass."""
    return _best_of(operand, window)[0]


def _best_of(operand: jax.Array, window: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
    """The maxima, and the position of each in its window: uint8 of the same shape."""
    best, *others = _places(operand, window, window)
    place = jnp.zeros(best.shape, jnp.uint8)
    for number, other in enumerate(others, 1):
        more = (other > best) | (other != other)  # NaN wins, as with XLA
        best, place = jnp.where(more, other, best), jnp.where(more, jnp.uint8(number), place)
    return best, place


def _pool_forward(operand: jax.Array, window: tuple[int, ...]) -> tuple[jax.Array, tuple[jax.Array, tuple[int, ...]]]:
    best, place = _best_of(operand, window)
    return best, (place, operand.shape)


def _pool_backward(
    window: tuple[int, ...], kept: tuple[jax.Array, tuple[int, ...]], gradient: jax.Array
) -> tuple[jax.Array]:
    place, shape = kept
    alone = [n for size in gradient.shape for n in (size, 1)]
    numbers = np.arange(np.prod(window), dtype=np.uint8).reshape([n for w in window for n in (1, w)])
    spread = jnp.where(place.reshape(alone) == numbers, gradient.reshape(alone), 0)
    whole = spread.reshape([n * w for n, w in zip(gradient.shape, window, strict=True)])
    rest = [(0, n - m) for n, m in zip(shape, whole.shape, strict=True)]
    return (jnp.pad(whole, rest),)


_pool.defvjp(_pool_forward, _pool_backward)
