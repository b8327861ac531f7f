"""The tolerances of reading numbers, in the order in which a page passes through the stages.

reader = NumberReader(finder, network, options=NumberOptions(max_numbers=50))

Lengths are in heights of a digit unless a name ends in _px.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class NumberOptions:
    """Tolerances, with the defaults that the networks were calibrated with."""

    # Detection: the finder sees the page at several sizes.
    max_page_side_px: int = 3072  # longest side of the largest copy of the page
    page_scale_step: float = 2.0  # each copy is smaller than the one before by this factor
    min_digit_height_in_smaller_copies_px: float = 11.0  # lower digits are found more precisely in the next larger copy
    min_clear_height_px: float = 11.0  # on the page; of lower digits in print, up to two thirds are missed
    min_number_probabilities: tuple[float, ...] = (0.3, 0.5, 0.7, 0.9)
    """Cells of the finder's output from the first one on belong to a number; a mask of several rows needs the next."""
    max_mask_height: float = 1.3  # of one row; from 1.1 to 1.6 are as good
    part_weight: float = 0.3  # of the score of a part of such a mask: whole masks of another copy come first
    mask_overhang: float = 0.2  # how far the finder's mask of a number reaches beyond its ends
    min_mask_length: float = 2.0  # a shorter mask does not show which way its number runs
    min_numbers_of_page: int = 30  # this many numbers show it together
    min_mask_length_on_page: float = 4.5  # only a longer mask shows it then
    max_turn: float = 0.7  # sine of the angle to most of the page's writing, from which writing runs across it
    max_numbers: int = 2000  # detections of a page; those with the highest scores are kept
    max_line_picture_height: float = 5.0  # a picture at most this high may be one line, and is also read as a whole
    line_digit_fraction: float = 0.65  # height of the digits in such a picture, as a fraction of its height
    clear_in_line: float = 0.8  # probability of each character from which the picture is read as it is
    line_stretches: tuple[float, ...] = (1.5, 2.0)  # how much wider than usual its digits may be, as on displays
    doubtful_in_line: float = 0.45  # a character that is less probable speaks against a view
    wider_log_odds: float = 0.7  # by how much a view of wider digits must be clearer
    whole_digit_fractions: tuple[float, ...] = (0.5, 0.65, 0.8)  # the same for any picture in which nothing is found

    # Decoding: the number network's output for one view.
    min_presence: float = 0.3  # probability of a character below which nothing is decoded
    max_overlap: float = 0.4  # boxes with more intersection over union are one character; a point may lie in a 7's box
    min_repeat_distance_px: float = 5.0  # two centres of the same character that are closer are one character

    # Splitting: one detection may hold several numbers, or a part of one.
    max_gap: float = 1.5  # a wider gap between two characters separates two numbers
    min_comb_pitch: float = 0.6  # distance of the cell borders in a comb, which has a box for each digit of a number
    max_comb_pitch: float = 1.35
    min_uneven_gap: float = 0.5  # a gap between two digits separates numbers, too, if it is wider than this added to
    max_uneven: float = 1.5  # this multiple of the next widest gap
    min_parting_gap: float = 0.25  # within a text of no usual form, from which the widest one parts two numbers
    max_tight_gap: float = 0.35  # between most digits of a page on which wider gaps may lie between columns
    min_corridor: float = 0.7  # width of such a gap, which is free above and below,
    corridor_reach: float = 8.0  # as far as this,
    min_beside_corridor: int = 3  # with at least this many characters on each side,
    max_beside_corridor: float = 4.0  # as far away as this
    column_leans: tuple[float, ...] = (0.0, -0.12, 0.12)  # steps to the right for one down, of a table in a photo
    max_height_change: float = 1.6  # how many times higher or lower the digits may be than the finder says
    max_shift: float = 0.12  # a detection whose ends and height change less is kept as it is and not viewed again
    min_contained_numbers: int = 2  # a detection that contains this many much lower numbers is dropped

    # Reading: what a number's crop shows.
    first_crop_budget: float = 0.35  # fraction of the page's budget; reading costs up to twice as much again
    min_read: float = 0.5  # probability from which a character is read
    min_faint_read: float = 0.25  # the same where something must stand
    min_surprise: float = 0.02  # of a doubtful number, per character: it is seen again, with digits that are
    view_heights: tuple[float, ...] = (0.9, 1.12)  # so much higher
    min_alternative: float = 0.05  # probability from which a character may be another one

    # The user's network for single digits.
    min_contradiction: float = 0.9  # probability from which a fine-tuned network decides what it has learned

    # What belongs to a number, and what is next to it.
    max_outside: float = 0.4  # how far beyond the ends of a number the centre of one of its characters may lie
    border_tolerance: float = 0.2  # how far inside the ends of a number a slanted border of its cell may stand

    # Confidence: evidence that something is wrong.
    min_probability: float = 1e-4  # lower bound for the probability of the whole text, so that it never decides alone
    wide_gap: float = 0.5  # a wider gap inside a number may separate two numbers
    narrow_clearance: float = 2.1  # a neighbour that is closer may belong to the number


DEFAULT_OPTIONS = NumberOptions()
