"""Weigh the evidence for numbers: on generated pages and lines, how often is a number with such evidence read right?

What counts is what `Reader.read` gives in the end, without what it doubts for another reason.

python reader/calibrate.py --strings FOLDER         # on real strings of held-out writers, too
python reader/calibrate.py          # writes weights and thresholds into src/tendigits/numbers/assets/numbers.onnx

For the thresholds, each half is weighed as the other half says. Real pictures are for measuring only.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bundle import ASSETS
from real.files import STRINGS, Purpose, load
from synthesis.lines import Line
from synthesis.sheet import SIDE, Number
from tendigits.files import replacing
from tendigits.model.onnx import with_metadata
from tendigits.numbers.decode import BAR
from tendigits.numbers.grammar import without_closing
from tendigits.numbers.reading import Reading, confidence_features
from tendigits.pictures.image import Grey
from tendigits.read.reader import Reader
from train_numbers import line_writer, page_writer

SEED = 11
PAGES = 2000

ERRORS = (0.01, 0.015, 0.02, 0.03, 0.05, 0.1)
"""Shares of wrong numbers among the accepted, for which a threshold is kept."""

MAX_STRINGS = 300
"""Strings of one writer: some have written thousands."""

LEGIBLE = 14.0
"""Pixels: digits lower than this can hardly be read by anybody."""

EDGE = 6
"""Pixels: a number closer to the edge of the picture may be cut off, and is not used."""

ON, BESIDE = 0.5, 1.2
"""Heights of a digit: a reading whose middle is closer to a number than the first shows it; one that is further away
than the second does not."""

LARGEST = 3.0
"""How much larger than a strip the picture of a line may be."""

MAX_GAP_WITHIN, MIN_GAP_BETWEEN = 0.5, 2.0
"""Heights of a digit: the widest gap within a number, and the narrowest between two; one in between may be either."""

DEVIATIONS = 1.64
"""Standard deviations: with a probability of 95%, the fraction of wrong numbers is not higher than measured."""

DECAY = 1e-3
"""Weight of the squared weights relative to the mean cross-entropy."""

Floats = NDArray[np.float64]


def main() -> None:
    """Read pages, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=PAGES)
    parser.add_argument("--strings", type=Path, help="Folder of real writing.")
    given = parser.parse_args()
    reader = Reader()
    known = [*labelled(given.pages, reader, SEED), *(labelled_strings(given.strings, reader) if given.strings else ())]
    order = np.random.default_rng(SEED).permutation(len(known))  # both halves have pages and lines
    values = np.array([astuple(confidence_features(known[i][0])) for i in order])
    right = np.array([float(has_value(*known[i])) for i in order])
    second = np.arange(len(right)) % 2 > 0
    confidence = np.empty(len(right))
    for half in (second, ~second):
        weights, bias = fit(values[~half], right[~half])
        confidence[half] = 1 / (1 + np.exp(-(values[half] @ weights + bias)))
    weights, bias = fit(values, right)
    thresholds = []
    for error in ERRORS:
        threshold = threshold_for(confidence, right, error)
        share = right[confidence >= threshold].sum() / right.sum()
        print(f"at most {error:.1%} wrong: from {threshold:.4f}, {share:.1%} of the right numbers accepted")
        if share > 0:
            thresholds.append((error, threshold))
    print(f"{len(right)} numbers, {right.mean():.1%} right; weights {np.round(weights, 3)}, bias {bias:.3f}")
    path = ASSETS / "numbers.onnx"
    trust = json.dumps({"weights": weights.tolist(), "bias": bias, "thresholds": thresholds})
    with replacing(path) as temporary:
        temporary.write_bytes(with_metadata(path.read_bytes(), {"trust": trust}))


def labelled(n: int, reader: Reader, seed: int) -> Iterator[tuple[Reading, str | None]]:
    """What is read on n generated pages and in as many lines, and what stands there; None if it is no number.

    What a person couldn't tell either is left out, and so are displays, whose points are often missing.
    """
    rng = np.random.default_rng(seed)
    for page in page_writer(LEGIBLE, displays=False).pages(rng, n, good=True):
        for reading, middle in read(reader, page.picture):
            number = number_at(middle, page.numbers, ON)
            if number_at(middle, [*page.numbers, *page.hidden], BESIDE) is None:
                yield reading, None
            elif number is not None and is_clear(number) and not hides_signs(number.text, reading.text):
                yield reading, number.text
    for line in line_writer(displays=False).lines(rng, n, good=True):
        numbers = numbers_of(line)
        scale = float(rng.uniform(1, LARGEST))
        large = cv2.resize(line.picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        for reading, (x, _) in read(reader, large) if numbers is not None else ():
            yield reading, next((text for left, right, text in numbers or () if left < x / scale < right), None)


def labelled_strings(folder: Path, reader: Reader) -> Iterator[tuple[Reading, str]]:
    """What is read in real strings of writers who are held out for it, and what stands there; part of one is wrong."""
    for name in STRINGS:
        n_strings = Counter[str]()
        for picture, label, writer in load(folder / f"{name}.npz", Purpose.CALIBRATE):
            n_strings[writer] += 1
            if n_strings[writer] > MAX_STRINGS:
                continue
            for reading, _ in read(reader, picture):
                # A string over the rule of a column is two numbers.
                is_right = any(has_value(reading, part, ",.") for part in (label.replace(" ", ""), *label.split()))
                yield reading, reading.text if is_right else label


def read(reader: Reader, picture: Grey) -> Iterator[tuple[Reading, Floats]]:
    """What is read in a picture and is not in doubt, and where its middle is: x and y in pixels."""
    page = reader.read(picture, debug=True)
    readings = page.stages.readings if page.stages else ()
    for reading, number in zip(readings, page.numbers, strict=True):
        if reading.doubt is None:
            left, top, right, bottom = number.box
            yield reading, np.array([left + right, top + bottom]) / 2


def has_value(reading: Reading, text: str | None, alike: str = "") -> bool:
    """Whether the value that was read is that of a text; of two signs that are alike, transcribers chose one."""
    values = [without_closing(each) for each in (reading.text, text or "")]
    return text is not None and len({value.replace(*alike) if alike else value for value in values}) == 1


def numbers_of(line: Line) -> list[tuple[float, float, str]] | None:
    """The numbers of a line: left and right edge, text; None if a gap may be one within or between two numbers.

    So may one with the side of a cell in it, which is narrow in a comb.
    """
    order = np.argsort(line.boxes[:, 0], kind="stable").tolist()
    numbers: list[tuple[float, float, str]] = []
    boxes = [box for box, label in zip(line.boxes.tolist(), line.labels, strict=True) if label != BAR]
    height = max((bottom - top for _, top, _, bottom in boxes), default=0.0)
    is_separated = True
    for i in order:
        left, _, right, _ = line.boxes[i].tolist()
        if line.labels[i] == BAR:
            is_separated = True
            continue
        gap = (left - numbers[-1][1]) / height if numbers else 0.0
        if numbers and gap < MIN_GAP_BETWEEN and (is_separated or gap > MAX_GAP_WITHIN):
            return None
        if is_separated or gap >= MIN_GAP_BETWEEN:
            numbers.append((left, right, line.labels[i]))
        else:
            first, end, text = numbers[-1]
            numbers[-1] = first, max(end, right), text + line.labels[i]
        is_separated = False
    is_whole = all(any(map(str.isdigit, text)) for _, _, text in numbers)  # a sign may stand far in front of its number
    return numbers if is_whole else None


def is_clear(number: Number) -> bool:
    """Whether a number is whole and apart from others, so that its text is what a person would read."""
    ends = [*number.start.tolist(), *number.end.tolist()]
    return number.clear and all(EDGE < edge < SIDE - EDGE for edge in ends)


def hides_signs(true: str, read: str) -> bool:
    """Whether only points differ, which patterns below small digits may hide from anybody."""
    without = str.maketrans("", "", ".,:")
    return true != read and true.translate(without) == read.translate(without)


def number_at(middle: Floats, numbers: list[Number], reach: float) -> Number | None:
    """The number that stands in a place, or so close to it, in heights of a digit."""
    for number in numbers:
        axis = number.end - number.start
        along = float(np.clip((middle - number.start) @ axis / max(1e-6, float(axis @ axis)), 0, 1))
        if np.linalg.norm(middle - number.start - along * axis) < reach * number.height:
            return number
    return None


def fit(values: Floats, right: Floats) -> tuple[Floats, float]:
    """Logistic regression by Newton's method: the weights and the bias."""
    x = np.column_stack([values, np.ones(len(values))])
    weights = np.zeros(x.shape[1])
    penalty = DECAY * np.eye(x.shape[1])
    for _ in range(30):
        share = 1 / (1 + np.exp(-(x @ weights)))
        slope = x.T @ (share - right) / len(x) + penalty @ weights
        weights -= np.linalg.solve((x.T * (share * (1 - share))) @ x / len(x) + penalty, slope)
    return weights[:-1], float(weights[-1])


def threshold_for(confidence: Floats, right: Floats, error: float) -> float:
    """The lowest confidence above which at most this fraction is wrong, as far as this number of readings can show.

    It is the upper end of Wilson's interval for that fraction (Wilson 1927) that is at most `error`; else, where the
    curve is flat, chance decides (Geifman and El-Yaniv: Selective classification for deep neural networks, 2017).
    """
    order = np.argsort(-confidence, kind="stable")
    n = np.arange(1, len(order) + 1)
    wrong = np.cumsum(1 - right[order]) / n
    spread = DEVIATIONS * np.sqrt(wrong * (1 - wrong) / n + (DEVIATIONS / (2 * n)) ** 2)
    most = (wrong + DEVIATIONS**2 / (2 * n) + spread) / (1 + DEVIATIONS**2 / n)
    fitting = np.flatnonzero(most <= error)
    return float(confidence[order[fitting[-1]]]) if len(fitting) else 1.0


if __name__ == "__main__":
    main()
