"""Check a table by its sums.

checked = check(table, sums="last-column")
checked.agreement       # "totals agree in 22 of 24 rows"
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from operator import itemgetter

from tendigits.errors import UserError
from tendigits.numbers.grammar import to_decimal
from tendigits.tables.cell import Cell
from tendigits.tables.options import Sums
from tendigits.tables.table import Table

MIN_AGREEING = 3  # rows in which the last number is the sum of the others
MIN_AGREEING_FRACTION = 0.5  # the same, as a fraction of the rows that can be checked
MIN_ADDENDS = 2
AGREED_CONFIDENCE = 0.999  # of the numbers of a sum that agrees; two misread ones rarely compensate
MIN_PROBABILITY = 1e-4  # of another digit, or of a lost one, to which the reader gave none

DIGITS = "0123456789"

Series = list[Cell]
"""A row, or a column of a transposed table; the last cell may be the sum of the cells from a start index on."""


def check(table: Table, sums: str = Sums.AUTO) -> Table:
    """Accept what agrees, mark the rest as doubtful. Raises UserError for an invalid argument."""
    if sums not in list(Sums):
        raise UserError(f"expected {', '.join(Sums)} for sums, received {sums!r}")
    return check_sums(table, Sums(sums)) if table.rows else table


def check_sums(table: Table, sums: Sums) -> Table:
    """Find the sums; accept the numbers of those that agree; in others mark what was probably misread."""

    def start_of(series: Sequence[Series], wanted: Sums) -> int | None:
        return _find_start(series, sums is not Sums.AUTO) if sums in (Sums.AUTO, Sums.BOTH, wanted) else None

    row_sums = start_of(table.rows, Sums.LAST_COLUMN)
    column_sums = start_of(_transposed(table.rows), Sums.LAST_ROW)
    return _with_sums(table, row_sums, column_sums, _with_checked_sum)


def confirm_sums(table: Table) -> Table:
    """Accept the numbers of sums that agree, and doubt nothing: a person has changed the table since it was read."""
    return _with_sums(table, table.row_sums, table.column_sums, _with_confirmed_sum)


def _with_sums(
    table: Table, row_sums: int | None, column_sums: int | None, check_series: Callable[[Series, int, str], Series]
) -> Table:
    """The table after a check of the rows and columns that end with their sum, and in how many of them it agrees."""
    rows, agreements = table.rows, []
    for name, start in (("row", row_sums), ("column", column_sums)):
        if start is None:
            continue
        series = rows if name == "row" else _transposed(rows)
        results = [_agrees(each, start) for each in series]
        agreements.append(f"{results.count(True)} of {len(results) - results.count(None)} {name}s")
        series = [check_series(each, start, name) for each in series]
        rows = series if name == "row" else _transposed(series)
    if not agreements:
        return table
    agreement = f"totals agree in {' and '.join(agreements)}"
    return replace(table, rows=rows, agreement=agreement, row_sums=row_sums, column_sums=column_sums)


def _transposed(rows: Sequence[Series]) -> list[Series]:
    return [*map(list, zip(*rows, strict=True))]


def _find_start(series: Sequence[Series], is_given: bool) -> int | None:
    """The start index for which most sums agree; None if too few agree. If the user gave these sums, one is enough."""
    most, best = 0, None
    for start in range(len(series[0]) - MIN_ADDENDS if series else 0):
        results = [_agrees(each, start) for each in series]
        n, n_checked = results.count(True), len(results) - results.count(None)
        if n > most and (is_given or n >= max(MIN_AGREEING, MIN_AGREEING_FRACTION * n_checked)):
            most, best = n, start
    return best


def _agrees(series: Series, start: int) -> bool | None:
    """Whether the last number is the sum of the others; None if a number is missing, or if the sum is zero."""
    total, addends = series[-1], [cell for cell in series[start:-1] if cell.value or cell.is_unread]
    numbers = [cell.number for cell in addends if cell.number is not None]
    if not total.number or len(numbers) < max(MIN_ADDENDS, len(addends)):
        return None
    return sum(numbers) == total.number


def _with_checked_sum(series: Series, start: int, name: str) -> Series:
    """A row or a column after the check; the name is "row" or "column"."""
    agrees = _agrees(series, start)
    if agrees is None:
        return _with_missing_number(series, start, name)
    if agrees:
        return _with_confirmed_sum(series, start, name)
    head, tail = series[:start], series[start:]
    total = sum(cell.number for cell in tail[:-1] if cell.number is not None)
    reason = f"this {name} adds up to {total}, not {tail[-1].number}"
    repairs = [*_repairs(series, start)]
    if not repairs:
        return head + [replace(cell, accepted=False, reason=reason) if cell.value else cell for cell in tail]
    _, index, text, probability = max(repairs, key=itemgetter(0))
    options = [(text, probability), *(option for option in series[index].options if option[0] != text)]
    return _with_doubt(series, index, f"{reason}; {series[index].value} may be {text}", options)


def _with_confirmed_sum(series: Series, start: int, _: str) -> Series:
    """A row or a column, its numbers accepted if the last one is the sum of the others."""
    if not _agrees(series, start):
        return series
    return series[:start] + [_confirmed(cell) if cell.value else cell for cell in series[start:]]


def _with_missing_number(series: Series, start: int, name: str) -> Series:
    """A row or a column; if exactly one number could not be read, its reason names what would make the sum right."""
    unread = [i for i in range(start, len(series)) if series[i].is_unread]
    numbers = [cell.number for cell in series[start:] if cell.value]
    known = [number for number in numbers if number is not None]
    if len(unread) != 1 or len(known) < max(MIN_ADDENDS, len(numbers)):
        return series
    index = unread[0]
    missing = sum(known) if index == len(series) - 1 else known[-1] - sum(known[:-1])
    if missing < 0:
        return series
    reason = f"{series[index].reason}; {missing} would make this {name} add up"
    return _with_doubt(series, index, reason, [(str(missing), MIN_PROBABILITY)])


def _confirmed(cell: Cell) -> Cell:
    if not cell.confidence:
        return cell  # it is not what a person expects there
    return replace(cell, accepted=True, reason=None, confidence=max(cell.confidence, AGREED_CONFIDENCE))


def _with_doubt(series: Series, index: int, reason: str, options: list[tuple[str, float]]) -> Series:
    doubtful = replace(series[index], accepted=False, reason=reason, options=options)
    return [*series[:index], doubtful, *series[index + 1 :]]


def _repairs(series: Series, start: int) -> Iterator[tuple[float, int, str, float]]:
    """Values of one cell that make the sum right: probability relative to the value read, index, value, probability."""
    numbers = [cell.number or Decimal(0) for cell in series]
    missing = numbers[-1] - sum(numbers[start:-1])
    for index in range(start, len(series)):
        cell = series[index]
        wanted = numbers[index] + (missing if index < len(series) - 1 else -missing)
        for text, probability in _alternatives(cell):
            if to_decimal(text) == wanted:
                yield probability / max(cell.confidence, MIN_PROBABILITY), index, text, probability


def _alternatives(cell: Cell) -> Iterator[tuple[str, float]]:
    """Other values of a cell: its options, and its value with one digit changed, lost, or added at an end."""
    yield from cell.options
    value = cell.value
    for i, character in enumerate(value):
        if character.isdigit():
            yield from ((value[:i] + other + value[i + 1 :], MIN_PROBABILITY) for other in ("", *DIGITS))
    yield from ((text, MIN_PROBABILITY) for digit in DIGITS for text in (digit + value, value + digit))
