"""Random augmentation of digits inside the compiled training step.

augment = augmenter(recipe.augmentation)               # None if every setting is 0
x = augment(x, jax.random.key(0))                      # float32 (n, 784) or (n, 28, 28, 1), from 0 to 1
figure = draw_augmented(images, augment, seed=0)       # 64 of them, to look at before training

Shift, rotation, scale, shear and elastic deformation share one bilinear interpolation; Keras' layers would interpolate
once for each.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from tendigits.model.recipe import Augmentation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Augmenter = Callable[[jax.Array, jax.Array], jax.Array]  # (images, key) -> augmented images of the same shape and dtype

SIDE = 28  # pixels
ELASTIC_GRID = 5  # points along each side of the grid of random shifts that makes an elastic deformation


def augmenter(settings: Augmentation) -> Augmenter | None:
    """The augmentation of a recipe's settings; None if every setting is 0."""
    if settings == Augmentation():
        return None

    def augment(images: jax.Array, key: jax.Array) -> jax.Array:
        x = images.reshape(-1, SIDE, SIDE)
        warp, thickness, contrast, noise = jax.random.split(key, 4)
        if settings.thickness:
            x = _thicken(x, _uniform(thickness, (len(x), 1, 1), settings.thickness))
        if settings.shift or settings.rotate or settings.scale or settings.shear or settings.elastic:
            x = interpolate(x, *source_coordinates(settings, len(x), warp))
        if settings.contrast:
            x *= 1 - settings.contrast * jax.random.uniform(contrast, (len(x), 1, 1))
        if settings.noise:
            # One random byte per pixel is enough, and faster than a random float.
            uniform = jax.random.bits(noise, x.shape, jnp.uint8).astype(jnp.float32) / 127.5 - 1
            x = jnp.clip(x + settings.noise * uniform, 0, 1)
        return x.reshape(images.shape).astype(images.dtype)

    return augment


def draw_augmented(images: np.ndarray, augment: Augmenter, seed: int) -> "Figure":
    """Draw 64 augmented digits.

    Args:
        images: float32 (n, 784) from 0 to 1, n at least 1. The first 16 are drawn, four times each.
    """
    from matplotlib.figure import Figure

    few = np.resize(images[:16], (64, SIDE * SIDE))
    augmented: Any = np.asarray(jax.jit(augment)(few, jax.random.key(seed))).reshape(8, 8, SIDE, SIDE)
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    axes.imshow(augmented.transpose(0, 2, 1, 3).reshape(8 * SIDE, 8 * SIDE), cmap="gray", vmin=0, vmax=1)
    axes.set_axis_off()
    return figure


def _uniform(key: jax.Array, shape: tuple[int, ...], limit: float) -> jax.Array:
    """Uniform from -limit to limit."""
    return jax.random.uniform(key, shape, minval=-limit, maxval=limit)


def source_coordinates(settings: Augmentation, n: int, key: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Row and column in the original from which each pixel is taken: float32 (n, 28, 28) each."""
    keys = jax.random.split(key, 5)
    angle = _uniform(keys[0], (n, 1, 1), np.deg2rad(settings.rotate))
    scale_y, scale_x = jnp.split(1 + _uniform(keys[1], (n, 1, 2), settings.scale), 2, axis=2)
    shear = _uniform(keys[2], (n, 1, 1), settings.shear)
    shift_y, shift_x = jnp.split(_uniform(keys[3], (n, 1, 2), settings.shift), 2, axis=2)
    centred = np.arange(SIDE, dtype=np.float32) - np.float32((SIDE - 1) / 2)
    y, x = centred[:, None], centred[None, :]
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    row = (cosine * y - sine * x) / scale_y + shift_y
    column = (sine * y + cosine * x) / scale_x + shear * y + shift_x
    if settings.elastic:
        coarse = settings.elastic * jax.random.normal(keys[4], (2, n, ELASTIC_GRID, ELASTIC_GRID))
        smooth = jnp.einsum("yi,knij,xj->knyx", _UPSAMPLING, coarse, _UPSAMPLING)
        row, column = row + smooth[0], column + smooth[1]
    return row + (SIDE - 1) / 2, column + (SIDE - 1) / 2


def _upsampling_weights() -> np.ndarray:
    """Gaussian weights, float32 (28, ELASTIC_GRID). With rows of norm 1 a random shift keeps its standard deviation."""
    pixels, points = np.linspace(0, ELASTIC_GRID - 1, SIDE)[:, None], np.arange(ELASTIC_GRID)[None, :]
    weights = np.exp(-((pixels - points) ** 2) / (2 * 0.6**2))
    return np.asarray(weights / np.linalg.norm(weights, axis=1, keepdims=True), np.float32)


_UPSAMPLING = _upsampling_weights()


def interpolate(x: jax.Array, row: jax.Array, column: jax.Array) -> jax.Array:
    """Bilinear interpolation of (n, 28, 28) at the given rows and columns; outside is black."""
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1)))
    width = SIDE + 2
    row, column = (jnp.clip(coordinate + 1, 0, width - 1.001) for coordinate in (row, column))
    top, left = jnp.floor(row), jnp.floor(column)
    down, right = row - top, column - left
    first = (width * top + left).astype(jnp.int32).reshape(len(x), -1)
    flat = padded.reshape(len(x), -1)

    def at(offset: int) -> jax.Array:
        return jnp.take_along_axis(flat, first + offset, axis=1, mode="promise_in_bounds").reshape(x.shape)

    upper = at(0) + right * (at(1) - at(0))
    lower = at(width) + right * (at(width + 1) - at(width))
    return upper + down * (lower - upper)


def _thicken(x: jax.Array, amount: jax.Array) -> jax.Array:
    """Move each pixel towards the largest of it and its four neighbours, or the smallest if `amount` is negative."""
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1)))
    left, right, above, below = padded[:, 1:-1, :-2], padded[:, 1:-1, 2:], padded[:, :-2, 1:-1], padded[:, 2:, 1:-1]
    largest = jnp.maximum(x, jnp.maximum(jnp.maximum(left, right), jnp.maximum(above, below)))
    smallest = jnp.minimum(x, jnp.minimum(jnp.minimum(left, right), jnp.minimum(above, below)))
    return jnp.where(amount > 0, x + amount * (largest - x), x - amount * (smallest - x))
