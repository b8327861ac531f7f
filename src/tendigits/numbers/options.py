"""The tolerances of reading numbers, in the order in which a page passes through the stages.

reader = NumberReader(finder, network, digits, options=NumberOptions(max_numbers=50))

Lengths are in heights of a digit unless a name ends in _px.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class CropTransform:
    """How a number is cropped out of a page; several transforms give several views of one number."""

    scale: float = 1.0
    """Relative height of the digits; below 1 the crop shows more of the surroundings."""
    stretch: float = 1.0
    """Factor by which digits become wider."""
    shear: float = 0.0
    """Pixels to the right for each pixel upwards."""


@dataclass(frozen=True)
class NumberOptions:
    """Tolerances, with the defaults that the networks were calibrated with."""

    # Detection: the finder sees the page at several sizes.
    max_page_side_px: int = 1280
    """Longest side of the largest copy of the page."""
    min_page_side_px: int = 24
    """Longest side of the smallest copy."""
    page_scale_step: float = 2.0
    """Each copy is smaller than the one before by this factor."""
    min_digit_height_px: float = 5.0
    """In the largest copy; the finder was not trained on lower digits."""
    min_digit_height_in_smaller_copies_px: float = 11.0
    """Lower digits are found more precisely in the next larger copy."""
    max_digit_height_px: float = 44.0
    """The finder was not trained on higher digits."""
    min_number_probability: float = 0.3
    """Cells of the finder's output from this probability on belong to a number."""
    mask_overhang: float = 0.2
    """How far the finder's mask of a number reaches beyond its ends."""
    min_mask_length: float = 1.2
    """A shorter mask does not show which way its number runs."""
    max_numbers: int = 2000
    """Detections of a page; those with the highest scores are kept."""
    max_line_picture_height: float = 4.0
    """A picture at most this high may be one line of writing, and is also read as a whole."""
    line_digit_fraction: float = 0.65
    """Height of the digits in such a picture, as a fraction of its height."""

    # Decoding: the number network's output for one view.
    min_presence: float = 0.3
    """Probability of a character below which nothing is decoded."""
    max_overlap: float = 0.4
    """Intersection over union from which two boxes are the same character; a point may lie inside a 7's box."""
    min_repeat_distance_px: float = 5.0
    """Two centres of the same character that are closer are one character."""

    # Splitting: one detection may hold several numbers, or a part of one.
    max_gap: float = 0.9
    """A wider gap between two characters separates two numbers."""
    min_comb_pitch: float = 0.6
    """Cell borders this close to each other are a comb, with one box for each digit of a number."""
    max_comb_pitch: float = 1.35
    max_height_change: float = 1.6
    """How many times higher or lower the digits may be than the finder says."""
    max_shift: float = 0.12
    """A detection whose ends and height change less is kept as it is and not viewed again."""
    min_whole_fraction: float = 0.75
    """Of the longest detection's length and height; a smaller one shows a part of the number."""
    max_detections_per_number: int = 3
    """How many detections of one number are read."""
    min_contained_numbers: int = 2
    """A detection that contains this many much lower numbers is dropped."""

    # Views: a number that is not clear in the first view is read in all of them.
    transforms: tuple[CropTransform, ...] = (
        CropTransform(),
        CropTransform(scale=0.9, shear=-0.15),
        CropTransform(scale=0.9, stretch=1.2),
    )
    min_clear_confidence: float = 0.95
    """A number is clear if each of its characters reaches this confidence."""
    first_view_budget: float = 0.25
    """Fraction of the page's budget for the first view of each detection; reading the number costs up to three times
    as much again."""

    # Voting over the views.
    min_vote: float = 0.5
    """Mean probability over the views from which a character is read."""
    min_alternative: float = 0.05
    """Probability from which a character may be another one."""
    unusual_log_prior: float = -3.0
    """Log prior of a text that people do not usually write, relative to one that they do."""
    max_doubtful_characters: int = 5
    """Characters of a number whose alternatives are weighed, the least certain ones."""
    max_alternatives: int = 3
    """Alternatives of each of them."""

    # What belongs to a number, and what is next to it.
    max_outside: float = 0.4
    """How far beyond the ends of a number the centre of one of its characters may lie."""
    border_tolerance: float = 0.2
    """How far inside the ends of a number the border of its cell may stand, where it is slanted."""

    # Confidence: evidence that something is wrong.
    min_probability: float = 1e-4
    """Lower bound for the probability of the whole text, so that it never decides alone."""
    min_contradiction: float = 0.9
    """Probability from which the digit network contradicts a character."""
    min_support: float = 0.1
    """Probability below which the digit network does not support a character."""
    wide_gap: float = 0.5
    """A wider gap inside a number may separate two numbers."""
    narrow_clearance: float = 1.5
    """A neighbour that is closer may belong to the number."""


IDENTITY = CropTransform()
DEFAULT_OPTIONS = NumberOptions()
