"""Whether a page is too blurred to read, by how steep its strokes are at the scale of their digits; or faint, or small.

is_blurred(grey, detections)        # of the numbers that were read
is_tiny(detections)
is_faint(grey)                      # where nothing was read
"""

from collections.abc import Sequence

import cv2
import numpy as np

from tendigits.digits.foreground import find_foreground, median, percentile, shrink
from tendigits.numbers.detections import Detection
from tendigits.numbers.options import DEFAULT_OPTIONS
from tendigits.pictures.image import Grey

DIGIT_HEIGHT_PX = 24.0  # of the digits when their strokes are measured
MARGIN = 0.2  # around a number, in heights of its digits
MAX_MEASURED = 12  # numbers of a page
MEASURED_SIDE = 2048  # pixels: a page is shrunk to this longest side where its ink is measured
STEEP_PERCENTILE = 98.0  # of the steps in a number: those at the edges of its strokes
# Steps from one pixel to the next, as fractions of the contrast. Generated tables, blurred until two thirds of their
# numbers were read right, have 0.21, and those of which 9 in 10 were, 0.23 to 0.26; but of these few were accepted. The
# blurriest of 100 real photos has 0.23.
MIN_STEP_OF_NUMBERS = 0.22
MIN_STEP_OF_DOUBTFUL_NUMBERS = 0.3  # where less than this fraction is accepted:
MIN_ACCEPTED_FRACTION = 0.4
# Of a page where nothing is read: words and scribbles that are sharp have 0.34 and more. Its ink has 0.33 and more in
# the 101 of 1,888 real pictures where nothing is read; where all is in doubt, soft but legible ones have 0.176.
MIN_STEP = 0.25
MIN_STEP_OF_INK = 0.25
MIN_STEP_OF_DOUBTFUL_INK = 0.17
MIN_INK = 64  # grey levels
# Of real pictures where nothing is read, blank paper has a contrast of up to 10 grey levels; faint displays have 14 and
# more; check marks, words and stains have 46 and more.
MIN_CONTRAST, MAX_FAINT_CONTRAST = 12.0, 45.0
CONTRAST_PERCENTILE = 97.0
STROKE_SIDE = 41  # pixels: of the square that is wider than any stroke


def is_tiny(detections: Sequence[Detection]) -> bool:
    """Whether the digits of a page of numbers are so low that some are probably missed."""
    is_page = len(detections) >= DEFAULT_OPTIONS.min_numbers_of_page
    return is_page and median([each.height for each in detections]) < DEFAULT_OPTIONS.min_clear_height_px


def is_blurred(grey: Grey, detections: Sequence[Detection], accepted_fraction: float = 1.0) -> bool:
    """Whether a page, uint8 (height, width), is blurred: its numbers, or all that is on it if none was accepted.

    `accepted_fraction` of the numbers needs no check by a person.
    """
    steps = [_steepest_steps(crop) for crop in (_crop(grey, each) for each in detections[:MAX_MEASURED]) if crop.size]
    if steps:
        is_doubtful = accepted_fraction < MIN_ACCEPTED_FRACTION
        if median(steps) < (MIN_STEP_OF_DOUBTFUL_NUMBERS if is_doubtful else MIN_STEP_OF_NUMBERS):
            return True
    foreground = None if steps and accepted_fraction else find_foreground(shrink(grey, MEASURED_SIDE))
    if foreground is None:
        return False
    steps_of_page = _steps(foreground) / 255
    ink, least = steps_of_page[foreground > MIN_INK], MIN_STEP_OF_DOUBTFUL_INK if steps else MIN_STEP_OF_INK
    is_soft = ink.size > 0 and percentile(ink, STEEP_PERCENTILE) < least
    return bool(is_soft or (not steps and steps_of_page.max() < MIN_STEP))


def is_faint(grey: Grey) -> bool:
    """Whether what is on a page, uint8 (height, width), hardly differs from the paper around it; no for blank paper."""
    page = cv2.GaussianBlur(shrink(grey, MEASURED_SIDE), None, 1.0)
    square = np.ones((STROKE_SIDE, STROKE_SIDE), np.uint8)
    strokes = (cv2.morphologyEx(page, operation, square) for operation in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT))
    contrast = max(percentile(each, CONTRAST_PERCENTILE) for each in strokes)
    return MIN_CONTRAST <= contrast < MAX_FAINT_CONTRAST


def _crop(grey: Grey, detection: Detection) -> Grey:
    """A number, with digits of DIGIT_HEIGHT_PX."""
    scale = DIGIT_HEIGHT_PX / detection.height
    size = (1 + 2 * MARGIN) * DIGIT_HEIGHT_PX, detection.length * scale + 2 * MARGIN * DIGIT_HEIGHT_PX
    turn = cv2.getRotationMatrix2D((detection.x, detection.y), np.degrees(detection.angle), scale)
    turn[:, 2] += size[1] / 2 - detection.x, size[0] / 2 - detection.y
    small = cv2.warpAffine(grey, turn, (round(size[1]), round(size[0])), flags=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _steepest_steps(crop: Grey) -> float:
    low, high = (percentile(crop, percent) for percent in (2, STEEP_PERCENTILE))
    return percentile(_steps(crop), STEEP_PERCENTILE) / max(high - low, 1.0)


def _steps(picture: Grey) -> np.ndarray:
    """How much each pixel differs from the next ones, float32, like `picture`."""
    across, down = (cv2.Sobel(picture, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1)))
    return np.asarray(cv2.magnitude(across, down))
