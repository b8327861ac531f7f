"""One number as it was read, and the evidence for and against it.

reading.text                    # "12.50"
confidence_features(reading)    # what a ConfidenceModel weighs
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from tendigits.numbers.characters import crop_characters, stray_ink
from tendigits.numbers.confidence import CLEAR, ConfidenceFeatures
from tendigits.numbers.decode import N_DIGITS, Candidate
from tendigits.numbers.detections import Detection
from tendigits.numbers.grammar import is_usual, without_closing
from tendigits.numbers.options import DEFAULT_OPTIONS, NumberOptions
from tendigits.numbers.strips import DIGIT_HEIGHT_PX, Strip
from tendigits.pictures.image import Grey


@dataclass(frozen=True, eq=False)
class Reading:
    """One number, with the evidence for and against it."""

    detection: Detection
    strip: Strip
    characters: list[Candidate]
    rejected: list[Candidate]  # characters that less than half of the evidence supports
    borders: tuple[bool, bool] = (False, False)  # whether a cell border stands on its left and on its right
    clearance: float = np.inf  # to the next strokes in its crop, in digit heights; infinite behind a cell border
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
    def stray_ink(self) -> float:
        """The area of strokes in or next to it that belong to none of its characters, in squared digit heights."""
        return stray_ink(self.strip.foreground, [each.box for each in self.characters], DIGIT_HEIGHT_PX)

    @property
    def crops(self) -> Grey:
        """The characters, white on black: uint8 (n, 28, 28)."""
        return crop_characters(self.strip.foreground, [each.box for each in self.characters])


def confidence_features(reading: Reading, options: NumberOptions = DEFAULT_OPTIONS) -> ConfidenceFeatures:
    """The evidence that a number was read right, or misread."""
    value = without_closing(reading.text)
    right = [each.confidence for each in reading.characters[: len(value)]]
    right += [1 - float(each.probabilities[:N_DIGITS].sum()) for each in reading.characters[len(value) :]]
    right += [1 - each.present for each in reading.rejected]
    surprise = -np.log(max(float(np.prod(right)), options.min_probability))
    return ConfidenceFeatures(
        text=float(np.log1p(surprise / CLEAR)),
        length=float(max(0, len(reading.text) - 1)),
        unusual=float(not is_usual(reading.text)),
        gap=max(0.0, reading.widest_gap(with_signs=True) - options.wide_gap),
        crowding=max(0.0, options.narrow_clearance - reading.clearance),
    )
