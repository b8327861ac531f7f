"""Where the sums of a table stand, and the tolerances of finding and checking tables.

sheet = flatten(grey, detections, TableOptions(min_word_width=1.0))

Without NumPy, so that the command line shows its help at once.
"""

from dataclasses import dataclass
from enum import StrEnum


class Sums(StrEnum):
    """Where the sums of a table stand."""

    AUTO = "auto"
    """Where they agree with most rows or columns."""
    LAST_COLUMN = "last-column"
    LAST_ROW = "last-row"
    BOTH = "both"
    NONE = "none"


@dataclass(frozen=True)
class TableOptions:
    """Tolerances of finding tables, in the order of the stages.

    Lengths are in heights of a digit unless a name ends in _px. A fraction is from 0 to 1.
    """

    # The page is shrunk before ruled lines and words are searched.
    flat_digit_height_px: float = 20.0
    """Height of the digits then; a line one pixel wide stays visible."""
    max_flat_page_px: float = 2e6
    """Pixels of the whole page then."""

    # Rectifying: rows become horizontal and columns vertical.
    min_directed_length: float = 1.2
    """A shorter number does not show its writing direction."""
    min_strokes: int = 8
    """With fewer long strokes, the numbers determine the direction of the page."""
    max_slopes: tuple[float, ...] = (0.3, 0.1, 0.05)
    """Strokes that are steeper are not ruled lines: one limit for each round of fitting."""
    max_column_slant: float = 0.2
    """How far columns without ruled lines may lean, as a term of `SheetMap`."""
    max_column_convergence: float = 0.15
    """How far they may converge in a photo, as a term of `SheetMap`."""
    alignment_bin: float = 0.25
    """Width of the histogram bins that measure how well numbers are aligned."""

    # Ruled lines.
    min_stroke_length: float = 1.7
    """A shorter stroke may be a part of a digit or a sign."""
    max_line_thickness: float = 0.4
    min_line_contrast: float = 8.0
    """Grey levels by which a line is darker than the paper next to it."""
    min_line_contrast_to_noise: float = 4.0
    """The same, in multiples of what is usual on the page."""
    line_piece_length: float = 5.0
    """Longer lines are split into pieces of about this length, so that they may be curved."""
    max_piece_offset: float = 0.25
    """Pieces closer than this, across the line, are one line."""
    min_cell_size: float = 0.7
    """Of two lines that are closer than this, the longer one is kept."""
    min_line_extent: float = 0.5
    """Fraction of a table's width or height that a ruled line covers."""

    # Words.
    max_letter_stroke: float = 0.4
    """Thickness of the strokes of a word."""
    min_letter_contrast: float = 0.3
    """Darkness of a word's strokes, as a fraction of that of the numbers."""
    max_straight_stroke: float = 2.0
    """A longer straight stroke is a ruled line."""
    max_letter_gap: float = 0.45
    """A wider gap separates words, or the words of two cells."""
    min_word_height: float = 0.35
    max_word_height: float = 2.2
    min_word_width: float = 0.6
    min_word_ink: float = 0.15
    """Area of a word's strokes, in squared heights of a digit."""
    min_word_ink_per_width: float = 0.055
    """The same for each unit of its width; a broken ruled line has less."""
    number_margin: float = 0.15
    """Strokes this close to a number belong to it."""
    min_unread_fraction: float = 0.5
    """Fraction of a word's strokes that do not belong to numbers."""
    min_headers: int = 2
    """Words of a header row."""
    max_header_distance: float = 2.5
    """From the header row to the numbers, in distances between rows."""

    # Separate tables.
    min_table_gap: float = 2.0
    """Tables further apart than this are separate."""
    min_table_gap_in_row_gaps: float = 2.5
    """Tables above each other are also further apart than this many median gaps between rows."""
    min_row_gap: float = 0.25
    """A smaller gap is not one between two rows, but between a number and the end of a line."""
    min_lines_of_adjacent_table: int = 3
    """Pieces of vertical lines in each of two tables next to each other; with fewer, they are columns of one table."""

    # Rows and columns.
    min_row_distance: float = 0.55
    """Between the centres of two rows."""
    min_stacked_row_distance: float = 0.9
    """Between the centres of two rows within the same two ruled lines."""
    min_lines_for_cells: int = 3
    """Ruled lines in each direction that make cells."""
    min_crossed_fraction: float = 0.5
    """Fraction of the lines of the other direction that cross an empty row or column of a table."""
    max_shared_fraction: float = 0.3
    """Fraction of the rows with several numbers in one column; above, it is several columns."""
    bridged_fraction_step: float = 0.06
    """Step by which the fraction of the rows grows whose numbers may bridge the gap between two columns."""
    max_bridged_fraction: float = 0.4
    """Upper bound of that fraction."""
    max_cut_numbers: int = 2
    """Numbers that a ruled line may cut."""
    max_cut_fraction: float = 0.25
    """Fraction of the numbers next to a ruled line that it may cut; the lines of squared paper cut more."""
    min_separating_fraction: float = 0.75
    """Fraction of the lines next to numbers that run between them."""
    number_core: float = 0.5
    """Middle part of a number's height that no line between two rows cuts."""


@dataclass(frozen=True)
class SumOptions:
    """Tolerances of checking sums."""

    min_agreeing: int = 3
    """Rows in which the last number is the sum of the others."""
    min_agreeing_fraction: float = 0.5
    """The same, as a fraction of the rows that can be checked."""
    min_addends: int = 2
    agreed_confidence: float = 0.999
    """Confidence of the numbers of a sum that agrees: rarely, two misread numbers compensate each other."""
    min_probability: float = 1e-4
    """Probability of another digit, or of a lost one, to which the reader gave none."""


DEFAULT_OPTIONS = TableOptions()
DEFAULT_SUM_OPTIONS = SumOptions()
