"""Read the cells of a printed sheet: its numbers as those of a form, digits in boxes one by one, and what is ticked.

read = read_cells(number_reader, found, Budget())
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce

import cv2
import numpy as np

from tendigits.digits.foreground import shrink
from tendigits.digits.network import Network
from tendigits.digits.runtime import Floats
from tendigits.geometry import Box
from tendigits.numbers.crops import Budget
from tendigits.numbers.decode import N_DIGITS
from tendigits.numbers.detections import Detection
from tendigits.numbers.reader import NumberReader
from tendigits.numbers.reading import Reading
from tendigits.pictures.image import Grey
from tendigits.read.accept import ToPicture, cell_of, cut_out
from tendigits.read.find_sheet import PX_PER_MM, FoundSheet
from tendigits.read.results import Number
from tendigits.read.sheet import Rectangle
from tendigits.tables.cell import Cell
from tendigits.tables.checks import check
from tendigits.tables.formulas import Formula
from tendigits.tables.options import Sums
from tendigits.tables.table import Table

Place = tuple[int, int]

PAPER_SIDE_PX = 250  # of the copy in which the brightness of the paper is measured
PAPER_PX = 15  # side of the square whose brightest part is paper, in that copy
LINE_MM = 0.9  # width of what may be a printed line
INK = 0.66  # of the paper's brightness: what is darker on a printed line is ink
DARK = 0.8  # and elsewhere
SPECK_MM2 = 0.25  # ink of less area in a box is a speck
INSIDE_MM = 0.6  # from a box's edge to where its tick is looked for; print and curl move its lines
NO_TICK, TICK = 0.02, 0.04  # inked fractions of a box without and with a tick: at most, and at least
TICK_ROOM_MM, FILLED_ROOM_MM = 0.75, 0.55  # radius of the largest white disc in a ticked and in a filled box
OPINION_WEIGHT = 0.5  # of the network for single digits
MIN_OWN = 1e-6  # probability of all digits together, which is divided by
TICKED, TAKEN_BACK = "1", "0"
UNSURE = 0.5  # confidence of a tick between these
MIN_DIGIT_MM = 3.0  # height of digits, at least: flat ones are no larger than others


@dataclass(frozen=True, eq=False)
class ReadCells:
    """What was read in the cells of a page."""

    readings: list[Reading]
    indices: dict[Place, list[int]]  # of the readings in a cell
    others: dict[Place, Cell]  # ticks, words, and what could not be read, in pixels of the flat page


def read_cells(reader: NumberReader, network: Network, found: FoundSheet, budget: Budget) -> ReadCells:
    """Read what is written in the cells of a page; the network for single digits has its say about each of them."""
    columns, layout = found.code.sheet.columns, found.layout
    clean = without_print(found)
    by_kind: dict[str, dict[Place, Rectangle]] = {"number": {}, "digits": {}, "tick": {}, "words": {}}
    for place, rectangle in layout.cells.items():
        by_kind[columns[place[1]].kind][place] = rectangle
    boxed = {place: [_widened(to_box(cell), -LINE_MM)] for place, cell in by_kind["number"].items()}
    boxed |= {place: [*map(to_box, layout.boxes[place])] for place in by_kind["digits"]}
    read = _read_boxes(reader.lenient(), network, clean, boxed, budget)
    indices = {place: [i] for i, place in enumerate(read)}
    others = {place: read_tick(clean, to_box(layout.boxes[place][0])) for place in by_kind["tick"]}
    others |= {place: _word(found.flat, clean, to_box(cell)) for place, cell in by_kind["words"].items()}
    for place, boxes in boxed.items():
        if place not in indices and any(_ink(clean, box) for box in boxes):
            box = reduce(Box.join, boxes)
            others[place] = Cell(box, "", None, 0.0, False, "could not be read", picture=cut_out(clean, box))
    return ReadCells([*read.values()], indices, others)


def sheet_table(
    found: FoundSheet,
    read: ReadCells,
    numbers: Sequence[Number],
    to_picture: ToPicture,
    formulas: Iterable[Formula],
) -> Table:
    """The table of a page below the names of its columns, as far as something stands in it, checked by formulas."""
    columns, layout = found.code.sheet.columns, found.layout
    names = zip(layout.heads, columns, strict=True)
    heads = [Cell(to_picture(to_box(place)), column.name) for place, column in names]
    rows = list[list[Cell]]()
    for row in range(layout.n_rows):
        rows.append([])
        for column in range(len(columns)):
            box, other = to_picture(to_box(layout.cells[row, column])), read.others.get((row, column))
            indices = read.indices.get((row, column), [])
            rows[-1].append(cell_of(box, indices, numbers) if other is None else replace(other, box=box))
    while rows and not any(cell.value or cell.picture is not None for cell in rows[-1]):
        rows.pop()
    return check(Table([heads, *rows], ruled=True), Sums.NONE, formulas)


def to_box(rectangle: Rectangle) -> Box:
    """A place in millimetres, in pixels of the flat page."""
    return Box(*(round(PX_PER_MM * edge) for edge in rectangle))


def without_print(found: FoundSheet) -> Grey:
    """The page on white paper, without the lines of its cells and boxes where nothing is written over them."""
    flat = found.flat
    small = shrink(flat, PAPER_SIDE_PX)
    paper = cv2.GaussianBlur(cv2.dilate(small, np.ones((PAPER_PX, PAPER_PX), np.uint8)), (0, 0), PAPER_PX / 2)
    paper = cv2.resize(paper, flat.shape[::-1], interpolation=cv2.INTER_LINEAR)
    white: Grey = cv2.divide(flat, paper, scale=255)
    lines = np.zeros(flat.shape, np.uint8)
    for rectangle in [*found.layout.cells.values(), *(each for boxes in found.layout.boxes.values() for each in boxes)]:
        left, top, right, bottom = to_box(rectangle)
        cv2.rectangle(lines, (left, top), (right, bottom), 1, round(PX_PER_MM * LINE_MM))
    white[(lines > 0) & (white > 255 * INK)] = 255
    return white


def _only(picture: Grey, boxes: Iterable[Box]) -> Grey:
    """The picture, white outside of these boxes."""
    blank = np.full_like(picture, 255)
    for left, top, right, bottom in boxes:
        blank[top:bottom, left:right] = picture[top:bottom, left:right]
    return blank


def _read_boxes(
    reader: NumberReader, network: Network, clean: Grey, boxed: dict[Place, list[Box]], budget: Budget
) -> dict[Place, Reading]:
    """Read numbers, each in one box or with a box for each of its digits."""
    crops = reader.crops(_only(clean, (_widened(reduce(Box.join, boxes), LINE_MM / 2) for boxes in boxed.values())))
    inked = {place: [_ink(crops.grey, box) for box in boxes] for place, boxes in boxed.items()}
    detections = {place: _detection([*filter(None, ink)]) for place, ink in inked.items() if any(ink)}
    known = reader.read_known(crops, [*detections.values()], budget)
    read = {place: known[each] for place, each in detections.items() if each in known and known[each].characters}
    if not read:
        return {}
    opinions = network(np.concatenate([reading.crops for reading in read.values()])).digits
    parts = np.split(opinions, np.cumsum([len(reading.crops) for reading in read.values()])[:-1])
    return {
        place: _in_boxes(_with_opinions(reading, part, len(boxed[place]) > 1), boxed[place], inked[place])
        for (place, reading), part in zip(read.items(), parts, strict=True)
    }


def _with_opinions(reading: Reading, opinions: Floats, only_digits: bool) -> Reading:
    """A reading whose digits are as probable as the number network and the network for single digits say together."""
    characters = []
    for candidate, opinion in zip(reading.characters, opinions, strict=True):
        probabilities = candidate.probabilities.copy()
        if only_digits or candidate.label.isdigit():
            own = float(probabilities[:N_DIGITS].sum())
            present = candidate.present if only_digits else own
            probabilities[N_DIGITS:] *= not only_digits
            digits = (1 - OPINION_WEIGHT) * probabilities[:N_DIGITS] / max(own, MIN_OWN) + OPINION_WEIGHT * opinion
            probabilities[:N_DIGITS] = digits * present / digits.sum()
        characters.append(replace(candidate, probabilities=probabilities))
    return replace(reading, characters=characters)


def _word(flat: Grey, clean: Grey, box: Box) -> Cell:
    """A cell with the picture of a word, if there is one."""
    inner = _widened(box, -LINE_MM)
    ink = _ink(clean, inner)
    return Cell(box, picture=cut_out(flat, (box.left, inner.top, ink.right, inner.bottom)) if ink else None)


def _widened(box: Box, millimetres: float) -> Box:
    """A larger box around another, with the lines over which people write; or a smaller one in it."""
    margin = round(PX_PER_MM * millimetres)
    return Box(box.left - margin, box.top - margin, box.right + margin, box.bottom + margin)


def _ink(clean: Grey, box: Box) -> Box | None:
    """The box around the ink in a digit's box, if there is any."""
    part = clean[box.top : box.bottom, box.left : box.right] < 255 * DARK
    n, _labels, stats, _ = cv2.connectedComponentsWithStats(part.astype(np.uint8))
    strokes = [stats[i] for i in range(1, n) if stats[i, cv2.CC_STAT_AREA] >= SPECK_MM2 * PX_PER_MM**2]
    if not strokes:
        return None
    lefts, tops, widths, heights, _ = np.array(strokes).T
    left, top = box.left + int(lefts.min()), box.top + int(tops.min())
    return Box(left, top, box.left + int((lefts + widths).max()), box.top + int((tops + heights).max()))


def _detection(ink: Sequence[Box]) -> Detection:
    """The number in a row of boxes with this ink."""
    left, top, right, bottom = reduce(Box.join, ink)
    height = max(float(np.median([each.height for each in ink])), MIN_DIGIT_MM * PX_PER_MM)
    return Detection((left + right) / 2, (top + bottom) / 2, 0.0, float(right - left), height, 1.0)


def _in_boxes(reading: Reading, boxes: Sequence[Box], inked: Sequence[Box | None]) -> Reading:
    """A reading, in doubt unless there is one of its digits in each box with ink."""
    middles = reading.boxes_on_page[:, ::2].mean(axis=1).tolist()
    counts = [sum(box.left <= middle < box.right for middle in middles) for box in boxes]
    if len(boxes) == 1 or counts == [int(ink is not None) for ink in inked]:
        return replace(reading, boxes=())
    return replace(reading, doubt="a box may hold something else")


def read_tick(clean: Grey, box: Box) -> Cell:
    """Whether a box is empty, ticked, or filled to take the tick back."""
    margin = round(PX_PER_MM * INSIDE_MM)
    part = clean[box.top + margin : box.bottom - margin, box.left + margin : box.right - margin]
    ink = (part < 255 * DARK).astype(np.uint8)
    inked, room = float(ink.mean()), float(cv2.distanceTransform(1 - ink, cv2.DIST_L2, 5).max()) / PX_PER_MM
    if inked <= NO_TICK:
        return Cell(box)
    value = TICKED if room > (TICK_ROOM_MM + FILLED_ROOM_MM) / 2 else TAKEN_BACK
    if room <= FILLED_ROOM_MM or (room >= TICK_ROOM_MM and inked >= TICK):
        return Cell(box, value, Decimal(value))
    options = [(other, UNSURE) for other in (TICKED, TAKEN_BACK, "") if other != value]
    return Cell(box, value, Decimal(value), UNSURE, False, "may be ticked or not", options, picture=cut_out(clean, box))
