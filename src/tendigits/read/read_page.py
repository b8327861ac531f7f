"""Read a page: its numbers and tables, the fields of a form, or the cells of a printed sheet.

page = read_page(number_reader, acceptance, grey, size, Budget())
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import chain

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.digits.find import Thumbnail
from tendigits.digits.foreground import median
from tendigits.digits.network import Network
from tendigits.geometry import Box
from tendigits.numbers.crops import Budget, PageCrops
from tendigits.numbers.decode import Edges
from tendigits.numbers.detections import Detection, in_rows
from tendigits.numbers.reader import NumberReader
from tendigits.numbers.reading import Reading
from tendigits.pictures.image import Grey
from tendigits.read.accept import Acceptance, cell_of, table_of, with_verdicts, without_pieces
from tendigits.read.cells import CellReader
from tendigits.read.context import read_tables
from tendigits.read.expectations import NOTHING, Expectations
from tendigits.read.find_sheet import FoundSheet
from tendigits.read.forms import Corners, Form, read_fields
from tendigits.read.orientation import turns_of
from tendigits.read.page import BLURRED, FAINT, ROWS_LEFT_OUT, TINY, TOO_MANY, Page
from tendigits.read.read_sheet import read_cells, sheet_table
from tendigits.read.sharpness import is_blurred, is_faint, is_tiny
from tendigits.read.stages import Stages
from tendigits.read.sums import check_sums
from tendigits.tables.cell import column_name
from tendigits.tables.checks import check, check_relations
from tendigits.tables.columns import in_context
from tendigits.tables.flat_sheet import NO_RULES, find_rules
from tendigits.tables.paper import whiten

MIN_NUMBERS_TO_WHITEN = 3  # with fewer, what is dark is writing, and not a black or dotted column
NAMED_PER_READ = 2  # detections of a page, for each one that is read at most

Size = tuple[int, int]
"""Width and height of a picture, in pixels; the page may be smaller."""


def read_page(
    reader: NumberReader,
    acceptance: Acceptance,
    grey: Grey,
    size: Size,
    budget: Budget,
    expected: Expectations = NOTHING,
    debug: bool = False,
) -> Page:
    """Read every number on a page, uint8 (height, width), and its tables."""
    scale, thumbnail = size[0] / grey.shape[1], Thumbnail.of(grey, size)
    grey, detections, crops, turns = _find(reader, grey, budget)
    detections, below = _from_the_top(detections, reader.options.max_numbers)
    budget.left_out += below
    rules = find_rules(grey, detections) if detections else NO_RULES
    crops = crops.with_rules(rules.long)
    readings = reader.read_page(grey, budget, detections, crops)
    cells = CellReader(reader, crops, rules, cache(acceptance.confidence), acceptance.threshold, budget)
    readings, layouts = read_tables(cells, readings)
    upright_size = size[::-1] if turns % 2 else size

    def to_picture(edges: Edges) -> Box:
        return Box(*(round(scale * edge) for edge in edges)).turned(turns, upright_size)

    columns = [(column_name(c), each) for layout in layouts for (_, c), each in layout.cells.items()]
    in_tables = [[i for each in layout.cells.values() for i in each] for layout in layouts if layout.is_dense]
    numbers = acceptance.numbers(readings, to_picture, expected, columns)
    numbers = check_sums(without_pieces(numbers, readings, chain(*in_tables)), in_tables)
    tables = [table_of(layout, numbers, budget.left_out, grey, to_picture) for layout in layouts]
    tables = [check(in_context(table), expected.sums, expected.formulas) for table in tables]
    in_cells = [
        (table.rows[row][column], indices)
        for layout, table in zip(layouts, tables, strict=True)
        for (row, column), indices in layout.cells.items()
    ]
    numbers = with_verdicts(numbers, in_cells)
    verdicts = [number.accepted for number in numbers]
    missed = rows_left_out(readings, budget)
    notices = missed + _of_photo(grey, [each.detection for each in readings], verdicts)
    notices += [FAINT] * (not readings and not notices and is_faint(grey))
    if missing := sorted(expected.targets.keys() - {name for name, _ in columns}):
        notices.append(f"There is nothing in column {', '.join(missing)}, of which something is expected.")
    return Page(
        numbers, size, tables, 90 * turns,
        is_whole=not missed,
        notice=" ".join(notices) or None,
        thumbnail=thumbnail,
        stages=Stages(grey, rules.pieces, detections, layouts, readings, verdicts) if debug else None,
    )  # fmt: skip


def read_form(
    reader: NumberReader,
    acceptance: Acceptance,
    form: Form,
    grey: Grey,
    size: Size,
    budget: Budget,
    expected: Expectations = NOTHING,
    corners: Corners | None = None,
) -> Page:
    """Read the fields of a form; `corners` say where it lies in the picture, if its details do not show it."""
    expected.check_fields(form.fields)
    aligned, homography = form.align(grey, corners)
    readings, fields = read_fields(reader, aligned, form, budget)
    scale = size[0] / grey.shape[1]

    def to_picture(edges: Edges) -> Box:
        return _box_around(cv2.perspectiveTransform(_corners(edges)[None], homography)[0] * scale)

    numbers = acceptance.numbers(readings, to_picture, expected, fields.items())
    cells = {name: cell_of(to_picture(form.fields[name]), indices, numbers) for name, indices in fields.items()}
    for name, cell in cells.items():
        left, top, right, bottom = cell.box
        if not (0 <= left + right <= 2 * size[0] and 0 <= top + bottom <= 2 * size[1]):
            cells[name] = replace(cell, accepted=False, reason="is not in the picture")
    cells = check_relations(cells, [formula.of_fields([*cells]) for formula in expected.formulas])
    numbers = with_verdicts(numbers, [(cells[name], indices) for name, indices in fields.items()])
    notice = " ".join(rows_left_out(readings, budget)) or None
    return Page(numbers, size, fields=cells, is_whole=not notice, notice=notice, thumbnail=Thumbnail.of(grey, size))


def read_sheet(
    reader: NumberReader,
    digits: Network,
    acceptance: Acceptance,
    found: FoundSheet,
    grey: Grey,
    size: Size,
    budget: Budget,
    expected: Expectations = NOTHING,
) -> Page:
    """Read a page of a printed sheet, whose columns are expected to be what its code says."""
    sheet, scale = found.code.sheet, size[0] / grey.shape[1]
    known = sheet.expectations
    expected = replace(
        known, targets={**known.targets, **expected.targets}, formulas=(*known.formulas, *expected.formulas)
    )

    def to_picture(edges: Edges) -> Box:
        return _box_around(found.to_photo(_corners(edges)) * scale)

    read = read_cells(reader, digits, found, budget)
    members = [(column_name(column), indices) for (_, column), indices in read.indices.items()]
    numbers = acceptance.numbers(read.readings, to_picture, expected, members)
    table = sheet_table(found, read, numbers, to_picture, expected.formulas)
    cells = [(table.rows[row + 1][column], indices) for (row, column), indices in read.indices.items() if indices]
    numbers = with_verdicts(numbers, cells)
    notice = " ".join(rows_left_out(read.readings, budget)) or None
    return Page(
        numbers, size, [table], found.turned, sheet=found.code,
        is_whole=not notice, notice=notice, thumbnail=Thumbnail.of(grey, size),
    )  # fmt: skip


def rows_left_out(readings: Sequence[Reading], budget: Budget) -> list[str]:
    """A notice of the rows that were not read, counted from 1, if there are any."""
    if budget.is_truncated or not budget.left_out:
        return [TOO_MANY] * budget.is_truncated
    rows = in_rows([*(reading.detection for reading in readings), *budget.left_out])
    first, *_, last = [n for n, row in enumerate(rows, 1) if max(row) >= len(readings)] * 2
    return [ROWS_LEFT_OUT.format(f"Row {first} was" if first == last else f"Rows {first} to {last} were")]


def _find(reader: NumberReader, grey: Grey, budget: Budget) -> tuple[Grey, list[Detection], PageCrops, int]:
    """The upright page without what is printed behind its numbers, where these may stand, and its quarter turns."""
    detections = _detect(reader, grey, budget)
    if len(detections) >= MIN_NUMBERS_TO_WHITEN:
        blank = whiten(grey, median([each.height for each in detections]))
        if blank is not grey:
            grey, detections = blank, _detect(reader, blank, budget)
    crops = reader.crops(grey)
    if turns := turns_of(reader, detections, crops, budget):
        grey = np.ascontiguousarray(np.rot90(grey, turns))
        detections, crops = _detect(reader, grey, budget), reader.crops(grey)
    return grey, detections, crops, turns


def _detect(reader: NumberReader, grey: Grey, budget: Budget) -> list[Detection]:
    """Where numbers may stand, more than are read, so that the rows of the others can be named."""
    wide = replace(reader.options, max_numbers=NAMED_PER_READ * reader.options.max_numbers)
    return replace(reader, options=wide).detect(grey, budget)


def _from_the_top(detections: Sequence[Detection], n: int) -> tuple[list[Detection], list[Detection]]:
    """The first n detections in reading order, and those below them; each the best first."""
    if len(detections) <= n:
        return [*detections], []
    first = {*[*chain.from_iterable(in_rows(detections))][:n]}
    return [d for i, d in enumerate(detections) if i in first], [d for i, d in enumerate(detections) if i not in first]


def _of_photo(grey: Grey, read: Sequence[Detection], verdicts: Sequence[bool]) -> list[str]:
    """Notices of a photo that is too blurred or too small; `verdicts` say which of its numbers are accepted."""
    accepted = sum(verdicts) / max(1, len(verdicts))
    return [BLURRED] * is_blurred(grey, read, accepted) + [TINY] * is_tiny(read)


def _corners(edges: Edges) -> NDArray[np.float64]:
    """The corners of a box, float64 (4, 2)."""
    left, top, right, bottom = edges
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


def _box_around(points: NDArray[np.float64]) -> Box:
    """The box around some points, float64 (n, 2)."""
    return Box(*(round(edge) for edge in (*points.min(axis=0).tolist(), *points.max(axis=0).tolist())))
