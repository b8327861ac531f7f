"""Read a number under what is expected of it: the most probable text that fits, and how probable it then is.

fitted = decode_expected(reading, expectation, confidence, separator)
fitted.reading.text         # "40275", of a roster; the characters alone would be 40215

A text is aligned with the characters that were seen: each is read as one of its probable digits or signs, or is noise,
and a digit that two touching ones hide may be missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from heapq import nlargest
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tendigits.digits.runtime import Floats
from tendigits.numbers.decode import CHARACTERS, N_DIGITS, Candidate, centre
from tendigits.numbers.grammar import DecimalSeparator, without_closing
from tendigits.numbers.reading import Reading
from tendigits.read.expectations import Expectation


@dataclass(frozen=True)
class DecodingOptions:
    """Chosen on generated lines of held-out digits."""

    min_probability: float = 3e-4  # of a character to which neither network gave more
    min_noise: float = 0.02  # lower bound for the probability that a sign is a speck
    min_noise_digit: float = 3e-4  # the same for a digit
    stroke: float = 0.05  # of a tall stroke's being the other one: a 1, or a sign such as the / of a date
    missing: float = 3e-3  # probability that a character was not seen where a text has one
    unexpected: float = 0.01  # probability of a text that does not fit, relative to one that does
    min_near: float = 1e-3  # how probable a text is, relative to what was seen, that is read in place of it
    min_confidence: float = 0.01  # of a value that is read in place of what was seen
    max_texts: int = 300  # the most probable ones that are tried, if the values that fit are not listed


OPTIONS = DecodingOptions()
STROKES = [CHARACTERS.index(label) for label in "1/()"]  # that are one tall stroke
CODES = np.zeros(256, np.int64)  # the index in CHARACTERS of each character, by its number in Unicode
CODES[[*map(ord, CHARACTERS)]] = range(len(CHARACTERS))


class Fitted(NamedTuple):
    """A number as it was read under what is expected of it."""

    reading: Reading
    confidence: float  # 0 to 1: the probability that its value is right; 0 if it does not fit
    options: list[tuple[str, float]]  # other values that fit, with their probabilities, the most probable first


class Place(NamedTuple):
    """A place in a number where a character was seen, perhaps."""

    candidate: Candidate
    log_probabilities: Floats  # of each of CHARACTERS
    log_noise: float  # of no character


def decode_expected(
    reading: Reading, expectation: Expectation, confidence: float, separator: DecimalSeparator
) -> Fitted:
    """Read a number again.

    Args:
        reading: as it was read without an expectation.
        confidence: 0 to 1, that it is right, without an expectation.
        separator: decimal separator of the page.
    """
    value, places = without_closing(reading.text), _places(reading)
    values = expectation.values or [text for text in _probable_texts(places) if expectation.fits(text, separator)]
    others = [text for text in values if text != value]
    seen, *scores = np.exp(_scores(places, [value, *others])).tolist()
    near = [(text, score) for text, score in zip(others, scores, strict=True) if score >= OPTIONS.min_near * seen]
    # The confidence is calibrated, the characters' probabilities are not: they only distribute the rest of it.
    rest = max(1 - seen, sum(score for _, score in near), OPTIONS.min_probability)
    weights = {text: (1 - confidence) * score / rest for text, score in near}
    is_fitting, unexpected = expectation.fits(value, separator), 1 - confidence - sum(weights.values())
    own = confidence * (1.0 if is_fitting else OPTIONS.unexpected)
    total = own + sum(weights.values()) + OPTIONS.unexpected * max(0.0, unexpected)
    options = sorted(((text, weight / total) for text, weight in weights.items()), key=lambda each: -each[1])
    if is_fitting and (not options or own / total >= options[0][1]):
        return Fitted(reading, own / total, options)
    if not options or options[0][1] < OPTIONS.min_confidence:
        return Fitted(reading, 0.0, options)
    (best, best_confidence), *options = options
    return Fitted(_read_as(reading, places, best), best_confidence, [*options, (value, own / total)])


def _places(reading: Reading) -> list[Place]:
    """Where characters were seen, from left to right."""
    n = len(without_closing(reading.text))
    places = []
    for i, candidate in enumerate(reading.characters):
        probabilities = candidate.probabilities
        noise = 1 - candidate.present if i < n else 1 - float(probabilities[:N_DIGITS].sum())
        least = OPTIONS.min_noise_digit if candidate.label.isdigit() else OPTIONS.min_noise
        places.append(_place(candidate, probabilities, max(noise, least)))
    places += [_place(each, each.probabilities, 1 - each.present) for each in reading.rejected]
    return sorted(places, key=lambda place: centre(place.candidate.box))


def _place(candidate: Candidate, probabilities: NDArray[np.floating], noise: float) -> Place:
    probabilities = np.maximum(probabilities, OPTIONS.min_probability)
    probabilities[STROKES] = np.maximum(probabilities[STROKES], OPTIONS.stroke * probabilities[STROKES].max())
    logs = np.log(probabilities)
    return Place(candidate, logs.astype(np.float32), float(np.log(noise)))


def _probable_texts(places: Sequence[Place]) -> list[str]:
    """The most probable texts, as far as they are near to the most probable one."""
    beam, min_log = {"": 0.0}, np.log(OPTIONS.min_near)
    for place in places:
        longer: dict[str, float] = {}
        choices = [*zip(CHARACTERS, place.log_probabilities.tolist(), strict=True), ("", place.log_noise)]
        best = max(log for _, log in choices)
        choices = [(character, log) for character, log in choices if log >= best + min_log]
        for text, score in beam.items():
            for character, log in choices:
                longer[text + character] = max(longer.get(text + character, -np.inf), score + log)
        kept = nlargest(OPTIONS.max_texts, longer.items(), key=lambda each: each[1])
        beam = {text: score for text, score in kept if score >= kept[0][1] + min_log}
    return [*filter(None, beam)]


def _scores(places: Sequence[Place], texts: Sequence[str]) -> Floats:
    """The log probability of each text, by its best alignment with the places: float (n,)."""
    lengths = [*map(len, texts)]
    best: Floats = _alignments(places, texts)[-1][lengths, range(len(texts))]
    return best


def _alignments(places: Sequence[Place], texts: Sequence[str]) -> list[Floats]:
    """After each number of places, the log probability of the first characters of each text.

    Each is float64 (characters + 1, texts).
    """
    characters = np.array(texts).reshape(-1, 1).view(np.uint32)  # (texts, characters), 0 behind a shorter text
    codes = CODES[characters].T
    missing = np.log(OPTIONS.missing)
    best = np.repeat(missing * np.arange(len(codes) + 1)[:, None], len(texts), axis=1)
    tables = [best]
    for place in places:
        after = best + place.log_noise
        after[1:] = np.maximum(after[1:], best[:-1] + place.log_probabilities[codes])
        for j in range(1, len(after)):
            after[j] = np.maximum(after[j], after[j - 1] + missing)
        tables.append(best := after)
    return tables


def _read_as(reading: Reading, places: Sequence[Place], text: str) -> Reading:
    """The reading with the characters of another text, where they were seen."""
    tables = [table[:, 0] for table in _alignments(places, [text])]
    chosen: list[Place | None] = []  # of each character, from right to left; None for a missing one
    i, j = len(places), len(text)
    while j:
        place, own = places[i - 1], CHARACTERS.index(text[j - 1])
        if i and tables[i][j] == tables[i - 1][j] + place.log_noise:
            i -= 1
        elif i and tables[i][j] == tables[i - 1][j - 1] + place.log_probabilities[own]:
            chosen.append(place)
            i, j = i - 1, j - 1
        else:
            chosen.append(None)
            j -= 1
    characters: list[Candidate] = []
    for character, seen in zip(text, reversed(chosen), strict=True):
        if seen is None:
            _, top, right, bottom = (characters[-1] if characters else places[0].candidate).box
            candidate = Candidate(np.zeros(len(CHARACTERS), np.float32), (right - 1, top, right, bottom))
        else:
            candidate = seen.candidate
        characters.append(_labelled(candidate, character))
    return replace(reading, characters=characters, rejected=[])


def _labelled(candidate: Candidate, label: str) -> Candidate:
    """A candidate with this label, whose probability is exchanged with that of the former label."""
    probabilities = candidate.probabilities.copy()
    before, after = int(probabilities.argmax()), CHARACTERS.index(label)
    probabilities[[before, after]] = probabilities[[after, before]]
    if probabilities.argmax() != after:  # nothing was seen there
        probabilities[after] = OPTIONS.missing
    return replace(candidate, probabilities=probabilities)
