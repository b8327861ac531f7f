"""Digits changed a little in every training step, within the compiled program: another hand each time.

change = augmenter(recipe.augmentation)                # None where nothing is to be changed
x = change(x, jax.random.key(0))                       # float32 (n, 784) or (n, 28, 28, 1), from 0 to 1
figure = draw_augmented(images, change, seed=0)        # 64 of them: look before you trust

One warp does shift, rotation, scale, shear and the elastic part at once: each pixel of the result is fetched, between
four, from where it was. Keras has a layer for each of these, with a fetch of its own each.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from tendigits.model.recipe import Augmentation

Change = Callable[[jax.Array, jax.Array], jax.Array]
"""(images, key) -> changed images of the same shape and dtype."""

SIDE = 28
GRID = 5
"""Points along each side of the coarse grid of random shifts of the elastic part."""

SHOWN = 64


def augmenter(knobs: Augmentation) -> Change | None:
    """The change that a recipe asks for; None where all its knobs are 0."""
    if knobs == Augmentation():
        return None

    def change(images: jax.Array, key: jax.Array) -> jax.Array:
        x = images.reshape(-1, SIDE, SIDE)
        warp, thick, pale, noise = jax.random.split(key, 4)
        if knobs.thickness:
            x = _thicken(x, _between(thick, (len(x), 1, 1), knobs.thickness))
        if knobs.shift or knobs.rotate or knobs.scale or knobs.shear or knobs.elastic:
            x = _fetch(x, _places(knobs, len(x), warp))
        if knobs.contrast:
            x *= 1 - knobs.contrast * jax.random.uniform(pale, (len(x), 1, 1))
        if knobs.noise:
            # A byte for each pixel: as good as 24 random bits here, and a quarter of them to draw.
            grain = jax.random.bits(noise, x.shape, jnp.uint8).astype(jnp.float32) / 127.5 - 1
            x = jnp.clip(x + knobs.noise * grain, 0, 1)
        changed: jax.Array = x.reshape(images.shape).astype(images.dtype)
        return changed

    return change


def draw_augmented(images: np.ndarray[Any, Any], change: Change, seed: int) -> Figure:
    """A picture of 64 changed digits.

    Args:
        images: float32 (n, 784) from 0 to 1, n at least 1; the first 16 are drawn, four times each.
    """
    few = np.resize(images[:16], (SHOWN, SIDE * SIDE))
    changed: Any = np.asarray(change(jnp.asarray(few), jax.random.key(seed))).reshape(8, 8, SIDE, SIDE)
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    axes.imshow(changed.transpose(0, 2, 1, 3).reshape(8 * SIDE, 8 * SIDE), cmap="gray", vmin=0, vmax=1)
    axes.set_axis_off()
    return figure


def _between(key: jax.Array, shape: tuple[int, ...], limit: float) -> jax.Array:
    """Uniform from -limit to limit."""
    return jax.random.uniform(key, shape, minval=-limit, maxval=limit)


def _places(knobs: Augmentation, n: int, key: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Row and column that each pixel is fetched from: float32 (n, 28, 28) each."""
    keys = jax.random.split(key, 5)
    angle = _between(keys[0], (n, 1, 1), np.deg2rad(knobs.rotate))
    stretch_y, stretch_x = jnp.split(1 + _between(keys[1], (n, 1, 2), knobs.scale), 2, axis=2)
    shear = _between(keys[2], (n, 1, 1), knobs.shear)
    shift_y, shift_x = jnp.split(_between(keys[3], (n, 1, 2), knobs.shift), 2, axis=2)
    centred = np.arange(SIDE, dtype=np.float32) - np.float32((SIDE - 1) / 2)
    y, x = centred[:, None], centred[None, :]
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    row = (cosine * y - sine * x) / stretch_y + shift_y
    column = (sine * y + cosine * x) / stretch_x + shear * y + shift_x
    if knobs.elastic:
        coarse = knobs.elastic * jax.random.normal(keys[4], (2, n, GRID, GRID))
        smooth = jnp.einsum("yi,knij,xj->knyx", _SPREAD, coarse, _SPREAD)
        row, column = row + smooth[0], column + smooth[1]
    return row + (SIDE - 1) / 2, column + (SIDE - 1) / 2


def _spread() -> np.ndarray[Any, Any]:
    """Weights from GRID points to 28 pixels, float32 (28, GRID): bell-shaped, of length 1 so that a shift keeps its
    standard deviation."""
    pixels, points = np.linspace(0, GRID - 1, SIDE)[:, None], np.arange(GRID)[None, :]
    weights = np.exp(-((pixels - points) ** 2) / (2 * 0.6**2))
    spread: np.ndarray[Any, Any] = (weights / np.linalg.norm(weights, axis=1, keepdims=True)).astype(np.float32)
    return spread


_SPREAD = _spread()


def _fetch(x: jax.Array, places: tuple[jax.Array, jax.Array]) -> jax.Array:
    """Bilinear; beyond the edge is black."""
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1)))
    wide = SIDE + 2
    row, column = (jnp.clip(place + 1, 0, wide - 1.001) for place in places)
    top, left = jnp.floor(row), jnp.floor(column)
    down, right = row - top, column - left
    first = (wide * top + left).astype(jnp.int32).reshape(len(x), -1)
    flat = padded.reshape(len(x), -1)

    def at(step: int) -> jax.Array:
        taken: jax.Array = jnp.take_along_axis(flat, first + step, axis=1, mode="promise_in_bounds")
        return taken.reshape(x.shape)

    upper = at(0) + right * (at(1) - at(0))
    lower = at(wide) + right * (at(wide + 1) - at(wide))
    return upper + down * (lower - upper)


def _thicken(x: jax.Array, by: jax.Array) -> jax.Array:
    """Part of the way to the lightest of a pixel and its four neighbours, or to the darkest where `by` is negative."""
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1)))
    around = [padded[:, 1:-1, :-2], padded[:, 1:-1, 2:], padded[:, :-2, 1:-1], padded[:, 2:, 1:-1]]
    lightest = jnp.maximum(x, jnp.maximum(jnp.maximum(*around[:2]), jnp.maximum(*around[2:])))
    darkest = jnp.minimum(x, jnp.minimum(jnp.minimum(*around[:2]), jnp.minimum(*around[2:])))
    return jnp.where(by > 0, x + by * (lightest - x), x - by * (darkest - x))
