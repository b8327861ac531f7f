"""What a number in a column probably is: the others in its column say how many digits and decimals it has.

reweigh_columns(read, seen, layout, OPTIONS.other_prior)        # changes `read`
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import compress
from operator import not_

import numpy as np

from tendigits.numbers.decode import centre
from tendigits.numbers.grammar import CACHED_TEXTS, without_closing
from tendigits.numbers.hypotheses import reweigh
from tendigits.numbers.options import DEFAULT_OPTIONS
from tendigits.numbers.reading import Reading
from tendigits.tables.layout import Layout


@dataclass(frozen=True)
class ColumnPriorOptions:
    """Tolerances. Priors for the frequency of a form in a column count like one cell."""

    integer_prior: float = 0.5
    other_prior: float = 0.02  # of any form but an integer's
    other_prior_in_list: float = 0.3  # the same of numbers below each other, of which one may well be a date
    shape_prior: float = 2.0  # of another number of digits before the point
    length_prior: float = 8.0  # of another number of digits of an integer
    min_noise: float = 0.02  # lower bound for the probability that a sign is a speck, if it does not fit its column
    min_decimals: int = 4  # numbers with a point in a column, and
    min_decimal_fraction: float = 0.7  # their fraction, from which one without a point has probably lost it


OPTIONS = ColumnPriorOptions()
LOST_POINT = "the others in its column have a decimal point"


def form_of(text: str) -> str:
    """What numbers of one column have in common: `-12.50` and `3.00` are 0.2, `12` and `7` are 0."""
    whole = re.sub(r"(?<![.,\d])\d+", "0", text.lstrip("+-"))
    return re.sub(r"(?<=[.,])\d+", lambda decimals: str(len(decimals[0])), whole)


def reweigh_columns(read: list[Reading], seen: Sequence[Reading], layout: Layout, other_prior: float) -> None:
    """Reweigh the characters of each number, as they were seen, by the forms of the other numbers in its column."""
    for members in _columns(layout):
        forms = Counter(form for i in members for form in _forms(read[i].text))
        for i in members:
            own = Counter(_forms(read[i].text))
            read[i] = _reweighed(seen[i], forms - own, len(members) - 1, other_prior)
            forms = forms - own + Counter(_forms(read[i].text))


def _reweighed(reading: Reading, others: Counter[str], n_others: int, other_prior: float) -> Reading:
    """A number, reweighed by how many of the others in its column have its form."""

    def log_frequency(text: str) -> float:
        if not any(map(str.isdigit, text)):  # a column does not say whether there is a number at all
            text = reading.text
        form, shape = _forms(text)
        prior = OPTIONS.integer_prior if form == "0" else other_prior
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


@lru_cache(CACHED_TEXTS)
def _forms(text: str) -> tuple[str, str]:
    """The form of a text, and its shape: how many digits each of its parts has."""
    value = without_closing(text)
    return form_of(value), re.sub(r"\d", "9", value)


def doubt_lost_points(read: list[Reading], layout: Layout) -> None:
    """Doubt integers in columns of numbers with a decimal point, which may have lost theirs."""
    for members in _columns(layout):
        with_point = [i for i in members if re.fullmatch(r"[-+]?\d+[.,]\d+", read[i].text)]
        if len(with_point) >= max(OPTIONS.min_decimals, OPTIONS.min_decimal_fraction * len(members)):
            for i in members:
                if without_closing(read[i].text).isdigit():
                    read[i] = replace(read[i], doubt=read[i].doubt or LOST_POINT)


def _columns(layout: Layout) -> Iterator[list[int]]:
    """The numbers of each column that stand alone in their cells."""
    for column in range(layout.shape[1]):
        yield [indices[0] for (_, c), indices in layout.cells.items() if c == column and len(indices) == 1]
