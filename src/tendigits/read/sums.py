"""Whether the sums on a page agree: `3×8-4=20` in one line, or numbers below each other with their result.

page.sums[0]        # Sum(text="427+85=512", numbers=[0, 1, 2], agrees=True)
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np

from tendigits.geometry import Box
from tendigits.numbers.grammar import UNSIGNED, to_decimal, without_closing
from tendigits.numbers.spacing import SIGNS
from tendigits.read.results import Number

TERM = re.compile(rf"([-+×÷/:]?)({UNSIGNED})")
MAX_OFFSET = 0.8  # heights of a number: between the right ends of numbers that are written below each other
MAX_REPAIRED_CHARACTERS = 40  # of a sum: in a longer one several may be misread, and to try each takes seconds
MIN_WORKSHEET_FRACTION = 0.8  # of the numbers of a table that stand in sums, if it is a worksheet
MIN_RIVAL = 0.01  # how probable two other characters are, relative to those read, with which a sum may agree, too
MIN_CONFIDENCE = 0.01  # of a character
MAX_CHANGES = 30  # other characters of a sum that are tried in pairs, the most probable ones
MAX_DISTANCE = 3.0  # heights of a number: from one row of such a sum to the next


@dataclass(frozen=True)
class Sum:
    """A sum, or another calculation, that somebody has written with its result."""

    text: str  # in one line: 427+85=512
    numbers: list[int]  # indices of its numbers on the page
    agrees: bool

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON."""
        return dict(vars(self))


def find_sums(numbers: Sequence[Number], tables: Iterable[Collection[int]] = ()) -> list[Sum]:
    """The sums on a page, in reading order.

    `tables` are indices of the numbers in each table, whose columns are no sums, unless it holds nothing else: then it
    is a worksheet.
    """
    columns = [*_columns(numbers)]
    for members in map(frozenset, tables):
        inside = [column for column in columns if members.issuperset(column)]
        if len({i for column in inside for i in column}) < MIN_WORKSHEET_FRACTION * len(members):
            columns = [column for column in columns if not members.intersection(column)]
    texts = [([i], number.text) for i, number in enumerate(numbers) if "=" in number.text]
    texts += [(rows, _in_line([numbers[i].value for i in rows])) for rows in columns]
    found = []
    for indices, text in sorted(texts):
        left, _, right = text.partition("=")
        value, result = calculate(left), calculate(right)
        if value is not None and result is not None and len(TERM.findall(left)) > 1:
            found.append(Sum(text, indices, value == result))
    return found


def check_sums(numbers: Sequence[Number], tables: Iterable[Collection[int]] = ()) -> list[Number]:
    """Accept the numbers of sums that agree, for a misread digit would not agree; doubt those of others.

    Two misread digits may agree: where the reader thinks that possible, nothing is accepted by the sum. Where exactly
    one other value that the reader thinks possible makes a sum agree, it is taken, and to be checked.
    """
    checked = [*numbers]
    for each in find_sums(numbers, tables):
        if each.agrees and _has_rival(numbers, each):
            continue
        reason = None if each.agrees else f"{each.text} does not agree"
        repairs = [] if each.agrees else [*_repairs(numbers, each)]
        if len(repairs) == 1:
            i, other = repairs[0]
            taken = f"looks like {numbers[i].value}, with which the sum does not agree"
            checked[i] = replace(other, accepted=False, reason=taken)
            continue
        for i in each.numbers:
            if checked[i].fits:
                checked[i] = replace(checked[i], accepted=each.agrees, reason=reason)
    return checked


def _repairs(numbers: Sequence[Number], wrong: Sum) -> Iterator[tuple[int, Number]]:
    """Numbers that make a sum agree, each with another label of one character, and their indices."""
    if sum(len(numbers[i].characters) for i in wrong.numbers) > MAX_REPAIRED_CHARACTERS:
        return
    for i in wrong.numbers:
        if not numbers[i].fits:
            continue
        for index, character in enumerate(numbers[i].characters):
            for label, _ in character.alternatives:
                other = _with_label(numbers[i], index, label)
                if any(each.agrees for each in find_sums([other if k == i else numbers[k] for k in wrong.numbers])):
                    yield i, other


def _has_rival(numbers: Sequence[Number], found: Sum) -> bool:
    """Whether a sum that agrees would agree, too, with two other characters that the reader thinks possible."""
    changes = [
        (i, index, label, probability / max(character.confidence, MIN_CONFIDENCE))
        for i in found.numbers
        for index, character in enumerate(numbers[i].characters)
        for label, probability in character.alternatives
    ]
    changes = sorted(changes, key=lambda each: -each[-1])[:MAX_CHANGES]
    for (i, index, label, p), (k, other, text, q) in combinations(changes, 2):
        if p * q < MIN_RIVAL or (i, index) == (k, other):
            continue
        characters = {n: [each.label for each in numbers[n].characters] for n in found.numbers}
        characters[i][index], characters[k][other] = label, text
        texts = ["".join(characters[n]) for n in found.numbers]
        left, _, right = (texts[0] if len(texts) == 1 else _in_line(texts)).partition("=")
        value = calculate(left)
        if value is not None and value == calculate(right):
            return True
    return False


def _with_label(number: Number, index: int, label: str) -> Number:
    """A number with another label of one character, "" for none; the value read becomes its first option."""
    changed = [replace(number.characters[index], label=label)] if label else []
    characters = [*number.characters[:index], *changed, *number.characters[index + 1 :]]
    text = "".join(each.label for each in characters)
    others = [option for option in number.options if option[0] != without_closing(text)]
    options = [(number.value, number.confidence), *others]
    return replace(number, text=text, number=to_decimal(text), characters=characters, options=options)


def calculate(text: str) -> Fraction | None:
    """The value of a calculation such as `3×8-4`; None if it is not one, or divides by 0."""
    terms = TERM.findall(text)
    if "".join(operator + number for operator, number in terms) != text or not terms:
        return None
    addends: list[Fraction] = []
    for operator, written in terms:
        number = to_decimal(written)
        if number is None:
            return None
        value = Fraction(number)
        if operator in ("", "+", "-"):
            addends.append(-value if operator == "-" else value)
        elif not addends or (operator != "×" and value == 0):
            return None
        else:
            addends[-1] *= value if operator == "×" else 1 / value
    return sum(addends, Fraction(0))


def _columns(numbers: Sequence[Number]) -> Iterator[list[int]]:
    """Numbers below each other, of which only those between the first and the last have a sign."""
    signed = [number.text.startswith(SIGNS) for number in numbers]
    below = _next_below([number.box for number in numbers]) if any(signed) else {}
    for first in below:
        column = [first]
        while not signed[first] and column[-1] in below:
            column.append(below[column[-1]])
            if not signed[column[-1]]:
                break
        if len(column) > 2 and not signed[column[-1]]:
            yield column


def _next_below(boxes: Sequence[Box]) -> dict[int, int]:
    """For each box the nearest one that stands right below it, with the right ends in one column, if there is one."""
    edges = np.array(boxes, np.float64)
    top, right, height = edges[:, 1], edges[:, 2], edges[:, 3] - edges[:, 1]
    height = np.maximum(height[:, None], height)
    down = top - top[:, None]
    is_below = (down >= height / 2) & (down - height / 2 <= MAX_DISTANCE * height)
    is_below &= abs(right - right[:, None]) <= MAX_OFFSET * height
    nearest = np.where(is_below, down, np.inf).argmin(axis=1)
    return {i: int(nearest[i]) for i in np.flatnonzero(is_below.any(axis=1)).tolist()}


def _in_line(rows: Sequence[str]) -> str:
    return f"{''.join(rows[:-1])}={rows[-1]}"
