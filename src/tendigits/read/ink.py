"""Grey pixels -> ink: white on black, whatever the paper, the light and the pen were.

ink = find_ink(grey)          # uint8 (height, width), 0 paper, 255 ink; None where there is none
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]

GROUND_SIDE = 160
"""Longest side of the picture in which the ground is looked for: paper and shade change slowly."""

FAINTEST = 14
"""Of 255: ink that is less darker than its ground than 5.5% is not told from grain."""

UNCLEAR = 0.25
"""Of the range from the darkest to the lightest pixel: where the border is so near its middle, it says too little."""

SHADE = 0.2
"""Of the picture's shorter side: what changes more slowly is shade."""

NOISE = 3.0
"""Standard deviations of the paper's grain above which a pixel may be ink."""


def find_ink(grey: Grey) -> Grey | None:
    """Take the ground away and stretch what is left.

    Args:
        grey: uint8 (height, width), dark ink on light ground or light ink on dark.

    Returns:
        uint8 of the same shape: 0 where there is ground, about 255 where the ink is; None where the picture is blank.
    """
    light = grey if has_dark_ink(grey) else 255 - grey
    ground = find_ground(light)
    # A share of the ground, for in the shade ink and paper darken alike; none where the ground is black.
    strength = cv2.divide(cv2.subtract(ground, light), ground, scale=255)
    counts = np.bincount(strength.ravel(), minlength=256)
    brightness = max(1.0, float(np.median(ground[:: 1 + len(ground) // 64])))
    grain = _grain(counts, _noise(light) * 255 / brightness)
    full = _full_strength(counts, grain)
    if full < max(FAINTEST, 2 * grain):
        return None
    low = min(grain, 0.3 * full)
    table = np.clip((np.arange(256) - low) * (255 / max(full - low, 1)), 0, 255).astype(np.uint8)
    ink: Grey = cv2.LUT(strength, table)
    return ink


def has_dark_ink(grey: Grey) -> bool:
    """Whether the ground, which is what the border is made of, is the lighter part of the picture.

    Where the border is neither light nor dark, as in a strong shade, the ink is the smaller part of what is left
    when the shade is taken away: it has the longer tail.
    """
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    seen = np.flatnonzero(np.bincount(grey.ravel(), minlength=256) > 0)
    darkest, lightest = int(seen[0]), int(seen[-1])
    above = float(np.median(border)) - (darkest + lightest) / 2
    if abs(above) >= UNCLEAR * (lightest - darkest):
        return above >= 0
    return _tail(grey) <= 0


def _tail(grey: Grey) -> float:
    """The third moment of what is left of the picture without its shade; below 0 where its dark parts are few."""
    scale = min(1.0, GROUND_SIDE / max(grey.shape))
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
    level = small.astype(np.float32)
    rest = level - cv2.GaussianBlur(level, (0, 0), max(1.0, SHADE * min(small.shape)))
    return float(((rest - rest.mean()) ** 3).mean())


def find_ground(light: Grey) -> Grey:
    """What the picture would be without ink: uint8 of the same shape.

    A closing fills whatever is dark and narrower than an eighth of the picture's shorter side.
    """
    height, width = light.shape
    shrink = max(1.0, max(height, width) / GROUND_SIDE)
    small_size = max(1, round(width / shrink)), max(1, round(height / shrink))
    small = cv2.resize(light, small_size, interpolation=cv2.INTER_AREA)
    if min(small_size) >= 3:
        small = cv2.medianBlur(small, 3)
    reach = 2 * max(1, round(min(small_size) / 8)) + 1
    small = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    small = cv2.blur(small, (reach, reach))
    ground: Grey = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return ground


def _grain(counts: NDArray[Any], noise: float) -> float:
    """The strength below which paper's own grain lies, from how often each strength comes.

    Most pixels of a page are paper; of a picture of one digit perhaps half are, so the weaker of two classes is looked
    at too.
    """
    weaker = np.where(np.arange(256) <= _split(counts), counts, 0)
    return min(_spread(counts), max(_spread(weaker), NOISE * noise))


def _noise(light: Grey) -> float:
    """The standard deviation of noise from pixel to pixel, which strokes have no part in.

    By a mask that is blind to slopes (Immerkaer: Fast noise variance estimation, 1996), with the median in place of
    the mean.
    """
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    rough = cv2.convertScaleAbs(cv2.filter2D(light, cv2.CV_16S, mask))
    half = np.searchsorted(np.cumsum(np.bincount(rough.ravel(), minlength=256)), rough.size / 2)
    return float(half) / 0.6745 / 6


def _spread(counts: NDArray[Any]) -> float:
    """NOISE standard deviations above the median, the deviation from the median of deviations."""
    half = counts.sum() / 2
    median = int(np.searchsorted(np.cumsum(counts), half))
    deviations = np.bincount(np.abs(np.arange(256) - median), weights=counts)
    spread = 1.4826 * np.searchsorted(np.cumsum(deviations), half)
    return float(median + NOISE * max(spread, 1.0))


def _full_strength(counts: NDArray[Any], grain: float) -> float:
    """How strong ink is: the mean of the stronger of two classes of what is above the grain."""
    values = np.arange(256)
    above = np.where(values > grain, counts, 0).astype(np.float64)
    if not above.any():
        return 0.0
    stronger = above * (values > _split(above))
    if not stronger.any():
        stronger = above
    return float((stronger * values).sum() / stronger.sum())


def _split(counts: NDArray[Any]) -> int:
    """The last value of the weaker of two classes (Otsu: A threshold selection method from gray-level histograms)."""
    weight, sums = np.cumsum(counts, dtype=np.float64), np.cumsum(counts * np.arange(256), dtype=np.float64)
    within = weight * (weight[-1] - weight)
    between = np.zeros(256)
    np.divide((sums[-1] * weight / weight[-1] - sums) ** 2, within, out=between, where=within > 0)
    return int(np.argmax(between))
