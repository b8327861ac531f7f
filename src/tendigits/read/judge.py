"""From a reading to a result: is it accepted, what may it be instead, and what does it mean?

line = judge(reading, trust, threshold=0.9, mark=Mark.AUTO, scale=1.0)
"""

import numpy as np
from numpy.typing import NDArray

from tendigits.digits.segment import Box
from tendigits.lines.decode import CHARACTERS
from tendigits.lines.numbers import Mark, is_usual, to_decimal
from tendigits.lines.reading import NARROW, Reading, evidence
from tendigits.lines.trust import Trust
from tendigits.lines.vote import POSSIBLE, Candidate
from tendigits.read.results import Character, Line

BESIDE = 0.1
"""Squares of a digit's height: a smaller area of strokes beside a number is no reason that a person would see."""


def judge(reading: Reading, trust: Trust, threshold: float, mark: Mark, scale: float) -> Line:
    """The result for a reading.

    Args:
        trust: how its evidence is weighed.
        threshold: confidence from which it is accepted, 0 to 1.
        mark: parts decimals.
        scale: pixels of the picture for each of the page.
    """
    confidence = trust.confidence(evidence(reading))
    accepted = confidence >= threshold
    characters = []
    for candidate, crop, second in zip(reading.characters, reading.crops, reading.second, strict=True):
        others = alternatives(candidate, second)
        box = Box(*(round(scale * edge) for edge in reading.strip.in_picture(candidate.box)))
        characters.append(Character(candidate.label, candidate.confidence, others, box, crop, accepted or not others))
    box = characters[0].box
    for character in characters[1:]:
        box = box.join(character.box)
    reason = None if accepted else _reason(reading, characters)
    meant = to_decimal(reading.text, mark)
    return Line(reading.text, meant, confidence, accepted, reason, box, characters, reading.strip.picture)


def alternatives(candidate: Candidate, second: NDArray[np.float32]) -> list[tuple[str, float]]:
    """What else a character may be, the most probable first; "" is nothing.

    Args:
        second: float32 (10,), the second opinion's probability of each digit.
    """
    shares = {CHARACTERS[i]: float(share) for i, share in enumerate(candidate.shares)}
    for digit, share in enumerate(second):
        shares[str(digit)] = max(shares[str(digit)], float(share))
    shares[""] = 1 - candidate.present
    del shares[candidate.label]
    return sorted(((label, share) for label, share in shares.items() if share >= POSSIBLE), key=lambda entry: -entry[1])


def _reason(reading: Reading, characters: list[Character]) -> str:
    """Why a number isn't accepted."""
    text = reading.text
    others = [
        (share, text[:i] + label + text[i + 1 :])
        for i, character in enumerate(characters)
        for label, share in character.alternatives
    ]
    if others:
        return f"may be {text} or {max(others)[1] or 'nothing'}"
    if not is_usual(text):
        return "has no usual form"
    if reading.dropped or reading.beside >= BESIDE:
        return "something beside it could not be read"
    if reading.room < NARROW:
        return "may be a part of a longer number"
    return "is not clear enough"
