"""Read a page's tables with their structure as context: one number per cell, and similar numbers in each column.

readings, layouts = read_tables(cells, readings)
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from tendigits.digits.foreground import median
from tendigits.numbers.detections import in_rows
from tendigits.numbers.reading import Reading
from tendigits.read import column_prior
from tendigits.read.cells import CellIndex, CellReader, is_on_border, without_borders
from tendigits.read.column_prior import doubt_lost_points, reweigh_columns
from tendigits.tables.flat_sheet import flatten
from tendigits.tables.layout import Cells, Layout, find_layouts
from tendigits.tables.options import MIN_FILLED_FRACTION


@dataclass(frozen=True)
class ContextOptions:
    """Which tables, rows and columns are informative; lengths are in heights of a digit."""

    min_rows: int = 3  # a smaller table has no context: a receipt has a date, a time and amounts below each other
    min_columns: int = 2
    min_list_rows: int = 5  # a list of at least as many numbers, one a row, is evidence for their form
    max_clear_fraction: float = 0.15  # of a column's cells with clear numbers, if it is a column of words
    min_among_words: float = 0.7  # confidence of a number that stands among words
    min_word_fraction: float = 0.34  # of the cells of a row or column that hold words, if it is one of words
    min_words: int = 2  # cells with words in a row or column of words
    min_word_width: float = 1.2  # narrower words alone are not a column of a table, but units behind numbers


OPTIONS = ContextOptions()


def read_tables(cells: CellReader, readings: Sequence[Reading]) -> tuple[list[Reading], list[Layout]]:
    """Find the tables of a page on which these numbers were read, and read doubtful cells again.

    Returns the readings in reading order, without words; and the tables, whose cells hold their indices.
    """
    if not readings:
        return [], []
    sheet = flatten(cells.crops.grey, [reading.detection for reading in readings], cells.rules)
    layouts = find_layouts(sheet)

    def is_number(reading: Reading) -> bool:
        return cells.confidence(reading) >= OPTIONS.min_among_words

    dropped = {i for layout in layouts for i in _words_and_units(layout, readings, is_number)}
    if dropped:
        words = [i for i in dropped if i < sheet.n_numbers]  # they were read as numbers
        layouts = [layout.with_words(words) for layout in find_layouts(sheet, dropped)]
    read = [*readings]
    for n, layout in enumerate(layouts):
        for cell, indices in layout.cells.items() if layout.ruled else ():
            # The corner of a frame looks like a 7.
            layout.cells[cell] = [i for i in indices if not is_on_border(read[i], layout, cell)] or indices
            for i in layout.cells[cell]:
                read[i] = without_borders(read[i], layout, cell)
        if _is_informative(layout):
            layouts[n] = layout = cells.read_again(read, layout)
            seen = [*read]
            for _ in range(2):  # what becomes clear in the first round is evidence in the second
                reweigh_columns(read, seen, layout, column_prior.OPTIONS.other_prior)
            doubt_lost_points(read, layout)
        elif layout.shape[0] >= OPTIONS.min_list_rows and layout.shape[1] == 1:
            reweigh_columns(read, read, layout, column_prior.OPTIONS.other_prior_in_list)
    return _in_reading_order(read, layouts)


def _is_informative(layout: Layout) -> bool:
    """Whether a table is large enough, and ruled or dense, so that its structure is evidence."""
    rows, columns = layout.shape
    is_dense = layout.ruled or len({*layout.cells, *layout.words}) >= MIN_FILLED_FRACTION * rows * columns
    return rows >= OPTIONS.min_rows and columns >= OPTIONS.min_columns and is_dense


def _words_and_units(
    layout: Layout, readings: Sequence[Reading], is_number: Callable[[Reading], bool]
) -> Iterator[int]:
    """Numbers in rows and columns of words, which are words too; and words that are not a column, such as units."""
    if not _is_informative(layout):
        yield from (i for indices in layout.words.values() for i in indices)
        return
    all_clear = {cell for cell, indices in layout.cells.items() if any(is_number(readings[i]) for i in indices)}
    all_words = {
        each for each in layout.words if _width(layout, layout.words, each) > _width(layout, layout.cells, each)
    }
    yield from (i for cell in _beside_frame(layout) - all_clear for i in layout.cells[cell])
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
            max_contradicting = len(only_words) if is_header else max_contradicting  # Bo and Oil look like 80 and 011
            min_words = max(OPTIONS.min_words, OPTIONS.min_word_fraction * len(numbers | words))
            is_wordy = len(only_words) >= min_words and len(contradicting) <= max_contradicting
            if is_wordy:
                yield from (
                    i
                    for cell in numbers
                    for i in layout.cells[cell]
                    if not (_has_label(layout, cell, i) and is_number(readings[i]))
                )
                if axis == 1:
                    word_columns.add(index)
            if axis == 1 and not numbers and words:
                indices = [i for cell in words for i in layout.words[cell]]
                widths = layout.sheet.bottom_right[indices, 0] - layout.sheet.top_left[indices, 0]
                if not is_wordy or median(widths) < OPTIONS.min_word_width * layout.sheet.height:
                    yield from indices


def _beside_frame(layout: Layout) -> set[CellIndex]:
    """Cells that are alone in a column outside of a ruled table's frame: perhaps the frame itself, or a speck."""
    alone = set[CellIndex]()
    for column, outer, inner in ((0, 0, 1), (layout.shape[1] - 1, -1, -2)):
        cells = [cell for cell in layout.cells if cell[1] == column]
        if layout.ruled and layout.ruled_edges[inner] and not layout.ruled_edges[outer] and len(cells) == 1:
            alone.update(cells)
    return alone


def _has_label(layout: Layout, cell: CellIndex, number: int) -> bool:
    """Whether a number stands next to words in its cell, and not in one of them, as on a form."""
    lefts, rights = layout.sheet.top_left[:, 0], layout.sheet.bottom_right[:, 0]
    words = layout.words.get(cell, [])
    return bool(words) and bool(((rights[words] <= lefts[number]) | (lefts[words] >= rights[number])).all())


def _width(layout: Layout, members: Cells, cell: CellIndex) -> float:
    """The width of a cell's numbers, or of its words, together."""
    indices = members.get(cell, [])
    return float((layout.sheet.bottom_right[indices, 0] - layout.sheet.top_left[indices, 0]).sum())


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
