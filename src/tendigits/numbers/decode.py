"""From the number network's output to characters: peaks, then non-maximum suppression of overlapping boxes.

characters, borders = decode(output)    # of one strip, from left to right
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.digits.runtime import Floats
from tendigits.numbers.options import DEFAULT_OPTIONS, NumberOptions

CHARACTERS = "0123456789.,-/:+=()%×÷"  # what is read
N_DIGITS = 10  # the first of CHARACTERS are the digits
BAR = "|"  # the border of a cell; it separates numbers and is not part of their text
CLASSES = CHARACTERS + BAR  # what the network distinguishes; its last class is background
NONE = len(CLASSES)  # index of the background class: no character has its centre here
HEIGHT = 40  # height of a strip in pixels
STRIDE = 2  # columns of a strip for each column of the network's output

Edges = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A character of a number."""

    probabilities: Floats  # float32 (characters,): of each of CHARACTERS; the rest to 1 is background
    box: Edges  # in pixels of the strip

    @cached_property
    def label(self) -> str:
        """The most probable character."""
        return CHARACTERS[int(self.probabilities.argmax())]

    @cached_property
    def confidence(self) -> float:
        """0 to 1: probability that it is this character."""
        return float(self.probabilities.max())

    @cached_property
    def present(self) -> float:
        """0 to 1: probability that there is a character here."""
        return float(self.probabilities.sum())


def decode(output: NDArray[Any], options: NumberOptions = DEFAULT_OPTIONS) -> tuple[list[Candidate], list[Edges]]:
    """The characters and the boxes of the cell borders in the output for one strip, both from left to right.

    Args:
        output: float (columns, classes + 1 + 4): at each column a logit for each class and for background, and the
            distances to the left, top, right and bottom edge of the character whose centre is there, in strip heights.
    """
    logits = output[:, : NONE + 1]
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    foreground = 1 - probabilities[:, NONE]
    columns = np.flatnonzero(foreground >= options.min_presence)
    columns = columns[np.argsort(-foreground[columns], kind="stable")]
    edges = output[columns, NONE + 1 :] * HEIGHT
    x = (columns + 0.5) * STRIDE
    boxes = np.stack([x - edges[:, 0], HEIGHT / 2 - edges[:, 1], x + edges[:, 2], HEIGHT / 2 + edges[:, 3]], axis=1)
    labels = probabilities[columns, :NONE].argmax(axis=1)
    close = abs(columns[:, None] - columns) * STRIDE < options.min_repeat_distance_px
    duplicates = (pairwise_iou(boxes) >= options.max_overlap) | (close & (labels[:, None] == labels))
    remaining, kept = np.ones(len(columns), bool), []
    for i in range(len(columns)):
        if remaining[i]:
            kept.append(i)
            remaining &= ~duplicates[i]
    found, borders = [], []
    for i in sorted(kept, key=lambda i: boxes[i, 0] + boxes[i, 2]):
        column, box = probabilities[columns[i]], tuple(boxes[i].tolist())
        candidate = Candidate(column[: len(CHARACTERS)].astype(np.float32), box)
        if column[CLASSES.index(BAR)] > max(candidate.present, column[NONE]):
            borders.append(box)
        if candidate.present >= options.min_presence:
            found.append(candidate)
    return found, borders


def text_of(characters: Sequence[Candidate]) -> str:
    """The most probable characters."""
    return "".join(each.label for each in characters)


def strip_text(output: NDArray[Any], first: float = -np.inf, last: float = np.inf) -> str:
    """The number in a network's output, float32 (columns, classes + 1 + 4); empty where there is no digit.

    The centres of its characters lie between the first and the last column, in pixels of the strip.
    """
    peaks = [peak for peak in decode(output)[0] if peak.present >= DEFAULT_OPTIONS.min_read]
    text = "".join(peak.label for peak in peaks if first <= centre(peak.box) <= last)
    return text if any(map(str.isdigit, text)) else ""


def centre(box: Edges) -> float:
    """The column of a box's centre."""
    return (box[0] + box[2]) / 2


def pairwise_iou(boxes: Floats) -> Floats:
    """Intersection over union of each pair of boxes: float (n, 4) -> (n, n)."""
    width, height = (
        np.minimum(boxes[:, None, i + 2], boxes[:, i + 2]) - np.maximum(boxes[:, None, i], boxes[:, i]) for i in (0, 1)
    )
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    ratios: Floats = shared / np.maximum(areas[:, None] + areas - shared, 1e-6)
    return ratios
