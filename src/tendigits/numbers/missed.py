"""Strokes of a number that were not read: digits between its characters, and ends that its detection lost.

strokes = unread_strokes(foreground, boxes)                 # in a strip whose characters have these boxes
characters = missed_digits(network, foreground, boxes, strokes)
left, right = strokes_beyond(boxes, strokes)                # where the number may go on
"""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.digits.network import Network
from tendigits.digits.segment import WEAK
from tendigits.numbers.decode import CHARACTERS, HEIGHT, N_DIGITS, Candidate, Edges
from tendigits.numbers.detections import Detection, as_table, show_same_number
from tendigits.numbers.reading import Reading
from tendigits.numbers.second_opinion import crop_characters
from tendigits.numbers.strips import DIGIT_HEIGHT_PX
from tendigits.pictures.image import Grey

MIN_DIGIT_HEIGHT = 0.55  # digit heights; lower strokes are signs, or ends of others
MIN_CUT_HEIGHT = 0.3  # the same where a strip ends
MAX_DIGIT_HEIGHT = 1.4  # higher ones are cell borders
MAX_DIGIT_WIDTH = 1.3
MAX_BAR_WIDTH = 0.35  # an upright stroke may be a 1, which the digit network may take for a line
MIN_BAR_HEIGHT = 0.75
MAX_READ = 0.3  # fraction of its pixels that lie in the boxes of characters that were read
MIN_IS_DIGIT = 0.5  # probability that it is a digit, by the digit network
PRESENCE = 0.6  # probability that is given to such a digit: it is read, but never accepted
MAX_GAP = 0.45  # digit heights: between a number's end and strokes that may be a digit of it
EXTENSION = 1.2  # digit heights: how much longer a number is read where it may go on
MIN_BEYOND = 0.15  # digit heights: how far strokes go beyond a number's end that may be another digit


def missed_digits(
    network: Network, foreground: Grey | None, boxes: Sequence[Edges], strokes: NDArray[np.float64]
) -> list[Candidate]:
    """Strokes between two characters that are digits, in a strip's foreground, uint8 (40, width)."""
    if foreground is None or not len(strokes):
        return []
    left, right = min(box[0] for box in boxes), max(box[2] for box in boxes)
    strokes = strokes[(strokes[:, 0] > left) & (strokes[:, 2] < right)]  # at an end it may be a word, or a rule
    width, height = strokes[:, 2] - strokes[:, 0], strokes[:, 3] - strokes[:, 1]
    is_bar = (width <= MAX_BAR_WIDTH * DIGIT_HEIGHT_PX) & (height >= MIN_BAR_HEIGHT * DIGIT_HEIGHT_PX)
    edges = [tuple(stroke) for stroke in strokes.tolist()]
    predictions = network(crop_characters(foreground, edges))
    missed = []
    for i in np.flatnonzero(is_bar | (predictions.is_digit >= MIN_IS_DIGIT)).tolist():
        probabilities = np.zeros(len(CHARACTERS), np.float32)
        probabilities[:N_DIGITS] = PRESENCE * (np.arange(N_DIGITS) == 1 if is_bar[i] else predictions.digits[i])
        missed.append(Candidate(probabilities, edges[i]))
    return missed


def strokes_beyond(boxes: Sequence[Edges], strokes: NDArray[np.float64]) -> tuple[list[Edges], list[Edges]]:
    """Strokes beyond the left and the right end of some characters, if the nearest of them may be another digit."""
    if not len(strokes):
        return [], []
    left, right = min(box[0] for box in boxes), max(box[2] for box in boxes)
    gap, beyond = MAX_GAP * DIGIT_HEIGHT_PX, MIN_BEYOND * DIGIT_HEIGHT_PX
    on_left = [(*stroke,) for stroke in strokes.tolist() if stroke[0] < left - beyond and stroke[2] < right]
    on_right = [(*stroke,) for stroke in strokes.tolist() if stroke[2] > right + beyond and stroke[0] > left]
    return (
        on_left if any(stroke[2] >= left - gap for stroke in on_left) else [],
        on_right if any(stroke[0] <= right + gap for stroke in on_right) else [],
    )


def extend(readings: Sequence[Reading], i: int) -> Detection:
    """The detection of a number, longer at the ends beyond which strokes of no other number stand."""
    number, table = readings[i].detection, as_table([each.detection for each in readings])
    step = EXTENSION * number.height
    axis = np.array([np.cos(number.angle), np.sin(number.angle)])
    sides = zip((-1, 1), readings[i].beyond, readings[i].borders, strict=True)
    for side, strokes, has_border in sides:
        beyond = number.length / 2 + step / 2
        point = replace(number, x=number.x + side * beyond * axis[0], y=number.y + side * beyond * axis[1], length=0.0)
        if strokes and not has_border and not show_same_number(as_table([point]), np.delete(table, i, axis=0)).any():
            x, y = (number.x, number.y) + side * step / 2 * axis
            number = replace(number, x=float(x), y=float(y), length=number.length + step)
    return number


def as_lost(reading: Reading, stroke: Edges) -> Reading:
    """A stroke in a number's strip as a lost digit: which one is not known."""
    left, top, right, bottom = stroke
    x, y = (reading.strip.matrix @ [(left + right) / 2, (top + bottom) / 2, 1]).tolist()
    scale = reading.detection.height / DIGIT_HEIGHT_PX
    place = replace(reading.detection, x=x, y=y, length=scale * (right - left), height=scale * (bottom - top))
    unknown = np.full(len(CHARACTERS), 1 / len(CHARACTERS), np.float32)
    return replace(
        reading, detection=place, characters=[Candidate(unknown, stroke)], rejected=[], crops=reading.crops[:1],
        second_opinion=np.zeros((1, N_DIGITS), np.float32), is_lost=True,
    )  # fmt: skip


def unread_strokes(foreground: Grey | None, boxes: Sequence[Edges]) -> NDArray[np.float64]:
    """The connected strokes that are as high as a digit and belong to no box: float64 (n, 4), like the boxes."""
    if foreground is None or not boxes:
        return np.zeros((0, 4))
    mask = (foreground >= WEAK).astype(np.uint8)
    n, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    is_read = np.zeros(foreground.shape, bool)
    for left, top, right, bottom in boxes:
        is_read[max(0, round(top)) : round(bottom), max(0, round(left)) : round(right)] = True
    read = np.bincount(labels[is_read], minlength=n)
    left, top, width, height, area = stats.T.astype(np.float64)
    is_cut = (left == 0) | (left + width == foreground.shape[1])  # at the strip's end: a part of it
    min_height = np.where(is_cut, MIN_CUT_HEIGHT, MIN_DIGIT_HEIGHT) * DIGIT_HEIGHT_PX
    is_stroke = (height >= min_height) & (height <= MAX_DIGIT_HEIGHT * DIGIT_HEIGHT_PX)
    is_stroke &= (width <= MAX_DIGIT_WIDTH * DIGIT_HEIGHT_PX) & (read <= MAX_READ * area)
    is_stroke &= is_cut | (top < HEIGHT / 2) & (top + height > HEIGHT / 2)
    is_stroke[0] = False  # the paper
    strokes: NDArray[np.float64] = np.stack([left, top, left + width, top + height], axis=1)[is_stroke]
    return strokes
