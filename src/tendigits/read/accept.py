"""From a reading to a result: is it accepted, what may it be instead, and what does it mean?

line = accept(reading, trust, threshold=0.9, mark=DecimalSeparator.AUTO, position=Upright(1.0, 0, (640, 480)))
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from tendigits.numbers.confidence import ConfidenceModel
from tendigits.numbers.decode import CHARACTERS
from tendigits.numbers.grammar import DecimalSeparator, is_usual, to_decimal
from tendigits.numbers.options import DEFAULT_OPTIONS
from tendigits.numbers.reader import Reading, confidence_features
from tendigits.numbers.vote import Candidate
from tendigits.read.position import Position
from tendigits.read.results import Character, Number

BESIDE = 0.1
"""Squares of a digit's height: a smaller area of strokes beside a number is no reason that a person would see."""

RARE, MOST_OPTIONS = 0.002, 8
"""Probability from which a number may be another one, and of how many it is said."""


def accept(
    reading: Reading, trust: ConfidenceModel, threshold: float, mark: DecimalSeparator, position: Position
) -> Number:
    """The result for a reading.

    Args:
        trust: how its evidence is weighed.
        threshold: confidence from which it is accepted, 0 to 1.
        mark: parts decimals.
        position: of the page in its picture.
    """
    confidence = trust.confidence(confidence_features(reading))
    accepted = confidence >= threshold and not reading.is_partial
    characters, rarer = [], []
    for candidate, crop, second in zip(reading.characters, reading.crops, reading.second_opinion, strict=True):
        rarer.append(alternatives(candidate, second, RARE))
        others = [(label, share) for label, share in rarer[-1] if share >= DEFAULT_OPTIONS.min_alternative]
        box = position.box(reading.strip.in_picture(candidate.box))
        characters.append(Character(candidate.label, candidate.confidence, others, box, crop, accepted or not others))
    box = characters[0].box
    for character in characters[1:]:
        box = box.join(character.box)
    options = sorted(_options(reading.text, rarer), key=lambda option: -option[1])[:MOST_OPTIONS]
    reason = None if accepted else _reason(reading, options)
    meant = to_decimal(reading.text, mark)
    return Number(reading.text, meant, confidence, accepted, reason, box, characters, options, reading.strip.picture)


def alternatives(candidate: Candidate, second: NDArray[np.float32], least: float) -> list[tuple[str, float]]:
    """What else a character may be, the most probable first; "" is nothing.

    Args:
        second: float32 (10,), the second opinion's probability of each digit.
        least: probability from which it may be another one.
    """
    shares = {CHARACTERS[i]: float(share) for i, share in enumerate(candidate.probabilities)}
    for digit, share in enumerate(second):
        shares[str(digit)] = max(shares[str(digit)], float(share))
    shares[""] = 1 - candidate.present
    del shares[candidate.label]
    return sorted(((label, share) for label, share in shares.items() if share >= least), key=lambda entry: -entry[1])


def _options(text: str, others: Iterable[list[tuple[str, float]]]) -> Iterator[tuple[str, float]]:
    """What a number may be with one character read otherwise."""
    for i, own in enumerate(others):
        yield from ((text[:i] + label + text[i + 1 :], share) for label, share in own)


def _reason(reading: Reading, options: list[tuple[str, float]]) -> str:
    """Why a number isn't accepted."""
    text = reading.text
    if reading.is_partial:
        return "was seen only once, for there is too much in the picture"
    if options and options[0][1] >= DEFAULT_OPTIONS.min_alternative:
        return f"may be {text} or {options[0][0] or 'nothing'}"
    if not is_usual(text):
        return "has no usual form"
    if reading.rejected or reading.stray_ink >= BESIDE:
        return "something beside it could not be read"
    if reading.clearance < DEFAULT_OPTIONS.narrow_clearance:
        return "may be a part of a longer number"
    return "is not clear enough"
