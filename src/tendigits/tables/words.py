"""Words on a rectified page, and numbers that were not found: groups of strokes that were not read.

words = find_words(grey, sheet_map, numbers, height)        # float64 (n, 4): left, top, right, bottom on the sheet
words = words[belong_to_table(words, numbers, height)]      # names next to numbers, and headers above them
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.digits.foreground import median, percentile
from tendigits.pictures.image import Grey
from tendigits.tables.bands import split_rows
from tendigits.tables.options import OPTIONS
from tendigits.tables.sheet_map import Floats, Ints, Mask, SheetMap, flat_scale

EDGE_PX = 2  # of the rectified page: closer to the picture's upper edge a word is cut


def find_words(grey: Grey, sheet_map: SheetMap, numbers: Floats, height: float) -> Floats:
    """Find words on a page, uint8 (height, width), whose digits have this height.

    The numbers, float64 (n, 4), and the words that are returned are left, top, right and bottom on the sheet.
    """
    scale = flat_scale(grey, height)
    page, corner = sheet_map.rectify(grey, scale)
    offset = np.tile(corner, 2)
    boxes = np.round((numbers - offset) * scale).astype(np.int64)
    words: Floats = _words(_writing(page, boxes, height * scale), boxes, height * scale) / scale + offset
    is_whole = sheet_map.inverse(words[:, :2])[:, 1] > EDGE_PX / scale  # a heading cut by the edge names no column
    return words[is_whole]


def _writing(page: Grey, numbers: NDArray[np.int64], digit: float) -> Grey:
    """A mask of strokes that are almost as dark as those of numbers, without ruled lines: uint8 (height, width).

    Args:
        page: uint8 (height, width).
        numbers: int64 (n, 4), left, top, right and bottom of each.
        digit: height of a digit in pixels.
    """
    width = max(3, round(OPTIONS.max_stroke * digit)) | 1
    darkness = cv2.morphologyEx(page, cv2.MORPH_CLOSE, np.ones((width, width), np.uint8)) - page
    crops = [darkness[max(0, top) : bottom, max(0, left) : right] for left, top, right, bottom in numbers.tolist()]
    of_numbers = median([percentile(crop, 95) for crop in crops if crop.size] or [0.0])
    strokes: Grey = (darkness >= max(OPTIONS.min_stroke_contrast * of_numbers, 1.0)).astype(np.uint8)
    length = round(OPTIONS.max_straight_stroke * digit)
    ruled = np.zeros_like(strokes)  # in both directions, before the lines of one cut those of the other into pieces
    for line, across in (((1, length), (3, 1)), ((length, 1), (1, 3))):
        thick = cv2.dilate(strokes, np.ones(across, np.uint8))
        ruled |= cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones(line, np.uint8))
    strokes[cv2.dilate(ruled, np.ones((3, 3), np.uint8)) > 0] = 0
    return strokes


def belong_to_table(words: Floats, numbers: Floats, height: float) -> Mask:
    """Which words stand in a row of numbers, or in a header row just above one: bool (m,)."""
    y = np.concatenate([numbers[:, 1] + numbers[:, 3], words[:, 1] + words[:, 3]]) / 2
    points = np.column_stack([np.zeros(len(y)), y])
    row = np.searchsorted(split_rows(points, points, height, False), y)
    n_rows = int(row.max()) + 1
    row_of_words = row[len(numbers) :]
    is_wide = words[:, 2] - words[:, 0] >= OPTIONS.min_wide_word * height
    n_numbers, n_words = (np.bincount(each, minlength=n_rows) for each in (row[: len(numbers)], row_of_words[is_wide]))
    is_header = (n_words >= OPTIONS.min_headers) & (np.append(n_numbers[1:], 0) > 0)
    belong: Mask = (n_numbers > 0)[row_of_words] | (is_header[row_of_words] & is_wide)
    return belong


def _words(strokes: Grey, numbers: Ints, digit: float) -> NDArray[np.int32]:
    """Boxes, int32 (n, 4), of groups of strokes, most of which do not belong to numbers."""
    unread = strokes.copy()
    margin = round(OPTIONS.number_margin * digit)
    for left, top, right, bottom in numbers.tolist():
        unread[max(0, top - margin) : bottom + margin, max(0, left - margin) : right + margin] = 0
    kernel = np.ones((3, round(OPTIONS.max_letter_gap * digit) | 1), np.uint8)
    joined = cv2.morphologyEx(strokes, cv2.MORPH_CLOSE, kernel)
    n, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    ink, unread_ink = (np.bincount(labels[each > 0], minlength=n) for each in (strokes, unread))
    left, top, width, height, _ = stats.T
    is_word = (OPTIONS.min_word_height * digit <= height) & (height <= OPTIONS.max_word_height * digit)
    is_word &= width >= OPTIONS.min_word_width * digit
    is_word &= unread_ink >= OPTIONS.min_word_ink * digit**2
    is_word &= unread_ink >= OPTIONS.min_word_ink_per_width * digit * width
    is_word &= unread_ink >= OPTIONS.min_unread_fraction * ink
    is_word[0] = False  # the background
    boxes: NDArray[np.int32] = np.column_stack([left, top, left + width, top + height])[is_word]
    return boxes
