"""Read a page's tables with their structure as context: one number per cell, and similar numbers in each column.

readings, layouts = read_tables(reader, crops, readings, rules, confidence, threshold, budget)
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import compress, islice
from operator import not_

import numpy as np

from tendigits.digits.foreground import median
from tendigits.numbers.crops import Budget, PageCrops
from tendigits.numbers.decode import centre
from tendigits.numbers.detections import in_rows
from tendigits.numbers.grammar import is_usual, without_closing
from tendigits.numbers.hypotheses import reweigh
from tendigits.numbers.options import DEFAULT_OPTIONS
from tendigits.numbers.reader import UNREAD_NEIGHBOUR, NumberReader
from tendigits.numbers.reading import Reading
from tendigits.numbers.strips import DIGIT_HEIGHT_PX
from tendigits.tables.flat_sheet import Rules, flatten
from tendigits.tables.layout import Cells, Layout, find_layouts
from tendigits.tables.options import MIN_FILLED_FRACTION
from tendigits.tables.paper import without_level_lines

Confidence = Callable[[Reading], float]  # 0 to 1: how probable it is that a number was read right; 0 in doubt
IsClear = Callable[[Reading], bool]
CellIndex = tuple[int, int]  # row and column
Span = tuple[float, float, float, float]  # left and right end, y, and digit height of a number, on the sheet


@dataclass(frozen=True)
class ContextOptions:
    """Tolerances; lengths are in heights of a digit."""

    # Which tables, rows and columns are informative.
    min_rows: int = 3  # a smaller table has no context: a receipt has a date, a time and amounts below each other
    min_columns: int = 2
    min_list_rows: int = 5  # a list of at least as many numbers, one a row, is evidence for their form
    max_clear_fraction: float = 0.15  # of a column's cells with clear numbers, if it is a column of words
    min_among_words: float = 0.7  # confidence of a number that stands among words
    min_word_fraction: float = 0.34  # of the cells of a row or column that hold words, if it is one of words
    min_words: int = 2  # cells with words in a row or column of words
    min_word_width: float = 1.2  # narrower words alone are not a column of a table, but units behind numbers

    # Reading cells again.
    min_covered: float = 0.7  # of a word's width that its characters cover, if it is a number
    max_overhang: float = 0.35  # a number that extends further into the next column fills the cells of both
    min_column_gap: float = 0.75  # between its characters, if a number is of two cells; or the widest of its gaps
    min_lost: float = 0.3  # of a number that was read: a cell with less room next to it is not read again
    border_margin: float = 0.15  # between the edge of a cell and its number, for a ruled line
    max_rule_width: float = 0.4  # of a character that may be a ruled line
    max_rule_distance: float = 0.12  # from the middle of such a character to a ruled line
    max_beyond_border: float = 0.05  # from a ruled line to the middle of a character behind it that is of its cell
    max_line_height: float = 0.7  # from the middle of the highest number in a cell to that of the lowest, on one line
    end_percentile: float = 3.0  # percent of a column's numbers that may begin, or end, outside the span that is read
    min_new_probability: float = 0.9  # of each character, to read a number where none was found at first
    min_new_in_full_column: float = 0.6  # the same in a ruled column of which most cells are filled
    min_full_fraction: float = 0.75

    # Priors for the frequency of a form in a column; they count like one cell.
    integer_prior: float = 0.5
    usual_prior: float = 0.02
    usual_prior_in_list: float = 0.3  # of numbers below each other, of which one may well be a date
    unusual_prior: float = 0.001
    shape_prior: float = 2.0  # of another number of digits before the point
    length_prior: float = 8.0  # of another number of digits of an integer
    min_noise: float = 0.02  # lower bound for the probability that a sign is a speck, if it does not fit its column

    # Lost decimal points.
    min_decimals: int = 4  # numbers with a point in a column, and
    min_decimal_fraction: float = 0.7  # their fraction, from which one without a point has probably lost it


OPTIONS = ContextOptions()
LOST_POINT = "the others in its column have a decimal point"


def read_tables(
    reader: NumberReader,
    crops: PageCrops,
    readings: Sequence[Reading],
    rules: Rules,
    confidence: Confidence,
    threshold: float,
    budget: Budget,
) -> tuple[list[Reading], list[Layout]]:
    """Find the tables of a page, and read doubtful cells again.

    Returns the readings in reading order, without words; and the tables, whose cells hold their indices.
    """
    if not readings:
        return [], []
    sheet = flatten(crops.grey, [reading.detection for reading in readings], rules)
    layouts = find_layouts(sheet)
    missed = [each for layout in layouts for each in _read_words(reader, crops, layout, budget)]
    if missed := missed[: max(0, reader.options.max_numbers - len(readings))]:
        readings = [*readings, *missed]
        sheet = flatten(crops.grey, [reading.detection for reading in readings], rules)
        layouts = find_layouts(sheet)

    def is_number(reading: Reading) -> bool:
        return confidence(reading) >= OPTIONS.min_among_words

    def is_clear(reading: Reading) -> bool:
        return confidence(reading) >= threshold

    dropped = {i for layout in layouts for i in _words_and_units(layout, readings, is_number)}
    if dropped:
        words = [i for i in dropped if i < sheet.n_numbers]  # they were read as numbers
        layouts = [layout.with_words(words) for layout in find_layouts(sheet, dropped)]
    read = [*readings]
    for n, layout in enumerate(layouts):
        for cell, indices in layout.cells.items() if layout.ruled else ():
            for i in indices:
                read[i] = _without_borders(read[i], layout, cell)
        if _is_informative(layout):
            layouts[n] = layout = _read_cells_again(reader, crops, read, layout, is_clear, budget)
            if layout.ruled:
                _read_without_lines(reader, crops, read, layout, rules, confidence, threshold, budget)
            seen = [*read]
            for _ in range(2):  # what becomes clear in the first round is evidence in the second
                _reweigh_columns(read, seen, layouts[n], OPTIONS.usual_prior)
            _doubt_lost_points(read, layouts[n])
        elif layout.shape[0] >= OPTIONS.min_list_rows and layout.shape[1] == 1:
            _reweigh_columns(read, read, layout, OPTIONS.usual_prior_in_list)
    return _in_reading_order(read, layouts)


def form_of(text: str) -> str:
    """What numbers of one column have in common: `-12.50` and `3.00` are 0.2, `12` and `7` are 0."""
    whole = re.sub(r"(?<![.,\d])\d+", "0", text.lstrip("+-"))
    return re.sub(r"(?<=[.,])\d+", lambda decimals: str(len(decimals[0])), whole)


def _is_informative(layout: Layout) -> bool:
    """Whether a table is large enough, and ruled or dense, so that its structure is evidence."""
    rows, columns = layout.shape
    is_dense = layout.ruled or len({*layout.cells, *layout.words}) >= MIN_FILLED_FRACTION * rows * columns
    return rows >= OPTIONS.min_rows and columns >= OPTIONS.min_columns and is_dense


def _read_words(reader: NumberReader, crops: PageCrops, layout: Layout, budget: Budget) -> Iterator[Reading]:
    """Read the words in a ruled table's cells, of which many are numbers that were not found; yields clear ones."""
    if not (layout.ruled and _is_informative(layout)):
        return
    sheet, spans = layout.sheet, list[Span]()
    for row, column in sorted({*layout.words} - {*layout.cells}):
        members = layout.words[row, column]
        left, right = float(sheet.top_left[members, 0].min()), float(sheet.bottom_right[members, 0].max())
        if right - left <= layout.columns[column + 1] - layout.columns[column]:
            spans.append((left, right, float(sheet.centres[members, 1].mean()), sheet.height))
    detections = sheet.to_detections(np.array(spans, np.float64).reshape(-1, 4))
    for detection, reading in reader.read_known(crops, detections, budget).items():
        boxes = np.array([each.box for each in reading.characters]).reshape(-1, 4)
        width = np.ptp(boxes[:, [0, 2]]) * detection.height / DIGIT_HEIGHT_PX if len(boxes) else 0.0
        is_clear = all(each.confidence >= OPTIONS.min_new_probability for each in reading.characters)
        if is_clear and width >= OPTIONS.min_covered * detection.length and any(map(str.isdigit, reading.text)):
            yield reading


def _words_and_units(layout: Layout, readings: Sequence[Reading], is_number: IsClear) -> Iterator[int]:
    """Numbers in rows and columns of words, which are words too; and words that are not a column, such as units."""
    if not _is_informative(layout):
        yield from (i for indices in layout.words.values() for i in indices)
        return
    all_clear = {cell for cell, indices in layout.cells.items() if any(is_number(readings[i]) for i in indices)}
    all_words = {
        each for each in layout.words if _width(layout, layout.words, each) > _width(layout, layout.cells, each)
    }
    word_columns = set[int]()
    for axis in (1, 0):
        for index in range(layout.shape[axis]):
            is_header = (axis, index) == (0, 0)  # which may hold words and numbers: "Task 1"
            names = set() if axis == 1 or is_header else word_columns  # next to numbers
            numbers, words, clear = (
                {cell for cell in cells if cell[axis] == index and cell[1] not in names}
                for cells in (layout.cells, all_words, all_clear)
            )
            contradicting = clear - words if axis == 1 or is_header else clear
            only_words = words if is_header else words - clear
            max_contradicting = max(1, OPTIONS.max_clear_fraction * layout.shape[0]) if axis == 1 else 0
            min_words = max(OPTIONS.min_words, OPTIONS.min_word_fraction * len(numbers | words))
            is_wordy = len(only_words) >= min_words and len(contradicting) <= max_contradicting
            if is_wordy:
                yield from (i for cell in numbers for i in layout.cells[cell])
                if axis == 1:
                    word_columns.add(index)
            if axis == 1 and not numbers and words:
                indices = [i for cell in words for i in layout.words[cell]]
                widths = layout.sheet.bottom_right[indices, 0] - layout.sheet.top_left[indices, 0]
                if not is_wordy or median(widths) < OPTIONS.min_word_width * layout.sheet.height:
                    yield from indices


def _width(layout: Layout, members: Cells, cell: CellIndex) -> float:
    """The width of a cell's numbers, or of its words, together."""
    indices = members.get(cell, [])
    return float((layout.sheet.bottom_right[indices, 0] - layout.sheet.top_left[indices, 0]).sum())


def _read_cells_again(
    reader: NumberReader, crops: PageCrops, read: list[Reading], layout: Layout, is_clear: IsClear, budget: Budget
) -> Layout:
    """Read empty and doubtful cells again; better readings are appended to `read`, and stand in the layout returned."""
    joined, whole = set[CellIndex](), set[CellIndex]()  # cells of joined numbers, and the neighbours of wide ones
    for cell, indices in layout.cells.items():
        for i, edge, neighbour in _overhanging(layout, cell, indices):
            is_joined = layout.ruled_edges[edge] or _are_two(read[i], layout, layout.columns[edge])
            (joined if is_joined else whole).update({cell, neighbour} if is_joined else {neighbour})
    partly_read = {*layout.words} & {*layout.cells} if layout.ruled else set()  # cells with more ink than their number
    unclear = [
        cell
        for cell in np.ndindex(layout.shape)
        if cell not in whole
        if len(indices := layout.cells.get(cell, [])) != 1
        or cell in joined | partly_read
        or not is_clear(read[indices[0]])
    ]
    counts = Counter(column for _, column in layout.cells)
    fractions = {column: n / layout.shape[0] for column, n in counts.items()}
    spans = _spans(layout, unclear, joined)
    chosen = dict(islice(spans, max(0, reader.options.max_numbers - len(read))))
    detections = layout.sheet.to_detections(np.array([*chosen.values()], np.float64).reshape(-1, 4))
    cells = dict(layout.cells)
    readings = reader.read_known(crops, detections, budget)
    for cell, detection in zip(chosen, detections, strict=True):
        if (reading := readings.get(detection)) is None:
            continue
        reading = _without_borders(reading, layout, cell) if layout.ruled else reading
        indices = layout.cells.get(cell, [])
        before = read[indices[0]] if len(indices) == 1 and cell not in joined else None
        is_known = bool(indices) or cell in joined | layout.unread
        is_probable = layout.ruled and fractions[cell[1]] >= OPTIONS.min_full_fraction
        min_probability = OPTIONS.min_new_in_full_column if is_probable else OPTIONS.min_new_probability
        if _is_better(reading, before, 0.0 if is_known else min_probability):
            cells[cell] = [len(read)]
            read.append(reading)
        elif before is not None and cell in partly_read:
            read[indices[0]] = replace(before, doubt=before.doubt or UNREAD_NEIGHBOUR)
    return replace(layout, cells=cells)


def _read_without_lines(
    reader: NumberReader,
    crops: PageCrops,
    read: list[Reading],
    layout: Layout,
    rules: Rules,
    confidence: Confidence,
    threshold: float,
    budget: Budget,
) -> None:
    """Read doubtful cells on a copy of the page without the lines between its rows; what is clearer is kept.

    A 7 on a line looks like a 2, and a 1 below one like a 7.
    """
    numbers = [(cell, indices[0]) for cell, indices in layout.cells.items() if len(indices) == 1]
    doubtful = [(cell, i) for cell, i in numbers if confidence(read[i]) < threshold]
    if not doubtful:
        return
    copy = crops.on_copy(without_level_lines(crops.grey, rules.horizontal, layout.sheet.height))
    n_left_out = len(budget.left_out)
    readings = reader.read_known(copy, [read[i].detection for _, i in doubtful], budget)
    del budget.left_out[n_left_out:]  # they have been read before
    for cell, i in doubtful:
        if (reading := readings.get(read[i].detection)) is not None:
            reading = _without_borders(reading, layout, cell)
            if any(map(str.isdigit, reading.text)) and confidence(reading) > confidence(read[i]):
                read[i] = reading


def _spans(
    layout: Layout, cells: Sequence[CellIndex], joined: AbstractSet[CellIndex]
) -> Iterator[tuple[CellIndex, Span]]:
    """Where a number may stand in each cell: horizontally like others in its column, vertically like its row."""
    sheet = layout.sheet
    rows, columns = ([list[int]() for _ in range(n)] for n in layout.shape)
    for (row, column), indices in layout.cells.items():
        rows[row] += indices
        columns[column] += indices
    lefts, rights = sheet.top_left[:, 0], sheet.bottom_right[:, 0]
    heights, centres = sheet.bottom_right[:, 1] - sheet.top_left[:, 1], sheet.centres
    percentile, margin = OPTIONS.end_percentile, OPTIONS.border_margin * sheet.height
    ends = {
        column: (np.percentile(lefts[members], percentile), np.percentile(rights[members], 100 - percentile))
        for column, members in enumerate(columns)
        if members
    }
    for row, column in cells:
        in_row, in_cell = rows[row], layout.cells.get((row, column), [])
        if not in_row or column not in ends:
            continue
        if in_cell and np.ptp(centres[in_cell, 1]) > OPTIONS.max_line_height * sheet.height:
            continue  # several lines of numbers
        left = float(max(min([ends[column][0], *lefts[in_cell]]), layout.columns[column] + margin))
        right = float(min(max([ends[column][1], *rights[in_cell]]), layout.columns[column + 1] - margin))
        nearest = in_row[int(np.abs(centres[in_row, 0] - (left + right) / 2).argmin())]
        y = float(centres[in_cell or [nearest], 1].mean())
        lost = max(lefts[in_cell[0]] - left, right - rights[in_cell[0]]) if len(in_cell) == 1 else np.inf
        if right > left and (lost >= OPTIONS.min_lost * sheet.height or (row, column) in joined):
            yield (row, column), (left, right, y, median(heights[in_cell or in_row]))


def _overhanging(layout: Layout, cell: CellIndex, numbers: Sequence[int]) -> Iterator[tuple[int, int, CellIndex]]:
    """The numbers of a cell that extend into the next column, each with the edge between, and the cell behind it."""
    sheet, overhang = layout.sheet, OPTIONS.max_overhang * layout.sheet.height
    row, column = cell
    left, right = layout.columns[column : column + 2]
    for number in numbers:
        if sheet.top_left[number, 0] < left - overhang:
            yield number, column, (row, column - 1)
        if sheet.bottom_right[number, 0] > right + overhang:
            yield number, column + 1, (row, column + 1)


def _are_two(reading: Reading, layout: Layout, edge: float) -> bool:
    """Whether a number has a wide gap where an edge of its table's columns is."""
    boxes = np.array([reading.strip.in_picture(each.box) for each in reading.characters]).reshape(-1, 4)
    ends = layout.sheet.map(boxes[:, :2])[:, 0], layout.sheet.map(boxes[:, 2:])[:, 0]
    gaps, middles = ends[0][1:] - ends[1][:-1], (ends[0][1:] + ends[1][:-1]) / 2
    least = min(gaps.max(initial=0.0), OPTIONS.min_column_gap * layout.sheet.height)
    return len(gaps) == 0 or bool(gaps[np.abs(middles - edge).argmin()] >= least)


def _without_borders(reading: Reading, layout: Layout, cell: CellIndex) -> Reading:
    """Drop the ends of a number that are a ruled line next to its cell, or stand behind one.

    On scanned tables half of the numbers with a character too many are cured, and none that were right lose one.
    """
    in_strip = np.array([each.box for each in reading.characters]).reshape(-1, 4)
    boxes = np.array([reading.strip.in_picture(each.box) for each in reading.characters]).reshape(-1, 4)
    x = layout.sheet.map((boxes[:, :2] + boxes[:, 2:]) / 2)[:, 0]
    edges = slice(cell[1], cell[1] + 2)
    left, right = np.where(layout.ruled_edges[edges], layout.columns[edges], [-np.inf, np.inf])
    is_narrow = in_strip[:, 2] - in_strip[:, 0] <= OPTIONS.max_rule_width * DIGIT_HEIGHT_PX
    nearest = np.where(is_narrow, OPTIONS.max_rule_distance, -OPTIONS.max_beyond_border) * layout.sheet.height
    inside = np.flatnonzero(np.minimum(x - left, right - x) >= nearest)
    if not len(inside):
        return reading
    kept = slice(inside[0], inside[-1] + 1)
    return replace(reading, characters=reading.characters[kept], first_text=reading.text[kept])


def _is_better(reading: Reading, before: Reading | None, min_probability: float) -> bool:
    """Whether a new reading of a cell replaces what was read there.

    `before` is a number that was read in this cell alone; without one, each character needs a minimum probability.
    """
    is_seen = all(each.present >= DEFAULT_OPTIONS.min_read for each in reading.characters)
    if not is_seen or not any(map(str.isdigit, reading.text)):
        return False
    if before is not None:  # it may have lost an end
        return before.text in reading.text and len(before.text) < len(reading.text)
    return min(each.present for each in reading.characters) >= min_probability


def _reweigh_columns(read: list[Reading], seen: Sequence[Reading], layout: Layout, usual_prior: float) -> None:
    """Reweigh the characters of each number, as they were seen, by the forms of the other numbers in its column."""
    for column in range(layout.shape[1]):
        members = [indices[0] for (_, c), indices in layout.cells.items() if c == column and len(indices) == 1]
        forms = Counter(form for i in members for form in _forms(read[i].text))
        for i in members:
            own = Counter(_forms(read[i].text))
            read[i] = _reweighed(seen[i], forms - own, len(members) - 1, usual_prior)
            forms = forms - own + Counter(_forms(read[i].text))


def _forms(text: str) -> tuple[str, str]:
    """The form of a text, and its shape: how many digits each of its parts has."""
    value = without_closing(text)
    return form_of(value), re.sub(r"\d", "9", value)


def _doubt_lost_points(read: list[Reading], layout: Layout) -> None:
    """Doubt integers in columns of numbers with a decimal point, which may have lost theirs."""
    for column in range(layout.shape[1]):
        members = [indices[0] for (_, c), indices in layout.cells.items() if c == column and len(indices) == 1]
        with_point = [i for i in members if re.fullmatch(r"[-+]?\d+[.,]\d+", read[i].text)]
        if len(with_point) >= max(OPTIONS.min_decimals, OPTIONS.min_decimal_fraction * len(members)):
            for i in members:
                if without_closing(read[i].text).isdigit():
                    read[i] = replace(read[i], doubt=read[i].doubt or LOST_POINT)


def _reweighed(reading: Reading, others: Counter[str], n_others: int, usual_prior: float) -> Reading:
    """A number, reweighed by how many of the others in its column have its form."""

    def log_frequency(text: str) -> float:
        if not any(map(str.isdigit, text)):  # a column does not say whether there is a number at all
            text = reading.text
        (form, shape), prior = _forms(text), usual_prior if is_usual(text) else OPTIONS.unusual_prior
        prior = OPTIONS.integer_prior if form == "0" else prior
        of_shape = OPTIONS.length_prior if form == "0" else OPTIONS.shape_prior
        in_form = (others[shape] + of_shape) / (others[form] + of_shape + 1)
        return float(np.log((others[form] + prior) / (n_others + 1) * in_form))

    candidates = sorted([*reading.characters, *reading.rejected], key=lambda each: centre(each.box))
    reweighed = reweigh(candidates, log_frequency, DEFAULT_OPTIONS.min_read, OPTIONS.min_noise)
    is_read = [each.present >= DEFAULT_OPTIONS.min_read for each in reweighed]
    if not any(is_read):
        return reading
    return replace(
        reading,
        characters=[*compress(reweighed, is_read)],
        rejected=[*compress(reweighed, map(not_, is_read))],
    )


def _in_reading_order(read: Sequence[Reading], layouts: Sequence[Layout]) -> tuple[list[Reading], list[Layout]]:
    """The readings that are in the tables, in reading order, and the tables with their new indices."""
    kept = sorted({i for layout in layouts for indices in layout.cells.values() for i in indices})
    order = [kept[i] for row in in_rows([read[i].detection for i in kept]) for i in row]
    new_index = {old: new for new, old in enumerate(order)}
    renumbered = [
        replace(layout, cells={cell: [new_index[i] for i in indices] for cell, indices in layout.cells.items()})
        for layout in layouts
    ]
    return [read[i] for i in order], renumbered
