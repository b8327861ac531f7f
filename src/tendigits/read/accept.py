"""From readings to results: numbers with their confidence, cells and tables, all in pixels of the picture.

numbers = Acceptance(confidence_model, 0.9).numbers(readings, to_picture, expected, members)
table = table_of(layout, numbers, lost, grey, to_picture)
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import pairwise

import cv2
import numpy as np

from tendigits.geometry import Box
from tendigits.numbers.confidence import ConfidenceModel
from tendigits.numbers.decode import CHARACTERS, HEIGHT, Candidate, Edges
from tendigits.numbers.detections import Detection, in_rows
from tendigits.numbers.grammar import DecimalSeparator, common_separator, is_usual, to_decimal, without_closing
from tendigits.numbers.network import GRID
from tendigits.numbers.options import DEFAULT_OPTIONS
from tendigits.numbers.reader import UNREAD_NEIGHBOUR
from tendigits.numbers.reading import Reading, confidence_features
from tendigits.numbers.strips import MAX_WIDTH_PX, MIN_WIDTH_PX
from tendigits.pictures.image import Grey
from tendigits.read.constrained_decoding import decode_expected
from tendigits.read.expectations import Expectation, Expectations
from tendigits.read.results import Character, Number
from tendigits.tables.cell import Cell
from tendigits.tables.layout import Layout
from tendigits.tables.table import Table

MIN_STRAY_INK = 0.1  # squared digit heights: a person would not see less ink next to a number as a reason
MIN_OPTION_PROBABILITY = 0.002  # from which a number may be another one
MAX_OPTIONS = 8  # other possible values of a number

MAX_PIECES = 4  # numbers that a date with unclear strokes may be read as
MAX_PIECE_GAP = 3.0  # digit heights between them
MAX_PART_GAP = 1.5  # digit heights between parts of one number, such as those of a display that is partly unclear
PART = "may be a part of a longer number"
BETWEEN = "_"  # for the space between two numbers of a row

ToPicture = Callable[[Edges], Box]  # converts a box on the page as it was read to pixels of the picture


@dataclass(frozen=True)
class Acceptance:
    """From which confidence numbers are accepted, and how their decimals are written."""

    model: ConfidenceModel
    threshold: float  # 0 to 1
    decimal: DecimalSeparator = DecimalSeparator.AUTO

    def confidence(self, reading: Reading) -> float:
        """0 to 1: how probable it is that a number was read right; 0 if it is in doubt."""
        return 0.0 if reading.doubt else self.model.confidence(confidence_features(reading))

    def numbers(
        self,
        readings: Sequence[Reading],
        to_picture: ToPicture,
        expected: Expectations,
        members: Iterable[tuple[str, Sequence[int]]],
    ) -> list[Number]:
        """The results of readings; `members` are names of columns or fields, with indices of readings in them."""
        expectations = {i: expected.of(name) for name, indices in members for i in indices}
        separator = self.decimal
        if separator is DecimalSeparator.AUTO:
            separator = common_separator(reading.text for reading in readings)
        return [
            accept(reading, self.model, self.threshold, separator, to_picture, expectations.get(i))
            for i, reading in enumerate(readings)
        ]


def accept(
    reading: Reading,
    model: ConfidenceModel,
    threshold: float,
    separator: DecimalSeparator,
    to_picture: ToPicture,
    expectation: Expectation | None = None,
) -> Number:
    """The result for a reading, which is accepted if its confidence, 0 to 1, reaches the threshold.

    With an expectation it is the most probable value that fits; the confidence is 0 if none is probable.
    """
    confidence, as_seen = model.confidence(confidence_features(reading)), without_closing(reading.text)
    fitted = None
    if expectation is not None and not (confidence >= threshold and expectation.fits(as_seen, separator)):
        fitted = decode_expected(reading, expectation, confidence, separator)
        reading, confidence = fitted.reading, fitted.confidence
    may_lack_stroke = "/" in reading.text and reading.stray_ink >= MIN_STRAY_INK
    accepted = confidence >= threshold and reading.doubt is None and not may_lack_stroke
    characters, all_alternatives = [], []
    for candidate, on_page in zip(reading.characters, reading.boxes_on_page.tolist(), strict=True):
        all_alternatives.append(_alternatives(candidate))
        probable = [(label, p) for label, p in all_alternatives[-1] if p >= DEFAULT_OPTIONS.min_alternative]
        box = to_picture(tuple(on_page))
        is_clear = accepted or not probable
        seen = candidate.label, candidate.confidence, probable, box
        characters.append(Character(*seen, (reading.strip, candidate.box), is_clear))
    text, box = reading.text, reduce(Box.join, (character.box for character in characters))
    others = [(text[:i] + label + text[i + 1 :], p) for i, each in enumerate(all_alternatives) for label, p in each]
    others = [(value, p) for other, p in others if (value := without_closing(other)) != without_closing(text)]
    if fitted is not None and fitted.options:
        others = [option for option in fitted.options if option[1] >= MIN_OPTION_PROBABILITY]
    options = sorted(others, key=lambda option: -option[1])[:MAX_OPTIONS]
    if expectation is None and (date := _as_date(text)):
        options = [(date, MIN_OPTION_PROBABILITY), *options[: MAX_OPTIONS - 1]]
        accepted, reading = False, replace(reading, doubt=reading.doubt or f"may be {date}")
    if accepted:
        reason = None
    elif expectation is not None and not expectation.fits(as_seen, separator):
        reason = f"expected {expectation.text}" + _instead(as_seen, without_closing(text), options)
    else:
        reason = _reason(reading, options)
    number = to_decimal(text, separator)
    fits = expectation is None or expectation.fits(without_closing(text), separator)
    how_sure = confidence, accepted, reason
    return Number(text, number, *how_sure, box, characters, options, reading.strip.picture, fits=fits)


def without_pieces(numbers: Sequence[Number], readings: Sequence[Reading], dense: Iterable[int]) -> list[Number]:
    """The numbers, those in doubt that are a date together, as 24/071 and 10, or stand close to one that is in doubt.

    Strokes between them may not have been read at all, but not between the numbers of dense tables, by their indices.
    """
    checked, dense = [*numbers], frozenset(dense)
    for row in in_rows([each.detection for each in readings]):
        for n in range(2, MAX_PIECES + 1):
            for run in (row[i : i + n] for i in range(len(row) - n + 1)):
                if any(_gap(readings[a], readings[b]) > MAX_PIECE_GAP for a, b in pairwise(run)):
                    continue
                is_clear = dense.issuperset(run) or all(numbers[i].accepted for i in run)
                if date := _as_date(BETWEEN.join(numbers[i].text for i in run), "" if is_clear else BETWEEN):
                    for i in run:
                        reason = checked[i].reason or f"may be a part of {date}"
                        checked[i] = replace(checked[i], accepted=False, reason=reason)
        for a, b in pairwise(row):
            is_clear = dense.issuperset((a, b)) or numbers[a].accepted == numbers[b].accepted
            if not is_clear and _gap(readings[a], readings[b]) <= MAX_PART_GAP:
                for i in (a, b):
                    checked[i] = replace(checked[i], accepted=False, reason=checked[i].reason or PART)
    return checked


def _gap(a: Reading, b: Reading) -> float:
    """The distance of two numbers of a row, in heights of their digits."""
    distance = np.hypot(b.detection.x - a.detection.x, b.detection.y - a.detection.y)
    gap = distance - (a.detection.length + b.detection.length) / 2
    return float(gap / max(a.detection.height, b.detection.height))


def _as_date(text: str, lost: str = "") -> str | None:
    """The date that a text is if its strokes were read as 1, or one of them is lost: 25/11/25 for 25111125."""
    for digits, sign in ((r"(\d\d)", "[1/]"), (r"(\d\d?)", "/")):
        stroke = f"({BETWEEN}?{sign}{BETWEEN}?" + (f"|{lost})" if lost else ")")
        parts = re.fullmatch(digits + stroke + digits + stroke + r"(\d\d|(?:19|20)\d\d)", text)
        if parts is None or parts[2] == parts[4] in (lost, "/"):  # all are lost, or none
            continue
        month, day = sorted(map(int, (parts[1], parts[3])))
        if 1 <= month <= 12 and day <= 31:
            return f"{parts[1]}/{parts[3]}/{parts[5]}"
    return None


def _alternatives(candidate: Candidate) -> list[tuple[str, float]]:
    """Other possible labels of a character, the most probable first; "" means that it is not a character."""
    probabilities = [*zip(CHARACTERS, candidate.probabilities.tolist(), strict=True), ("", 1 - candidate.present)]
    probable = [each for each in probabilities if each[1] >= MIN_OPTION_PROBABILITY and each[0] != candidate.label]
    return sorted(probable, key=lambda each: -each[1])


def table_of(
    layout: Layout, numbers: Sequence[Number], lost: Sequence[Detection], grey: Grey, to_picture: ToPicture
) -> Table:
    """The table of a layout, whose cells refer to these numbers. Cells with lost digits only could not be read."""
    corners = layout.corners
    boxes = np.concatenate([corners.min(axis=2), corners.max(axis=2)], axis=2).tolist()
    rows = [
        [cell_of(to_picture(edges), layout.cells.get((row, column), []), numbers) for column, edges in enumerate(line)]
        for row, line in enumerate(boxes)
    ]
    for row, column in {*layout.words} - {*layout.cells}:
        rows[row][column] = replace(rows[row][column], picture=cut_out(grey, layout.word_box(row, column)))
    points = layout.sheet.map(np.array([[each.x, each.y] for each in lost]).reshape(-1, 2))
    for row, column in layout.unread | {*layout.cells_at(points)} - {*layout.cells}:
        rows[row][column] = replace(rows[row][column], confidence=0.0, accepted=False, reason="could not be read")
    return Table(rows, ruled=layout.ruled)


def cut_out(grey: Grey, edges: Edges) -> Grey:
    """A part of a page, of a size that pictures of numbers may have."""
    (left, right), (top, bottom) = (
        np.clip(np.round(edges[axis::2]), 0, size - 1).astype(int) for axis, size in enumerate(grey.shape[::-1])
    )
    part = grey[top : bottom + 1, left : right + 1]
    width = GRID * round(part.shape[1] * HEIGHT / part.shape[0] / GRID)
    width = min(max(width, MIN_WIDTH_PX), MAX_WIDTH_PX)
    picture: Grey = cv2.resize(part, (width, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.uint8)
    return picture


def cell_of(box: Box, indices: Sequence[int], numbers: Sequence[Number]) -> Cell:
    """A cell that holds the numbers with these indices; several are joined and not accepted."""
    if not indices:
        return Cell(box)
    index, first = indices[0], numbers[indices[0]]
    if len(indices) > 1:
        value = " ".join(numbers[i].value for i in indices)
        confidence = min(numbers[i].confidence for i in indices)
        reason = f"holds {len(indices)} numbers"
        return Cell(box, value, None, confidence, False, reason, index=index, picture=first.strip)
    how_sure = first.confidence, first.accepted, first.reason, first.options
    return Cell(box, first.value, first.number, *how_sure, index, first.strip, fits=first.fits)


def with_verdicts(numbers: Sequence[Number], cells: Iterable[tuple[Cell, Sequence[int]]]) -> list[Number]:
    """The numbers, those in cells, which come with the indices of theirs, accepted or in doubt as these are."""
    numbers = [*numbers]
    for cell, indices in cells:
        if cell.is_word:
            cell = replace(cell, accepted=False, reason="stands in a heading")
        for i in indices:
            reason = cell.reason if len(indices) == 1 else numbers[i].reason or cell.reason
            confidence = cell.confidence if len(indices) == 1 else numbers[i].confidence
            numbers[i] = replace(numbers[i], accepted=cell.accepted, reason=reason, confidence=confidence)
            if len(indices) == 1 and cell.value and cell.value != numbers[i].value:  # a formula has decided
                numbers[i] = _read_as(numbers[i], cell)
    return numbers


def _read_as(number: Number, cell: Cell) -> Number:
    """The number with the value of its cell."""
    characters = number.characters
    if len(characters) == len(cell.value):
        characters = [replace(each, label=label) for each, label in zip(characters, cell.value, strict=True)]
    return replace(number, text=cell.value, number=cell.number, characters=characters, options=cell.options)


def _instead(as_seen: str, value: str, options: list[tuple[str, float]]) -> str:
    """What was seen in place of a value that fits, or what may fit in place of what was seen."""
    if value != as_seen:
        return f"; looks like {as_seen}"
    return f"; may be {options[0][0]}" if options else ""


def _reason(reading: Reading, options: list[tuple[str, float]]) -> str:
    """Why a number is not accepted."""
    value = without_closing(reading.text)
    if reading.doubt is not None:
        return reading.doubt
    if options and options[0][1] >= DEFAULT_OPTIONS.min_alternative:
        return f"may be {value} or {options[0][0] or 'nothing'}"
    if not is_usual(reading.text):
        return "has no usual form"
    if reading.rejected or reading.stray_ink >= MIN_STRAY_INK:
        return UNREAD_NEIGHBOUR
    if reading.clearance < DEFAULT_OPTIONS.narrow_clearance:
        return PART
    return "is not clear enough"
