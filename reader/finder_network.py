"""The network that finds numbers on a page: its layers, what it is taught, and its loss.

network = build()                               # (height, width, 1) -> (height / 8, width / 8, 4 * 2)
y = targets(page)                               # what it should say of a page

At every fourth pixel it says whether the middle of a number runs through it, and how high its digits are. The parts of
that mask that are connected are the numbers (Liao and others: Real-time scene text detection with differentiable
binarization, 2020, without the binarization).
"""

from typing import Any

import cv2
import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from blocks import convolve, residual
from synthesis.pages import HIGHEST, Page
from synthesis.sheet import SIDE
from tendigits.numbers.finder import CELL_PX, REFERENCE_HEIGHT_PX

CORE, AROUND = 0.4, 1.2
"""Of the digits' height: the height of a number's middle, and of the band around it that teaches nothing."""

TOLERANCE = 1.15
"""How many times lower or higher than HIGHEST a digit may be that teaches nothing, for there it's a matter of taste."""

SMOOTHING = 15.0
"""Cells that are added to all counts, so that a page without a number has a bounded loss."""

Floats = NDArray[np.float32]


def build(channels: tuple[int, int, int] = (24, 48, 64)) -> keras.Model:
    """Build it: cells of 4 x 4 pixels, down to a sixteenth of the size, and up to an eighth.

    Few layers see single places and none but the first sees pixels, which takes a third of the time. At an eighth of
    the size the network speaks for four places each.
    """
    first, second, third = channels
    x = inputs = keras.Input((None, None, 1))
    x = convolve(x, first, (CELL_PX, CELL_PX), strides=(CELL_PX, CELL_PX))
    x = eighth = residual(convolve(x, second, strides=(2, 2)), second)
    x = residual(residual(convolve(x, third, strides=(2, 2)), third), third)
    x = layers.UpSampling2D(2)(layers.Conv2D(second, 1)(x))
    x = convolve(layers.Add()([x, eighth]), second)
    return keras.Model(inputs, layers.Conv2D(4 * 2, 1, dtype="float32")(x))


def targets(page: Page) -> Floats:
    """What the network should say: float32 (SIDE / 4, SIDE / 4, 3): is it a number, weight, log2 of the height."""
    side = SIDE // CELL_PX
    core, band = np.zeros((side, side), np.uint8), np.zeros((side, side), np.uint8)
    height = np.zeros((side, side), np.float32)
    for number in page.numbers:
        if number.height > HIGHEST * TOLERANCE:
            continue  # a smaller copy of the page shows it
        ends = [tuple(np.round(end / CELL_PX * 16 - 8).astype(int).tolist()) for end in (number.start, number.end)]
        inside = np.zeros_like(core)
        size = number.height / CELL_PX
        cv2.line(band, ends[0], ends[1], 1, max(1, round(AROUND * size)), shift=4)
        if number.height < HIGHEST / TOLERANCE:
            cv2.line(inside, ends[0], ends[1], 1, max(1, round(CORE * size)), shift=4)
        core |= inside
        height[inside > 0] = np.log2(number.height / REFERENCE_HEIGHT_PX)
    weight = (core > 0) | (band == 0)
    return np.stack([core, weight, height], axis=-1).astype(np.float32)


def loss(y_true: Any, y_pred: Any) -> Any:
    """Cross-entropy with hard places first, Dice, and the error of the height; one value for each page."""
    number, weight, height = y_true[..., 0], y_true[..., 1], y_true[..., 2]
    n, rows, columns, _ = ops.shape(y_pred)
    y_pred = ops.transpose(ops.reshape(y_pred, (n, rows, columns, 2, 2, 2)), (0, 1, 3, 2, 4, 5))
    y_pred = ops.reshape(y_pred, (n, 2 * rows, 2 * columns, 2))
    logit = y_pred[..., 0]
    entropy = ops.maximum(logit, 0) - logit * number + ops.log1p(ops.exp(-ops.abs(logit)))
    share = ops.sigmoid(logit)
    miss = ops.abs(number - share)  # focal: what is right already counts for little
    inside = number * weight
    count = ops.sum(inside, axis=(1, 2)) + SMOOTHING
    focal = ops.sum(entropy * weight * miss, axis=(1, 2)) / count
    both = 2 * ops.sum(share * inside, axis=(1, 2)) + SMOOTHING
    dice = 1 - both / (ops.sum(share * weight, axis=(1, 2)) + ops.sum(inside, axis=(1, 2)) + SMOOTHING)
    error = ops.sum(ops.abs(y_pred[..., 1] - height) * inside, axis=(1, 2)) / count
    return focal + dice + error
