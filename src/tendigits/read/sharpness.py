"""Whether a photo is too blurred to read: how steep its strokes are at the scale of their digits.

is_blurred(grey, detections)        # of the numbers that were read
"""

from collections.abc import Sequence

import cv2
import numpy as np

from tendigits.digits.foreground import find_foreground, median
from tendigits.numbers.detections import Detection
from tendigits.pictures.image import Grey

DIGIT_HEIGHT_PX = 24.0  # of the digits when their strokes are measured
MARGIN = 0.2  # around a number, in heights of its digits
MAX_MEASURED = 12  # numbers of a page
STEEP_PERCENTILE = 98.0  # of the steps in a number: those at the edges of its strokes
# Steps from one pixel to the next, as fractions of the contrast. Generated lines, blurred until a third of them was
# read right, have 0.11 to 0.18; the blurriest of 100 real photos has 0.23.
MIN_STEP_OF_NUMBERS = 0.18
MIN_STEP = 0.25  # of a page where nothing is read; sharp words and scribbles have 0.34 and more


def is_blurred(grey: Grey, detections: Sequence[Detection]) -> bool:
    """Whether the numbers of a page, uint8 (height, width), are blurred, or all that is on it if none was read."""
    steps = [_steepest_steps(crop) for crop in (_crop(grey, each) for each in detections[:MAX_MEASURED]) if crop.size]
    if steps:
        return median(steps) < MIN_STEP_OF_NUMBERS
    foreground = find_foreground(grey)
    return foreground is not None and float(_steps(foreground).max()) < MIN_STEP * 255


def _crop(grey: Grey, detection: Detection) -> Grey:
    """A number, with digits of DIGIT_HEIGHT_PX."""
    scale = DIGIT_HEIGHT_PX / detection.height
    size = (1 + 2 * MARGIN) * DIGIT_HEIGHT_PX, detection.length * scale + 2 * MARGIN * DIGIT_HEIGHT_PX
    turn = cv2.getRotationMatrix2D((detection.x, detection.y), np.degrees(detection.angle), scale)
    turn[:, 2] += size[1] / 2 - detection.x, size[0] / 2 - detection.y
    small = cv2.warpAffine(grey, turn, (round(size[1]), round(size[0])), flags=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _steepest_steps(crop: Grey) -> float:
    low, high = np.percentile(crop, [2, STEEP_PERCENTILE])
    return float(np.percentile(_steps(crop), STEEP_PERCENTILE) / max(high - low, 1.0))


def _steps(picture: Grey) -> np.ndarray:
    """How much each pixel differs from the next ones, float32, like `picture`."""
    across, down = (cv2.Sobel(picture, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1)))
    return np.asarray(cv2.magnitude(across, down))
