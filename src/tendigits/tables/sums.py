"""Check a table by its sums: if the last number of a row is the sum of the others, all of them were read right.

checked = check_sums(table, Sums.AUTO)      # checked.agreement: "totals agree in 22 of 24 rows"
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from tendigits.numbers.grammar import to_decimal
from tendigits.tables.cell import Cell
from tendigits.tables.options import Sums
from tendigits.tables.table import Table

DIGITS = "0123456789"


@dataclass(frozen=True)
class SumOptions:
    """Tolerances of checking sums."""

    min_agreeing: int = 3  # rows in which the last number is the sum of the others
    min_agreeing_fraction: float = 0.5  # the same, as a fraction of the rows that can be checked
    min_addends: int = 2
    agreed_confidence: float = 0.999  # of the numbers of a sum that agrees; two misread ones rarely compensate
    min_probability: float = 1e-4  # of another digit, or of a lost one, to which the reader gave none


OPTIONS = SumOptions()

Series = list[Cell]
"""A row, or a column of a transposed table; the last cell may be the sum of the cells from a start index on."""


def check_sums(table: Table, sums: Sums) -> Table:
    """Accept the numbers of sums that agree; where a sum does not agree, mark what was probably misread."""
    rows, agreements = table.rows, []
    starts: dict[str, int | None] = {"row": None, "column": None}
    for name, wanted in (("row", Sums.LAST_COLUMN), ("column", Sums.LAST_ROW)):
        is_given = sums in (Sums.BOTH, wanted)
        if not is_given and sums is not Sums.AUTO:
            continue
        series = rows if name == "row" else _transposed(rows)
        start = _find_start(series, is_given)
        if start is None:
            continue
        results = [_agrees(each, start) for each in series]
        agreements.append(f"{results.count(True)} of {len(results) - results.count(None)} {name}s")
        starts[name] = start
        series = [_checked(each, start, name) for each in series]
        rows = series if name == "row" else _transposed(series)
    if not agreements:
        return table
    agreement = f"totals agree in {' and '.join(agreements)}"
    return replace(table, rows=rows, agreement=agreement, row_sums=starts["row"], column_sums=starts["column"])


def _transposed(series: Sequence[Series]) -> list[Series]:
    return [*map(list, zip(*series, strict=True))]


def _find_start(series: Sequence[Series], is_given: bool) -> int | None:
    """The start index for which most sums agree; None if too few agree.

    Args:
        is_given: whether the user asked for these sums; then one that agrees is enough.
    """
    most, best = 0, None
    for start in range(len(series[0]) - OPTIONS.min_addends if series else 0):
        results = [agrees for each in series if (agrees := _agrees(each, start)) is not None]
        n = sum(results)
        is_enough = is_given or n >= max(OPTIONS.min_agreeing, OPTIONS.min_agreeing_fraction * len(results))
        if is_enough and n > most:
            most, best = n, start
    return best


def _agrees(series: Series, start: int) -> bool | None:
    """Whether the last number is the sum of the others; None if a number is missing, or if the sum is zero."""
    total, addends = series[-1], [cell for cell in series[start:-1] if cell.value or cell.is_unread]
    numbers = [cell.number for cell in addends if cell.number is not None]
    if not total.number or len(numbers) < max(OPTIONS.min_addends, len(addends)):
        return None
    return sum(numbers) == total.number


def _checked(series: Series, start: int, name: str) -> Series:
    """A row or a column after the check; the name is "row" or "column"."""
    agrees = _agrees(series, start)
    if agrees is None:
        return _with_missing_number(series, start, name)
    head, tail = series[:start], series[start:]
    if agrees:
        return head + [_confirmed(cell) if cell.value else cell for cell in tail]
    total = sum(cell.number for cell in tail[:-1] if cell.number is not None)
    reason = f"this {name} adds up to {total}, not {tail[-1].number}"
    repairs = sorted(_repairs(series, start), key=lambda repair: -repair.likelihood_ratio)
    if not repairs:
        return head + [_doubtful(cell, reason, cell.options) if cell.value else cell for cell in tail]
    best = repairs[0]
    cell = series[best.index]
    others = [(best.text, best.probability), *(option for option in cell.options if option[0] != best.text)]
    repaired = _doubtful(cell, f"{reason}; {cell.value} may be {best.text}", others)
    return [*series[: best.index], repaired, *series[best.index + 1 :]]


def _with_missing_number(series: Series, start: int, name: str) -> Series:
    """A row or a column; if exactly one number could not be read, its reason names what would make the sum right."""
    unread = [i for i in range(start, len(series)) if series[i].is_unread]
    numbers = [cell.number for cell in series[start:] if cell.value]
    known = [number for number in numbers if number is not None]
    if len(unread) != 1 or len(known) < max(OPTIONS.min_addends, len(numbers)):
        return series
    index = unread[0]
    missing = sum(known) if index == len(series) - 1 else known[-1] - sum(known[:-1])
    if missing < 0:
        return series
    reason = f"{series[index].reason}; {missing} would make this {name} add up"
    cell = _doubtful(series[index], reason, [(str(missing), OPTIONS.min_probability)])
    return [*series[:index], cell, *series[index + 1 :]]


def _confirmed(cell: Cell) -> Cell:
    return replace(cell, accepted=True, reason=None, confidence=max(cell.confidence, OPTIONS.agreed_confidence))


def _doubtful(cell: Cell, reason: str, options: list[tuple[str, float]]) -> Cell:
    return replace(cell, accepted=False, reason=reason, options=options)


@dataclass(frozen=True)
class _Repair:
    """Another value for one cell that makes the sum right."""

    index: int
    text: str
    probability: float
    likelihood_ratio: float
    """Its probability relative to that of the value that was read."""


def _repairs(series: Series, start: int) -> Iterator[_Repair]:
    """Values that make the sum right and differ from what was read in one character."""
    numbers = [cell.number or Decimal(0) for cell in series]
    missing = numbers[-1] - sum(numbers[start:-1])
    for index in range(start, len(series)):
        cell = series[index]
        wanted = numbers[index] + (missing if index < len(series) - 1 else -missing)
        for text, probability in _alternatives(cell, OPTIONS.min_probability):
            if to_decimal(text) == wanted:
                ratio = probability / max(cell.confidence, OPTIONS.min_probability)
                yield _Repair(index, text, probability, ratio)


def _alternatives(cell: Cell, min_probability: float) -> Iterator[tuple[str, float]]:
    """Other values of a cell: its options, and its value with one digit changed, lost, or added at an end."""
    yield from cell.options
    value = cell.value
    for i, character in enumerate(value):
        if character.isdigit():
            yield from ((value[:i] + other + value[i + 1 :], min_probability) for other in ("", *DIGITS))
    yield from ((text, min_probability) for digit in DIGITS for text in (digit + value, value + digit))
