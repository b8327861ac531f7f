"""Where each character of a real string stands: the network that reads numbers looks for its known text.

string = align(network, Example(picture, "12.50", "somebody"))      # None if it does not find the text
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from real.files import Example
from synthesis.glyphs import Floats, Grey
from synthesis.lines import UNKNOWN
from tendigits.digits.network import softmax
from tendigits.numbers.decode import BAR, CHARACTERS, CLASSES, HEIGHT, NONE, STRIDE, centre, decode
from tendigits.numbers.detections import Detection
from tendigits.numbers.network import NumberNetwork
from tendigits.numbers.strips import ImagePyramid, Strip, crop_strip
from tendigits.teach.number_targets import best_positions, boxes_at

MAX_LENGTH = 10
"""Characters of a string; a longer one fits no strip that is learned from."""

HEIGHTS, ROWS = (0.38, 0.5, 0.65, 0.8), (0.42, 0.52)
"""Heights of the digits and middles of their row, as fractions of a picture's height, that are tried."""

OVERHANG = 0.3
"""Digit heights by which a number ends before the picture does, on each side."""

IS_LABEL, IS_A_DIGIT, NEITHER = 0.9, 0.05, 1e-4
"""Probability that a place shows a digit of the text if the network reads it there, another digit, or none."""

MIN_SCORE = -2.0
"""A string is taken if the mean logarithm of these probabilities is at least that."""

EXTRA_INSIDE, EXTRA_OUTSIDE = 0.5, 0.05
"""What each position with a digit that the text does not have takes off the score."""

MIN_SIGN, MIN_DIGIT = 0.1, 0.4
"""Probabilities from which on a sign, and a digit, may stand in a place."""

NEAR = 3
"""Positions around a character that belong to it."""


@dataclass(frozen=True, eq=False)
class RealString:
    """A picture, uint8 (height, width), with labels and boxes as in `Line`, and who wrote it."""

    picture: Grey
    labels: list[str]
    boxes: Floats
    writer: str

    @property
    def height(self) -> float:
        """Of its higher digits, in pixels."""
        digits = [label.isdigit() for label in self.labels]
        return float(np.percentile(np.ptp(self.boxes[digits][:, [1, 3]], axis=1), 67))


class _Attempt(NamedTuple):
    """A text found in a strip."""

    score: float
    strip: Strip
    output: Floats
    positions: NDArray[np.int_]
    """Of its characters."""
    extra: NDArray[np.int_]
    """Positions of digits that the text does not have."""

    def boxes(self) -> Floats:
        """Of its characters, in pixels of the picture."""
        boxes = boxes_at(self.output, self.positions.tolist())
        return self.strip.in_picture(boxes).astype(np.float32)


def align(network: NumberNetwork, example: Example) -> RealString | None:
    """Find the characters of a string; the picture is cut where more digits stand next to them."""
    picture, text = np.ascontiguousarray(example.picture), example.label.replace(" ", "")
    is_digit = [character.isdigit() for character in text]
    if len(text) > MAX_LENGTH or not any(is_digit) or not set(text) <= set(CHARACTERS):
        return None
    height = picture.shape[0]
    rough = _best(network, picture, text, ((y * height, share * height) for y in ROWS for share in HEIGHTS))
    if rough is None:
        return None
    edges = rough.boxes()[is_digit][:, [1, 3]]
    middle, own = float(edges.mean()), max(6.0, float(np.ptp(edges, axis=1).max()))
    again = _best(network, picture, text, ((middle, share * own) for share in (0.9, 1.05)))
    best = max(filter(None, (rough, again)), key=lambda attempt: attempt.score)
    return _string(best, example, text) if best.score >= MIN_SCORE else None


def _best(network: NumberNetwork, picture: Grey, text: str, rows: Iterable[tuple[float, float]]) -> _Attempt | None:
    """The best attempt with digits along the whole picture, at some middles and heights."""
    pyramid, width = ImagePyramid(picture), picture.shape[1]
    lengths = ((y, height, max(4.0, width - 2 * OVERHANG * height)) for y, height in rows)
    strips = [crop_strip(pyramid, Detection(width / 2, y, 0.0, length, height, 1.0)) for y, height, length in lengths]
    outputs = network([strip.picture for strip in strips])
    attempts = [_attempt(strip, output, text) for strip, output in zip(strips, outputs, strict=True)]
    return max(filter(None, attempts), key=lambda attempt: attempt.score, default=None)


def _attempt(strip: Strip, output: Floats, text: str) -> _Attempt | None:
    known = _with_signs_of(text, output)
    positions = best_positions(known, text, -np.inf, np.inf)
    if positions is None:
        return None
    probabilities = softmax(known[:, : NONE + 1].astype(np.float64))[:, :10]
    digits = probabilities.sum(axis=1)
    places = [(at, int(label)) for at, label in zip(positions, text, strict=True) if label.isdigit()]
    logs = [np.log(max(NEITHER, IS_LABEL * probabilities[place] + IS_A_DIGIT * digits[place[0]])) for place in places]
    extra = _far(digits > MIN_DIGIT, positions)
    is_inside = (extra > positions[0]) & (extra < positions[-1])
    score = np.mean(logs) - np.where(is_inside, EXTRA_INSIDE, EXTRA_OUTSIDE).sum()
    return _Attempt(float(score), strip, output, np.array(positions), extra)


def _with_signs_of(text: str, output: Floats) -> Floats:
    """The output if a string has no signs but those of its text; comma and point count as one."""
    known = output.copy()
    if set(text) & set(".,"):
        columns = [CHARACTERS.index(sign) for sign in ".,"]
        known[:, columns] = np.logaddexp.reduce(output[:, columns], axis=1)[:, None]
    others = [i for i, label in enumerate(CLASSES) if not label.isdigit() and label not in text]
    known[:, NONE] = np.logaddexp.reduce(output[:, [*others, NONE]], axis=1)
    known[:, others] = -np.inf
    return known


def _string(attempt: _Attempt, example: Example, text: str) -> RealString:
    """The string with the borders of its column; where a sign may stand or not, it is unknown."""
    _, strip, output, positions, extra = attempt
    signs = softmax(output[:, : NONE + 1].astype(np.float64))[:, 10 : len(CHARACTERS)].sum(axis=1)
    labels, boxes = list(text), attempt.boxes()
    for i, at in enumerate(positions):
        if not text[i].isdigit() and signs[at] < MIN_SIGN:
            labels[i] = UNKNOWN
            boxes[i, [0, 2]] = boxes[max(0, i - 1), 2], boxes[min(len(text) - 1, i + 1), 0]
    columns = (positions + 0.5) * STRIDE
    places = [(BAR, box) for box in decode(output)[1] if abs(columns - centre(box)).min() > NEAR * STRIDE]
    unknown = _far(signs > MIN_SIGN, positions).tolist()
    places += [(UNKNOWN, ((at - NEAR) * STRIDE, 0, (at + NEAR) * STRIDE, HEIGHT)) for at in unknown]
    labels += [label for label, _ in places]
    boxes = np.concatenate([boxes, strip.in_picture([box for _, box in places])]).astype(np.float32)
    first = max(extra[extra < positions[0]], default=-NEAR) + NEAR
    last = min(extra[extra > positions[-1]], default=len(output) + NEAR) - NEAR
    left, _, right, _ = strip.in_picture([(first * STRIDE, 0, last * STRIDE, HEIGHT)])[0]
    start, end = max(0, round(left)), min(example.picture.shape[1], round(right))
    return RealString(example.picture[:, start:end], labels, boxes - np.array([start, 0, start, 0]), example.writer)


def _far(places: NDArray[np.bool_], positions: Iterable[int]) -> NDArray[np.int_]:
    """The places that belong to none of the positions."""
    columns = np.flatnonzero(places)
    is_far: NDArray[np.bool_] = (abs(columns[:, None] - np.array([*positions])) > NEAR).all(axis=1)
    return columns[is_far]
