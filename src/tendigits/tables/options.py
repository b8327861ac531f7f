"""Where the sums of a table stand, and the tolerances of finding tables; without NumPy, so that `--help` is fast."""

from dataclasses import dataclass
from enum import StrEnum


class Sums(StrEnum):
    """Where the sums of a table stand."""

    AUTO = "auto"  # where they agree with most rows or columns
    LAST_COLUMN = "last-column"
    LAST_ROW = "last-row"
    BOTH = "both"
    NONE = "none"


MIN_FILLED_FRACTION = 0.4  # of the cells of a table without ruled lines


@dataclass(frozen=True)
class TableOptions:
    """Tolerances of finding tables, in the order of the stages.

    Lengths are in heights of a digit unless a name ends in _px. A fraction is from 0 to 1.
    """

    # The page is shrunk before ruled lines and words are searched.
    flat_digit_height_px: float = 20.0  # height of the digits then; a line one pixel wide stays visible
    max_flat_page_px: float = 2e6  # pixels of the whole page then

    # Rectifying: rows become horizontal and columns vertical.
    min_strokes: int = 8  # with fewer long strokes, the numbers determine the direction of the page
    max_slopes: tuple[float, ...] = (0.3, 0.1, 0.05)  # of ruled lines, in each round of fitting
    max_column_slant: float = 0.2  # of columns without ruled lines, as a term of `SheetMap`
    max_column_convergence: float = 0.15  # how far they may converge in a photo, as a term of `SheetMap`
    alignment_bin: float = 0.25  # width of the histogram bins that measure how well numbers are aligned

    # Ruled lines.
    min_stroke_length: float = 1.7  # a shorter stroke may be a part of a digit or a sign
    max_line_thickness: float = 0.4
    min_line_contrast: float = 8.0  # grey levels by which a line is darker than the paper next to it
    line_piece_length: float = 5.0  # longer lines are split into pieces, so that they may be curved
    line_reach: float = 6.0  # how far above and below a piece its line is looked for, and
    max_line_offset: float = 0.2  # how far to the side of it
    min_line_coverage: float = 0.5  # fraction of this reach that a line covers; ones in the next rows cover less
    max_piece_offset: float = 0.25  # pieces closer than this, across the line, are one line
    min_cell_size: float = 0.7  # of two lines that are closer than this, the longer one is kept
    max_beyond_line: float = 0.15  # by so much a number may reach across a line that does not cut it
    min_line_extent: float = 0.5  # fraction of a table's width or height that a ruled line covers

    # Words, and numbers that were not found.
    max_stroke: float = 0.4  # thickness of their strokes
    min_stroke_contrast: float = 0.3  # darkness of their strokes, as a fraction of that of the numbers
    max_straight_stroke: float = 2.0  # a longer straight stroke is a ruled line
    max_letter_gap: float = 0.45  # a wider gap separates words, or the words of two cells
    min_word_height: float = 0.35
    max_word_height: float = 2.2
    min_word_width: float = 0.2  # or a lone 1, which the finder may miss
    min_wide_word: float = 0.6  # narrower ones may be digits, or parts of lines and of titles
    min_word_ink: float = 0.06  # area of a word's strokes, in squared heights of a digit
    min_word_ink_per_width: float = 0.055  # the same for each unit of its width; a broken ruled line has less
    number_margin: float = 0.15  # strokes this close to a number belong to it
    min_unread_fraction: float = 0.5  # of a word's strokes that do not belong to numbers
    word_margin: float = 0.4  # around a word in its picture
    min_headers: int = 2  # words of a header row

    # Separate tables.
    min_table_gap: float = 2.0  # tables further apart than this are separate
    min_table_gap_in_row_gaps: float = 2.5  # the same for tables above each other, in median gaps between rows
    min_row_gap: float = 0.25  # a smaller gap is not one between two rows, but between a number and a line's end
    min_lines_of_adjacent_table: int = 3  # vertical pieces; with fewer, tables next to each other are one table

    # Rows and columns.
    min_row_distance: float = 0.55  # between the centres of two rows
    min_stacked_row_distance: float = 0.9  # the same within two ruled lines; closer ones are rows if at least
    min_stacked: float = 0.5  # this fraction of the numbers above, and of those below, stand in one column with others
    min_lines_for_cells: int = 3  # ruled lines in each direction that make cells
    max_shared_fraction: float = 0.3  # of the rows with several numbers in a column; above, it is several columns
    bridged_fraction_step: float = 0.06  # of the rows whose numbers may bridge a gap between columns: first 0, ...
    max_bridged_fraction: float = 0.4  # ... then one step more at a time, up to this
    max_cut_numbers: int = 2  # numbers that a ruled line may cut
    max_cut_fraction: float = 0.25  # of the numbers next to a ruled line that it may cut; squared paper cuts more
    number_core: float = 0.5  # middle part of a number's height that no line between two rows cuts


OPTIONS = TableOptions()
