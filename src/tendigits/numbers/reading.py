"""One number as it was read, and the evidence for and against it.

reading.text                    # "12.50"
confidence_features(reading)    # what a ConfidenceModel weighs
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress, pairwise

import numpy as np
from numpy.typing import NDArray

from tendigits.numbers.characters import crop_characters, stray_ink
from tendigits.numbers.confidence import CLEAR, MAX_LENGTH, ConfidenceFeatures
from tendigits.numbers.decode import N_DIGITS, Candidate, Edges, centre
from tendigits.numbers.detections import Detection
from tendigits.numbers.grammar import is_usual, without_closing
from tendigits.numbers.options import DEFAULT_OPTIONS, NumberOptions
from tendigits.numbers.strips import DIGIT_HEIGHT_PX, Strip
from tendigits.pictures.image import Grey

MIN_REPEATED = 0.5  # of a number's characters that were read in another one, too


@dataclass(frozen=True, eq=False)
class Reading:
    """One number, with the evidence for and against it."""

    detection: Detection
    strip: Strip
    characters: list[Candidate]
    rejected: list[Candidate]  # characters that less than half of the evidence supports
    borders: tuple[bool, bool] = (False, False)  # whether a cell border stands on its left and on its right
    boxes: Sequence[Edges] = ()  # of all characters that were read in its strip, those of its neighbours, too
    rival: float = 0.0  # 0 to 1: how clearly another view shows another text, per character
    doubt: str | None = None  # why it is not accepted, however clear its characters are

    def widest_gap(self, with_signs: bool = False) -> float:
        """Between two of its digits, or also of its signs, in digit heights; 0 for one character."""
        pairs = [(a, b) for a, b in pairwise(self.characters) if with_signs or (a.label + b.label).isdigit()]
        return max(((b.box[0] - a.box[2]) / DIGIT_HEIGHT_PX for a, b in pairs), default=0.0)

    @cached_property
    def text(self) -> str:
        """The most probable characters."""
        return "".join(character.label for character in self.characters)

    @cached_property
    def surprise(self) -> float:
        """-log of the probability that each character is what was read, and that none is missing; at most 9.2."""
        value = without_closing(self.text)
        right = [each.confidence for each in self.characters[: len(value)]]
        right += [1 - float(each.probabilities[:N_DIGITS].sum()) for each in self.characters[len(value) :]]
        right += [1 - each.present for each in self.rejected]
        return -float(np.log(max(float(np.prod(right)), DEFAULT_OPTIONS.min_probability)))

    @cached_property
    def stray_ink(self) -> float:
        """The area of strokes in or next to it that belong to none of its characters, in squared digit heights."""
        return stray_ink(self.strip.foreground, [each.box for each in self.characters], DIGIT_HEIGHT_PX)

    @cached_property
    def clearance(self) -> float:
        """From its characters to the next ones in its strip, in digit heights; infinite behind cell borders."""
        if not self.characters:
            return np.inf
        outside = [box for box in self.boxes if not self.strip.holds(box)]
        first, last = min(each.box[0] for each in self.characters), max(each.box[2] for each in self.characters)
        left = [first - box[2] for box in outside if centre(box) < first and not self.borders[0]]
        right = [box[0] - last for box in outside if centre(box) > last and not self.borders[1]]
        return max(0.0, min([*left, *right], default=np.inf)) / DIGIT_HEIGHT_PX

    @cached_property
    def boxes_on_page(self) -> NDArray[np.float64]:
        """The boxes of its characters, in pixels of the page: float64 (n, 4)."""
        return self.strip.in_picture([each.box for each in self.characters])

    @property
    def crops(self) -> Grey:
        """The characters, white on black: uint8 (n, 28, 28)."""
        return crop_characters(self.strip.foreground, [each.box for each in self.characters])


def without_repeated(readings: Sequence[Reading]) -> list[Reading]:
    """Readings without those of which half of the characters stand in another one that shows more of them."""
    boxes = [each.boxes_on_page for each in readings]
    edges = np.array([(*own[:, :2].min(axis=0), *own[:, 2:].max(axis=0)) for own in boxes]).reshape(-1, 4)
    begins_before = np.asarray((edges[:, None, :2] < edges[:, 2:]).all(axis=2))
    meet = begins_before & begins_before.T
    kept = np.zeros(len(readings), bool)
    for i in sorted(range(len(readings)), key=lambda i: -sum(each.present for each in readings[i].characters)):
        x, y = (boxes[i][:, :2] + boxes[i][:, 2:]).T[..., None] / 2
        kept[i] = not any(
            ((left <= x) & (x <= right) & (top <= y) & (y <= bottom)).any(axis=1).mean() >= MIN_REPEATED
            for left, top, right, bottom in (boxes[j].T for j in np.flatnonzero(meet[i] & kept))
        )
    return [*compress(readings, kept)]


def confidence_features(reading: Reading, options: NumberOptions = DEFAULT_OPTIONS) -> ConfidenceFeatures:
    """The evidence that a number was read right, or misread."""
    return ConfidenceFeatures(
        text=float(np.log1p(reading.surprise / CLEAR)),
        length=float(min(MAX_LENGTH, max(0, len(reading.text) - 1))),
        unusual=float(not is_usual(reading.text)),
        closing=float(reading.text != without_closing(reading.text)),
        gap=max(0.0, reading.widest_gap(with_signs=True) - options.wide_gap),
        rival=reading.rival,
        crowding=max(0.0, options.narrow_clearance - reading.clearance),
    )
