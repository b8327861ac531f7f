"""Grey pixels -> foreground: strokes white on black, for any paper, light and pen.

foreground = find_foreground(grey)      # uint8 (height, width): 0 paper, 255 stroke; None for a blank picture
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.pictures.image import Grey

BACKGROUND_SIDE = 160  # pixels: longest side of the copy in which the background, which changes slowly, is estimated
MIN_STROKE_CONTRAST = 14  # of 255: a stroke less than 5.5% darker than its background is indistinguishable from noise
MIN_BORDER_CONTRAST = 0.25  # fraction of the grey range: a border closer to its middle does not show which is the paper
SHADE_SIGMA = 0.2  # fraction of the picture's shorter side: slower changes are shade
MIN_NOISE_SIGMAS = 3.0  # standard deviations of the paper's noise above which a pixel may belong to a stroke


def find_foreground(grey: Grey) -> Grey | None:
    """Subtract the background of dark strokes on light paper, or light strokes on dark, and stretch the rest.

    uint8 (height, width) -> the same: 0 for background, about 255 for strokes; None if the picture is blank.
    """
    light = grey if has_dark_foreground(grey) else 255 - grey
    background = find_background(light)
    # Relative to the background: shade darkens strokes and paper alike. 0 where the background is black.
    strength = cv2.divide(cv2.subtract(background, light), background, scale=255)
    counts = np.bincount(strength.ravel(), minlength=256)
    brightness = max(1.0, median(background[:: 1 + len(background) // 64]))
    noise = _noise_level(counts, _pixel_noise(light) * 255 / brightness)
    full = _full_strength(counts, noise)
    if full < max(MIN_STROKE_CONTRAST, 2 * noise):
        return None
    low = min(noise, 0.3 * full)
    table = np.clip((np.arange(256) - low) * (255 / max(full - low, 1)), 0, 255).astype(np.uint8)
    foreground: Grey = cv2.LUT(strength, table)
    return foreground


def shrink(grey: Grey, side: int) -> Grey:
    """A picture, uint8 (height, width), shrunk to this longest side; itself if it is smaller. No side becomes 0."""
    longest = max(grey.shape)
    if longest <= side:
        return grey
    size = max(1, round(grey.shape[1] * side / longest)), max(1, round(grey.shape[0] * side / longest))
    small: Grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return small


def median(values: Any) -> float:
    """The median of an array or a list. `numpy.median` would first import numpy.ma, which takes as long as a page."""
    ascending = _ascending(values)
    return (float(ascending[(len(ascending) - 1) // 2]) + float(ascending[len(ascending) // 2])) / 2


def percentile(values: Any, percent: float) -> float:
    """A percentile of an array without interpolation; for pixels it is far faster than `numpy.percentile`."""
    ascending = _ascending(values)
    return float(ascending[round(percent / 100 * (len(ascending) - 1))])


def _ascending(values: Any) -> NDArray[Any]:
    """All values in order: of pixels by a radix sort, which is ten times as fast."""
    return np.sort(values, axis=None, kind="stable")


def has_dark_foreground(grey: Grey) -> bool:
    """Whether the strokes are darker than the background, judged by the picture's border.

    If it is neither light nor dark, as in strong shade, the strokes are the longer tail of the picture without shade.
    """
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    darkest, lightest, *_ = cv2.minMaxLoc(grey)
    above = median(border) - (darkest + lightest) / 2
    if abs(above) >= MIN_BORDER_CONTRAST * (lightest - darkest):
        return above >= 0
    small = shrink(grey, BACKGROUND_SIDE).astype(np.float32)
    rest = small - cv2.GaussianBlur(small, (0, 0), max(1.0, SHADE_SIGMA * min(small.shape)))
    return float(((rest - rest.mean()) ** 3).mean()) <= 0  # the dark parts are the smaller ones


def find_background(light: Grey) -> Grey:
    """The picture without its strokes, uint8 of the same shape: dark parts narrower than an eighth of it are filled."""
    height, width = light.shape
    shrink = max(1.0, max(height, width) / BACKGROUND_SIDE)
    small_size = max(1, round(width / shrink)), max(1, round(height / shrink))
    small = cv2.resize(light, small_size, interpolation=cv2.INTER_AREA)
    if min(small_size) >= 3:
        small = cv2.medianBlur(small, 3)
    reach = 2 * max(1, round(min(small_size) / 8)) + 1
    small = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    small = cv2.blur(small, (reach, reach))
    background: Grey = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return background


def _noise_level(counts: NDArray[Any], noise: float) -> float:
    """The strength below which pixels are noise, from the histogram of strengths."""
    # In a picture of one digit perhaps only half the pixels are paper, so the weaker of two classes is used too.
    weaker = np.where(np.arange(256) <= _split(counts), counts, 0)
    return min(_spread(counts), max(_spread(weaker), MIN_NOISE_SIGMAS * noise))


def _pixel_noise(light: Grey) -> float:
    """The standard deviation of the noise from pixel to pixel, without the strokes.

    Immerkaer: Fast noise variance estimation, 1996, with the median in place of the mean.
    """
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    rough = cv2.convertScaleAbs(cv2.filter2D(light, cv2.CV_16S, mask))
    half = np.searchsorted(np.cumsum(np.bincount(rough.ravel(), minlength=256)), rough.size / 2)
    return float(half) / 0.6745 / 6


def _spread(counts: NDArray[Any]) -> float:
    """MIN_NOISE_SIGMAS standard deviations, estimated by the median absolute deviation, above the median."""
    half = counts.sum() / 2
    median = int(np.searchsorted(np.cumsum(counts), half))
    deviations = np.bincount(np.abs(np.arange(256) - median), weights=counts)
    spread = 1.4826 * np.searchsorted(np.cumsum(deviations), half)
    return float(median + MIN_NOISE_SIGMAS * max(spread, 1.0))


def _full_strength(counts: NDArray[Any], noise: float) -> float:
    """The strength of a stroke: the mean of the stronger of two classes above the noise."""
    values = np.arange(256)
    above = np.where(values > noise, counts, 0.0)
    if not above.any():
        return 0.0
    stronger = above * (values > _split(above))
    stronger = stronger if stronger.any() else above
    return float((stronger * values).sum() / stronger.sum())


def _split(counts: NDArray[Any]) -> int:
    """The last value of the weaker of two classes (Otsu: A threshold selection method from gray-level histograms)."""
    weight, sums = np.cumsum(counts, dtype=np.float64), np.cumsum(counts * np.arange(256), dtype=np.float64)
    within = weight * (weight[-1] - weight)
    between = np.zeros(256)
    np.divide((sums[-1] * weight / weight[-1] - sums) ** 2, within, out=between, where=within > 0)
    return int(np.argmax(between))
