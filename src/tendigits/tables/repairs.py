"""Whether the cells of a sum or a formula agree, and which other readings of them would.

agrees(relation, cells)             # True, False, or None if a number is missing
find_repairs(relation, cells, ())   # (relative probability, place, value) of other values that agree
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations

from tendigits.tables.cell import Cell
from tendigits.tables.formulas import MIN_ADDENDS, Place, Relation


@dataclass(frozen=True)
class RepairOptions:
    """How probable other readings are; chosen on generated tables."""

    max_rival: float = 0.01  # how probable other readings that agree may be, relative to those that were read
    max_changes: int = 60  # other readings of a relation that are tried in pairs, if it is no sum
    min_probability: float = 1e-4  # of another digit, or of a lost one, to which the reader gave none
    empty: float = 1e-3  # of a number that was not seen at all
    agreeing_elsewhere: float = 1e-3  # factor for a repair of a cell whose other sum agrees


OPTIONS = RepairOptions()

Change = tuple[int, Fraction, float]  # which number, what it may be, and how probable that is
_PROBES = (Fraction(10**9 + 7, 11), Fraction(2 * 10**9 + 9, 13))  # far from any rounding


def agrees(relation: Relation, cells: Mapping[Place, Cell]) -> bool | None:
    """Whether a relation holds; None if a number is missing."""
    numbers = numbers_of(relation, cells)
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers) or not cells[relation.places[-1]].value:
        return None
    filled = sum(bool(cells[place].value) for place in relation.places[:-1])
    if filled < (MIN_ADDENDS if relation.is_sum else len(known) - 1) or (relation.is_sum and not known[-1]):
        return None
    return relation.gap(known) == 0


def find_repairs(
    relation: Relation, cells: Mapping[Place, Cell], confirmed: Iterable[Place]
) -> Iterator[tuple[float, Place, str]]:
    """Values of one cell that make a relation agree: probability relative to what was read, place, value."""
    elsewhere = {*confirmed}
    for place in relation.places:
        cell = cells[place]
        if cell.checked or cell.is_word:
            continue
        factor = OPTIONS.agreeing_elsewhere if place in elsewhere else 1.0
        for text in fitting_values(relation, cells, place):
            probability = None if text.startswith("-") else probability_of(cell, text)
            if probability is not None:
                yield factor * probability / max(cell.confidence, OPTIONS.min_probability), place, text


def fitting_values(relation: Relation, cells: Mapping[Place, Cell], place: Place) -> list[str]:
    """Values of a cell that make a relation agree: those of the reader, and what is left to add."""
    index, cell, numbers = relation.places.index(place), cells[place], numbers_of(relation, cells)
    others = [number for i, number in enumerate(numbers) if i != index and number is not None]
    if len(others) < len(numbers) - 1:
        return []
    fitting = [
        text
        for text, _ in cell.options
        if text not in ("", cell.value)
        and (number := relation.number(cell, text)) is not None
        and relation.gap([*others[:index], number, *others[index:]]) == 0
    ]
    wanted = wanted_number(relation, numbers, index)
    like = cell.value or next((cells[each].value for each in relation.places if cells[each].value), "")
    missing = None if wanted is None else relation.text(wanted, like)
    number = None if missing is None else relation.number(replace(cell, value=""), missing)
    if missing is not None and number is not None and number not in [relation.number(cell, each) for each in fitting]:
        fitting += [missing] * (relation.gap([*others[:index], number, *others[index:]]) == 0)
    return fitting


def probability_of(cell: Cell, text: str) -> float | None:
    """How probable it is that this text stands in a cell, by what was read; None if it is another one altogether."""
    value, read = cell.value, dict(cell.options)
    if text in read:
        return max(read[text], OPTIONS.min_probability)
    if not value:
        return OPTIONS.empty if text.strip("0.,") else None
    if _digits(value) == _digits(text):  # a decimal point is lost
        return OPTIONS.min_probability
    if len(text) == len(value):
        is_near = sum(a != b for a, b in zip(value, text, strict=True)) == 1
    elif len(text) > len(value):
        is_near = value in (text[1:], text[:-1])
    else:
        is_near = any(value[:i] + value[i + 1 :] == text for i in range(len(value)))
    return OPTIONS.min_probability if is_near else None


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def wanted_number(relation: Relation, numbers: Sequence[Fraction | None], index: int) -> Fraction | None:
    """The number at this index that makes a relation agree, which is linear in each; None if that is unknown."""
    if not relation.is_evidence or any(number is None for i, number in enumerate(numbers) if i != index):
        return None
    at = [relation.gap([n if i != index and n is not None else x for i, n in enumerate(numbers)]) for x in _PROBES]
    if at[1] == at[0]:
        return None
    wanted = _PROBES[0] - at[0] * (_PROBES[1] - _PROBES[0]) / (at[1] - at[0])
    holds = relation.gap([n if i != index and n is not None else wanted for i, n in enumerate(numbers)]) == 0
    return wanted if holds else None


def confirmed_places(relation: Relation, cells: Mapping[Place, Cell]) -> Iterator[Place]:
    """The places of a relation that agrees at which no other near reading agrees as well."""
    numbers = [each for each in numbers_of(relation, cells) if each is not None]
    changes = [
        (i, number, probability / max(cells[place].confidence, OPTIONS.min_probability))
        for i, place in enumerate(relation.places)
        if not cells[place].checked
        for text, probability in cells[place].options
        if (number := relation.number(cells[place], text)) is not None and number != numbers[i]
    ]
    rivals = _rivals_of_sum(relation, numbers, changes) if relation.is_sum else _rivals(relation, numbers, changes)
    total = sum(rivals.values()) / 2
    for i, place in enumerate(relation.places):
        if cells[place].value and rivals[i] <= OPTIONS.max_rival * (1 + total):
            yield place


def _rivals_of_sum(relation: Relation, numbers: Sequence[Fraction], changes: Sequence[Change]) -> dict[int, float]:
    """How probable two other numbers are that agree as well, at each of their places, relative to what was read."""
    rivals: dict[int, float] = defaultdict(float)
    by_effect: defaultdict[Fraction, list[tuple[int, float]]] = defaultdict(list)
    for i, number, probability in changes:
        effect = number - numbers[i] if i == len(numbers) - 1 else numbers[i] - number
        for j, other in by_effect[-effect]:
            if i != j:
                rivals[i] += probability * other
                rivals[j] += probability * other
        by_effect[effect].append((i, probability))
    return rivals


def _rivals(relation: Relation, numbers: Sequence[Fraction], changes: Sequence[Change]) -> dict[int, float]:
    """The same for a relation that is no sum, in which one other number may agree as well."""
    rivals: dict[int, float] = defaultdict(float)
    probable = sorted(changes, key=lambda each: -each[2])[: OPTIONS.max_changes]
    for group in [*((each,) for each in probable), *combinations(probable, 2)]:
        changed, weight = [*numbers], 1.0
        for i, number, probability in group:
            changed[i], weight = number, weight * probability
        if len({i for i, _, _ in group}) == len(group) and relation.gap(changed) == 0:
            for i, _, _ in group:
                rivals[i] += weight * (3 - len(group))
    return rivals


def numbers_of(relation: Relation, cells: Mapping[Place, Cell]) -> list[Fraction | None]:
    """The numbers of a relation's cells; None for what is no number."""
    return [relation.number(cells[place], cells[place].value) for place in relation.places]
