"""Fast products of bfloat16 matrices in compiled loops on the CPU.

XLA's library multiplies bfloat16 with the processor's own instructions (AVX512-BF16, AMX) only where the result is
float32 and no factor is transposed; else it converts to float32 first, and takes longer than for float32. So within
`fast_products()` Keras' layers ask for float32 and round it: the same numbers, up to seven times as fast. In the
gradients' products a factor is transposed, so they gain less.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

_jnp_matmul = jnp.matmul
_lock = RLock()


@contextmanager
def fast_products() -> Iterator[None]:
    """Replace `jnp.matmul` by `matmul`, on the CPU only: elsewhere XLA needs no help."""
    if jax.default_backend() != "cpu":
        yield
        return
    with _lock:
        before, jnp.matmul = jnp.matmul, matmul
        try:
            yield
        finally:
            jnp.matmul = before


def matmul(a: Any, b: Any, **others: Any) -> jax.Array:
    """`jnp.matmul`, by `_product` where bfloat16 of any number of axes is multiplied by a bfloat16 matrix."""
    is_mixed = all(getattr(factor, "dtype", None) == jnp.bfloat16 for factor in (a, b))
    if not is_mixed or b.ndim != 2 or any(value is not None for value in others.values()):
        return _jnp_matmul(a, b, **others)
    return _product(a.reshape(-1, a.shape[-1]), b).reshape(*a.shape[:-1], b.shape[1])


@jax.custom_vjp  # type: ignore[untyped-decorator]
def _product(a: jax.Array, b: jax.Array) -> jax.Array:
    """bfloat16 (n, k) @ (k, m) -> (n, m); its gradients likewise."""
    return lax.dot(a, b, preferred_element_type=jnp.float32).astype(jnp.bfloat16)


def _forward(a: jax.Array, b: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _product(a, b), (a, b)


def _backward(kept: tuple[jax.Array, jax.Array], gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    a, b = kept
    return _product(gradient, b.T), _product(a.T, gradient)


_product.defvjp(_forward, _backward)
